//! What crosses the bridge between the page in an app's window and the program around it.
//!
//! Facts go to the page; commands, handles and wishes come from it. Never file bytes, and never a path from the page:
//! what is shown of a path is for reading only.

use serde::{Deserialize, Serialize};

use crate::api::{NoticeCode, View};

/// Most messages of the program that wait for a page.
pub const MAX_TOLD: usize = 8;
/// Longest word or sentence that the page lends the program, in bytes.
pub const MAX_PHRASE: usize = 400;

/// Everything a page shows, whole: the newest wins, and a page that was loaded again lost nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct News {
    /// Grows with each change; a page asks for what is newer than what it has.
    pub number: u64,
    /// The session's facts.
    pub view: View,
    /// The program's own.
    pub shell: ShellFacts,
}

/// What the program around the page says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ShellFacts {
    /// The server's page, which links for others begin with. None until somebody names a server.
    pub server: Option<String>,
    /// The folder for what is received, as a text to be read.
    pub downloads: Option<String>,
    /// Whether the program starts with the system; none where a system has no such thing.
    pub autostart: Option<bool>,
    /// The program shares files that are pasted; where it does not, the page says so.
    pub takes_pasted: bool,
    /// Files are being dragged over the window.
    pub dragging: bool,
    /// What the program has to say, oldest first; at most [`MAX_TOLD`].
    pub told: Vec<Told>,
}

/// A message of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Grows; a page tells each once.
    pub number: u64,
    /// What happened.
    pub code: NoticeCode,
    /// The name it is about.
    pub subject: String,
    /// The number it is about.
    pub count: Option<u64>,
}

/// Why there is no place to receive into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum NoPlace {
    /// The person closed the dialog.
    #[error("no place was chosen")]
    NotChosen,
    /// There is no storage, or the chosen directory can be written to no longer.
    #[error("there is no storage")]
    Unavailable,
}

/// Why the server gave no answer about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum NoAnswer {
    /// It could not be reached.
    #[error("the server cannot be reached")]
    Unreachable,
    /// Asked too often; seconds to wait.
    #[error("asked too often, wait {0} s")]
    TooOften(u32),
}

/// Words of the page's language for what the program shows outside of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// Opens the window.
    pub show: String,
    /// Ends the program.
    pub quit: String,
    /// Nothing moves.
    pub idle: String,
    /// Before how far everything is that moves.
    pub moving: String,
    /// Something arrived; the title of a notification that names it.
    pub arrived: String,
    /// Asks whether to follow a link from outside. `{room}` and `{server}` are filled in.
    pub follow: String,
    /// Asks whether to install a newer program. `{version}` is filled in.
    pub update: String,
    /// Says yes to that.
    pub install: String,
    /// Says yes to a link.
    pub join: String,
    /// Says no.
    pub cancel: String,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            show: "Open PrivyDrop".into(),
            quit: "Quit".into(),
            idle: "Nothing moves".into(),
            moving: "Moving".into(),
            arrived: "Arrived and checked".into(),
            follow: "A link asks to join the room {room} at {server}. You leave the room you are in.".into(),
            update: "Version {version} of PrivyDrop is there. Install it now?".into(),
            install: "Install".into(),
            join: "Join".into(),
            cancel: "Cancel".into(),
        }
    }
}

impl Words {
    /// The same words, none longer than [`MAX_PHRASE`].
    #[must_use]
    pub fn bounded(mut self) -> Self {
        let Self { show, quit, idle, moving, arrived, follow, update, install, join, cancel } = &mut self;
        for word in [show, quit, idle, moving, arrived, follow, update, install, join, cancel] {
            word.truncate(word.floor_char_boundary(MAX_PHRASE));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_too_long_are_cut_between_letters() {
        let long = Words { quit: "语".repeat(MAX_PHRASE), ..Words::default() }.bounded();
        assert_eq!(long.quit.len(), MAX_PHRASE / 3 * 3);
        assert_eq!(long.show, Words::default().show);
    }
}
