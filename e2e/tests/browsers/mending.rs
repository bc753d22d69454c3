//! The way between two devices carries nothing for a while: it is said, and the transfer goes on by itself.
//!
//! Both ends know no way but a relay, and reach it through a path that the test interrupts. What is interrupted follows
//! from bytes that arrived, and how long from what both ends say: no clock decides.

use std::path::Path;

use privydrop_e2e::coturn::Coturn;
use privydrop_e2e::faults::weather;
use privydrop_e2e::fixture::Fixture;
use privydrop_e2e::page::Page;
use privydrop_e2e::server::{Rooms, Server};
use privydrop_e2e::terminal::Terminal;
use privydrop_e2e::tree::Tree;

use crate::transfer::taken;

/// Bytes of the file.
const SIZE: u64 = 60_000_000;
/// Bytes that arrive before the way breaks, so that something is under way.
const FIRST: u64 = 20_000_000;
/// What a device says of another one that it hears nothing of.
const LOST: &str = "lost";
const CONNECTED: &str = "connected";
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
        let relay = Coturn::start();
        let path = weather::Path::start(relay.address()).await.unwrap();
        let words = relay.for_server_at(path.address());
        let server = Server::start_with(Rooms::Memory, &words.each_ref().map(|word| &**word));
        Self { path, server, relay }
    }

    async fn page(&self) -> Page {
        let page = Page::open_with(&[self.relay.flag_for_chromium()], self.server.address()).await;
        page.relay_only(&format!("turn:{}?transport=udp", self.path.address())).await;
        page
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
    sharer.browser().assert_quiet(&[]).await;
    taker.browser().assert_quiet(&[]).await;
}
