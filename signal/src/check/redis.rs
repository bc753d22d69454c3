//! Redis: it can be reached, is new enough, keeps what is written, carries messages, and forgets nothing by itself.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use deadpool_redis::redis::{Value, cmd};
use privydrop_common::id::RoomId;
use tokio::time::timeout;

use super::Report;
use crate::config::Config;
use crate::rooms::NodeId;
use crate::server::redis_address;
use crate::store::mailbox::Mail;
use crate::store::redis::Redis;
use crate::store::{Key, Store, StoreError};

/// How long what is written for the check lives.
const SHORT: Duration = Duration::from_secs(10);
/// Clocks that differ by more make tickets and TURN credentials end at odd times.
const SKEW: Duration = Duration::from_secs(60);
/// A Redis that takes longer makes joins slow.
const SLOW: Duration = Duration::from_millis(20);

pub(super) async fn check(config: &Config) -> Report {
    let mut report = Report::new("redis");
    let address = match redis_address(config) {
        Ok(Some(address)) => address,
        Ok(None) => {
            report.ok("not used: rooms live in this server alone");
            return report;
        }
        // Said among the settings.
        Err(_) => return report,
    };
    match Redis::connect(&address).await {
        Ok(redis) => {
            report.ok(format!("{} answers", address.kind()));
            look_at(&redis, &mut report).await;
        }
        Err(error) => report.wrong(format!(
            "{} cannot be used: {error}. Check that it runs, its address, its password, and that it lets this machine in",
            address.kind()
        )),
    }
    report
}

async fn look_at(redis: &Redis, report: &mut Report) {
    info(redis, report).await;
    cells(redis, report).await;
    messages(redis, report).await;
    clock(redis, report).await;
}

async fn info(redis: &Redis, report: &mut Report) {
    let Ok(answer) = redis.ask::<Value>(&cmd("INFO")).await else {
        report.warning("it does not let us ask INFO: version and memory policy are unknown (ACL: +info)");
        return;
    };
    let mut nodes = Vec::new();
    texts(&answer, &mut nodes);
    for info in nodes.iter().filter(|text| text.contains("redis_version:")) {
        let field = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.unwrap_or_default().trim().to_owned()
        };
        let version = field("redis_version");
        let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or_default();
        match major >= 7 {
            true => report.ok(format!("version {version}")),
            false => {
                report.wrong(format!("version {version}: scripts here need Redis 7 or newer; update it"))
            }
        }
        let (policy, most) = (field("maxmemory_policy"), field("maxmemory"));
        match policy.as_str() {
            "noeviction" => report.ok("it never throws rooms out to make place (noeviction)"),
            "" => {}
            _ if most == "0" => report.warning(format!(
                "its memory policy is {policy}: set maxmemory-policy noeviction before it gets a maxmemory"
            )),
            _ => report.wrong(format!(
                "its memory policy {policy} throws rooms out when memory is short: set maxmemory-policy noeviction"
            )),
        }
    }
}

async fn cells(redis: &Redis, report: &mut Report) {
    // No server hands out ids that begin so, and nobody else wishes for it within ten seconds.
    let Ok(room) = format!("check-{:016x}", rand::random::<u64>()).parse::<RoomId>() else { return };
    let key = Key::Room(room);
    let start = Instant::now();
    let result = async {
        let made = redis.swap(&key, None, b"check", SHORT).await?;
        let cell = redis.load(&key).await?;
        let kept = match &cell {
            Some(cell) => redis.keep(&key, cell.version, SHORT).await?,
            None => false,
        };
        redis.remove(&key).await?;
        Ok::<_, StoreError>(made && kept && cell.is_some_and(|cell| cell.value == b"check"))
    };
    let (result, took) = (result.await, start.elapsed() / 4);
    match result {
        Ok(true) if took > SLOW => report.warning(format!(
            "it takes {} ms to answer: joining will be slow; bring it nearer",
            took.as_millis()
        )),
        Ok(true) => report.ok("it keeps and forgets what it is told"),
        Ok(false) => report.wrong("what is written is not there when it is read: is it a replica?"),
        Err(StoreError::Full) => {
            report.wrong("its memory is full: no new rooms can be made; give it more maxmemory");
        }
        Err(StoreError::Unavailable) => report.wrong(
            "it refuses to be written to: check its ACL (keys ~privydrop:*, +@read +@write +@scripting) and that it is a master",
        ),
    }
}

async fn messages(redis: &Redis, report: &mut Report) {
    let node = NodeId(rand::random());
    let arrived = async {
        let mut mailbox = redis.subscribe(node).await.ok()?;
        redis.publish(node, b"check").await.ok()?;
        match timeout(SHORT, mailbox.next()).await {
            Ok(Some(Mail::Message(message))) => Some(message == b"check"),
            _ => None,
        }
    };
    match arrived.await {
        Some(true) => report.ok("messages between servers arrive"),
        _ => report
            .wrong("messages between servers do not arrive: check its ACL (channels &privydrop:*, +@pubsub)"),
    }
}

async fn clock(redis: &Redis, report: &mut Report) {
    let Ok((seconds, _)) = redis.ask::<(u64, u64)>(&cmd("TIME")).await else { return };
    let ours = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let skew = Duration::from_secs(seconds.abs_diff(ours.as_secs()));
    if skew > SKEW {
        report.warning(format!(
            "its clock and this machine's differ by {} s: set both (NTP), or tickets end at odd times",
            skew.as_secs()
        ));
    }
}

/// Every text in an answer: a Cluster answers once for each node.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::BulkString(bytes) => found.push(String::from_utf8_lossy(bytes).into_owned()),
        Value::VerbatimString { text, .. } | Value::SimpleString(text) => found.push(text.clone()),
        Value::Array(values) | Value::Set(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Map(pairs) => pairs.iter().for_each(|(_, value)| texts(value, found)),
        _ => {}
    }
}
