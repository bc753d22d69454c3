//! A place that is too small for what comes, or runs full while it comes: it is said, and small things still come.

use std::fs::File;
use std::path::Path;

use privydrop_common::api::{ItemState, NoticeCode};
use privydrop_e2e::browser::Kind::Chromium;
use privydrop_e2e::fixture::{BIG, Fixture, blake3_of};
use privydrop_e2e::page::Page;
use privydrop_e2e::received::saved;
use privydrop_e2e::server::{Rooms, Server};
use privydrop_e2e::space::{limit_storage, nothing_stays};
use privydrop_e2e::terminal::Terminal;
use privydrop_e2e::tree::Tree;
use serde_json::json;

use crate::transfer::take;
use crate::{Pair, close};

/// Chromium's flag for a life without storage that pages can write to in place.
const NO_STORAGE: &str =
    "--disable-blink-features=FileSystemAccess,FileSystemAccessLocal,FileSystemAccessOriginPrivate";

/// Chromium's flag for telling pages how much they may store indeed: it tells all of them the same otherwise.
const REAL_LIMIT: &str = "--disable-features=StaticStorageQuota";

/// Notes every state that an item is shown in.
const WATCH: &str = "window.states = [];
    const note = () => {
      for (const { dataset: { name, state } } of document.querySelectorAll('[data-testid=item]')) {
        const said = `${name} ${state}`;
        if (!states.includes(said)) states.push(said);
      }
    };
    note();
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributeFilter: ['data-state'] });";

#[tokio::test]
async fn a_chosen_folder_that_runs_full_is_said_and_nothing_half_received_stays() {
    let pair = Pair::simple().await;
    let mut fixture = Fixture::new(1);
    let (file, folder) = (fixture.file("large.bin", 24 << 20), fixture.folder("many"));
    fixture.file("many/large.bin", 24 << 20);
    pair.host.share_files(&[&file]).await;
    pair.host.drop_folder(&folder).await;

    limit_storage(&pair.guest, Some(8 << 20)).await;
    for name in ["large.bin", "many"] {
        pair.guest.press(name, "accept").await;
        pair.guest.notice(NoticeCode::PlaceFull).await;
        pair.guest.item(name, ItemState::Failed).await;
        pair.host.item(name, ItemState::Cancelled).await;
        pair.guest.click("dismiss").await;
        nothing_stays(&pair.guest).await;
    }

    // With room again, both come under their own names.
    limit_storage(&pair.guest, None).await;
    take(&pair.guest, &file).await;
    take(&pair.guest, &folder).await;
    pair.close(&[]).await;
}

#[tokio::test]
async fn what_does_not_fit_into_the_private_storage_is_refused_before_a_byte_moves_and_small_things_still_come()
 {
    // Chromium tells pages of 10 GiB whatever there is, and a figure that contradicts the message is not shown.
    let said = refuses_what_does_not_fit(&[], NoticeCode::PlaceFull).await;
    assert!(said.contains("It needs 25.1 MB in all."), "{said}");
}

#[tokio::test]
async fn a_browser_that_tells_its_real_limit_says_how_much_is_free_when_something_does_not_fit() {
    let said = refuses_what_does_not_fit(&[REAL_LIMIT.to_owned()], NoticeCode::NoSpace).await;
    assert!(said.contains("It needs 25.1 MB, and 8.38 MB are free."), "{said}");
}

#[tokio::test]
async fn what_is_half_received_gives_way_only_where_that_makes_room_and_never_to_the_page_that_goes_on_with_it()
 {
    let (server, mut fixture) = (Server::start(Rooms::Memory), Fixture::new(4));
    let half = fixture.file("half.bin", BIG);
    let host = Page::open(Chromium, server.address()).await;
    host.share_files(&[&half]).await;
    let guest = Page::open_without_folders(Chromium, &host.link().await).await;
    guest.press("half.bin", "accept").await;
    guest.moved_past("half.bin", 20).await;
    guest.leave().await;
    keeps_half(&guest).await;

    let other = Page::open(Chromium, server.address()).await;
    for (name, size) in [("enormous.bin", 2 * BIG), ("large.bin", BIG * 3 / 4)] {
        let file = half.with_file_name(name);
        File::create(&file).unwrap().set_len(size).unwrap();
        other.share_files(&[&file]).await;
    }
    let link = other.link().await;
    guest.join(&link).await;
    guest.item("large.bin", ItemState::Offered).await;
    limit_storage(&guest, Some(BIG * 3 / 2)).await;
    for name in ["enormous.bin", "large.bin"] {
        refuses(&guest, name, NoticeCode::PlaceFull).await;
    }
    guest.leave().await;
    keeps_half(&guest).await;

    // Another page has promised nothing.
    guest.reload().await;
    guest.join(&link).await;
    guest.item("large.bin", ItemState::Offered).await;
    refuses(&guest, "enormous.bin", NoticeCode::PlaceFull).await;
    guest.leave().await;
    keeps_half(&guest).await;
    guest.join(&link).await;
    guest.press("large.bin", "accept").await;
    guest.item("large.bin", ItemState::Done).await;
    guest.leave().await;
    guest.wait_for("nothing unfinished", |shown| shown.unfinished.is_none().then_some(())).await;
    close([host, other, guest], &[]).await;
}

/// Chromium may keep a worker in a write for ever when a disk is full. Here nothing that is to be written reaches it, and a
/// minute takes half a second.
#[tokio::test]
async fn a_storage_that_answers_no_more_is_given_up_and_that_is_said() {
    let (server, mut fixture) = (Server::start(Rooms::Memory), Fixture::new(6));
    let large = fixture.file("large.bin", 24 << 20);
    let host = Page::open(Chromium, server.address()).await;
    host.share_files(&[&large]).await;
    let guest = Page::open_without_folders(Chromium, server.address()).await;
    let deaf = "const [post, again] = [Worker.prototype.postMessage, setInterval];
        Worker.prototype.postMessage = function (message, transfer) {
          return message[0] === 'write' ? undefined : post.call(this, message, transfer);
        };
        window.setInterval = (act, span) => again(act, span / 120);";
    guest.before_each_page(deaf).await;
    guest.reload().await;
    guest.go(&host.link().await).await;
    guest.press("large.bin", "accept").await;
    guest.notice(NoticeCode::PlaceUnwritable).await;
    guest.item("large.bin", ItemState::Failed).await;
    host.item("large.bin", ItemState::Cancelled).await;
    close([host, guest], &[]).await;
}

/// Waits until a page in no room says that it keeps the half of the big file.
async fn keeps_half(page: &Page) {
    let said = page.wait_for("what is unfinished", |shown| shown.unfinished.clone()).await;
    assert!(said.contains("200 MB"), "{said}");
}

/// What a guest with 8 MiB of private storage says of 24 MiB that it accepts; takes 3 MiB then.
async fn refuses_what_does_not_fit(flags: &[String], code: NoticeCode) -> String {
    let (server, mut fixture) = (Server::start(Rooms::Memory), Fixture::new(2));
    let (large, small) = (fixture.file("large.bin", 24 << 20), fixture.file("small.bin", 3 << 20));
    let host = Page::open(Chromium, server.address()).await;
    host.share_files(&[&large, &small]).await;
    let guest = Page::open_with(flags, server.address()).await;
    guest.hide_folders().await;
    guest.reload().await;
    guest.go(&host.link().await).await;
    guest.item("small.bin", ItemState::Offered).await;
    limit_storage(&guest, Some(8 << 20)).await;
    for page in [&host, &guest] {
        page.browser().run(WATCH, vec![]).await.unwrap();
    }
    let said = refuses(&guest, "large.bin", code).await;
    takes(&guest, &small).await;
    host.item("small.bin", ItemState::Done).await;
    for page in [&host, &guest] {
        never_moved(page, "large.bin").await;
    }
    close([host, guest], &[]).await;
    said
}

#[tokio::test]
async fn a_browser_without_storage_says_before_that_it_takes_only_small_things_and_takes_those() {
    let (server, mut fixture) = (Server::start(Rooms::Memory), Fixture::new(3));
    let small = fixture.file("small.bin", 3 << 20);
    let large = small.with_file_name("large.bin");
    File::create(&large).unwrap().set_len(300_000_000).unwrap();
    let mut sender = Terminal::start(&server, &["send".as_ref(), large.as_ref(), small.as_ref()], "");
    let link = sender.next("room").await["link"].as_str().unwrap().to_owned();
    let guest = Page::open_with(&[NO_STORAGE.to_owned()], &link).await;
    guest.item("small.bin", ItemState::Offered).await;
    warns(&guest, "This browser gives pages no storage: only small things can be taken").await;
    guest.browser().run(WATCH, vec![]).await.unwrap();
    let said = refuses(&guest, "large.bin", NoticeCode::NoSpace).await;
    assert!(said.contains("It needs 300 MB, and 268 MB are free."), "{said}");
    takes(&guest, &small).await;
    never_moved(&guest, "large.bin").await;
    guest.close(&[]).await;
}

/// Accepts what there is no space for, and waits until the page says so; in which words.
async fn refuses(page: &Page, name: &str, code: NoticeCode) -> String {
    page.press(name, "accept").await;
    page.notice(code).await;
    page.item(name, ItemState::Failed).await;
    let said = format!("return document.querySelector('.notice[data-code={}]').textContent", code.as_str());
    let said = page.browser().run(&said, vec![]).await.unwrap();
    page.click("dismiss").await;
    // Without the marks that keep names of either direction apart from the sentence.
    said.as_str().unwrap().replace(['\u{2068}', '\u{2069}'], "")
}

/// Accepts what there is space for, and compares what is saved of it.
async fn takes(page: &Page, file: &Path) {
    let name = file.file_name().unwrap().to_str().unwrap();
    page.press(name, "accept").await;
    assert_eq!(page.item(name, ItemState::Done).await.hash, blake3_of(file));
    page.press(name, "save").await;
    Tree::of(file).assert_same(&saved(page, name).await);
}

/// Waits until the page says this where items can be accepted.
async fn warns(page: &Page, words: &str) {
    let wait = "while (!document.querySelector('.note')?.textContent.includes(arguments[0])) {
          await new Promise(requestAnimationFrame);
        }";
    page.browser().run_async(wait, vec![json!(words)]).await;
}

/// Panics when a watched page has shown any byte of the item moving.
async fn never_moved(page: &Page, name: &str) {
    let states = page.browser().run("return states", vec![]).await.unwrap();
    let states: Vec<String> = serde_json::from_value(states).unwrap();
    let has = |state| states.contains(&format!("{name} {state}"));
    assert!(has("offered") && !has("moving") && !has("verifying") && !has("done"), "{states:#?}");
}
