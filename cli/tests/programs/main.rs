//! Two runs of the program find each other through a real server and move real bytes over WebRTC.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

#[cfg(unix)]
mod faults;
mod hostile;
mod names;
#[cfg(unix)]
mod resume;
#[cfg(unix)]
mod secrets;
#[cfg(unix)]
mod space;
mod support;
#[cfg(target_os = "linux")]
mod terminal;

use std::fs;
use std::path::Path;

use support::{Run, Server, output, program, tree};
use tempfile::TempDir;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn bytes(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

#[test]
fn a_file_arrives_with_the_same_hash_and_both_say_so() {
    let (server, dir) = (Server::start(), TempDir::new().unwrap());
    let (film, into) = (dir.path().join("film.mkv"), dir.path().join("in"));
    let content = bytes(20_000_001);
    fs::write(&film, &content).unwrap();

    let (mut sender, code, _) = server.host(&["send", text(&film)]);
    let mut receiver = server.run(&["receive", &code, "--into", text(&into)]);
    assert_eq!((receiver.end(), sender.end()), (0, 0));

    assert!(fs::read(into.join("film.mkv")).unwrap() == content);
    let hash = blake3::hash(&content).to_string();
    for run in [&receiver, &sender] {
        let item = run.seen.iter().rfind(|event| event["event"] == "item").unwrap();
        assert_eq!((&item["state"], &item["progress"]), (&"done".into(), &100.into()));
        assert_eq!(item["hash"], hash);
        let peer = run.seen.iter().find(|event| event["event"] == "peer" && event["state"] == "connected");
        assert_eq!(peer.unwrap()["verified"], true);
    }
    assert_eq!(sender.seen.iter().filter(|event| event["direction"] == "in").count(), 0);
}

/// A Unix path is any bytes, and JSON is text.
#[cfg(target_os = "linux")]
#[test]
fn a_directory_whose_name_is_no_text_hides_no_event() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let (server, dir) = (Server::start(), TempDir::new().unwrap());
    let (film, into) = (dir.path().join("film.mkv"), dir.path().join(OsStr::from_bytes(b"in \xFF")));
    fs::write(&film, b"film").unwrap();
    let (mut sender, code, _) = server.host(&["send", text(&film)]);
    let mut command = program(&["--json", "--server", &server.url, "receive", &code, "--into"]);
    command.arg(&into);
    let mut receiver = Run::of(command, "");
    let done = receiver.find(|event| event["event"] == "item" && event["state"] == "done");
    assert!(done["path"].as_str().unwrap().ends_with("in \u{FFFD}/film.mkv"), "{done}");
    assert_eq!((receiver.end(), sender.end()), (0, 0));
    assert_eq!(fs::read(into.join("film.mkv")).unwrap(), b"film");
}

#[test]
fn with_the_socket_buffers_of_an_ordinary_machine_a_file_arrives_over_four_lanes_from_who_knows_no_quic() {
    let older = ["--without-quic"];
    assert_eq!(arrives_over(&older, &[]), 4);
    assert_eq!(arrives_over(&[], &older), 4);
}

#[test]
fn with_such_buffers_and_quic_at_both_ends_it_arrives_as_well() {
    arrives_over(&[], &[]);
}

/// Sends a file from a program with such words to one with others; over how many lanes it went.
fn arrives_over(sending: &[&str], receiving: &[&str]) -> u64 {
    let (server, dir) = (Server::start(), TempDir::new().unwrap());
    let (film, into) = (dir.path().join("film.mkv"), dir.path().join("in"));
    // Far more than moves before the lanes are open.
    let content = bytes(300_000_001);
    fs::write(&film, &content).unwrap();

    let ordinary = ["--socket-buffer", "212992"];
    let (mut sender, code, _) = server.host(&[&ordinary[..], sending, &["send", text(&film)]].concat());
    let receive = ["receive", &code, "--into", text(&into)];
    let mut receiver = server.run(&[&ordinary[..], receiving, &receive].concat());
    assert_eq!((receiver.end(), sender.end()), (0, 0));

    assert!(fs::read(into.join("film.mkv")).unwrap() == content);
    let lanes = [&receiver, &sender].map(|run| {
        let item = run.seen.iter().rfind(|event| event["event"] == "item").unwrap();
        assert_eq!(item["hash"], blake3::hash(&content).to_string());
        run.seen.iter().filter_map(|event| event["lanes"].as_u64()).max().unwrap()
    });
    assert_eq!(lanes[0], lanes[1], "{:#?}", receiver.seen);
    lanes[0]
}

#[test]
fn a_folder_arrives_as_it_is_with_its_empty_file_and_its_empty_folder() {
    let (server, dir) = (Server::start(), TempDir::new().unwrap());
    let (trip, into) = (dir.path().join("trip"), dir.path().join("in"));
    fs::create_dir_all(trip.join("day 1/noon")).unwrap();
    fs::create_dir(trip.join("empty")).unwrap();
    fs::write(trip.join("nothing"), b"").unwrap();
    fs::write(trip.join("day 1/large"), bytes(3_000_000)).unwrap();
    for number in 0..1_000 {
        fs::write(trip.join(format!("day 1/noon/{number}.txt")), bytes(number)).unwrap();
    }

    let (mut sender, code, _) = server.host(&["send", text(&trip)]);
    let mut receiver = server.run(&["receive", &code, "--into", text(&into)]);
    assert_eq!((receiver.end(), sender.end()), (0, 0));
    assert!(tree(&into.join("trip")) == tree(&trip));
    assert_eq!(fs::read_dir(&into).unwrap().count(), 1);
}

#[test]
fn a_text_goes_from_stdin_to_stdout_and_the_link_names_its_server() {
    let server = Server::start();
    let mut sender = Run::start(&["--json", "--server", &server.url, "text", "-"], "Grüße\nfrom stdin\n");
    let link = sender.next("room")["link"].as_str().unwrap().to_owned();
    assert!(link.starts_with(&server.url));
    let (code, out, err) = output(&["receive", "-"], &format!("{link}\n"));
    assert_eq!((code, out.as_str()), (0, "Grüße\nfrom stdin\n"), "{err}");
    assert_eq!(sender.end(), 0);
}

#[test]
fn a_receiver_that_stays_takes_what_others_bring_up_to_its_quota() {
    let (server, dir) = (Server::start(), TempDir::new().unwrap());
    let into = dir.path().join("in");
    let (small, large) = (dir.path().join("small"), dir.path().join("large"));
    fs::write(&small, b"small").unwrap();
    // Fits alone, and not beside what came before.
    fs::write(&large, b"large").unwrap();

    let args = ["receive", "--stay", "--into", text(&into), "--max-bytes", "8"];
    let (mut receiver, _, link) = server.host(&args);
    let mut first = server.run(&["send", "--to", &link, text(&small)]);
    assert_eq!(first.end(), 0);
    let second = server.run(&["send", "--to", &link, text(&large)]);
    assert_eq!(receiver.next("left-out")["name"], "large");
    drop(second);
    receiver.interrupt();
    assert_eq!(receiver.end(), 130);
    assert_eq!(tree(&into), [("small".into(), Some(b"small".to_vec()))]);
}

#[test]
fn wrong_words_open_nothing_and_both_sides_are_told() {
    let (server, dir) = (Server::start(), TempDir::new().unwrap());
    let file = dir.path().join("a.txt");
    fs::write(&file, b"a").unwrap();
    let (mut sender, code, _) = server.host(&["send", text(&file)]);
    let room = code.split('-').next().unwrap();
    let wrong = format!("{room}-acid-acorn-acre");
    let mut receiver = server.run(&["receive", &wrong, "--into", text(dir.path())]);
    assert_eq!(receiver.end(), 4);
    assert!(receiver.notices().contains(&"wrong-words"));
    sender.find(|event| event["code"] == "somebody-guessed");
}

#[test]
fn an_unknown_room_and_a_server_out_of_reach_have_their_own_exit_codes() {
    let server = Server::start();
    let mut run = server.run(&["receive", "999999-acid-acorn-acre"]);
    assert_eq!((run.end(), run.notices()), (4, vec!["room-unknown"]));
    let code = "999999-acid-acorn-acre";
    let mut run = Run::start(&["--json", "--server", "http://127.0.0.1:1", "receive", code], "");
    assert_eq!((run.end(), run.notices()), (3, vec!["server-unreachable"]));
    let mut run = Run::start(&["--json", "--server", "http://127.0.0.1:1", "text", "x"], "");
    assert_eq!((run.end(), run.notices()), (3, vec!["server-unreachable"]));
}

#[test]
fn what_makes_no_sense_is_said_before_anything_begins() {
    for (args, exit, said) in [
        (&["receive", "not a code"][..], 2, "neither a code nor a link"),
        (&["--server", "ftp://x", "text", "x"], 2, "invalid value"),
        (&["send", "/no/such/file"], 1, "/no/such/file cannot be shared"),
        (&["text", "-"], 2, "There is no text to share"),
    ] {
        let (code, _, err) = output(args, "");
        assert!(code == exit && err.contains(said), "{args:?}: {code} {err}");
    }
}

#[test]
fn completions_and_the_manual_are_made_from_the_same_arguments() {
    let (code, manual, _) = output(&["manual"], "");
    assert!(code == 0 && manual.contains("max") && manual.contains("privydrop"));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, script, _) = output(&["completions", shell], "");
        assert!(code == 0 && script.contains("receive"), "{shell}");
    }
}
