//! Fresh tabs: each transfer gets one on both sides, so that nothing of the one before is left in it.

use privydrop_e2e::page::Page;
use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::options::Sink;

/// Notes in `window.bench` when what the app shows changes.
const WATCH_SCRIPT: &str = include_str!("watch.js");
/// What a browser without directory access does not have.
const NO_PICKERS: &str =
    "for (const name of ['showDirectoryPicker', 'showSaveFilePicker', 'showOpenFilePicker']) delete window[name];";

/// Closes the tab and opens another, with its watcher in every page to come.
pub(crate) async fn renew(page: &Page, sink: Sink) {
    replace(page.browser().driver()).await.expect("a new tab");
    let without = if sink == Sink::Private { NO_PICKERS } else { "" };
    let source = format!("{without}\n{WATCH_SCRIPT}");
    tell(page, "Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await;
}

/// Deletes what pages of this origin stored in the browser.
pub(crate) async fn forget(page: &Page, origin: &str) {
    tell(page, "Storage.clearDataForOrigin", json!({ "origin": origin, "storageTypes": "all" })).await;
}

/// Lets what was received stay where it is: copies of big files would be written while the next transfer runs.
pub(crate) async fn refuse_downloads(page: &Page) {
    tell(page, "Browser.setDownloadBehavior", json!({ "behavior": "deny" })).await;
}

/// Makes memory comparable: what loading the page left behind is not what it needs.
pub(crate) async fn collect_garbage(page: &Page) {
    tell(page, "HeapProfiler.collectGarbage", json!({})).await;
}

async fn replace(driver: &WebDriver) -> WebDriverResult<()> {
    let (old, new) = (driver.window().await?, driver.new_tab().await?);
    driver.switch_to_window(old).await?;
    driver.close_window().await?;
    driver.switch_to_window(new).await
}

async fn tell(page: &Page, what: &str, how: Value) {
    let told = page.browser().driver().cdp().send_raw(what, how).await;
    told.unwrap_or_else(|error| panic!("{what}: {error}"));
}
