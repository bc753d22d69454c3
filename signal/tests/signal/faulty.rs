//! A store with faults that a test switches on and off, in front of one that has none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use privydrop_common::time::Moment;
use privydrop_signal::config::{Config, Pace};
use privydrop_signal::rooms::NodeId;
use privydrop_signal::server::{Running, start_with};
use privydrop_signal::store::mailbox::Mailbox;
use privydrop_signal::store::{Cell, Draw, Holder, Key, Store, StoreError, Version};

use crate::support::config;

/// What is wrong with the store of one node.
#[derive(Default)]
pub(crate) struct Faults {
    /// Messages to other nodes get lost, which is known.
    pub(crate) loses_messages: AtomicBool,
    /// It takes no lease.
    pub(crate) takes_no_lease: AtomicBool,
    /// Rooms are changed, and the answer is lost.
    pub(crate) loses_answers: AtomicBool,
    /// Rooms can be neither read nor changed.
    pub(crate) has_no_rooms: AtomicBool,
    /// It never says that a node's lease is forgotten.
    pub(crate) holds_removals: AtomicBool,
    /// Whoever prolongs a room's time waits.
    pub(crate) holds_keeps: AtomicBool,
    /// Whoever wants a lease waits.
    pub(crate) holds_leases: AtomicBool,
    /// Whoever asks for a room waits.
    pub(crate) holds_looks: AtomicBool,
    rooms_asked_for: AtomicUsize,
    held: AtomicUsize,
}

impl Faults {
    pub(crate) fn begin(fault: &AtomicBool) {
        fault.store(true, Ordering::SeqCst);
    }

    pub(crate) fn end(fault: &AtomicBool) {
        fault.store(false, Ordering::SeqCst);
    }

    /// How often a room was asked for so far, in vain or not.
    pub(crate) fn rooms_asked_for(&self) -> usize {
        self.rooms_asked_for.load(Ordering::SeqCst)
    }

    /// How many were made to wait for a lease or for a room's time so far.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }

    fn check(&self, key: &Key) -> Result<(), StoreError> {
        let fault = match key {
            Key::Node(_) => &self.takes_no_lease,
            Key::Room(_) => &self.has_no_rooms,
            Key::Shared => return Ok(()),
        };
        if fault.load(Ordering::SeqCst) { Err(StoreError::Unavailable) } else { Ok(()) }
    }
}

/// A node behind such a store.
pub(crate) async fn faulty_node(
    store: Arc<dyn Store>,
    change: impl FnOnce(&mut Pace),
) -> (Running, Arc<Faults>) {
    faulty_node_with(&[], store, change).await
}

/// The same, with settings of its own.
pub(crate) async fn faulty_node_with(
    flags: &[&str],
    store: Arc<dyn Store>,
    change: impl FnOnce(&mut Pace),
) -> (Running, Arc<Faults>) {
    let faults = Arc::default();
    (started_with(&config(flags), store, change, &faults).await, faults)
}

/// The same, when its store has these faults from the start.
pub(crate) async fn started_with(
    config: &Config,
    store: Arc<dyn Store>,
    change: impl FnOnce(&mut Pace),
    faults: &Arc<Faults>,
) -> Running {
    let mut pace = config.pace();
    change(&mut pace);
    let store = Arc::new(Faulty { store, faults: faults.clone() });
    start_with(config, store, pace).await.unwrap()
}

async fn until_over(fault: &AtomicBool) {
    while fault.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

struct Faulty {
    store: Arc<dyn Store>,
    faults: Arc<Faults>,
}

#[async_trait::async_trait]
impl Store for Faulty {
    async fn load(&self, key: &Key) -> Result<Option<Cell>, StoreError> {
        if let Key::Room(_) = key {
            self.faults.rooms_asked_for.fetch_add(1, Ordering::SeqCst);
            self.faults.check(key)?;
            until_over(&self.faults.holds_looks).await;
        }
        self.store.load(key).await
    }

    async fn swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        self.faults.check(key)?;
        if matches!(key, Key::Node(_)) && self.faults.holds_leases.load(Ordering::SeqCst) {
            self.faults.held.fetch_add(1, Ordering::SeqCst);
            until_over(&self.faults.holds_leases).await;
        }
        let answer = self.store.swap(key, expected, value, ttl).await;
        if matches!(key, Key::Room(_)) && self.faults.loses_answers.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable);
        }
        answer
    }

    async fn keep(&self, key: &Key, version: Version, ttl: Duration) -> Result<bool, StoreError> {
        self.faults.check(key)?;
        if matches!(key, Key::Room(_)) && self.faults.holds_keeps.load(Ordering::SeqCst) {
            self.faults.held.fetch_add(1, Ordering::SeqCst);
            until_over(&self.faults.holds_keeps).await;
        }
        self.store.keep(key, version, ttl).await
    }

    async fn touch(&self, key: &Key, ttl: Duration) -> Result<bool, StoreError> {
        self.faults.check(key)?;
        self.store.touch(key, ttl).await
    }

    async fn remove(&self, key: &Key) -> Result<(), StoreError> {
        until_over(&self.faults.holds_removals).await;
        self.store.remove(key).await
    }

    async fn publish(&self, node: NodeId, message: &[u8]) -> Result<bool, StoreError> {
        if self.faults.loses_messages.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable);
        }
        self.store.publish(node, message).await
    }

    async fn subscribe(&self, node: NodeId) -> Result<Mailbox, StoreError> {
        self.store.subscribe(node).await
    }

    async fn draw(&self, holder: &Holder, draws: &[Draw]) -> Result<Duration, StoreError> {
        self.store.draw(holder, draws).await
    }

    async fn time(&self) -> Result<Moment, StoreError> {
        self.store.time().await
    }

    async fn size(&self) -> Result<u64, StoreError> {
        self.store.size().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}
