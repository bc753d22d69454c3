//! Everything that can be shared arrives equal to the last byte, between all pairs of browsers and with both stores.

use std::path::Path;

use privydrop_common::api::ItemState;
use privydrop_e2e::browser::Kind::{self, Chromium, Firefox};
use privydrop_e2e::browser::LANE_WITHOUT_PATH;
use privydrop_e2e::fixture::{BIG, Fixture, blake3_of};
use privydrop_e2e::page::Page;
use privydrop_e2e::received::received;
use privydrop_e2e::server::Rooms;
use privydrop_e2e::tree::Tree;

use crate::Pair;

#[tokio::test]
async fn everything_arrives_from_chromium_in_chromium_with_rooms_in_memory() {
    everything_arrives(Chromium, Chromium, Rooms::Memory).await;
}

#[tokio::test]
async fn everything_arrives_from_chromium_in_chromium_with_rooms_in_redis() {
    everything_arrives(Chromium, Chromium, Rooms::Redis).await;
}

#[tokio::test]
async fn everything_arrives_from_chromium_in_firefox_with_rooms_in_memory() {
    everything_arrives(Chromium, Firefox, Rooms::Memory).await;
}

#[tokio::test]
async fn everything_arrives_from_chromium_in_firefox_with_rooms_in_redis() {
    everything_arrives(Chromium, Firefox, Rooms::Redis).await;
}

#[tokio::test]
async fn everything_arrives_from_firefox_in_chromium_with_rooms_in_memory() {
    everything_arrives(Firefox, Chromium, Rooms::Memory).await;
}

#[tokio::test]
async fn everything_arrives_from_firefox_in_chromium_with_rooms_in_redis() {
    everything_arrives(Firefox, Chromium, Rooms::Redis).await;
}

#[tokio::test]
async fn an_empty_file_arrives() {
    let pair = Pair::simple().await;
    let mut fixture = Fixture::new(2);
    let file = fixture.file("nothing.txt", 0);
    arrives(&pair.host, &pair.guest, &file).await;
    pair.close(&[]).await;
}

#[tokio::test]
async fn a_folder_from_the_folder_picker_arrives() {
    let pair = Pair::simple().await;
    let mut fixture = Fixture::new(3);
    let folder = fixture.folder("picked");
    // A folder picker lists files only: what is empty does not exist for it.
    std::fs::remove_dir(folder.join("nothing here")).unwrap();
    pair.host.share_folder(&folder).await;
    take(&pair.guest, &folder).await;
    pair.close(&[]).await;
}

#[tokio::test]
async fn text_follows_its_changes_both_ways_and_can_be_cleared() {
    let pair = Pair::simple().await;
    pair.guest.received_text("hello").await;
    pair.guest.share_text("back to *you*").await;
    pair.host.received_text("<b>you</b>").await;
    // A shared text goes on being shared, without a word.
    for (from, to, words) in
        [(&pair.host, &pair.guest, "hello again"), (&pair.guest, &pair.host, "back to both of us")]
    {
        from.type_into("text-input", words).await;
        to.received_text(words).await;
    }
    pair.guest.clear_text().await;
    pair.guest.click("share-text").await;
    pair.host
        .wait_for("the other's text to go", |shown| {
            shown.items.iter().all(|item| item.direction == "out").then_some(())
        })
        .await;
    pair.close(&[]).await;
}

/// A text with formatting, three files at once, a folder of 1,000 small files, and one of 200 MB.
async fn everything_arrives(from: Kind, to: Kind, rooms: Rooms) {
    let pair = Pair::meet(from, to, rooms).await;
    let mut fixture = Fixture::new(1);

    pair.host.share_text("a *bold* word, 粗体").await;
    pair.guest.received_text("<b>bold</b>").await;
    pair.guest.received_text("粗体").await;

    let three =
        [fixture.file("one.bin", 1), fixture.file("二.bin", 3 << 20), fixture.file("three 3.bin", 70_001)];
    pair.host.share_files(&three.each_ref().map(|path| path.as_path())).await;
    for file in &three {
        pair.guest.item(&name(file), ItemState::Offered).await;
    }
    pair.guest.click("accept-all").await;
    for file in &three {
        taken(&pair.guest, file).await;
    }

    let folder = fixture.folder("many");
    pair.host.drop_folder(&folder).await;
    take(&pair.guest, &folder).await;

    let big = fixture.file("big.bin", BIG);
    arrives(&pair.host, &pair.guest, &big).await;
    pair.close(&[LANE_WITHOUT_PATH]).await;
}

/// Shares a file, takes it, and compares what arrived.
async fn arrives(from: &Page, to: &Page, file: &Path) {
    from.share_files(&[file]).await;
    take(to, file).await;
}

/// Accepts what was shared, and compares what arrived.
pub(crate) async fn take(to: &Page, path: &Path) {
    to.press(&name(path), "accept").await;
    taken(to, path).await;
}

/// Compares what arrived, once it has.
pub(crate) async fn taken(to: &Page, path: &Path) {
    Tree::of(path).assert_same(&received(to, &name(path)).await);
    if path.is_file() {
        assert_eq!(to.item(&name(path), ItemState::Done).await.hash, blake3_of(path));
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}
