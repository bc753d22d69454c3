//! PrivyDrop's way: share, join by the link, accept, done.

use privydrop_common::api::ItemState;

use crate::meter::{Meter, Moved};
use crate::options::Sink;
use crate::{Ends, Load, Way, tab};

/// Moves a file from one browser into the other. Time runs from the click on accept until the page says that every
/// byte is checked and stored.
pub(crate) async fn moved(ends: &Ends, load: &Load, sink: Sink, way: &Way<'_>) -> Moved {
    let scripts: &[&str] = match sink {
        Sink::Private => &[tab::NO_PICKERS, tab::WATCH],
        Sink::Directory => &[tab::WATCH],
    };
    for page in [&ends.from, &ends.to] {
        tab::renew(page.browser(), scripts).await;
        tab::forget(page.browser(), way.server().address()).await;
        page.go(way.server().address()).await;
        if let Way::Far(far) = way {
            far.only(page).await;
        }
    }
    let meter = Meter::idle(ends).await;
    ends.from.share_files(&[&load.path]).await;
    ends.to.join(&ends.from.link().await).await;
    ends.to.item(&load.name, ItemState::Offered).await;
    let moved = meter.watch(load.size, ends.to.press(&load.name, "accept")).await;
    let done = ends.to.item(&load.name, ItemState::Done).await;
    assert_eq!(done.hash, load.hash, "what arrived is not what was sent");
    moved
}
