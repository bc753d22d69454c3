//! Everything that a person reads: what happened, why, and what to do.
//!
//! Peer text is made plain here: nothing of it steers a terminal.

use core::fmt::Display;
use std::io;
use std::path::Path;
use std::time::Duration;

use indicatif::{DecimalBytes, HumanDuration};
use privydrop_common::api::{ItemState, Notice, NoticeCode};
use privydrop_common::code::InvalidInvitation;
use privydrop_common::id::RoomId;
use privydrop_common::text::InvalidText;
use privydrop_common::transport::Route;
use privydrop_native::disk::NotPicked;
use privydrop_native::{InvalidServer, NotStarted};

use crate::exit::Exit;

pub(crate) const NO_RUNTIME: &str =
    "The system gives this program no threads. Close other programs and try again.";
pub(crate) const SESSION_ENDED: &str = "The program failed inside. Please report this, and try again.";
pub(crate) const STDIN_UNREADABLE: &str =
    "Nothing can be read from stdin. Give it as an argument, or try again.";
pub(crate) const NO_TEXT: &str = "There is no text to share. Give one as an argument or on stdin.";
pub(crate) const ASK_INVITATION: &str = "Code or link: ";
pub(crate) const ASK_TEXT: &str = "Text, then Ctrl-D on a line of its own:\n";
pub(crate) const JOINING: &str = "Knocking at the room…";
pub(crate) const ROOM_OPEN: &str =
    "Tell somebody the code, or send the link: it opens in any browser. Waiting; Ctrl-C ends it.";
pub(crate) const SEND_AGAIN: &str =
    "Stopped: nothing more can be fetched from here. Run the same command again to share with a new code.";
pub(crate) const NOT_BEGUN: &str = "Stopped before anything began. Run the same command again.";
pub(crate) const KEPT_AGAIN: &str =
    "Stopped, and the room is kept: run the same command again, and the same link leads to it.";
pub(crate) const RECEIVE_AGAIN: &str = "Stopped: what is complete was kept. Run the same command again while the other side still shares: what \
     was received in part goes on. To remove that instead, use privydrop unfinished --clear.";
pub(crate) const NO_RELAY: &str = "The server's relay is missing, out of reach or turned us away, and --relay-only allows no other way. Try again \
     without it, or tell whoever runs the server.";
pub(crate) const TEXT_SENT: &str =
    "Sent to somebody who was connected. Nobody confirms a text: ask whether it is there if that matters.";
pub(crate) const STAY_AGAIN: &str =
    "Stopped: nothing is received any more. Run the same command again to open a new room.";

pub(crate) const NOTHING_UNFINISHED: &str = "Nothing is unfinished there.";
pub(crate) const UNFINISHED_GOES_ON: &str = "It goes on when the same is received again into this directory, and is removed after a week. To remove it now, \
     add --clear.";
pub(crate) const UNFINISHED_REMOVED: &str = "Removed. Whoever receives it again begins anew.";
pub(crate) const IN_USE_LEFT_ALONE: &str =
    "What is being received was left alone. End that first to remove it, too.";
/// For a bar.
pub(crate) const CHECKING: &str = "checking what is here already";

/// What this device is called when nobody says otherwise.
pub(crate) fn label() -> String {
    let system = match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "macOS",
        "windows" => "Windows",
        other => other,
    };
    format!("Terminal on {system}")
}

/// The last line of a run that nobody interrupted; the reason, if any, was said before.
pub(crate) fn end(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => "Done: every byte is verified.",
        Exit::Incomplete => {
            "Not complete. Run the same command again; what is complete need not be sent again."
        }
        Exit::Server => "Without the server nobody can be found. Check --server, or try again later.",
        Exit::NotLetIn => "Not let into the room. Ask for the code once more.",
        Exit::NotStored => {
            "Not stored. Make room and run the same command again: it goes on from what is there. Or choose another \
             directory with --into."
        }
        Exit::NotConnected => {
            "The two devices find no way to each other. Try another network, or a server with a relay."
        }
        Exit::Usage | Exit::Interrupted => "",
    }
}

pub(crate) fn not_started(error: &NotStarted) -> String {
    format!("PrivyDrop cannot start: {error}. Close other programs and try again.")
}

pub(crate) fn untold(error: &serde_json::Error) -> String {
    format!("An event could not be written as JSON: {error}. Please report this.")
}

pub(crate) fn not_a_server(text: &str, error: InvalidServer) -> String {
    format!("“{}” is not a server: {error}. Correct --server or PRIVYDROP_SERVER.", plain(text))
}

pub(crate) fn not_an_invitation(error: &InvalidInvitation) -> String {
    format!("This is neither a code nor a link: {error}. Copy it once more from where it shows.")
}

pub(crate) fn not_a_text(error: InvalidText) -> String {
    format!("This cannot be shared as a text: {error}.")
}

pub(crate) fn not_picked(path: &Path, why: NotPicked) -> String {
    format!("{} cannot be shared: {why}. Check the name and its permissions.", path_text(path))
}

pub(crate) fn skipped(path: &Path, why: NotPicked) -> String {
    format!("{} is left out: {why}.", path_text(path))
}

pub(crate) fn no_place(path: &Path, error: &io::Error) -> String {
    format!("Nothing can be stored in {}: {error}. Choose another directory with --into.", path_text(path))
}

pub(crate) fn not_kept(file: &Path, error: &io::Error) -> String {
    format!("The room cannot be kept in {}: {error}. Choose another file with --keep.", path_text(file))
}

pub(crate) fn keeps_no_room(file: &Path) -> String {
    format!("{} keeps no room. Choose another file with --keep, or remove this one.", path_text(file))
}

pub(crate) fn keeps_another(file: &Path, room: &RoomId) -> String {
    format!(
        "{} keeps the room {room}. Leave out --room, or choose another file with --keep.",
        path_text(file)
    )
}

pub(crate) fn code(code: &str) -> String {
    format!("Code: {code}")
}

pub(crate) fn link(link: &str) -> String {
    format!("Link: {link}")
}

pub(crate) fn connected(label: &str, route: Route) -> String {
    let how = match route {
        Route::Lan => "in the same network",
        Route::Direct => "directly",
        Route::Relay => "through a relay, since the networks block a direct way; nobody between can read it",
    };
    format!("Connected to {} {how}.", someone(label))
}

pub(crate) fn taking(name: &str, files: u32, size: u64) -> String {
    format!("Taking {} ({}).", plain(name), extent(files, size))
}

pub(crate) fn checking(name: &str) -> String {
    format!("Part of {} is here already and is checked first.", plain(name))
}

pub(crate) fn offering(name: &str, files: u32, size: u64) -> String {
    if name.is_empty() {
        "Sharing a text.".into()
    } else {
        format!("Sharing {} ({}).", plain(name), extent(files, size))
    }
}

pub(crate) fn received(name: &str, path: Option<&Path>, hash: Option<&str>) -> String {
    let path = path.map_or_else(|| plain(name), path_text);
    format!("Received {path}, verified (BLAKE3 {}).", hash.unwrap_or_default())
}

pub(crate) fn left_out(name: &str, size: u64) -> String {
    let size = DecimalBytes(size);
    format!("{} ({size}) was left out: it exceeds --max-bytes. Start again with more.", plain(name))
}

pub(crate) fn unfinished(name: &str, size: u64, age_seconds: u64, in_use: bool, removed: bool) -> String {
    let (name, size) = (plain(name), DecimalBytes(size));
    let age = HumanDuration(Duration::from_secs(age_seconds));
    let fate = match (in_use, removed) {
        (true, _) => ", is being received",
        (_, true) => ", removed",
        _ => "",
    };
    format!("{name}  {size}, {age} old{fate}")
}

pub(crate) fn not_looked_at(path: &Path, error: &io::Error) -> String {
    format!(
        "Not everything in {} could be looked at or removed: {error}. Check the directory and its permissions.",
        path_text(path)
    )
}

/// Speed and time left, for a bar.
pub(crate) fn pace(state: ItemState, speed: u64, left: Option<Duration>) -> String {
    match (state, left) {
        (ItemState::Paused, _) => "paused".into(),
        (ItemState::Verifying, _) => "verifying".into(),
        (_, Some(left)) => format!("{}/s, {} left", DecimalBytes(speed), HumanDuration(left)),
        _ => "waiting".into(),
    }
}

/// A name that leaves room for its bar.
pub(crate) fn short(name: &str) -> String {
    let name = plain(name);
    match name.char_indices().nth(28) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name,
    }
}

/// A message: what happened, why, what to do.
pub(crate) fn notice(notice: &Notice) -> String {
    use NoticeCode as N;
    let (number, second) = (notice.number.unwrap_or_default(), notice.second.unwrap_or_default());
    let (item, who) = (plain(&notice.subject), someone(&notice.subject));
    match notice.code {
        N::WrongWords => {
            format!("These words do not open the room. Check the code; {number} tries are left.")
        }
        N::WrongLink => "This link does not open the room. Copy it once more; an end may be missing.".into(),
        N::WordsBusy => {
            "Somebody tried wrong words, so the room takes none for a minute. Use the link.".into()
        }
        N::SomebodyGuessed => format!("Somebody tried wrong words. After {number} more the code changes."),
        N::WordsChanged => {
            "After too many wrong tries the code changed. Give the new one, or the link.".into()
        }
        N::RoomUnknown => format!("There is no room {item}. Check the code; the sender may have left."),
        N::RoomTaken => format!("The name {item} is in use by somebody else. Choose another with --room."),
        N::RoomFull => "The room is full. Wait until somebody leaves it.".into(),
        N::RoomBusy => "Too many people are knocking at this room. Try again in half a minute.".into(),
        N::HostAway => "The one who made the room is away. Try again when that device is online.".into(),
        N::NoAnswer => "The other device did not answer. Check that it is awake, then try again.".into(),
        N::RateLimited => format!("There were too many attempts from this network. Wait {number} seconds."),
        N::ServerUnreachable => "The server cannot be reached. Check the network and --server.".into(),
        N::ServerLost => "The server is gone for a moment. Transfers go on; nobody new can join.".into(),
        N::ServerBack => "The server is back.".into(),
        N::ServerTrouble => "The server keeps no rooms just now. Try again in a minute.".into(),
        N::ServerVersion => "The server speaks another version. Update this program or the server.".into(),
        N::StrayLetters => {
            "Messages came that fit nothing here: the server, or somebody at the door, repeats or makes \
                            them up. None was accepted. If it goes on, use another server."
                .into()
        }
        N::Replaced => "This place in the room was taken from elsewhere. Join again to take it back.".into(),
        N::AlreadyOpen => format!("Room {item} is open elsewhere on this device already. Go on there."),
        N::PickAgain => "What was shared is forgotten. Share it again; who was receiving goes on.".into(),
        N::KeepsakeExpired => "The remembered room is gone. Join again with a code or a link.".into(),
        N::JoinSlow => "Joining takes longer than usual. Still trying; check the network.".into(),
        N::ConnectSlow => format!("Connecting to {who} takes longer than usual. Still trying other ways."),
        N::ConnectFailed => format!("The networks block every way to {who}. Trying again; another may help."),
        N::PeerRefused => "Somebody did not know this room's secret, and was kept out.".into(),
        N::PeerViolation => format!("{who} broke the protocol and was disconnected: damaged, or hostile."),
        N::PeerVersion => format!("{who} runs another version of PrivyDrop. Update both."),
        N::PeerLeft => format!("{who} left."),
        N::PeerLost => format!("The connection to {who} broke. Trying to mend it."),
        N::PeerJoined => format!("{who} joined."),
        N::ItemGone => format!("{item} is not shared any more. Ask the sender to share it again."),
        N::ItemAwaited => {
            format!(
                "{item} is not shared any more: its sender started anew. It goes on when it is shared again."
            )
        }
        N::ItemReceived => format!("{item} is complete."),
        N::ItemSent => format!("{item} has arrived."),
        N::PausedThere => format!("The other side paused {item}. It goes on when they resume."),
        N::CancelledThere => format!("The other side cancelled {item}."),
        N::SourceChanged => format!("{item} changed since it was shared, so it stopped. Share it again."),
        N::SourceUnreadable => format!("{item} cannot be read any more. Its sender has to share it again."),
        N::LeftOut => {
            format!("{number} entries of {item} were left out: links, no plain files, or unreadable.")
        }
        N::SharerBusy => format!("The sender serves as many as it can. Try {item} again in a moment."),
        N::ItemResumed => format!("{item} goes on at {number} %, from what was received before."),
        N::PieceFailed => format!("A piece of {item} failed its check and is fetched again."),
        N::ItemCorrupt => format!("{item} failed its checks, so nothing of it was kept. Try again."),
        N::NoSpace => {
            let (needed, free) = (DecimalBytes(number), DecimalBytes(second));
            format!("{item} needs {needed}, but {free} are free. Make room, or use --into.")
        }
        N::PlaceFull => {
            let needed = DecimalBytes(number);
            format!(
                "No space was left for {item}, which needs {needed}. Make room and receive it again, or have it sent \
                 again: it goes on from what is there."
            )
        }
        N::PlaceUnwritable => format!("{item} cannot be stored there. Choose another directory with --into."),
        N::PlaceNotChosen => "No directory was chosen, so nothing was taken. Choose one with --into.".into(),
        N::FilesNotPasted => "What was pasted cannot be shared from there. Name the file instead.".into(),
        N::UnsafeName => format!("{who} offers something whose names are not safe here; it was not taken."),
        N::TooMany => format!("That is too much at once: {number} are possible. Share fewer, or pack them."),
        N::TooLarge => format!("{item} is larger than can be moved."),
        N::TooDeep => format!("The folders in {item} are nested too deep for other systems. Pack it first."),
        N::TextTooLong => "The text is too long to be shared as a text. Save it and share the file.".into(),
        N::NotAnInvitation => "This is neither a code nor a link. Copy it once more.".into(),
    }
}

fn extent(files: u32, size: u64) -> String {
    match files {
        1 => DecimalBytes(size).to_string(),
        _ => format!("{files} files, {}", DecimalBytes(size)),
    }
}

fn someone(label: &str) -> String {
    if label.trim().is_empty() { "the other device".into() } else { plain(label) }
}

fn path_text(path: &Path) -> String {
    plain(path.display())
}

/// Text without anything that a terminal would obey.
fn plain(text: impl Display) -> String {
    text.to_string().replace(char::is_control, "\u{FFFD}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_has_words_and_no_peer_steers_the_terminal() {
        for code in NoticeCode::ALL {
            let subject = "\u{1b}[2Jevil\r".to_owned();
            let words = notice(&Notice { id: 1, code: *code, subject, number: Some(2), second: Some(1) });
            assert!(words.len() > 10 && words.ends_with('.'), "{words}");
            assert!(!words.contains(char::is_control), "{words:?}");
        }
    }

    #[test]
    fn a_long_name_leaves_room_for_its_bar() {
        assert_eq!(short("film.mkv"), "film.mkv");
        assert_eq!(short(&"ü".repeat(40)).chars().count(), 29);
    }
}
