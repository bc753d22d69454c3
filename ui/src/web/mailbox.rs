//! Where outcomes, signal events and commands wait for the session, from all callbacks of the page.
//!
//! Adds a cell and a waker to [`privydrop_common::mailbox`], which has the rules.

use core::task::{Context, Poll, Waker};
use std::cell::RefCell;
use std::rc::Rc;

use privydrop_common::api::Command;
use privydrop_common::host::{Report, SignalEvent};
use privydrop_common::mailbox::{Queues, SocketId};

/// One mailbox; clones are the same one.
#[derive(Clone, Default)]
pub(super) struct Mailbox(Rc<Inner>);

#[derive(Default)]
struct Inner {
    queues: RefCell<Queues>,
    waker: RefCell<Option<Waker>>,
}

impl Mailbox {
    /// See [`Queues::outcome`].
    pub(super) fn outcome(&self, outcome: Report) {
        self.0.queues.borrow_mut().outcome(outcome);
        self.wake();
    }

    /// See [`Queues::command`].
    pub(super) fn command(&self, command: Command) {
        self.0.queues.borrow_mut().command(command);
        self.wake();
    }

    /// See [`Queues::new_socket`].
    pub(super) fn new_socket(&self) -> SocketId {
        self.0.queues.borrow_mut().new_socket()
    }

    /// See [`Queues::signal`].
    pub(super) fn signal(&self, socket: SocketId, event: SignalEvent) -> bool {
        let taken = self.0.queues.borrow_mut().signal(socket, event);
        self.wake();
        taken
    }

    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Report> {
        if let Some(report) = self.0.queues.borrow_mut().pop() {
            return Poll::Ready(report);
        }
        let mut waker = self.0.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    fn wake(&self) {
        let waker = self.0.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
