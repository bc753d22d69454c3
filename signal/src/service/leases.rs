//! Which nodes are alive. A lease that is missing says that its node is dead, but only in a store that did not forget.
//!
//! Never decides what becomes of the members of a dead node: that is the room's rule.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use privydrop_common::id::RoomId;
use privydrop_common::time::Moment;
use tokio::time::sleep;

use super::Service;
use super::doubt::Doubt;
use crate::rooms::{NodeId, Room};
use crate::store::{Key, StoreError};

/// How long a node counts as alive without saying so again.
pub(super) const LEASE: Duration = Duration::from_secs(30);
/// How long another node is believed to be alive after its lease was seen.
const TRUST: Duration = Duration::from_secs(1);
/// What a lease says: its node reads the room's revision in what others send it. One of the previous version says "alive".
const READS_REVISIONS: &[u8] = b"alive, reads revisions";
/// How often a room that may be on its way back is looked for.
const LOOK: Duration = Duration::from_millis(250);

/// What is known of leases.
#[derive(Debug, Default)]
pub(super) struct Leases {
    /// When each other node was last seen alive.
    alive: DashMap<NodeId, Instant>,
    /// Nodes that say [`READS_REVISIONS`] and were not found dead since.
    newer: DashMap<NodeId, ()>,
    doubt: Mutex<Doubt>,
    /// Whether this node's own lease was missing, and its rooms were not put back since.
    forgotten: AtomicBool,
}

impl Leases {
    /// This node does not read its mailbox: its lease is looked at again.
    pub(super) fn distrust(&self, node: NodeId) {
        self.alive.remove(&node);
    }

    /// Whether this node is known to read revisions.
    pub(super) fn reads_revisions(&self, node: NodeId) -> bool {
        self.newer.contains_key(&node)
    }

    /// The store may have forgotten something.
    pub(super) fn raise_doubt(&self, now: Moment) {
        self.doubt().raise(now);
    }

    /// Forgets what is not believed any more.
    pub(super) fn sweep(&self) {
        self.alive.retain(|_, seen| seen.elapsed() < TRUST);
    }

    fn doubt(&self) -> MutexGuard<'_, Doubt> {
        self.doubt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Says for the first time that this node is alive.
    pub async fn take_lease(&self) -> Result<(), StoreError> {
        self.timed(self.store.swap(&Key::Node(self.node), None, READS_REVISIONS, LEASE)).await.map(drop)
    }

    /// Takes a store that remembers only since then, in its own time, for one that may have been emptied.
    pub(crate) fn doubt_store_since(&self, then: Moment) {
        if self.clock.shared() - then < LEASE {
            self.leases.raise_doubt(self.uptime());
        }
    }

    /// Says again that this node is alive. True when the store had forgotten it since this was last said, and so forgot
    /// rooms as well, or let others believe that members here are lost.
    pub async fn hold_lease(&self) -> Result<bool, StoreError> {
        if !self.timed(self.store.touch(&Key::Node(self.node), LEASE)).await? {
            self.leases.forgotten.store(true, Ordering::Release);
            // Before the lease is there again: whoever sees it must know that it was missing.
            self.leases.raise_doubt(self.uptime());
            self.take_lease().await?;
        }
        Ok(self.leases.forgotten.swap(false, Ordering::AcqRel))
    }

    /// Which of the room's other nodes are dead.
    pub(super) async fn dead_nodes(&self, room: &Room) -> Result<Vec<NodeId>, StoreError> {
        let mut others: Vec<_> = room.nodes().filter(|node| *node != self.node).collect();
        others.sort_unstable_by_key(|node| node.0);
        others.dedup();
        let mut missing = Vec::new();
        for node in others {
            if self.leases.alive.get(&node).is_some_and(|seen| seen.elapsed() < TRUST) {
                continue;
            }
            if let Some(lease) = self.timed(self.store.load(&Key::Node(node))).await? {
                self.leases.alive.insert(node, Instant::now());
                if lease.value == READS_REVISIONS {
                    self.leases.newer.insert(node, ());
                }
            } else {
                self.leases.newer.remove(&node);
                missing.push(node);
            }
        }
        if !missing.is_empty() && self.may_be_forgotten(Doubt::spares_nodes).await? {
            missing.clear();
        }
        Ok(missing)
    }

    /// Whether rooms that are missing may be on their way back.
    pub(super) async fn may_come_back(&self) -> Result<bool, StoreError> {
        self.may_be_forgotten(Doubt::spares_rooms).await
    }

    /// Whether a room is there, after some waiting if the store may have forgotten it.
    pub(super) async fn comes_back(&self, room: &RoomId) -> Result<bool, StoreError> {
        loop {
            let is_there = self.timed(self.store.load(&Key::Room(room.clone()))).await?.is_some();
            if is_there || !self.may_come_back().await? {
                return Ok(is_there);
            }
            sleep(LOOK).await;
        }
    }

    /// Whether what is missing may only be forgotten. What the store has of this node itself tells, also before the next
    /// time that the lease is held.
    async fn may_be_forgotten(&self, spares: impl Fn(&Doubt, Moment) -> bool) -> Result<bool, StoreError> {
        if spares(&self.leases.doubt(), self.uptime()) {
            return Ok(true);
        }
        if self.timed(self.store.load(&Key::Node(self.node))).await?.is_none() {
            self.leases.raise_doubt(self.uptime());
        }
        // Asked again also when it is there: it may have come back since, and then the doubt was raised before.
        Ok(spares(&self.leases.doubt(), self.uptime()))
    }
}
