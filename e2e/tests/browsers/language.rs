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
/// The tags in the menu.
const MENU: &str =
    "return Array.from(document.querySelector('[data-testid=language]').options, option => option.value)";
/// Each language, by what the page says under its name in it.
pub(crate) const TAGLINES: [(&str, &str); 7] = [
    ("en", "Straight from device to device"),
    ("zh", "设备之间，直接传送"),
    ("ja", "デバイスからデバイスへ、まっすぐ"),
    ("es", "Directo de dispositivo a dispositivo"),
    ("de", "Direkt von Gerät zu Gerät"),
    ("fr", "Directement d’un appareil à l’autre"),
    ("ko", "기기에서 기기로 바로"),
];
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
        page.close(&[]).await;
    }
}

#[tokio::test]
async fn every_language_of_the_menu_is_spoken() {
    let server = Server::start(Rooms::Memory);
    let page = Page::open(Chromium, server.address()).await;
    let menu = page.browser().run(MENU, vec![]).await.unwrap();
    assert_eq!(menu, json!(TAGLINES.map(|(tag, _)| tag)));
    for (tag, tagline) in TAGLINES {
        speak(&page, tag, tagline).await;
    }
    page.close(&[]).await;
}

/// Chooses a language, and waits until the page speaks it.
pub(crate) async fn speak(page: &Page, tag: &str, tagline: &str) {
    page.browser().run(CHOOSE, vec![json!(tag)]).await.unwrap();
    page.browser().run_async(SPOKEN, vec![json!(tag), json!(tagline)]).await;
}

async fn speaks(page: &Page, language: &str, tagline: &str, loaded: Value) {
    page.browser().run_async(SPOKEN, vec![json!(language), json!(tagline)]).await;
    assert_eq!(page.browser().run(LOADED, vec![]).await.unwrap(), loaded);
}
