//! A disk that has too little space, or runs full on the way: it is said, what came stays, and once there is space only the
//! rest is fetched. On a small disk of each test's own, which is gone with it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use privydrop_common::name::PART_SUFFIX;

use crate::faults::{Scene, last_words};
use crate::support::{Run, tree};
use crate::{bytes, text};

const MIB: usize = 1 << 20;

/// Makes the disk, says so, and stays until it is killed.
const MOUNT: &str = r#"mount -t tmpfs -o "$2" none "$1" && echo made && exec sleep infinity"#;

/// The words that make a mount namespace, and those that lead into it.
const WAYS: [(&[&str], &[&str]); 2] = [
    (&["--user", "--map-root-user", "--mount"], &["--user", "--preserve-credentials", "--mount"]),
    (&["--mount"], &["--mount"]),
];

/// A disk at a scene's inbox, in a mount namespace of its own.
struct SmallDisk {
    holder: Child,
    way_in: &'static [&'static str],
    inbox: PathBuf,
}

impl SmallDisk {
    /// With these options of a tmpfs; `None` where the system allows no such disk.
    fn new(scene: &Scene, options: &str) -> Option<Self> {
        let inbox = scene.inbox();
        let made = WAYS.into_iter().find_map(|(way, way_in)| {
            let mut command = Command::new("unshare");
            command.args(way).args(["sh", "-c", MOUNT, "sh", text(&inbox), options]);
            let mut holder = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
            let (mut line, told) = (String::new(), holder.stdout.take()?);
            // Nothing comes where it cannot be made.
            if BufReader::new(told).read_line(&mut line).ok()? == 0 {
                holder.wait().ok()?;
                return None;
            }
            Some(Self { holder, way_in, inbox: inbox.clone() })
        });
        if made.is_none() {
            skip("this system lets nobody mount a disk of a test's own");
        }
        made
    }

    /// A command that runs where the disk is.
    fn inside(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.id().to_string()]).args(self.way_in).arg("--").args(words);
        command.stderr(Stdio::null());
        command
    }

    /// Where its files are for this test.
    fn path(&self) -> PathBuf {
        Path::new("/proc")
            .join(self.holder.id().to_string())
            .join("root")
            .join(self.inbox.strip_prefix("/").unwrap())
    }

    fn make_room(&self) {
        let remount = ["mount", "-o", "remount,size=64m,nr_inodes=100000", text(&self.inbox)];
        assert!(self.inside(&remount).status().unwrap().success());
    }

    fn run(&self, scene: &Scene, words: &[&str]) -> Run {
        Run::of(self.inside(&[&scene.program(), words].concat()), "")
    }

    /// Bytes that are stored of what is unfinished, journals left out.
    fn unfinished(&self) -> u64 {
        let files = walkdir::WalkDir::new(self.path()).into_iter().map(Result::unwrap);
        let unfinished = files.filter(|entry| {
            entry.file_type().is_file() && {
                let path = text(entry.path());
                path.contains(PART_SUFFIX) && !path.ends_with(&PART_SUFFIX.repeat(2))
            }
        });
        // A file is as long as its last piece says, whatever is missing before it.
        unfinished
            .map(|entry| entry.metadata().unwrap())
            .map(|file| file.len().min(file.blocks() * 512))
            .sum()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Says that this test tries nothing here; it fails unless whoever runs the tests allows that (CONTRIBUTING.md).
fn skip(why: &str) {
    let allowed = std::env::var_os("PRIVYDROP_ALLOW_SKIPS").is_some();
    assert!(allowed, "{why}; PRIVYDROP_ALLOW_SKIPS=1 lets the tests that need it be skipped");
    println!("skipped: {why}");
}

#[test]
fn what_the_disk_has_no_space_for_is_refused_before_it_begins_with_the_numbers() {
    let scene = Scene::new();
    let (_sender, link) = scene.send(&[&scene.sparse("large", 64 << 20)]);
    let Some(disk) = SmallDisk::new(&scene, "size=24m") else { return };
    let mut receiver = disk.run(&scene, &["receive", &link, "--into", text(&scene.inbox())]);
    assert_eq!(receiver.end(), 5, "{:#?}", receiver.seen);
    let told = receiver.seen.iter().find(|event| event["code"] == "no-space").unwrap();
    assert_eq!((told["number"].as_u64(), told["second"].as_u64()), (Some(64 << 20), Some(24 << 20)));
    assert!(receiver.seen.iter().all(|event| event["state"] != "moving"));
    assert_eq!(tree(&disk.path()), []);
}

#[test]
fn a_disk_that_fills_up_on_the_way_is_said_and_the_same_command_goes_on_once_there_is_room() {
    let scene = Scene::new();
    // Each would fit; together they do not.
    let content = bytes(16 * MIB);
    let files = ["first", "second"].map(|name| scene.path(name));
    files.iter().for_each(|file| fs::write(file, &content).unwrap());
    let (mut sender, link) = scene.send(&[&files[0], &files[1]]);
    let Some(disk) = SmallDisk::new(&scene, "size=24m") else { return };
    let receive = || disk.run(&scene, &["receive", &link, "--into", text(&scene.inbox())]);
    let mut receiver = receive();
    assert_eq!(receiver.end(), 5, "{:#?}", receiver.seen);
    let told = receiver.seen.iter().find(|event| event["code"] == "place-full").unwrap();
    for said in [told["message"].as_str().unwrap(), last_words(&receiver)] {
        assert!(said.contains("Make room") && said.contains("goes on from what is there"), "{said}");
    }
    let done = receiver.seen.iter().filter(|event| event["state"] == "done").count();
    let named: Vec<_> =
        tree(&disk.path()).into_iter().filter(|(name, _)| !text(name).ends_with(PART_SUFFIX)).collect();
    assert!(named.len() == done && done < 2, "{done} done");
    assert!(named.iter().all(|(_, bytes)| bytes.as_ref() == Some(&content)));

    disk.make_room();
    let stored = disk.unfinished();
    let mut receiver = receive();
    assert_eq!((receiver.end(), sender.end()), (0, 0));
    goes_on_from(stored, 2 - done, content.len(), &receiver);
    let kept = tree(&disk.path());
    assert!(
        kept.iter()
            .all(|(name, bytes)| !text(name).ends_with(PART_SUFFIX) && bytes.as_ref() == Some(&content))
    );
    for file in ["first", "second"] {
        assert!(kept.iter().any(|(name, _)| name == Path::new(file)), "{file}");
    }
}

/// Of so many stored bytes of items of this length next to nothing was fetched again: for each item a piece that was stored in part,
/// one that no journal could tell of any more, and what a percentage is rounded by.
fn goes_on_from(stored: u64, items: usize, length: usize, receiver: &Run) {
    let resumed = receiver.seen.iter().filter(|event| event["code"] == "item-resumed");
    let found: u64 = resumed.map(|event| event["number"].as_u64().unwrap() * length as u64 / 100).sum();
    let missed = items as u64 * (2 * MIB + length / 100) as u64;
    assert!(stored > 4 << 20 && found <= stored && found + missed >= stored, "{found} of {stored}");
}

/// A folder that takes more space on the disk than its files are long, so that the disk runs full though there was space.
struct Photos {
    scene: Scene,
    length: usize,
}

impl Photos {
    fn new() -> Self {
        let (scene, large) = (Scene::new(), bytes(5 * MIB + 9));
        let photos = scene.path("photos");
        fs::create_dir_all(photos.join("small")).unwrap();
        fs::write(photos.join("large"), &large).unwrap();
        for number in 0..4000_usize {
            fs::write(photos.join("small").join(number.to_string()), &large[number..number + 1024]).unwrap();
        }
        Self { scene, length: large.len() + 4000 * 1024 }
    }

    /// Runs full twice: when there are no blocks left, and when there is nothing left to make a file of.
    fn on_full_disks(&self, goes_on: impl Fn(&SmallDisk, Run, &[&str], &str)) {
        let (kept, into) = (self.scene.path("kept"), self.scene.inbox());
        let receive = ["receive", "--stay", "--keep", text(&kept), "--into", text(&into)];
        for options in ["size=16m", "size=64m,nr_inodes=3000"] {
            let Some(disk) = SmallDisk::new(&self.scene, options) else { return };
            let mut receiver = disk.run(&self.scene, &receive);
            let link = receiver.next("room")["link"].as_str().unwrap().to_owned();
            let _sender = self.scene.server.run(&["send", "--to", &link, text(&self.scene.path("photos"))]);
            receiver.find(|event| event["code"] == "place-full");
            goes_on(&disk, receiver, &receive, &link);
            assert!(tree(&disk.path().join("photos")) == tree(&self.scene.path("photos")), "{options}");
            assert_eq!(disk.unfinished(), 0);
        }
    }

    fn received(&self, receiver: &mut Run, stored: u64) {
        receiver.find(|event| event["name"] == "photos" && event["state"] == "done");
        goes_on_from(stored, 1, self.length, receiver);
    }
}

#[test]
fn an_always_on_receiver_goes_on_with_what_filled_its_disk_when_it_is_sent_again() {
    let photos = Photos::new();
    photos.on_full_disks(|disk, mut receiver, _, link| {
        disk.make_room();
        let stored = disk.unfinished();
        let mut sender = photos.scene.server.run(&["send", "--to", link, text(&photos.scene.path("photos"))]);
        photos.received(&mut receiver, stored);
        assert_eq!(sender.end(), 0);
    });
}

#[test]
fn an_always_on_receiver_that_is_killed_on_a_full_disk_goes_on_by_itself_when_it_is_started_again() {
    let photos = Photos::new();
    photos.on_full_disks(|disk, receiver, receive, _| {
        drop(receiver);
        disk.make_room();
        let stored = disk.unfinished();
        photos.received(&mut disk.run(&photos.scene, receive), stored);
    });
}
