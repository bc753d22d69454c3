//! Nodes that are replaced one after another, or die, while people come and go: nobody is lost, no door stays shut.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::SinkExt;
use privydrop_common::id::RoomId;
use privydrop_common::signaling::{ClientMessage, Refusal, ServerMessage, Ticket};
use privydrop_signal::drain::Drain;
use privydrop_signal::server::Running;
use tokio_tungstenite::tungstenite::Message;

use crate::nodes::eager_node;
use crate::redis::RedisServer;
use crate::support::{Client, eventually, node, node_with};

/// Sends everybody to the next node that is ready, as a balancer in front of them would.
#[derive(Clone, Default)]
struct Balancer {
    ready: Arc<Mutex<Vec<SocketAddr>>>,
    turn: Arc<AtomicUsize>,
}

impl Balancer {
    fn next(&self) -> SocketAddr {
        let ready = self.ready.lock().unwrap();
        ready[self.turn.fetch_add(1, Ordering::Relaxed) % ready.len()]
    }

    fn replace(&self, old: SocketAddr, new: SocketAddr) {
        let mut ready = self.ready.lock().unwrap();
        ready.retain(|address| *address != old);
        ready.push(new);
    }

    /// Connects to some node and says this; tried again as a client does.
    async fn say(&self, message: &ClientMessage) -> Client {
        loop {
            if let Some(mut client) = Client::try_hello_at(self.next()).await
                && client.socket.send(Message::text(message.to_text())).await.is_ok()
            {
                return client;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Joins as somebody who has the code, from the first knock until the host lets it in.
    async fn join(&self, room: &RoomId) -> Result<Client, Refusal> {
        let knock = ClientMessage::Join { room: room.clone(), ticket: None };
        loop {
            let mut client = self.say(&knock).await;
            while let Some(message) = client.hear_or_end().await {
                match message {
                    ServerMessage::Joined { .. } => return Ok(client),
                    ServerMessage::Refused { code, .. } => return Err(code),
                    _ => {}
                }
            }
        }
    }
}

/// A host that lets everybody in and comes back by its ticket whenever its socket ends.
async fn host(balancer: Balancer, name: RoomId, opened: Arc<AtomicUsize>) {
    let mut ticket: Option<Ticket> = None;
    loop {
        let create = ClientMessage::Create { name: Some(name.clone()), ticket: ticket.clone() };
        let mut client = balancer.say(&create).await;
        while let Some(message) = client.hear_or_end().await {
            match message {
                ServerMessage::Created { ticket: new, .. } => {
                    let is_new = ticket.replace(new).is_none();
                    opened.fetch_add(usize::from(is_new), Ordering::SeqCst);
                }
                ServerMessage::Knock { member } => {
                    let admit = ClientMessage::Admit { member }.to_text();
                    let _ = client.socket.send(Message::text(admit)).await;
                }
                ServerMessage::Refused { code, text, .. } => {
                    // A knocker may be gone before it was let in.
                    assert_eq!(code, Refusal::PeerUnknown, "{text}");
                }
                _ => {}
            }
        }
    }
}

async fn busy_node(redis: &RedisServer) -> Running {
    let limits = ["joins-per-minute", "creates-per-minute", "message-rate", "message-burst"];
    let flags: Vec<_> =
        limits.iter().flat_map(|limit| [format!("--{limit}"), "1000000".to_owned()]).collect();
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    node_with(&flags, Arc::new(redis.store().await)).await
}

#[tokio::test]
async fn a_rolling_restart_of_three_nodes_loses_no_room_and_no_join() {
    let redis = RedisServer::start();
    let mut nodes = vec![busy_node(&redis).await, busy_node(&redis).await, busy_node(&redis).await];
    let balancer = Balancer::default();
    nodes.iter().for_each(|node| balancer.ready.lock().unwrap().push(node.address));

    let opened = Arc::new(AtomicUsize::new(0));
    let rooms: Vec<RoomId> = (0..6).map(|number| format!("room-{number}").parse().unwrap()).collect();
    for room in &rooms {
        tokio::spawn(host(balancer.clone(), room.clone(), opened.clone()));
    }
    eventually(async || opened.load(Ordering::SeqCst) == rooms.len()).await;

    let (restarted, joined) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let joiners = (0..4).map(|number| {
        let (balancer, rooms, restarted, joined) =
            (balancer.clone(), rooms.clone(), restarted.clone(), joined.clone());
        tokio::spawn(async move {
            for room in rooms.iter().cycle().skip(number) {
                let mut guest = balancer.join(room).await.unwrap_or_else(|code| panic!("{code:?}"));
                joined.fetch_add(1, Ordering::SeqCst);
                let _ = guest.socket.send(Message::text(ClientMessage::Leave.to_text())).await;
                let _ = guest.socket.close(None).await;
                if restarted.load(Ordering::SeqCst) {
                    break;
                }
            }
        })
    });
    let joiners: Vec<_> = joiners.collect();
    eventually(async || joined.load(Ordering::SeqCst) > 10).await;
    for _ in 0..3 {
        let (old, new) = (nodes.remove(0), busy_node(&redis).await);
        balancer.replace(old.address, new.address);
        nodes.push(new);
        old.drain(Drain { notice: Duration::from_millis(50), spread: Duration::from_millis(300) }).await;
    }
    restarted.store(true, Ordering::SeqCst);
    for joiner in joiners {
        joiner.await.unwrap();
    }
    for room in &rooms {
        balancer.join(room).await.unwrap();
    }
}

#[tokio::test]
async fn a_node_killed_in_the_middle_of_a_join_leaves_no_ghost_and_the_join_succeeds_elsewhere() {
    let redis = RedisServer::start();
    let mut doomed = crate::process::Server::start(&["--redis", &redis.url()]);
    let leases: Vec<String> = redis.ask(&["KEYS", "privydrop:node:*"]);
    let node = eager_node(&redis).await;
    let mut host = Client::hello(&node).await.create(Some("our-room")).await;
    let mut guest = Client::hello_at(doomed.address()).await;
    let ghost = guest.knock(&host.room).await;
    assert_eq!(host.client.hear().await, ServerMessage::Knock { member: ghost });
    let mut member = Client::hello_at(doomed.address()).await;
    let admitted = member.knock(&host.room).await;
    assert_eq!(host.client.hear().await, ServerMessage::Knock { member: admitted });
    doomed.kill();
    // It is let in though it is gone, as nobody can know yet.
    host.client.say(ClientMessage::Admit { member: admitted }).await;
    assert!(matches!(host.client.hear().await, ServerMessage::MemberJoined { .. }));
    // The lease of the dead node would end by itself after 30 s.
    for lease in leases {
        redis.ask::<()>(&["DEL", &lease]);
    }

    let mut left = Vec::new();
    for _ in [ghost, admitted] {
        match host.client.hear().await {
            ServerMessage::MemberLeft { member, lost: true } => left.push(member),
            other => panic!("{other:?}"),
        }
    }
    left.sort_unstable();
    let mut ghosts = [ghost, admitted];
    ghosts.sort_unstable();
    assert_eq!(left, ghosts);
    let mut again = Client::hello(&node).await;
    let member = again.knock(&host.room).await;
    assert_eq!(host.client.hear().await, ServerMessage::Knock { member });
    host.client.say(ClientMessage::Admit { member }).await;
    again.hear_joined().await;
    let record: String = redis.ask(&["HGET", "privydrop:room:our-room", "d"]);
    assert!(!record.contains(&ghost.to_string()), "{record}");
}

#[tokio::test]
async fn a_redis_that_forgot_everything_has_its_rooms_back_without_anybody_doing_anything() {
    let redis = RedisServer::start();
    let node = node(Arc::new(redis.store().await)).await;
    let mut host = Client::hello(&node).await.create(Some("our-room")).await;
    let guest = host.admit_from(&node).await;
    redis.ask::<()>(&["FLUSHALL"]);
    eventually(async || {
        let record: Option<String> = redis.ask(&["HGET", "privydrop:room:our-room", "d"]);
        record.is_some_and(|record| record.contains(&guest.member.to_string()))
    })
    .await;
    let mut other = Client::hello(&node).await;
    let member = other.knock(&host.room).await;
    // Before it the host may hear that who was there is there.
    while host.client.hear().await != (ServerMessage::Knock { member }) {}
}

#[tokio::test]
async fn who_is_at_the_door_when_a_node_drains_may_finish() {
    let redis = RedisServer::start();
    let (one, other) = (node(Arc::new(redis.store().await)).await, node(Arc::new(redis.store().await)).await);
    let mut host = Client::hello(&other).await.create(None).await;
    let mut guest = Client::hello(&one).await;
    let member = guest.knock(&host.room).await;
    assert_eq!(host.client.hear().await, ServerMessage::Knock { member });
    let mut bystander = Client::hello(&one).await;
    let finish = async {
        // Others are sent away; the knocker is let in first.
        assert_eq!(bystander.hear().await, ServerMessage::Draining);
        host.client.say(ClientMessage::Admit { member }).await;
        let mut seat = guest.hear_joined().await;
        assert_eq!(seat.client.hear().await, ServerMessage::Draining);
        seat.client.hear_end().await;
        let back = Client::hello(&other).await.rejoin(&seat.room, &seat.ticket).await;
        assert_eq!(back.member, member);
    };
    tokio::join!(one.stop(), finish);
}
