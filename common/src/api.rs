//! What a shell says to a session ([`Command`]) and sees of it ([`View`]): facts, never words.
//!
//! A view is a whole snapshot; the latest wins, and a shell that lost one lost nothing. Wording, languages and
//! layout belong to the shells. Everything here can cross a process boundary.

mod notice;

use serde::{Deserialize, Serialize};

pub use self::notice::{Level, Notice, NoticeCode};
use crate::code::{Code, Invitation, Link};
use crate::host::{Kept, PlaceId, SourceId, StoreId};
use crate::id::{ItemId, Mark, PeerId, RoomId};
use crate::text::Document;
use crate::transport::Path;

/// Items that are remembered to be gone on with, should they be offered again.
pub const MAX_WANTED: usize = 500;

/// What a person does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Make a room and be its host, with a wished name or without. Leaves the room one is in.
    Open {
        /// The wished name.
        name: Option<RoomId>,
    },
    /// Enter a room by a code or a link. Leaves the room one is in, but not when it is the same one.
    Join(Invitation),
    /// Go back into a remembered room, from [`RoomView::keepsake`]. Ignored when it cannot be read.
    Return(Keepsake),
    /// Leave the room. What was offered stays listed locally, with nobody to fetch it.
    Leave,
    /// Offer items. Opens a room first when there is none.
    Share(Vec<NewItem>),
    /// Offer this text, replacing the one before; an empty one clears it on the other side.
    SetText(Document),
    /// Take an item of another member, into a place.
    Accept {
        /// Which item.
        item: ItemKey,
        /// Where to.
        place: PlaceId,
    },
    /// Take these as soon as they are offered again, into a place: what [`View::wanted`] said before a restart. At most
    /// [`MAX_WANTED`].
    GoOn {
        /// Which.
        wanted: Vec<Mark>,
        /// Where to.
        place: PlaceId,
    },
    /// Go on by itself with nothing that is not under way now: the person does not want it any more.
    Forget,
    /// Stop its bytes for now, on either side.
    Pause(ItemKey),
    /// Let them flow again.
    Resume(ItemKey),
    /// Stop it and drop what is half done. An own item stays offered; its running fetches end.
    Cancel(ItemKey),
    /// Own item: offer it no more. Item of another: take it off the list.
    Remove(ItemKey),
    /// The person has read this message.
    Dismiss(u64),
    /// The page is visible again, or the device awake: try now what waits to be tried.
    Nudge,
    /// The device is online again, or has other addresses: links may be broken although nothing fell silent yet.
    Moved,
    /// What this device is called for the others, like `Firefox on Linux`.
    Introduce(String),
}

/// Something to offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewItem {
    /// File name or folder name; made safe by the session.
    pub name: String,
    /// What it is.
    pub content: NewContent,
}

impl NewItem {
    /// Where the host reads all its files.
    pub(crate) fn sources(&self) -> Vec<SourceId> {
        match &self.content {
            NewContent::File(file) => vec![file.source],
            NewContent::Folder { files, .. } => files.iter().map(|(_, file)| file.source).collect(),
        }
    }
}

/// What is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NewContent {
    /// One file.
    File(NewFile),
    /// A folder with everything in it.
    Folder {
        /// Its files, with their path below the folder.
        files: Vec<(Vec<String>, NewFile)>,
        /// Its folders (needed for empty ones), with their path below the folder.
        folders: Vec<Vec<String>>,
    },
}

/// One local file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewFile {
    /// Where the host reads it.
    pub source: SourceId,
    /// Bytes.
    pub size: u64,
    /// Seconds since 1970 of its last change.
    pub modified: Option<u64>,
}

/// Names an item in views and commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ItemKey {
    /// Who offers it; `None` for this device.
    pub owner: Option<PeerId>,
    /// Which of the owner's items.
    pub item: ItemId,
}

/// What a device keeps to come back into a room: opaque text, secret, for this device's own storage only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keepsake(pub String);

impl core::fmt::Debug for Keepsake {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Keepsake(…)")
    }
}

/// Everything a shell shows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct View {
    /// Where this device stands.
    pub phase: Phase,
    /// The room, once it is made, or while it is being joined.
    pub room: Option<RoomView>,
    /// The other members that this device has to do with.
    pub peers: Vec<PeerView>,
    /// Items offered by this device and by others, in order of appearance.
    pub items: Vec<ItemView>,
    /// Messages that wait to be read or dismissed, oldest first; at most 8.
    pub notices: Vec<Notice>,
    /// Sums over everything that moves now.
    pub total: Progress,
    /// True while bytes move or are about to: keep the screen on, ask before leaving.
    pub busy: bool,
    /// What was accepted here, is not whole yet and was stopped by nobody; on the list or, while its sharer does not offer
    /// it, not. Kept over a restart it can be said in [`Command::GoOn`].
    pub wanted: Vec<Mark>,
}

/// Where this device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// In no room.
    #[default]
    Idle,
    /// Making a room.
    Opening,
    /// On the way into somebody's room: asking the server, or proving the secret to the host.
    Joining,
    /// Member of a room.
    InRoom,
    /// Member of a room, but the server is out of reach; links that stand go on.
    Reconnecting,
}

/// The room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomView {
    /// Its name.
    pub id: RoomId,
    /// True when this device made it.
    pub hosting: bool,
    /// What to say to others; the host has it.
    pub code: Option<Code>,
    /// What to send to others; the host has it, and guests who came by it.
    pub link: Option<Link>,
    /// What to keep for coming back; there once this device is a member.
    pub keepsake: Option<Keepsake>,
    /// Guesses left before the words change; less than five after wrong tries.
    pub tries_left: u8,
}

/// Another member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerView {
    /// Who.
    pub id: PeerId,
    /// What it calls itself; empty until told. Peer text: show it as text only.
    pub label: String,
    /// The link to it.
    pub state: PeerState,
    /// How bytes travel.
    pub path: Option<Path>,
    /// Data lanes that the bytes are spread over: 1, or more once there was much to receive.
    pub lanes: u8,
    /// True once both ends proved the room's secret and the binding of this very connection.
    pub verified: bool,
    /// True for the member that made the room.
    pub host: bool,
}

/// State of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeerState {
    /// Being made.
    Connecting,
    /// In use.
    Connected,
    /// Gone silent; being mended, or waiting for the other side.
    Lost,
    /// The other side did not prove itself.
    Refused,
}

/// An item on the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemView {
    /// Names it in commands.
    pub key: ItemKey,
    /// Its safe name; empty for a text.
    pub name: String,
    /// What it is.
    pub kind: ItemKind,
    /// Bytes.
    pub size: u64,
    /// Files in it.
    pub files: u32,
    /// State of this side.
    pub state: ItemState,
    /// Bytes done of this side's current transfer (own items: the slowest running fetch), speed, time left.
    pub progress: Progress,
    /// While it waits because what an earlier attempt left of it is read again: how far that is, without speed.
    pub checking: Option<Progress>,
    /// BLAKE3 in hex when known: of the file, or of a folder's listing (docs/PROTOCOL.md).
    pub hash: Option<String>,
    /// Own item: completed fetches.
    pub fetched: u32,
    /// Own item: fetches running now.
    pub fetching: u32,
    /// Who paused or cancelled it, when somebody did.
    pub stopped_by: Option<Side>,
    /// Where it is, when done.
    pub kept: Option<Kept>,
    /// The host's handle of what was received.
    pub store: Option<StoreId>,
    /// The text itself.
    pub text: Option<Document>,
}

impl ItemView {
    /// An item that is on offer and that nothing has happened to: all else is unknown, none or zero.
    pub fn offered(key: ItemKey, kind: ItemKind, name: String, size: u64) -> Self {
        Self {
            key,
            name,
            kind,
            size,
            files: 0,
            state: ItemState::Offered,
            progress: Progress::default(),
            checking: None,
            hash: None,
            fetched: 0,
            fetching: 0,
            stopped_by: None,
            kept: None,
            store: None,
            text: None,
        }
    }
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemKind {
    /// One file.
    File,
    /// A tree of files.
    Folder,
    /// A formatted text.
    Text,
}

/// State of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemState {
    /// Listed; nothing moves.
    Offered,
    /// Accepted; waiting for the other side, the disk, or its turn.
    Waiting,
    /// Bytes flow.
    Moving,
    /// Held by a person.
    Paused,
    /// All bytes are here; the last of them are checked and given their names.
    Verifying,
    /// Complete and verified.
    Done,
    /// Given up; a notice says why. Can be accepted again.
    Failed,
    /// Stopped by a person. Can be accepted again.
    Cancelled,
}

/// Which side did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// This device.
    Here,
    /// The other one.
    There,
}

/// How far something is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Bytes verified and stored (receiving), or said to be so by the receiver (sending).
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
    /// Bytes a second, averaged over some seconds; 0 when nothing moves.
    pub speed: u64,
    /// Seconds left at that speed, when there is one.
    pub seconds_left: Option<u64>,
}

impl Progress {
    /// Whole percent done, 0 to 100; 100 only when everything is.
    pub fn percent(&self) -> u8 {
        if self.total == 0 || self.done >= self.total {
            return if self.done >= self.total && self.total > 0 { 100 } else { 0 };
        }
        u8::try_from(u128::from(self.done) * 100 / u128::from(self.total)).unwrap_or(99)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_percent_means_everything() {
        let percent = |done, total| Progress { done, total, ..Progress::default() }.percent();
        assert_eq!(percent(0, 0), 0);
        assert_eq!(percent(999_999, 1_000_000), 99);
        assert_eq!(percent(5, 5), 100);
        assert_eq!(percent(u64::MAX - 1, u64::MAX), 99);
    }
}
