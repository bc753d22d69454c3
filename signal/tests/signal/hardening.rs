//! Bad inputs and attacks: each is refused by name, the server stays up, other rooms are undisturbed.

use std::time::Duration;

use futures_util::SinkExt;
use privydrop_common::signaling::{ClientMessage, MAX_BODY, MAX_FRAME, Refusal, ServerMessage};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::support::{Client, paced, relay, server};

#[tokio::test]
async fn what_is_not_a_message_is_refused_by_name_and_the_socket_lives_on() {
    let server = server(&["--message-burst", "1000"]).await;
    let mut bystander = Client::hello(&server).await.create(None).await;
    let mut client = Client::hello(&server).await;
    let deep = format!(r#"{{"relay":{{"to":{}"#, "[".repeat(5_000));
    let long =
        format!(r#"{{"relay":{{"to":"0123456789abcdef","seq":0,"body":"{}"}}}}"#, "a".repeat(MAX_BODY + 1));
    for wrong in [
        "",
        "null",
        "[]",
        "-1",
        "{}",
        "hello",
        r#""hello""#,
        r#""dance""#,
        r#"{"dance":{}}"#,
        r#"{"hello":null}"#,
        r#"{"join":[]}"#,
        r#"{"join":{}}"#,
        r#"{"join":null}"#,
        r#"{"join":{"room":null}}"#,
        r#"{"join":{"room":["abc"]}}"#,
        r#"{"join":{"room":-5}}"#,
        r#"{"join":{"room":"abc","ticket":17}}"#,
        r#"{"join":{"room":"abc","extra":1}}"#,
        r#"{"join":{"room":"abc"},"leave":null}"#,
        r#"{"admit":{"member":"0123"}}"#,
        r#"{"relay":{}}"#,
        r#"{"relay":{"to":"0123456789abcdef","seq":-1,"body":""}}"#,
        r#"{"relay":{"to":"0123456789abcdef","seq":1.5,"body":""}}"#,
        r#"{"relay":{"to":"0123456789abcdef","seq":18446744073709551616,"body":""}}"#,
        r#"{"relay":{"to":"0123456789abcdef","seq":0,"body":null}}"#,
        r#"{"relay":{"to":"0123456789abcdef","seq":0,"body":"<svg>"}}"#,
        r#"{"sharing":{"on":"yes"}}"#,
        &deep,
        &long,
    ] {
        client.say_raw(wrong).await;
        client.hear_refused(Refusal::BadMessage).await;
    }
    client.socket.send(Message::binary(vec![0, 1, 2])).await.unwrap();
    client.hear_refused(Refusal::BadMessage).await;
    client.create(None).await;
    bystander.client.hear_nothing().await;
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_no_names() {
    let server = server(&[]).await;
    let mut client = Client::hello(&server).await;
    for name in [
        "room:{x}",
        "a\\nb\\nc",
        "abc\\u0000",
        "../..",
        "privydrop:node:1",
        "*",
        "a b c",
        "räume",
        "\\u202eabc",
    ] {
        client.say_raw(&format!(r#"{{"create":{{"name":"{name}"}}}}"#)).await;
        client.hear_refused(Refusal::BadMessage).await;
    }
}

#[tokio::test]
async fn a_message_before_hello_and_another_version_end_the_socket() {
    let server = server(&[]).await;
    let mut early = Client::open(&server).await;
    early.say(ClientMessage::Create { name: None, ticket: None }).await;
    early.hear_refused(Refusal::HelloMissing).await;
    early.hear_end().await;
    let mut foreign = Client::open(&server).await;
    foreign.say(ClientMessage::Hello { protocol: 99 }).await;
    foreign.hear_refused(Refusal::UnsupportedVersion).await;
    foreign.hear_end().await;
}

#[tokio::test]
async fn a_socket_that_never_says_hello_is_ended() {
    let server = server(&["--hello-seconds", "0.05"]).await;
    let mut silent = Client::open(&server).await;
    silent.hear_refused(Refusal::HelloMissing).await;
    silent.hear_end().await;
}

#[tokio::test]
async fn a_silent_socket_is_dropped_and_its_room_hears_of_it() {
    let server = paced(&[], |pace| {
        pace.ping = Duration::from_millis(50);
        pace.silence = Duration::from_secs(2);
    })
    .await;
    let mut host = Client::hello(&server).await.create(None).await;
    // A socket that is never read answers no ping; the host's own is read by `hear`.
    let silent = host.admit_from(&server).await;
    let lost = ServerMessage::MemberLeft { member: silent.member, lost: true };
    assert_eq!(host.client.hear().await, lost);
}

#[tokio::test]
async fn an_oversized_frame_is_refused_before_it_is_taken_in() {
    let server = server(&[]).await;
    let mut client = Client::hello(&server).await;
    // Ten megabytes are announced; the server says no long before they could have arrived.
    let _ = client.socket.send(Message::text(" ".repeat(10 * 1024 * 1024))).await;
    client.hear_refused(Refusal::TooLarge).await;
    client.hear_end().await;
}

#[tokio::test]
async fn a_message_in_fragments_is_put_together_and_a_flood_of_them_is_refused() {
    let server = server(&["--message-burst", "1000"]).await;
    let mut client = Client::hello(&server).await;
    let (head, tail) = (r#"{"cre"#, r#"ate":{}}"#);
    fragment(&mut client, head, OpCode::Data(Data::Text), false).await.unwrap();
    fragment(&mut client, tail, OpCode::Data(Data::Continue), true).await.unwrap();
    assert!(matches!(client.hear().await, ServerMessage::Created { .. }));

    fragment(&mut client, "{", OpCode::Data(Data::Text), false).await.unwrap();
    let part = " ".repeat(MAX_FRAME / 4);
    for _ in 0..8 {
        if fragment(&mut client, &part, OpCode::Data(Data::Continue), false).await.is_err() {
            break;
        }
    }
    client.hear_refused(Refusal::TooLarge).await;
    client.hear_end().await;
}

#[tokio::test]
async fn fragments_out_of_order_end_the_socket() {
    let server = server(&[]).await;
    let mut client = Client::hello(&server).await;
    fragment(&mut client, "x", OpCode::Data(Data::Continue), true).await.unwrap();
    client.hear_refused(Refusal::BadMessage).await;
    client.hear_end().await;
}

async fn fragment(client: &mut Client, text: &str, code: OpCode, last: bool) -> Result<(), Error> {
    let frame = Frame::message(text.to_owned().into_bytes(), code, last);
    client.socket.send(Message::Frame(frame)).await
}

#[tokio::test]
async fn text_that_is_no_text_ends_the_socket() {
    let server = server(&[]).await;
    let mut client = Client::hello(&server).await;
    let frame = Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true);
    client.socket.send(Message::Frame(frame)).await.unwrap();
    client.hear_refused(Refusal::BadMessage).await;
    client.hear_end().await;
}

#[tokio::test]
async fn floods_of_messages_pings_and_empty_fragments_end_the_socket() {
    let server = server(&["--message-rate", "1", "--message-burst", "10"]).await;
    let part = |data| Message::Frame(Frame::message(Vec::new(), OpCode::Data(data), false));
    let share = Message::text(r#"{"sharing":{"on":true}}"#);
    let floods = [Message::Ping(Vec::new().into()), share, part(Data::Continue)];
    for flood in floods {
        let mut client = Client::hello(&server).await;
        if flood == part(Data::Continue) {
            client.socket.send(part(Data::Text)).await.unwrap();
        }
        for _ in 0..20 {
            if client.socket.send(flood.clone()).await.is_err() {
                break;
            }
        }
        let mut refused = 0;
        let last = loop {
            match client.hear().await {
                ServerMessage::Refused { code: Refusal::NotMember, .. } => refused += 1,
                ServerMessage::Refused { code, .. } => break code,
                other => panic!("{other:?}"),
            }
        };
        assert!(refused < 10 && last == Refusal::TooManyMessages, "{refused} {last:?}");
        client.hear_end().await;
    }
}

#[tokio::test]
async fn relays_reach_only_the_own_room_and_the_sender_is_stamped() {
    let server = server(&[]).await;
    let mut host = Client::hello(&server).await.create(None).await;
    let mut guest = host.admit_from(&server).await;
    let mut other = Client::hello(&server).await.create(None).await;

    other.relay(host.member, "injected").await;
    other.client.hear_refused(Refusal::PeerUnknown).await;
    let mut outsider = Client::hello(&server).await;
    outsider.say(relay(host.member, "injected")).await;
    outsider.hear_refused(Refusal::NotMember).await;
    let mut knocker = Client::hello(&server).await;
    let knocking = knocker.knock(&host.room).await;
    assert_eq!(host.client.hear().await, ServerMessage::Knock { member: knocking });
    knocker.say(relay(guest.member, "injected")).await;
    knocker.hear_refused(Refusal::PeerUnknown).await;
    guest.relay(knocking, "injected").await;
    guest.client.hear_refused(Refusal::PeerUnknown).await;

    let (to, from) = (guest.member, other.member);
    host.client.say_raw(&format!(r#"{{"relay":{{"from":"{from}","to":"{to}","seq":1,"body":"x"}}}}"#)).await;
    host.client.hear_refused(Refusal::BadMessage).await;
    host.relay(guest.member, "real").await;
    assert!(matches!(guest.client.hear().await, ServerMessage::Relay { from, .. } if from == host.member));
}

#[tokio::test]
async fn guests_and_outsiders_cannot_do_what_only_the_host_may() {
    let server = server(&[]).await;
    let mut host = Client::hello(&server).await.create(None).await;
    let mut guest = host.admit_from(&server).await;
    let mut knocker = Client::hello(&server).await;
    let member = knocker.knock(&host.room).await;
    guest.client.say(ClientMessage::Admit { member }).await;
    guest.client.hear_refused(Refusal::NotHost).await;
    for (wrong, code) in [
        (ClientMessage::Admit { member }, Refusal::NotMember),
        (ClientMessage::Sharing { on: true }, Refusal::NotMember),
        (ClientMessage::Join { room: host.room.clone(), ticket: None }, Refusal::OutOfPlace),
    ] {
        knocker.say(wrong).await;
        knocker.hear_refused(code).await;
    }
}

#[tokio::test]
async fn foreign_pages_cannot_open_a_socket() {
    let server = server(&["--allow-origin", "https://drop.example"]).await;
    let own = format!("http://{}", server.address);
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        let refused = Client::open_with(&server, &[("origin", origin)]).await;
        assert!(matches!(refused, Err(Error::Http(response)) if response.status() == 403), "{origin}");
    }
    for origin in [&own, "https://drop.example", "tauri://localhost", "http://localhost:8081"] {
        assert!(Client::open_with(&server, &[("origin", origin)]).await.is_ok(), "{origin}");
    }
}

#[tokio::test]
async fn enumerating_rooms_is_slowed_down_and_told_when_to_go_on() {
    let server = server(&["--misses-per-minute", "3"]).await;
    let host = Client::hello(&server).await.create(None).await;
    let mut guesser = Client::hello(&server).await;
    for guess in 0..3 {
        guesser
            .say(ClientMessage::Join { room: format!("guess-{guess}").parse().unwrap(), ticket: None })
            .await;
        guesser.hear_refused(Refusal::RoomUnknown).await;
    }
    // From now on a room that exists and one that does not give the same answer.
    for room in [host.room, "guess-4".parse().unwrap()] {
        guesser.say(ClientMessage::Join { room, ticket: None }).await;
        let wait = guesser.hear_refused(Refusal::RateLimited).await;
        assert!(wait.is_some_and(|seconds| (1..=20).contains(&seconds)), "{wait:?}");
    }
}

#[tokio::test]
async fn making_rooms_is_limited() {
    let server = server(&["--creates-per-minute", "2"]).await;
    for _ in 0..2 {
        Client::hello(&server).await.create(None).await;
    }
    let mut third = Client::hello(&server).await;
    third.say(ClientMessage::Create { name: None, ticket: None }).await;
    third.hear_refused(Refusal::RateLimited).await;
}

#[tokio::test]
async fn a_stranger_cannot_escape_its_limit_by_naming_another_address() {
    let server = server(&["--creates-per-minute", "1"]).await;
    let refusals = create_as(&server, &["192.0.2.1", "192.0.2.2"]).await;
    assert_eq!(refusals, [None, Some(Refusal::RateLimited)]);
}

#[tokio::test]
async fn behind_a_trusted_proxy_every_client_has_its_own_limit() {
    let server = server(&["--creates-per-minute", "1", "--trusted-proxy", "127.0.0.0/8"]).await;
    let refusals = create_as(&server, &["192.0.2.1", "192.0.2.2", "6.6.6.6, 192.0.2.1"]).await;
    assert_eq!(refusals, [None, None, Some(Refusal::RateLimited)]);
}

async fn create_as(server: &privydrop_signal::server::Running, addresses: &[&str]) -> Vec<Option<Refusal>> {
    let mut refusals = Vec::new();
    for address in addresses {
        let mut client = Client::hello_from(server, address).await;
        client.say(ClientMessage::Create { name: None, ticket: None }).await;
        refusals.push(match client.hear().await {
            ServerMessage::Refused { code, .. } => Some(code),
            _ => None,
        });
    }
    refusals
}
