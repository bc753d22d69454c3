//! Fresh tabs: each transfer gets one on both sides, so that nothing of the one before is left in it.

use privydrop_e2e::browser::Browser;
use serde_json::{Value, json};
use thirtyfour::prelude::*;

/// Notes in `window.bench` when what the app shows changes.
pub(crate) const WATCH: &str = include_str!("watch.js");
/// Accepts the first file that is offered, at once.
pub(crate) const ACCEPT: &str = include_str!("accept.js");
/// Takes away what a browser without directory access does not have.
pub(crate) const NO_PICKERS: &str = "delete window.showDirectoryPicker;
    delete window.showSaveFilePicker;
    delete window.showOpenFilePicker;";

/// Closes the tab and opens another, whose pages run `scripts` before their own.
pub(crate) async fn renew(browser: &Browser, scripts: &[&str]) {
    replace(browser.driver()).await.expect("a new tab");
    for script in scripts {
        tell(browser, "Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
    }
}

/// Deletes what pages of this origin stored in the browser.
pub(crate) async fn forget(browser: &Browser, origin: &str) {
    tell(browser, "Storage.clearDataForOrigin", json!({ "origin": origin, "storageTypes": "all" })).await;
}

/// Lets what was received stay where it is: copies of big files would be written while the next transfer runs.
pub(crate) async fn refuse_downloads(browser: &Browser) {
    tell(browser, "Browser.setDownloadBehavior", json!({ "behavior": "deny" })).await;
}

/// Makes memory comparable: what loading the page left behind is not what it needs.
pub(crate) async fn collect_garbage(browser: &Browser) {
    tell(browser, "HeapProfiler.collectGarbage", json!({})).await;
}

async fn replace(driver: &WebDriver) -> WebDriverResult<()> {
    let (old, new) = (driver.window().await?, driver.new_tab().await?);
    driver.switch_to_window(old).await?;
    driver.close_window().await?;
    driver.switch_to_window(new).await
}

async fn tell(browser: &Browser, what: &str, how: Value) {
    let told = browser.driver().cdp().send_raw(what, how).await;
    told.unwrap_or_else(|error| panic!("{what}: {error}"));
}
