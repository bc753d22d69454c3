//! Messages between nodes get lost; what they said is found again in the room itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use privydrop_common::signaling::{ClientMessage, ServerMessage};
use privydrop_signal::rooms::NodeId;
use privydrop_signal::store::mailbox::Mailbox;
use privydrop_signal::store::memory::Memory;
use privydrop_signal::store::{Cell, Key, Store, StoreError, Version};

use crate::redis::RedisServer;
use crate::support::{Client, Seat, node};

/// A store that takes no messages while it is told so.
struct Lossy {
    cells: Arc<Memory>,
    loses: Arc<AtomicBool>,
}

#[async_trait::async_trait]
impl Store for Lossy {
    async fn load(&self, key: &Key) -> Result<Option<Cell>, StoreError> {
        self.cells.load(key).await
    }

    async fn swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        self.cells.swap(key, expected, value, ttl).await
    }

    async fn touch(&self, key: &Key, ttl: Duration) -> Result<bool, StoreError> {
        self.cells.touch(key, ttl).await
    }

    async fn remove(&self, key: &Key) -> Result<(), StoreError> {
        self.cells.remove(key).await
    }

    async fn publish(&self, node: NodeId, message: &[u8]) -> Result<bool, StoreError> {
        if self.loses.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable);
        }
        self.cells.publish(node, message).await
    }

    async fn subscribe(&self, node: NodeId) -> Result<Mailbox, StoreError> {
        self.cells.subscribe(node).await
    }

    async fn size(&self) -> Result<u64, StoreError> {
        self.cells.size().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.cells.ping().await
    }
}

#[tokio::test]
async fn a_knock_and_an_admission_that_got_lost_between_nodes_are_found_again() {
    let (cells, loses) = (Arc::new(Memory::default()), Arc::new(AtomicBool::new(false)));
    let lossy = || node(Arc::new(Lossy { cells: cells.clone(), loses: loses.clone() }));
    let (one, other) = (lossy().await, lossy().await);
    let mut host = Client::hello(&one).await.create(None).await;

    loses.store(true, Ordering::SeqCst);
    let mut guest = Client::hello(&other).await;
    let member = guest.knock(&host.room).await;
    loses.store(false, Ordering::SeqCst);
    assert!(matches!(host.client.hear().await, ServerMessage::Joined { .. }), "how the room is");
    assert_eq!(host.client.hear().await, ServerMessage::Knock { member });

    loses.store(true, Ordering::SeqCst);
    host.client.say(ClientMessage::Admit { member }).await;
    assert!(matches!(host.client.hear().await, ServerMessage::MemberJoined { .. }));
    loses.store(false, Ordering::SeqCst);
    let seat = guest.hear_joined().await;
    assert_eq!(seat.member, member);

    // Who left while messages were lost is missing in the room that is told anew.
    loses.store(true, Ordering::SeqCst);
    let Seat { client: mut left, .. } = seat;
    left.say(ClientMessage::Leave).await;
    left.hear_refused_after_leaving().await;
    loses.store(false, Ordering::SeqCst);
    match host.client.hear().await {
        ServerMessage::Joined { members, .. } => assert_eq!(members, []),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_node_whose_redis_was_away_tells_its_members_how_their_rooms_are() {
    let redis = RedisServer::start();
    let port = redis.port();
    let node = node(Arc::new(redis.store().await)).await;
    let mut host = Client::hello(&node).await.create(Some("our-room")).await;
    drop(redis);
    let redis = RedisServer::start_on(port);
    // The new Redis knows nothing: the room is put back, with its host in it.
    match host.client.hear().await {
        ServerMessage::Joined { member, host, .. } => assert_eq!(member, host),
        other => panic!("{other:?}"),
    }
    assert_eq!(redis.ask::<u64>(&["EXISTS", "privydrop:room:our-room"]), 1);
}
