//! What one address may do: counted across nodes, and by each node alone while the store is away.

use std::sync::Arc;

use privydrop_common::signaling::{ClientMessage, Refusal, ServerMessage};
use privydrop_signal::server::Running;
use privydrop_signal::store::memory::Memory;

use crate::faulty::{Faults, faulty_node_with};
use crate::redis::RedisServer;
use crate::support::{Client, eventually, node_with, relay, server};
use crate::web::get;

async fn guess(server: &Running) -> Refusal {
    let mut guesser = Client::hello(server).await;
    guesser.say(ClientMessage::Join { room: "no-such-room".parse().unwrap(), ticket: None }).await;
    match guesser.hear().await {
        ServerMessage::Refused { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn guesses_on_different_nodes_are_counted_together() {
    let redis = RedisServer::start();
    let node = async || node_with(&["--misses-per-minute", "2"], Arc::new(redis.store().await)).await;
    let (one, other) = (node().await, node().await);
    assert_eq!([guess(&one).await, guess(&other).await], [Refusal::RoomUnknown; 2]);
    assert_eq!([guess(&one).await, guess(&other).await], [Refusal::RateLimited; 2]);
    let answer = get(&other, "/api/rooms/no-such-room", &[]).await;
    assert_eq!(answer.status, 429);
    let keys: Vec<String> = redis.ask(&["KEYS", "privydrop:limit:*"]);
    assert_eq!(keys.len(), 1);
    assert!(!keys[0].contains("127.0.0.1"), "no address is kept: {keys:?}");
}

#[tokio::test]
async fn guesses_made_at_once_are_no_more_than_guesses_one_by_one() {
    let store = Arc::new(Memory::default());
    let (node, faults) = faulty_node_with(&["--misses-per-minute", "3"], store, |_| {}).await;
    let host = Client::hello(&node).await.create(None).await;
    let knock = async |room| {
        let mut guesser = Client::hello(&node).await;
        guesser.say(ClientMessage::Join { room, ticket: None }).await;
        guesser
    };
    // All are under way before the first is answered.
    Faults::begin(&faults.holds_looks);
    let (mut guessers, before) = (Vec::new(), faults.rooms_asked_for());
    for number in 0..3 {
        guessers.push(knock(format!("guess-{number}").parse().unwrap()).await);
    }
    eventually(async || faults.rooms_asked_for() == before + 3).await;
    knock(host.room.clone()).await.hear_refused(Refusal::RateLimited).await;
    Faults::end(&faults.holds_looks);
    for mut guesser in guessers {
        guesser.hear_refused(Refusal::RoomUnknown).await;
    }
}

#[tokio::test]
async fn a_wished_name_that_is_taken_counts_as_a_guess_and_one_that_is_free_does_not() {
    let server = server(&["--misses-per-minute", "2"]).await;
    let mut hosts = Vec::new();
    for name in ["room-1", "room-2", "room-3"] {
        hosts.push(Client::hello(&server).await.create(Some(name)).await);
    }
    let mut guesser = Client::hello(&server).await;
    for code in [Refusal::RoomTaken, Refusal::RoomTaken, Refusal::RateLimited] {
        guesser.say(ClientMessage::Create { name: Some("room-1".parse().unwrap()), ticket: None }).await;
        guesser.hear_refused(code).await;
    }
}

#[tokio::test]
async fn while_redis_is_away_each_node_counts_alone() {
    let redis = RedisServer::start();
    let node = node_with(&["--misses-per-minute", "2"], Arc::new(redis.store().await)).await;
    drop(redis);
    assert_eq!(get(&node, "/api/rooms/some-room", &[]).await.status, 503);
    assert_eq!(get(&node, "/api/rooms/some-room", &[]).await.status, 503);
    assert_eq!(get(&node, "/api/rooms/some-room", &[]).await.status, 429);
    let metrics = get(&node, "/metrics", &[]).await.body;
    assert!(metrics.contains("privydrop_limits_alone_total 2"), "{metrics}");
}

#[tokio::test]
async fn what_one_address_relays_is_limited_and_the_socket_stays() {
    let server = server(&["--relay-kib-per-minute", "44"]).await;
    let mut host = Client::hello(&server).await.create(None).await;
    let mut guest = host.admit_from(&server).await;
    let body = "x".repeat(20 * 1024);
    for _ in 0..2 {
        host.relay(guest.member, &body).await;
        assert!(matches!(guest.client.hear().await, ServerMessage::Relay { .. }));
    }
    host.client.say(relay(guest.member, &body)).await;
    let wait = host.client.hear_refused(Refusal::RateLimited).await;
    assert!(wait.is_some_and(|seconds| (1..=30).contains(&seconds)), "{wait:?}");
    host.client.hear_nothing().await;
    guest.client.hear_nothing().await;
}

#[tokio::test]
async fn what_one_address_relays_at_different_nodes_is_counted_together() {
    let redis = RedisServer::start();
    let node = async || node_with(&["--relay-kib-per-minute", "44"], Arc::new(redis.store().await)).await;
    let (one, other) = (node().await, node().await);
    let body = "x".repeat(20 * 1024);
    for (node, may) in [(&one, true), (&other, true), (&one, false), (&other, false)] {
        let mut host = Client::hello(node).await.create(None).await;
        let mut guest = host.admit_from(node).await;
        host.client.say(relay(guest.member, &body)).await;
        if may {
            assert!(matches!(guest.client.hear().await, ServerMessage::Relay { .. }));
        } else {
            host.client.hear_refused(Refusal::RateLimited).await;
        }
    }
}

#[tokio::test]
async fn one_address_holds_so_many_sockets_and_a_server_so_many() {
    for (flag, status) in [("--sockets-per-address", 429), ("--max-sockets", 503)] {
        let server = server(&[flag, "2"]).await;
        let kept = [Client::hello(&server).await, Client::hello(&server).await];
        let refused = Client::open_with(&server, &[]).await.err();
        assert!(
            matches!(&refused, Some(tokio_tungstenite::tungstenite::Error::Http(answer)) if answer.status() == status),
            "{refused:?}"
        );
        drop(kept);
        eventually(async || Client::open_with(&server, &[]).await.is_ok()).await;
    }
}
