//! Languages that the page loads when they are spoken.

use privydrop_e2e::browser::Kind::{Chromium, Firefox};
use privydrop_e2e::page::Page;
use privydrop_e2e::server::{Rooms, Server};
use serde_json::{Value, json};

/// Chooses a language, as a person does in the menu.
const CHOOSE: &str = "const menu = document.querySelector('[data-testid=language]');
    menu.value = arguments[0];
    menu.dispatchEvent(new Event('change', { bubbles: true }));";
/// Waits until the page says so and speaks it.
const SPOKEN: &str = "const [language, tagline] = arguments;
    while (document.documentElement.lang !== language || document.querySelector('.tagline')?.textContent !== tagline) {
        await new Promise(requestAnimationFrame);
    }";
/// Files of words that this page has loaded.
const LOADED: &str =
    "return performance.getEntriesByType('resource').map(entry => new URL(entry.name).pathname)
    .filter(path => path.startsWith('/locales/'))";

#[tokio::test]
async fn a_language_is_loaded_when_it_is_chosen_and_after_a_reload_the_page_speaks_it_at_once() {
    let server = Server::start(Rooms::Memory);
    for kind in [Chromium, Firefox] {
        let page = Page::open(kind, server.address()).await;
        speaks(&page, "en", "Straight from device to device", json!([])).await;
        page.browser().run(CHOOSE, vec![json!("zh")]).await.unwrap();
        speaks(&page, "zh", "设备之间，直接传送", json!(["/locales/zh.ftl"])).await;
        page.reload().await;
        speaks(&page, "zh", "设备之间，直接传送", json!(["/locales/zh.ftl"])).await;
        page.browser().run(CHOOSE, vec![json!("en")]).await.unwrap();
        speaks(&page, "en", "Straight from device to device", json!(["/locales/zh.ftl"])).await;
        page.browser().assert_quiet(&[]).await;
    }
}

async fn speaks(page: &Page, language: &str, tagline: &str, loaded: Value) {
    page.browser().run_async(SPOKEN, vec![json!(language), json!(tagline)]).await;
    assert_eq!(page.browser().run(LOADED, vec![]).await.unwrap(), loaded);
}
