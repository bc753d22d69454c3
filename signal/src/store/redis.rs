//! Rooms in Redis 7: shared by all nodes, kept across a restart of any of them.
//!
//! Each cell is one hash `{v: version, d: content}` with a time to live. Comparing and swapping is one small
//! script, because Redis has no such command; no rule of the product lives in it.

use std::time::Duration;

use async_trait::async_trait;
use deadpool_redis::redis::{self, AsyncCommands, AsyncConnectionConfig, Script};
use deadpool_redis::{Connection, Manager, Pool, Runtime};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::{Cell, Key, MAILBOX, Store, StoreError, Version};
use crate::rooms::NodeId;

/// A request to Redis that takes longer counts as unanswered.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections kept open for requests; one request takes one of them.
const CONNECTIONS: usize = 16;
/// Pause before a lost mailbox subscription is made again.
const RESUBSCRIBE: Duration = Duration::from_millis(500);

/// Makes a cell; refused when Redis has no memory left.
const CREATE: &str = r"
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'd', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1";

/// Replaces a cell; allowed also when Redis is full, so that existing rooms stay usable.
const REPLACE: &str = r"#!lua flags=allow-oom
if redis.call('HGET', KEYS[1], 'v') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'd', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1";

/// Cells and mailboxes in Redis.
pub struct Redis {
    pool: Pool,
    client: redis::Client,
    create: Script,
    replace: Script,
}

impl Redis {
    /// Connects to `url` (`redis://[user:password@]host:port/db`) and asks whether it answers.
    pub async fn connect(url: &str) -> Result<Self, redis::RedisError> {
        let client = redis::Client::open(url)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let pool = Pool::builder(Manager::new_with_config(url, config.clone())?)
            .max_size(CONNECTIONS)
            .wait_timeout(Some(PATIENCE))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| (redis::ErrorKind::InvalidClientConfig, "no connection pool"))?;
        let store = Self { pool, create: Script::new(CREATE), replace: Script::new(REPLACE), client };
        // The client itself says why it cannot connect; the pool would only say that it cannot.
        let mut connection = store.client.get_multiplexed_async_connection_with_config(&config).await?;
        redis::cmd("PING").query_async::<()>(&mut connection).await?;
        Ok(store)
    }

    async fn connection(&self) -> Result<Connection, StoreError> {
        self.pool.get().await.map_err(|_| StoreError::Unavailable)
    }
}

#[async_trait]
impl Store for Redis {
    async fn load(&self, key: &Key) -> Result<Option<Cell>, StoreError> {
        let mut connection = self.connection().await?;
        let found: (Option<u64>, Option<Vec<u8>>) = answer(connection.hmget(name(key), &["v", "d"])).await?;
        Ok(match found {
            (Some(version), Some(value)) => Some(Cell { version: Version(version), value }),
            _ => None,
        })
    }

    async fn swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        let mut connection = self.connection().await?;
        let script = if expected.is_some() { &self.replace } else { &self.create };
        let mut call = script.key(name(key));
        call.arg(expected.map_or(0, |version| version.0))
            .arg(Version::random().0)
            .arg(value)
            .arg(millis(ttl));
        answer(call.invoke_async(&mut connection)).await
    }

    async fn touch(&self, key: &Key, ttl: Duration) -> Result<bool, StoreError> {
        let mut connection = self.connection().await?;
        answer(connection.pexpire(name(key), i64::try_from(millis(ttl)).unwrap_or(i64::MAX))).await
    }

    async fn remove(&self, key: &Key) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        answer(connection.del(name(key))).await
    }

    async fn publish(&self, node: NodeId, message: &[u8]) -> Result<bool, StoreError> {
        let mut connection = self.connection().await?;
        let readers: u64 = answer(connection.publish(mailbox(node), message)).await?;
        Ok(readers > 0)
    }

    async fn subscribe(&self, node: NodeId) -> Result<mpsc::Receiver<Vec<u8>>, StoreError> {
        let (sender, receiver) = mpsc::channel(MAILBOX);
        let subscription = subscribed(&self.client, node).await.map_err(|error| classify(&error))?;
        tokio::spawn(forward(self.client.clone(), node, subscription, sender));
        Ok(receiver)
    }

    async fn size(&self) -> Result<u64, StoreError> {
        let mut connection = self.connection().await?;
        answer(redis::cmd("DBSIZE").query_async(&mut connection)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        answer(redis::cmd("PING").query_async(&mut connection)).await
    }
}

/// The key of a cell. Room names have no character that could lead out of their prefix.
fn name(key: &Key) -> String {
    match key {
        Key::Room(room) => format!("privydrop:room:{room}"),
        Key::Node(node) => format!("privydrop:node:{:016x}", node.0),
        Key::TicketKey => "privydrop:ticket-key".to_owned(),
    }
}

fn mailbox(node: NodeId) -> String {
    format!("privydrop:inbox:{:016x}", node.0)
}

fn millis(span: Duration) -> u64 {
    // Redis deletes a key whose time to live is zero or does not fit a signed number.
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 50)
}

async fn answer<T>(request: impl Future<Output = redis::RedisResult<T>>) -> Result<T, StoreError> {
    request.await.map_err(|error| classify(&error))
}

fn classify(error: &redis::RedisError) -> StoreError {
    if error.code() == Some("OOM") { StoreError::Full } else { StoreError::Unavailable }
}

async fn subscribed(client: &redis::Client, node: NodeId) -> redis::RedisResult<redis::aio::PubSub> {
    let mut subscription = client.get_async_pubsub().await?;
    subscription.subscribe(mailbox(node)).await?;
    Ok(subscription)
}

/// Moves messages into the mailbox until its reader is gone; subscribes again whenever Redis was away.
async fn forward(
    client: redis::Client,
    node: NodeId,
    first: redis::aio::PubSub,
    mailbox: mpsc::Sender<Vec<u8>>,
) {
    let mut subscription = Some(first);
    while !mailbox.is_closed() {
        if let Some(mut current) = subscription.take() {
            let mut messages = current.on_message();
            loop {
                tokio::select! {
                    () = mailbox.closed() => return,
                    message = messages.next() => match message {
                        // A full mailbox loses the message: at most once, and no unbounded queue.
                        Some(message) => drop(mailbox.try_send(message.get_payload_bytes().to_vec())),
                        None => break,
                    },
                }
            }
            tracing::warn!("the subscription at the room store was lost; making it again");
        }
        sleep(RESUBSCRIBE).await;
        subscription = subscribed(&client, node).await.ok();
    }
}
