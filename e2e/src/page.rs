//! The web app as a person or a script sees it: by its automation handles.
//!
//! Every wait goes on as long as something on the page changes, and fails with all that the page shows.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use privydrop_common::api::{ItemState, NoticeCode, PeerState};
use serde_json::json;
use thirtyfour::prelude::*;

use crate::browser::{Browser, Kind};
use crate::shown::{Item, Shown};

/// A wait fails when the page has not changed for this long.
const PATIENCE: Duration = Duration::from_secs(45);
/// Pause between two looks at the page.
const LOOK: Duration = Duration::from_millis(100);

/// Reads everything that the handles say; see [`Shown`].
const LOOK_SCRIPT: &str = include_str!("look.js");
/// Lets people's choices of a place, which no script can make, fall on a folder inside the browser's own storage.
const CHOOSE_SCRIPT: &str = include_str!("choose.js");
/// Drops a folder on the page where the driver has no way to.
const DROP_SCRIPT: &str = include_str!("drop.js");
/// Keeps the candidates of others from the page, and notes its own.
const HIDDEN_SCRIPT: &str = include_str!("hidden.js");
/// Forbids the page every way but a relay.
const RELAY_ONLY_SCRIPT: &str = include_str!("relay_only.js");

/// The web app in one browser.
#[derive(Debug)]
pub struct Page {
    browser: Browser,
}

impl Page {
    /// Opens `address` in a new browser of this kind.
    pub async fn open(kind: Kind, address: &str) -> Self {
        let page = Self { browser: Browser::start(kind).await };
        page.go(address).await;
        page
    }

    /// Opens `address` in a new Chromium with these flags beside the usual ones.
    pub async fn open_with(flags: &[String], address: &str) -> Self {
        let page = Self { browser: Browser::start_with(Kind::Chromium, flags).await };
        page.go(address).await;
        page
    }

    /// Opens `address` in a new browser that, like those of phones, lets nobody choose a folder.
    pub async fn open_without_folders(kind: Kind, address: &str) -> Self {
        let page = Self { browser: Browser::start(kind).await };
        page.hide_folders().await;
        page.go(address).await;
        page
    }

    /// Ends the browser. Panics when its console holds a warning or an error that contains none of the `expected` texts.
    pub async fn close(self, expected: &[&str]) {
        self.browser.close(expected).await;
    }

    /// Ends the browser at once, as a crash does, and starts it again with the same profile and no page.
    pub async fn kill(self) -> Self {
        Self { browser: self.browser.start_again().await }
    }

    /// Lets a script run in every page from now on before the page's own. Only for Chromium.
    pub async fn before_each_page(&self, script: &str) {
        let wish = json!({ "source": script });
        let heard = self.driver().cdp().send_raw("Page.addScriptToEvaluateOnNewDocument", wish).await;
        heard.expect("a script for later");
    }

    /// Lets nobody choose a folder in any page from now on.
    pub async fn hide_folders(&self) {
        if self.browser.kind() == Kind::Chromium {
            self.before_each_page(
                "Object.defineProperty(window, 'showDirectoryPicker', { value: undefined })",
            )
            .await;
        }
    }

    /// The page that a window of the app shows by itself.
    pub(crate) async fn of(browser: Browser) -> Self {
        let page = Self { browser };
        page.ready().await;
        page
    }

    /// Opens `address` in the same browser, and waits until the app is there.
    pub async fn go(&self, address: &str) {
        self.driver().goto(address).await.expect("a page to open");
        self.ready().await;
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        self.driver().refresh().await.expect("a page to load again");
        self.ready().await;
    }

    /// Waits until the page is this many pixels wide, and nothing on it is about to change its looks.
    ///
    /// Panics when the page does not fit in its window: a view shows its scrollbar and lets it fade in its own time.
    pub async fn settled(&self, width: u32) {
        // Colours that are to change begin to with the next drawing.
        let settle = "const drawn = () => new Promise(requestAnimationFrame);
            while (innerWidth !== arguments[0]) await drawn();
            await drawn();
            await drawn();
            for (const moving of document.getAnimations()) if (moving instanceof CSSTransition) moving.finish();
            await drawn();
            return document.documentElement.scrollHeight <= innerHeight;";
        let fits = self.browser.run_async(settle, vec![json!(width)]).await;
        assert_eq!(fits, json!(true), "the page is higher than its window");
    }

    /// Lets the page's connections, until it is loaded again, use the relay at this address and no other way.
    pub async fn relay_only(&self, url: &str) {
        self.browser.run(RELAY_ONLY_SCRIPT, vec![json!(url)]).await.expect("a page to run a script");
    }

    /// Keeps the candidates of others from the page, until it is loaded again: it can be found, and finds nobody.
    pub async fn hide(&self) {
        self.browser.run(HIDDEN_SCRIPT, vec![]).await.expect("a page to run a script");
    }

    /// The candidates that a hidden page has told so far.
    pub async fn told_candidates(&self) -> Vec<String> {
        let told = self.browser.run("return window.told", vec![]).await.expect("a page to run a script");
        serde_json::from_value(told).expect("a list of candidates")
    }

    /// The browser behind the page.
    pub fn browser(&self) -> &Browser {
        &self.browser
    }

    // What a person does.

    /// Offers files by the file picker.
    pub async fn share_files(&self, paths: &[&Path]) {
        let paths: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
        self.keys("file-input", paths.join("\n")).await;
    }

    /// Offers a folder by dropping it on the page: unlike the folder picker, that shows empty folders too.
    pub async fn drop_folder(&self, folder: &Path) {
        match self.browser.kind() {
            Kind::Chromium => {
                let (x, y) = (640, 300);
                let data = json!({ "items": [], "files": [folder], "dragOperationsMask": 1 });
                for kind in ["dragEnter", "dragOver", "dragOver", "drop"] {
                    // A person hovers: a page that is busy has not said yet that it takes what comes.
                    self.browser.run_async("await new Promise(requestAnimationFrame)", vec![]).await;
                    let event = json!({ "type": kind, "x": x, "y": y, "data": data });
                    let sent = self.driver().cdp().send_raw("Input.dispatchDragEvent", event).await;
                    sent.expect("a drag event");
                }
            }
            Kind::Firefox => {
                let tree = crate::received::packed(folder);
                self.browser.run_async(DROP_SCRIPT, vec![tree]).await;
            }
            Kind::App => panic!("what is dropped on the app never reaches its page"),
        }
    }

    /// Offers a folder by the folder picker. Only Chromium's driver can do it.
    pub async fn share_folder(&self, folder: &Path) {
        self.keys("folder-input", folder.to_string_lossy()).await;
    }

    /// Writes a text, with what is between `*` in bold, and offers it.
    pub async fn share_text(&self, text: &str) {
        self.clear_text().await;
        for (index, run) in text.split('*').enumerate() {
            if index > 0 {
                self.keys("text-input", control('b')).await;
            }
            self.keys("text-input", run).await;
        }
        self.click("share-text").await;
    }

    /// Empties the field of the text.
    pub async fn clear_text(&self) {
        self.keys("text-input", control('a')).await;
        self.keys("text-input", Key::Delete.value().to_string()).await;
    }

    /// Types a name for a room to be made, and waits until the page says that it is free, or that it is taken.
    pub async fn wish_room(&self, name: &str, free: bool) {
        self.keys("room-name", control('a')).await;
        self.keys("room-name", name).await;
        let known = if free { "free" } else { "taken" };
        self.wait_for(&format!("word that {name:?} is {known}"), |shown| {
            (shown.name.as_deref() == Some(known)).then_some(())
        })
        .await;
    }

    /// Types a text into the field with this handle, in place of what stands there.
    pub async fn type_into(&self, handle: &str, text: &str) {
        self.keys(handle, control('a')).await;
        self.keys(handle, text).await;
    }

    /// Waits until the element with this handle has this attribute.
    pub async fn wait_for_attribute(&self, handle: &str, name: &str, value: &str) {
        let selector = format!(r#"[data-testid="{handle}"][{name}="{value}"]"#);
        self.wait_for_element(&selector, async |_| Ok(())).await;
    }

    /// Waits until the box with this handle is ticked, or is not.
    pub async fn wait_for_checked(&self, handle: &str, checked: bool) {
        let state = if checked { ":checked" } else { ":not(:checked)" };
        self.wait_for_element(&format!(r#"[data-testid="{handle}"]{state}"#), async |_| Ok(())).await;
    }

    /// Types a code or pastes a link, and joins.
    pub async fn join(&self, code_or_link: &str) {
        self.keys("join-code", control('a')).await;
        self.keys("join-code", code_or_link).await;
        self.click("join").await;
    }

    /// Leaves the room.
    pub async fn leave(&self) {
        self.click("leave").await;
    }

    /// Presses a button of an item: `accept`, `save`, `pause`, `resume`, `cancel` or `remove`.
    pub async fn press(&self, item: &str, button: &str) {
        let item = css_text(item);
        self.click_on(&format!(r#"[data-testid="item"][data-name={item}] [data-testid="{button}"]"#)).await;
    }

    /// Presses the button with this handle.
    pub async fn click(&self, handle: &str) {
        self.click_on(&format!(r#"[data-testid="{handle}"]"#)).await;
    }

    // What a person sees.

    /// Everything that the page shows now.
    pub async fn look(&self) -> WebDriverResult<Shown> {
        let value = self.browser.run(LOOK_SCRIPT, vec![]).await?;
        Ok(serde_json::from_value(value)?)
    }

    /// Waits until `pick` finds what it wants. `what` says it in words.
    pub async fn wait_for<T>(&self, what: &str, pick: impl Fn(&Shown) -> Option<T>) -> T {
        let mut last = Shown::default();
        let mut changed = Instant::now();
        loop {
            // A page that is just being loaded cannot be looked at.
            if let Ok(shown) = self.look().await {
                if let Some(value) = pick(&shown) {
                    return value;
                }
                if shown != last {
                    (last, changed) = (shown, Instant::now());
                }
            }
            if changed.elapsed() > PATIENCE {
                self.give_up(what, &last).await;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The room's code, once there is one.
    pub async fn code(&self) -> String {
        self.wait_for("a code", |shown| shown.code.clone().filter(|code| !code.is_empty())).await
    }

    /// The room's link, once there is one.
    pub async fn link(&self) -> String {
        self.wait_for("a link", |shown| shown.link.clone().filter(|link| !link.is_empty())).await
    }

    /// Waits until the item is in this state.
    pub async fn item(&self, name: &str, state: ItemState) -> Item {
        let wanted = word(&state);
        self.wait_for(&format!("item {name:?} to be {wanted}"), |shown| {
            shown.item(name).filter(|item| item.state == wanted).cloned()
        })
        .await
    }

    /// Waits until the item has moved past `percent`, or is done already.
    pub async fn moved_past(&self, name: &str, percent: u8) {
        self.wait_for(&format!("item {name:?} to move past {percent} %"), |shown| {
            let item = shown.item(name)?;
            let progress: u8 = item.progress.parse().unwrap_or(0);
            (progress > percent || item.state == "done").then_some(())
        })
        .await;
    }

    /// Waits until the item is off the list.
    pub async fn item_gone(&self, name: &str) {
        self.wait_for(&format!("item {name:?} to go"), |shown| shown.item(name).is_none().then_some(()))
            .await;
    }

    /// Waits until a text of the others stands there with this markup in it.
    pub async fn received_text(&self, markup: &str) {
        self.wait_for(&format!("a text with {markup:?}"), |shown| {
            let mut texts = shown.items.iter().filter(|item| item.direction == "in" && item.name.is_empty());
            texts.any(|text| text.markup.contains(markup)).then_some(())
        })
        .await;
    }

    /// Waits until exactly `count` other members are connected and verified.
    pub async fn connected(&self, count: usize) {
        let wanted = word(&PeerState::Connected);
        self.wait_for(&format!("{count} verified members"), |shown| {
            let verified = shown.peers.iter().filter(|peer| peer.state == wanted && peer.verified == "true");
            (verified.count() == count && shown.peers.len() == count).then_some(())
        })
        .await;
    }

    /// Waits until a member is connected by this path: `lan`, `direct` or `relay`.
    pub async fn connected_by(&self, path: &str) {
        self.wait_for(&format!("a member by {path}"), |shown| {
            shown.peers.iter().any(|peer| peer.path == path).then_some(())
        })
        .await;
    }

    /// Waits until this message shows.
    pub async fn notice(&self, code: NoticeCode) {
        let code = code.as_str();
        self.wait_for(&format!("the message {code}"), |shown| {
            shown.notices.iter().any(|notice| notice == code).then_some(())
        })
        .await;
    }

    /// Waits until the page is in no room and nothing moves.
    pub async fn idle(&self) {
        self.wait_for("an idle page", |shown| {
            let moving =
                shown.items.iter().any(|item| matches!(&*item.state, "waiting" | "moving" | "verifying"));
            (shown.peers.is_empty() && !moving).then_some(())
        })
        .await;
    }

    /// Waits until the item goes on from what was received before; how many percent that is.
    pub async fn resumed(&self) -> u8 {
        let told = "return document.querySelector('.notice[data-code=item-resumed] strong')?.textContent";
        let changed = Instant::now();
        loop {
            let words = self.browser.run(told, vec![]).await.unwrap_or_default();
            // `NAME goes on at NUMBER %`
            let number = words.as_str().and_then(|words| words.split(' ').rev().nth(1));
            if let Some(percent) = number.and_then(|number| number.parse().ok()) {
                return percent;
            }
            if changed.elapsed() > PATIENCE {
                self.give_up("something that goes on", &self.look().await.unwrap_or_default()).await;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Opens `address` in another tab and goes there; as a copy of this one, it has the same memory.
    pub async fn open_tab(&self, address: &str, copy: bool) {
        if copy {
            self.browser
                .run("window.open(arguments[0])", vec![json!(address)])
                .await
                .expect("a copy of the tab");
            let tabs = self.driver().windows().await.expect("the tabs");
            self.driver().switch_to_window(tabs.last().expect("a tab").clone()).await.expect("the copy");
            return self.ready().await;
        }
        let tab = self.driver().new_tab().await.expect("another tab");
        self.driver().switch_to_window(tab).await.expect("the other tab");
        self.go(address).await;
    }

    /// Goes back to the first tab; closes the one that is open.
    pub async fn close_tab(&self) {
        self.driver().close_window().await.expect("a tab to close");
        let tabs = self.driver().windows().await.expect("the tabs");
        self.driver().switch_to_window(tabs.first().expect("a tab").clone()).await.expect("the first tab");
    }

    /// Takes a picture of the page.
    pub async fn screenshot(&self, path: &Path) {
        self.driver().screenshot(path).await.expect("a screenshot");
    }

    fn driver(&self) -> &WebDriver {
        self.browser.driver()
    }

    async fn ready(&self) {
        if self.browser.kind() == Kind::App {
            return self.wait_for_element(r#"[data-testid="pick-files"]"#, async |_| Ok(())).await;
        }
        self.wait_for_element(r#"[data-testid="file-input"]"#, async |_| Ok(())).await;
        self.browser.run(CHOOSE_SCRIPT, vec![]).await.expect("a place to receive into");
    }

    async fn keys(&self, handle: &str, keys: impl AsRef<str>) {
        let selector = format!(r#"[data-testid="{handle}"]"#);
        self.wait_for_element(&selector, async |element| element.send_keys(keys.as_ref()).await).await;
    }

    async fn click_on(&self, selector: &str) {
        self.wait_for_element(selector, async |element| element.click().await).await;
    }

    /// Waits for an element and does something with it; tries again while it is not there, covered or replaced.
    async fn wait_for_element(&self, selector: &str, act: impl AsyncFn(&WebElement) -> WebDriverResult<()>) {
        let start = Instant::now();
        loop {
            let done = match self.driver().find(By::Css(selector)).await {
                Ok(element) => act(&element).await,
                Err(error) => Err(error),
            };
            let Err(error) = done else { return };
            if start.elapsed() > PATIENCE {
                self.give_up(&format!("{selector} ({error})"), &self.look().await.unwrap_or_default()).await;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn give_up(&self, what: &str, shown: &Shown) -> ! {
        static TAKEN: AtomicU32 = AtomicU32::new(1);
        let number = TAKEN.fetch_add(1, Ordering::Relaxed);
        let picture = std::env::temp_dir().join(format!("privydrop-e2e-{}-{number}.png", std::process::id()));
        let _ = self.driver().screenshot(&picture).await;
        let complaints = self.browser.complaints().await;
        panic!(
            "{:?} waited for {what}\nit shows {shown:#?}\nits console says {complaints:#?}\npicture: {}",
            self.browser.kind(),
            picture.display()
        );
    }
}

/// The word that stands for a state in `data-state`.
fn word(state: &impl serde::Serialize) -> String {
    serde_json::to_value(state)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .expect("a state's word")
}

/// A text as a CSS string.
fn css_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The keys for a letter with Control held.
fn control(letter: char) -> String {
    format!("{}{letter}{}", Key::Control.value(), Key::Null.value())
}
