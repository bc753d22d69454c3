//! A room that is opened again after a restart: what opens it, in a file that only this user can read.
//!
//! Its name and link stay the same as long as the file does; its words are others each time. Whoever can read the file can
//! take the room's place, so what is in it is never shown. The rules of rooms are the session's; here is only when a kept
//! room that ended is opened anew, and how often. Waits for nothing itself.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use privydrop_common::api::{Command, Keepsake, NoticeCode, Phase, View};
use privydrop_common::id::RoomId;

use crate::words;

/// Longest file that is read, in bytes; what opens a room is shorter by far.
const MAX_KEPT: u64 = 16 * 1024;
/// The second time in a row that a room is opened anew waits so long, each further one twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Longest wait before it is opened anew.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Times in a row; two minutes in all.
const MAX_TRIES: u32 = 10;

/// Why a room cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotKept {
    #[error("{}", words::not_kept(.0, .1))]
    File(PathBuf, io::Error),
    #[error("{}", words::keeps_no_room(.0))]
    NoRoom(PathBuf),
    #[error("{}", words::keeps_another(.0, .1))]
    Another(PathBuf, RoomId),
}

/// The room of one run, and the file that it is kept in.
#[derive(Debug)]
pub(crate) struct Kept {
    path: PathBuf,
    name: Option<RoomId>,
    /// What the file holds.
    keepsake: Option<Keepsake>,
    /// How often the room was opened anew without being held in between; one of them stays counted.
    tries: u32,
    /// The last message of its end that something was done about.
    answered: Option<u64>,
}

/// What follows from how the kept room is.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// Nothing: it is there, or has ended for good.
    GoOn,
    /// It has ended, and what is done about that is on its way.
    Wait,
    /// These commands open a new one of the same name, after this long.
    Anew(Duration, [Command; 2]),
}

impl Kept {
    /// Reads the file, which need not exist. `name` is the one that the room should have.
    pub(crate) fn read(path: PathBuf, name: Option<RoomId>) -> Result<Self, NotKept> {
        let keepsake = match content(&path) {
            Ok(text) => Some(Keepsake(text.trim_end().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(NotKept::File(path, error)),
        };
        if let Some(keepsake) = &keepsake {
            match (keepsake.room(), &name) {
                (None, _) => return Err(NotKept::NoRoom(path)),
                // A guest's would lead into somebody else's room.
                (Some(_), _) if keepsake.phase() != Some(Phase::Opening) => {
                    return Err(NotKept::NoRoom(path));
                }
                (Some(room), Some(name)) if room != *name => return Err(NotKept::Another(path, room)),
                _ => {}
            }
        }
        Ok(Self { path, name, keepsake, tries: 0, answered: None })
    }

    /// Into the room that was kept, or a new one.
    pub(crate) fn enter(&self) -> Command {
        match &self.keepsake {
            Some(keepsake) => Command::Return(keepsake.clone()),
            None => Command::Open { name: self.name.clone() },
        }
    }

    /// What follows when the server does not know the kept room any more: a new one of the same name, and of any when that
    /// is in use meanwhile and the person did not wish for it. Each end is answered once.
    pub(crate) fn next(&mut self, view: &View) -> Next {
        let is_end = |code| match code {
            NoticeCode::KeepsakeExpired => true,
            NoticeCode::RoomTaken => self.name.is_none(),
            _ => false,
        };
        let end = view.notices.iter().rev().find(|notice| is_end(notice.code));
        let (Some(end), Some(keepsake), Phase::Idle) = (end, &self.keepsake, view.phase) else {
            return Next::GoOn;
        };
        if self.answered == Some(end.id) {
            return Next::Wait;
        }
        if self.tries == MAX_TRIES {
            return Next::GoOn;
        }
        let wait = match self.tries {
            0 => Duration::ZERO,
            before => (FIRST_WAIT * 2u32.saturating_pow(before - 1)).min(LONGEST_WAIT),
        };
        let name = match end.code {
            NoticeCode::RoomTaken => None,
            _ => self.name.clone().or_else(|| keepsake.room()),
        };
        (self.tries, self.answered) = (self.tries + 1, Some(end.id));
        // In this order there is no view in between that looks as if the run had ended.
        Next::Anew(wait, [Command::Open { name }, Command::Dismiss(end.id)])
    }

    /// Writes what opens the room from now on, when it is another.
    pub(crate) fn follow(&mut self, view: &View) -> Result<(), NotKept> {
        let Some(now) = view.room.as_ref().and_then(|room| room.keepsake.as_ref()) else { return Ok(()) };
        // One stays counted, so that a server that forgets each room at once is not asked without a pause.
        self.tries = self.tries.min(1);
        if self.keepsake.as_ref() != Some(now) {
            replace(&self.path, &now.0).map_err(|error| NotKept::File(self.path.clone(), error))?;
            self.keepsake = Some(now.clone());
        }
        Ok(())
    }
}

fn content(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_KEPT).read_to_string(&mut text)?;
    Ok(text)
}

/// In one step: a crash leaves the old file or the new one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Readable by this user only, from its first moment.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{text}")?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The new name has to last as well; where folders cannot be forced to the disk nothing can be done about it.
    let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

#[cfg(test)]
mod tests {
    use privydrop_common::api::{Notice, RoomView};

    use super::*;

    fn in_room(keepsake: &str) -> View {
        let room = RoomView {
            id: "123456".parse().unwrap(),
            hosting: true,
            code: None,
            link: None,
            keepsake: Some(Keepsake(keepsake.into())),
            tries_left: 5,
        };
        View { phase: Phase::InRoom, room: Some(room), ..View::default() }
    }

    #[test]
    fn a_file_that_is_not_there_yet_is_written_for_this_user_only_when_there_is_a_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("room");
        let mut kept = Kept::read(path.clone(), None).unwrap();
        assert!(matches!(kept.enter(), Command::Open { name: None }));
        kept.follow(&View::default()).unwrap();
        assert!(!path.exists());
        for keepsake in ["first", "second"] {
            kept.follow(&in_room(keepsake)).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{keepsake}\n"));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_keeps_no_room_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        for content in ["", "dear diary\n", "AAAA"] {
            fs::write(&path, content).unwrap();
            assert!(matches!(Kept::read(path.clone(), None), Err(NotKept::NoRoom(_))), "{content:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert!(matches!(Kept::read(folder.path().into(), None), Err(NotKept::File(..))));
    }

    fn ended(code: NoticeCode, id: u64) -> View {
        let notice = Notice { id, code, subject: String::new(), number: None, second: None };
        View { notices: vec![notice], ..View::default() }
    }

    fn anew(kept: &mut Kept, code: NoticeCode, id: u64, name: Option<&RoomId>) -> u64 {
        match kept.next(&ended(code, id)) {
            Next::Anew(wait, commands) => {
                assert_eq!(commands, [Command::Open { name: name.cloned() }, Command::Dismiss(id)]);
                wait.as_secs()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_kept_room_that_ended_is_opened_anew_each_time_and_its_end_is_answered_once() {
        let folder = tempfile::tempdir().unwrap();
        let name: RoomId = "summer-house".parse().unwrap();
        let mut kept = Kept::read(folder.path().join("room"), Some(name.clone())).unwrap();
        let gone = NoticeCode::KeepsakeExpired;
        assert_eq!(kept.next(&ended(gone, 1)), Next::GoOn, "nothing was kept so far");
        // It was not in the file when the run began.
        for (held, wait) in [(1, 0), (2, 1), (3, 1)] {
            kept.follow(&in_room(&format!("keepsake {held}"))).unwrap();
            assert_eq!(kept.next(&in_room("the same")), Next::GoOn);
            assert_eq!(anew(&mut kept, gone, held, Some(&name)), wait);
            assert_eq!(kept.next(&ended(gone, held)), Next::Wait);
            let opening = View { phase: Phase::Opening, ..ended(gone, held) };
            assert_eq!(kept.next(&opening), Next::GoOn);
        }
        assert_eq!(kept.next(&ended(NoticeCode::RoomTaken, 9)), Next::GoOn, "the person wants this name");
    }

    #[test]
    fn a_room_that_is_forgotten_again_and_again_is_opened_ever_more_slowly_and_then_given_up() {
        let (path, keepsake) = (PathBuf::from("nowhere"), Some(Keepsake("unreadable".into())));
        let mut kept = Kept { path, name: None, keepsake, tries: 0, answered: None };
        assert!(matches!(kept.enter(), Command::Return(_)));
        assert_eq!(kept.next(&View::default()), Next::GoOn);
        let codes = [NoticeCode::KeepsakeExpired, NoticeCode::RoomTaken].into_iter().cycle();
        let tries = codes.zip(0..u64::from(MAX_TRIES));
        let waits: Vec<u64> = tries.map(|(code, id)| anew(&mut kept, code, id, None)).collect();
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 30, 30, 30, 30]);
        assert_eq!(kept.next(&ended(NoticeCode::RoomTaken, 99)), Next::GoOn);
    }
}
