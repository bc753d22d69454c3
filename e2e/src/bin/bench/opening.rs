//! From opening a link to the first byte: in a browser that was never here, and in one that was.
//!
//! Time runs in the page, from the moment at which the browser began to open the address.

use std::fmt;
use std::time::{Duration, Instant};

use privydrop_common::api::ItemState;
use privydrop_e2e::browser::{ANYTHING, Browser, Kind};
use privydrop_e2e::page::Page;
use privydrop_e2e::server::Server;
use privydrop_e2e::usage::ticks;
use serde::Deserialize;

use crate::{Load, tab};

/// Bytes of the file that is accepted at once.
pub(crate) const SMALL: u64 = 64 * 1024;
/// A first byte that takes longer never comes.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(250);
/// A browser that has just been started is at rest by then.
const SETTLING: Duration = Duration::from_secs(10);
/// Ticks of CPU time between two looks, of all processes of a browser at rest: 4 %.
const RESTING: u64 = 1;

/// One opening of each kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opening {
    /// In a new browser.
    pub cold: Times,
    /// In a new tab of a browser that has the web app in its cache.
    pub warm: Times,
}

/// When things were there, in milliseconds.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Times {
    /// The web app was there in place of the picture that stands in for it.
    pub ready: f64,
    /// Both ends had proved themselves.
    pub connected: f64,
    /// The sharer's text could be read.
    pub text: f64,
    /// The sharer's file stood in the list.
    pub offered: f64,
    /// That file, accepted at once, was checked and stored.
    pub finished: f64,
}

impl Opening {
    /// Opens links of rooms that `host` makes.
    pub(crate) async fn measure(host: &Page, load: &Load, server: &Server) -> Self {
        let guest = Browser::start(Kind::Chromium).await;
        let cold = Times::measure(host, &guest, load, server).await;
        let warm = Times::measure(host, &guest, load, server).await;
        guest.close(&[ANYTHING]).await;
        Self { cold, warm }
    }
}

impl Times {
    async fn measure(host: &Page, guest: &Browser, load: &Load, server: &Server) -> Self {
        tab::renew(host.browser(), &[]).await;
        host.go(server.address()).await;
        host.share_text("first").await;
        host.share_files(&[&load.path]).await;
        let link = host.link().await;
        host.item(&load.name, ItemState::Offered).await;
        tab::renew(guest, &[tab::NO_PICKERS, tab::WATCH, tab::ACCEPT]).await;
        settle(host.browser()).await;
        settle(guest).await;
        guest.driver().goto(&link).await.expect("a page");
        let start = Instant::now();
        loop {
            let noted = guest.run("return window.bench", vec![]).await.expect("a page");
            if let Ok(times) = serde_json::from_value(noted.clone()) {
                return times;
            }
            assert!(start.elapsed() < PATIENCE, "nothing came: {noted}, {:?}", guest.complaints().await);
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Waits until a browser has done what it does by itself after its start and after a new tab: whoever opens a link has
/// had the browser for longer than a second.
async fn settle(browser: &Browser) {
    let used = || browser.processes().into_iter().filter_map(ticks).sum::<u64>();
    let (start, mut before) = (Instant::now(), used());
    while start.elapsed() < SETTLING {
        tokio::time::sleep(LOOK).await;
        let now = used();
        if now.saturating_sub(before) <= RESTING {
            break;
        }
        before = now;
    }
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link opened  cold {}  warm {}", self.cold, self.warm)
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ready, connected, text, offered, finished } = self;
        write!(
            f,
            "app {ready:.0}, connected {connected:.0}, text {text:.0}, list {offered:.0}, file {finished:.0} ms"
        )
    }
}
