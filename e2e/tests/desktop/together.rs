//! Every kind of member in one room at once: Chromium, Firefox, two terminals, and the app in its window. One shares, and
//! each of the others has every byte.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use privydrop_e2e::app::App;
use privydrop_e2e::browser::Kind::{Chromium, Firefox};
use privydrop_e2e::browser::LANE_WITHOUT_PATH;
use privydrop_e2e::fixture::Fixture;
use privydrop_e2e::page::Page;
use privydrop_e2e::received::received;
use privydrop_e2e::server::{Rooms, Server};
use privydrop_e2e::terminal::Terminal;
use privydrop_e2e::tree::Tree;
use tempfile::TempDir;

/// Bytes of the file, and small files of the folder.
const LARGE: u64 = 20_000_000;
const SMALL_FILES: usize = 50;
/// How many guests the one has who made the room; each of them sees that one.
const GUESTS: usize = 4;

#[tokio::test]
async fn what_a_terminal_shares_arrives_in_a_terminal_in_both_browsers_and_in_the_app_at_once() {
    let (server, shared) = (Server::start(Rooms::Memory), Shared::new(1));
    let [folder, file] = &shared.paths;
    let words = ["send", "--stay"].map(OsStr::new);
    let mut sender = Terminal::start(&server, &[&words[..], &[folder.as_ref(), file.as_ref()]].concat(), "");
    let code = sender.next("room").await["code"].as_str().unwrap().to_owned();
    let receiver = Receiver::start(&server, &code);
    let chromium = Page::open(Chromium, server.address()).await;
    let firefox = Page::open(Firefox, server.address()).await;
    let app = App::start(&server, &[]).await;
    let pages = [&chromium, &firefox, app.page()];
    for page in pages {
        page.join(&code).await;
    }
    for page in pages {
        page.connected(1).await;
    }
    guests_come(&mut sender).await;
    tokio::join!(
        receiver.has(&shared),
        take(&chromium, &shared),
        take(&firefox, &shared),
        take(app.page(), &shared)
    );
    chromium.close(&[]).await;
    firefox.close(&[LANE_WITHOUT_PATH]).await;
}

#[tokio::test]
async fn what_a_browser_shares_arrives_in_two_terminals_in_another_browser_and_in_the_app_at_once() {
    let (server, shared) = (Server::start(Rooms::Memory), Shared::new(2));
    let [folder, file] = &shared.paths;
    let chromium = Page::open(Chromium, server.address()).await;
    chromium.share_text("a *bold* word, 粗体").await;
    let code = chromium.code().await;
    let mut receivers = [Receiver::start(&server, &code), Receiver::start(&server, &code)];
    let firefox = Page::open(Firefox, server.address()).await;
    let app = App::start(&server, &[]).await;
    for page in [&firefox, app.page()] {
        page.join(&code).await;
    }
    chromium.connected(GUESTS).await;
    for page in [&firefox, app.page()] {
        page.connected(1).await;
    }
    chromium.drop_folder(folder).await;
    chromium.share_files(&[file]).await;
    for receiver in &mut receivers {
        assert_eq!(receiver.terminal.next("text").await["text"], "a bold word, 粗体");
    }
    for page in [&firefox, app.page()] {
        page.received_text("<b>bold</b>").await;
    }
    let [first, second] = receivers;
    tokio::join!(first.has(&shared), second.has(&shared), take(&firefox, &shared), take(app.page(), &shared));
    chromium.close(&[]).await;
    firefox.close(&[LANE_WITHOUT_PATH]).await;
}

/// What one member shares: a folder and a file.
struct Shared {
    paths: [PathBuf; 2],
    trees: [Tree; 2],
    // Keeps them where they are.
    _fixture: Fixture,
}

impl Shared {
    fn new(seed: u64) -> Self {
        let mut fixture = Fixture::new(seed);
        let paths = [fixture.folder_of("some", SMALL_FILES), fixture.file("large.bin", LARGE)];
        let trees = paths.each_ref().map(|path| Tree::of(path));
        Self { paths, trees, _fixture: fixture }
    }

    fn names(&self) -> [&str; 2] {
        self.paths.each_ref().map(|path| path.file_name().unwrap().to_str().unwrap())
    }
}

/// A terminal that takes what is offered, and stays.
struct Receiver {
    terminal: Terminal,
    place: TempDir,
}

impl Receiver {
    fn start(server: &Server, code: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let words = ["receive".as_ref(), "--stay".as_ref(), "--into".as_ref(), place.path().as_os_str()];
        Self { terminal: Terminal::start(server, &words, code), place }
    }

    /// Waits until everything is there, and compares it.
    async fn has(mut self, shared: &Shared) {
        let mut missing = shared.names().to_vec();
        while !missing.is_empty() {
            let item = self.terminal.next("item").await;
            assert_ne!(item["state"], "failed", "{item}");
            if item["state"] == "done" {
                missing.retain(|name| item["name"] != *name);
            }
        }
        for (name, tree) in shared.names().iter().zip(&shared.trees) {
            tree.assert_same(&Tree::of(&Path::new(self.place.path()).join(name)));
        }
    }
}

/// Waits until all guests are connected to a terminal at once.
async fn guests_come(host: &mut Terminal) {
    let mut connected = BTreeSet::new();
    while connected.len() < GUESTS {
        let peer = host.next("peer").await;
        let id = peer["peer"].as_str().unwrap().to_owned();
        if peer["state"] == "connected" && peer["verified"] == true {
            connected.insert(id);
        } else {
            connected.remove(&id);
        }
    }
}

/// Accepts one after the other, and compares what arrived. An item that becomes complete grows on the page, and would move
/// the next one's button away from under a click.
async fn take(page: &Page, shared: &Shared) {
    for (name, tree) in shared.names().iter().zip(&shared.trees) {
        page.press(name, "accept").await;
        tree.assert_same(&received(page, name).await);
    }
}
