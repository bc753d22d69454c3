//! Where outcomes, signal events and commands wait for the session.
//!
//! Pure. Each kind has its bound: commands and signal events a number, outcomes the errands that the session has
//! given and not heard of — it waits for them, so it never gives more than its own windows allow.

use core::task::{Context, Poll};
use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use privydrop_common::api::Command;
use privydrop_common::host::{Report, SignalEvent};

/// Most commands that wait. A person cannot give as many; a shell gone mad must not take all memory.
const MAX_COMMANDS: usize = 4096;
/// Most signal events that wait.
const MAX_SIGNALS: usize = 1024;

/// One mailbox; clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Mailbox(Arc<Inner>);

/// Tells the events of one signal socket from those of the sockets before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SocketId(u64);

#[derive(Default)]
struct Inner {
    queues: Mutex<Queues>,
    waker: AtomicWaker,
}

#[derive(Default)]
struct Queues {
    commands: VecDeque<Command>,
    signals: VecDeque<SignalEvent>,
    outcomes: VecDeque<Report>,
    /// The socket that is listened to.
    socket: SocketId,
}

impl Queues {
    fn pop(&mut self) -> Option<Report> {
        let command = self.commands.pop_front().map(Report::Command);
        let signal = || self.signals.pop_front().map(Report::Signal);
        command.or_else(signal).or_else(|| self.outcomes.pop_front())
    }

    /// Listens to another socket; nothing more is heard of the one before.
    fn turn_away(&mut self) -> SocketId {
        self.socket.0 += 1;
        self.socket
    }
}

impl Mailbox {
    /// The outcome of an errand.
    pub(crate) fn outcome(&self, outcome: Report) {
        self.0.queues.lock().outcomes.push_back(outcome);
        self.0.waker.wake();
    }

    /// Something a person did. Forgotten when [`MAX_COMMANDS`] wait already.
    pub(crate) fn command(&self, command: Command) {
        let mut queues = self.0.queues.lock();
        if queues.commands.len() < MAX_COMMANDS {
            queues.commands.push_back(command);
        }
        drop(queues);
        self.0.waker.wake();
    }

    /// Begins to listen to a new socket; what the one before said and says is forgotten.
    pub(crate) fn new_socket(&self) -> SocketId {
        let mut queues = self.0.queues.lock();
        queues.signals.clear();
        queues.turn_away()
    }

    /// Something about a signal socket. False when nobody listens to it any more, or when a text is one too many:
    /// the socket must be closed.
    pub(crate) fn signal(&self, socket: SocketId, event: SignalEvent) -> bool {
        let mut queues = self.0.queues.lock();
        let full = queues.signals.len() >= MAX_SIGNALS;
        if queues.socket != socket || (full && matches!(event, SignalEvent::Text(_))) {
            return false;
        }
        if event == SignalEvent::Closed {
            queues.turn_away();
        }
        queues.signals.push_back(event);
        drop(queues);
        self.0.waker.wake();
        true
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

#[cfg(test)]
mod tests {
    use core::task::Waker;

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
        let socket = mailbox.new_socket();
        (0..5000).for_each(|id| mailbox.command(Command::Dismiss(id)));
        let taken = (0..5000).filter(|_| mailbox.signal(socket, SignalEvent::Text(String::new()))).count();
        assert!(mailbox.signal(socket, SignalEvent::Closed), "the end is always told");
        mailbox.outcome(Report::Woke);
        let told = all(&mailbox);
        assert_eq!((taken, told.len()), (MAX_SIGNALS, MAX_COMMANDS + MAX_SIGNALS + 2));
        assert_eq!(told[0], Report::Command(Command::Dismiss(0)));
        assert_eq!(told.last(), Some(&Report::Woke));
    }

    #[test]
    fn a_closed_socket_is_heard_of_no_more() {
        let mailbox = Mailbox::default();
        let first = mailbox.new_socket();
        mailbox.signal(first, SignalEvent::Text("late".into()));
        let second = mailbox.new_socket();
        assert!(!mailbox.signal(first, SignalEvent::Closed), "replaced");
        assert!(mailbox.signal(second, SignalEvent::Opened) && mailbox.signal(second, SignalEvent::Closed));
        assert!(!mailbox.signal(second, SignalEvent::Text("after the end".into())));
        let told = [SignalEvent::Opened, SignalEvent::Closed].map(Report::Signal);
        assert_eq!(all(&mailbox), told);
    }
}
