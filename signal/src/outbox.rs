//! What is waiting to be written to one socket: bounded in messages and bytes.
//!
//! Anybody may push; only the socket takes. A reader that is too slow for the bound is cut off rather than
//! waited for. Order: while an answer is being prepared, pushed messages are held back until after it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_ws::CloseCode;
use bytestring::ByteString;
use tokio::sync::Notify;

/// Most messages that wait.
pub const MAX_MESSAGES: usize = 256;
/// Most bytes that wait.
pub const MAX_BYTES: usize = 1024 * 1024;

/// What is to become of the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It stays.
    Open,
    /// It is closed once everything waiting was written.
    Closing(CloseCode),
    /// Its reader is too slow; it is dropped at once.
    Overflowed,
}

/// The queue of one socket.
#[derive(Debug)]
pub struct Outbox {
    queue: Mutex<Queue>,
    bell: Notify,
}

#[derive(Debug)]
struct Queue {
    ready: VecDeque<ByteString>,
    held: Option<Vec<ByteString>>,
    bytes: usize,
    messages: usize,
    fate: Fate,
}

impl Default for Outbox {
    fn default() -> Self {
        let queue = Queue { ready: VecDeque::new(), held: None, bytes: 0, messages: 0, fate: Fate::Open };
        Self { queue: Mutex::new(queue), bell: Notify::new() }
    }
}

impl Outbox {
    /// Queues a message; dropped when the socket is closing.
    pub fn push(&self, text: ByteString) {
        let mut queue = self.queue();
        queue.push(text);
        drop(queue);
        self.bell.notify_one();
    }

    /// From now on pushed messages wait until [`Outbox::release`].
    pub fn hold(&self) {
        self.queue().held.get_or_insert_default();
    }

    /// Queues `first`, then what was held back.
    pub fn release(&self, first: impl IntoIterator<Item = ByteString>) {
        let mut queue = self.queue();
        let held = queue.unhold();
        first.into_iter().chain(held).for_each(|text| queue.push(text));
        drop(queue);
        self.bell.notify_one();
    }

    /// Drops what was held back: the request that it waited for was refused.
    pub fn forget_held(&self) {
        self.queue().unhold();
    }

    /// Closes the socket once everything queued so far was written.
    pub fn close(&self, code: CloseCode) {
        let mut queue = self.queue();
        if queue.fate == Fate::Open {
            queue.fate = Fate::Closing(code);
        }
        drop(queue);
        self.bell.notify_one();
    }

    /// The next message to write.
    pub fn take(&self) -> Option<ByteString> {
        let mut queue = self.queue();
        let text = queue.ready.pop_front()?;
        queue.messages -= 1;
        queue.bytes -= text.len();
        if queue.ready.is_empty() {
            // An idle socket keeps no buffer.
            queue.ready = VecDeque::new();
        }
        Some(text)
    }

    /// What is to become of the socket.
    pub fn fate(&self) -> Fate {
        self.queue().fate
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.queue().bytes
    }

    /// Waits until something was pushed or the fate changed since the last call.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn unhold(&mut self) -> Vec<ByteString> {
        let held = self.held.take().unwrap_or_default();
        self.messages -= held.len();
        self.bytes -= held.iter().map(|text| text.len()).sum::<usize>();
        held
    }

    fn push(&mut self, text: ByteString) {
        if self.fate != Fate::Open {
            return;
        }
        if self.messages >= MAX_MESSAGES || self.bytes + text.len() > MAX_BYTES {
            self.fate = Fate::Overflowed;
            self.ready = VecDeque::new();
            self.held = None;
            (self.messages, self.bytes) = (0, 0);
            return;
        }
        self.messages += 1;
        self.bytes += text.len();
        match &mut self.held {
            Some(held) => held.push(text),
            None => self.ready.push_back(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(outbox: &Outbox) -> Vec<String> {
        std::iter::from_fn(|| outbox.take()).map(|text| text.to_string()).collect()
    }

    #[test]
    fn news_that_overtakes_an_answer_is_delivered_after_it() {
        let outbox = Outbox::default();
        outbox.hold();
        outbox.push("news".into());
        assert_eq!(outbox.take(), None);
        outbox.release(["answer".into()]);
        assert_eq!(drain(&outbox), ["answer", "news"]);
    }

    #[test]
    fn a_slow_reader_is_cut_off_at_the_bound() {
        let outbox = Outbox::default();
        for _ in 0..MAX_MESSAGES {
            outbox.push("x".into());
        }
        assert_eq!(outbox.fate(), Fate::Open);
        outbox.push("x".into());
        assert_eq!((outbox.fate(), outbox.take()), (Fate::Overflowed, None));
    }

    #[test]
    fn the_bound_also_counts_bytes() {
        let outbox = Outbox::default();
        outbox.push("x".repeat(MAX_BYTES).into());
        assert_eq!(outbox.fate(), Fate::Open);
        outbox.push("x".into());
        assert_eq!(outbox.fate(), Fate::Overflowed);
    }

    #[test]
    fn nothing_is_queued_after_the_last_word() {
        let outbox = Outbox::default();
        outbox.push("last".into());
        outbox.close(CloseCode::Policy);
        outbox.push("late".into());
        assert_eq!(drain(&outbox), ["last"]);
    }
}
