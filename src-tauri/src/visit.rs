//! What an app that was killed goes on with when it is started again: its room, what it was receiving, what it shared.
//!
//! It is forgotten when the person leaves the room or quits, and after a day. What opens the room is a secret of this
//! user's, in a file that nobody else can read.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use privydrop_common::api::{ItemView, Keepsake, MAX_WANTED, NoticeCode, Phase, View};
use privydrop_common::id::Mark;
use privydrop_common::name::Component;
use privydrop_common::text::Document;
use privydrop_common::wire::MAX_ITEMS;
use privydrop_native::Server;
use serde::{Deserialize, Serialize};

use crate::files::{self, Content, KeptPath, Writer};

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

impl Content for Visit {
    fn write(&self, path: &Path) -> io::Result<()> {
        files::write(path, self).or_else(|error| match error.kind() {
            // Without its text, which may be long, it is short.
            ErrorKind::FileTooLarge => files::write(path, &Self { text: None, ..self.clone() }),
            _ => Err(error),
        })
    }
}

/// Keeps the newest visit in a file.
#[derive(Debug, Default)]
pub(crate) struct Visits {
    /// Nowhere in a test.
    file: Option<Writer<Visit>>,
    /// What was given to the file, and when.
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
        (Self { file: Some(Writer::new(file)), ..Self::default() }, visit)
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

    /// Its file, which may be behind.
    pub(crate) fn file(&self) -> Option<Writer<Visit>> {
        self.file.clone()
    }

    /// Keeps what is to be gone on with after this view. True when that is nothing any more.
    pub(crate) fn follow(&mut self, server: &str, view: &View) -> bool {
        self.look(view);
        let expired = || view.notices.iter().any(|notice| notice.code == NoticeCode::KeepsakeExpired);
        if view.phase == Phase::Idle {
            // Before the first room of this run the file holds what it is about to go on with. What is on the list stays
            // there for the next room.
            let is_over = self.kept.is_some() || expired();
            if is_over {
                self.forget();
            }
            return is_over;
        }
        let Some(keepsake) = view.room.as_ref().and_then(|room| room.keepsake.clone()) else { return false };
        let listed = self.picked.iter().filter(|picked| picked.listed);
        let shared = listed.map(|picked| KeptPath(picked.path.clone())).collect();
        let text =
            view.items.iter().filter(|item| item.key.owner.is_none()).find_map(|item| item.text.clone());
        let visit = Visit { server: server.to_owned(), keepsake, wanted: view.wanted.clone(), shared, text };
        let noted = |(kept, since): &(Visit, Instant)| *kept == visit && since.elapsed() < NOTED_EVERY;
        if !self.kept.as_ref().is_some_and(noted) {
            // What cannot be written is not gone on with, and nothing else depends on it.
            self.file.iter().for_each(|file| file.put(Some(visit.clone())));
            self.kept = Some((visit, Instant::now()));
        }
        false
    }

    /// The session ends, and with it its list.
    pub(crate) fn end(&mut self) {
        self.picked.clear();
        self.forget();
    }

    /// The person left.
    fn forget(&mut self) {
        self.kept = None;
        self.file.iter().for_each(|file| file.put(None));
    }
}

/// The server to begin with, and the visit to go on with there: a link may have led to another server than the chosen
/// one, whereas one that is named for this run is the only one.
pub(crate) fn begin_at(
    named: Option<String>,
    chosen: Option<String>,
    visit: Option<Visit>,
) -> (Option<Server>, Option<Visit>) {
    let read = |server: String| server.parse::<Server>().ok();
    let visited = visit.as_ref().and_then(|visit| read(visit.server.clone()));
    let server = match named {
        Some(named) => read(named),
        None => visited.clone().or_else(|| chosen.and_then(read)),
    };
    let visit = visit.filter(|_| visited.is_some() && visited == server);
    (server, visit)
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

    use tauri::async_runtime;

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

    impl Visits {
        /// The same, and what is in the file then.
        fn followed(&mut self, view: &View) {
            self.follow("https://drop.example", view);
            self.settle();
        }

        fn settle(&self) {
            async_runtime::block_on(self.file().unwrap().done());
        }
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
        visits.followed(&in_room(&["a", "b"], &[]));
        let mut view = in_room(&["b"], &wanted);
        let text = Document::from_plain("see b").unwrap();
        view.items[0].text = Some(text.clone());
        visits.followed(&view);
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
            visits.followed(&in_room(names, &[]));
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
            visits.followed(&view);
        }
        // Another one of the same name, which is no reason to doubt which is on the list.
        visits.pick(&paths(&["other/note"]));
        for view in [left(&["film"]), in_room(&["film", "note"], &[])] {
            visits.followed(&view);
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
        visits.followed(&View { notices: vec![expired], ..View::default() });
        visits.followed(&in_room(&["film"], &[]));
        assert_eq!(Visits::read(file).1.unwrap().shared, kept(&paths(&["film"])));
    }

    #[test]
    fn a_killed_app_goes_back_to_the_server_of_its_room_unless_another_is_named_for_this_run() {
        let [chosen, visited] = ["https://chosen.example", "https://visited.example"].map(str::to_owned);
        let begin = |named: Option<&str>, visited: Option<&str>| {
            let visit = visited.map(|server| Visit {
                server: server.to_owned(),
                keepsake: Keepsake("kept".into()),
                wanted: Vec::new(),
                shared: Vec::new(),
                text: None,
            });
            let (server, visit) = begin_at(named.map(str::to_owned), Some(chosen.clone()), visit);
            (server.map(|server| server.to_string()), visit.is_some())
        };
        assert_eq!(begin(None, None), (Some(chosen.clone()), false));
        assert_eq!(begin(None, Some(&visited)), (Some(visited.clone()), true));
        assert_eq!(begin(None, Some("no server")), (Some(chosen.clone()), false));
        assert_eq!(begin(Some(&chosen), Some(&visited)), (Some(chosen.clone()), false));
        assert_eq!(begin(Some(&visited), Some(&visited)), (Some(visited.clone()), true));
    }

    #[test]
    fn who_left_quit_or_came_too_late_is_in_no_room_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("visit.json");
        let begin = || {
            let (mut visits, _) = Visits::read(file.clone());
            visits.followed(&in_room(&[], &[]));
            assert!(file.exists());
            visits
        };
        begin().followed(&View::default());
        assert!(!file.exists(), "left");
        let mut visits = begin();
        visits.end();
        visits.settle();
        assert!(!file.exists(), "quit");
        drop(begin());
        let (mut next, _) = Visits::read(file.clone());
        next.followed(&View::default());
        assert!(file.exists(), "the next run has not gone back yet");
        let code = NoticeCode::KeepsakeExpired;
        let expired = Notice { id: 1, code, subject: String::new(), number: None, second: None };
        next.followed(&View { notices: vec![expired], ..View::default() });
        assert!(!file.exists(), "the room is gone");
        drop(begin());
        let long_ago = SystemTime::now() - 2 * FORGOTTEN_AFTER;
        fs::File::open(&file).unwrap().set_modified(long_ago).unwrap();
        assert_eq!(Visits::read(file).1, None);
    }
}
