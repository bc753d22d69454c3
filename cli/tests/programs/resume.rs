//! Programs that are killed in the middle, and started again: what was stored is not fetched twice, and what is there in
//! the end is what was sent.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use crate::faults::{Scene, is_under_way};
use crate::support::{Run, tree};
use crate::text;

const MIB: u64 = 1 << 20;
/// Long enough on its way that a program can be killed meanwhile.
const LENGTH: u64 = 256 * MIB;

impl Scene {
    /// A film no two pieces of which are the same.
    fn with_a_film() -> Self {
        let scene = Self::new();
        let film = File::create(scene.film()).unwrap();
        film.set_len(LENGTH).unwrap();
        for piece in 0..LENGTH / MIB {
            let at = piece * MIB;
            film.write_all_at(&at.to_le_bytes(), at).unwrap();
        }
        scene
    }

    fn film(&self) -> PathBuf {
        self.path("film")
    }

    fn send_it(&self) -> (Run, String) {
        self.send(&[&self.film()])
    }

    fn receive(&self, link: &str) -> Run {
        self.server.run(&["receive", link, "--into", text(&self.inbox())])
    }

    /// The receiver ends with all of it, of which something was there before.
    fn goes_on(&self, mut receiver: Run) {
        let resumed = receiver.find(|event| event["code"] == "item-resumed");
        assert!(resumed["number"].as_u64().is_some_and(|percent| (0..100).contains(&percent)), "{resumed}");
        assert_eq!(receiver.end(), 0);
        let names: Vec<_> = tree(&self.inbox()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, [PathBuf::from("film")], "nothing unfinished is left");
        assert!(fs::read(self.inbox().join("film")).unwrap() == fs::read(self.film()).unwrap());
    }
}

#[test]
fn what_a_killed_receiver_left_is_told_and_can_be_removed() {
    let scene = Scene::with_a_film();
    let (_sender, link) = scene.send_it();
    let look = |words: &[&str]| {
        let inbox = scene.inbox();
        let mut run = scene.server.run(&[&["unfinished", text(&inbox)], words].concat());
        assert_eq!(run.end(), 0);
        let told = run.seen.iter().find(|event| event["event"] == "unfinished");
        told.map(|event| (event["name"].clone(), event["in_use"].clone(), event["removed"].clone()))
    };
    let mut receiver = scene.receive(&link);
    receiver.find(is_under_way);
    receiver.held(|| assert_eq!(look(&["--clear"]), Some(("film".into(), true.into(), false.into()))));
    drop(receiver);
    assert_eq!(look(&[]), Some(("film".into(), false.into(), false.into())));
    assert_eq!(look(&["--clear"]), Some(("film".into(), false.into(), true.into())));
    assert_eq!(tree(&scene.inbox()), []);
    assert_eq!(look(&[]), None);
}

#[test]
fn a_killed_receiver_goes_on_where_it_was() {
    let scene = Scene::with_a_film();
    let (mut sender, link) = scene.send_it();
    for _ in 0..2 {
        let mut receiver = scene.receive(&link);
        receiver.find(is_under_way);
        drop(receiver);
    }
    scene.goes_on(scene.receive(&link));
    assert_eq!(sender.end(), 0);
}

#[test]
fn a_killed_sender_is_gone_on_with_in_the_room_that_it_makes_next() {
    let scene = Scene::with_a_film();
    let (sender, link) = scene.send_it();
    let mut receiver = scene.receive(&link);
    receiver.find(is_under_way);
    drop(sender);
    receiver.interrupt();
    assert_eq!(receiver.end(), 130);
    let (mut sender, link) = scene.send_it();
    scene.goes_on(scene.receive(&link));
    assert_eq!(sender.end(), 0);
}

#[test]
fn a_killed_sender_that_keeps_its_room_is_gone_on_with_by_itself() {
    let scene = Scene::with_a_film();
    let kept = scene.path("kept");
    let send = || scene.server.host(&["send", "--keep", text(&kept), text(&scene.film())]);
    let (sender, code, link) = send();
    let mut receiver = scene.receive(&link);
    receiver.find(is_under_way);
    drop(sender);
    let (mut sender, other_code, same_link) = send();
    assert_eq!(same_link, link);
    assert_ne!(other_code, code, "words that were said somewhere open nothing for good");
    scene.goes_on(receiver);
    assert_eq!(sender.end(), 0);
}

#[test]
fn a_sharer_that_began_anew_with_nothing_is_waited_for_until_it_shares_the_same_again() {
    let scene = Scene::with_a_film();
    let kept = scene.path("kept");
    let host = |args: &[&str]| scene.server.host(&[args, &["--keep", text(&kept)]].concat());
    let (sender, _, link) = host(&["send", text(&scene.film())]);
    let mut receiver = scene.receive(&link);
    receiver.find(is_under_way);
    drop(sender);
    let (sender, ..) = host(&["text", "--stay", "in a moment"]);
    receiver.find(|event| event["code"] == "item-awaited");
    drop(sender);
    let (mut sender, ..) = host(&["send", text(&scene.film())]);
    scene.goes_on(receiver);
    assert_eq!(sender.end(), 0);
}

#[test]
fn an_always_on_receiver_is_found_by_the_same_link_after_it_was_stopped_or_killed() {
    let scene = Scene::with_a_film();
    let kept = scene.path("kept");
    let receive =
        ["receive", "--stay", "--keep", text(&kept), "--into", text(&scene.inbox())].map(str::to_owned);
    let receive: Vec<_> = receive.iter().map(String::as_str).collect();
    let (mut receiver, _, link) = scene.server.host(&receive);
    receiver.interrupt();
    assert_eq!(receiver.end(), 130);
    let (receiver, _, after_a_stop) = scene.server.host(&receive);
    drop(receiver);
    let (_receiver, _, after_a_kill) = scene.server.host(&receive);
    assert_eq!((&after_a_stop, &after_a_kill), (&link, &link));
    assert_eq!(scene.server.run(&["send", "--to", &link, text(&scene.film())]).end(), 0);
}

/// By a server that knows neither the room nor its ticket, and where somebody else was quicker.
#[test]
fn a_kept_room_whose_name_is_in_use_meanwhile_has_another_unless_the_person_wished_for_it() {
    let (before, now) = (Scene::new(), Scene::new());
    let kept = before.path("kept");
    let inbox = before.inbox();
    let receive = ["receive", "--stay", "--into", text(&inbox)];
    let keeping = [&receive[..], &["--keep", text(&kept)]].concat();
    let (mut receiver, code, _) = before.server.host(&keeping);
    receiver.interrupt();
    assert_eq!(receiver.end(), 130);

    let number = code.split('-').next().unwrap();
    let named = ["--room", number];
    let _other = now.server.host(&[&receive[..], &named].concat());
    let mut wished = now.server.run(&[&keeping[..], &named].concat());
    assert_eq!((wished.end(), wished.notices()), (4, vec!["keepsake-expired", "room-taken"]));

    let (mut receiver, code, link) = now.server.host(&keeping);
    assert_ne!(code.split('-').next(), Some(number));
    assert_eq!(receiver.notices(), ["keepsake-expired", "room-taken"]);
    receiver.interrupt();
    assert_eq!(receiver.end(), 130);
    let (_receiver, _, same_link) = now.server.host(&keeping);
    assert_eq!(same_link, link, "from now on this one is kept");
}

#[test]
fn a_file_that_was_changed_meanwhile_begins_anew() {
    let scene = Scene::with_a_film();
    let (sender, link) = scene.send_it();
    let mut receiver = scene.receive(&link);
    receiver.find(is_under_way);
    drop((sender, receiver));
    // Of the same size, and even of the same time.
    let film = File::options().write(true).open(scene.film()).unwrap();
    let modified = film.metadata().unwrap().modified().unwrap();
    film.write_all_at(b"another film", 0).unwrap();
    film.set_modified(modified).unwrap();
    let (mut sender, link) = scene.send_it();
    scene.goes_on(scene.receive(&link));
    assert_eq!(sender.end(), 0);
}
