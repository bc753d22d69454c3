//! The line to Redis: one connection that everybody's requests share, made anew when it breaks.
//!
//! Requests go out back to back without waiting for one another's answers, so many cost little more than one.
//! A master that moved (Sentinel, Cluster) is followed. Never waits without end and never queues without
//! bound: a request that gets no answer in time has failed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use deadpool_redis::redis::aio::{ConnectionLike, MultiplexedConnection};
use deadpool_redis::redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
use deadpool_redis::redis::{
    self, AsyncConnectionConfig, Cmd, ErrorKind, FromRedisValue, RedisError, RedisFuture, RedisResult,
    ServerErrorKind, Value,
};
use deadpool_redis::{PoolError, Runtime, cluster, sentinel};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::address::{Address, Kind};
use crate::store::StoreError;

/// A request to Redis that takes longer counts as unanswered.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How long the same refusal is not said again.
const AGAIN: Duration = Duration::from_secs(60);

/// Waits between tries of one request to a Cluster, in milliseconds, and so many tries that they last for [`PATIENCE`]: a replica
/// takes its master's place within seconds, and whoever asks meanwhile is to wait for it and not be refused.
const RETRY_FIRST: u64 = 100;
const RETRY_MAX: u64 = 500;
const RETRIES: u32 = 50;

/// Where connections come from.
enum Pools {
    Single(deadpool_redis::Pool),
    Sentinel(sentinel::Pool),
    /// Without a pool, which has no setting for its patience.
    Cluster(Box<cluster::ClusterClient>),
}

/// A connection; clones share it.
#[derive(Clone)]
pub(super) enum Connection {
    Server(MultiplexedConnection),
    Cluster(cluster::ClusterConnection),
}

/// See the module.
pub(super) struct Line {
    pools: Pools,
    current: std::sync::RwLock<Option<(u64, Connection)>>,
    /// Held while a connection is made, so that only one is.
    making: Mutex<()>,
    attempts: AtomicU64,
    /// What Redis refused with, and when that was last said.
    told: std::sync::Mutex<Option<(String, Instant)>>,
    /// Connections live on the runtime that the store was made on: it ends last.
    runtime: tokio::runtime::Handle,
}

impl Line {
    /// Makes the first connection, and says why when it cannot.
    pub(super) async fn open(address: &Address) -> RedisResult<Self> {
        let line = Self {
            pools: Pools::of(address)?,
            current: std::sync::RwLock::default(),
            making: Mutex::default(),
            attempts: AtomicU64::new(0),
            told: std::sync::Mutex::default(),
            runtime: tokio::runtime::Handle::current(),
        };
        let mut connection = line.pools.connect().await?;
        timeout(PATIENCE, connection.ping()).await.map_err(|_| late())??;
        line.set(Some((0, connection)));
        Ok(line)
    }

    /// Sends a command. With `again` it is sent once more if the connection broke: only for what may be done twice.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd, again: bool) -> Result<T, StoreError> {
        self.try_ask(command, again).await.map_err(|error| self.failed(&error))
    }

    /// What this means for the caller. A Redis that answers and refuses seems to be there, so it is said why, now and then.
    pub(super) fn failed(&self, error: &RedisError) -> StoreError {
        let meaning = classify(error);
        if meaning == StoreError::Unavailable
            && let Some(code) = error.code()
            && let Ok(mut told) = self.told.lock()
            && told.as_ref().is_none_or(|(before, when)| before != code || when.elapsed() >= AGAIN)
        {
            tracing::warn!(
                "the room store refuses a request ({code}); `privydrop-server check` says what is wrong with it"
            );
            *told = Some((code.to_owned(), Instant::now()));
        }
        meaning
    }

    /// The same, with Redis' own error.
    pub(super) async fn try_ask<T: FromRedisValue>(&self, command: &Cmd, again: bool) -> RedisResult<T> {
        let mut tries = if again { 2 } else { 1 };
        loop {
            tries -= 1;
            let (number, mut connection) = self.connection().await?;
            let answer = timeout(PATIENCE, command.query_async(&mut connection)).await;
            match answer.unwrap_or_else(|_| Err(late())) {
                Err(error) if is_broken(&error) => {
                    self.forget(number);
                    if tries == 0 || error.is_timeout() {
                        return Err(error);
                    }
                }
                answer => return answer,
            }
        }
    }

    /// Whether Redis answers: any node of a Cluster, since its slots fail one by one.
    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        for last in [false, true] {
            let (number, mut connection) = self.connection().await.map_err(|error| classify(&error))?;
            match timeout(PATIENCE, connection.ping()).await {
                Ok(Ok(())) => return Ok(()),
                _ => self.forget(number),
            }
            if last {
                break;
            }
        }
        Err(StoreError::Unavailable)
    }

    async fn connection(&self) -> RedisResult<(u64, Connection)> {
        if let Some(current) = self.current() {
            return Ok(current);
        }
        let before = self.attempts.load(Ordering::Acquire);
        let _making = self.making.lock().await;
        if let Some(current) = self.current() {
            return Ok(current);
        }
        let number = self.attempts.load(Ordering::Acquire);
        if number != before {
            // Somebody tried while this one waited; those who wait must not each wait for a try of their own.
            return Err(away());
        }
        let pools = self.pools.clone();
        let made = self.runtime.spawn(async move { pools.connect().await }).await;
        self.attempts.fetch_add(1, Ordering::AcqRel);
        let connection = made.unwrap_or_else(|_| Err(away()))?;
        self.set(Some((number + 1, connection.clone())));
        Ok((number + 1, connection))
    }

    fn current(&self) -> Option<(u64, Connection)> {
        self.current.read().ok()?.clone()
    }

    fn set(&self, connection: Option<(u64, Connection)>) {
        if let Ok(mut current) = self.current.write() {
            *current = connection;
        }
    }

    fn forget(&self, number: u64) {
        if let Ok(mut current) = self.current.write() {
            current.take_if(|(current, _)| *current == number);
        }
    }
}

impl Clone for Pools {
    fn clone(&self) -> Self {
        match self {
            Self::Single(pool) => Self::Single(pool.clone()),
            Self::Sentinel(pool) => Self::Sentinel(pool.clone()),
            Self::Cluster(client) => Self::Cluster(client.clone()),
        }
    }
}

impl Pools {
    fn of(address: &Address) -> RedisResult<Self> {
        macro_rules! pool {
            ($pool:ty, $manager:expr) => {
                <$pool>::builder($manager)
                    .max_size(1)
                    .wait_timeout(Some(PATIENCE))
                    .create_timeout(Some(PATIENCE))
                    .runtime(Runtime::Tokio1)
                    .build()
                    .map_err(|_| (ErrorKind::InvalidClientConfig, "no connection pool"))?
            };
        }
        Ok(match &address.kind {
            Kind::Single(info) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(PATIENCE))
                    .set_response_timeout(Some(PATIENCE));
                let manager = deadpool_redis::Manager::new_with_config(info.clone(), config)?;
                Self::Single(pool!(deadpool_redis::Pool, manager))
            }
            Kind::Sentinel { sentinels, master, login, tls } => {
                let login = deadpool_redis::RedisConnectionInfo {
                    db: login.db(),
                    username: login.username().map(str::to_owned),
                    password: login.password().map(str::to_owned),
                    ..Default::default()
                };
                let node = sentinel::SentinelNodeConnectionInfo {
                    tls_mode: tls.then_some(sentinel::TlsMode::Secure),
                    redis_connection_info: Some(login),
                };
                let kind = sentinel::SentinelServerType::Master;
                let manager = sentinel::Manager::new(sentinels.clone(), master.clone(), Some(node), kind)?;
                Self::Sentinel(pool!(sentinel::Pool, manager))
            }
            Kind::Cluster(nodes) => {
                let client = cluster::ClusterClientBuilder::new(nodes.clone())
                    .connection_timeout(PATIENCE)
                    .min_retry_wait(RETRY_FIRST)
                    .max_retry_wait(RETRY_MAX)
                    .retries(RETRIES);
                Self::Cluster(Box::new(client.build()?))
            }
        })
    }

    /// A new connection. It is taken out of the pool for good: who shares one needs no turn, and no ping before each.
    async fn connect(&self) -> RedisResult<Connection> {
        Ok(match self {
            Self::Single(pool) => {
                Connection::Server(deadpool_redis::Connection::take(pool.get().await.map_err(of_pool)?))
            }
            Self::Sentinel(pool) => {
                let mut connection = sentinel::Connection::take(pool.get().await.map_err(of_pool)?);
                connection.set_response_timeout(PATIENCE);
                Connection::Server(connection)
            }
            Self::Cluster(client) => {
                let connection = timeout(PATIENCE, client.get_async_connection()).await;
                Connection::Cluster(connection.unwrap_or_else(|_| Err(late()))?)
            }
        })
    }
}

impl Connection {
    async fn ping(&mut self) -> RedisResult<()> {
        let ping = redis::cmd("PING");
        match self {
            Self::Server(connection) => ping.query_async(connection).await,
            Self::Cluster(connection) => {
                let any = RoutingInfo::SingleNode(SingleNodeRoutingInfo::Random);
                connection.route_command(ping, any).await.map(drop)
            }
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a redis::Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(connection) => connection.req_packed_commands(commands, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(commands, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

/// Whether the connection is of no more use: it broke, or its server is not the master any more.
fn is_broken(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_connection_dropped()
        || error.is_timeout()
        || matches!(
            error.kind(),
            ErrorKind::ClusterConnectionNotFound
                | ErrorKind::Server(
                    ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown | ServerErrorKind::BusyLoading
                )
        )
}

pub(super) fn classify(error: &RedisError) -> StoreError {
    if error.code() == Some("OOM") { StoreError::Full } else { StoreError::Unavailable }
}

/// Why, in a word for whoever runs it: what Redis says besides may hold a key, and so the name of a room.
pub(super) fn reason(error: &RedisError) -> &str {
    error.code().unwrap_or_else(|| error.category())
}

fn of_pool(error: PoolError) -> RedisError {
    match error {
        PoolError::Backend(error) => error,
        _ => late(),
    }
}

fn late() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

fn away() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::NotConnected).into()
}
