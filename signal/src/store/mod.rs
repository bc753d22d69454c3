//! Where rooms are kept between requests and nodes reach one another: versioned cells and mailboxes.
//!
//! A store knows no rule. A cell is loaded with its version and replaced only if that version is still the
//! current one; a message reaches a mailbox at most once. Memory, Redis and a Redis Cluster pass the same contract
//! tests (`tests/signal/store.rs`).

pub mod mailbox;
pub mod memory;
pub mod redis;

use std::time::Duration;

use async_trait::async_trait;
use privydrop_common::id::RoomId;
use privydrop_common::time::Moment;

use self::mailbox::Mailbox;
use crate::limits::Quota;
use crate::rooms::NodeId;

/// Names a cell.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// A room's record.
    Room(RoomId),
    /// A node's lease: the cell exists while the node is alive.
    Node(NodeId),
    /// What all nodes share besides rooms.
    Shared,
}

impl Key {
    /// Whether a store that is full takes it nevertheless: there are as many as nodes, and no room works without them.
    pub fn is_vital(&self) -> bool {
        matches!(self, Self::Node(_) | Self::Shared)
    }
}

/// Marks one content of a cell; drawn at random, so that a cell made anew never looks like its predecessor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(u64);

/// What a cell holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// To be named when replacing it.
    pub version: Version,
    /// The content.
    pub value: Vec<u8>,
}

/// Whose tokens are counted together: a name that tells nobody's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder(pub [u8; 16]);

/// Tokens to be taken from one bucket of a holder.
#[derive(Debug, Clone, Copy)]
pub struct Draw {
    /// The bucket's name.
    pub bucket: &'static str,
    /// How fast it fills and how much it holds.
    pub quota: Quota,
    /// How many; none only looks whether one is there.
    pub tokens: u32,
}

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It does not answer, or not in time.
    #[error("the room store does not answer")]
    Unavailable,
    /// It has no memory left for new rooms.
    #[error("the room store is full")]
    Full,
}

/// A place for cells and mailboxes.
#[async_trait]
pub trait Store: Send + Sync {
    /// The cell's content, if it exists.
    async fn load(&self, key: &Key) -> Result<Option<Cell>, StoreError>;

    /// Replaces the content if its version is still `expected` (`None`: the cell must not exist). False when it is not.
    async fn swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, StoreError>;

    /// Lets the cell live for `ttl` from now if its version is still this one. False when it is not.
    async fn keep(&self, key: &Key, version: Version, ttl: Duration) -> Result<bool, StoreError>;

    /// Lets the cell live for `ttl` from now, whatever it holds. False when it does not exist.
    async fn touch(&self, key: &Key, ttl: Duration) -> Result<bool, StoreError>;

    /// Forgets the cell.
    async fn remove(&self, key: &Key) -> Result<(), StoreError>;

    /// Puts a message into a node's mailbox. False when nobody reads that mailbox.
    async fn publish(&self, node: NodeId, message: &[u8]) -> Result<bool, StoreError>;

    /// Opens a node's mailbox. It closes when it is dropped.
    async fn subscribe(&self, node: NodeId) -> Result<Mailbox, StoreError>;

    /// Takes tokens that all nodes share from all of these buckets, or from none: then the time until it may be
    /// tried again. A store of a single process has none to share: its node's own count is all there is.
    async fn draw(&self, _holder: &Holder, _draws: &[Draw]) -> Result<Duration, StoreError> {
        Ok(Duration::ZERO)
    }

    /// What time it is for everybody who shares the store. Only spans between such moments mean something.
    async fn time(&self) -> Result<Moment, StoreError>;

    /// About how many cells there are.
    async fn size(&self) -> Result<u64, StoreError>;

    /// Frees what is over. A store that does so by itself need not.
    fn sweep(&self) {}

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), StoreError>;
}

impl Version {
    fn random() -> Self {
        Self(rand::random())
    }
}
