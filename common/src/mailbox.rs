//! What waits for the session: outcomes of its errands, events of the signal socket, commands of a person.
//!
//! Pure: whoever owns a mailbox guards it and wakes the session. Each kind has its bound: commands and signal events
//! a number, outcomes the errands that the session has given and not heard of — it waits for them, so it never gives
//! more than its own windows allow.

use std::collections::VecDeque;

use crate::api::Command;
use crate::host::{Report, SignalEvent};

/// Most commands that wait. A person cannot give as many; a shell gone mad must not take all memory.
pub const MAX_COMMANDS: usize = 4096;
/// Most signal events that wait.
pub const MAX_SIGNALS: usize = 1024;

/// Tells the events of one signal socket from those of the sockets before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SocketId(u64);

/// The queues of one session's mailbox.
#[derive(Debug, Default)]
pub struct Queues {
    commands: VecDeque<Command>,
    signals: VecDeque<SignalEvent>,
    outcomes: VecDeque<Report>,
    /// The socket that is listened to.
    socket: SocketId,
}

impl Queues {
    /// The outcome of an errand.
    pub fn outcome(&mut self, outcome: Report) {
        self.outcomes.push_back(outcome);
    }

    /// Something a person did. Forgotten when [`MAX_COMMANDS`] wait already.
    pub fn command(&mut self, command: Command) {
        if self.commands.len() < MAX_COMMANDS {
            self.commands.push_back(command);
        }
    }

    /// Begins to listen to a new socket; what the one before said and says is forgotten.
    pub fn new_socket(&mut self) -> SocketId {
        self.signals.clear();
        self.turn_away()
    }

    /// Something about a signal socket. False when nobody listens to it any more, or when a text is one too many:
    /// the socket must be closed.
    pub fn signal(&mut self, socket: SocketId, event: SignalEvent) -> bool {
        let full = self.signals.len() >= MAX_SIGNALS;
        if self.socket != socket || (full && matches!(event, SignalEvent::Text(_))) {
            return false;
        }
        if matches!(event, SignalEvent::Closed) {
            self.turn_away();
        }
        self.signals.push_back(event);
        true
    }

    /// The next report: what a person wants comes first, then the server, then the disk.
    pub fn pop(&mut self) -> Option<Report> {
        if let Some(command) = self.commands.pop_front() {
            return Some(Report::Command(command));
        }
        if let Some(event) = self.signals.pop_front() {
            return Some(Report::Signal(event));
        }
        self.outcomes.pop_front()
    }

    /// Listens to another socket; nothing more is heard of the one before.
    fn turn_away(&mut self) -> SocketId {
        self.socket.0 += 1;
        self.socket
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(queues: &mut Queues) -> Vec<Report> {
        core::iter::from_fn(|| queues.pop()).collect()
    }

    #[test]
    fn each_kind_keeps_its_order_and_its_bound() {
        let mut queues = Queues::default();
        let socket = queues.new_socket();
        (0..5000).for_each(|id| queues.command(Command::Dismiss(id)));
        let taken = (0..5000).filter(|_| queues.signal(socket, SignalEvent::Text(String::new()))).count();
        assert!(queues.signal(socket, SignalEvent::Closed), "the end is always told");
        queues.outcome(Report::Woke);
        let told = all(&mut queues);
        assert_eq!((taken, told.len()), (MAX_SIGNALS, MAX_COMMANDS + MAX_SIGNALS + 2));
        assert_eq!(told[0], Report::Command(Command::Dismiss(0)));
        assert_eq!(told[MAX_COMMANDS - 1], Report::Command(Command::Dismiss(MAX_COMMANDS as u64 - 1)));
        assert_eq!(told.last(), Some(&Report::Woke));
    }

    #[test]
    fn a_closed_socket_is_heard_of_no_more() {
        let mut queues = Queues::default();
        let first = queues.new_socket();
        queues.signal(first, SignalEvent::Text("late".into()));
        let second = queues.new_socket();
        assert!(!queues.signal(first, SignalEvent::Closed), "replaced");
        assert!(queues.signal(second, SignalEvent::Opened) && queues.signal(second, SignalEvent::Closed));
        assert!(!queues.signal(second, SignalEvent::Text("after the end".into())));
        let told = [SignalEvent::Opened, SignalEvent::Closed].map(Report::Signal);
        assert_eq!(all(&mut queues), told);
    }
}
