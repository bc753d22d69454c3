//! What a browser receives goes on after its page was loaded again or killed, and after its sharer's was; of two tabs
//! in one room the second stays outside.

use std::fs;
use std::path::PathBuf;

use privydrop_common::api::{ItemState, NoticeCode};
use privydrop_e2e::browser::Kind::{self, Chromium, Firefox};
use privydrop_e2e::browser::LANE_WITHOUT_PATH;
use privydrop_e2e::fixture::{BIG, Fixture, blake3_of};
use privydrop_e2e::page::Page;
use privydrop_e2e::received::{in_folder, saved};
use privydrop_e2e::server::{Rooms, Server};
use privydrop_e2e::space::{limit_storage, nothing_stays};
use privydrop_e2e::tree::Tree;
use serde_json::json;

use crate::transfer::taken;
use crate::{Pair, close};

const NAME: &str = "long.bin";
/// Chromium's, when a page that nobody touched is loaded again while something moves: it does not ask then.
pub(crate) const NO_GESTURE: &str = "'beforeunload'";
/// Percent of 200 MB that may have to come again: what was received since the page last had it stored for good.
const UNSETTLED: u8 = 34;

#[tokio::test]
async fn chromium_goes_on_after_its_page_was_loaded_again() {
    Half::start(Chromium).await.goes_on_after_a_reload().await;
}

#[tokio::test]
async fn firefox_goes_on_after_its_page_was_loaded_again() {
    Half::start(Firefox).await.goes_on_after_a_reload().await;
}

#[tokio::test]
async fn chromium_goes_on_after_it_was_killed_and_the_link_opened_again() {
    Half::start(Chromium).await.goes_on_after_a_kill().await;
}

#[tokio::test]
async fn firefox_goes_on_after_it_was_killed_and_the_link_opened_again() {
    Half::start(Firefox).await.goes_on_after_a_kill().await;
}

#[tokio::test]
async fn a_sharer_that_was_loaded_again_picks_again_and_its_guest_goes_on() {
    let half = Half::start(Firefox).await;
    let link = half.host.link().await;
    half.host.reload().await;
    half.host.notice(NoticeCode::PickAgain).await;
    assert_eq!(half.host.link().await, link);
    half.guest.notice(NoticeCode::ItemAwaited).await;
    half.guest.item_gone(NAME).await;
    half.host.share_files(&[&half.file]).await;
    assert!(half.guest.resumed().await >= 60);
    half.host
        .wait_for("nothing to pick again", |shown| {
            let asked = shown.notices.iter().any(|code| code == NoticeCode::PickAgain.as_str());
            (!asked).then_some(())
        })
        .await;
    half.arrives().await;
}

#[tokio::test]
async fn what_a_person_cancelled_does_not_come_again_although_its_page_ended_at_once() {
    let half = Half::start(Chromium).await;
    // As if the worker were still busy storing when the page is loaded again.
    let deaf = "const post = Worker.prototype.postMessage;
        Worker.prototype.postMessage = function (message, transfer) {
          const unheard = message[0] === 'remove' || (message[0] === 'want' && message[4] === false);
          return unheard ? undefined : post.call(this, message, transfer);
        }";
    half.guest.browser().run(deaf, vec![]).await.unwrap();
    half.guest.press(NAME, "cancel").await;
    half.guest.item(NAME, ItemState::Cancelled).await;
    half.guest.reload().await;
    half.guest.item(NAME, ItemState::Offered).await;
    half.guest.press(NAME, "accept").await;
    half.arrives().await;
}

#[tokio::test]
async fn what_nobody_came_back_for_in_a_week_is_gone() {
    let half = Half::start(Chromium).await;
    let later = "const now = Date.now; Date.now = () => now() + 8 * 24 * 60 * 60 * 1000";
    half.guest.before_each_page(later).await;
    half.guest.reload().await;
    half.guest.item(NAME, ItemState::Offered).await;
    half.guest.press(NAME, "accept").await;
    half.guest.item(NAME, ItemState::Moving).await;
    let shown = half.guest.look().await.unwrap();
    assert!(!shown.notices.iter().any(|code| code == NoticeCode::ItemResumed.as_str()), "{shown:#?}");
    half.arrives().await;
}

#[tokio::test]
async fn chromium_says_what_it_keeps_unfinished_and_removes_it_on_a_word() {
    says_what_is_unfinished(Chromium).await;
}

#[tokio::test]
async fn firefox_says_what_it_keeps_unfinished_and_removes_it_on_a_word() {
    says_what_is_unfinished(Firefox).await;
}

#[tokio::test]
async fn what_goes_into_a_chosen_folder_goes_on_after_a_reload_and_the_page_says_so_before() {
    Half::start_in_folder().await.goes_on_after_a_reload().await;
}

#[tokio::test]
async fn what_goes_into_a_chosen_folder_goes_on_after_a_kill() {
    Half::start_in_folder().await.goes_on_after_a_kill().await;
}

#[tokio::test]
async fn what_goes_into_a_chosen_folder_goes_on_after_its_sharer_picked_it_again() {
    let half = Half::start_in_folder().await;
    half.host.reload().await;
    half.guest.item_gone(NAME).await;
    // Nothing half received stands there under its final name meanwhile.
    nothing_stays(&half.guest).await;
    half.host.share_files(&[&half.file]).await;
    assert!(half.guest.resumed().await >= 60);
    half.arrives().await;
}

/// A browser may ask the person once more: then nothing goes on by itself, and the folder need not be chosen again.
#[tokio::test]
async fn a_chosen_folder_that_has_to_be_allowed_again_is_asked_for_once_something_is_accepted() {
    let half = Half::start_in_folder().await;
    let ask = "FileSystemHandle.prototype.queryPermission = async () => 'prompt';
        FileSystemHandle.prototype.requestPermission = async () => (window.asked = 'granted')";
    half.guest.before_each_page(ask).await;
    half.guest.reload().await;
    half.guest.item(NAME, ItemState::Offered).await;
    half.guest
        .browser()
        .run("window.showDirectoryPicker = () => Promise.reject('chosen again')", vec![])
        .await
        .unwrap();
    half.guest.press(NAME, "accept").await;
    half.guest.resumed().await;
    assert_eq!(half.guest.browser().run("return window.asked", vec![]).await.unwrap(), "granted");
    half.arrives().await;
}

#[tokio::test]
async fn what_went_on_in_a_chosen_folder_and_is_cancelled_leaves_nothing() {
    let half = Half::start_in_folder().await;
    half.guest.reload().await;
    half.guest.resumed().await;
    half.guest.press(NAME, "cancel").await;
    half.guest.item(NAME, ItemState::Cancelled).await;
    nothing_stays(&half.guest).await;
    half.guest.leave().await;
    half.guest.wait_for("nothing unfinished", |shown| shown.unfinished.is_none().then_some(())).await;
    close([half.host, half.guest], &[NO_GESTURE, LANE_WITHOUT_PATH]).await;
}

#[tokio::test]
async fn a_file_of_a_folder_that_was_complete_is_not_written_again_after_a_reload() {
    let pair = Pair::simple().await;
    let mut fixture = Fixture::new(6);
    let folder = fixture.folder("trip");
    for name in ["trip/a.bin", "trip/b.bin", "trip/c.bin"] {
        fixture.file(name, BIG / 3);
    }
    let beside = fixture.file("beside.bin", BIG);
    pair.host.drop_folder(&folder).await;
    pair.host.share_files(&[&beside]).await;
    pair.guest.press("trip", "accept").await;
    pair.guest.press("beside.bin", "accept").await;
    // By now the page had the first of the three stored for good.
    pair.guest.moved_past("trip", 80).await;
    let written =
        "const chosen = await (await navigator.storage.getDirectory()).getDirectoryHandle('chosen');
        const written = {};
        for await (const [name, handle] of (await chosen.getDirectoryHandle('trip')).entries()) {
          const file = handle.kind === 'file' && (await handle.getFile());
          if (file && file.size > 0) written[name] = file.lastModified;
        }
        return written";
    let before = pair.guest.browser().run_async(written, vec![]).await;
    let (first, time) = before.as_object().unwrap().iter().min_by_key(|(_, time)| time.as_u64()).unwrap();
    pair.guest.reload().await;
    pair.guest.resumed().await;
    taken(&pair.guest, &folder).await;
    taken(&pair.guest, &beside).await;
    let after = pair.guest.browser().run_async(written, vec![]).await;
    assert_eq!(after.get(first), Some(time), "{first}");
    pair.close(&[NO_GESTURE]).await;
}

/// A copy that has no space is none: the folder gets everything all the same.
#[tokio::test]
async fn without_space_for_a_second_copy_a_chosen_folder_gets_it_in_one_go_or_from_the_start() {
    let pair = Pair::simple().await;
    let mut fixture = Fixture::new(5);
    let file = fixture.file(NAME, BIG);
    pair.host.share_files(&[&file]).await;
    pair.guest.item(NAME, ItemState::Offered).await;
    limit_storage(&pair.guest, Some(BIG * 3 / 2)).await;
    pair.guest.press(NAME, "accept").await;
    pair.guest.moved_past(NAME, 20).await;
    pair.guest.reload().await;
    pair.guest.item(NAME, ItemState::Offered).await;
    pair.guest.press(NAME, "accept").await;
    assert_eq!(pair.guest.item(NAME, ItemState::Done).await.hash, blake3_of(&file));
    // The first name is that of the empty file of before.
    let second = file.with_file_name("long (2).bin");
    fs::rename(&file, &second).unwrap();
    Tree::of(&second).assert_same(&in_folder(&pair.guest, "long (2).bin").await);
    pair.close(&[NO_GESTURE]).await;
}

#[tokio::test]
async fn of_two_tabs_in_one_room_the_second_says_so_and_stays_outside_in_chromium() {
    second_tab_stays_outside(Chromium).await;
}

#[tokio::test]
async fn of_two_tabs_in_one_room_the_second_says_so_and_stays_outside_in_firefox() {
    second_tab_stays_outside(Firefox).await;
}

async fn says_what_is_unfinished(kind: Kind) {
    let half = Half::start(kind).await;
    half.guest.leave().await;
    let said = half.guest.wait_for("what is unfinished", |shown| shown.unfinished.clone()).await;
    assert!(said.contains("200 MB"), "{said}");
    half.guest.click("clear-unfinished").await;
    half.guest.wait_for("nothing unfinished", |shown| shown.unfinished.is_none().then_some(())).await;
    // Neither this page nor a later one goes on with it by itself.
    half.guest.go(&half.host.link().await).await;
    half.guest.item(NAME, ItemState::Offered).await;
    half.guest.press(NAME, "accept").await;
    half.arrives().await;
}

/// The room's link, a copy of the tab, and the host's own tab: none of them takes part twice. A reload is no second tab.
async fn second_tab_stays_outside(kind: Kind) {
    let server = Server::start(Rooms::Memory);
    let host = Page::open(kind, server.address()).await;
    host.share_text("hello").await;
    let link = host.link().await;
    let guest = Page::open(kind, &link).await;
    host.connected(1).await;
    guest.connected(1).await;
    for (page, copy) in [(&guest, false), (&guest, true), (&host, false), (&host, true)] {
        page.open_tab(if copy { server.address() } else { &link }, copy).await;
        page.notice(NoticeCode::AlreadyOpen).await;
        page.close_tab().await;
        for page in [&host, &guest] {
            page.connected(1).await;
            let shown = page.look().await.unwrap();
            assert_eq!(shown.peers.len(), 1);
            assert!(!shown.notices.iter().any(|code| code == NoticeCode::Replaced.as_str()), "{shown:#?}");
        }
    }
    for page in [&guest, &host] {
        page.reload().await;
        host.connected(1).await;
        guest.connected(1).await;
        let shown = page.look().await.unwrap();
        assert!(!shown.notices.iter().any(|code| code == NoticeCode::AlreadyOpen.as_str()), "{shown:#?}");
    }
    close([guest, host], &[]).await;
}

/// A host, and a guest that came by its link and has more than a half of 200 MB, in its browser's own storage or in a folder
/// that it chose.
struct Half {
    // Pages first: they end before the server that they talk to.
    host: Page,
    guest: Page,
    in_folder: bool,
    _server: Server,
    file: PathBuf,
    // Keeps the file where it is.
    _fixture: Fixture,
}

impl Half {
    async fn start(kind: Kind) -> Self {
        Self::begin(kind, false).await.moved().await
    }

    /// Into a folder. The page says before what will happen.
    async fn start_in_folder() -> Self {
        let half = Self::begin(Chromium, true).await;
        half.guest.item(NAME, ItemState::Offered).await;
        let said = "return document.querySelector('.note')?.textContent";
        let said = half.guest.browser().run(said, vec![]).await.unwrap();
        assert!(said.as_str().is_some_and(|said| said.contains("space for a second copy")), "{said}");
        half.moved().await
    }

    async fn begin(kind: Kind, in_folder: bool) -> Self {
        let server = Server::start(Rooms::Memory);
        let mut fixture = Fixture::new(4);
        let file = fixture.file(NAME, BIG);
        let host = Page::open(Chromium, server.address()).await;
        host.share_files(&[&file]).await;
        let link = host.link().await;
        let guest = match in_folder {
            true => Page::open(kind, &link).await,
            false => Page::open_without_folders(kind, &link).await,
        };
        Self { host, guest, in_folder, _server: server, file, _fixture: fixture }
    }

    async fn moved(self) -> Self {
        self.guest.press(NAME, "accept").await;
        self.guest.moved_past(NAME, 60).await;
        self
    }

    async fn percent(&self) -> u8 {
        let shown = self.guest.look().await.unwrap();
        shown.item(NAME).and_then(|item| item.progress.parse().ok()).unwrap()
    }

    async fn goes_on_after_a_reload(self) {
        let before = self.percent().await;
        self.guest.reload().await;
        self.goes_on_from(before).await;
    }

    async fn goes_on_after_a_kill(self) {
        let (before, link) = (self.percent().await, self.host.link().await);
        let guest = self.guest.kill().await;
        if !self.in_folder {
            guest.hide_folders().await;
        }
        guest.go(&link).await;
        Self { guest, ..self }.goes_on_from(before).await;
    }

    async fn goes_on_from(self, before: u8) {
        let resumed = self.guest.resumed().await;
        assert!(resumed + UNSETTLED >= before, "{resumed} % of {before} %");
        self.arrives().await;
    }

    /// Waits until the guest has it whole, without anybody's doing, and compares it.
    async fn arrives(self) {
        assert_eq!(self.guest.item(NAME, ItemState::Done).await.hash, blake3_of(&self.file));
        let has = match self.in_folder {
            true => in_folder(&self.guest, NAME).await,
            false => saved(&self.guest, NAME).await,
        };
        Tree::of(&self.file).assert_same(&has);
        if self.in_folder {
            // Nothing else is there, nor a copy in the browser's own storage.
            let names = "const names = [];
                const root = await navigator.storage.getDirectory();
                for (const place of [root, await root.getDirectoryHandle('chosen')]) {
                  for await (const name of place.keys()) {
                    if (name !== 'privydrop-wanted' && name !== 'chosen') names.push(name);
                  }
                }
                return names";
            assert_eq!(self.guest.browser().run_async(names, vec![]).await, json!([NAME]));
        }
        close([self.host, self.guest], &[NO_GESTURE, LANE_WITHOUT_PATH]).await;
    }
}
