//! What goes wrong on a machine while bytes move: the right message at the right end, and nothing that looks complete
//! and is not.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Run, Server, program, tree};
use crate::{bytes, text};

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
    fn sparse(&self, name: &str, length: u64) -> PathBuf {
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

    /// Words that make `receive` of this link, behind another program's.
    fn receiving<'a>(&'a self, link: &'a str, into: &'a str) -> [&'a str; 8] {
        [
            env!("CARGO_BIN_EXE_privydrop"),
            "--json",
            "--server",
            &self.server.url,
            "receive",
            link,
            "--into",
            into,
        ]
    }
}

pub(crate) fn is_under_way(event: &Value) -> bool {
    event["state"] == "moving" && event["done"] != 0
}

/// The message of the last line.
fn last_words(run: &Run) -> &str {
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

/// A disk of 24 MiB, in a mount namespace of its own; what is on it in the end is copied out.
const SMALL_DISK: &str = r#"into=$1 kept=$2; shift 2
mount -t tmpfs -o size=24m none "$into" || exit 99
"$@"; code=$?
cp -R "$into/." "$kept"
exit $code"#;

/// The words that a small disk can be made with here.
fn namespace() -> Option<&'static [&'static str]> {
    const WAYS: [&[&str]; 2] = [&["--user", "--map-root-user", "--mount"], &["--mount"]];
    WAYS.into_iter().find(|way| {
        let mut trial = Command::new("unshare");
        trial
            .args(*way)
            .args(["mount", "-t", "tmpfs", "none", "/mnt"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        trial.status().is_ok_and(|status| status.success())
    })
}

/// Says that this test tries nothing here; it fails unless whoever runs the tests allows that (CONTRIBUTING.md).
fn skip(why: &str) {
    let allowed = std::env::var_os("PRIVYDROP_ALLOW_SKIPS").is_some();
    assert!(allowed, "{why}; PRIVYDROP_ALLOW_SKIPS=1 lets the tests that need it be skipped");
    println!("skipped: {why}");
}

/// Receives onto the small disk; what is left there, or nothing where the system allows no such disk.
fn on_a_small_disk(scene: &Scene, link: &str) -> Option<(Run, PathBuf)> {
    let Some(way) = namespace() else {
        skip("this system lets nobody mount a disk of a test's own");
        return None;
    };
    let (into, kept) = (scene.inbox(), scene.path("kept"));
    fs::create_dir(&kept).unwrap();
    let mut command = Command::new("unshare");
    command.args(way).args(["sh", "-c", SMALL_DISK, "sh", text(&into), text(&kept)]);
    command.args(scene.receiving(link, text(&into))).stderr(Stdio::null());
    let mut receiver = Run::of(command, "");
    assert_eq!(receiver.end(), 5, "{:#?}", receiver.seen);
    Some((receiver, kept))
}

#[test]
fn what_the_disk_has_no_space_for_is_refused_before_it_begins_with_the_numbers() {
    let scene = Scene::new();
    let (_sender, link) = scene.send(&[&scene.sparse("large", 64 * MIB)]);
    let Some((receiver, kept)) = on_a_small_disk(&scene, &link) else { return };
    let told = receiver.seen.iter().find(|event| event["code"] == "no-space").unwrap();
    assert_eq!((told["number"].as_u64(), told["second"].as_u64()), (Some(64 * MIB), Some(24 * MIB)));
    assert!(receiver.seen.iter().all(|event| event["state"] != "moving"));
    assert_eq!(tree(&kept), []);
}

#[test]
fn a_disk_that_fills_up_on_the_way_is_said_and_only_what_is_whole_is_kept() {
    let scene = Scene::new();
    // Each would fit; together they do not.
    let content = bytes(16 * 1024 * 1024);
    let files = ["first", "second"].map(|name| scene.path(name));
    files.iter().for_each(|file| fs::write(file, &content).unwrap());
    let (_sender, link) = scene.send(&[&files[0], &files[1]]);
    let Some((receiver, kept)) = on_a_small_disk(&scene, &link) else { return };
    assert!(receiver.notices().contains(&"place-full"), "{:#?}", receiver.seen);
    let (kept, done) = (tree(&kept), receiver.seen.iter().filter(|event| event["state"] == "done").count());
    assert!(kept.len() < 2 && kept.len() == done, "{done} done");
    assert!(kept.iter().all(|(_, bytes)| bytes.as_ref() == Some(&content)));
}
