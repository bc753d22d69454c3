//! Where outcomes, signal events and commands wait for the session.
//!
//! Pure. Each kind has its bound: commands and signal events a number, outcomes the errands that the session has
//! given and not heard of — it waits for them, so it never gives more than its own windows allow.

use core::task::{Context, Poll, Waker};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use privydrop_common::api::Command;
use privydrop_common::host::{Report, SignalEvent};

/// Most commands that wait. A person cannot give as many; a page gone mad must not take all memory.
const MAX_COMMANDS: usize = 4096;
/// Most signal events that wait.
const MAX_SIGNALS: usize = 1024;

/// One mailbox; clones are the same one.
#[derive(Clone, Default)]
pub(super) struct Mailbox(Rc<RefCell<Inner>>);

#[derive(Default)]
struct Inner {
    commands: VecDeque<Command>,
    signals: VecDeque<SignalEvent>,
    outcomes: VecDeque<Report>,
    waker: Option<Waker>,
}

impl Mailbox {
    /// The outcome of an errand.
    pub(super) fn outcome(&self, outcome: Report) {
        self.0.borrow_mut().outcomes.push_back(outcome);
        self.wake();
    }

    /// Something a person did. Forgotten when [`MAX_COMMANDS`] wait already.
    pub(super) fn command(&self, command: Command) {
        if self.0.borrow().commands.len() < MAX_COMMANDS {
            self.0.borrow_mut().commands.push_back(command);
        }
        self.wake();
    }

    /// Something about the signal socket. False when a text is one too many: the socket must be closed.
    pub(super) fn signal(&self, event: SignalEvent) -> bool {
        let full = self.0.borrow().signals.len() >= MAX_SIGNALS;
        if full && matches!(event, SignalEvent::Text(_)) {
            return false;
        }
        self.0.borrow_mut().signals.push_back(event);
        self.wake();
        true
    }

    /// Forgets what the socket said that is closed now.
    pub(super) fn forget_signals(&self) {
        self.0.borrow_mut().signals.clear();
    }

    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Report> {
        let mut inner = self.0.borrow_mut();
        if let Some(command) = inner.commands.pop_front() {
            return Poll::Ready(Report::Command(command));
        }
        if let Some(event) = inner.signals.pop_front() {
            return Poll::Ready(Report::Signal(event));
        }
        if let Some(outcome) = inner.outcomes.pop_front() {
            return Poll::Ready(outcome);
        }
        if !inner.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            inner.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    fn wake(&self) {
        let waker = self.0.borrow_mut().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mailbox: &Mailbox) -> Vec<Report> {
        let mut cx = Context::from_waker(Waker::noop());
        core::iter::from_fn(|| match mailbox.poll(&mut cx) {
            Poll::Ready(report) => Some(report),
            Poll::Pending => None,
        })
        .collect()
    }

    #[test]
    fn each_kind_keeps_its_order_and_its_bound() {
        let mailbox = Mailbox::default();
        (0..5000).for_each(|id| mailbox.command(Command::Dismiss(id)));
        let taken = (0..5000).filter(|_| mailbox.signal(SignalEvent::Text(String::new()))).count();
        assert!(mailbox.signal(SignalEvent::Closed), "the end is always told");
        mailbox.outcome(Report::Woke);
        let told = all(&mailbox);
        assert_eq!((taken, told.len()), (MAX_SIGNALS, MAX_COMMANDS + MAX_SIGNALS + 2));
        assert_eq!(told[0], Report::Command(Command::Dismiss(0)));
        assert_eq!(told.last(), Some(&Report::Woke));
    }

    #[test]
    fn a_closed_socket_is_heard_of_no_more() {
        let mailbox = Mailbox::default();
        mailbox.signal(SignalEvent::Text("late".into()));
        mailbox.forget_signals();
        assert_eq!(all(&mailbox), []);
    }
}
