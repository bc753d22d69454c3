//! Several servers on one store, and what becomes of rooms when the store suffers.

use std::sync::Arc;
use std::time::Duration;

use privydrop_common::signaling::{ClientMessage, Refusal, ServerMessage};
use privydrop_signal::server::{Running, start_with};
use privydrop_signal::store::Store;
use privydrop_signal::store::memory::Memory;

use crate::faulty::faulty_node_with;
use crate::redis::{RedisCluster, RedisServer};
use crate::support::{Client, Seat, config, eventually, node, node_with, relayed};
use crate::web::get;

async fn redis_node(redis: &RedisServer) -> Running {
    node(Arc::new(redis.store().await)).await
}

/// A node that keeps its rooms alive many times a second.
pub(crate) async fn eager_node(redis: &RedisServer) -> Running {
    let (config, store) = (config(&[]), redis.store().await);
    let mut pace = config.pace();
    pace.refresh = Duration::from_millis(20);
    start_with(&config, Arc::new(store), pace).await.unwrap()
}

async fn people_on_two_nodes_share_a_room(first: Running, second: Running) {
    let mut host = Client::hello(&first).await.create(None).await;
    let mut near = host.admit_from(&first).await;
    let mut far = host.admit_from(&second).await;
    assert!(matches!(near.client.hear().await, ServerMessage::MemberJoined { .. }));
    far.relay(host.member, "from-afar").await;
    assert_eq!(host.client.hear().await, relayed(far.member, "from-afar"));
    near.relay(far.member, "to-afar").await;
    assert_eq!(far.client.hear().await, relayed(near.member, "to-afar"));

    // A ticket of one node is good on the other, and the older socket is told.
    let mut moved = Client::hello(&second).await.rejoin(&near.room, &near.ticket).await;
    near.client.hear_refused(Refusal::Replaced).await;
    assert!(matches!(host.client.hear().await, ServerMessage::MemberJoined { .. }));
    host.relay(moved.member, "hi").await;
    assert_eq!(moved.client.hear().await, relayed(host.member, "hi"));

    // A node that stops tells its people, and the others hear that they are lost.
    assert!(matches!(far.client.hear().await, ServerMessage::MemberJoined { .. }));
    let members = [moved.member, far.member];
    tokio::join!(second.stop(), async {
        assert_eq!(far.client.hear().await, ServerMessage::Draining);
        far.client.hear_end_after_news().await;
        for _ in members {
            let lost = host.client.hear().await;
            assert!(
                matches!(lost, ServerMessage::MemberLeft { member, lost: true } if members.contains(&member))
            );
        }
    });
    let back = Client::hello(&first).await.rejoin(&far.room, &far.ticket).await;
    assert_eq!(back.member, far.member);
}

#[tokio::test]
async fn people_on_two_nodes_share_a_room_in_memory() {
    let store: Arc<dyn Store> = Arc::new(Memory::default());
    people_on_two_nodes_share_a_room(node(store.clone()).await, node(store).await).await;
}

#[tokio::test]
async fn people_on_two_nodes_share_a_room_in_redis() {
    let redis = RedisServer::start();
    people_on_two_nodes_share_a_room(redis_node(&redis).await, redis_node(&redis).await).await;
}

#[tokio::test]
async fn people_on_two_nodes_share_a_room_in_a_redis_cluster() {
    let cluster = RedisCluster::start();
    let node = async || node(Arc::new(cluster.store().await)).await;
    people_on_two_nodes_share_a_room(node().await, node().await).await;
}

#[tokio::test]
async fn a_room_in_use_outlives_the_master_of_its_slot_in_a_cluster() {
    let mut cluster = RedisCluster::start_with_replicas();
    let node = async |cluster: &RedisCluster| node(Arc::new(cluster.store().await)).await;
    let first = node(&cluster).await;
    let name = cluster.room_beside_the_mailbox();
    let second = node(&cluster).await;
    let mut host = Client::hello(&first).await.create(Some(&name)).await;
    let guest = host.admit_from(&second).await;
    // What is said to the host's node goes the same way, and is lost with it.
    cluster.kill_master_of(&format!("privydrop:room:{name}"));

    // Whoever comes waits until its replica has the slots, or is told that this takes too long.
    let (mut newcomer, member) = loop {
        let mut newcomer = Client::hello(&second).await;
        newcomer.say(ClientMessage::Join { room: host.room.clone(), ticket: None }).await;
        match newcomer.hear().await {
            ServerMessage::Knocking { member, .. } => break (newcomer, member),
            ServerMessage::Refused { code: Refusal::StoreUnavailable, .. } => {}
            other => panic!("{other:?}"),
        }
    };
    // The host may be told how its room is before.
    while host.client.hear().await != (ServerMessage::Knock { member }) {}
    host.client.say(ClientMessage::Admit { member }).await;
    while !matches!(newcomer.hear().await, ServerMessage::Joined { .. }) {}
    let back = Client::hello(&first).await.rejoin(&guest.room, &guest.ticket).await;
    assert_eq!(back.member, guest.member);
}

#[tokio::test]
async fn members_of_a_crashed_node_are_found_lost() {
    let redis = RedisServer::start();
    let mut process = crate::process::Server::start(&["--redis", &redis.url()]);
    let leases: Vec<String> = redis.ask(&["KEYS", "privydrop:node:*"]);
    let node = redis_node(&redis).await;
    let mut host = Client::hello(&node).await.create(None).await;
    let guest = {
        let mut guest = Client::hello_at(process.address()).await;
        let member = guest.knock(&host.room).await;
        assert_eq!(host.client.hear().await, ServerMessage::Knock { member });
        host.client.say(ClientMessage::Admit { member }).await;
        assert!(matches!(host.client.hear().await, ServerMessage::MemberJoined { .. }));
        guest.hear_joined().await
    };
    process.kill();
    // The crashed node's lease ends by itself after 30 s; here it is ended by hand.
    for lease in leases {
        redis.ask::<()>(&["DEL", &lease]);
    }
    let readers = || redis.ask::<Vec<String>>(&["PUBSUB", "CHANNELS", "privydrop:inbox:*"]).len();
    eventually(async || readers() == 1).await;
    host.relay(guest.member, "anybody").await;
    let lost = ServerMessage::MemberLeft { member: guest.member, lost: true };
    let heard = [host.client.hear().await, host.client.hear().await];
    assert!(heard.contains(&lost), "{heard:?}");
    let refused = |message: &ServerMessage| {
        matches!(message, ServerMessage::Refused { code: Refusal::PeerUnknown, .. })
    };
    assert!(heard.iter().any(refused), "{heard:?}");
}

#[tokio::test]
async fn a_room_lives_as_long_as_it_is_used_and_ends_by_itself() {
    let redis = RedisServer::start();
    let node = eager_node(&redis).await;
    let mut host = Client::hello(&node).await.create(Some("our-room")).await;
    // Less than a minute has passed since it was set.
    let is_about = |minutes: i64, ttl: i64| ((minutes - 1) * 60_000..=minutes * 60_000).contains(&ttl);
    let ttl = || redis.ask::<i64>(&["PTTL", "privydrop:room:our-room"]);
    assert!(is_about(15, ttl()), "a room that nobody ever entered: 15 minutes");
    let _guest = host.admit_from(&node).await;
    assert!(is_about(24 * 60, ttl()), "a used room: a day");
    // However little time it has left, the room of somebody who is connected is kept.
    redis.ask::<()>(&["PEXPIRE", "privydrop:room:our-room", "5000"]);
    eventually(async || is_about(24 * 60, ttl())).await;
}

#[tokio::test]
async fn a_store_that_forgot_everything_loses_no_room() {
    let redis = RedisServer::start();
    let node = eager_node(&redis).await;
    let mut host = Client::hello(&node).await.create(Some("our-room")).await;
    let guest = host.admit_from(&node).await;
    redis.ask::<()>(&["FLUSHALL"]);
    let seats = || redis.ask::<Option<String>>(&["HGET", "privydrop:room:our-room", "d"]).unwrap_or_default();
    eventually(async || {
        let record = seats();
        record.contains(&host.member.to_string()) && record.contains(&guest.member.to_string())
    })
    .await;
    drop(guest.client);
    let back = Client::hello(&node).await.rejoin(&guest.room, &guest.ticket).await;
    assert_eq!(back.member, guest.member);
}

#[tokio::test]
async fn a_ticket_brings_a_forgotten_room_back() {
    let redis = RedisServer::start();
    let node = redis_node(&redis).await;
    let mut host = Client::hello(&node).await.create(Some("our-room")).await;
    let guest = host.admit_from(&node).await;
    drop((host.client, guest.client));
    eventually(async || get(&node, "/metrics", &[]).await.body.contains("privydrop_sockets 0")).await;
    redis.ask::<()>(&["FLUSHALL"]);
    let guest = Client::hello(&node).await.rejoin(&guest.room, &guest.ticket).await;
    let mut squatter = Client::hello(&node).await;
    squatter.say(ClientMessage::Create { name: Some(guest.room.clone()), ticket: None }).await;
    squatter.hear_refused(Refusal::RoomTaken).await;
    let mut host = Client::hello(&node).await.take_again(&host.room, &host.ticket).await;
    assert!(
        matches!(host.client.hear().await, ServerMessage::MemberJoined { member } if member.id == guest.member)
    );
}

#[tokio::test]
async fn a_node_that_began_after_the_store_was_emptied_waits_for_the_rooms_to_come_back() {
    let (redis, home) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let key = home.path().join("key");
    std::fs::write(&key, [7; 32]).unwrap();
    let flags = ["--ticket-key-file", key.to_str().unwrap()];
    let first = node_with(&flags, Arc::new(redis.store().await)).await;
    let host = Client::hello(&first).await.create(Some("our-room")).await;
    first.stop().await;
    redis.ask::<()>(&["FLUSHALL"]);
    let (second, faults) = faulty_node_with(&flags, Arc::new(redis.store().await), |_| {}).await;
    let mut guest = Client::hello(&second).await;
    guest.say(ClientMessage::Join { room: host.room.clone(), ticket: None }).await;
    eventually(async || faults.rooms_asked_for() > 0).await;
    let _host = Client::hello(&second).await.take_again(&host.room, &host.ticket).await;
    let heard = guest.hear().await;
    assert!(matches!(heard, ServerMessage::Knocking { .. }), "{heard:?}");
}

#[tokio::test]
async fn nodes_take_each_others_tickets_also_when_one_began_in_an_emptied_store() {
    let redis = RedisServer::start();
    let plenty = ["--joins-per-minute", "100000", "--misses-per-minute", "100000"];
    let begin = async || node_with(&plenty, Arc::new(redis.store().await)).await;
    let first = begin().await;
    let mut host = Client::hello(&first).await.create(None).await;
    let guest = host.admit_from(&first).await;
    redis.ask::<()>(&["DEL", "privydrop:shared"]);
    let second = begin().await;
    let enters = async |node: &Running, seat: &Seat| {
        let mut client = Client::hello(node).await;
        client.say(ClientMessage::Join { room: seat.room.clone(), ticket: Some(seat.ticket.clone()) }).await;
        match client.hear().await {
            ServerMessage::Joined { .. } => true,
            ServerMessage::Refused { code: Refusal::TicketInvalid, .. } => false,
            other => panic!("{other:?}"),
        }
    };
    eventually(async || enters(&second, &guest).await).await;
    // And the other way round.
    let mut far = Client::hello(&second).await.create(None).await;
    let guest = far.admit_from(&second).await;
    eventually(async || enters(&first, &guest).await).await;
}

#[tokio::test]
async fn a_node_with_a_key_from_a_file_takes_no_ticket_of_a_key_in_the_store() {
    let (redis, home) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let key = home.path().join("key");
    std::fs::write(&key, [7; 32]).unwrap();
    let first = redis_node(&redis).await;
    let mut host = Client::hello(&first).await.create(None).await;
    let guest = host.admit_from(&first).await;
    let flags = ["--ticket-key-file", key.to_str().unwrap()];
    let second = node_with(&flags, Arc::new(redis.store().await)).await;
    let mut forger = Client::hello(&second).await;
    forger.say(ClientMessage::Join { room: guest.room, ticket: Some(guest.ticket) }).await;
    forger.hear_refused(Refusal::TicketInvalid).await;
}

#[tokio::test]
async fn when_redis_is_full_new_rooms_are_refused_and_existing_ones_work() {
    let redis = RedisServer::start();
    let node = redis_node(&redis).await;
    let mut host = Client::hello(&node).await.create(None).await;
    fill(&redis);
    let mut other = Client::hello(&node).await;
    other.say(ClientMessage::Create { name: None, ticket: None }).await;
    other.hear_refused(Refusal::StoreFull).await;
    host.admit_from(&node).await;
}

fn fill(redis: &RedisServer) {
    redis.ask::<()>(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    redis.ask::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
}

#[tokio::test]
async fn when_redis_is_full_a_node_can_begin_and_one_that_was_taken_for_dead_is_alive_again() {
    let redis = RedisServer::start();
    fill(&redis);
    let node = redis_node(&redis).await;
    Client::hello(&node).await;
    let leases = || redis.ask::<Vec<String>>(&["KEYS", "privydrop:node:*"]);
    let lease = leases();
    redis.ask::<()>(&["DEL", &lease[0], "privydrop:shared"]);
    eventually(async || leases() == lease && redis.ask::<u64>(&["EXISTS", "privydrop:shared"]) == 1).await;
}

#[tokio::test]
async fn when_redis_is_away_it_is_said_and_when_it_is_back_all_goes_on() {
    let redis = RedisServer::start();
    let port = redis.port();
    let node = redis_node(&redis).await;
    let mut client = Client::hello(&node).await;
    drop(redis);
    eventually(async || get(&node, "/readyz", &[]).await.status == 503).await;
    assert_eq!(get(&node, "/healthz", &[]).await.status, 200);
    client.say(ClientMessage::Create { name: None, ticket: None }).await;
    client.hear_refused(Refusal::StoreUnavailable).await;
    let _redis = RedisServer::start_on(port);
    eventually(async || get(&node, "/readyz", &[]).await.status == 200).await;
    client.create(None).await;
}
