//! Without a mouse, and on a narrow screen: everything can be reached, and nothing sticks out.

use privydrop_common::api::ItemState;
use privydrop_e2e::browser::Kind::Chromium;
use privydrop_e2e::fixture::{Fixture, blake3_of};
use privydrop_e2e::page::Page;
use privydrop_e2e::server::{Rooms, Server};
use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::{Pair, close};

/// Elements that one passes by Tab at most until the focus is where it is wanted.
const FAR: usize = 60;
/// What has the focus.
const FOCUSED: &str = "return document.activeElement?.dataset.testid ?? null";
/// Pixels of a phone's width.
const NARROW: u32 = 390;

/// Presses a key where the focus is.
async fn press(page: &Page, keys: impl Into<TypingData>) {
    page.browser().driver().action_chain().send_keys(keys).perform().await.unwrap();
}

/// Goes on by Tab to the element with this handle.
async fn tab_to(page: &Page, handle: &str) {
    let mut passed = Vec::new();
    loop {
        let focused = page.browser().run(FOCUSED, vec![]).await.unwrap();
        if focused == json!(handle) {
            return;
        }
        passed.push(focused);
        assert!(passed.len() < FAR, "Tab does not lead to {handle}, but past {passed:?}");
        press(page, Key::Tab).await;
    }
}

#[tokio::test]
async fn by_tab_and_enter_alone_one_shares_joins_and_accepts() {
    let (server, mut fixture) = (Server::start(Rooms::Memory), Fixture::new(1));
    let file = fixture.file("file.bin", 100_000);
    let host = Page::open(Chromium, server.address()).await;
    tab_to(&host, "text-input").await;
    press(&host, "hello").await;
    tab_to(&host, "share-text").await;
    press(&host, Key::Enter).await;
    // The picker of files is the browser's own.
    host.share_files(&[&file]).await;
    let guest = Page::open(Chromium, server.address()).await;
    let code = host.code().await;
    tab_to(&guest, "join-code").await;
    press(&guest, code + Key::Enter).await;
    guest.received_text("hello").await;
    guest.item("file.bin", ItemState::Offered).await;
    tab_to(&guest, "accept").await;
    press(&guest, Key::Enter).await;
    assert_eq!(guest.item("file.bin", ItemState::Done).await.hash, blake3_of(&file));
    close([host, guest], &[]).await;
}

/// Panics when something sticks out of a screen of a phone's width.
async fn fits(page: &Page) {
    let narrow = json!({ "width": NARROW, "height": 844, "deviceScaleFactor": 1, "mobile": true });
    let driver = page.browser().driver().cdp();
    driver.send_raw("Emulation.setDeviceMetricsOverride", narrow).await.unwrap();
    let wide = "while (screen.width !== arguments[0]) await new Promise(requestAnimationFrame);
        const sticks = [...document.body.querySelectorAll('*')].filter(one => one.checkVisibility()
          && one.getBoundingClientRect().right > arguments[0] && !one.closest('.cut, .offscreen, .items .name'));
        return [document.documentElement.scrollWidth, sticks.map(one => one.outerHTML.slice(0, 120))];";
    let found: Value = page.browser().run_async(wide, vec![json!(NARROW)]).await;
    assert_eq!(found[0], json!(NARROW), "{found:#}");
}

#[tokio::test]
async fn on_a_phone_nothing_sticks_out_at_the_side_in_any_language() {
    let (pair, mut fixture) = (Pair::simple().await, Fixture::new(2));
    let file = fixture.file(&format!("{}.bin", "a long name ".repeat(12)), 10);
    let start = Page::open(Chromium, pair.server.address()).await;
    pair.host.share_files(&[&file]).await;
    pair.guest.item(file.file_name().unwrap().to_str().unwrap(), ItemState::Offered).await;
    for page in [&start, &pair.host, &pair.guest] {
        for (tag, tagline) in crate::language::TAGLINES {
            crate::language::speak(page, tag, tagline).await;
            fits(page).await;
        }
    }
    start.close(&[]).await;
    pair.close(&[]).await;
}
