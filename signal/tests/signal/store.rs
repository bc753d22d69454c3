//! What every store must do; each test runs on memory, on Redis, and on a Redis Cluster of three masters.

use std::sync::Arc;
use std::time::Duration;

use privydrop_signal::limits::Quota;
use privydrop_signal::rooms::NodeId;
use privydrop_signal::store::mailbox::{Mail, Mailbox};
use privydrop_signal::store::memory::Memory;
use privydrop_signal::store::redis::Redis;
use privydrop_signal::store::{Draw, Holder, Key, Store};
use tokio::time::timeout;

use crate::redis::{RedisCluster, RedisServer, Watched};
use crate::support::{PATIENCE, eventually};

const LONG: Duration = Duration::from_secs(60);

type Shared = Arc<dyn Store>;

macro_rules! contract {
    ($($name:ident)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Arc::new(super::Memory::default())).await;
            })*
        }
        mod redis {
            $(#[tokio::test]
            async fn $name() {
                let server = super::RedisServer::start();
                super::$name(super::Arc::new(server.store().await)).await;
            })*
        }
        /// All on one Cluster, which takes its time to start.
        #[tokio::test]
        async fn a_cluster_of_three_masters_keeps_every_promise() {
            let cluster = RedisCluster::start();
            $(
                cluster.flush();
                $name(Arc::new(cluster.store().await)).await;
            )*
            nodes_share_their_buckets(cluster.store().await, cluster.store().await).await;
        }
    };
}

contract! {
    a_cell_is_made_once_and_holds_any_bytes
    a_swap_needs_the_current_version
    a_cell_made_anew_is_not_mistaken_for_the_old_one
    of_many_who_swap_at_once_one_wins
    a_cell_ends_with_its_time_and_a_touch_prolongs_it
    only_the_cell_that_was_looked_at_is_kept
    a_message_reaches_the_mailbox_it_is_for
    a_mailbox_that_nobody_reads_is_known_to_be_dead
    cells_are_counted
    time_goes_on
}

fn room(name: &str) -> Key {
    Key::Room(name.parse().unwrap())
}

async fn a_cell_is_made_once_and_holds_any_bytes(store: Shared) {
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(store.load(&room("abc")).await, Ok(None));
    assert_eq!(store.swap(&room("abc"), None, &bytes, LONG).await, Ok(true));
    assert_eq!(store.swap(&room("abc"), None, b"other", LONG).await, Ok(false));
    assert_eq!(store.load(&room("abc")).await.unwrap().unwrap().value, bytes);
    assert_eq!(store.load(&room("abd")).await, Ok(None));
}

async fn a_swap_needs_the_current_version(store: Shared) {
    store.swap(&room("abc"), None, b"1", LONG).await.unwrap();
    let first = store.load(&room("abc")).await.unwrap().unwrap().version;
    assert_eq!(store.swap(&room("abc"), Some(first), b"2", LONG).await, Ok(true));
    assert_eq!(store.swap(&room("abc"), Some(first), b"3", LONG).await, Ok(false));
    assert_eq!(store.swap(&room("other"), Some(first), b"3", LONG).await, Ok(false));
    assert_eq!(store.load(&room("abc")).await.unwrap().unwrap().value, b"2");
}

async fn a_cell_made_anew_is_not_mistaken_for_the_old_one(store: Shared) {
    store.swap(&room("abc"), None, b"same", LONG).await.unwrap();
    let old = store.load(&room("abc")).await.unwrap().unwrap().version;
    store.remove(&room("abc")).await.unwrap();
    assert_eq!(store.load(&room("abc")).await, Ok(None));
    store.swap(&room("abc"), None, b"same", LONG).await.unwrap();
    assert_eq!(store.swap(&room("abc"), Some(old), b"late", LONG).await, Ok(false));
}

async fn of_many_who_swap_at_once_one_wins(store: Shared) {
    store.swap(&room("abc"), None, b"0", LONG).await.unwrap();
    let version = store.load(&room("abc")).await.unwrap().unwrap().version;
    let racers = (0..16).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.swap(&room("abc"), Some(version), b"1", LONG).await.unwrap() })
    });
    let mut winners = 0;
    for racer in racers.collect::<Vec<_>>() {
        winners += usize::from(racer.await.unwrap());
    }
    assert_eq!(winners, 1);
}

async fn a_cell_ends_with_its_time_and_a_touch_prolongs_it(store: Shared) {
    let short = Duration::from_millis(300);
    for name in ["short", "touched"] {
        store.swap(&room(name), None, b"x", short).await.unwrap();
    }
    assert_eq!(store.touch(&room("touched"), LONG).await, Ok(true));
    eventually(async || store.load(&room("short")).await == Ok(None)).await;
    assert_eq!(store.touch(&room("short"), LONG).await, Ok(false));
    assert_eq!(store.swap(&room("short"), None, b"new", LONG).await, Ok(true));
    assert!(store.load(&room("touched")).await.unwrap().is_some());
}

async fn only_the_cell_that_was_looked_at_is_kept(store: Shared) {
    let short = Duration::from_millis(300);
    for name in ["same", "changed"] {
        store.swap(&room(name), None, b"x", short).await.unwrap();
    }
    let version = async |name| store.load(&room(name)).await.unwrap().unwrap().version;
    let (same, old) = (version("same").await, version("changed").await);
    store.swap(&room("changed"), Some(old), b"y", short).await.unwrap();
    assert_eq!(store.keep(&room("same"), same, LONG).await, Ok(true));
    assert_eq!(store.keep(&room("changed"), old, LONG).await, Ok(false));
    eventually(async || store.load(&room("changed")).await == Ok(None)).await;
    assert_eq!(store.keep(&room("changed"), old, LONG).await, Ok(false));
    assert_eq!(store.load(&room("same")).await.unwrap().unwrap().value, b"x");
}

async fn a_message_reaches_the_mailbox_it_is_for(store: Shared) {
    let mut first = store.subscribe(NodeId(1)).await.unwrap();
    let mut second = store.subscribe(NodeId(2)).await.unwrap();
    assert_eq!(store.publish(NodeId(1), b"for one").await, Ok(true));
    assert_eq!(store.publish(NodeId(2), &[0, 255, 10]).await, Ok(true));
    assert_eq!(next(&mut first).await, b"for one");
    assert_eq!(next(&mut second).await, [0, 255, 10]);
    assert_eq!(store.publish(NodeId(1), b"the next").await, Ok(true));
    assert_eq!(next(&mut first).await, b"the next", "nothing else was in it");
}

async fn next(mailbox: &mut Mailbox) -> Vec<u8> {
    match mailbox.next().await {
        Some(Mail::Message(message)) => message,
        other => panic!("{other:?}"),
    }
}

/// The next message, whatever is missing before it.
async fn next_at_last(mailbox: &mut Mailbox) -> Vec<u8> {
    loop {
        match mailbox.next().await {
            Some(Mail::Message(message)) => return message,
            Some(Mail::Gap | Mail::Break) => {}
            None => panic!("it ended"),
        }
    }
}

/// The way to the store breaks, and then something is missing.
async fn hear_of_a_gap(mailbox: &mut Mailbox) {
    assert_eq!(mailbox.next().await, Some(Mail::Break));
    while mailbox.next().await.expect("it ended") != Mail::Gap {}
}

async fn a_mailbox_that_nobody_reads_is_known_to_be_dead(store: Shared) {
    assert_eq!(store.publish(NodeId(9), b"x").await, Ok(false));
    let mailbox = store.subscribe(NodeId(9)).await.unwrap();
    assert_eq!(store.publish(NodeId(9), b"x").await, Ok(true));
    drop(mailbox);
    eventually(async || store.publish(NodeId(9), b"x").await == Ok(false)).await;
}

async fn cells_are_counted(store: Shared) {
    assert_eq!(store.size().await, Ok(0));
    store.swap(&room("abc"), None, b"x", LONG).await.unwrap();
    store.swap(&Key::Node(NodeId(1)), None, b"x", LONG).await.unwrap();
    assert_eq!(store.size().await, Ok(2));
    assert_eq!(store.ping().await, Ok(()));
}

async fn time_goes_on(store: Shared) {
    let before = store.time().await.unwrap();
    eventually(async || store.time().await.unwrap() > before).await;
}

#[tokio::test]
async fn nodes_on_one_redis_share_their_buckets() {
    let redis = RedisServer::start();
    nodes_share_their_buckets(redis.store().await, redis.store().await).await;
}

async fn nodes_share_their_buckets(one: Redis, other: Redis) {
    let quota = Quota::per_minute(2.try_into().unwrap());
    let draw = |bucket, tokens| Draw { bucket, quota, tokens };
    let (holder, stranger) = (Holder([7; 16]), Holder([8; 16]));
    assert_eq!(one.draw(&holder, &[draw("join", 1)]).await, Ok(Duration::ZERO));
    assert_eq!(other.draw(&holder, &[draw("miss", 0), draw("join", 1)]).await, Ok(Duration::ZERO));
    let wait = one.draw(&holder, &[draw("join", 1)]).await.unwrap();
    assert!(wait > Duration::ZERO && wait <= Duration::from_secs(30), "{wait:?}");
    assert_eq!(one.draw(&stranger, &[draw("join", 1)]).await, Ok(Duration::ZERO));
    // Of several buckets none is touched when one is empty, and looking takes nothing.
    assert!(other.draw(&holder, &[draw("miss", 1), draw("join", 0)]).await.unwrap() > Duration::ZERO);
    assert_eq!(one.draw(&holder, &[draw("miss", 2)]).await, Ok(Duration::ZERO));
    assert!(one.draw(&holder, &[draw("miss", 0)]).await.unwrap() > Duration::ZERO);
}

#[tokio::test]
async fn a_bucket_that_is_full_again_is_forgotten_by_redis() {
    let redis = RedisServer::start();
    let store = redis.store().await;
    let quota = Quota::per_second(20.try_into().unwrap(), 1.try_into().unwrap());
    let draw = Draw { bucket: "join", quota, tokens: 1 };
    assert_eq!(store.draw(&Holder([7; 16]), &[draw]).await, Ok(Duration::ZERO));
    eventually(async || store.size().await == Ok(0)).await;
}

#[tokio::test]
async fn a_mailbox_whose_redis_was_away_says_that_something_may_be_missing_and_goes_on() {
    let redis = RedisServer::start();
    let (port, store) = (redis.port(), redis.store().await);
    let mut mailbox = store.subscribe(NodeId(1)).await.unwrap();
    drop(redis);
    let _redis = RedisServer::start_on(port);
    hear_of_a_gap(&mut mailbox).await;
    eventually(async || store.publish(NodeId(1), b"again").await == Ok(true)).await;
    assert_eq!(next_at_last(&mut mailbox).await, b"again");
}

#[tokio::test]
async fn a_mailbox_in_a_cluster_outlives_the_restart_of_all_its_nodes() {
    let mut cluster = RedisCluster::start();
    let store = cluster.store().await;
    let mut mailbox = store.subscribe(NodeId(1)).await.unwrap();
    cluster.restart();
    hear_of_a_gap(&mut mailbox).await;
    eventually(async || store.publish(NodeId(1), b"again").await == Ok(true)).await;
    assert_eq!(next_at_last(&mut mailbox).await, b"again");
    assert_eq!(store.swap(&room("new"), None, b"x", LONG).await, Ok(true));
}

#[tokio::test]
async fn a_mailbox_in_a_cluster_that_could_not_take_all_at_once_says_that_something_is_missing() {
    const MANY: usize = 1000;
    let cluster = RedisCluster::start();
    let store = cluster.store().await;
    let mut mailbox = store.subscribe(NodeId(1)).await.unwrap();
    // All of it is sent before anybody gets to read.
    let flood = format!("for i = 1, {MANY} do redis.call('SPUBLISH', KEYS[1], i) end");
    cluster.ask_master_of("privydrop:inbox:0000000000000001", &["EVAL", &flood, "1"]);
    let mut arrived = 0;
    while arrived < MANY {
        match timeout(PATIENCE, mailbox.next()).await.expect("nobody says what is missing") {
            Some(Mail::Message(_)) => arrived += 1,
            Some(Mail::Break) => {}
            Some(Mail::Gap) => break,
            None => panic!("it ended"),
        }
    }
    eventually(async || store.publish(NodeId(1), b"again").await == Ok(true)).await;
    assert_eq!(next_at_last(&mut mailbox).await, b"again");
}

#[tokio::test]
async fn when_the_master_of_a_mailbox_dies_its_replica_has_it_and_the_others_go_on() {
    let mut cluster = RedisCluster::start_with_replicas();
    let store = cluster.store().await;
    let mut mailbox = store.subscribe(NodeId(1)).await.unwrap();
    cluster.kill_master_of("privydrop:inbox:0000000000000001");
    hear_of_a_gap(&mut mailbox).await;
    eventually(async || store.publish(NodeId(1), b"again").await == Ok(true)).await;
    assert_eq!(next_at_last(&mut mailbox).await, b"again");
}

#[tokio::test]
async fn when_the_master_dies_the_store_follows_the_sentinel_to_the_next() {
    let mut watched = Watched::start();
    let store = watched.store().await;
    let mut mailbox = store.subscribe(NodeId(1)).await.unwrap();
    store.swap(&room("abc"), None, b"kept", LONG).await.unwrap();
    eventually(async || watched.replica.ask::<u64>(&["EXISTS", "privydrop:room:abc"]) == 1).await;
    watched.master.kill();
    eventually(async || store.swap(&room("new"), None, b"x", LONG).await.is_ok()).await;
    assert_eq!(store.load(&room("abc")).await.unwrap().unwrap().value, b"kept");
    hear_of_a_gap(&mut mailbox).await;
    eventually(async || store.publish(NodeId(1), b"again").await == Ok(true)).await;
    assert_eq!(next_at_last(&mut mailbox).await, b"again");
}
