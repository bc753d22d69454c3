//! What an app that was killed goes on with when it is started again: its room, what it was receiving, what it shared.
//!
//! It is forgotten when the person leaves the room or quits, and after a day. What opens the room is a secret of this
//! user's, in a file that nobody else can read.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use privydrop_common::api::{ItemView, Keepsake, MAX_WANTED, NoticeCode, Phase, View};
use privydrop_common::id::Mark;
use privydrop_common::name::Component;
use privydrop_common::text::Document;
use privydrop_common::wire::MAX_ITEMS;
use serde::{Deserialize, Serialize};

use crate::files::{self, KeptPath};

/// Who was away for longer does not expect to be in a room again.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3600);
/// As often it is noted that the visit goes on.
pub(crate) const NOTED_EVERY: Duration = Duration::from_secs(3600);

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
    pub(crate) shared: Vec<KeptPath>,
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
    /// What was picked in this run and not taken back, oldest first.
    picked: Vec<Picked>,
}

/// What a person picked.
#[derive(Debug, Clone)]
struct Picked {
    path: PathBuf,
    /// What the others call it.
    name: String,
    /// It was on the list; before, it is looked at.
    listed: bool,
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

    /// These are shared as soon as they are on the list, and as long.
    pub(crate) fn pick(&mut self, paths: &[PathBuf]) {
        self.picked.retain(|picked| !paths.contains(&picked.path));
        let picked = |path: &PathBuf| Picked { path: path.clone(), name: offered_name(path), listed: false };
        self.picked.extend(paths.iter().map(picked));
        let excess = self.picked.len().saturating_sub(MAX_ITEMS);
        self.picked.drain(..excess);
    }

    /// Looks which of what was picked is on the list, in a room or in none.
    fn look(&mut self, view: &View) {
        let names: BTreeSet<String> = self.picked.iter().map(|picked| picked.name.clone()).collect();
        for name in names {
            let is_there = |item: &&ItemView| item.key.owner.is_none() && item.name == name;
            let there = view.items.iter().filter(is_there).count();
            let named = || self.picked.iter().filter(|picked| picked.name == name);
            let (listed, all) = (named().filter(|picked| picked.listed).count(), named().count());
            if there < listed {
                // Of several that have one name nobody knows which was taken back: all were.
                self.picked.retain(|picked| picked.name != name || !picked.listed);
            } else if there >= all {
                let named = self.picked.iter_mut().filter(|picked| picked.name == name);
                named.for_each(|picked| picked.listed = true);
            }
        }
    }

    /// Keeps what is to be gone on with after this view.
    pub(crate) fn follow(&mut self, server: &str, view: &View) {
        self.look(view);
        let expired = || view.notices.iter().any(|notice| notice.code == NoticeCode::KeepsakeExpired);
        if view.phase == Phase::Idle {
            // Before the first room of this run the file holds what it is about to go on with. What is on the list stays
            // there for the next room.
            if self.kept.is_some() || expired() {
                self.forget();
            }
            return;
        }
        let Some(keepsake) = view.room.as_ref().and_then(|room| room.keepsake.clone()) else { return };
        let listed = self.picked.iter().filter(|picked| picked.listed);
        let shared = listed.map(|picked| KeptPath(picked.path.clone())).collect();
        let text =
            view.items.iter().filter(|item| item.key.owner.is_none()).find_map(|item| item.text.clone());
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

    /// The session ends, and with it its list.
    pub(crate) fn end(&mut self) {
        self.picked.clear();
        self.forget();
    }

    /// The person left.
    fn forget(&mut self) {
        self.kept = None;
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

    use privydrop_common::api::{ItemKey, ItemKind, Notice, RoomView};
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
        assert_eq!(
            (left.wanted, left.shared, left.text),
            (wanted.to_vec(), kept(&paths(&["b"])), Some(text))
        );
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
        assert_eq!(shared(&["report.pdf", "report.pdf", "what_.txt"]), kept(&picked));
        assert_eq!(shared(&["report.pdf", "what_.txt"]), kept(&picked[2..]));
    }

    fn kept(paths: &[PathBuf]) -> Vec<KeptPath> {
        paths.iter().cloned().map(KeptPath).collect()
    }

    /// On the list of a device that is in no room.
    fn left(names: &[&str]) -> View {
        View { phase: Phase::Idle, room: None, ..in_room(names, &[]) }
    }

    #[test]
    fn what_stays_on_the_list_when_its_room_is_left_is_shared_again_after_the_next_room() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("visit.json");
        let (mut visits, _) = Visits::read(file.clone());
        visits.pick(&paths(&["film", "note"]));
        for view in [in_room(&["film", "note"], &[]), left(&["film", "note"]), left(&["film"])] {
            visits.follow("https://drop.example", &view);
        }
        // Another one of the same name, which is no reason to doubt which is on the list.
        visits.pick(&paths(&["other/note"]));
        for view in [left(&["film"]), in_room(&["film", "note"], &[])] {
            visits.follow("https://drop.example", &view);
        }
        let shared = Visits::read(file).1.unwrap().shared;
        assert_eq!(shared, kept(&paths(&["film", "other/note"])));
    }

    #[test]
    fn what_is_still_looked_at_when_the_room_turns_out_to_be_gone_is_shared_again_after_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("visit.json");
        let (mut visits, _) = Visits::read(file.clone());
        visits.pick(&paths(&["film"]));
        let code = NoticeCode::KeepsakeExpired;
        let expired = Notice { id: 1, code, subject: String::new(), number: None, second: None };
        visits.follow("https://drop.example", &View { notices: vec![expired], ..View::default() });
        visits.follow("https://drop.example", &in_room(&["film"], &[]));
        assert_eq!(Visits::read(file).1.unwrap().shared, kept(&paths(&["film"])));
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
