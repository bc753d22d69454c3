//! Terminals and browsers meet in one room, and everything arrives equal to the last byte, both ways.

use std::ffi::OsStr;

use privydrop_e2e::browser::Kind::{self, Chromium, Firefox};
use privydrop_e2e::browser::LANE_WITHOUT_PATH;
use privydrop_e2e::fixture::{BIG, Fixture};
use privydrop_e2e::page::Page;
use privydrop_e2e::server::{Rooms, Server};
use privydrop_e2e::terminal::Terminal;
use privydrop_e2e::tree::Tree;

use crate::transfer::take;

#[tokio::test]
async fn everything_arrives_from_a_terminal_in_chromium() {
    everything_arrives_in(Chromium).await;
}

#[tokio::test]
async fn everything_arrives_from_a_terminal_in_firefox() {
    everything_arrives_in(Firefox).await;
}

#[tokio::test]
async fn everything_arrives_from_chromium_in_a_terminal() {
    everything_arrives_from(Chromium).await;
}

#[tokio::test]
async fn everything_arrives_from_firefox_in_a_terminal() {
    everything_arrives_from(Firefox).await;
}

#[tokio::test]
async fn a_terminal_finds_chromium_behind_the_names_that_hide_its_addresses() {
    a_terminal_finds(Chromium).await;
}

#[tokio::test]
async fn a_terminal_finds_firefox_behind_the_names_that_hide_its_addresses() {
    a_terminal_finds(Firefox).await;
}

/// Browsers tell made-up names that they answer to by multicast DNS (draft-ietf-mmusic-mdns-ice-candidates).
async fn a_terminal_finds(kind: Kind) {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(1);
    let file = fixture.file("file.bin", 1_000_000);
    let page = Page::open(kind, server.address()).await;
    page.hide().await;
    let mut terminal = Terminal::start(&server, &["send".as_ref(), file.as_ref()], "");
    page.join(&link(&mut terminal).await).await;
    take(&page, &file).await;
    terminal.done().await;
    let told = page.told_candidates().await;
    assert!(told.iter().any(|candidate| candidate.contains(".local ")), "{told:#?}");
    assert!(
        told.iter().all(|candidate| !candidate.contains(" udp ") || candidate.contains(".local ")),
        "{told:#?}"
    );
    page.close(&[]).await;
}

/// A folder of 1,000 small files and one file of 200 MB in one room, and a text in another.
async fn everything_arrives_in(kind: Kind) {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(1);
    let (folder, big) = (fixture.folder("many"), fixture.file("big.bin", BIG));
    let page = Page::open(kind, server.address()).await;

    let mut terminal = Terminal::start(&server, &["send".as_ref(), folder.as_ref(), big.as_ref()], "");
    page.join(&link(&mut terminal).await).await;
    take(&page, &folder).await;
    take(&page, &big).await;
    terminal.done().await;
    page.leave().await;

    let words = ["text", "--stay", "a word from the terminal, 粗体"].map(OsStr::new);
    let mut terminal = Terminal::start(&server, &words, "");
    page.join(&link(&mut terminal).await).await;
    page.received_text("a word from the terminal, 粗体").await;
    page.close(&[LANE_WITHOUT_PATH]).await;
}

/// The same the other way round, all of it in one room.
async fn everything_arrives_from(kind: Kind) {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(1);
    let (folder, big) = (fixture.folder("many"), fixture.file("big.bin", BIG));
    let place = tempfile::tempdir().unwrap();
    let page = Page::open(kind, server.address()).await;
    page.share_text("a *bold* word, 粗体").await;
    page.drop_folder(&folder).await;
    page.share_files(&[&big]).await;

    let words = ["receive".as_ref(), "--into".as_ref(), place.path().as_os_str()];
    let mut terminal = Terminal::start(&server, &words, &page.code().await);
    assert_eq!(terminal.next("text").await["text"], "a bold word, 粗体");
    terminal.done().await;
    for shared in [&folder, &big] {
        Tree::of(shared).assert_same(&Tree::of(&place.path().join(shared.file_name().unwrap())));
    }
    page.close(&[LANE_WITHOUT_PATH]).await;
}

/// The link that a terminal prints for its room.
async fn link(terminal: &mut Terminal) -> String {
    terminal.next("room").await["link"].as_str().unwrap().to_owned()
}
