//! The way between two devices carries nothing for a while: it is said, and the transfer goes on by itself.
//!
//! Both ends know no way but a relay, and reach it through a path that the test interrupts. What is interrupted follows
//! from bytes that arrived, and how long from what both ends say: no clock decides. The way to the server is
//! cut by a browser's own switch.

use std::path::Path;

use privydrop_common::api::{ItemState, NoticeCode};
use privydrop_e2e::browser::{Kind::Chromium, NO_SERVER};
use privydrop_e2e::coturn::Coturn;
use privydrop_e2e::faults::weather;
use privydrop_e2e::fixture::{Fixture, blake3_of};
use privydrop_e2e::page::Page;
use privydrop_e2e::received::saved;
use privydrop_e2e::server::{Rooms, Server};
use privydrop_e2e::terminal::Terminal;
use privydrop_e2e::tree::Tree;
use serde_json::json;

use crate::close;
use crate::transfer::taken;

/// Bytes of the file.
const SIZE: u64 = 60_000_000;
/// Bytes that arrive before the way breaks, so that something is under way.
const FIRST: u64 = 20_000_000;
/// What a device says of another one that it hears nothing of.
const LOST: &str = "lost";
const CONNECTED: &str = "connected";
/// What a page says for as long as its server is out of reach.
const RECONNECTING: &str = "The server is out of reach.";
/// All datagrams from now on.
const ALL: u32 = u32::MAX;

/// A relay behind a path that can be interrupted, and a server that tells of it there.
struct Interrupted {
    path: weather::Path,
    server: Server,
    relay: Coturn,
}

impl Interrupted {
    async fn start() -> Self {
        Self::start_with(Rooms::Memory).await
    }

    async fn start_with(rooms: Rooms) -> Self {
        let relay = Coturn::start();
        let path = weather::Path::start(relay.address()).await.unwrap();
        let words = relay.for_server_at(path.address());
        let server = Server::start_with(rooms, &words.each_ref().map(|word| &**word));
        Self { path, server, relay }
    }

    async fn page(&self) -> Page {
        let page = Page::open_with(&[self.relay.flag_for_chromium()], self.server.address()).await;
        page.relay_only(&self.way()).await;
        page
    }

    /// A page that receives into its browser's own storage.
    async fn page_without_folders(&self) -> Page {
        let page = Page::open_with(&[self.relay.flag_for_chromium()], self.server.address()).await;
        page.hide_folders().await;
        page.reload().await;
        page.relay_only(&self.way()).await;
        page
    }

    fn way(&self) -> String {
        format!("turn:{}?transport=udp", self.path.address())
    }
}

/// Waits until a terminal says that the other one is in this state.
async fn says(terminal: &mut Terminal, state: &str) {
    while terminal.next("peer").await["state"] != state {}
}

/// Waits until a page shows that the other one is in this state.
async fn shows(page: &Page, state: &str) {
    page.wait_for(state, |shown| shown.peers.iter().any(|peer| peer.state == state).then_some(())).await;
}

#[tokio::test]
async fn two_terminals_go_on_by_themselves_after_the_way_between_them_was_silent() {
    let (site, mut fixture) = (Interrupted::start().await, Fixture::new(11));
    let file = fixture.file("long.bin", SIZE);
    let start = |words: &[&std::ffi::OsStr], secret: &str| {
        Terminal::start(&site.server, &[&["--relay-only".as_ref()], words].concat(), secret)
    };
    let mut sender = start(&["send".as_ref(), file.as_ref()], "");
    let link = sender.next("room").await["link"].as_str().unwrap().to_owned();
    let place = tempfile::tempdir().unwrap();
    let mut receiver = start(&["receive".as_ref(), "--into".as_ref(), place.path().as_ref()], &link);
    says(&mut receiver, CONNECTED).await;
    site.path.arrival(FIRST).await;
    site.path.lose(ALL);
    says(&mut receiver, LOST).await;
    says(&mut sender, LOST).await;
    site.path.lose(0);
    says(&mut receiver, CONNECTED).await;
    tokio::join!(receiver.done(), sender.done());
    Tree::of(&file).assert_same(&Tree::of(&place.path().join("long.bin")));
}

#[tokio::test]
async fn two_pages_go_on_by_themselves_after_the_way_between_them_was_silent() {
    let (site, mut fixture) = (Interrupted::start().await, Fixture::new(12));
    let file = fixture.file("long.bin", SIZE);
    let (sharer, taker) = (site.page().await, site.page().await);
    sharer.share_files(&[Path::new(&file)]).await;
    taker.join(&sharer.link().await).await;
    taker.connected_by("relay").await;
    taker.press("long.bin", "accept").await;
    site.path.arrival(FIRST).await;
    site.path.lose(ALL);
    shows(&taker, LOST).await;
    shows(&sharer, LOST).await;
    let shown = taker.look().await.unwrap();
    assert_eq!(shown.item("long.bin").unwrap().state, "moving", "{shown:#?}");
    site.path.lose(0);
    shows(&taker, CONNECTED).await;
    taken(&taker, &file).await;
    close([sharer, taker], &[]).await;
}

#[tokio::test]
async fn a_page_goes_on_by_itself_after_its_browser_was_offline() {
    let (mut site, mut fixture) = (Interrupted::start_with(Rooms::Redis).await, Fixture::new(13));
    let file = fixture.file("long.bin", SIZE);
    let words = ["--relay-only".as_ref(), "send".as_ref(), file.as_ref()];
    let mut sender = Terminal::start(&site.server, &words, "");
    let link = sender.next("room").await["link"].as_str().unwrap().to_owned();
    let taker = site.page_without_folders().await;
    taker.join(&link).await;
    taker.connected_by("relay").await;
    taker.press("long.bin", "accept").await;
    site.path.arrival(FIRST).await;
    site.path.lose(ALL);
    loses_its_server(&taker, &mut site.server).await;
    shows(&taker, LOST).await;
    let shown = taker.look().await.unwrap();
    assert_eq!(shown.item("long.bin").unwrap().state, "moving", "{shown:#?}");
    site.path.lose(0);
    taker.browser().offline(false).await;
    no_word_of_a_lost_server(&taker).await;
    is_saved(&taker, &file).await;
    sender.done().await;
    taker.close(&[NO_SERVER]).await;
}

#[tokio::test]
async fn what_was_offered_arrives_while_a_browser_is_offline_for_its_server_and_later_others_find_it_again() {
    let (mut server, mut fixture) = (Server::start(Rooms::Redis), Fixture::new(14));
    let file = fixture.file("long.bin", SIZE);
    let host = Page::open(Chromium, server.address()).await;
    host.share_files(&[&file]).await;
    let link = host.link().await;
    let taker = Page::open_without_folders(Chromium, &link).await;
    taker.connected(1).await;
    loses_its_server(&taker, &mut server).await;
    taker.press("long.bin", "accept").await;
    is_saved(&taker, &file).await;
    taker.browser().offline(false).await;
    no_word_of_a_lost_server(&taker).await;
    let late = Page::open(Chromium, &link).await;
    late.connected(1).await;
    late.share_text("hello").await;
    taker.received_text("hello").await;
    close([host, taker], &[NO_SERVER]).await;
    late.close(&[]).await;
}

/// Turns the browser's switch. It lets go of no connection that stands, as the loss of a network does, so the server ends
/// them; no new one comes about.
async fn loses_its_server(page: &Page, server: &mut Server) {
    page.browser().offline(true).await;
    server.restart();
    page.notice(NoticeCode::ServerLost).await;
    let said = page.browser().run("return document.body.textContent", vec![]).await.unwrap();
    assert!(said.as_str().unwrap().contains(RECONNECTING), "{said}");
}

/// Waits until nothing is said of a lost server any more, without anybody's doing: neither by a message, which passes by in
/// any case, nor where the room stands, for as long as it is true.
async fn no_word_of_a_lost_server(page: &Page) {
    let wait =
        "while (document.body.textContent.includes(arguments[0])) await new Promise(requestAnimationFrame)";
    page.browser().run_async(wait, vec![json!(RECONNECTING)]).await;
    page.wait_for("the server to be back", |shown| {
        (!shown.notices.iter().any(|code| code == NoticeCode::ServerLost.as_str())).then_some(())
    })
    .await;
}

/// Waits until the file is there, without anybody's doing, and compares what the browser saved.
async fn is_saved(page: &Page, file: &Path) {
    assert_eq!(page.item("long.bin", ItemState::Done).await.hash, blake3_of(file));
    Tree::of(file).assert_same(&saved(page, "long.bin").await);
}
