//! What a browser remembers of a room: it leads back there, nothing else takes its place, and it is forgotten on a word.

use privydrop_e2e::browser::Kind::Chromium;
use privydrop_e2e::page::Page;
use privydrop_e2e::server::{Rooms, Server};
use serde_json::Value;

use crate::close;

const NAME: &str = "family";

/// A page whose room has a wished name, and is remembered.
async fn remembering(server: &Server) -> Page {
    let page = Page::open(Chromium, server.address()).await;
    page.wish_room(NAME, true).await;
    page.click("open-room").await;
    remember(&page).await;
    page
}

async fn remember(page: &Page) {
    page.wait_for_checked("remember", false).await;
    page.click("remember").await;
    page.wait_for_checked("remember", true).await;
}

/// What is kept for good, to the letter.
async fn kept(page: &Page) -> Value {
    page.browser().run("return localStorage.getItem('privydrop.room')", vec![]).await.unwrap()
}

/// Waits until the card that leads back into a room is there, or is not.
async fn offers_return(page: &Page, offers: bool) {
    page.wait_for("what is remembered", |shown| {
        let named = shown.remembered.as_ref().map(|words| words.contains(NAME));
        (shown.peers.is_empty() && named == offers.then_some(true)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_remembered_room_has_the_same_name_and_link_again_and_its_guest_comes_back_without_typing() {
    let server = Server::start(Rooms::Memory);
    let host = remembering(&server).await;
    let link = host.link().await;
    let guest = Page::open(Chromium, server.address()).await;
    guest.join(&host.code().await).await;
    guest.connected(1).await;
    remember(&guest).await;
    for page in [&host, &guest] {
        page.leave().await;
        // Of the first tab it has nothing but what is kept for good.
        page.open_tab(server.address(), false).await;
        offers_return(page, true).await;
    }
    host.click("return").await;
    assert_eq!(host.link().await, link);
    guest.click("return").await;
    for page in [&host, &guest] {
        page.connected(1).await;
        page.wait_for_checked("remember", true).await;
    }
    for page in [&host, &guest] {
        page.leave().await;
        page.click("forget").await;
        offers_return(page, false).await;
        page.reload().await;
        offers_return(page, false).await;
    }
    close([host, guest], &[]).await;
}

#[tokio::test]
async fn a_typed_code_goes_before_what_is_remembered_and_a_link_before_both_and_neither_takes_its_place() {
    let server = Server::start(Rooms::Memory);
    let page = remembering(&server).await;
    let remembered = kept(&page).await;
    page.leave().await;
    let code = "123456-acid-acorn-acre";
    page.type_into("join-code", code).await;
    page.reload().await;
    page.wait_for("the code in its field", |shown| (shown.join_code.as_deref() == Some(code)).then_some(()))
        .await;
    offers_return(&page, true).await;

    let other = Page::open(Chromium, server.address()).await;
    other.share_text("hello").await;
    page.go(&other.link().await).await;
    // After the reload it is the same: neither the code nor the remembered room is tried.
    for _ in 0..2 {
        page.received_text("hello").await;
        page.wait_for_checked("remember", false).await;
        assert_eq!(kept(&page).await, remembered);
        page.reload().await;
    }
    page.received_text("hello").await;
    page.leave().await;
    offers_return(&page, true).await;
    page.click("return").await;
    page.wait_for_checked("remember", true).await;
    assert!(page.code().await.starts_with(NAME));
    close([page, other], &[]).await;
}

#[tokio::test]
async fn a_link_into_a_strangers_room_of_the_same_name_takes_nothing_from_what_is_remembered() {
    let mut server = Server::start(Rooms::Memory);
    let page = remembering(&server).await;
    let remembered = kept(&page).await;
    page.leave().await;
    offers_return(&page, true).await;
    // It begins without a room, and the name is anybody's.
    server.restart();
    let stranger = Page::open(Chromium, server.address()).await;
    stranger.wish_room(NAME, true).await;
    stranger.click("open-room").await;
    page.go(&stranger.link().await).await;
    page.connected(1).await;
    page.wait_for_checked("remember", false).await;
    assert_eq!(kept(&page).await, remembered);
    page.leave().await;
    offers_return(&page, true).await;
    // A person's own word is another thing.
    page.go(&stranger.link().await).await;
    page.connected(1).await;
    remember(&page).await;
    assert_ne!(kept(&page).await, remembered);
    close([page, stranger], &[]).await;
}
