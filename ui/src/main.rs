//! PrivyDrop's web app: one page that shares and receives over a session running inside it.
//!
//! The rules live in `privydrop-common`; this crate draws, words, and joins them to the browser.

// In a program nothing is reachable from outside; here `pub` marks what a module offers to the others.
#![allow(unreachable_pub)]

mod app;
mod awake;
#[cfg_attr(any(feature = "gallery", feature = "desktop"), allow(dead_code))]
mod backend;
mod choices;
mod clipboard;
#[cfg(not(any(feature = "gallery", feature = "desktop")))]
mod crc32;
mod deeds;
mod device;
mod editor;
mod figures;
mod fluent;
mod listeners;
mod locale;
mod memory;
mod picture;
mod qr;
mod state;
mod theme;
mod view;
mod visit;
#[cfg(not(any(feature = "gallery", feature = "desktop")))]
mod web;
mod words;
#[cfg(not(any(feature = "gallery", feature = "desktop")))]
mod zip;

fn main() {
    #[cfg(feature = "gallery")]
    backend::gallery::prepare();
    // Until the words are here, people see what the page came with, in the colours that they chose.
    listeners::mark_document("data-theme", memory::theme().mark());
    wasm_bindgen_futures::spawn_local(async {
        words::load(memory::language()).await;
        // A page without this element is not ours.
        if let Some(root) = gloo::utils::document().get_element_by_id("app") {
            yew::Renderer::<app::App>::with_root(root).render();
        }
    });
}
