//! This device: one session and everything under it, for whoever speaks to people.
//!
//! Takes commands and shows views; words nothing and decides nothing.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use privydrop_common::api::{Command, Phase, View};
use privydrop_common::drive::drive;
use privydrop_common::host::{PlaceId, StoreId};
use privydrop_common::name::unicode_fold;
use privydrop_common::session::Session;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::disk::{Files, NotPicked, Picked, Places, Stores, Workers, pick};
use crate::host::{Connect, NativeHost, Parts};
use crate::mailbox::Mailbox;
use crate::network;
use crate::server::Server;
use crate::transport::WebRtc;

/// Time for each of the two steps of [`Device::leave`].
const LEAVE_WITHIN: Duration = Duration::from_secs(3);

/// Why a device cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// The system gives no threads.
    #[error("the system gives this program no threads")]
    Threads(#[from] io::Error),
    /// The system gives no randomness, without which there are no secrets.
    #[error("the system gives this program no random numbers")]
    Randomness(#[from] getrandom::Error),
}

/// A running session. Dropping it ends it at once; [`Device::leave`] is more polite.
pub struct Device {
    mailbox: Mailbox,
    views: watch::Receiver<View>,
    files: Arc<Files>,
    places: Arc<Places>,
    stores: Arc<Stores>,
    workers: Arc<Workers>,
    tasks: TaskTracker,
    session: JoinHandle<()>,
    network: JoinHandle<()>,
}

impl Device {
    /// Starts a session, in no room yet, whose links are WebRTC's. Only inside a tokio runtime.
    ///
    /// # Errors
    /// When the system lacks what every program needs.
    pub fn start(server: Server) -> Result<Self, NotStarted> {
        Self::start_with(server, WebRtc::new(Handle::current()))
    }

    /// Starts a session, in no room yet, whose transports `connect` makes. Only inside a tokio runtime.
    ///
    /// # Errors
    /// When the system lacks what every program needs.
    pub fn start_with<C>(server: Server, connect: C) -> Result<Self, NotStarted>
    where
        C: Connect + Send + 'static,
        C::Transport: Send,
    {
        let (mailbox, tasks, places) = (Mailbox::default(), TaskTracker::new(), Arc::new(Places::default()));
        let workers = Arc::new(Workers::start(tasks.clone())?);
        let files = Arc::new(Files::new(Arc::clone(&workers), mailbox.clone()));
        let stores = Stores::new(Arc::clone(&places), Arc::clone(&workers), mailbox.clone());
        let (shown, views) = watch::channel(View::default());
        let parts = Parts {
            mailbox: mailbox.clone(),
            server,
            files: Arc::clone(&files),
            stores: Arc::clone(&stores),
            views: shown,
            tasks: tasks.clone(),
        };
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        let session = Session::new(seed, unicode_fold).with_lanes(connect.lanes());
        let session = tokio::spawn(drive(session, NativeHost::new(connect, parts)));
        let network = tokio::spawn({
            let mailbox = mailbox.clone();
            network::watch(move || mailbox.command(Command::Moved))
        });
        Ok(Self { mailbox, views, files, places, stores, workers, tasks, session, network })
    }

    /// Passes a command to the session.
    pub fn command(&self, command: Command) {
        self.mailbox.command(command);
    }

    /// The views: whoever looks sees the newest.
    pub fn views(&self) -> watch::Receiver<View> {
        self.views.clone()
    }

    /// Looks at a path and takes its files in; what comes back can be shared.
    ///
    /// # Errors
    /// When there is nothing to offer at this path.
    pub async fn pick(&self, path: PathBuf) -> Result<Picked, NotPicked> {
        let (tell, told) = oneshot::channel();
        let files = Arc::clone(&self.files);
        self.workers.spawn(move || _ = tell.send(pick(&files, &path)));
        told.await.unwrap_or(Err(NotPicked::Unreadable))
    }

    /// Opens a directory to receive into.
    ///
    /// # Errors
    /// When it is not there, is no directory, or may not be opened.
    pub fn place(&self, path: &Path) -> io::Result<PlaceId> {
        self.places.register(path)
    }

    /// Where a received item is, if it is one of the last thousand.
    pub fn kept_at(&self, store: StoreId) -> Option<PathBuf> {
        self.stores.kept_at(store)
    }

    /// Leaves the room, lets go of what is half received, and waits some seconds at most until both is done.
    pub async fn leave(mut self) {
        self.command(Command::Leave);
        let _ = timeout(LEAVE_WITHIN, self.views.wait_for(|view| view.phase == Phase::Idle)).await;
        self.session.abort();
        self.tasks.close();
        let _ = timeout(LEAVE_WITHIN, self.tasks.wait()).await;
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.session.abort();
        self.network.abort();
    }
}
