//! The session of this app, and the one cell of facts that the page, the tray and the notifications read.
//!
//! Owns the device and the task that follows it. A reader gets the newest facts and misses only older ones, so a page
//! that hangs costs no memory and one that was loaded again is right at once. Decides nothing that a session decides.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use privydrop_common::api::{Command, NoticeCode, Phase, View};
use privydrop_common::bridge::{MAX_TOLD, News, ShellFacts, Told, Words};
use privydrop_common::host::{PlaceId, StoreId};
use privydrop_native::{Device, InvalidServer, Server};
use tauri::async_runtime::{self, JoinHandle};
use tauri::{App, Manager, Runtime};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::files::KeptPath;
use crate::settings::Settings;
use crate::under_way::UnderWay;
use crate::visit::{NOTED_EVERY, Visit, Visits};

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
    file: Option<PathBuf>,
    visits: Visits,
    words: Words,
    /// The folder used when nobody chose one.
    usual_downloads: Option<PathBuf>,
    told: u64,
}

struct Running {
    device: Arc<Device>,
    server: Server,
    /// Which session of this run it is.
    session: u64,
    following: JoinHandle<()>,
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
        (kept.settings, kept.file, kept.visits) = (settings, Some(file), visits);
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

/// The server to begin with, and the visit to go on with there: a link may have led to another server than the chosen
/// one, whereas one that is named for this run is the only one.
fn begin_at(
    named: Option<String>,
    chosen: Option<String>,
    visit: Option<Visit>,
) -> (Option<Server>, Option<Visit>) {
    let read = |server: String| server.parse::<Server>().ok();
    let visited = visit.as_ref().and_then(|visit| read(visit.server.clone()));
    let server = match named {
        Some(named) => read(named),
        None => visited.clone().or_else(|| chosen.and_then(read)),
    };
    let visit = visit.filter(|_| visited.is_some() && visited == server);
    (server, visit)
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

    /// The folder for what is received, if it is there.
    pub(crate) fn place(&self) -> Option<PlaceId> {
        self.device()?.place(&self.downloads()?).ok()
    }

    /// Receives into this folder from now on.
    pub(crate) fn keep_downloads(&self, folder: PathBuf) {
        self.change(|settings| settings.downloads = Some(KeptPath(folder)));
        self.show_downloads();
    }

    /// The folder for what is received, there or not.
    pub(crate) fn downloads(&self) -> Option<PathBuf> {
        let kept = self.0.kept.lock();
        let chosen = kept.settings.downloads.clone().map(|KeptPath(folder)| folder);
        chosen.or_else(|| kept.usual_downloads.clone())
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

    /// Uses this server until the program ends.
    pub(crate) async fn serve(&self, server: Server) -> Result<(), NotServed> {
        if self.server().as_ref() == Some(&server) {
            return Ok(());
        }
        let device = Arc::new(Device::start(server.clone())?);
        device.command(Command::Introduce(format!("App on {}", system())));
        let page = server.page().to_owned();
        let before = {
            let mut kept = self.0.kept.lock();
            if kept.running.is_some() {
                // The room at the server before is left for good.
                kept.visits.end();
            }
            let session = self.begin_session(page);
            let following = async_runtime::spawn(follow(self.clone(), session, device.views()));
            kept.running.replace(Running { device, server, session, following })
        };
        if let Some(before) = before {
            async_runtime::spawn(before.leave());
        }
        Ok(())
    }

    /// Leaves the room for good and ends the session.
    #[cfg(desktop)]
    pub(crate) async fn end(&self) {
        let running = {
            let mut kept = self.0.kept.lock();
            kept.visits.end();
            kept.running.take()
        };
        if let Some(running) = running {
            running.leave().await;
        }
    }

    /// Ends the session as if the program were killed: started again, it is back in its room and goes on.
    #[cfg(desktop)]
    pub(crate) fn break_off(&self) {
        if let Some(running) = self.0.kept.lock().running.take() {
            running.following.abort();
        }
    }

    /// True while there is a session.
    #[cfg(desktop)]
    pub(crate) fn is_running(&self) -> bool {
        self.0.kept.lock().running.is_some()
    }

    /// True in a room, and on the way into one.
    pub(crate) fn is_in_room(&self) -> bool {
        self.0.facts.borrow().news.view.phase != Phase::Idle
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

    fn keep_visit(&self, session: u64, view: &View) {
        let mut kept = self.0.kept.lock();
        let running = kept.running.as_ref().filter(|running| running.session == session);
        if let Some(server) = running.map(|running| running.server.to_string()) {
            kept.visits.follow(&server, view);
        }
    }

    /// From now on the facts are those of a new session, whose number it returns, at the server of this page.
    fn begin_session(&self, page: String) -> u64 {
        let mut session = 0;
        self.0.facts.send_modify(|facts| {
            facts.session += 1;
            session = facts.session;
            facts.news.view = View::default();
            facts.news.shell.server = Some(page);
            facts.news.number += 1;
        });
        session
    }

    /// Shows a view, but not the last one of a session that another has followed.
    fn show_view(&self, session: u64, view: View) {
        self.0.facts.send_if_modified(|facts| {
            let is_current = facts.session == session;
            if is_current {
                facts.news.view = view;
                facts.news.number += 1;
            }
            is_current
        });
    }

    /// The session, when there is one.
    pub(crate) fn device(&self) -> Option<Arc<Device>> {
        self.0.kept.lock().running.as_ref().map(|running| Arc::clone(&running.device))
    }

    fn show_downloads(&self) {
        let folder = self.downloads().map(|folder| folder.display().to_string());
        self.show(|news| news.shell.downloads = folder);
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
        let written = kept.file.as_deref().map_or(Ok(()), |file: &Path| kept.settings.write(file));
        if let Err(error) = written {
            tracing::warn!(%error, "the settings cannot be written");
        }
    }
}

impl Running {
    async fn leave(self) {
        self.following.abort();
        match Arc::into_inner(self.device) {
            Some(device) => device.leave().await,
            // Somebody still looks at files for it; the session ends with them.
            None => tracing::debug!("the session ends a little later"),
        }
    }
}

/// Shows every new view until the session ends.
async fn follow(shell: Shell, session: u64, mut views: watch::Receiver<View>) {
    while let Some(view) = next(&mut views).await {
        shell.keep_visit(session, &view);
        shell.show_view(session, view);
    }
}

/// The newest view: a new one, or what still holds in a room where nothing happens for longer than a visit is remembered.
async fn next(views: &mut watch::Receiver<View>) -> Option<View> {
    let is_over = timeout(NOTED_EVERY, views.changed()).await.is_ok_and(|changed| changed.is_err());
    (!is_over).then(|| views.borrow_and_update().clone())
}

fn system() -> &'static str {
    match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "Mac",
        "windows" => "Windows",
        "android" => "Android",
        "ios" => "iPhone",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use privydrop_common::api::{Keepsake, NewContent, NewFile, NewItem};
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
    fn a_killed_app_goes_back_to_the_server_of_its_room_unless_another_is_named_for_this_run() {
        let [chosen, visited] = ["https://chosen.example", "https://visited.example"].map(str::to_owned);
        let begin = |named: Option<&str>, visited: Option<&str>| {
            let visit = visited.map(|server| Visit {
                server: server.to_owned(),
                keepsake: Keepsake("kept".into()),
                wanted: Vec::new(),
                shared: Vec::new(),
                text: None,
            });
            let (server, visit) = begin_at(named.map(str::to_owned), Some(chosen.clone()), visit);
            (server.map(|server| server.to_string()), visit.is_some())
        };
        assert_eq!(begin(None, None), (Some(chosen.clone()), false));
        assert_eq!(begin(None, Some(&visited)), (Some(visited.clone()), true));
        assert_eq!(begin(None, Some("no server")), (Some(chosen.clone()), false));
        assert_eq!(begin(Some(&chosen), Some(&visited)), (Some(chosen.clone()), false));
        assert_eq!(begin(Some(&visited), Some(&visited)), (Some(visited.clone()), true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_room_in_which_nothing_happens_is_looked_at_again_before_its_visit_is_forgotten() {
        let (told, mut views) = watch::channel(View { phase: Phase::InRoom, ..View::default() });
        let again = timeout(2 * NOTED_EVERY, next(&mut views)).await.unwrap();
        assert_eq!(again.unwrap().phase, Phase::InRoom);
        drop(told);
        assert_eq!(next(&mut views).await, None);
    }

    #[test]
    fn the_last_view_of_a_session_that_another_has_followed_is_not_shown() {
        let shell = Shell::default();
        let in_room = || View { phase: Phase::InRoom, ..View::default() };
        let first = shell.begin_session("https://a.example/".into());
        shell.show_view(first, in_room());
        assert!(shell.is_in_room());
        let second = shell.begin_session("https://b.example/".into());
        shell.show_view(first, in_room());
        assert!(!shell.is_in_room());
        shell.show_view(second, in_room());
        assert!(shell.is_in_room());
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
