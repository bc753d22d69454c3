//! Messages between nodes get lost, and stores forget; what was said is found again in the room itself.

use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use privydrop_common::signaling::{ClientMessage, Refusal, ServerMessage};
use privydrop_signal::config::{Config, Pace};
use privydrop_signal::server::Running;
use privydrop_signal::store::memory::Memory;
use tokio::net::TcpStream;

use crate::faulty::{Faults, faulty_node, faulty_node_with, started_with};
use crate::nodes::eager_node;
use crate::redis::{RedisServer, free_port};
use crate::support::{Client, PATIENCE, Seat, eventually, node};
use crate::web::get;

/// Looks at its rooms many times a second.
fn eagerly(pace: &mut Pace) {
    (pace.refresh, pace.door) = (Duration::from_millis(20), Duration::from_millis(20));
}

#[tokio::test]
async fn a_knock_and_an_admission_that_got_lost_between_nodes_are_found_again() {
    let store = Arc::new(Memory::default());
    let ((one, ones), (other, others)) =
        (faulty_node(store.clone(), |_| {}).await, faulty_node(store, |_| {}).await);
    let lose = || [&ones, &others].map(|faults| Faults::begin(&faults.loses_messages));
    let lose_no_more = || [&ones, &others].map(|faults| Faults::end(&faults.loses_messages));
    let mut host = Client::hello(&one).await.create(None).await;

    lose();
    let mut guest = Client::hello(&other).await;
    let member = guest.knock(&host.room).await;
    lose_no_more();
    assert!(matches!(host.client.hear().await, ServerMessage::Joined { .. }), "how the room is");
    assert_eq!(host.client.hear().await, ServerMessage::Knock { member });

    lose();
    host.client.say(ClientMessage::Admit { member }).await;
    assert!(matches!(host.client.hear().await, ServerMessage::MemberJoined { .. }));
    lose_no_more();
    let seat = guest.hear_joined().await;
    assert_eq!(seat.member, member);

    // Who left while messages were lost is missing in the room that is told anew.
    lose();
    let Seat { client: mut left, .. } = seat;
    left.say(ClientMessage::Leave).await;
    left.hear_refused_after_leaving().await;
    lose_no_more();
    match host.client.hear().await {
        ServerMessage::Joined { members, .. } => assert_eq!(members, []),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn how_a_room_was_is_not_told_after_newer_news() {
    let store = Arc::new(Memory::default());
    let ((one, ones), (other, others)) =
        (faulty_node(store.clone(), |_| {}).await, faulty_node(store, |_| {}).await);
    let mut host = Client::hello(&one).await.create(None).await;
    let mut guest = host.admit_from(&other).await;
    let mut newcomer = Client::hello(&other).await;
    let member = newcomer.knock(&host.room).await;
    assert_eq!(host.client.hear().await, ServerMessage::Knock { member });
    Faults::begin(&others.loses_messages);
    guest.client.say(ClientMessage::Sharing { on: true }).await;
    guest.client.hear_nothing().await;

    // The host's node looks at the room, and somebody comes in before it tells what it saw.
    Faults::begin(&ones.holds_keeps);
    Faults::end(&others.loses_messages);
    eventually(async || ones.held() > 0).await;
    host.client.say(ClientMessage::Admit { member }).await;
    assert!(
        matches!(host.client.hear().await, ServerMessage::MemberJoined { member: heard } if heard.id == member)
    );
    Faults::end(&ones.holds_keeps);
    match host.client.hear().await {
        ServerMessage::Joined { members, .. } => {
            assert!(members.iter().any(|other| other.id == member), "{members:?}");
        }
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

#[tokio::test]
async fn a_room_that_could_not_be_looked_at_is_looked_at_again() {
    let store = Arc::new(Memory::default());
    let ((one, ones), (other, others)) =
        (faulty_node(store.clone(), |_| {}).await, faulty_node(store, |_| {}).await);
    let mut host = Client::hello(&one).await.create(None).await;
    Faults::begin(&others.loses_messages);
    let mut guest = Client::hello(&other).await;
    let member = guest.knock(&host.room).await;

    // The host's node is told to look, and cannot.
    Faults::begin(&ones.has_no_rooms);
    let before = ones.rooms_asked_for();
    Faults::end(&others.loses_messages);
    eventually(async || ones.rooms_asked_for() > before).await;
    Faults::end(&ones.has_no_rooms);
    assert!(matches!(host.client.hear().await, ServerMessage::Joined { .. }), "how the room is");
    assert_eq!(host.client.hear().await, ServerMessage::Knock { member });
}

#[tokio::test]
async fn who_is_admitted_while_the_store_is_away_is_in_when_it_is_back() {
    let (node, faults) = faulty_node(Arc::new(Memory::default()), |_| {}).await;
    let mut host = Client::hello(&node).await.create(None).await;
    let mut guest = Client::hello(&node).await;
    let member = guest.knock(&host.room).await;
    assert_eq!(host.client.hear().await, ServerMessage::Knock { member });
    Faults::begin(&faults.has_no_rooms);
    host.client.say(ClientMessage::Admit { member }).await;
    host.client.hear_refused(Refusal::StoreUnavailable).await;
    Faults::end(&faults.has_no_rooms);
    assert_eq!(guest.hear_joined().await.member, member);
}

#[tokio::test]
async fn a_knock_whose_time_ends_while_the_store_is_away_ends_when_it_is_back() {
    let store = Arc::new(Memory::default());
    let (node, faults) = faulty_node_with(&["--knock-seconds", "0.3"], store, eagerly).await;
    let mut host = Client::hello(&node).await.create(None).await;
    let mut guest = Client::hello(&node).await;
    let member = guest.knock(&host.room).await;
    assert_eq!(host.client.hear().await, ServerMessage::Knock { member });
    Faults::begin(&faults.has_no_rooms);
    let before = faults.rooms_asked_for();
    // Its time is over among all the looks at the door.
    eventually(async || faults.rooms_asked_for() > before + 100).await;
    Faults::end(&faults.has_no_rooms);
    guest.hear_refused(Refusal::KnockExpired).await;
    // Who looks that often may also be told how the room is, with whoever stands at its door.
    let told = loop {
        match host.client.hear().await {
            ServerMessage::Joined { .. } | ServerMessage::Knock { .. } => {}
            told => break told,
        }
    };
    assert_eq!(told, ServerMessage::MemberLeft { member, lost: false });
}

#[tokio::test]
async fn a_node_that_cannot_read_what_another_sent_looks_at_its_rooms() {
    let redis = RedisServer::start();
    let node = node(Arc::new(redis.store().await)).await;
    let mut host = Client::hello(&node).await.create(None).await;
    let mailboxes: Vec<String> = redis.ask(&["PUBSUB", "CHANNELS", "privydrop:inbox:*"]);
    redis.ask::<()>(&["PUBLISH", &mailboxes[0], "of another version"]);
    assert!(matches!(host.client.hear().await, ServerMessage::Joined { .. }), "how the room is");
}

#[tokio::test]
async fn a_server_stops_also_when_the_store_says_nothing() {
    let (node, faults) = faulty_node(Arc::new(Memory::default()), |_| {}).await;
    let mut host = Client::hello(&node).await.create(None).await;
    Faults::begin(&faults.holds_removals);
    assert!(tokio::time::timeout(PATIENCE, node.stop()).await.is_ok());
    host.client.hear_end_after_news().await;
}

/// A room on one node with a guest on another, whose store then goes away; what the host hears when it is back.
async fn goes_while_the_store_is_away(goes: impl AsyncFnOnce(Client)) -> (Seat, ServerMessage) {
    let store = Arc::new(Memory::default());
    let (near, (far, faults)) = (node(store.clone()).await, faulty_node(store, |_| {}).await);
    let mut host = Client::hello(&near).await.create(None).await;
    let guest = host.admit_from(&far).await;
    Faults::begin(&faults.has_no_rooms);
    let before = faults.rooms_asked_for();
    let (member, room, ticket) = (guest.member, guest.room, guest.ticket);
    goes(guest.client).await;
    eventually(async || faults.rooms_asked_for() > before).await;
    Faults::end(&faults.has_no_rooms);
    let heard = host.client.hear().await;
    (Seat { client: host.client, member, room, ticket }, heard)
}

#[tokio::test]
async fn who_leaves_or_is_lost_while_the_store_is_away_is_gone_for_everybody_when_it_is_back() {
    let (seat, heard) = goes_while_the_store_is_away(async |mut client| {
        client.say(ClientMessage::Leave).await;
    })
    .await;
    assert_eq!(heard, ServerMessage::MemberLeft { member: seat.member, lost: false });
    let (seat, heard) = goes_while_the_store_is_away(async |client| drop(client)).await;
    assert_eq!(heard, ServerMessage::MemberLeft { member: seat.member, lost: true });
}

#[tokio::test]
async fn who_was_told_that_the_store_is_away_is_not_in_the_room_although_it_was_not() {
    let store = Arc::new(Memory::default());
    let (near, (far, faults)) = (node(store.clone()).await, faulty_node(store, |_| {}).await);
    let mut host = Client::hello(&near).await.create(None).await;
    let Seat { client, member, room, ticket } = host.admit_from(&near).await;
    drop(client);
    assert_eq!(host.client.hear().await, ServerMessage::MemberLeft { member, lost: true });
    Faults::begin(&faults.loses_answers);
    let mut back = Client::hello(&far).await;
    back.say(ClientMessage::Join { room: room.clone(), ticket: Some(ticket.clone()) }).await;
    back.hear_refused(Refusal::StoreUnavailable).await;
    Faults::end(&faults.loses_answers);
    assert_eq!(host.client.hear().await, ServerMessage::MemberLeft { member, lost: true });
    assert_eq!(back.rejoin(&room, &ticket).await.member, member);
}

#[tokio::test]
async fn a_node_whose_lease_was_forgotten_with_all_else_is_not_taken_for_dead() {
    let redis = RedisServer::start();
    let near = eager_node(&redis).await;
    let (far, faults) = faulty_node(Arc::new(redis.store().await), eagerly).await;
    let mut host = Client::hello(&near).await.create(Some("our-room")).await;
    let guest = host.admit_from(&far).await;
    let mut newcomer = Client::hello(&far).await;
    let member = newcomer.knock(&host.room).await;
    assert_eq!(host.client.hear().await, ServerMessage::Knock { member });

    Faults::begin(&faults.takes_no_lease);
    redis.ask::<()>(&["FLUSHALL"]);
    eventually(async || {
        let leases: Vec<String> = redis.ask(&["KEYS", "privydrop:node:*"]);
        let record: Option<String> = redis.ask(&["HGET", "privydrop:room:our-room", "d"]);
        let record = record.unwrap_or_default();
        leases.len() == 1 && [guest.member, member].iter().all(|who| record.contains(&who.to_string()))
    })
    .await;
    host.client.say(ClientMessage::Admit { member }).await;
    assert_eq!(newcomer.hear_joined().await.member, member);
    loop {
        match host.client.hear().await {
            ServerMessage::MemberLeft { member: gone, lost } => {
                let who = if gone == guest.member { "the guest" } else { "the newcomer" };
                panic!("{who} is told to be gone, lost: {lost}");
            }
            ServerMessage::MemberJoined { member: joined } if joined.id == member => break,
            _ => {}
        }
    }
}

/// Redis forgot the room, and its host's node has not put it back yet; `asks` is what happens meanwhile at another node.
async fn while_a_room_is_forgotten(asks: impl AsyncFnOnce(&Running)) {
    let redis = RedisServer::start();
    let (near, nears) = faulty_node(Arc::new(redis.store().await), |_| {}).await;
    let (far, fars) = faulty_node(Arc::new(redis.store().await), |_| {}).await;
    let _host = Client::hello(&near).await.create(Some("our-room")).await;
    // A node that cannot hold its lease does not put its rooms back either.
    Faults::begin(&nears.takes_no_lease);
    redis.ask::<()>(&["FLUSHALL"]);
    let before = fars.rooms_asked_for();
    tokio::join!(asks(&far), async {
        eventually(async || fars.rooms_asked_for() > before).await;
        Faults::end(&nears.takes_no_lease);
    });
}

#[tokio::test]
async fn who_knocks_at_a_room_that_was_only_forgotten_waits_until_it_is_back() {
    while_a_room_is_forgotten(async |node| {
        Client::hello(node).await.knock(&"our-room".parse().unwrap()).await;
    })
    .await;
}

#[tokio::test]
async fn nobody_gets_the_name_of_a_room_that_was_only_forgotten() {
    while_a_room_is_forgotten(async |node| {
        let mut squatter = Client::hello(node).await;
        squatter.say(ClientMessage::Create { name: Some("our-room".parse().unwrap()), ticket: None }).await;
        squatter.hear_refused(Refusal::RoomTaken).await;
    })
    .await;
    while_a_room_is_forgotten(async |node| {
        let answer = get(node, "/api/rooms/our-room", &[]).await;
        assert!(answer.body.contains(r#""free":false"#), "{}", answer.body);
    })
    .await;
}

#[tokio::test]
async fn who_is_admitted_before_the_forgotten_knock_is_put_back_is_in() {
    let redis = RedisServer::start();
    let near = node(Arc::new(redis.store().await)).await;
    // It puts the knock back when it has its lease again, not before.
    let seldom = |pace: &mut Pace| pace.door = Duration::from_secs(3600);
    let (far, faults) = faulty_node(Arc::new(redis.store().await), seldom).await;
    let mut host = Client::hello(&near).await.create(Some("our-room")).await;
    let mut guest = Client::hello(&far).await;
    let member = guest.knock(&host.room).await;
    assert_eq!(host.client.hear().await, ServerMessage::Knock { member });
    Faults::begin(&faults.takes_no_lease);
    redis.ask::<()>(&["FLUSHALL"]);
    host.client.say(ClientMessage::Admit { member }).await;
    host.client.hear_refused(Refusal::PeerUnknown).await;
    Faults::end(&faults.takes_no_lease);
    assert_eq!(guest.hear_joined().await.member, member);
}

#[tokio::test]
async fn nobody_comes_to_a_node_that_others_would_take_for_dead() {
    let (port, faults) = (free_port(), Arc::<Faults>::default());
    let address = format!("127.0.0.1:{port}");
    let config = Config::parse_from(["privydrop-server", "--listen", &address]);
    Faults::begin(&faults.holds_leases);
    let starts = started_with(&config, Arc::new(Memory::default()), |_| {}, &faults);
    let (node, ()) = tokio::join!(starts, async {
        eventually(async || faults.held() > 0).await;
        assert!(TcpStream::connect(&address).await.is_err(), "it listens before it has its lease");
        Faults::end(&faults.holds_leases);
    });
    Client::hello(&node).await;
}
