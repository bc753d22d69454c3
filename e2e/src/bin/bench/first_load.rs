//! What the server sends to a browser that was never here, until the page can be used.

use privydrop_e2e::page::Page;
use privydrop_e2e::server::Server;
use serde::Deserialize;

use crate::tab;

/// Weighs everything that the page has loaded; see [`Part`].
const WEIGH: &str = include_str!("first_load.js");

/// One answer of the server.
#[derive(Debug, Deserialize)]
pub(crate) struct Part {
    /// Path of its address.
    pub name: String,
    /// Its length as sent.
    pub bytes: u64,
    /// How it was compressed: `br`, or nothing where that gains nothing.
    pub encoding: String,
}

/// All parts of the page as this browser gets them.
pub(crate) async fn weigh(page: &Page, server: &Server) -> Vec<Part> {
    tab::renew(page.browser(), &[]).await;
    page.go(server.address()).await;
    let parts = page.browser().run_async(WEIGH, vec![]).await;
    serde_json::from_value(parts).expect("the parts of the page")
}
