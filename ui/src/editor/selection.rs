//! The caret and the selection inside the editor: what is selected, wrapping it, inserting at it.
//!
//! Acts on the editor that it is given and on nothing outside of it.

use privydrop_common::text::{Block, Document, Style};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlDocument, Node, Range, Selection};

use super::elements;

/// A remembered selection; it stays right while the focus is elsewhere.
#[derive(Clone, PartialEq)]
pub struct Place(Range);

/// What is selected inside this editor.
pub fn selected(editor: &Node) -> Option<Place> {
    let selection = selection()?;
    let range = (selection.range_count() > 0).then(|| selection.get_range_at(0).ok()).flatten()?;
    let inside = range.common_ancestor_container().ok()?;
    editor.contains(Some(&inside)).then_some(Place(range))
}

/// Puts what is selected into an element; a selection of nothing gets this text.
pub fn wrap(place: &Place, element: &Element, otherwise: &str) -> Result<(), JsValue> {
    let Place(range) = place;
    if range.collapsed() {
        element.set_text_content(Some(otherwise));
    } else {
        element.append_child(&range.extract_contents()?.into())?;
    }
    range.insert_node(element)?;
    caret_after(element)
}

/// Takes the element of this name off what is selected, if it stands in one; a caret just steps out behind it.
pub fn unwrap(editor: &Node, place: &Place, tag: &str) -> Result<bool, JsValue> {
    let Place(range) = place;
    let inside = range.common_ancestor_container()?;
    let nearest = inside.dyn_ref::<Element>().cloned().or_else(|| inside.parent_element());
    let found = nearest.and_then(|nearest| nearest.closest(tag).ok().flatten());
    let Some(element) = found.filter(|element| editor.contains(Some(element))) else { return Ok(false) };
    let space = gloo::utils::document().create_text_node(" ");
    element.after_with_node_1(&space)?;
    if !range.collapsed() {
        while let Some(child) = element.first_child() {
            element.before_with_node_1(&child)?;
        }
        element.remove();
    }
    caret_after(&space)?;
    Ok(true)
}

/// Does what a key like Ctrl+B does, to the selection.
pub fn run_command(command: &str) {
    if let Some(document) = document() {
        // A browser that lacks a command leaves the text as it is.
        let _ = document.exec_command(command);
    }
}

/// Inserts a document at the caret of this editor, in place of what is selected; at its end without one.
pub fn insert(editor: &Node, document: &Document) -> Result<(), JsValue> {
    if is_plain(document) && selected(editor).is_some() && insert_plain(&document.plain_text()) {
        return Ok(());
    }
    let fragment = elements(document)?;
    let Some(last) = fragment.last_child() else { return Ok(()) };
    match selected(editor) {
        Some(Place(range)) => {
            range.delete_contents()?;
            range.insert_node(&fragment)?;
        }
        None => {
            editor.append_child(&fragment)?;
        }
    }
    caret_after(&last)
}

/// As if typed, so that it can be undone; false when the browser cannot.
fn insert_plain(text: &str) -> bool {
    let inserted =
        document().map(|document| document.exec_command_with_show_ui_and_value("insertText", false, text));
    matches!(inserted, Some(Ok(true)))
}

fn is_plain(document: &Document) -> bool {
    document.blocks().iter().all(|block| {
        matches!(block, Block::Paragraph { level: None, runs } if runs.iter().all(|run| run.style == Style::default()))
    })
}

fn caret_after(node: &Node) -> Result<(), JsValue> {
    let range = Range::new()?;
    range.set_start_after(node)?;
    range.collapse_with_to_start(true);
    if let Some(selection) = selection() {
        selection.remove_all_ranges()?;
        selection.add_range(&range)?;
    }
    Ok(())
}

fn selection() -> Option<Selection> {
    gloo::utils::window().get_selection().ok()?
}

fn document() -> Option<HtmlDocument> {
    gloo::utils::document().dyn_into().ok()
}
