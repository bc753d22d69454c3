//! While something moves the screen stays on, and leaving the page asks first; both end with it.

use privydrop_common::api::ItemState;
use privydrop_e2e::browser::Kind::Chromium;
use privydrop_e2e::fixture::{BIG, Fixture};
use privydrop_e2e::page::Page;
use privydrop_e2e::server::{Rooms, Server};
use serde_json::{Value, json};

use crate::close;

const NAME: &str = "long.bin";
/// Notes what the page asks of the screen.
const NOTE: &str = "window.locks = [];
    navigator.wakeLock.request = async kind => {
      const lock = { kind, held: true, release: async () => { lock.held = false; } };
      locks.push(lock);
      return lock;
    };";
/// Waits until the page holds the screen, or does not, and leaving it asks, or does not. Says what it asked for.
const WAIT: &str = "const [held] = arguments;
    const asks = () => !dispatchEvent(new Event('beforeunload', { cancelable: true }));
    while (locks.some(lock => lock.held) !== held || asks() !== held) await new Promise(requestAnimationFrame);
    return locks.map(lock => lock.kind);";

async fn noting(server: &Server) -> Page {
    let page = Page::open(Chromium, server.address()).await;
    page.before_each_page(NOTE).await;
    page.reload().await;
    page
}

async fn holds(page: &Page, held: bool) -> Value {
    page.browser().run_async(WAIT, vec![json!(held)]).await
}

#[tokio::test]
async fn while_something_moves_the_screen_stays_on_and_leaving_asks_first_and_both_end_with_it() {
    let (server, mut fixture) = (Server::start(Rooms::Memory), Fixture::new(1));
    let file = fixture.file(NAME, BIG);
    let (host, guest) = (noting(&server).await, noting(&server).await);
    host.share_files(&[&file]).await;
    guest.join(&host.code().await).await;
    guest.item(NAME, ItemState::Offered).await;
    for page in [&host, &guest] {
        assert_eq!(holds(page, false).await, json!([]));
    }
    guest.press(NAME, "accept").await;
    for page in [&host, &guest] {
        assert_eq!(holds(page, true).await, json!(["screen"]));
    }
    guest.press(NAME, "cancel").await;
    for page in [&host, &guest] {
        assert_eq!(holds(page, false).await, json!(["screen"]));
    }
    close([host, guest], &[]).await;
}
