//! The page as a [`Host`]: hands each errand to the part that carries it out.
//!
//! Decides nothing and keeps nothing but the parts.

use core::task::{Context, Poll};
use std::rc::Rc;
use std::sync::Arc;

use privydrop_common::api::{Command, View};
use privydrop_common::host::{Errand, Host, Report, SignalEvent};
use privydrop_common::id::PeerId;
use privydrop_common::signaling::IceServer;
use privydrop_common::time::Moment;
use privydrop_common::transport::{LanePlan, Step, Transport};

use super::clock::Clock;
use super::files::Files;
use super::mailbox::Mailbox;
use super::signal::{Server, Signal};
use super::store::Stores;
use super::transport::BrowserTransport;

/// Where commands for the session are dropped.
#[derive(Clone)]
pub struct Commands {
    mailbox: Mailbox,
    server: Server,
}

impl Commands {
    /// For a session whose signal sockets are at `url`.
    pub fn new(url: &str) -> Self {
        Self { mailbox: Mailbox::default(), server: Server::new(url) }
    }

    /// Passes a command to the session that polls the host made with this.
    pub fn give(&self, command: Command) {
        self.mailbox.command(command);
    }

    /// A command that needs the server comes soon.
    pub fn expect(&self) {
        self.server.expect();
    }

    /// It does not come after all.
    pub fn forget(&self) {
        self.server.forget();
    }
}

/// The platform under a session in a page.
pub struct BrowserHost {
    mailbox: Mailbox,
    clock: Clock,
    server: Server,
    signal: Option<Signal>,
    spare: Spare,
    files: Rc<Files>,
    stores: Rc<Stores>,
    on_view: Box<dyn Fn(View)>,
}

/// A link that is asked for soon: with its first one a browser starts threads, looks at its networks and makes a key. It
/// does so once the server has the first words, while it and the peer are at work.
#[derive(Default)]
struct Spare {
    is_due: bool,
    link: Option<BrowserTransport>,
}

impl Spare {
    fn make(&mut self) {
        if core::mem::take(&mut self.is_due) {
            self.link.get_or_insert_with(BrowserTransport::new);
        }
    }
}

impl BrowserHost {
    /// A host that carries out these commands and shows views by `on_view`.
    pub fn new(
        commands: &Commands,
        files: Rc<Files>,
        stores: Rc<Stores>,
        on_view: impl Fn(View) + 'static,
    ) -> Self {
        let Commands { mailbox, server } = commands.clone();
        let clock = Clock::new(mailbox.clone());
        let on_view = Box::new(on_view);
        Self { mailbox, clock, server, signal: None, spare: Spare::default(), files, stores, on_view }
    }

    /// How many data lanes links have here, and are best off with.
    pub fn lanes(&self) -> LanePlan {
        BrowserTransport::lanes()
    }

    fn open_signal(&mut self) {
        let (mailbox, socket) = (self.mailbox.clone(), self.mailbox.new_socket());
        self.signal = Signal::open(&self.server, move |event| mailbox.signal(socket, event));
        self.spare.is_due = true;
        if self.signal.is_none() {
            self.mailbox.signal(socket, SignalEvent::Closed);
        }
    }

    fn close_signal(&mut self) {
        self.signal = None;
        self.mailbox.new_socket();
    }
}

impl Host for BrowserHost {
    type Transport = BrowserTransport;

    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn connect(&mut self, _peer: PeerId, ice: &[IceServer]) -> BrowserTransport {
        let mut link = self.spare.link.take().unwrap_or_else(BrowserTransport::new);
        link.negotiate(Step::IceServers(ice.to_vec()));
        link
    }

    fn perform(&mut self, errand: Errand) {
        match errand {
            Errand::OpenSignal => self.open_signal(),
            Errand::SendSignal(text) => {
                if let Some(signal) = &self.signal {
                    signal.send(&text);
                    self.spare.make();
                }
            }
            Errand::CloseSignal => self.close_signal(),
            Errand::WakeAt(moment) => self.clock.wake_at(moment),
            Errand::Read { job, source, size, piece } => {
                self.files.read(source, size, piece, {
                    let mailbox = self.mailbox.clone();
                    move |outcome| mailbox.outcome(Report::Read { job, outcome })
                });
            }
            Errand::Release(source) => self.files.release(source),
            Errand::Prepare { store, place, plan } => {
                self.stores.prepare(store, place, Arc::unwrap_or_clone(plan), &self.mailbox)
            }
            Errand::Write { job, store, file, piece, chunks } => {
                self.stores.write(store, job, file, piece, chunks, &self.mailbox);
            }
            Errand::Commit { store, file } => self.stores.commit(store, file, &self.mailbox),
            Errand::Finish(store) => self.stores.finish(store, &self.mailbox),
            Errand::Discard(store) => self.stores.discard(store),
            Errand::Suspend(store) => self.stores.suspend(store),
            Errand::Show(view) => (self.on_view)(*view),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Report> {
        self.mailbox.poll(cx)
    }
}
