//! The real desktop app in a window of its own: a screen, a message bus and folders that nobody else has, driven by
//! tauri-driver.
//!
//! Only what a person or the system does is done to it: files are opened with it, links lead to it, its folder for what
//! is received is the system's. Nothing in the app knows that it is tested.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;
use tempfile::TempDir;

use crate::browser::Browser;
use crate::page::Page;
use crate::process::{Program, find, kill};
use crate::redis::free_port;
use crate::server::{self, Server};

/// A screen, a bus and a home: what a desktop gives its programs. Dropping it ends everything on it.
#[derive(Debug)]
pub struct Desk {
    surroundings: Vec<(&'static str, OsString)>,
    downloads: PathBuf,
    display: String,
    bus_address: String,
    _screen: Program,
    _bus: Program,
    folder: TempDir,
}

/// The app, started once on a desk.
#[derive(Debug)]
pub struct App {
    page: Page,
    desk: Desk,
}

impl Desk {
    /// An empty desk. Its programs use this server, or know none.
    pub fn new(server: Option<&Server>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (config, downloads) = (folder.path().join("config"), folder.path().join("downloads"));
        for made in [&config, &downloads] {
            fs::create_dir(made).expect("a folder");
        }
        let entry = format!("XDG_DOWNLOAD_DIR=\"{}\"\n", downloads.display());
        fs::write(config.join("user-dirs.dirs"), entry).expect("the system's folders");
        // Whoever lives here wants nothing to move by itself, so pictures of the screen can be compared.
        fs::create_dir(config.join("gtk-3.0")).expect("a folder");
        fs::write(config.join("gtk-3.0/settings.ini"), "[Settings]\ngtk-enable-animations=0\n")
            .expect("settings");
        let mut screen = Command::new(find(&["Xvfb"]));
        screen.args(["-displayfd", "1", "-screen", "0", "1280x1000x24", "-nolisten", "tcp"]);
        let (screen, display) = Program::start(&mut screen, |line| line.trim().parse::<u32>().ok());
        let display = format!(":{display}");
        let mut bus = Command::new(find(&["dbus-daemon"]));
        bus.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]);
        let (bus, bus_address) =
            Program::start(&mut bus, |line| line.starts_with("unix:").then(|| line.trim().to_owned()));
        let below = |name: &str| OsString::from(folder.path().join(name));
        let mut surroundings = vec![
            ("DISPLAY", display.clone().into()),
            ("DBUS_SESSION_BUS_ADDRESS", bus_address.clone().into()),
            ("HOME", below("home")),
            ("XDG_CONFIG_HOME", config.into()),
            ("XDG_DATA_HOME", below("data")),
            ("XDG_CACHE_HOME", below("cache")),
            ("GDK_BACKEND", "x11".into()),
            ("GSETTINGS_BACKEND", "memory".into()),
            ("NO_AT_BRIDGE", "1".into()),
            ("LIBGL_ALWAYS_SOFTWARE", "1".into()),
        ];
        surroundings.extend(server.map(|server| ("PRIVYDROP_SERVER", server.address().into())));
        Self { surroundings, downloads, display, bus_address, _screen: screen, _bus: bus, folder }
    }

    /// Where the app receives into, as the system says.
    pub fn downloads(&self) -> &Path {
        &self.downloads
    }

    /// The name of its screen.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The address of its message bus.
    pub fn bus_address(&self) -> &str {
        &self.bus_address
    }

    /// The folder of its programs' settings.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// Starts the app where it finds no screen, and waits for its end.
    pub async fn start_without_screen(&self, arguments: &[&OsStr]) -> Output {
        let mut command = Command::new(program());
        self.settle(&mut command);
        command.env_remove("DISPLAY").args(arguments);
        tokio::task::spawn_blocking(move || command.output()).await.expect("its end").expect("a start")
    }

    fn settle(&self, command: &mut Command) {
        // The test command's word for the server's program is none for the app.
        command.env_remove("PRIVYDROP_SERVER");
        command.envs(self.surroundings.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.folder.path());
    }
}

impl App {
    /// Starts the app with these arguments, and waits until its page is there.
    pub async fn start(server: &Server, arguments: &[&OsStr]) -> Self {
        Self::start_on(Desk::new(Some(server)), arguments).await
    }

    /// The same on this desk.
    pub async fn start_on(desk: Desk, arguments: &[&OsStr]) -> Self {
        let (port, native) = (free_port(), free_port());
        let mut driver = Command::new(find(&["tauri-driver"]));
        driver.args(["--port", &port.to_string(), "--native-port", &native.to_string()]);
        desk.settle(&mut driver);
        let ready = move || [port, native].iter().all(|port| is_listening(*port));
        let driver = Program::start_silent(&mut driver, ready);
        let mut wishes = thirtyfour::Capabilities::new();
        let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
        wishes
            .set("tauri:options", json!({ "application": program(), "args": arguments }))
            .expect("capabilities");
        let browser = Browser::of_app(driver, port, wishes, &desk.downloads).await;
        Self { page: Page::of(browser).await, desk }
    }

    /// Its page.
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// The desk that it runs on.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Starts the program once more beside the running one, and waits for its end. All that it shows, the first shows.
    pub async fn start_again(&self, arguments: &[&OsStr]) -> Output {
        self.desk.start_without_screen(arguments).await
    }

    /// Ends the app at once, as a crash does, and starts it again on the same desk.
    pub async fn kill_and_start(self) -> Self {
        kill(self.process());
        let Self { page, desk } = self;
        drop(page);
        Self::start_on(desk, &[]).await
    }

    /// The process of the app itself, among those that its driver started.
    pub fn process(&self) -> i32 {
        let program = program();
        let is_app = |id: &i32| fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|exe| exe == program);
        self.page.browser().processes().into_iter().find(is_app).expect("the app's process")
    }
}

/// The program that was built along with the tests.
pub fn program() -> PathBuf {
    let built = server::program().with_file_name("privydrop-app");
    assert!(built.exists(), "{} is not built; use `cargo xtask e2e`", built.display());
    built.canonicalize().expect("its path")
}

fn is_listening(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}
