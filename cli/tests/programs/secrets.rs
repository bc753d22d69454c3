//! What the programs write into their logs when they are asked to tell everything: nothing that opens a room, that was
//! shared, or that says who came.

use std::fs::{self, File};
use std::path::Path;

use tempfile::TempDir;

use super::support::{Run, Server, program};
use super::text;

/// A run whose log, with everything in it, goes to this file.
fn talkative(server: &Server, args: &[&str], log: &Path) -> Run {
    let mut command = program(&[&["--json", "--server", &server.url], args].concat());
    command.env("RUST_LOG", "trace").stderr(File::create(log).unwrap());
    Run::of(command, "")
}

#[test]
fn no_log_holds_what_opens_a_room_or_what_was_shared_or_who_came() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name);
    let server = Server::talkative(File::create(at("server.log")).unwrap());

    let [kept, diary, letter] = ["kept", "diary.txt", "letter.txt"].map(at);
    fs::write(&diary, "dear diary").unwrap();
    fs::write(&letter, "dear friend").unwrap();
    let host =
        ["send", "--keep", text(&kept), "--stay", "--room", "summer-house", text(&diary), text(&letter)];
    let mut sender = talkative(&server, &host, &at("sender.log"));
    let room = sender.next("room");
    let [code, link] = ["code", "link"].map(|key| room[key].as_str().unwrap().to_owned());
    // What cannot be read any more is told in the log, too.
    fs::remove_file(&letter).unwrap();

    let into = at("into");
    for (who, code) in [("stranger", "summer-house-zebra-zebra-zebra"), ("receiver", &code)] {
        let mut run =
            talkative(&server, &["receive", code, "--into", text(&into)], &at(&format!("{who}.log")));
        assert_ne!(run.end(), 0, "{who}");
    }
    assert_eq!(fs::read_to_string(into.join("diary.txt")).unwrap(), "dear diary");
    sender.interrupt();
    sender.end();
    let kept = fs::read_to_string(kept).unwrap();
    drop(server);

    let log = |who: &str| fs::read_to_string(at(&format!("{who}.log"))).unwrap();
    assert!(log("server").contains("ready") && log("sender").contains("cannot be read"), "they do tell");
    let words = code.strip_prefix("summer-house-").unwrap();
    let secret = link.rsplit('.').next().unwrap();
    for who in ["server", "sender", "receiver", "stranger"] {
        let log = log(who);
        for hidden in ["summer-house", "zebra", words, secret, kept.trim(), "diary", "letter.txt", "dear"] {
            assert!(!log.contains(hidden), "{who} tells {hidden}: {log}");
        }
        // The server says where it listens, which is an address, before anybody can come.
        let open = server_is_open(&log);
        assert!(!log[open..].contains("127.0.0.1"), "{who} tells who came: {log}");
    }
}

/// Where in a log the lines of its beginning end.
fn server_is_open(log: &str) -> usize {
    log.rfind("ready listen=").map_or(0, |at| at + log[at..].find('\n').unwrap())
}
