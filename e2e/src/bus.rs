//! What a desktop offers its programs on the message bus, played by the test: a place for notifications, and a tray that
//! shows menus and chooses from them.
//!
//! Keeps what it is told; answers as the real ones do, and decides nothing.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use zbus::connection::Builder;
use zbus::message::Header;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, Proxy, interface};

/// Longest wait for a program's word.
const PATIENCE: Duration = Duration::from_secs(45);
/// Pause between two looks at a menu.
const LOOK: Duration = Duration::from_millis(50);
/// Most words of a program that wait to be read; more are lost.
const WAITING: usize = 64;

/// A desktop's services on one bus; gone when dropped.
#[derive(Debug)]
pub struct Services {
    connection: Connection,
    notifications: Mutex<Receiver<Notification>>,
    tray_items: Mutex<Receiver<TrayItem>>,
}

/// What a program wanted a person to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Its title.
    pub title: String,
    /// What stands below it.
    pub body: String,
}

/// A program's place in the tray.
#[derive(Debug)]
pub struct Tray {
    menu: Proxy<'static>,
}

/// Who asked for a place in the tray, and where it tells of it.
#[derive(Debug)]
struct TrayItem {
    owner: String,
    path: String,
}

/// A menu: its number, what it is, and what is in it.
type Menu = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

struct Notifications(Sender<Notification>, u32);

struct Watcher(Sender<TrayItem>);

#[interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    #[allow(clippy::too_many_arguments, reason = "the interface is as it is")]
    fn notify(
        &mut self,
        _program: String,
        _replaces: u32,
        _icon: String,
        summary: String,
        body: String,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _expires: i32,
    ) -> u32 {
        let _ = self.0.try_send(Notification { title: summary, body });
        self.1 += 1;
        self.1
    }

    fn close_notification(&self, _id: u32) {}

    fn get_capabilities(&self) -> Vec<String> {
        vec!["body".into(), "body-markup".into()]
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ("test".into(), "test".into(), "1".into(), "1.2".into())
    }
}

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: String, #[zbus(header)] header: Header<'_>) {
        // A program gives either its name or the path of what it shows.
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        let item = match service.starts_with('/') {
            true => TrayItem { owner: sender, path: service },
            false => TrayItem { owner: service, path: "/StatusNotifierItem".into() },
        };
        let _ = self.0.try_send(item);
    }

    fn register_status_notifier_host(&self, _service: String) {}

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Services {
    /// Begins to serve on the bus at this address.
    pub async fn start(address: &str) -> Self {
        let (notify, notifications) = channel(WAITING);
        let (register, tray_items) = channel(WAITING);
        let builder = Builder::address(address)
            .and_then(|builder| builder.serve_at("/org/freedesktop/Notifications", Notifications(notify, 0)))
            .and_then(|builder| builder.serve_at("/StatusNotifierWatcher", Watcher(register)))
            .and_then(|builder| builder.name("org.freedesktop.Notifications"))
            .and_then(|builder| builder.name("org.kde.StatusNotifierWatcher"));
        let connection = builder.expect("names and paths").build().await.expect("a connection to the bus");
        Self { connection, notifications: Mutex::new(notifications), tray_items: Mutex::new(tray_items) }
    }

    /// The next notification.
    pub async fn notification(&self) -> Notification {
        let mut waiting = self.notifications.lock().await;
        let next = tokio::time::timeout(PATIENCE, waiting.recv()).await;
        next.expect("a notification").expect("a bus that goes on")
    }

    /// The place of the first program that asks for one.
    pub async fn tray(&self) -> Tray {
        let mut waiting = self.tray_items.lock().await;
        let next = tokio::time::timeout(PATIENCE, waiting.recv()).await;
        let TrayItem { owner, path } = next.expect("a place in the tray").expect("a bus that goes on");
        let item = Proxy::new(&self.connection, owner.clone(), path, "org.kde.StatusNotifierItem").await;
        let menu: OwnedObjectPath = item.expect("its place").get_property("Menu").await.expect("its menu");
        let menu = Proxy::new(&self.connection, owner, menu, "com.canonical.dbusmenu").await;
        Tray { menu: menu.expect("its menu") }
    }
}

impl Tray {
    /// What stands in the menu, from top to bottom, without lines between.
    pub async fn labels(&self) -> Vec<String> {
        self.entries().await.into_iter().map(|(_, label)| label).collect()
    }

    /// Waits until the menu says this.
    pub async fn says(&self, label: &str) {
        self.entry(label).await;
    }

    /// Chooses what the menu calls so.
    pub async fn choose(&self, label: &str) {
        let entry = self.entry(label).await;
        let chosen = (entry, "clicked", Value::from(0_i32), 0_u32);
        let _: () = self.menu.call("Event", &chosen).await.expect("a menu that can be chosen from");
    }

    async fn entry(&self, label: &str) -> i32 {
        let start = Instant::now();
        loop {
            let entries = self.entries().await;
            if let Some((number, _)) = entries.iter().find(|(_, other)| other == label) {
                return *number;
            }
            assert!(start.elapsed() < PATIENCE, "the menu says {entries:?} and not {label:?}");
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn entries(&self) -> Vec<(i32, String)> {
        let wish = (0_i32, -1_i32, Vec::<String>::new());
        let layout: (u32, Menu) = self.menu.call("GetLayout", &wish).await.expect("a menu");
        let entry = |value: OwnedValue| {
            let (number, facts, _) = Menu::try_from(value).ok()?;
            let label = facts.get("label").and_then(|label| label.downcast_ref::<String>().ok())?;
            // An underscore marks the letter that chooses it.
            Some((number, label.replace('_', "")))
        };
        let (_, (_, _, children)) = layout;
        children.into_iter().filter_map(entry).collect()
    }
}
