//! The page's one door to whatever runs the session: in a plain browser the session runs in the page itself, in the
//! app's window it runs in the program around the page.
//!
//! A backend passes commands on, turns files and folders that a person picked into offers, finds places to receive
//! into, and hands over what was received. It never words a message and never draws anything.

#[cfg(not(any(feature = "gallery", feature = "desktop")))]
pub mod browser;
#[cfg(feature = "desktop")]
pub mod desktop;
#[cfg(feature = "gallery")]
pub mod gallery;

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use privydrop_common::api::Command;
use privydrop_common::bridge::Words;
pub use privydrop_common::bridge::{NoAnswer, NoPlace};
use privydrop_common::host::{PlaceId, StoreId};
use privydrop_common::id::RoomId;

use crate::state::Action;

/// Runs the session for a page.
pub trait Backend {
    /// Passes a command to the session.
    fn command(&self, command: Command);

    /// Offers picked files. Files from a folder picker keep their tree and become folder items.
    fn share_files(&self, files: Vec<web_sys::File>);

    /// Offers what was dropped or pasted, folders with their trees. Call it inside the event's handler: the browser
    /// empties the transfer afterwards.
    fn share_drop(&self, transfer: web_sys::DataTransfer);

    /// Finds a place to receive into; asks the person where the browser can. Call it inside a click's handler.
    fn choose_place(&self) -> LocalBoxFuture<'static, Result<PlaceId, NoPlace>>;

    /// What this browser will do with what it receives, told before anything is accepted.
    fn storage(&self) -> Storage;

    /// Hands a received item over: as a download, or shown where it is.
    fn save(&self, store: StoreId);

    /// Bytes that unfinished items take in this browser, or in the app's folder; with `clear` they are removed first, as far as they can be.
    fn unfinished(&self, _clear: bool) -> LocalBoxFuture<'static, u64> {
        Box::pin(core::future::ready(0))
    }

    /// Asks the server whether a room name is free.
    fn room_is_free(&self, name: RoomId) -> LocalBoxFuture<'static, Result<bool, NoAnswer>>;

    /// Asks for what a browser cannot do.
    fn wish(&self, _: Wish) {}

    /// Uses another server from now on; false when the address is none.
    fn use_server(&self, _address: String) -> LocalBoxFuture<'static, bool> {
        Box::pin(core::future::ready(false))
    }
}

/// Where received bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Straight into a directory that the person chooses.
    Directory,
    /// Into the browser's own storage, then saved as a download; a folder as one zip.
    Private,
    /// Into memory: small items only.
    Memory,
}

/// True in the app's window. Known when the page is built, so that neither page carries what only the other can do.
pub const IN_APP: bool = cfg!(feature = "desktop");

/// What only the program around a page can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Ask for files, and share them.
    PickFiles,
    /// Ask for a folder, and share it.
    PickFolder,
    /// Ask for another folder to receive into.
    ChooseDownloads,
    /// Start with the system, or no longer.
    Autostart(bool),
    /// Follow a link, also to another server.
    Join(String),
    /// Show these words where the page shows none.
    Speak(Box<Words>),
}

/// Starts the session, or the talk with it; `on` gets every new snapshot.
pub fn start(on: impl Fn(Action) + 'static) -> Rc<dyn Backend> {
    #[cfg(feature = "gallery")]
    return gallery::start(move |view| on(Action::Viewed(view)));
    #[cfg(all(feature = "desktop", not(feature = "gallery")))]
    return desktop::start(on);
    #[cfg(not(any(feature = "gallery", feature = "desktop")))]
    return browser::start(on);
}
