//! A place that runs full while something comes.

use privydrop_common::api::{ItemState, NoticeCode};
use privydrop_e2e::fixture::Fixture;
use privydrop_e2e::space::{limit_storage, nothing_stays};

use crate::Pair;
use crate::transfer::take;

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
    pair.assert_quiet().await;
}
