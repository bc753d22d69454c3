//! The session of this app, and the one cell of facts that the page, the tray and the notifications read.
//!
//! Owns the device and the task that follows it. A reader gets the newest facts and misses only older ones, so a page
//! that hangs costs no memory and one that was loaded again is right at once. Decides nothing that a session decides.

mod downloads;
mod running;

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use privydrop_common::api::{Command, NoticeCode};
use privydrop_common::bridge::{MAX_TOLD, News, ShellFacts, Told, Words};
use privydrop_common::host::StoreId;
use privydrop_native::{Device, InvalidServer, Server};
use tauri::async_runtime;
use tauri::{App, Manager, Runtime};
use tokio::sync::watch;

use self::running::Running;
use crate::files::Writer;
use crate::settings::Settings;
use crate::under_way::UnderWay;
use crate::visit::{Visits, begin_at};

/// Names a server for this run, for tests and development.
const SERVER_VARIABLE: &str = "PRIVYDROP_SERVER";
/// The file of the settings.
const SETTINGS: &str = "settings.json";
/// The file of the visit that did not end.
const VISIT: &str = "visit.json";

/// Why a command of the page is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// The program offers what the person picked; a page has no files.
    #[error("what is shared is picked outside of the page")]
    Sources,
    /// The program says what this device is called.
    #[error("this device has its name from the program")]
    Label,
}

/// Why a reader hears nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoNews {
    /// A page that was loaded later reads in its place.
    #[error("another page reads the news")]
    Replaced,
    /// The facts have no text.
    #[error("the facts cannot be told")]
    Untellable,
}

/// Why a server is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotServed {
    /// It is no address of one.
    #[error(transparent)]
    Address(#[from] InvalidServer),
    /// The system lacks what every program needs.
    #[error(transparent)]
    Device(#[from] privydrop_native::NotStarted),
}

macro_rules! told_as_text {
    ($($error:ty),*) => {
        $(impl serde::Serialize for $error {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        })*
    };
}
pub(crate) use told_as_text;

told_as_text!(Refused, NoNews, NotServed);

/// The session and its surroundings; clones are the same one.
#[derive(Clone)]
pub(crate) struct Shell(Arc<Inner>);

/// What readers inside the program see.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// What the page sees as well.
    pub(crate) news: News,
    /// Counts sessions: notices of another one are numbered anew.
    pub(crate) session: u64,
}

struct Inner {
    facts: watch::Sender<Facts>,
    /// Counts pages that read; the newest one reads on.
    readers: watch::Sender<u64>,
    kept: Mutex<Kept>,
    under_way: UnderWay,
}

#[derive(Default)]
struct Kept {
    running: Option<Running>,
    settings: Settings,
    /// Where the settings are written; nowhere in a test.
    file: Option<Writer<Settings>>,
    visits: Visits,
    words: Words,
    /// The folder used when nobody chose one.
    usual_downloads: Option<PathBuf>,
    told: u64,
}

impl Default for Shell {
    fn default() -> Self {
        let (facts, readers) = (watch::Sender::new(Facts::default()), watch::Sender::new(0));
        Self(Arc::new(Inner { facts, readers, kept: Mutex::default(), under_way: UnderWay::default() }))
    }
}

/// Reads the settings and starts the session, when a server is known.
pub(crate) fn begin<R: Runtime>(app: &App<R>) -> tauri::Result<()> {
    let shell = app.state::<Shell>().inner().clone();
    let folder = app.path().app_config_dir()?;
    let file = folder.join(SETTINGS);
    let (visits, visit) = Visits::read(folder.join(VISIT));
    let settings = Settings::read(&file);
    let named = std::env::var(SERVER_VARIABLE).ok();
    let (server, visit) = begin_at(named, settings.server.clone(), visit);
    {
        let mut kept = shell.0.kept.lock();
        kept.usual_downloads = app.path().download_dir().ok();
        (kept.settings, kept.file, kept.visits) = (settings, Some(Writer::new(file)), visits);
    }
    shell.show_downloads();
    match server {
        Some(server) => {
            async_runtime::block_on(shell.serve(server))
                .map_err(|error| tauri::Error::Anyhow(error.into()))?;
            if let Some(visit) = visit {
                // From now on, and not from when the task runs: a link may come before.
                let begun = shell.begin();
                async_runtime::spawn(async move { shell.go_on(visit, begun).await });
            }
            Ok(())
        }
        None => Ok(()),
    }
}

impl Shell {
    /// The facts, now and from now on.
    pub(crate) fn follow(&self) -> watch::Receiver<Facts> {
        self.0.facts.subscribe()
    }

    /// Waits for facts newer than `after`, as JSON. A later reader ends the wait of an earlier one.
    pub(crate) async fn news(&self, after: u64) -> Result<Vec<u8>, NoNews> {
        let mut me = 0;
        self.0.readers.send_modify(|readers| {
            *readers += 1;
            me = *readers;
        });
        let (mut facts, mut readers) = (self.follow(), self.0.readers.subscribe());
        tokio::select! {
            newer = facts.wait_for(|facts| facts.news.number > after) => {
                let newer = newer.map_err(|_| NoNews::Replaced)?;
                serde_json::to_vec(&newer.news).map_err(|_| NoNews::Untellable)
            }
            _ = readers.wait_for(|newest| *newest != me) => Err(NoNews::Replaced),
        }
    }

    /// Passes on what a page may say: everything but what names files and devices.
    pub(crate) fn command_of_page(&self, command: Command) -> Result<(), Refused> {
        match command {
            Command::Share(_) => Err(Refused::Sources),
            Command::Introduce(_) => Err(Refused::Label),
            command => {
                self.command(command);
                Ok(())
            }
        }
    }

    /// Passes a command to the session, when there is one.
    pub(crate) fn command(&self, command: Command) {
        if let Some(device) = self.device() {
            device.command(command);
        }
    }

    /// What the facts do not show yet.
    pub(crate) fn under_way(&self) -> &UnderWay {
        &self.0.under_way
    }

    /// These are shared from now on, also after a restart.
    pub(crate) fn keep_picked(&self, paths: &[PathBuf]) {
        self.0.kept.lock().visits.pick(paths);
    }

    /// Where a received item is.
    pub(crate) fn kept_at(&self, store: StoreId) -> Option<PathBuf> {
        self.device()?.kept_at(store)
    }

    /// The server in use.
    pub(crate) fn server(&self) -> Option<Server> {
        self.0.kept.lock().running.as_ref().map(|running| running.server.clone())
    }

    /// Uses this server from now on, also after the next start.
    pub(crate) async fn keep_server(&self, server: Server) -> Result<(), NotServed> {
        self.change(|settings| settings.server = Some(server.to_string()));
        self.serve(server).await
    }

    /// True in a room, and on the way into one: a window that is closed goes on unseen then.
    #[cfg(desktop)]
    pub(crate) fn is_in_room(&self) -> bool {
        self.0.facts.borrow().news.view.phase != privydrop_common::api::Phase::Idle
    }

    /// Files are being dragged over the window, or no longer.
    pub(crate) fn drag(&self, over: bool) {
        if self.0.facts.borrow().news.shell.dragging != over {
            self.show(|news| news.shell.dragging = over);
        }
    }

    /// Files that are pasted come here.
    #[cfg(target_os = "linux")]
    pub(crate) fn takes_pasted(&self) {
        self.show(|news| news.shell.takes_pasted = true);
    }

    /// Whether the program starts with the system.
    #[cfg(desktop)]
    pub(crate) fn show_autostart(&self, on: Option<bool>) {
        self.show(|news| news.shell.autostart = on);
    }

    /// Says something to the person by the page.
    pub(crate) fn tell(&self, code: NoticeCode, subject: &str, count: Option<u64>) {
        let number = {
            let mut kept = self.0.kept.lock();
            kept.told += 1;
            kept.told
        };
        let told = Told { number, code, subject: subject.to_owned(), count };
        self.show(|news| {
            let ShellFacts { told: all, .. } = &mut news.shell;
            if all.len() >= MAX_TOLD {
                all.remove(0);
            }
            all.push(told);
        });
    }

    /// Takes the page's words.
    pub(crate) fn speak(&self, words: Words) {
        self.0.kept.lock().words = words;
        // Whoever shows words reads them anew.
        self.show(|_| ());
    }

    /// The words for what is shown outside of the page.
    pub(crate) fn words(&self) -> Words {
        self.0.kept.lock().words.clone()
    }

    /// The session, when there is one.
    pub(crate) fn device(&self) -> Option<Arc<Device>> {
        self.0.kept.lock().running.as_ref().map(|running| Arc::clone(&running.device))
    }

    fn show(&self, change: impl FnOnce(&mut News)) {
        self.0.facts.send_modify(|facts| {
            change(&mut facts.news);
            facts.news.number += 1;
        });
    }

    /// Changes the settings. When they cannot be written, they hold until the program ends.
    fn change(&self, change: impl FnOnce(&mut Settings)) {
        let mut kept = self.0.kept.lock();
        change(&mut kept.settings);
        kept.file.iter().for_each(|file| file.put(Some(kept.settings.clone())));
    }
}

#[cfg(test)]
mod tests {
    use privydrop_common::api::{NewContent, NewFile, NewItem};
    use privydrop_common::host::SourceId;

    use super::*;

    #[tokio::test]
    async fn a_page_gets_what_is_newer_than_what_it_has_and_the_older_page_is_sent_away() {
        let shell = Shell::default();
        shell.drag(true);
        let first: News = serde_json::from_slice(&shell.news(0).await.unwrap()).unwrap();
        assert!(first.shell.dragging);
        let waits = tokio::spawn({
            let shell = shell.clone();
            async move { shell.news(first.number).await }
        });
        while shell.0.readers.subscribe().borrow().ne(&2) {
            tokio::task::yield_now().await;
        }
        let newer = shell.news(0).await.unwrap();
        assert_eq!(waits.await.unwrap(), Err(NoNews::Replaced));
        assert_eq!(serde_json::from_slice::<News>(&newer).unwrap(), first);
    }

    #[test]
    fn a_page_can_neither_share_files_nor_name_the_device() {
        let shell = Shell::default();
        let file = NewFile { source: SourceId(0), size: 1, modified: None };
        let item = NewItem { name: "passwd".into(), content: NewContent::File(file) };
        assert_eq!(shell.command_of_page(Command::Share(vec![item])), Err(Refused::Sources));
        assert_eq!(shell.command_of_page(Command::Introduce("the host".into())), Err(Refused::Label));
        assert_eq!(shell.command_of_page(Command::Leave), Ok(()));
    }

    #[test]
    fn what_is_told_is_bounded_and_the_newest_stays() {
        let shell = Shell::default();
        for count in 1..=20 {
            shell.tell(NoticeCode::LeftOut, "folder", Some(count));
        }
        let told = shell.follow().borrow().news.shell.told.clone();
        assert_eq!(told.len(), MAX_TOLD);
        assert_eq!(told.last().map(|told| (told.number, told.count)), Some((20, Some(20))));
    }
}
