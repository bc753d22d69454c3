//! Where outcomes, signal events and commands wait for the session, from all threads of this program.
//!
//! Adds a lock and a waker to [`privydrop_common::mailbox`], which has the rules.

use core::task::{Context, Poll};
use std::sync::Arc;

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use privydrop_common::api::Command;
use privydrop_common::host::{Report, SignalEvent};
use privydrop_common::mailbox::{Queues, SocketId};

/// One mailbox; clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Mailbox(Arc<Inner>);

#[derive(Default)]
struct Inner {
    queues: Mutex<Queues>,
    waker: AtomicWaker,
}

impl Mailbox {
    /// See [`Queues::outcome`].
    pub(crate) fn outcome(&self, outcome: Report) {
        self.0.queues.lock().outcome(outcome);
        self.0.waker.wake();
    }

    /// Several at once, in this order: the session is woken once for all of them.
    pub(crate) fn outcomes(&self, outcomes: impl IntoIterator<Item = Report>) {
        let mut queues = self.0.queues.lock();
        outcomes.into_iter().for_each(|outcome| queues.outcome(outcome));
        drop(queues);
        self.0.waker.wake();
    }

    /// See [`Queues::command`].
    pub(crate) fn command(&self, command: Command) {
        self.0.queues.lock().command(command);
        self.0.waker.wake();
    }

    /// See [`Queues::new_socket`].
    pub(crate) fn new_socket(&self) -> SocketId {
        self.0.queues.lock().new_socket()
    }

    /// See [`Queues::signal`].
    pub(crate) fn signal(&self, socket: SocketId, event: SignalEvent) -> bool {
        let taken = self.0.queues.lock().signal(socket, event);
        self.0.waker.wake();
        taken
    }

    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Report> {
        // Registered before looking, so that nothing put in between goes unnoticed.
        self.0.waker.register(cx.waker());
        match self.0.queues.lock().pop() {
            Some(report) => Poll::Ready(report),
            None => Poll::Pending,
        }
    }
}
