//! PrivyDrop in real browsers. `cargo xtask e2e` builds the web app and the server and runs these one at a time.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod awake;
mod harness;
mod hostile;
mod keyboard;
mod language;
mod mending;
mod names;
mod refusals;
mod relay;
mod remembered;
mod resume;
mod rooms;
mod space;
mod terminal;
mod transfer;

use privydrop_e2e::browser::Kind;
use privydrop_e2e::page::Page;
use privydrop_e2e::server::{Rooms, Server};

/// Two browsers in one room; the guest came by the code, and the host shares a text.
struct Pair {
    // Pages first: they end before the server that they talk to.
    host: Page,
    guest: Page,
    server: Server,
}

impl Pair {
    /// Starts everything, and waits until both ends have proved themselves.
    async fn meet(host: Kind, guest: Kind, rooms: Rooms) -> Self {
        let server = Server::start(rooms);
        let host = Page::open(host, server.address()).await;
        host.share_text("hello").await;
        let guest = Page::open(guest, server.address()).await;
        guest.join(&host.code().await).await;
        host.connected(1).await;
        guest.connected(1).await;
        Self { host, guest, server }
    }

    /// Two Chromium windows and rooms in memory: enough where the rules are tested, not the platforms.
    async fn simple() -> Self {
        Self::meet(Kind::Chromium, Kind::Chromium, Rooms::Memory).await
    }

    /// Ends all of it. Panics when a console holds a warning or an error that contains none of the `expected` texts.
    async fn close(self, expected: &[&str]) {
        close([self.host, self.guest], expected).await;
    }
}

/// Ends these pages. Panics when a console holds a warning or an error that contains none of the `expected` texts.
async fn close<const COUNT: usize>(pages: [Page; COUNT], expected: &[&str]) {
    for page in pages {
        page.close(expected).await;
    }
}
