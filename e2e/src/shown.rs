//! What a page shows, as `look.js` reads it off.
//!
//! Facts only: waiting for them is the page's business.

use serde::Deserialize;

/// What the page shows at one moment.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Shown {
    /// The room's code, when there is one.
    pub code: Option<String>,
    /// The room's link, when there is one.
    pub link: Option<String>,
    /// Text of the field for a code to join by.
    pub join_code: Option<String>,
    /// Items offered or received.
    pub items: Vec<Item>,
    /// Other members.
    pub peers: Vec<Peer>,
    /// Machine names of all messages.
    pub notices: Vec<String>,
    /// What the page knows of a wished name: `empty`, `invalid`, `checking`, `free`, `taken` or `unknown`.
    pub name: Option<String>,
    /// What the button says that leads back into the remembered room.
    pub remembered: Option<String>,
    /// The app's folder for what is received, while its settings are open.
    pub downloads: Option<String>,
    /// What is said of what was left unfinished.
    pub unfinished: Option<String>,
}

/// An item as the page shows it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Item {
    /// Its name; empty for a text.
    pub name: String,
    /// Bytes.
    pub size: String,
    /// `in` or `out`.
    pub direction: String,
    /// See [`privydrop_common::api::ItemState`].
    pub state: String,
    /// 0 to 100.
    pub progress: String,
    /// BLAKE3 in hex, when done.
    pub hash: String,
    /// What stands in it, as markup that the page made.
    pub markup: String,
}

/// A member as the page shows it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Peer {
    /// See [`privydrop_common::api::PeerState`].
    pub state: String,
    /// `lan`, `direct` or `relay`.
    pub path: String,
    /// `true` or `false`.
    pub verified: String,
}

impl Shown {
    /// The item with this name.
    pub fn item(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.name == name)
    }
}
