//! The window around the page: its address, its document's marks, and the events that concern all of it.
//!
//! Reads a link out of the address and takes it away from there, so that it stays in no history.

use std::rc::Rc;

use gloo::events::{EventListener, EventListenerOptions};
use gloo::utils::{document, window};
use privydrop_common::api::Command;
use privydrop_common::code::Link;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ClipboardEvent, DataTransfer, DragEvent, Event, VisibilityState};

use crate::backend::IN_APP;
use crate::deeds::Deeds;

/// The address of the page without its fragment: what links begin with.
pub fn page_address() -> String {
    let address = window().location().href().unwrap_or_default();
    address.split('#').next().unwrap_or_default().to_owned()
}

/// What the browser says of itself.
pub fn user_agent() -> String {
    window().navigator().user_agent().unwrap_or_default()
}

/// Sets an attribute of the document's root.
pub fn mark_document(name: &str, value: &str) {
    if let Some(root) = document().document_element() {
        // Only a malformed name could fail.
        let _ = root.set_attribute(name, value);
    }
}

/// Lets the page be seen in place of the picture that stands in for it. The link by which it was opened leaves its address
/// only now: the browser's own work for that would keep everything else waiting.
pub fn show_page() {
    if let Some(picture) = document().get_element_by_id("picture") {
        picture.remove();
        take_link();
    }
}

/// The link in the page's address.
pub fn link() -> Option<Link> {
    window().location().hash().ok()?.parse().ok()
}

/// The link in the address, taken out of it.
pub fn take_link() -> Option<Link> {
    let link = link()?;
    if let Ok(history) = window().history() {
        // An address that cannot be changed keeps its link; joining works all the same.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&page_address()));
    }
    Some(link)
}

/// Listens until it is dropped.
pub fn listen(deeds: &Rc<Deeds>) -> Vec<EventListener> {
    let on = |target: &web_sys::EventTarget, event: &'static str, act: fn(&Deeds, &Event)| {
        let deeds = deeds.clone();
        let options = EventListenerOptions::enable_prevent_default();
        EventListener::new_with_options(target, event, options, move |event| act(&deeds, event))
    };
    let (window, document) = (window(), document());
    let awake = vec![
        on(&window, "online", |deeds, _| deeds.command(Command::Moved)),
        on(&document, "visibilitychange", |deeds, _| {
            if gloo::utils::document().visibility_state() == VisibilityState::Visible {
                deeds.command(Command::Nudge);
            }
        }),
    ];
    if IN_APP {
        // Files and links come to the program around the page.
        return awake.into_iter().chain([on(&window, "paste", paste_in_app)]).collect();
    }
    let files = vec![
        on(&window, "dragover", drag_over),
        on(&window, "dragleave", drag_leave),
        on(&window, "drop", drop_here),
        on(&window, "paste", paste),
        on(&window, "hashchange", |deeds, _| {
            if let Some(link) = take_link() {
                deeds.open_link(link);
            }
        }),
    ];
    awake.into_iter().chain(files).collect()
}

fn drag_over(deeds: &Deeds, event: &Event) {
    if dragged_files(event).is_some() {
        event.prevent_default();
        deeds.drag(true);
    }
}

fn drag_leave(deeds: &Deeds, event: &Event) {
    // Leaving for another element of the page is no leaving.
    if event.dyn_ref::<DragEvent>().is_some_and(|event| event.related_target().is_none()) {
        deeds.drag(false);
    }
}

fn drop_here(deeds: &Deeds, event: &Event) {
    deeds.drag(false);
    if let Some(transfer) = dragged_files(event) {
        event.prevent_default();
        deeds.share(transfer);
    }
}

fn paste(deeds: &Deeds, event: &Event) {
    if let Some(transfer) = pasted_files(event) {
        event.prevent_default();
        deeds.share(transfer);
    }
}

fn paste_in_app(deeds: &Deeds, event: &Event) {
    if pasted_files(event).is_some() {
        event.prevent_default();
        deeds.pasted_in_app();
    }
}

fn pasted_files(event: &Event) -> Option<DataTransfer> {
    let pasted = event.dyn_ref::<ClipboardEvent>()?.clipboard_data()?;
    pasted.files().is_some_and(|files| files.length() > 0).then_some(pasted)
}

fn dragged_files(event: &Event) -> Option<DataTransfer> {
    let transfer = event.dyn_ref::<DragEvent>()?.data_transfer()?;
    transfer.types().includes(&"Files".into(), 0).then_some(transfer)
}
