//! Whoever reads slowly, says nothing, or never becomes a socket: what they cost is bounded, and others notice nothing.

use std::time::Duration;

use futures_util::SinkExt;
use privydrop_common::signaling::{ClientMessage, MAX_BODY, Refusal, ServerMessage};
use privydrop_signal::outbox::MAX_BYTES;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, PATIENCE, eventually, of_little_room, paced, server};

#[tokio::test]
async fn a_reader_that_is_too_slow_is_cut_off_and_the_others_go_on() {
    let server = server(&["--message-rate", "1000", "--message-burst", "100000"]).await;
    let mut host = Client::hello(&server).await.create(None).await;
    let slow = host.admit_from(&server).await;
    let body = "x".repeat(MAX_BODY);
    // Nobody reads `slow`: its queue and the system's buffers fill until it is dropped.
    let lost = ServerMessage::MemberLeft { member: slow.member, lost: true };
    for _ in 0..10_000 {
        host.relay(slow.member, &body).await;
        host.client.say(ClientMessage::Hello { protocol: 1 }).await;
        match host.client.hear().await {
            heard if heard == lost => return,
            ServerMessage::Refused { code: Refusal::OutOfPlace, .. } => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("the slow reader was never cut off");
}

#[tokio::test]
async fn a_reader_that_talks_and_hardly_reads_is_cut_off_long_before_its_bound() {
    let server = paced(&["--message-rate", "1000", "--message-burst", "100000"], |pace| {
        pace.ping = Duration::from_millis(50);
        pace.silence = Duration::from_secs(2);
    })
    .await;
    let mut host = Client::hello(&server).await.create(None).await;
    let mut slow = host.admit(Client::hello_of_little_room(&server).await).await;
    let (body, mut is_full) = ("x".repeat(MAX_BODY), false);
    let lost = ServerMessage::MemberLeft { member: slow.member, lost: true };
    eventually(async || {
        is_full |= outbox_bytes(&server).await > 2 * MAX_BODY;
        if !is_full {
            host.relay(slow.member, &body).await;
        }
        // Said to one that cut it off already, it comes to nothing.
        let _ = slow.client.socket.send(Message::Pong(Vec::new().into())).await;
        let _ = slow.client.socket.get_mut().read(&mut [0; 256]).await;
        host.client.say(ClientMessage::Hello { protocol: 1 }).await;
        host.client.hear().await == lost
    })
    .await;
}

#[tokio::test]
async fn a_half_open_upgrade_and_garbage_disturb_nobody_and_are_ended() {
    let server = server(&["--hello-seconds", "0.5"]).await;
    let mut bystander = Client::hello(&server).await.create(None).await;
    let mut half = TcpStream::connect(server.address).await.unwrap();
    half.write_all(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n").await.unwrap();
    let mut garbage = TcpStream::connect(server.address).await.unwrap();
    garbage.write_all(&[0x16, 0x03, 0x01, 0, 0, b'\r', b'\n', b'\r', b'\n']).await.unwrap();
    let mut answer = Vec::new();
    let _ = garbage.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"), "{answer:?}");
    bystander.client.hear_nothing().await;
    // It ends by itself: nobody ever sends the rest.
    let mut answer = Vec::new();
    let _ = half.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{answer:?}");
}

#[tokio::test]
async fn connections_of_an_address_that_reads_no_answer_are_few_and_end() {
    let server = paced(&["--sockets-per-address", "1"], |pace| pace.visit = Duration::from_secs(3)).await;
    let mut stuck = Vec::new();
    eventually(async || {
        let mut stream = of_little_room(&server).await;
        // Far more answers than the system takes for it.
        let question = "GET /metrics HTTP/1.1\r\nHost: drop.lan\r\n\r\n".repeat(100);
        let _ = stream.write_all(question.as_bytes()).await;
        stuck.push(stream);
        !is_served(&server).await
    })
    .await;
    eventually(async || is_served(&server).await).await;
    drop(stuck);
}

async fn is_served(server: &privydrop_signal::server::Running) -> bool {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let mut answer = Vec::new();
    let question = b"GET /healthz HTTP/1.1\r\nHost: drop.lan\r\nConnection: close\r\n\r\n";
    // Turned away, it may not even be asked.
    let _ = stream.write_all(question).await;
    let _ = stream.read_to_end(&mut answer).await;
    answer.starts_with(b"HTTP/1.1 200")
}

#[tokio::test]
async fn who_begins_a_second_request_and_does_not_end_it_is_cut_off() {
    let server = paced(&[], |pace| pace.visit = Duration::from_secs(1)).await;
    let mut half = TcpStream::connect(server.address).await.unwrap();
    half.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    half.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    half.write_all(b"GET /heal").await.unwrap();
    let ended = tokio::time::timeout(PATIENCE, half.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok(), "it stays open");
}

#[tokio::test]
async fn in_a_flood_of_idle_slow_and_senseless_sockets_honest_people_join_and_what_waits_is_bounded() {
    const SLOW: usize = 4;
    let words = ["--hello-seconds", "30", "--relay-kib-per-minute", "1000000", "--message-burst", "500"];
    let server = server(&words).await;
    let metrics = async || crate::web::get(&server, "/metrics", &[]).await.body;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(Client::hello(&server).await);
    }
    let mut half_open = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"GET /ws HTTP/1.1\r\nHost: x\r\n").await.unwrap();
        half_open.push(stream);
    }
    let flood = async {
        loop {
            let mut client = Client::hello(&server).await;
            for _ in 0..600 {
                if client.socket.feed(Message::text("[[[[")).await.is_err() {
                    break;
                }
            }
            let _ = client.socket.flush().await;
            client.hear_end_after_news().await;
        }
    };
    let slow = async {
        let mut pairs = Vec::new();
        for _ in 0..SLOW {
            let mut host = Client::hello(&server).await.create(None).await;
            let slow = host.admit(Client::hello_of_little_room(&server).await).await;
            pairs.push((host, slow));
        }
        // Each is sent what may wait for it and what the system takes, again and again, and reads nothing.
        let (body, all) = ("x".repeat(MAX_BODY), format!("privydrop_slow_readers_total {SLOW}\n"));
        for _ in 0..10 * MAX_BYTES / MAX_BODY {
            for (host, slow) in &mut pairs {
                host.relay(slow.member, &body).await;
            }
            let waiting = outbox_bytes(&server).await;
            assert!(waiting <= SLOW * MAX_BYTES, "{waiting}");
            if metrics().await.contains(&all) {
                return pairs;
            }
        }
        panic!("those who read nothing were not cut off");
    };
    let honest = async {
        let mut host = Client::hello(&server).await.create(None).await;
        for _ in 0..20 {
            let mut guest = host.admit_from(&server).await;
            guest.client.say(ClientMessage::Leave).await;
            assert!(matches!(host.client.hear().await, ServerMessage::MemberLeft { lost: false, .. }));
        }
        eventually(async || metrics().await.contains(r#"refusals_total{code="too-many-messages"}"#)).await;
    };
    tokio::select! {
        _ = async { tokio::join!(honest, slow) } => {}
        () = flood => {}
    }
    // Nothing waits for those who were cut off.
    eventually(async || outbox_bytes(&server).await == 0).await;
}

async fn outbox_bytes(server: &privydrop_signal::server::Running) -> usize {
    let metrics = crate::web::get(server, "/metrics", &[]).await.body;
    let waiting = metrics.lines().find_map(|line| line.strip_prefix("privydrop_outbox_bytes "));
    waiting.unwrap().parse().unwrap()
}

#[tokio::test]
async fn sockets_that_come_and_go_leave_nothing_behind() {
    let server = server(&[]).await;
    for _ in 0..20 {
        drop(Client::hello(&server).await.create(None).await);
    }
    eventually(async || crate::web::get(&server, "/metrics", &[]).await.body.contains("privydrop_sockets 0"))
        .await;
}
