//! Rooms in Redis 7: shared by all nodes, kept across a restart of any of them.
//!
//! Each cell is one hash `{v: version, d: content}` with a time to live. Comparing and swapping is one small
//! script, because Redis has no such command; no rule of the product lives in it. Every command and script
//! touches one key, so the same ones serve a single Redis, a set watched by Sentinels, and a Cluster.

mod address;
mod inbox;
mod line;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use deadpool_redis::redis::{self, Cmd, ErrorKind, FromRedisValue, Script, ServerErrorKind};
use privydrop_common::time::Moment;

pub use self::address::{Address, InvalidAddress};
use self::inbox::Subscription;
use self::line::{Line, classify};
use super::mailbox::{Mailbox, mailbox};
use super::{Cell, Draw, Holder, Key, Store, StoreError, Version};
use crate::rooms::NodeId;

/// Makes a cell. Asked again after a lost answer, it says the same.
macro_rules! create {
    () => {
        r"
local v = redis.call('HGET', KEYS[1], 'v')
if v then return v == ARGV[2] and 1 or 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'd', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1"
    };
}

/// Refused when Redis has no memory left.
const CREATE: &str = create!();

/// Allowed also then, for what servers cannot be without.
const CREATE_ALWAYS: &str = concat!("#!lua flags=allow-oom", create!());

/// Replaces a cell; allowed also when Redis is full, so that existing rooms stay usable.
const REPLACE: &str = r"#!lua flags=allow-oom
local v = redis.call('HGET', KEYS[1], 'v')
if v == ARGV[2] then return 1 end
if v ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'd', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1";

/// Prolongs the time of a cell that is still the same.
const KEEP: &str = r"#!lua flags=allow-oom
if redis.call('HGET', KEYS[1], 'v') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])";

/// Takes from several token buckets of one holder, from all or from none: each argument of four is a bucket's
/// name, microseconds until a token comes back, how many it holds, how many are taken. Milliseconds to wait.
const DRAW: &str = r"
local t = redis.call('TIME')
local now, wait, last = t[1] * 1000000 + t[2], 0, 0
local full = {}
for i = 1, #ARGV, 4 do
  local at = math.max(tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or 0), now)
  local missing = at - now + ARGV[i + 1] * (math.max(ARGV[i + 3], 1) - ARGV[i + 2])
  wait = math.max(wait, missing)
  full[i] = at + ARGV[i + 1] * ARGV[i + 3]
  last = math.max(last, full[i] - now)
end
if wait > 0 then return math.ceil(wait / 1000) end
for i = 1, #ARGV, 4 do
  if ARGV[i + 3] ~= '0' then redis.call('HSET', KEYS[1], ARGV[i], string.format('%.0f', full[i])) end
end
-- The longest of the buckets decides when all are full, and so forgotten.
for _, when in ipairs({'NX', 'GT'}) do redis.call('PEXPIRE', KEYS[1], math.ceil(last / 1000) + 1, when) end
return 0";

/// The time of Redis in milliseconds. A script, because that has a key: of a Cluster always the same server is asked.
const TIME: &str = r"
local t = redis.call('TIME')
return t[1] * 1000 + math.floor(t[2] / 1000)";

/// Cells and mailboxes in Redis.
#[derive(Clone)]
pub struct Redis {
    address: Address,
    line: Arc<Line>,
    scripts: Arc<Scripts>,
}

struct Scripts {
    create: Lua,
    create_always: Lua,
    replace: Lua,
    keep: Lua,
    draw: Lua,
    time: Lua,
}

struct Lua {
    text: &'static str,
    hash: String,
}

impl Lua {
    fn new(text: &'static str) -> Self {
        Self { text, hash: Script::new(text).get_hash().to_owned() }
    }
}

impl Redis {
    /// Connects and asks whether it answers.
    pub async fn connect(address: &Address) -> Result<Self, redis::RedisError> {
        // Nothing happens when one was chosen before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let [create, create_always, replace, keep, draw, time] =
            [CREATE, CREATE_ALWAYS, REPLACE, KEEP, DRAW, TIME].map(Lua::new);
        let scripts = Scripts { create, create_always, replace, keep, draw, time };
        let line = Arc::new(Line::open(address).await?);
        Ok(Self { address: address.clone(), line, scripts: Arc::new(scripts) })
    }

    /// Sends a command of the caller's own, for checks of a Redis that is new.
    pub async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> redis::RedisResult<T> {
        self.line.try_ask(command, true).await
    }

    /// Runs a script; it is sent whole only to a Redis that does not know it yet.
    async fn run<T: FromRedisValue>(
        &self,
        script: &Lua,
        key: &str,
        arguments: impl FnOnce(&mut Cmd),
    ) -> Result<T, StoreError> {
        let mut rest = Cmd::new();
        arguments(&mut rest);
        let call = |name: &str, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(1).arg(key);
            for argument in rest.args_iter() {
                if let redis::Arg::Simple(argument) = argument {
                    command.arg(argument);
                }
            }
            command
        };
        match self.line.try_ask(&call("EVALSHA", &script.hash), true).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.line.ask(&call("EVAL", script.text), true).await
            }
            answer => answer.map_err(|error| self.line.failed(&error)),
        }
    }
}

#[async_trait]
impl Store for Redis {
    async fn load(&self, key: &Key) -> Result<Option<Cell>, StoreError> {
        let mut command = redis::cmd("HMGET");
        command.arg(name(key)).arg("v").arg("d");
        let found: (Option<u64>, Option<Vec<u8>>) = self.line.ask(&command, true).await?;
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
        let script = match expected {
            Some(_) => &self.scripts.replace,
            None if key.is_vital() => &self.scripts.create_always,
            None => &self.scripts.create,
        };
        let arguments = |command: &mut Cmd| {
            command
                .arg(expected.map_or(0, |version| version.0))
                .arg(Version::random().0)
                .arg(value)
                .arg(millis(ttl));
        };
        self.run(script, &name(key), arguments).await
    }

    async fn keep(&self, key: &Key, version: Version, ttl: Duration) -> Result<bool, StoreError> {
        let arguments = |command: &mut Cmd| {
            command.arg(version.0).arg(millis(ttl));
        };
        self.run(&self.scripts.keep, &name(key), arguments).await
    }

    async fn touch(&self, key: &Key, ttl: Duration) -> Result<bool, StoreError> {
        let mut command = redis::cmd("PEXPIRE");
        self.line.ask(command.arg(name(key)).arg(millis(ttl)), true).await
    }

    async fn remove(&self, key: &Key) -> Result<(), StoreError> {
        let mut command = redis::cmd("DEL");
        self.line.ask(command.arg(name(key)), true).await
    }

    async fn draw(&self, holder: &Holder, draws: &[Draw]) -> Result<Duration, StoreError> {
        let arguments = |command: &mut Cmd| {
            for Draw { bucket, quota, tokens } in draws {
                command.arg(*bucket).arg(quota.interval).arg(quota.burst.get()).arg(*tokens);
            }
        };
        let wait: u64 = self.run(&self.scripts.draw, &holder_name(holder), arguments).await?;
        Ok(Duration::from_millis(wait))
    }

    async fn publish(&self, node: NodeId, message: &[u8]) -> Result<bool, StoreError> {
        // Never twice: it may have arrived although the answer did not.
        let readers: u64 = self.line.ask(&inbox::publish(&self.address, node, message), false).await?;
        Ok(readers > 0)
    }

    async fn subscribe(&self, node: NodeId) -> Result<Mailbox, StoreError> {
        let (postbox, mailbox) = mailbox();
        let subscription = Subscription::open(&self.address, node).await.map_err(|error| classify(&error))?;
        tokio::spawn(inbox::keep(self.clone(), node, subscription, postbox));
        Ok(mailbox)
    }

    async fn time(&self) -> Result<Moment, StoreError> {
        self.run(&self.scripts.time, "privydrop:time", |_| {}).await.map(Moment::from_millis)
    }

    async fn size(&self) -> Result<u64, StoreError> {
        self.line.ask(&redis::cmd("DBSIZE"), true).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.line.ping().await
    }
}

/// The key of a cell. Room names have no character that could lead out of their prefix.
fn name(key: &Key) -> String {
    match key {
        Key::Room(room) => format!("privydrop:room:{room}"),
        Key::Node(node) => format!("privydrop:node:{:016x}", node.0),
        Key::Shared => "privydrop:shared".to_owned(),
    }
}

fn inbox_name(node: NodeId) -> String {
    format!("privydrop:inbox:{:016x}", node.0)
}

fn holder_name(Holder(holder): &Holder) -> String {
    format!("privydrop:limit:{:032x}", u128::from_be_bytes(*holder))
}

fn millis(span: Duration) -> u64 {
    // Redis deletes a key whose time to live is zero or does not fit a signed number.
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 50)
}
