//! The harness itself: what the other tests rely on is there and can fail.

use std::path::Path;

use privydrop_e2e::browser::{Browser, Kind};
use privydrop_e2e::fixture::{Fixture, MANY, blake3_of};
use privydrop_e2e::process::Program;
use privydrop_e2e::redis::Redis;
use privydrop_e2e::server::{Rooms, Server};
use privydrop_e2e::tree::Tree;

#[tokio::test]
async fn chromium_shows_a_page_and_its_console_is_heard() {
    a_browser_works(Kind::Chromium).await;
}

#[tokio::test]
async fn firefox_shows_a_page_and_its_console_is_heard() {
    a_browser_works(Kind::Firefox).await;
}

#[tokio::test]
#[should_panic(expected = "nobody has read its console")]
async fn a_browser_that_a_test_does_not_close_fails_it() {
    drop(Browser::start(Kind::Chromium).await);
}

#[test]
fn the_server_answers_from_memory_and_from_redis() {
    for rooms in [Rooms::Memory, Rooms::Redis] {
        let server = Server::start(rooms);
        assert!(server.address().starts_with("http://127.0.0.1:"), "{}", server.address());
    }
}

#[test]
fn redis_listens_where_it_says() {
    let redis = Redis::start();
    let address = redis.url().trim_start_matches("redis://").trim_end_matches('/').to_owned();
    assert!(std::net::TcpStream::connect(address).is_ok());
}

#[test]
fn an_ended_program_takes_its_descendants_along() {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "sleep 600 & echo child $!; wait"]);
    let (mut program, child) =
        Program::start(&mut shell, |line| line.strip_prefix("child ")?.parse::<u32>().ok());
    let process = format!("/proc/{child}");
    assert!(Path::new(&process).exists());
    program.end();
    // The child's entry may outlive it as a zombie until its new parent looks.
    let state = std::fs::read_to_string(format!("{process}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
}

#[test]
fn the_same_seed_makes_the_same_folder_and_differences_are_found() {
    let tree = |seed| {
        let mut fixture = Fixture::new(seed);
        Tree::of(&fixture.folder("many"))
    };
    let first = tree(7);
    first.assert_same(&tree(7));
    assert_eq!(first.files.len(), MANY + 1);
    assert!(first.folders.contains("many/nothing here"));
    assert_ne!(first, tree(8));
}

#[test]
fn file_hashes_are_those_of_the_standard_tools() {
    let mut fixture = Fixture::new(1);
    let empty = fixture.file("empty", 0);
    assert_eq!(blake3_of(&empty), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
}

async fn a_browser_works(kind: Kind) {
    let browser = Browser::start(kind).await;
    browser.driver().goto("data:text/html,<h1>here").await.unwrap();
    let picture = browser.driver().screenshot_as_png().await.unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
    browser.assert_quiet(&[]).await;
    browser.run("console.warn('first'); console.error('second')", vec![]).await.unwrap();
    browser.heard("first").await;
    browser.heard("second").await;
    browser.close(&["first", "second"]).await;
}
