//! Several members, members who come late, stop, leave and come back.

use std::path::{Path, PathBuf};

use privydrop_common::api::{ItemState, NoticeCode};
use privydrop_e2e::browser::Kind::Chromium;
use privydrop_e2e::fixture::{Fixture, blake3_of};
use privydrop_e2e::page::Page;

use crate::resume::NO_GESTURE;
use crate::{Pair, close};

/// Big enough to be stopped on its way.
const LONG: u64 = 100_000_000;

#[tokio::test]
async fn two_guests_fetch_at_once_and_a_late_joiner_sees_what_is_offered() {
    let pair = Pair::simple().await;
    let mut fixture = Fixture::new(1);
    let file = fixture.file("for all.bin", 20_000_000);
    pair.host.share_files(&[&file]).await;
    let second = Page::open(Chromium, &pair.host.link().await).await;
    second.connected(1).await;
    for guest in [&pair.guest, &second] {
        guest.press("for all.bin", "accept").await;
    }
    for guest in [&pair.guest, &second] {
        done(guest, &file).await;
    }
    let late = Page::open(Chromium, &pair.host.link().await).await;
    late.press("for all.bin", "accept").await;
    done(&late, &file).await;
    close([second, late], &[]).await;
    pair.close(&[]).await;
}

#[tokio::test]
async fn a_guest_shares_with_the_host() {
    let pair = Pair::simple().await;
    let mut fixture = Fixture::new(2);
    let file = fixture.file("from guest.bin", 5_000_000);
    pair.guest.share_files(&[&file]).await;
    pair.host.press("from guest.bin", "accept").await;
    done(&pair.host, &file).await;
    pair.close(&[]).await;
}

#[tokio::test]
async fn a_lone_item_is_accepted_by_the_handle_for_all_of_them_as_well() {
    let (pair, mut fixture) = (Pair::simple().await, Fixture::new(5));
    // By a person's click, and by a script's.
    for (name, scripted) in [("one.bin", false), ("another.bin", true)] {
        let file = fixture.file(name, 1_000);
        pair.host.share_files(&[&file]).await;
        pair.guest.item(name, ItemState::Offered).await;
        if scripted {
            let click = "document.querySelector('[data-testid=accept-all]').click()";
            pair.guest.browser().run(click, vec![]).await.unwrap();
        } else {
            pair.guest.click("accept-all").await;
        }
        done(&pair.guest, &file).await;
    }
    pair.close(&[]).await;
}

#[tokio::test]
async fn the_receiver_pauses_and_goes_on() {
    let moving = Moving::start().await;
    let Pair { host, guest, .. } = &moving.pair;
    guest.press("long.bin", "pause").await;
    guest.item("long.bin", ItemState::Paused).await;
    host.notice(NoticeCode::PausedThere).await;
    guest.press("long.bin", "resume").await;
    moving.arrives().await;
}

#[tokio::test]
async fn the_sender_pauses_and_goes_on() {
    let moving = Moving::start().await;
    let Pair { host, guest, .. } = &moving.pair;
    host.press("long.bin", "pause").await;
    guest.item("long.bin", ItemState::Paused).await;
    guest.notice(NoticeCode::PausedThere).await;
    host.press("long.bin", "resume").await;
    moving.arrives().await;
}

#[tokio::test]
async fn the_receiver_cancels_and_takes_it_again() {
    let moving = Moving::start().await;
    let Pair { host, guest, .. } = &moving.pair;
    guest.press("long.bin", "cancel").await;
    guest.item("long.bin", ItemState::Cancelled).await;
    host.notice(NoticeCode::CancelledThere).await;
    host.item("long.bin", ItemState::Cancelled).await;
    guest.press("long.bin", "accept").await;
    moving.arrives().await;
}

#[tokio::test]
async fn the_sender_cancels_and_it_can_be_taken_again() {
    let moving = Moving::start().await;
    let Pair { host, guest, .. } = &moving.pair;
    host.press("long.bin", "cancel").await;
    guest.item("long.bin", ItemState::Cancelled).await;
    guest.notice(NoticeCode::CancelledThere).await;
    guest.press("long.bin", "accept").await;
    moving.arrives().await;
}

#[tokio::test]
async fn a_removed_item_is_gone_even_while_it_moves() {
    let moving = Moving::start().await;
    let Pair { host, guest, .. } = &moving.pair;
    host.press("long.bin", "remove").await;
    guest.notice(NoticeCode::ItemGone).await;
    guest.item_gone("long.bin").await;
    host.item_gone("long.bin").await;
    moving.pair.close(&[]).await;
}

#[tokio::test]
async fn both_leave_mid_transfer_and_meet_again() {
    let moving = Moving::start().await;
    let Pair { host, guest, .. } = &moving.pair;
    host.leave().await;
    guest.leave().await;
    host.idle().await;
    guest.idle().await;
    host.share_text("again").await;
    guest.join(&host.code().await).await;
    guest.connected(1).await;
    guest.press("long.bin", "accept").await;
    moving.arrives().await;
}

#[tokio::test]
async fn of_two_receivers_one_is_loaded_again_and_goes_on_by_itself_and_the_other_is_undisturbed() {
    let (pair, mut fixture) = (Pair::simple().await, Fixture::new(4));
    let file = fixture.file("long.bin", LONG);
    pair.host.share_files(&[&file]).await;
    let second = Page::open_without_folders(Chromium, &pair.host.link().await).await;
    second.item("long.bin", ItemState::Offered).await;
    pair.guest.press("long.bin", "accept").await;
    second.press("long.bin", "accept").await;
    second.moved_past("long.bin", 2).await;
    second.reload().await;
    done(&second, &file).await;
    done(&pair.guest, &file).await;
    second.close(&[NO_GESTURE]).await;
    pair.close(&[]).await;
}

#[tokio::test]
async fn a_vanished_member_is_said_and_its_list_stays() {
    let Pair { host, guest, server: _server } = Pair::simple().await;
    guest.received_text("hello").await;
    host.close(&[]).await;
    guest.notice(NoticeCode::PeerLost).await;
    guest.received_text("hello").await;
    guest.close(&[]).await;
}

/// A pair with a long file on its way.
struct Moving {
    pair: Pair,
    file: PathBuf,
    // Keeps the file where it is.
    _fixture: Fixture,
}

impl Moving {
    async fn start() -> Self {
        let pair = Pair::simple().await;
        let mut fixture = Fixture::new(3);
        let file = fixture.file("long.bin", LONG);
        pair.host.share_files(&[&file]).await;
        pair.guest.press("long.bin", "accept").await;
        pair.guest.moved_past("long.bin", 2).await;
        Self { pair, file, _fixture: fixture }
    }

    /// Waits until the guest has it whole.
    async fn arrives(self) {
        done(&self.pair.guest, &self.file).await;
        self.pair.close(&[]).await;
    }
}

/// Waits until the file is there, whole.
async fn done(page: &Page, file: &Path) {
    let name = file.file_name().unwrap().to_str().unwrap();
    assert_eq!(page.item(name, ItemState::Done).await.hash, blake3_of(file));
}
