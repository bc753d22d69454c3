//! What every store must do; each test runs on memory and on Redis.

use std::sync::Arc;
use std::time::Duration;

use privydrop_signal::rooms::NodeId;
use privydrop_signal::store::memory::Memory;
use privydrop_signal::store::redis::Redis;
use privydrop_signal::store::{Key, Store};

use crate::redis::RedisServer;
use crate::support::eventually;

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
                super::$name(super::Arc::new(super::Redis::connect(&server.url()).await.unwrap())).await;
            })*
        }
    };
}

contract! {
    a_cell_is_made_once_and_holds_any_bytes
    a_swap_needs_the_current_version
    a_cell_made_anew_is_not_mistaken_for_the_old_one
    of_many_who_swap_at_once_one_wins
    a_cell_ends_with_its_time_and_a_touch_prolongs_it
    a_message_reaches_the_mailbox_it_is_for
    a_mailbox_that_nobody_reads_is_known_to_be_dead
    cells_are_counted
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

async fn a_message_reaches_the_mailbox_it_is_for(store: Shared) {
    let mut first = store.subscribe(NodeId(1)).await.unwrap();
    let mut second = store.subscribe(NodeId(2)).await.unwrap();
    assert_eq!(store.publish(NodeId(1), b"for one").await, Ok(true));
    assert_eq!(store.publish(NodeId(2), &[0, 255, 10]).await, Ok(true));
    assert_eq!(first.recv().await.unwrap(), b"for one");
    assert_eq!(second.recv().await.unwrap(), [0, 255, 10]);
    assert!(first.try_recv().is_err(), "nothing else is in it");
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
