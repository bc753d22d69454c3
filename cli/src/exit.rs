//! How a run ends: the exit codes that scripts rely on. Documented in docs/CLI.md and in `--help`.

use std::process::ExitCode;

use privydrop_common::api::{Level, NoticeCode, View};
use serde::Serialize;

/// Why the program ends; the number is its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Exit {
    /// Every byte is verified and stored.
    Done = 0,
    /// Something was not shared or received completely.
    Incomplete = 1,
    /// The arguments make no sense.
    Usage = 2,
    /// The server cannot be reached, or does not serve us.
    Server = 3,
    /// Not let into the room: unknown, full, wrong words.
    NotLetIn = 4,
    /// No space, or a directory that cannot be written to.
    NotStored = 5,
    /// No connection to the other device.
    NotConnected = 6,
    /// Ctrl-C.
    Interrupted = 130,
}

impl Exit {
    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    /// What a message means for the whole run.
    pub(crate) fn of(code: NoticeCode) -> Self {
        use NoticeCode as N;
        match code {
            N::ServerUnreachable | N::ServerTrouble | N::ServerVersion | N::RateLimited => Self::Server,
            N::WrongWords | N::WrongLink | N::WordsBusy | N::RoomUnknown | N::RoomTaken | N::RoomFull => {
                Self::NotLetIn
            }
            N::RoomBusy | N::HostAway | N::NoAnswer | N::PeerRefused | N::KeepsakeExpired | N::Replaced => {
                Self::NotLetIn
            }
            N::NoSpace | N::PlaceFull | N::PlaceUnwritable => Self::NotStored,
            N::ConnectFailed | N::PeerVersion | N::PeerViolation => Self::NotConnected,
            _ => Self::Incomplete,
        }
    }

    /// What the last serious message means, if there is one.
    pub(crate) fn of_last_alert(view: &View) -> Option<Self> {
        view.notices.iter().rev().find(|notice| notice.code.level() == Level::Alert).map(|n| Self::of(n.code))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
