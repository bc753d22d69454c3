//! How much a page may store, and what stands in the folder that it receives into. Only for Chromium, which has both.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::page::Page;

/// Names of everything in the chosen folder.
const NAMES_SCRIPT: &str = include_str!("names.js");
/// Longest time until something is cleared away.
const PATIENCE: Duration = Duration::from_secs(45);

/// Lets the browser store this many bytes for the page's site and no more; `None` takes the limit away.
pub async fn limit_storage(page: &Page, bytes: Option<u64>) {
    let driver = page.browser().driver();
    let address = driver.current_url().await.expect("a page");
    let limit = json!({ "origin": address.origin().ascii_serialization(), "quotaSize": bytes });
    let limit = match bytes {
        Some(_) => limit,
        None => json!({ "origin": limit["origin"] }),
    };
    driver.cdp().send_raw("Storage.overrideQuotaForOrigin", limit).await.expect("a limit");
}

/// Waits until nothing is left in the chosen folder.
pub async fn nothing_stays(page: &Page) {
    let start = Instant::now();
    loop {
        let names = page.browser().run_async(NAMES_SCRIPT, vec![]).await;
        if names == json!([]) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "it stays: {names}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
