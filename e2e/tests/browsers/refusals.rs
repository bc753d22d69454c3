//! What cannot be done is said, by name, and nothing is stuck afterwards.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use privydrop_common::api::{ItemState, NoticeCode};
use privydrop_common::signaling::MAX_MEMBERS;
use privydrop_e2e::browser::{Kind::Chromium, NO_SERVER};
use privydrop_e2e::fixture::Fixture;
use privydrop_e2e::page::Page;
use privydrop_e2e::raw::RawMember;
use privydrop_e2e::server::{Rooms, Server};
use privydrop_e2e::shown::Shown;
use privydrop_e2e::space::nothing_stays;

use crate::{Pair, close};

#[tokio::test]
async fn an_unknown_room_is_said_and_the_code_stays_in_the_field() {
    for rooms in [Rooms::Memory, Rooms::Redis] {
        let server = Server::start(rooms);
        let guest = Page::open(Chromium, server.address()).await;
        let code = "999999-acid-acorn-acre";
        guest.join(code).await;
        guest.notice(NoticeCode::RoomUnknown).await;
        keeps(&guest, code).await;
        still_works(guest, &server, &[]).await;
    }
}

#[tokio::test]
async fn wrong_words_are_told_to_both_and_right_ones_still_open() {
    let server = Server::start(Rooms::Memory);
    let host = Page::open(Chromium, server.address()).await;
    host.share_text("hello").await;
    let right = host.code().await;
    let guest = Page::open(Chromium, server.address()).await;
    guest.join(&with_another_word(&right)).await;
    guest.notice(NoticeCode::WrongWords).await;
    host.notice(NoticeCode::SomebodyGuessed).await;
    guest.join(&right).await;
    guest.connected(1).await;
    close([host, guest], &[]).await;
}

#[tokio::test]
async fn a_taken_name_is_said_and_its_owner_is_undisturbed() {
    for rooms in [Rooms::Memory, Rooms::Redis] {
        let server = Server::start(rooms);
        let owner = Page::open(Chromium, server.address()).await;
        let second = Page::open(Chromium, server.address()).await;
        // Both are told that the name is free; then one is faster.
        owner.wish_room("our-place", true).await;
        second.wish_room("our-place", true).await;
        owner.click("open-room").await;
        let code = owner.code().await;
        assert!(code.starts_with("our-place-"), "{code}");
        second.click("open-room").await;
        second.notice(NoticeCode::RoomTaken).await;
        second.wish_room("our-place", false).await;
        second.join(&code).await;
        second.connected(1).await;
        owner.connected(1).await;
        close([second, owner], &[]).await;
    }
}

#[tokio::test]
async fn a_full_room_is_said() {
    let server = Server::start(Rooms::Memory);
    let mut host = RawMember::connect(&server).await;
    let room = host.create(None).await;
    let mut guests = Vec::new();
    while guests.len() + 1 < MAX_MEMBERS {
        let mut guest = RawMember::connect(&server).await;
        let knocker = guest.knock(&room).await;
        host.admit(knocker, &mut guest).await;
        guests.push(guest);
    }
    let late = Page::open(Chromium, server.address()).await;
    late.join(&format!("{room}-acid-acorn-acre")).await;
    late.notice(NoticeCode::RoomFull).await;
    still_works(late, &server, &[]).await;
}

#[tokio::test]
async fn an_unreachable_server_is_said_where_one_joins_and_nothing_is_stuck() {
    let mut server = Server::start(Rooms::Memory);
    let guest = Page::open(Chromium, server.address()).await;
    server.stop();
    let code = "123456-acid-acorn-acre";
    guest.join(code).await;
    guest.notice(NoticeCode::ServerUnreachable).await;
    keeps(&guest, code).await;
    server.restart();
    still_works(guest, &server, &[NO_SERVER]).await;
}

#[tokio::test]
async fn an_unreachable_server_is_said_where_one_shares_and_the_room_opens_by_itself_once_it_is_back() {
    let mut server = Server::start(Rooms::Memory);
    let host = Page::open(Chromium, server.address()).await;
    server.stop();
    host.share_text("hello").await;
    host.notice(NoticeCode::ServerUnreachable).await;
    server.restart();
    let code = host.code().await;
    host.wait_for("no word of it", |shown| {
        let told = shown.notices.iter().any(|code| code == NoticeCode::ServerUnreachable.as_str());
        (!told).then_some(())
    })
    .await;
    let guest = Page::open(Chromium, server.address()).await;
    guest.join(&code).await;
    guest.received_text("hello").await;
    host.close(&[NO_SERVER]).await;
    guest.close(&[]).await;
}

#[tokio::test]
async fn a_lost_server_leaves_a_pair_connected() {
    let mut pair = Pair::simple().await;
    pair.server.stop();
    pair.host.notice(NoticeCode::ServerLost).await;
    pair.guest.notice(NoticeCode::ServerLost).await;
    pair.host.share_text("still *here*").await;
    pair.guest.received_text("<b>here</b>").await;
    pair.close(&[NO_SERVER]).await;
}

#[tokio::test]
async fn a_file_that_changed_since_it_was_picked_is_told_to_both_and_nothing_of_it_is_kept() {
    let (pair, mut fixture) = (Pair::simple().await, Fixture::new(6));
    let file = fixture.file("draft.bin", 3 << 20);
    is_refused(pair, &file, NoticeCode::SourceChanged, || {
        // Of the same length: only its time tells.
        let time = std::fs::metadata(&file).unwrap().modified().unwrap();
        let file = File::options().write(true).open(&file).unwrap();
        file.write_all_at(b"other words", 2 << 20).unwrap();
        file.set_modified(time + Duration::from_secs(60)).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_file_that_grew_since_it_was_picked_is_told_to_both_and_nothing_of_it_is_kept() {
    let (pair, mut fixture) = (Pair::simple().await, Fixture::new(7));
    let file = fixture.file("log.bin", 3 << 20);
    is_refused(pair, &file, NoticeCode::SourceChanged, || {
        File::options().append(true).open(&file).unwrap().write_all(b"one more line").unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_file_that_is_gone_since_it_was_picked_is_told_to_both_and_nothing_of_it_is_kept() {
    let (pair, mut fixture) = (Pair::simple().await, Fixture::new(8));
    let file = fixture.file("gone.bin", 3 << 20);
    is_refused(pair, &file, NoticeCode::SourceUnreadable, || std::fs::remove_file(&file).unwrap()).await;
}

/// Shares a file, does something to it before anybody fetches it, and expects that both ends are told so and nothing of it
/// is kept.
async fn is_refused(pair: Pair, file: &Path, code: NoticeCode, spoil: impl FnOnce()) {
    let name = file.file_name().unwrap().to_str().unwrap();
    pair.host.share_files(&[file]).await;
    pair.guest.item(name, ItemState::Offered).await;
    spoil();
    pair.guest.press(name, "accept").await;
    for page in [&pair.guest, &pair.host] {
        page.notice(code).await;
        page.item(name, ItemState::Failed).await;
    }
    nothing_stays(&pair.guest).await;
    pair.close(&[]).await;
}

/// Waits until the code stands in its field, to be tried again.
async fn keeps(page: &Page, code: &str) {
    let stands = |shown: &Shown| (shown.join_code.as_deref() == Some(code)).then_some(());
    page.wait_for("the code in its field", stands).await;
}

/// A page that was refused can still make a room and be joined; then it ends, and has complained of nothing but what is
/// `expected`.
async fn still_works(page: Page, server: &Server, expected: &[&str]) {
    page.share_text("well").await;
    let other = Page::open(Chromium, server.address()).await;
    other.join(&page.code().await).await;
    other.connected(1).await;
    page.close(expected).await;
    other.close(&[]).await;
}

/// The same code with a different last word.
fn with_another_word(code: &str) -> String {
    let (rest, word) = code.rsplit_once('-').unwrap();
    format!("{rest}-{}", if word == "acid" { "acorn" } else { "acid" })
}
