//! One real browser with its driver: headless, with a profile and a download folder of its own.
//!
//! Keeps every warning and error of the console. Knows nothing of what the pages mean.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;
use thirtyfour::{Capabilities, ChromiumLikeCapabilities, LoggingPrefsLogLevel};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::process::{Program, find};

/// Longest time that a script in a page may take: hashing a big file while both cores are busy.
const SCRIPT: Duration = Duration::from_secs(300);

/// Longest way of a console's message to this harness.
const HEARING: Duration = Duration::from_secs(20);

/// Firefox says so of each connection that finds no path in time. A further lane, which much that is received asks for, may
/// find none, and costs nobody anything.
pub const LANE_WITHOUT_PATH: &str = "WebRTC: ICE failed";
/// Part of everything that can stand in a console: figures are measured whatever does.
pub const ANYTHING: &str = "";
/// Chromium says so of each socket that finds no server.
pub const NO_SERVER: &str = "WebSocket connection to ";

/// How often a driver is started at most.
const DRIVER_STARTS: usize = 3;

/// Chromium's flags. The last ones keep it from looking for its maker's servers.
const CHROMIUM: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
];

/// Which browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Has directory access: received things are written into a chosen folder.
    Chromium,
    /// Has none: received things are saved as downloads.
    Firefox,
    /// No browser: the desktop app's window. What it receives goes into the system's folder.
    App,
}

/// A running browser; dropping it ends it. Whoever is done with it closes it, so that nothing it complained of is missed.
#[derive(Debug)]
pub struct Browser {
    kind: Kind,
    driver: WebDriver,
    console: Arc<Mutex<Vec<String>>>,
    downloads: PathBuf,
    /// Somebody has read what the console says, to its end.
    is_heard: bool,
    // Ends before its folder is deleted.
    program: Program,
    folder: Option<TempDir>,
}

impl Browser {
    /// Starts a browser of this kind.
    pub async fn start(kind: Kind) -> Self {
        Self::start_with(kind, &[]).await
    }

    /// The same with further flags for Chromium.
    pub async fn start_with(kind: Kind, flags: &[String]) -> Self {
        Self::start_in(tempfile::tempdir().expect("a temporary folder"), kind, flags, Arc::default()).await
    }

    /// Ends the browser at once, as a crash does, and starts it again with the same profile.
    pub async fn start_again(mut self) -> Self {
        // The next one's console goes on where this one's ends.
        self.complaints().await;
        self.is_heard = true;
        self.program.end();
        let (kind, folder) = (self.kind, self.folder.take().expect("a browser with a profile"));
        let console = Arc::clone(&self.console);
        drop(self);
        Self::start_in(folder, kind, &[], console).await
    }

    /// Ends it. Panics when its console holds a warning or an error that contains none of the `expected` texts.
    pub async fn close(mut self, expected: &[&str]) {
        self.is_heard = true;
        self.assert_quiet(expected).await;
    }

    async fn start_in(
        folder: TempDir,
        kind: Kind,
        flags: &[String],
        console: Arc<Mutex<Vec<String>>>,
    ) -> Self {
        let downloads = folder.path().join("downloads");
        std::fs::create_dir_all(&downloads).expect("a folder for downloads");
        let (program, port) = start_driver(kind, folder.path());
        let wishes = match kind {
            Kind::Chromium => chromium(folder.path(), &downloads, flags),
            Kind::Firefox => firefox(folder.path(), &downloads),
            Kind::App => panic!("the app is started on a desk, by `App::start`"),
        };
        let address = format!("http://127.0.0.1:{port}");
        let driver = session(address, wishes.expect("capabilities")).await;
        let driver =
            driver.unwrap_or_else(|error| panic!("no session with {kind:?}: {error}; {}", program.output()));
        let browser =
            Self { kind, driver, console, downloads, is_heard: false, program, folder: Some(folder) };
        browser.driver.set_script_timeout(SCRIPT).await.expect("a time-out for scripts");
        if kind == Kind::Firefox {
            browser.listen_to_console().await;
        }
        browser
    }

    /// The window of the desktop app, which `program` drives at `port`.
    pub(crate) async fn of_app(program: Program, port: u16, wishes: Capabilities, downloads: &Path) -> Self {
        let driver = session(format!("http://127.0.0.1:{port}"), wishes).await;
        let driver = driver.unwrap_or_else(|error| panic!("no session: {error}; {}", program.output()));
        driver.set_script_timeout(SCRIPT).await.expect("a time-out for scripts");
        let downloads = downloads.to_owned();
        // Nobody tells what stands in the console of a web view.
        let is_heard = true;
        Self { kind: Kind::App, driver, console: Arc::default(), downloads, is_heard, program, folder: None }
    }

    /// Which browser it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The session, for what this harness has no words for.
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// The ids of all its processes, without the driver's.
    pub fn processes(&self) -> Vec<i32> {
        self.program.family()
    }

    /// Where its downloads go.
    pub fn downloads(&self) -> &Path {
        &self.downloads
    }

    /// All warnings and errors of the console since the start.
    pub async fn complaints(&self) -> Vec<String> {
        if self.kind == Kind::Chromium {
            let entries = self.driver.browser_log().await.expect("the console's log");
            let complaints =
                entries.into_iter().filter(|entry| matches!(&*entry.level, "WARNING" | "SEVERE"));
            lock(&self.console).extend(complaints.map(|entry| format!("{}: {}", entry.level, entry.message)));
        }
        lock(&self.console).clone()
    }

    /// Panics when the console holds a warning or an error that contains none of the `expected` texts.
    pub async fn assert_quiet(&self, expected: &[&str]) {
        let mut complaints = self.complaints().await;
        complaints.retain(|complaint| !expected.iter().any(|text| complaint.contains(text)));
        assert!(complaints.is_empty(), "{:?} complains:\n{}", self.kind, complaints.join("\n"));
    }

    /// Waits until the console holds a warning or an error with this text.
    pub async fn heard(&self, text: &str) {
        let start = Instant::now();
        while !self.complaints().await.iter().any(|complaint| complaint.contains(text)) {
            assert!(start.elapsed() < HEARING, "{:?} said nothing like {text:?}", self.kind);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Turns the browser's own switch: while it is offline its pages are told so, and open no connection to a server. Those
    /// that stand go on, and so does what devices send one another directly. Only for Chromium.
    pub async fn offline(&self, offline: bool) {
        let network = self.driver.cdp();
        let no_limits =
            json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        network.send_raw("Network.enable", json!({})).await.expect("a network");
        network.send_raw("Network.emulateNetworkConditions", no_limits).await.expect("a switch");
    }

    /// Runs a script in the page; its value.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> WebDriverResult<Value> {
        Ok(self.driver.execute(script, arguments).await?.json().clone())
    }

    /// Runs an asynchronous function's body in the page; what it resolves to. Panics when it fails.
    pub async fn run_async(&self, body: &str, arguments: Vec<Value>) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             (async (...arguments) => {{ {body} }})(...arguments).then(
                 value => done({{ value }}), error => done({{ error: String(error?.stack ?? error) }}));"
        );
        let outcome =
            self.driver.execute_async(script, arguments).await.expect("a script that ends").json().clone();
        assert!(outcome["error"].is_null(), "a script in the page failed: {}", outcome["error"]);
        outcome["value"].clone()
    }

    /// Collects warnings and errors as they come, by WebDriver BiDi: Firefox keeps none to be asked for later.
    async fn listen_to_console(&self) {
        let address = self
            .driver
            .capabilities()
            .get("webSocketUrl")
            .and_then(Value::as_str)
            .expect("an address for events");
        let (mut events, _) = connect_async(address).await.expect("a connection for events");
        let wish =
            json!({ "id": 1, "method": "session.subscribe", "params": { "events": ["log.entryAdded"] } });
        events.send(Message::text(wish.to_string())).await.expect("an open connection");
        // The answer to the wish comes first.
        events.next().await.expect("an open connection").expect("an answer");
        let console = Arc::clone(&self.console);
        // Ends with the connection, when the browser ends.
        tokio::spawn(async move {
            while let Some(Ok(Message::Text(text))) = events.next().await {
                let entry: Value = serde_json::from_str(&text).unwrap_or_default();
                let entry = &entry["params"];
                if matches!(entry["level"].as_str(), Some("warn" | "error")) {
                    lock(&console)
                        .push(format!("{}: {} {}", entry["type"], entry["text"], entry["stackTrace"]));
                }
            }
        });
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver's process is about to end with the browser: there is no session to close politely.
        let _ = self.driver.clone().leak();
        let is_heard = self.is_heard || std::thread::panicking();
        assert!(is_heard, "{:?} is dropped, and nobody has read its console: close it", self.kind);
    }
}

/// Opens a session with a driver.
async fn session(address: String, wishes: Capabilities) -> WebDriverResult<WebDriver> {
    // Done once; later ones find it done.
    let _ = rustls::crypto::ring::default_provider().install_default();
    WebDriver::builder(address, wishes).request_timeout(SCRIPT).await
}

/// Starts the driver's process; its port.
fn start_driver(kind: Kind, folder: &Path) -> (Program, u16) {
    let mut command = match kind {
        Kind::Chromium => {
            let mut command = Command::new(find(&["chromedriver"]));
            command.arg("--port=0");
            command
        }
        Kind::Firefox | Kind::App => {
            let mut command = Command::new(find(&["geckodriver"]));
            command.args(["--port", "0", "--websocket-port", "0", "--profile-root"]).arg(folder);
            command
        }
    };
    // `… started successfully on port 1234.` and `… Listening on 127.0.0.1:1234`
    let ready = |line: &str| {
        let (_, port) = line
            .split_once("successfully on port ")
            .or_else(|| line.split_once("Listening on 127.0.0.1:"))?;
        port.trim_end_matches('.').parse().ok()
    };
    command
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .env("MOZ_HEADLESS_WIDTH", "1280")
        .env("MOZ_HEADLESS_HEIGHT", "900");
    command.current_dir(folder);
    // The driver of Chromium takes a free port of one address family, and ends when the other family has it in use.
    let mut failures = Vec::new();
    while failures.len() < DRIVER_STARTS {
        match Program::try_start(&mut command, ready) {
            Ok(started) => return started,
            Err(why) => failures.push(why),
        }
    }
    panic!("no driver: {failures:#?}");
}

fn chromium(folder: &Path, downloads: &Path, flags: &[String]) -> WebDriverResult<Capabilities> {
    let mut wishes = DesiredCapabilities::chrome();
    wishes.set_binary(&find(&["chromium", "chromium-browser", "google-chrome"]).to_string_lossy())?;
    for flag in CHROMIUM.into_iter().chain(flags.iter().map(String::as_str)) {
        wishes.add_arg(flag)?;
    }
    wishes.add_arg(&format!("--user-data-dir={}", folder.join("profile").display()))?;
    wishes.set_browser_log_level(LoggingPrefsLogLevel::All)?;
    let several = "profile.default_content_setting_values.automatic_downloads";
    let preferences =
        json!({ "download.default_directory": downloads, "download.prompt_for_download": false, several: 1 });
    wishes.add_experimental_option("prefs", preferences)?;
    Ok(wishes.into())
}

fn firefox(folder: &Path, downloads: &Path) -> WebDriverResult<Capabilities> {
    let profile = folder.join("profile");
    std::fs::create_dir_all(&profile).expect("a folder for the profile");
    let mut wishes = DesiredCapabilities::firefox();
    wishes.set_firefox_binary(&find(&["firefox-esr", "firefox"]).to_string_lossy())?;
    wishes.add_arg("--headless")?;
    wishes.add_arg("-profile")?;
    wishes.add_arg(&profile.to_string_lossy())?;
    wishes.set("webSocketUrl", true)?;
    let preferences = json!({
        "browser.download.dir": downloads,
        "browser.download.folderList": 2,
        "browser.download.always_ask_before_handling_new_types": false,
        "browser.download.alwaysOpenPanel": false,
        "network.captive-portal-service.enabled": false,
        "network.connectivity-service.enabled": false,
    });
    wishes.set_browser_option("prefs", preferences)?;
    Ok(wishes.into())
}

fn lock(console: &Mutex<Vec<String>>) -> std::sync::MutexGuard<'_, Vec<String>> {
    console.lock().unwrap_or_else(PoisonError::into_inner)
}
