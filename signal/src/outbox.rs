//! What is waiting to be written to one socket: bounded in messages and bytes.
//!
//! Anybody may push; only the socket takes. A reader that is too slow for the bound is cut off rather than
//! waited for. All outboxes of a node have a bound in common: past it, each has much less of its own. Order: while an answer is being prepared, pushed messages are held back until after it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_ws::CloseCode;
use bytestring::ByteString;
use tokio::sync::Notify;

/// Most messages that wait.
pub const MAX_MESSAGES: usize = 256;
/// Most bytes that wait.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Bytes that wait in all outboxes of a node; past this, one that has more than [`SHARE`] is cut off.
pub const MAX_WAITING: usize = 256 * 1024 * 1024;
/// What waits in one outbox at most while so much waits in all: any frame finds room in an empty one.
pub const SHARE: usize = 32 * 1024;

/// Bytes that wait in all outboxes of a node.
#[derive(Debug, Default)]
pub struct Waiting(AtomicUsize);

impl Waiting {
    /// How many.
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

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
    /// Messages that were pushed so far.
    pushed: u32,
    /// What waits at this node; counts `bytes` as well.
    waiting: Arc<Waiting>,
}

impl Outbox {
    /// An empty one, which shares the node's bound.
    pub fn new(waiting: Arc<Waiting>) -> Self {
        let (ready, fate) = (VecDeque::new(), Fate::Open);
        let queue = Queue { ready, held: None, bytes: 0, messages: 0, fate, pushed: 0, waiting };
        Self { queue: Mutex::new(queue), bell: Notify::new() }
    }

    /// Queues a message; dropped when the socket is closing.
    pub fn push(&self, text: ByteString) {
        let mut queue = self.queue();
        queue.push(text);
        drop(queue);
        self.bell.notify_one();
    }

    /// Changes with every message that is pushed.
    pub fn pushed(&self) -> u32 {
        self.queue().pushed
    }

    /// Queues messages that are true unless something was pushed since `pushed` was this; false when something was.
    pub fn push_unless_overtaken(&self, pushed: u32, texts: impl IntoIterator<Item = ByteString>) -> bool {
        let mut queue = self.queue();
        let is_true = queue.pushed == pushed;
        if is_true {
            texts.into_iter().for_each(|text| queue.push(text));
        }
        drop(queue);
        self.bell.notify_one();
        is_true
    }

    /// From now on pushed messages wait until [`Outbox::release`].
    pub fn hold(&self) {
        self.queue().held.get_or_insert_default();
    }

    /// Whether pushed messages wait for an answer.
    pub fn is_held(&self) -> bool {
        self.queue().held.is_some()
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
        queue.forget(1, text.len());
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
        self.forget(held.len(), held.iter().map(|text| text.len()).sum());
        held
    }

    /// So much does not wait any more.
    fn forget(&mut self, messages: usize, bytes: usize) {
        self.messages -= messages;
        self.bytes -= bytes;
        self.waiting.0.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Bytes that may wait here when so many come.
    fn most(&self, more: usize) -> usize {
        if self.waiting.bytes() + more > MAX_WAITING { SHARE } else { MAX_BYTES }
    }

    fn push(&mut self, text: ByteString) {
        self.pushed = self.pushed.wrapping_add(1);
        if self.fate != Fate::Open {
            return;
        }
        if self.messages >= MAX_MESSAGES || self.bytes + text.len() > self.most(text.len()) {
            self.fate = Fate::Overflowed;
            self.ready = VecDeque::new();
            self.held = None;
            self.forget(self.messages, self.bytes);
            return;
        }
        self.messages += 1;
        self.bytes += text.len();
        self.waiting.0.fetch_add(text.len(), Ordering::Relaxed);
        match &mut self.held {
            Some(held) => held.push(text),
            None => self.ready.push_back(text),
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.forget(self.messages, self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox() -> Outbox {
        Outbox::new(Arc::default())
    }

    fn drain(outbox: &Outbox) -> Vec<String> {
        std::iter::from_fn(|| outbox.take()).map(|text| text.to_string()).collect()
    }

    #[test]
    fn news_that_overtakes_an_answer_is_delivered_after_it() {
        let outbox = outbox();
        outbox.hold();
        outbox.push("news".into());
        assert_eq!(outbox.take(), None);
        outbox.release(["answer".into()]);
        assert_eq!(drain(&outbox), ["answer", "news"]);
    }

    #[test]
    fn what_was_overtaken_by_news_is_not_said() {
        let outbox = outbox();
        let before = outbox.pushed();
        outbox.push("news".into());
        assert!(!outbox.push_unless_overtaken(before, ["how it was".into()]));
        assert!(outbox.push_unless_overtaken(outbox.pushed(), ["how it is".into()]));
        assert_eq!(drain(&outbox), ["news", "how it is"]);
    }

    #[test]
    fn a_slow_reader_is_cut_off_at_the_bound() {
        let outbox = outbox();
        for _ in 0..MAX_MESSAGES {
            outbox.push("x".into());
        }
        assert_eq!(outbox.fate(), Fate::Open);
        outbox.push("x".into());
        assert_eq!((outbox.fate(), outbox.take()), (Fate::Overflowed, None));
    }

    #[test]
    fn the_bound_also_counts_bytes() {
        let outbox = outbox();
        outbox.push("x".repeat(MAX_BYTES).into());
        assert_eq!(outbox.fate(), Fate::Open);
        outbox.push("x".into());
        assert_eq!(outbox.fate(), Fate::Overflowed);
    }

    #[test]
    fn while_too_much_waits_in_all_only_those_are_cut_off_that_have_more_than_their_share() {
        let waiting = Arc::<Waiting>::default();
        let make = || Outbox::new(waiting.clone());
        let one_mib = ByteString::from("x".repeat(MAX_BYTES));
        let full: Vec<_> = std::iter::repeat_with(make).take(MAX_WAITING / MAX_BYTES).collect();
        full.iter().for_each(|outbox| outbox.push(one_mib.clone()));
        assert!(full.iter().all(|outbox| outbox.fate() == Fate::Open));
        let (modest, greedy) = (make(), make());
        let share = ByteString::from("x".repeat(SHARE));
        modest.push(share.clone());
        greedy.push(share.clone());
        assert_eq!([&modest, &greedy].map(Outbox::fate), [Fate::Open; 2]);
        greedy.push("x".into());
        assert_eq!([&modest, &greedy].map(Outbox::fate), [Fate::Open, Fate::Overflowed]);
        assert_eq!(waiting.bytes(), MAX_WAITING + SHARE);
        drop(full);
        modest.push(share);
        assert_eq!((modest.fate(), drain(&modest).len(), waiting.bytes()), (Fate::Open, 2, 0));
    }

    #[test]
    fn nothing_is_queued_after_the_last_word() {
        let outbox = outbox();
        outbox.push("last".into());
        outbox.close(CloseCode::Policy);
        outbox.push("late".into());
        assert_eq!(drain(&outbox), ["last"]);
    }
}
