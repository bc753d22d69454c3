//! What programs outside a browser read: the terminal's arguments, servers' addresses, links from outside, the messages
//! of TURN on a stream.
//!
//! These files of `cli` and `native` are pure and are compiled in as they stand, so that what is fuzzed has no WebRTC stack in it.

#[path = "../../cli/src/args.rs"]
#[allow(dead_code, reason = "only what reads is called here")]
mod args;
#[path = "../../native/src/deep_link.rs"]
#[allow(dead_code, unreachable_pub, reason = "only what reads is called here")]
mod deep_link;
#[path = "../../native/src/transport/turn/frames.rs"]
#[allow(dead_code, reason = "only what reads is called here")]
mod frames;
#[path = "../../native/src/server.rs"]
#[allow(dead_code, unreachable_pub, reason = "only what reads is called here")]
mod server;

use bytes::BytesMut;
use clap::Parser;
use clap::error::ErrorKind;

use self::args::{Action, Args};
use self::deep_link::DeepLink;
use self::frames::{Framer, MAX_MESSAGE, Splitter};
use self::server::Server;

/// The words of a command line, one a line.
pub(crate) fn arguments(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let words: Vec<_> = text.split('\n').filter(|word| !word.is_empty()).collect();
    let args = match Args::try_parse_from(["privydrop"].into_iter().chain(words.iter().copied())) {
        Ok(args) => args,
        Err(refused) => {
            let explains = [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion].contains(&refused.kind());
            return assert_eq!(refused.exit_code(), if explains { 0 } else { 2 });
        }
    };
    args.server.iter().for_each(is_a_web_server);
    // A path is taken as it was given, and no word for a secret is taken for anything else.
    let given = |path: &std::path::Path| {
        let path = path.to_str().expect("text");
        words.iter().any(|word| *word == path || word.ends_with(&format!("={path}")))
    };
    match &args.action {
        Action::Send { paths, to, room } => {
            assert!(!paths.is_empty() && paths.iter().all(|path| given(path)));
            assert!(to.to.is_none() || (room.name.is_none() && room.keep.is_none()));
        }
        Action::Text { to, room, .. } => {
            assert!(to.to.is_none() || (room.name.is_none() && room.keep.is_none()));
        }
        Action::Receive { invitation, into, room, .. } => {
            assert!(into.as_os_str() == "." || given(into));
            assert!(invitation.is_none() || (room.name.is_none() && room.keep.is_none()));
        }
        Action::Unfinished { dir, .. } => assert!(dir.as_os_str() == "." || given(dir)),
        Action::Completions { .. } | Action::Manual => {}
    }
}

pub(crate) fn argument_seeds() -> Vec<Vec<u8>> {
    [
        "send\nfilm.mp4\nfolder\n--server\nhttps://drop.example\n--room=my-room\n--keep\nroom.key\n--stay",
        "text\n-\n--to\n123456-acid-acorn-acre\n--json\n--label\nNAS",
        "receive\n-\n--into=downloads\n--max-bytes\n1000000\n--relay-only",
        "receive\n--stay\n--name",
        "unfinished\ndownloads\n--clear",
        "completions\nbash",
        "help\nsend",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// A server's address as a person writes it.
pub(crate) fn servers(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(server) = text.parse::<Server>() else { return };
    is_a_web_server(&server);
    for written in [server.page().to_owned(), server.to_string()] {
        assert_eq!(written.parse::<Server>().as_ref(), Ok(&server), "{written}");
    }
    let scheme = if server.is_plain() { "ws://" } else { "wss://" };
    assert!(server.socket().starts_with(scheme) && server.socket().ends_with("/ws"));
}

fn is_a_web_server(server: &Server) {
    let page = server.page();
    let place = page.strip_prefix("http://").or_else(|| page.strip_prefix("https://")).expect("a scheme");
    let (host, _) = place.split_once('/').expect("a path");
    assert!(!host.is_empty() && !host.contains('@') && page.ends_with('/') && !page.contains(['?', '#']));
}

/// A link from outside, or one that a person pasted into the app.
pub(crate) fn deep_links(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(link) = text.parse::<DeepLink>() else { return };
    let page = link.server.as_ref().map(|server| {
        is_a_web_server(server);
        server.page()
    });
    let written = format!("privydrop:{}#{}", page.unwrap_or_default(), link.link.fragment());
    assert_eq!(written.parse::<DeepLink>().as_ref(), Ok(&link), "{written}");
    assert!(!link.is_at(None) && link.is_at(link.server.as_ref()) == link.server.is_some());
}

/// A stream of a TURN server's, cut into parts: the first byte says how long they are.
pub(crate) fn turn_streams(bytes: &[u8]) {
    let Some((&step, stream)) = bytes.split_first() else { return };
    let at_once = split(stream, stream.len().max(1));
    assert_eq!(split(stream, usize::from(step) + 1), at_once, "however it is cut");
    let (messages, _) = at_once;
    assert!(messages.iter().map(Vec::len).sum::<usize>() <= stream.len());
    let mut framer = Framer::default();
    for message in messages {
        assert!(message.len() <= MAX_MESSAGE);
        // Requests are framed once.
        if let Some(framed) = framer.frame(&message).expect("what came through may go back") {
            assert!(framed.starts_with(&message) && framed.len().is_multiple_of(4));
        }
    }
}

/// The messages in a stream, and whether it ends in what is none.
fn split(stream: &[u8], step: usize) -> (Vec<Vec<u8>>, bool) {
    let (mut splitter, mut messages) = (Splitter::default(), Vec::new());
    for part in stream.chunks(step) {
        splitter.buffer.extend_from_slice(part);
        loop {
            match splitter.next() {
                Ok(Some(message)) => messages.push(message.to_vec()),
                Ok(None) => break,
                Err(_) => return (messages, true),
            }
        }
        assert!(splitter.buffer.len() < MAX_MESSAGE);
    }
    (messages, false)
}

/// A datagram that the WebRTC stack sends to what it takes for a TURN server.
pub(crate) fn turn_datagrams(bytes: &[u8]) {
    let mut framer = Framer::default();
    let Ok(Some(framed)) = framer.frame(bytes) else { return };
    assert!(framed.len() <= MAX_MESSAGE && framed.len() < bytes.len() + 4);
    let mut splitter = Splitter { buffer: BytesMut::from(&framed[..]) };
    let message = splitter.next().expect("a message").expect("a whole one");
    assert!(bytes.starts_with(&message) && splitter.buffer.is_empty());
}

pub(crate) fn server_seeds() -> Vec<Vec<u8>> {
    [
        "drop.example",
        "http://nas.lan:8080/drop",
        "[::1]:8080",
        "localhost",
        "https://B\u{fc}cher.example/?a#b",
        "https://me:word@drop.example",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

pub(crate) fn deep_link_seeds() -> Vec<Vec<u8>> {
    const ROOM: &str = "#123456.AAAAAAAAAAAAAAAAAAAAAA";
    [
        "privydrop://drop.example/",
        "privydrop:",
        "privydrop:http://nas.lan/drop/",
        "https://drop.example/",
        "privydrop:file:///etc/passwd",
    ]
    .map(|start| format!("{start}{ROOM}").into_bytes())
    .to_vec()
}

/// A message of STUN: its kind, and `words` words behind its header.
fn stun(kind: u16, words: u16) -> Vec<u8> {
    let mut message = [kind.to_be_bytes(), (words * 4).to_be_bytes()].concat();
    message.extend([0x21, 0x12, 0xA4, 0x42]);
    message.resize(20 + usize::from(words) * 4, 7);
    message
}

pub(crate) fn turn_seeds() -> Vec<Vec<u8>> {
    let datagrams = datagram_seeds();
    let mut framer = Framer::default();
    let stream: Vec<u8> =
        datagrams.iter().filter_map(|datagram| framer.frame(datagram).ok()?).flatten().collect();
    vec![[&[3], &stream[..]].concat(), [&[255], &stream[..], b"SSH-2.0-OpenSSH"].concat()]
}

pub(crate) fn datagram_seeds() -> Vec<Vec<u8>> {
    let (allocate, success, send, binding) = (0x0003, 0x0103, 0x0016, 0x0001);
    vec![
        stun(allocate, 3),
        stun(success, 1),
        stun(send, 2),
        stun(binding, 2),
        vec![0x40, 1, 0, 5, 1, 2, 3, 4, 5],
    ]
}
