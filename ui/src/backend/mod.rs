//! The page's one door to whatever runs the session: in a plain browser the session runs in the page itself.
//!
//! A backend passes commands on, turns files and folders that a person picked into offers, finds places to receive
//! into, and hands over what was received. It never words a message and never draws anything.

#[cfg(not(feature = "gallery"))]
pub mod browser;
#[cfg(feature = "gallery")]
pub mod gallery;

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use privydrop_common::api::{Command, View};
use privydrop_common::host::{PlaceId, StoreId};
use privydrop_common::id::RoomId;

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

    /// Hands a received item over as a download.
    fn save(&self, store: StoreId);

    /// Asks the server whether a room name is free.
    fn room_is_free(&self, name: RoomId) -> LocalBoxFuture<'static, Result<bool, NoAnswer>>;
}

/// Why there is no place to receive into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    /// The person closed the dialog.
    #[error("no place was chosen")]
    NotChosen,
    /// The browser gives no storage, or lets the page write to the chosen directory no longer.
    #[error("the browser gives no storage")]
    Unavailable,
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

/// Why the server gave no answer about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// It could not be reached.
    #[error("the server cannot be reached")]
    Unreachable,
    /// Asked too often; seconds to wait.
    #[error("asked too often, wait {0} s")]
    TooOften(u32),
}

/// Starts the session; `on_view` gets every new snapshot.
pub fn start(on_view: impl Fn(View) + 'static) -> Rc<dyn Backend> {
    #[cfg(not(feature = "gallery"))]
    return browser::start(on_view);
    #[cfg(feature = "gallery")]
    return gallery::start(on_view);
}
