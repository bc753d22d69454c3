//! Rooms in this process's memory: no set-up, forgotten when it stops. Never reaches another process.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use dashmap::{DashMap, Entry};
use privydrop_common::time::Moment;

use super::mailbox::{Mailbox, Postbox, mailbox};
use super::{Cell, Key, Store, StoreError, Version};
use crate::rooms::NodeId;

/// Most cells; past this, new rooms are refused (a room's record is about 1 KiB).
const MAX_CELLS: usize = 1_000_000;

/// Cells and mailboxes in memory.
#[derive(Debug)]
pub struct Memory {
    made: Instant,
    cells: DashMap<Key, Timed>,
    mailboxes: DashMap<NodeId, Postbox>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { made: Instant::now(), cells: DashMap::default(), mailboxes: DashMap::default() }
    }
}

#[derive(Debug)]
struct Timed {
    cell: Cell,
    until: Instant,
}

impl Timed {
    fn is_over(&self) -> bool {
        self.until <= Instant::now()
    }
}

#[async_trait]
impl Store for Memory {
    async fn load(&self, key: &Key) -> Result<Option<Cell>, StoreError> {
        Ok(self.cells.get(key).filter(|timed| !timed.is_over()).map(|timed| timed.cell.clone()))
    }

    async fn swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        if expected.is_none() && self.cells.len() >= MAX_CELLS && !key.is_vital() {
            return Err(StoreError::Full);
        }
        let timed = Timed {
            cell: Cell { version: Version::random(), value: value.to_vec() },
            until: Instant::now() + ttl,
        };
        Ok(match self.cells.entry(key.clone()) {
            Entry::Occupied(mut entry) => {
                let current = (!entry.get().is_over()).then_some(entry.get().cell.version);
                let matches = current == expected;
                if matches {
                    entry.insert(timed);
                }
                matches
            }
            Entry::Vacant(entry) => {
                let matches = expected.is_none();
                if matches {
                    entry.insert(timed);
                }
                matches
            }
        })
    }

    async fn keep(&self, key: &Key, version: Version, ttl: Duration) -> Result<bool, StoreError> {
        Ok(match self.cells.get_mut(key) {
            Some(mut timed) if !timed.is_over() && timed.cell.version == version => {
                timed.until = Instant::now() + ttl;
                true
            }
            _ => false,
        })
    }

    async fn touch(&self, key: &Key, ttl: Duration) -> Result<bool, StoreError> {
        Ok(match self.cells.get_mut(key) {
            Some(mut timed) if !timed.is_over() => {
                timed.until = Instant::now() + ttl;
                true
            }
            _ => false,
        })
    }

    async fn remove(&self, key: &Key) -> Result<(), StoreError> {
        self.cells.remove(key);
        Ok(())
    }

    async fn publish(&self, node: NodeId, message: &[u8]) -> Result<bool, StoreError> {
        let postbox = self.mailboxes.get(&node).map(|postbox| postbox.clone());
        Ok(postbox.is_some_and(|postbox| postbox.post(message.to_vec())))
    }

    async fn subscribe(&self, node: NodeId) -> Result<Mailbox, StoreError> {
        let (postbox, mailbox) = mailbox();
        self.mailboxes.insert(node, postbox);
        Ok(mailbox)
    }

    async fn time(&self) -> Result<Moment, StoreError> {
        Ok(Moment::default() + self.made.elapsed())
    }

    async fn size(&self) -> Result<u64, StoreError> {
        Ok(self.cells.len() as u64)
    }

    fn sweep(&self) {
        self.cells.retain(|_, timed| !timed.is_over());
        self.mailboxes.retain(|_, mailbox| !mailbox.is_closed());
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
