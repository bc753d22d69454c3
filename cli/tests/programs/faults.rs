//! What goes wrong on a machine while bytes move: the right message at the right end, and nothing that looks complete
//! and is not.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Run, Server, program, tree};
use crate::text;

const MIB: u64 = 1024 * 1024;
/// Long enough on its way that something can happen meanwhile.
const LARGE: u64 = 512 * MIB;

/// A sharer of one file, and a directory to receive it into.
pub(crate) struct Scene {
    pub(crate) server: Server,
    dir: TempDir,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let scene = Self { server: Server::start(), dir: TempDir::new().unwrap() };
        fs::create_dir(scene.inbox()).unwrap();
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn inbox(&self) -> PathBuf {
        self.path("in")
    }

    /// A file that takes no space at the sender.
    pub(crate) fn sparse(&self, name: &str, length: u64) -> PathBuf {
        File::create(self.path(name)).unwrap().set_len(length).unwrap();
        self.path(name)
    }

    pub(crate) fn send(&self, paths: &[&Path]) -> (Run, String) {
        let args: Vec<&str> = ["send"].into_iter().chain(paths.iter().map(|path| text(path))).collect();
        let (run, _, link) = self.server.host(&args);
        (run, link)
    }

    /// Both programs in the middle of moving a large file.
    fn under_way(&self) -> (Run, Run) {
        let (mut sender, link) = self.send(&[&self.sparse("large", LARGE)]);
        let mut receiver = self.server.run(&["receive", &link, "--into", text(&self.inbox())]);
        receiver.find(is_under_way);
        sender.find(is_under_way);
        (sender, receiver)
    }

    /// The program's own words, to be said behind those of another one.
    pub(crate) fn program(&self) -> [&str; 4] {
        [env!("CARGO_BIN_EXE_privydrop"), "--json", "--server", &self.server.url]
    }

    /// Words that make `receive` of this link, behind another program's.
    fn receiving<'a>(&'a self, link: &'a str, into: &'a str) -> [&'a str; 8] {
        let [program, json, server, url] = self.program();
        [program, json, server, url, "receive", link, "--into", into]
    }
}

pub(crate) fn is_under_way(event: &Value) -> bool {
    event["state"] == "moving" && event["done"] != 0
}

/// The message of the last line.
pub(crate) fn last_words(run: &Run) -> &str {
    run.seen.last().unwrap()["message"].as_str().unwrap()
}

#[test]
fn ctrl_c_at_the_receiver_in_the_middle_says_how_to_go_on_and_leaves_what_that_needs() {
    let scene = Scene::new();
    let (mut sender, mut receiver) = scene.under_way();
    receiver.interrupt();
    assert_eq!(receiver.end(), 130);
    assert!(last_words(&receiver).contains("Run the same command again"), "{}", last_words(&receiver));
    let left: Vec<_> = tree(&scene.inbox()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(left, ["large.privydrop-part", "large.privydrop-part.privydrop-part"].map(PathBuf::from));
    // Whoever comes next is still served.
    sender.interrupt();
    assert_eq!(sender.end(), 130);
    assert!(last_words(&sender).contains("Run the same command again"), "{}", last_words(&sender));
}

#[test]
fn a_held_receiver_does_not_hold_the_others() {
    let scene = Scene::new();
    let film = scene.sparse("film", LARGE / 2);
    let (mut sender, _, link) = scene.server.host(&["send", "--stay", text(&film)]);
    let receive = |into: &str| scene.server.run(&["receive", &link, "--into", text(&scene.path(into))]);
    let mut slow = receive("slow");
    slow.find(is_under_way);
    slow.held(|| assert_eq!(receive("quick").end(), 0));
    assert_eq!(slow.end(), 0);
    assert_eq!(tree(&scene.path("slow")).len(), 1, "nothing unfinished is left");
    assert!(tree(&scene.path("slow")) == tree(&scene.path("quick")));
    sender.interrupt();
    assert_eq!(sender.end(), 130);
}

/// Does something to the file that is being sent; both must say that this happened, and end.
fn spoiled(spoil: impl FnOnce(&Path), code: &str) {
    let scene = Scene::new();
    let (mut sender, mut receiver) = scene.under_way();
    // The sharer reads no further than the receiver granted.
    receiver.held(|| spoil(&scene.path("large")));
    assert_eq!((receiver.end(), sender.end()), (1, 1));
    assert!(receiver.notices().contains(&code), "{:#?}", receiver.seen);
    assert!(sender.notices().contains(&code), "{:#?}", sender.seen);
    assert_eq!(tree(&scene.inbox()), []);
}

#[test]
fn a_file_that_grows_while_it_is_sent_is_not_kept() {
    let grow = |path: &Path| OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap();
    spoiled(grow, "source-changed");
}

#[test]
fn a_file_that_shrinks_while_it_is_sent_is_not_kept() {
    spoiled(
        |path| OpenOptions::new().write(true).open(path).unwrap().set_len(MIB).unwrap(),
        "source-changed",
    );
}

#[test]
fn a_file_that_is_written_to_while_it_is_sent_is_not_kept() {
    spoiled(
        |path| OpenOptions::new().write(true).open(path).unwrap().write_all(b"other").unwrap(),
        "source-changed",
    );
}

#[test]
fn a_file_that_another_takes_the_place_of_while_it_is_sent_is_not_kept() {
    let replace = |path: &Path| {
        let other = path.with_file_name("other");
        File::create(&other).unwrap().set_len(LARGE).unwrap();
        fs::rename(other, path).unwrap();
    };
    spoiled(replace, "source-changed");
}

#[test]
fn a_file_that_is_deleted_while_it_is_sent_is_not_kept() {
    spoiled(|path| fs::remove_file(path).unwrap(), "source-unreadable");
}

#[test]
fn a_file_that_changed_before_anybody_came_is_refused() {
    let scene = Scene::new();
    let file = scene.path("notes");
    fs::write(&file, b"as offered").unwrap();
    let (mut sender, link) = scene.send(&[&file]);
    fs::write(&file, b"and changed since").unwrap();
    let mut receiver = scene.server.run(&["receive", &link, "--into", text(&scene.inbox())]);
    assert_eq!((receiver.end(), sender.end()), (1, 1));
    assert!(receiver.notices().contains(&"source-changed") && sender.notices().contains(&"source-changed"));
    assert_eq!(tree(&scene.inbox()), []);
}

#[test]
fn a_directory_that_vanishes_on_the_way_is_said_and_nothing_is_called_done() {
    let scene = Scene::new();
    let (sender, mut receiver) = scene.under_way();
    sender.held(|| fs::remove_dir_all(scene.inbox()).unwrap());
    assert_eq!(receiver.end(), 5);
    assert!(receiver.notices().contains(&"place-unwritable"), "{:#?}", receiver.seen);
    assert!(receiver.seen.iter().all(|event| event["state"] != "done"));
    assert!(last_words(&receiver).contains("--into") && !scene.inbox().exists());
}

#[test]
fn a_directory_that_vanished_before_anything_came_is_said() {
    let scene = Scene::new();
    let (mut receiver, _, link) = scene.server.host(&["receive", "--stay", "--into", text(&scene.inbox())]);
    fs::remove_dir(scene.inbox()).unwrap();
    let small = scene.sparse("small", 10);
    let mut sender = scene.server.run(&["send", "--to", &link, text(&small)]);
    receiver.find(|event| event["code"] == "place-unwritable");
    receiver.interrupt();
    assert_eq!(receiver.end(), 130);
    sender.interrupt();
    assert_ne!(sender.end(), 0);
    assert!(!scene.inbox().exists());
}

#[test]
fn a_directory_that_may_not_be_written_to_is_said() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    fs::set_permissions(scene.inbox(), fs::Permissions::from_mode(0o555)).unwrap();
    let (_sender, link) = scene.send(&[&scene.sparse("small", 10)]);
    let into = scene.inbox();
    let words = scene.receiving(&link, text(&into));
    let mut command = if rustix::process::geteuid().is_root() {
        // Permissions mean nothing to root unless it gives this capability away.
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set", "-dac_override", "--"]).args(words);
        command
    } else {
        program(&words[1..])
    };
    command.stderr(Stdio::null());
    let mut receiver = Run::of(command, "");
    assert_eq!(receiver.end(), 5);
    assert!(receiver.notices().contains(&"place-unwritable"), "{:#?}", receiver.seen);
    assert_eq!(tree(&into), []);
}

/// On FAT a file ends at 4 GiB; here the same system call fails with the same error a little earlier.
#[test]
fn a_file_larger_than_the_disk_lets_files_be_is_said_and_removed() {
    let scene = Scene::new();
    let (_sender, link) = scene.send(&[&scene.sparse("large", 32 * MIB)]);
    let into = scene.inbox();
    let mut command = Command::new("sh");
    // In blocks of 512 bytes; without the trap the system would end the program.
    command.args(["-c", "trap '' XFSZ; ulimit -f 16384; exec \"$@\"", "sh"]);
    command.args(scene.receiving(&link, text(&into))).stderr(Stdio::null());
    let mut receiver = Run::of(command, "");
    assert_eq!(receiver.end(), 5);
    assert!(receiver.notices().contains(&"place-unwritable"), "{:#?}", receiver.seen);
    assert!(receiver.seen.iter().all(|event| event["state"] != "done"));
    assert_eq!(tree(&into), []);
}
