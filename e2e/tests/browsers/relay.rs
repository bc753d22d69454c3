//! Through a real relay with credentials of the server's, and no other way: no address of either end is told.
//!
//! Chromium accepts the relay's certificate by the hash of its key, which it is started with, and no other certificate.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::Path;

use privydrop_common::api::{ItemState, NoticeCode};
use privydrop_e2e::browser::Kind::Chromium;
use privydrop_e2e::coturn::{Coturn, Way};
use privydrop_e2e::fixture::{Fixture, blake3_of};
use privydrop_e2e::page::Page;
use privydrop_e2e::server::{Rooms, Server};
use privydrop_e2e::terminal::Terminal;
use privydrop_e2e::tree::Tree;
use serde_json::Value;

use crate::transfer::take;

/// Bytes of the file that travels each way.
const SIZE: u64 = 1_000_000;

#[tokio::test]
async fn a_terminal_and_chromium_meet_through_a_relay_over_udp() {
    both_ways_through(Way::Udp, &[]).await;
}

#[tokio::test]
async fn a_terminal_whose_clock_is_a_day_wrong_meets_chromium_through_a_relay() {
    // The loader finds its folder of libraries.
    let clock = [("LD_PRELOAD", "/usr/$LIB/faketime/libfaketimeMT.so.1"), ("DONT_FAKE_MONOTONIC", "1")];
    for wrong in ["-1d", "+1d"] {
        both_ways_through(Way::Udp, &[&clock[..], &[("FAKETIME", wrong)]].concat()).await;
    }
}

#[tokio::test]
async fn a_terminal_and_chromium_meet_through_a_relay_over_tcp() {
    both_ways_through(Way::Tcp, &[]).await;
}

#[tokio::test]
async fn a_terminal_and_chromium_meet_through_a_relay_over_tls() {
    both_ways_through(Way::Tls, &[]).await;
}

/// Both reach the relay in this way, and have no other. The terminals' clock is what `clock` makes it.
async fn both_ways_through(way: Way, clock: &[(&str, &str)]) {
    let (relay, mut fixture) = (Coturn::start(), Fixture::new(1));
    let server = Server::start_with(Rooms::Memory, &relay.for_server(way).each_ref().map(|word| &**word));
    let page = Page::open_with(&[relay.flag_for_chromium()], server.address()).await;
    page.relay_only(&relay.url(way)).await;
    let mut variables = vec![("SSL_CERT_FILE", relay.certificate().display().to_string())];
    variables.extend(clock.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let start = |words: &[&OsStr], secret: &str| {
        let words = [&["--relay-only".as_ref()], words].concat();
        Terminal::start_with(&server, &words, secret, &variables)
    };

    let there = fixture.file("there.bin", SIZE);
    let mut sender = start(&["send".as_ref(), there.as_ref()], "");
    let link = sender.next("room").await["link"].as_str().unwrap().to_owned();
    let maps = fs::read_to_string(format!("/proc/{}/maps", sender.id())).unwrap();
    assert_eq!(maps.contains("libfaketime"), !clock.is_empty(), "install faketime");
    page.join(&link).await;
    page.connected_by("relay").await;
    take(&page, &there).await;
    assert_relayed(&sender.done().await);
    page.leave().await;
    page.idle().await;

    let back = fixture.file("back.bin", SIZE);
    let place = tempfile::tempdir().unwrap();
    page.share_files(&[Path::new(&back)]).await;
    let words = ["receive".as_ref(), "--into".as_ref(), place.path().as_os_str()];
    assert_relayed(&start(&words, &page.code().await).done().await);
    Tree::of(&back).assert_same(&Tree::of(&place.path().join("back.bin")));
    assert_eq!(page.item("back.bin", ItemState::Done).await.hash, blake3_of(&back));
    page.close(&[]).await;
}

#[tokio::test]
async fn further_lanes_open_through_the_relay_as_the_first_does() {
    let relay = Coturn::start();
    let server =
        Server::start_with(Rooms::Memory, &relay.for_server(Way::Tls).each_ref().map(|word| &**word));
    let variables = [
        ("SSL_CERT_FILE", relay.certificate().display().to_string()),
        ("PRIVYDROP_SOCKET_BUFFER", "212992".to_owned()),
    ];
    let start = |words: &[&OsStr], secret: &str| {
        Terminal::start_with(&server, &[&["--relay-only".as_ref()], words].concat(), secret, &variables)
    };
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("sparse.bin");
    // What goes to a relay by a stream is paced, so this is under way longer than a lane has time to open.
    File::create(&file).and_then(|file| file.set_len(400 * SIZE)).unwrap();
    let mut sender = start(&["send".as_ref(), file.as_ref()], "");
    let link = sender.next("room").await["link"].as_str().unwrap().to_owned();
    let into = place.path().join("in");
    let mut receiver = start(&["receive".as_ref(), "--into".as_ref(), into.as_ref()], &link);
    for terminal in [&mut receiver, &mut sender] {
        loop {
            let peer = terminal.next("peer").await;
            assert!(peer["path"] == "relay" || peer["path"].is_null(), "{peer:#?}");
            if peer["lanes"].as_u64() > Some(1) {
                break;
            }
        }
    }
}

/// Every path that a terminal told was one through a relay, and it told one.
fn assert_relayed(events: &[Value]) {
    let paths: Vec<&Value> =
        events.iter().filter(|event| event["event"] == "peer").map(|event| &event["path"]).collect();
    assert!(paths.iter().any(|path| *path == "relay"), "{events:#?}");
    assert!(paths.iter().all(|path| *path == "relay" || path.is_null()), "{events:#?}");
}

#[tokio::test]
async fn a_relay_that_does_not_know_the_credentials_connects_nobody_and_it_is_said_why() {
    let relay = Coturn::start();
    let words = relay.for_foreign_server(Way::Tcp);
    nobody_comes_through(&relay, &words).await;
}

#[tokio::test]
async fn credentials_that_have_expired_connect_nobody_and_it_is_said_why() {
    let relay = Coturn::start_a_day_ahead();
    nobody_comes_through(&relay, &relay.for_server(Way::Udp)).await;
}

#[tokio::test]
async fn a_page_whose_credentials_have_expired_says_so_and_comes_in_where_no_relay_is_needed() {
    let (relay, mut fixture) = (Coturn::start_a_day_ahead(), Fixture::new(1));
    let words = relay.for_server(Way::Udp);
    let server = Server::start_with(Rooms::Memory, &words.each_ref().map(|word| &**word));
    let file = fixture.file("file.bin", SIZE);
    let mut sender = Terminal::start(&server, &["send".as_ref(), "--stay".as_ref(), file.as_ref()], "");
    let code = sender.next("room").await["code"].as_str().unwrap().to_owned();
    let page = Page::open(Chromium, server.address()).await;
    page.relay_only(&relay.url(Way::Udp)).await;
    page.join(&code).await;
    page.notice(NoticeCode::ConnectFailed).await;
    page.leave().await;
    page.idle().await;
    page.reload().await;
    page.join(&code).await;
    take(&page, &file).await;
    page.close(&[]).await;
}

/// A terminal that may use nothing but the relay, where a server told these words about it.
async fn nobody_comes_through(relay: &Coturn, words: &[OsString; 4]) {
    let mut fixture = Fixture::new(1);
    let server = Server::start_with(Rooms::Memory, &words.each_ref().map(|word| &**word));
    let trusted = [("SSL_CERT_FILE", relay.certificate().display().to_string())];
    let file = fixture.file("file.bin", 10);
    let mut sender = Terminal::start(&server, &["send".as_ref(), file.as_ref()], "");
    let link = sender.next("room").await["link"].as_str().unwrap().to_owned();
    let place = tempfile::tempdir().unwrap();
    let words = ["--relay-only".as_ref(), "receive".as_ref(), "--into".as_ref(), place.path().as_os_str()];
    let (code, seen) = Terminal::start_with(&server, &words, &link, &trusted).end().await;
    assert_eq!(code, 6, "{seen:#?}");
    assert!(seen.iter().any(|event| event["code"] == "connect-failed"), "{seen:#?}");
    let last = seen.last().unwrap()["message"].as_str().unwrap();
    assert!(last.contains("turned us away") && last.contains("--relay-only"), "{last}");
    assert_eq!(Tree::of(place.path()).files.len(), 0);
}
