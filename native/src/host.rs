//! The machine as a [`Host`]: hands each errand to the part that carries it out.
//!
//! Decides nothing and keeps nothing but the parts.

use core::task::{Context, Poll};
use std::sync::Arc;

use privydrop_common::api::View;
use privydrop_common::host::{Errand, Host, Report, SignalEvent};
use privydrop_common::id::PeerId;
use privydrop_common::signaling::IceServer;
use privydrop_common::time::Moment;
use privydrop_common::transport::{LanePlan, Transport};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::disk::{Files, Stores};
use crate::mailbox::Mailbox;
use crate::server::Server;
use crate::signal::Signal;
use crate::transport::{NativeTransport, WebRtc};

/// Makes the platform's transports.
pub trait Connect {
    /// What it makes.
    type Transport: Transport;

    /// How many data lanes its transports have for a link, and are best off with.
    fn lanes(&self) -> LanePlan;

    /// A new, idle transport that uses these servers.
    fn connect(&mut self, ice: &[IceServer]) -> Self::Transport;
}

impl Connect for WebRtc {
    type Transport = NativeTransport;

    fn lanes(&self) -> LanePlan {
        WebRtc::lanes(self)
    }

    fn connect(&mut self, ice: &[IceServer]) -> NativeTransport {
        WebRtc::connect(self, ice)
    }
}

/// The parts that a host hands its errands to.
pub(crate) struct Parts {
    pub(crate) mailbox: Mailbox,
    pub(crate) server: Server,
    pub(crate) files: Arc<Files>,
    pub(crate) stores: Arc<Stores>,
    /// The newest view; older ones are overwritten.
    pub(crate) views: watch::Sender<View>,
    /// What must end before the program does.
    pub(crate) tasks: TaskTracker,
}

/// The platform under a session outside a browser.
pub(crate) struct NativeHost<C> {
    connect: C,
    parts: Parts,
    clock: Clock,
    signal: Option<OpenSignal>,
}

struct OpenSignal {
    signal: Signal,
    /// The session knows that it is open; what it says before is dropped.
    opened: bool,
}

impl<C: Connect> NativeHost<C> {
    /// A host whose transports `connect` makes. Only inside a tokio runtime.
    pub(crate) fn new(connect: C, parts: Parts) -> Self {
        Self { connect, parts, clock: Clock::new(), signal: None }
    }

    fn open_signal(&mut self) {
        let Parts { server, mailbox, tasks, .. } = &self.parts;
        self.signal = Some(OpenSignal { signal: Signal::open(server, mailbox, tasks), opened: false });
    }

    fn close_signal(&mut self) {
        self.signal = None;
        self.parts.mailbox.new_socket();
    }
}

impl<C: Connect> Host for NativeHost<C> {
    type Transport = C::Transport;

    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn connect(&mut self, _peer: PeerId, ice: &[IceServer]) -> C::Transport {
        self.connect.connect(ice)
    }

    fn perform(&mut self, errand: Errand) {
        match errand {
            Errand::OpenSignal => self.open_signal(),
            Errand::SendSignal(text) => {
                if let Some(OpenSignal { signal, opened: true }) = &self.signal {
                    signal.send(text);
                }
            }
            Errand::CloseSignal => self.close_signal(),
            Errand::WakeAt(moment) => self.clock.wake_at(moment),
            Errand::Read { job, source, size, piece } => self.parts.files.read(job, source, size, piece),
            Errand::Release(source) => self.parts.files.release(source),
            Errand::Prepare { store, place, plan } => self.parts.stores.prepare(store, place, plan),
            Errand::Write { job, store, file, piece, chunks } => {
                self.parts.stores.write(store, job, file, piece, chunks);
            }
            Errand::Commit { store, file } => self.parts.stores.commit(store, file),
            Errand::Finish(store) => self.parts.stores.finish(store),
            Errand::Discard(store) => self.parts.stores.discard(store),
            Errand::Suspend(store) => self.parts.stores.suspend(store),
            Errand::Show(view) => _ = self.parts.views.send_replace(*view),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Report> {
        let report = match self.parts.mailbox.poll(cx) {
            Poll::Ready(report) => report,
            Poll::Pending => return self.clock.poll(cx).map(|()| Report::Woke),
        };
        if let (Report::Signal(SignalEvent::Opened), Some(signal)) = (&report, &mut self.signal) {
            signal.opened = true;
        }
        Poll::Ready(report)
    }
}
