//! A node's mailbox: a bounded queue that knows when something meant for it was lost.
//!
//! Never waits for its reader and never grows past its bound. A message arrives at most once; whoever reads
//! hears of a loss as [`Mail::Gap`] and then looks at the rooms themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, mpsc};

/// Messages that a mailbox holds before new ones are lost.
pub const MAILBOX: usize = 1024;

/// What comes out of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mail {
    /// What another node sent.
    Message(Vec<u8>),
    /// Something may have been lost since the last message.
    Gap,
    /// The way to the store broke: nothing comes until the next gap, and the store may come back without what it had.
    Break,
}

/// The end that is read.
#[derive(Debug)]
pub struct Mailbox {
    receiver: mpsc::Receiver<Vec<u8>>,
    gap: Arc<Gap>,
}

/// The end into which messages are put.
#[derive(Debug, Clone)]
pub struct Postbox {
    sender: mpsc::Sender<Vec<u8>>,
    gap: Arc<Gap>,
}

#[derive(Debug, Default)]
struct Gap {
    open: AtomicBool,
    broken: AtomicBool,
    bell: Notify,
}

/// Both ends of a new mailbox.
pub fn mailbox() -> (Postbox, Mailbox) {
    let (sender, receiver) = mpsc::channel(MAILBOX);
    let gap = Arc::new(Gap::default());
    (Postbox { sender, gap: gap.clone() }, Mailbox { receiver, gap })
}

impl Mailbox {
    /// The next message, gap or break; `None` when nobody can post any more.
    pub async fn next(&mut self) -> Option<Mail> {
        loop {
            if self.gap.broken.swap(false, Ordering::AcqRel) {
                return Some(Mail::Break);
            }
            if self.gap.open.swap(false, Ordering::AcqRel) {
                return Some(Mail::Gap);
            }
            tokio::select! {
                message = self.receiver.recv() => return message.map(Mail::Message),
                () = self.gap.bell.notified() => {}
            }
        }
    }
}

impl Postbox {
    /// Puts a message in; false when nobody reads. A full mailbox loses the message, which its reader hears of.
    pub fn post(&self, message: Vec<u8>) -> bool {
        match self.sender.try_send(message) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Closed(_)) => false,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.missed();
                true
            }
        }
    }

    /// Something was lost on the way here.
    pub fn missed(&self) {
        self.gap.open.store(true, Ordering::Release);
        self.gap.bell.notify_one();
    }

    /// The way to the store broke.
    pub fn broke(&self) {
        self.gap.broken.store(true, Ordering::Release);
        self.gap.bell.notify_one();
    }

    /// Whether nobody reads any more.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Waits until nobody reads any more.
    pub async fn closed(&self) {
        self.sender.closed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_mailbox_loses_the_newest_and_says_so() {
        let (postbox, mut mailbox) = mailbox();
        for _ in 0..=MAILBOX {
            assert!(postbox.post(vec![1]));
        }
        assert_eq!(mailbox.next().await, Some(Mail::Gap));
        for _ in 0..MAILBOX {
            assert_eq!(mailbox.next().await, Some(Mail::Message(vec![1])));
        }
        drop(postbox);
        assert_eq!(mailbox.next().await, None);
    }

    #[tokio::test]
    async fn a_break_is_heard_before_the_gap_that_it_leaves() {
        let (postbox, mut mailbox) = mailbox();
        postbox.missed();
        postbox.broke();
        assert_eq!(mailbox.next().await, Some(Mail::Break));
        assert_eq!(mailbox.next().await, Some(Mail::Gap));
    }

    #[tokio::test]
    async fn a_mailbox_without_a_reader_takes_nothing() {
        let (postbox, mailbox) = mailbox();
        drop(mailbox);
        assert!(postbox.is_closed() && !postbox.post(vec![1]));
    }
}
