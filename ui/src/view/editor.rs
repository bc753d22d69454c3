//! The field for formatted text. Its content lives in the page and is read out whole at each change.

use web_sys::{ClipboardEvent, Element, HtmlInputElement, InputEvent, KeyboardEvent, Node};
use yew::prelude::*;

use super::icon::{Icon, icon};
use crate::editor::{self, Place};
use crate::locale::use_locale;
use crate::state::Intent;

/// What the field needs.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// True once the text was shared: every change of it is, too.
    pub shared: bool,
    /// What the person wants.
    pub on: Callback<Intent>,
}

/// The field, its tools and its button.
#[component]
pub fn Editor(props: &Props) -> Html {
    let locale = use_locale();
    let field = use_node_ref();
    let filled = use_state_eq(|| false);
    let place = use_state_eq(|| None::<Place>);
    let address = use_node_ref();

    let tell = {
        let (field, on) = (field.clone(), props.on.clone());
        move |wrap: fn(_) -> Intent| {
            let Some(node) = field.get() else { return true };
            match editor::read(&node) {
                Ok(document) => {
                    let filled = !document.is_empty();
                    on.emit(wrap(document));
                    filled
                }
                Err(_) => {
                    on.emit(Intent::TextTooLong);
                    true
                }
            }
        }
    };
    let changed = {
        let (tell, filled) = (tell.clone(), filled.clone());
        Callback::from(move |()| filled.set(tell(Intent::EditText)))
    };
    let share = {
        let tell = tell.clone();
        move |_| {
            tell(Intent::ShareText);
        }
    };
    let paste = {
        let (field, changed) = (field.clone(), changed.clone());
        move |event: Event| {
            if field.get().is_some_and(|field| paste(&event, &field)) {
                changed.emit(());
            }
        }
    };
    let tool = |sign: Html, label: &str, command: &'static str| {
        let changed = changed.clone();
        let run = move |event: MouseEvent| {
            event.prevent_default();
            editor::run_command(command);
            changed.emit(());
        };
        html! {
            // The focus stays in the text: a press that moved it away would lose what is selected.
            <button class="tool tip" type="button" aria-label={locale.say(label)} onclick={run} onmousedown={keep_focus}>{ sign }</button>
        }
    };
    let shortcut = {
        let changed = changed.clone();
        move |event: KeyboardEvent| {
            // Not every browser has these keys by itself (Firefox on Linux has none of them).
            if let Some(command) = shortcut(&event) {
                event.prevent_default();
                editor::run_command(command);
                changed.emit(());
            }
        }
    };
    let wrap = {
        let changed = changed.clone();
        move |place: Option<Place>, element: Option<Element>, otherwise: &str| {
            if let (Some(place), Some(element)) = (place, element) {
                // A selection that the browser cannot take apart stays as it was.
                let _ = editor::wrap(&place, &element, otherwise);
                changed.emit(());
            }
        }
    };
    let code = {
        let (field, changed, wrap) = (field.clone(), changed.clone(), wrap.clone());
        move |event: MouseEvent| {
            event.prevent_default();
            let Some((node, place)) =
                field.get().and_then(|node| Some((node.clone(), editor::selected(&node)?)))
            else {
                return;
            };
            if editor::unwrap(&node, &place, "code") == Ok(true) {
                changed.emit(());
            } else {
                wrap(Some(place), gloo::utils::document().create_element("code").ok(), " ");
            }
        }
    };
    let ask_link = {
        let (field, place) = (field.clone(), place.clone());
        move |event: MouseEvent| {
            event.prevent_default();
            place.set(field.get().and_then(|field| editor::selected(&field)));
        }
    };
    let set_link = {
        let (place, address) = (place.clone(), address.clone());
        Callback::from(move |()| {
            let Some(input) = address.cast::<HtmlInputElement>() else { return };
            match with_scheme(&input.value()).parse() {
                Ok(link) => {
                    wrap((*place).clone(), editor::anchor(&link).ok(), link.as_str());
                    place.set(None);
                }
                Err(_) => drop(input.focus()),
            }
        })
    };
    {
        let address = address.clone();
        use_effect_with(place.is_some(), move |asked| {
            if let Some(input) = address.cast::<HtmlInputElement>().filter(|_| *asked) {
                // A field that takes no focus can still be clicked.
                let _ = input.focus();
            }
        });
    }
    let link_key = {
        let (place, set_link) = (place.clone(), set_link.clone());
        move |event: KeyboardEvent| match event.key().as_str() {
            "Enter" => {
                event.prevent_default();
                set_link.emit(());
            }
            "Escape" => place.set(None),
            _ => {}
        }
    };
    html! {
        <div class={classes!("editor", (*filled).then_some("filled"))}>
            <div ref={field} id="text-input" class="text" data-testid="text-input" contenteditable="true" role="textbox" aria-multiline="true"
                aria-label={locale.say("text-title")} aria-placeholder={locale.say("text-placeholder")} dir="auto"
                data-placeholder={locale.say("text-placeholder")} oninput={changed.reform(|_: InputEvent| ())} onpaste={paste} onkeydown={shortcut} />
            if place.is_some() {
                <div class="row link-address">
                    <input ref={address} type="url" inputmode="url" placeholder="https://" aria-label={locale.say("text-link-address")}
                        onkeydown={link_key} />
                    <button class="button small" type="button" onclick={set_link.reform(|_| ())}>{ locale.say("text-link-set") }</button>
                    <button class="button small plain square" type="button" aria-label={locale.say("cancel")}
                        onclick={{ let place = place.clone(); move |_| place.set(None) }}>{ icon(Icon::Cross) }</button>
                </div>
            }
            <div class="bar">
                <div class="tools" role="toolbar" aria-label={locale.say("text-tools")}>
                    { tool(html! { <b>{ "B" }</b> }, "text-bold", "bold") }
                    { tool(html! { <i>{ "I" }</i> }, "text-italic", "italic") }
                    { tool(html! { <u>{ "U" }</u> }, "text-underline", "underline") }
                    <button class="tool tip" type="button" aria-label={locale.say("text-code")} onclick={code} onmousedown={keep_focus}>
                        <code>{ "<>" }</code></button>
                    { tool(icon(Icon::List), "text-list", "insertUnorderedList") }
                    <button class="tool tip" type="button" aria-label={locale.say("text-link")} onclick={ask_link} onmousedown={keep_focus}>
                        { icon(Icon::Link) }</button>
                </div>
                if props.shared { <p class="hint synced">{ icon(Icon::Check) }{ locale.say("text-synced") }</p> }
                <button class={classes!("button", "small", (*filled && !props.shared).then_some("primary"))} type="button" data-testid="share-text"
                    disabled={!*filled} onclick={share}>{ locale.say("text-share") }</button>
            </div>
        </div>
    }
}

/// The command of a key pressed with Ctrl or ⌘ alone.
fn shortcut(event: &KeyboardEvent) -> Option<&'static str> {
    if event.ctrl_key() == event.meta_key() || event.alt_key() || event.shift_key() {
        return None;
    }
    match event.key().as_str() {
        "b" | "B" => Some("bold"),
        "i" | "I" => Some("italic"),
        "u" | "U" => Some("underline"),
        _ => None,
    }
}

fn keep_focus(event: MouseEvent) {
    event.prevent_default();
}

/// Takes over a paste of text; false for anything else, which is left to the page.
fn paste(event: &Event, field: &Node) -> bool {
    use wasm_bindgen::JsCast;
    let Some(data) = event.dyn_ref::<ClipboardEvent>().and_then(ClipboardEvent::clipboard_data) else {
        return false;
    };
    if data.files().is_some_and(|files| files.length() > 0) {
        return false;
    }
    let part = |kind: &str| data.get_data(kind).ok().filter(|text| !text.is_empty());
    let document =
        part("text/html").and_then(|markup| editor::read_markup(&markup)).filter(|found| !found.is_empty());
    let plain = || privydrop_common::text::Document::from_plain(&part("text/plain")?).ok();
    let Some(document) = document.or_else(plain) else { return false };
    event.prevent_default();
    // What cannot be inserted is not pasted; the text before stays as it is.
    editor::insert(field, &document).is_ok()
}

/// The address as people type it: `example.org` means https.
fn with_scheme(address: &str) -> String {
    let address = address.trim();
    if address.contains(':') { address.to_owned() } else { format!("https://{address}") }
}
