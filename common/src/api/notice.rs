//! Everything that a person is ever told: which messages there are, and how urgent each is.
//!
//! Holds no words: a shell puts a code into them.

use serde::{Deserialize, Serialize};

/// A message for a person, as facts: a shell puts it into words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Names it in [`Dismiss`](super::Command::Dismiss).
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
    /// Much was passed on that fits nothing here: played again, made up, or from nobody in the room. Told once to each room.
    StrayLetters "stray-letters" Status,
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
    fn machine_names_are_unique() {
        let mut names: Vec<_> = NoticeCode::ALL.iter().map(|code| code.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), NoticeCode::ALL.len());
    }
}
