//! What an app that was killed goes on with when it is started again: its room, what it was receiving, what it shared.
//!
//! It is forgotten when the person leaves the room or quits, and after a day. What opens the room is a secret of this
//! user's, in a file that nobody else can read.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use privydrop_common::api::{Keepsake, MAX_WANTED, NoticeCode, Phase, View};
use privydrop_common::id::Mark;
use privydrop_common::name::Component;
use privydrop_common::text::Document;
use privydrop_common::wire::MAX_ITEMS;
use serde::{Deserialize, Serialize};

use crate::files;

/// Who was away for longer does not expect to be in a room again.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3600);
/// As often it is noted that the visit goes on.
const NOTED_EVERY: Duration = Duration::from_secs(3600);

/// One stay in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Visit {
    /// The server's address.
    pub(crate) server: String,
    /// What opens the room.
    pub(crate) keepsake: Keepsake,
    /// What was accepted and is not whole.
    pub(crate) wanted: Vec<Mark>,
    /// What is shared there.
    pub(crate) shared: Vec<PathBuf>,
    /// The text that is shared there; none in what an earlier version kept.
    #[serde(default)]
    pub(crate) text: Option<Document>,
}

/// Keeps the newest visit in a file.
#[derive(Debug, Default)]
pub(crate) struct Visits {
    /// Nowhere in a test.
    file: Option<PathBuf>,
    /// What is in the file, and since when.
    kept: Option<(Visit, Instant)>,
    /// What was picked in this run, oldest first.
    picked: Vec<PathBuf>,
}

impl Visits {
    /// Visits kept in this file, and the one that did not end.
    pub(crate) fn read(file: PathBuf) -> (Self, Option<Visit>) {
        let noted = fs::metadata(&file).and_then(|facts| facts.modified()).ok();
        let recent = noted.is_some_and(|at| at.elapsed().is_ok_and(|age| age < FORGOTTEN_AFTER));
        let visit = files::read::<Visit>(&file).filter(|_| recent).map(|mut visit| {
            visit.wanted.truncate(MAX_WANTED);
            visit.shared.truncate(MAX_ITEMS);
            visit
        });
        (Self { file: Some(file), ..Self::default() }, visit)
    }

    /// These are shared from now on, as long as they are on the list.
    pub(crate) fn pick(&mut self, paths: &[PathBuf]) {
        self.picked.retain(|path| !paths.contains(path));
        self.picked.extend_from_slice(paths);
        let excess = self.picked.len().saturating_sub(MAX_ITEMS);
        self.picked.drain(..excess);
    }

    /// Keeps what is to be gone on with after this view.
    pub(crate) fn follow(&mut self, server: &str, view: &View) {
        let expired = || view.notices.iter().any(|notice| notice.code == NoticeCode::KeepsakeExpired);
        if view.phase == Phase::Idle {
            // Before the first room of this run the file holds what it is about to go on with.
            if self.kept.is_some() || expired() {
                self.end();
            }
            return;
        }
        let Some(keepsake) = view.room.as_ref().and_then(|room| room.keepsake.clone()) else { return };
        let own = || view.items.iter().filter(|item| item.key.owner.is_none());
        // Of several that have one name nobody knows which is still shared: none is, unless all are.
        let is_shared = |path: &&PathBuf| {
            let name = offered_name(path);
            let picked = self.picked.iter().filter(|other| offered_name(other) == name).count();
            own().filter(|item| item.name == name).count() >= picked
        };
        let shared = self.picked.iter().filter(is_shared).cloned().collect();
        let text = own().find_map(|item| item.text.clone());
        let visit = Visit { server: server.to_owned(), keepsake, wanted: view.wanted.clone(), shared, text };
        let noted = |(kept, since): &(Visit, Instant)| *kept == visit && since.elapsed() < NOTED_EVERY;
        if self.kept.as_ref().is_some_and(noted) {
            return;
        }
        // What cannot be written is not gone on with, and nothing else depends on it.
        let written = self.file.as_ref().map(|file| {
            files::write(file, &visit).or_else(|error| match error.kind() {
                // Without its text, which may be long, it is short.
                ErrorKind::FileTooLarge => files::write(file, &Visit { text: None, ..visit.clone() }),
                _ => Err(error),
            })
        });
        if let Some(Err(error)) = written {
            tracing::warn!(%error, "the visit cannot be written");
        }
        self.kept = Some((visit, Instant::now()));
    }

    /// The person left, or quits.
    pub(crate) fn end(&mut self) {
        (self.kept, self.picked) = (None, Vec::new());
        if let Some(file) = &self.file {
            let _ = fs::remove_file(file);
        }
    }
}

/// What the others call it.
fn offered_name(path: &Path) -> String {
    Component::sanitize(&path.file_name().unwrap_or_default().to_string_lossy()).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use privydrop_common::api::{ItemKey, ItemKind, ItemView, Notice, RoomView};
    use privydrop_common::id::ItemId;

    use super::*;

    fn in_room(names: &[&str], wanted: &[Mark]) -> View {
        let room = RoomView {
            id: "123456".parse().unwrap(),
            hosting: true,
            code: None,
            link: None,
            keepsake: Some(Keepsake("kept".into())),
            tries_left: 5,
        };
        let key = ItemKey { owner: None, item: ItemId::TEXT };
        let item = |name: &&str| ItemView::offered(key, ItemKind::File, (*name).into(), 1);
        let items = names.iter().map(item).collect();
        View { phase: Phase::InRoom, room: Some(room), items, wanted: wanted.to_vec(), ..View::default() }
    }

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(|name| Path::new("/home/me").join(name)).collect()
    }

    #[test]
    fn a_visit_that_did_not_end_is_gone_on_with_and_what_was_taken_back_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("visit.json");
        let (mut visits, before) = Visits::read(file.clone());
        assert_eq!(before, None);
        let wanted: [Mark; 1] = ["000102030405060708090a0b0c0d0e0f".parse().unwrap()];
        visits.pick(&paths(&["a", "b"]));
        visits.follow("https://drop.example", &in_room(&["a", "b"], &[]));
        let mut view = in_room(&["b"], &wanted);
        let text = Document::from_plain("see b").unwrap();
        view.items[0].text = Some(text.clone());
        visits.follow("https://drop.example", &view);
        let (_, left) = Visits::read(file);
        let left = left.unwrap();
        assert_eq!((left.server.as_str(), left.keepsake.0.as_str()), ("https://drop.example", "kept"));
        assert_eq!((left.wanted, left.shared, left.text), (wanted.to_vec(), paths(&["b"]), Some(text)));
    }

    #[test]
    fn of_two_of_one_name_neither_is_shared_again_once_one_was_taken_back_and_odd_names_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("visit.json");
        let picked = paths(&["a/report.pdf", "b/report.pdf", "what?.txt"]);
        let shared = |names: &[&str]| {
            let (mut visits, _) = Visits::read(file.clone());
            visits.pick(&picked);
            visits.follow("https://drop.example", &in_room(names, &[]));
            Visits::read(file.clone()).1.unwrap().shared
        };
        assert_eq!(shared(&["report.pdf", "report.pdf", "what_.txt"]), picked);
        assert_eq!(shared(&["report.pdf", "what_.txt"]), picked[2..]);
    }

    #[test]
    fn who_left_quit_or_came_too_late_is_in_no_room_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("visit.json");
        let begin = || {
            let (mut visits, _) = Visits::read(file.clone());
            visits.follow("https://drop.example", &in_room(&[], &[]));
            assert!(file.exists());
            visits
        };
        begin().follow("https://drop.example", &View::default());
        assert!(!file.exists(), "left");
        begin().end();
        assert!(!file.exists(), "quit");
        drop(begin());
        let (mut next, _) = Visits::read(file.clone());
        next.follow("https://drop.example", &View::default());
        assert!(file.exists(), "the next run has not gone back yet");
        let code = NoticeCode::KeepsakeExpired;
        let expired = Notice { id: 1, code, subject: String::new(), number: None, second: None };
        next.follow("https://drop.example", &View { notices: vec![expired], ..View::default() });
        assert!(!file.exists(), "the room is gone");
        drop(begin());
        let long_ago = SystemTime::now() - 2 * FORGOTTEN_AFTER;
        fs::File::open(&file).unwrap().set_modified(long_ago).unwrap();
        assert_eq!(Visits::read(file).1, None);
    }
}
