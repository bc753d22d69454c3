//! What a shell says to a session ([`Command`]) and sees of it ([`View`]): facts, never words.
//!
//! A view is a whole snapshot; the latest wins, and a shell that lost one lost nothing. Wording, languages and
//! layout belong to the shells. Everything here can cross a process boundary.

use serde::{Deserialize, Serialize};

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

/// A message for a person, as facts: a shell puts it into words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Names it in [`Command::Dismiss`].
    pub id: u64,
    /// What happened.
    pub code: NoticeCode,
    /// The name it is about: an item, a member, a room. May be empty. Peer text: show it as text only.
    pub subject: String,
    /// The number it is about: tries left, seconds to wait, bytes needed.
    pub number: Option<u64>,
    /// A second number: bytes free.
    pub second: Option<u64>,
}

macro_rules! notice_codes {
    ($($(#[$doc:meta])* $name:ident $text:literal $level:ident,)*) => {
        /// Everything that a person is ever told. The text is the machine name, stable for scripts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum NoticeCode {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl NoticeCode {
            /// Every code there is, for completeness checks of translations.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The machine name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// How urgent it is.
            pub fn level(self) -> Level {
                match self { $(Self::$name => Level::$level,)* }
            }
        }
    };
}

/// How urgent a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Goes away by itself; read out politely.
    Status,
    /// Stays until dismissed or solved; read out at once.
    Alert,
}

notice_codes! {
    /// Guest: these words do not open the room. `number`: tries left before they change.
    WrongWords "wrong-words" Alert,
    /// Guest: this link does not open the room.
    WrongLink "wrong-link" Alert,
    /// Guest: the host takes no words from anybody for a moment, because of wrong tries.
    WordsBusy "words-busy" Alert,
    /// Host: somebody tried wrong words. `number`: tries left before they change.
    SomebodyGuessed "somebody-guessed" Status,
    /// Host: five wrong tries; new words show, link and members stay.
    WordsChanged "words-changed" Alert,
    /// No such room. `subject`: its name.
    RoomUnknown "room-unknown" Alert,
    /// The wished name is in use. `subject`: the name.
    RoomTaken "room-taken" Alert,
    /// The room has as many members as it holds.
    RoomFull "room-full" Alert,
    /// Too many people wait at the room's door.
    RoomBusy "room-busy" Alert,
    /// The one who made the room is away.
    HostAway "host-away" Alert,
    /// The host's device did not answer the knock in time.
    NoAnswer "no-answer" Alert,
    /// Too many attempts. `number`: seconds to wait.
    RateLimited "rate-limited" Alert,
    /// The server cannot be reached.
    ServerUnreachable "server-unreachable" Alert,
    /// The server's connection was lost; transfers go on, nobody new can join.
    ServerLost "server-lost" Status,
    /// The server is back.
    ServerBack "server-back" Status,
    /// The server does not keep rooms just now.
    ServerTrouble "server-trouble" Alert,
    /// This program and the server speak different versions.
    ServerVersion "server-version" Alert,
    /// Another window of this browser took this one's place.
    Replaced "replaced" Alert,
    /// Another page of this browser is in this room, so this one stays outside. `subject`: the room. Told by the shell.
    AlreadyOpen "already-open" Alert,
    /// The page was loaded again and has forgotten what it shared. Told by the shell.
    PickAgain "pick-again" Alert,
    /// A remembered room can no longer be returned to.
    KeepsakeExpired "keepsake-expired" Alert,
    /// Joining takes longer than usual.
    JoinSlow "join-slow" Status,
    /// Connecting to a member takes longer than usual. `subject`: the member.
    ConnectSlow "connect-slow" Status,
    /// No connection to a member. `subject`: the member.
    ConnectFailed "connect-failed" Alert,
    /// A member did not prove that it knows the room's secret, or its connection is not the one it proved.
    PeerRefused "peer-refused" Alert,
    /// A member broke the protocol and was disconnected. `subject`: the member.
    PeerViolation "peer-violation" Alert,
    /// A member's program speaks another version. `subject`: the member.
    PeerVersion "peer-version" Alert,
    /// A member left. `subject`: the member.
    PeerLeft "peer-left" Status,
    /// A member's connection broke. `subject`: the member.
    PeerLost "peer-lost" Status,
    /// A member joined. `subject`: the member.
    PeerJoined "peer-joined" Status,
    /// An item is no longer offered. `subject`: the item.
    ItemGone "item-gone" Alert,
    /// The sharer was started anew and does not offer an item any more that was on its way; should it do so again, the item
    /// goes on by itself. `subject`: the item.
    ItemAwaited "item-awaited" Alert,
    /// An item is complete and verified. `subject`: the item.
    ItemReceived "item-received" Status,
    /// A member has an item completely. `subject`: the item.
    ItemSent "item-sent" Status,
    /// The other side paused. `subject`: the item.
    PausedThere "paused-there" Status,
    /// The other side cancelled. `subject`: the item.
    CancelledThere "cancelled-there" Status,
    /// The sharer's file changed since it was offered. `subject`: the item.
    SourceChanged "source-changed" Alert,
    /// The sharer's file cannot be read. `subject`: the item.
    SourceUnreadable "source-unreadable" Alert,
    /// Some of a folder is not offered: links, pipes, what may not be read. `subject`: the folder; `number`: how many.
    /// Told by the shell.
    LeftOut "left-out" Status,
    /// The sharer serves as many at once as it can. `subject`: the item.
    SharerBusy "sharer-busy" Alert,
    /// An item goes on from what an earlier attempt left. `subject`: the item; `number`: percent that are there.
    ItemResumed "item-resumed" Status,
    /// A piece failed its check and is fetched again. `subject`: the item.
    PieceFailed "piece-failed" Status,
    /// An item failed its check for good. `subject`: the item.
    ItemCorrupt "item-corrupt" Alert,
    /// Not enough space. `subject`: the item; `number`: bytes needed; `second`: bytes free.
    NoSpace "no-space" Alert,
    /// The place ran full while the item came; nothing of it was kept. `subject`: the item; `number`: bytes needed.
    PlaceFull "place-full" Alert,
    /// The place cannot be written to. `subject`: the item.
    PlaceUnwritable "place-unwritable" Alert,
    /// No place was chosen, so nothing was accepted. Told by the shell.
    PlaceNotChosen "place-not-chosen" Status,
    /// What was pasted cannot be shared from there: the window is not told where it is, or it is no file yet. Told by the
    /// shell.
    FilesNotPasted "files-not-pasted" Status,
    /// An item's names are not safe for this device; it was not taken. `subject`: the member.
    UnsafeName "unsafe-name" Alert,
    /// An item has more files or items than allowed. `number`: how many are allowed.
    TooMany "too-many" Alert,
    /// A file is larger than can be moved. `subject`: the item.
    TooLarge "too-large" Alert,
    /// A folder is nested too deep, or its paths are too long. `subject`: the item.
    TooDeep "too-deep" Alert,
    /// The text is longer than can be shared as text.
    TextTooLong "text-too-long" Alert,
    /// What was typed is neither a code nor a link. Told by the shell.
    NotAnInvitation "not-an-invitation" Alert,
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

    #[test]
    fn machine_names_are_unique() {
        let mut names: Vec<_> = NoticeCode::ALL.iter().map(|code| code.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), NoticeCode::ALL.len());
    }
}
