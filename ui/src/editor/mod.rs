//! The text editor's content: elements into a document, a document into elements, both by walking.
//!
//! Markup is parsed only into inert documents that are walked and thrown away. Nothing here sets markup on the page,
//! and what has no place in a document (pictures, scripts, frames) is left out.

mod builder;
mod markup;
mod selection;

use privydrop_common::text::{Block, Document, InvalidText, Level, Run, Style, WebLink};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DocumentFragment, DomParser, Element, Node, SupportedType};

pub use builder::has_hue;
use builder::{Builder, Open, colour, declared, styled};
use markup::{RENAMED_ATTRIBUTE, RENAMED_ELEMENT, unstyled};
pub use selection::{Place, insert, run_command, selected, unwrap, wrap};

/// Elements deeper than this are read as their text alone.
const DEEPEST: usize = 64;

/// How blanks between elements count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blanks {
    /// As typed: the editor shows every one of them.
    Kept,
    /// As in markup: many are as one.
    Together,
}

/// What the editor holds.
pub fn read(editor: &Node) -> Result<Document, InvalidText> {
    let mut builder = Builder::default();
    walk_children(editor, &Style::default(), &mut builder, Blanks::Kept, 0);
    builder.finish()
}

/// Formatted text from elsewhere; `None` when it cannot be read or is too long.
pub fn read_markup(markup: &str) -> Option<Document> {
    let inert = DomParser::new().ok()?.parse_from_string(&unstyled(markup), SupportedType::TextHtml).ok()?;
    let mut builder = Builder::default();
    let body = inert.body()?;
    walk_children(&body, &Style::default(), &mut builder, Blanks::Together, 0);
    builder.finish().ok()
}

fn walk_children(parent: &Node, style: &Style, builder: &mut Builder, blanks: Blanks, depth: usize) {
    let mut next = parent.first_child();
    while let Some(node) = next {
        walk(&node, style, builder, blanks, depth);
        next = node.next_sibling();
    }
}

fn walk(node: &Node, style: &Style, builder: &mut Builder, blanks: Blanks, depth: usize) {
    let Some(element) = node.dyn_ref::<Element>() else {
        if node.node_type() == Node::TEXT_NODE {
            text(node, style, builder, blanks);
        }
        return;
    };
    if depth == DEEPEST {
        return text(node, style, builder, blanks);
    }
    let tag = element.local_name();
    let open = match tag.as_str() {
        RENAMED_ELEMENT | "script" | "style" | "head" | "title" | "template" | "noscript" | "iframe"
        | "object" | "svg" | "math" | "select" | "textarea" | "audio" | "video" | "canvas" => return,
        "br" => return builder.end_line(),
        "td" | "th" => {
            builder.cell();
            None
        }
        "h1" => Some(Open::Paragraph(Some(Level::One))),
        "h2" => Some(Open::Paragraph(Some(Level::Two))),
        "h3" | "h4" | "h5" | "h6" => Some(Open::Paragraph(Some(Level::Three))),
        "ul" | "menu" => Some(Open::List(false)),
        "ol" => Some(Open::List(true)),
        "li" => Some(Open::Item),
        "pre" => Some(Open::Code),
        "address" | "article" | "aside" | "blockquote" | "dd" | "div" | "dl" | "dt" | "figure" | "footer"
        | "header" | "hr" | "main" | "nav" | "p" | "section" | "table" | "tr" => Some(Open::Paragraph(None)),
        _ => None,
    };
    let style = looks(element, &tag, style);
    if let Some(open) = open {
        builder.begin(open);
    }
    walk_children(node, &style, builder, blanks, depth + 1);
    if open.is_some() {
        builder.end();
    }
}

fn text(node: &Node, style: &Style, builder: &mut Builder, blanks: Blanks) {
    let text = node.text_content().unwrap_or_default();
    match blanks {
        Blanks::Kept => builder.text(&text, style),
        Blanks::Together => builder.flowing_text(&text, style),
    }
}

fn looks(element: &Element, tag: &str, around: &Style) -> Style {
    let mut style = styled(tag, around);
    if tag == "a" {
        style.link = element.get_attribute("href").and_then(|address| address.parse().ok()).or(style.link);
    }
    if let Some(value) = element.get_attribute("color") {
        style.colour = colour(&value);
    }
    match element.get_attribute(RENAMED_ATTRIBUTE).or_else(|| element.get_attribute("style")) {
        Some(declarations) => declared(&declarations, style),
        None => style,
    }
}

/// The elements of a document, for the editor.
pub fn elements(document: &Document) -> Result<DocumentFragment, JsValue> {
    let page = gloo::utils::document();
    let fragment = page.create_document_fragment();
    if let [Block::Paragraph { level: None, runs }] = document.blocks() {
        append_runs(&fragment, runs)?;
        return Ok(fragment);
    }
    for block in document.blocks() {
        let element = match block {
            Block::Paragraph { level, runs } => {
                let element = page.create_element(heading(*level).unwrap_or("div"))?;
                append_runs(&element, runs)?;
                if runs.is_empty() {
                    element.append_child(&page.create_element("br")?.into())?;
                }
                element
            }
            Block::List { ordered, items } => {
                let list = page.create_element(if *ordered { "ol" } else { "ul" })?;
                for runs in items {
                    let item = page.create_element("li")?;
                    append_runs(&item, runs)?;
                    list.append_child(&item)?;
                }
                list
            }
            Block::Code { text } => {
                let element = page.create_element("pre")?;
                element.set_text_content(Some(text));
                element
            }
        };
        fragment.append_child(&element)?;
    }
    Ok(fragment)
}

/// The element of a heading.
pub fn heading(level: Option<Level>) -> Option<&'static str> {
    level.map(|level| match level {
        Level::One => "h3",
        Level::Two => "h4",
        Level::Three => "h5",
    })
}

fn append_runs(parent: &Node, runs: &[Run]) -> Result<(), JsValue> {
    let page = gloo::utils::document();
    for run in runs {
        let mut node: Node = page.create_text_node(&run.text).into();
        for tag in tags(&run.style) {
            let element = page.create_element(tag)?;
            element.append_child(&node)?;
            node = element.into();
        }
        if let Some(link) = &run.style.link {
            let anchor = anchor(link)?;
            anchor.append_child(&node)?;
            node = anchor.into();
        }
        parent.append_child(&node)?;
    }
    Ok(())
}

/// An element that leads to an address.
pub fn anchor(link: &WebLink) -> Result<Element, JsValue> {
    let anchor = gloo::utils::document().create_element("a")?;
    anchor.set_attribute("href", link.as_str())?;
    Ok(anchor)
}

/// The elements that give these looks, innermost first.
pub fn tags(style: &Style) -> impl Iterator<Item = &'static str> {
    let tags = [
        (style.code, "code"),
        (style.strike, "s"),
        (style.underline, "u"),
        (style.italic, "i"),
        (style.bold, "b"),
    ];
    tags.into_iter().filter_map(|(set, tag)| set.then_some(tag))
}
