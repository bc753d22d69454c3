//! What WebKit's view on Linux leaves to the program around it: a page whose process broke is loaded again, and files that
//! are pasted are shared.
//!
//! The page has no part in pasting: only a key that a person presses takes files from the clipboard, so that no script
//! can. It learns neither their paths nor their bytes.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use gtk::gdk::keys::{Key, constants as key};
use gtk::gdk::{self, EventKey, ModifierType};
use gtk::glib::Propagation;
use gtk::prelude::WidgetExt;
use gtk::{Clipboard, accelerator_get_default_mod_mask};
use privydrop_common::api::NoticeCode;
use tauri::{Manager, Runtime, Url, WebviewWindow, async_runtime};
use webkit2gtk::{WebView, WebViewExt};

use crate::shell::Shell;

/// A page that breaks this often within a span of time stays as it is: it would break again.
const MAX_BREAKS: usize = 5;
const SPAN: Duration = Duration::from_secs(60);

/// Looks after the window's view until it is gone.
pub(super) fn tend<R: Runtime>(window: &WebviewWindow<R>) -> tauri::Result<()> {
    let shell = window.state::<Shell>().inner().clone();
    shell.takes_pasted();
    window.with_webview(move |view| {
        let view = view.inner();
        reload_when_broken(&view);
        view.connect_key_press_event(move |view, event| {
            if pastes(view, event) {
                take_pasted(&shell);
            }
            // Text goes into the page as ever.
            Propagation::Proceed
        });
    })
}

/// The session goes on beside the page, so a new page shows the room as it is.
fn reload_when_broken(view: &WebView) {
    let breaks = RefCell::new(Breaks::default());
    view.connect_web_process_terminated(move |view, reason| {
        let again = breaks.borrow_mut().note(Instant::now());
        tracing::warn!(?reason, again, "the page's process ended");
        if again {
            view.reload();
        }
    });
}

/// When the page broke lately.
#[derive(Debug, Default)]
struct Breaks(Vec<Instant>);

impl Breaks {
    /// Notes one more; true when the page is worth another try.
    fn note(&mut self, now: Instant) -> bool {
        self.0.retain(|earlier| now.duration_since(*earlier) < SPAN);
        let again = self.0.len() < MAX_BREAKS;
        if again {
            self.0.push(now);
        }
        again
    }
}

/// True for the keys that paste, in any layout: the key that types V in one of them.
fn pastes(view: &WebView, event: &EventKey) -> bool {
    let held = event.state() & accelerator_get_default_mod_mask();
    if held == ModifierType::SHIFT_MASK {
        return is_one_of(event.keyval(), [key::Insert, key::KP_Insert]);
    }
    let keymap = gdk::Keymap::for_display(&view.display());
    let typed = keymap.map(|keymap| keymap.entries_for_keyval(*key::v)).unwrap_or_default();
    held == ModifierType::CONTROL_MASK
        && typed.iter().any(|typed| typed.keycode() == u32::from(event.hardware_keycode()))
}

fn is_one_of(pressed: Key, keys: [Key; 2]) -> bool {
    keys.contains(&pressed)
}

/// Shares the files that stand on the clipboard. Says so when there is a picture only, which the page would lose.
fn take_pasted(shell: &Shell) {
    let shell = shell.clone();
    Clipboard::get(&gdk::SELECTION_CLIPBOARD).request_uris(move |clipboard, addresses| {
        let paths: Vec<PathBuf> = addresses.iter().filter_map(|address| path_of(address)).collect();
        if !paths.is_empty() {
            async_runtime::spawn(async move { shell.share(paths).await });
        } else if clipboard.wait_is_image_available() && !clipboard.wait_is_text_available() {
            shell.tell(NoticeCode::FilesNotPasted, "", None);
        }
    });
}

/// The path that an address on this machine leads to.
fn path_of(address: &str) -> Option<PathBuf> {
    let url: Url = address.parse().ok()?;
    (url.scheme() == "file").then(|| url.to_file_path().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_breaks_again_and_again_is_left_alone_for_a_while() {
        let (mut breaks, start) = (Breaks::default(), Instant::now());
        for second in 0..5 {
            assert!(breaks.note(start + Duration::from_secs(second)));
        }
        assert!(!breaks.note(start + Duration::from_secs(6)));
        assert!(breaks.note(start + SPAN), "the first one is long ago");
        assert!(!breaks.note(start + SPAN));
    }

    #[test]
    fn only_files_of_this_machine_are_taken_from_what_is_pasted() {
        let path = |address| path_of(address).map(|path| path.display().to_string());
        assert_eq!(path("file:///tmp/with%20blank.txt").as_deref(), Some("/tmp/with blank.txt"));
        for other in ["https://drop.example/a.txt", "file://elsewhere/a.txt", "a.txt", ""] {
            assert_eq!(path(other), None, "{other}");
        }
    }
}
