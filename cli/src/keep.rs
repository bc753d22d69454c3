//! A room that is opened again after a restart: what opens it, in a file that only this user can read.
//!
//! Its name and link stay the same as long as the file does; its words are others each time. Whoever can read the file can
//! take the room's place, so what is in it is never shown. The rules of rooms are the session's.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use privydrop_common::api::{Command, Keepsake, NoticeCode, Phase, View};
use privydrop_common::id::RoomId;

use crate::words;

/// Longest file that is read, in bytes; what opens a room is shorter by far.
const MAX_KEPT: u64 = 16 * 1024;

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
    /// What it held at the beginning has not failed so far.
    returning: bool,
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
        let returning = keepsake.is_some();
        Ok(Self { path, name, keepsake, returning })
    }

    /// Into the room that was kept, or a new one.
    pub(crate) fn enter(&self) -> Command {
        match &self.keepsake {
            Some(keepsake) => Command::Return(keepsake.clone()),
            None => Command::Open { name: self.name.clone() },
        }
    }

    /// What follows when the server does not know the kept room any more: a new one of the same name. Said once.
    pub(crate) fn start_over(&mut self, view: &View) -> Option<[Command; 2]> {
        let expired = view.notices.iter().find(|notice| notice.code == NoticeCode::KeepsakeExpired)?;
        let is_over = view.phase == Phase::Idle && core::mem::take(&mut self.returning);
        let name = self.name.clone().or_else(|| self.keepsake.as_ref()?.room());
        is_over.then_some([Command::Dismiss(expired.id), Command::Open { name }])
    }

    /// Writes what opens the room from now on, when it is another.
    pub(crate) fn follow(&mut self, view: &View) -> Result<(), NotKept> {
        let Some(now) = view.room.as_ref().and_then(|room| room.keepsake.as_ref()) else { return Ok(()) };
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

    #[test]
    fn a_room_that_the_server_forgot_is_opened_anew_once() {
        let path = PathBuf::from("nowhere");
        let mut kept =
            Kept { path, name: None, keepsake: Some(Keepsake("unreadable".into())), returning: true };
        assert!(matches!(kept.enter(), Command::Return(_)));
        assert_eq!(kept.start_over(&View::default()), None);
        let code = NoticeCode::KeepsakeExpired;
        let expired = Notice { id: 7, code, subject: String::new(), number: None, second: None };
        let view = View { notices: vec![expired], ..View::default() };
        assert_eq!(kept.start_over(&view), Some([Command::Dismiss(7), Command::Open { name: None }]));
        assert_eq!(kept.start_over(&view), None);
    }
}
