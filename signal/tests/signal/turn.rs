//! Relays of a real coturn: who gets one, for how long, and where it leads.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use privydrop_common::signaling::{ClientMessage, IceServer, Refusal, ServerMessage};
use privydrop_common::time::Moment;
use privydrop_signal::store::memory::Memory;
use privydrop_signal::turn::client::TurnError;
use tokio::net::UdpSocket;

use crate::coturn::{Coturn, SECRET};
use crate::support::{Client, node_with, server};

fn now() -> Moment {
    Moment::default() + SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

fn code<T>(result: Result<T, TurnError>) -> u16 {
    match result {
        Err(TurnError::Refused { code, .. }) => code,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was not refused"),
    }
}

#[tokio::test]
async fn what_a_member_is_told_opens_a_relay_and_datagrams_go_both_ways() {
    let coturn = Coturn::open().await;
    let server = server(&["--turn-url", &coturn.url(), "--turn-secret-file", &coturn.secret_file()]).await;
    let mut client = Client::hello(&server).await;
    client.say(ClientMessage::Create { name: None, ticket: None }).await;
    let ServerMessage::Created { ice, .. } = client.hear().await else { panic!() };
    let (username, credential) = (ice[0].username.as_deref().unwrap(), ice[0].credential.as_deref().unwrap());
    for way in ["udp", "tcp"] {
        let mut relay = coturn.relay_with(way, username, credential).await.unwrap();
        let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = peer.local_addr().unwrap();
        relay.permit(address).await.unwrap();
        relay.send(address, b"there").await.unwrap();
        let mut heard = [0; 16];
        let (length, from) = peer.recv_from(&mut heard).await.unwrap();
        assert_eq!((&heard[..length], from), (&b"there"[..], relay.address()));
        peer.send_to(b"and back", from).await.unwrap();
        assert_eq!(relay.receive().await.unwrap(), (address, b"and back".to_vec()));
        relay.release().await.unwrap();
    }
}

#[tokio::test]
async fn expired_foreign_and_forged_credentials_open_nothing() {
    let coturn = Coturn::open().await;
    assert!(coturn.relay("udp", SECRET, now()).await.is_ok());
    let expired = Moment::from_millis(now().as_millis() - 2 * 60 * 60 * 1000);
    assert_eq!(code(coturn.relay("udp", SECRET, expired).await), 401);
    assert_eq!(code(coturn.relay("udp", "south", now()).await), 401, "another server's");
    let in_a_year = format!("{}:0123456789abcdef", now().as_millis() / 1000 + 365 * 24 * 60 * 60);
    assert_eq!(code(coturn.relay_with("udp", &in_a_year, "bngP3/mBcA7mmNEkXzWoYpHypng=").await), 401);
}

#[tokio::test]
async fn a_relay_leads_to_no_address_inside() {
    let coturn = Coturn::closed("relay-ip=127.0.0.1").await;
    let mut relay = coturn.relay("udp", SECRET, now()).await.unwrap();
    for inside in [
        "127.0.0.1:80",
        "127.8.8.8:80",
        "0.0.0.1:80",
        "10.1.2.3:80",
        "172.31.0.1:80",
        "192.168.1.1:80",
        "169.254.169.254:80",
        "100.64.0.1:80",
        "192.0.2.1:80",
        "198.18.0.1:80",
        "224.0.0.1:80",
        "255.255.255.255:80",
    ] {
        assert_eq!(code(relay.permit(inside.parse().unwrap()).await), 403, "{inside}");
    }
    // A relay of IPv4 takes no peer of IPv6, however it is written.
    for inside in ["[::1]:80", "[::ffff:127.0.0.1]:80", "[64:ff9b::7f00:1]:80", "[fd00::1]:80"] {
        let code = code(relay.permit(inside.parse().unwrap()).await);
        assert!([403, 443].contains(&code), "{inside}: {code}");
    }
    relay.permit("8.8.8.8:53".parse().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_relay_of_ipv6_leads_to_no_address_inside_either() {
    let settings = "relay-ip=::1\nallocation-default-address-family=ipv6";
    let coturn = Coturn::closed(settings).await;
    let mut relay = coturn.relay("udp", SECRET, now()).await.unwrap();
    assert!(relay.address().is_ipv6());
    for inside in [
        "[::1]:80",
        "[::]:80",
        "[::ffff:10.0.0.1]:80",
        "[::ffff:127.0.0.1]:80",
        "[64:ff9b::a00:1]:80",
        "[2002:a00:1::]:80",
        "[fd00::1]:80",
        "[fe80::1]:80",
        "[ff02::1]:80",
    ] {
        assert_eq!(code(relay.permit(inside.parse().unwrap()).await), 403, "{inside}");
    }
    relay.permit("[2606:4700::1111]:53".parse().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_member_who_stays_gets_fresh_credentials_by_asking_and_nobody_asks_without_end() {
    let coturn = Coturn::open().await;
    let server = server(&["--turn-url", &coturn.url(), "--turn-secret-file", &coturn.secret_file()]).await;
    let mut host = Client::hello(&server).await.create(None).await;
    host.client.say(ClientMessage::Ice).await;
    let ServerMessage::Ice { ice } = host.client.hear().await else { panic!() };
    let (username, credential) = (ice[0].username.as_deref().unwrap(), ice[0].credential.as_deref().unwrap());
    assert!(coturn.relay_with("udp", username, credential).await.is_ok());
    let refused = loop {
        host.client.say(ClientMessage::Ice).await;
        match host.client.hear().await {
            ServerMessage::Ice { .. } => {}
            other => break other,
        }
    };
    let ServerMessage::Refused { code, retry_after, .. } = refused else { panic!("{refused:?}") };
    assert_eq!((code, retry_after), (Refusal::RateLimited, Some(5)));
}

#[tokio::test]
async fn one_address_is_one_user_of_the_relay_however_many_members_it_is() {
    let home = tempfile::tempdir().unwrap();
    let (secret, key) = (home.path().join("secret"), home.path().join("key"));
    std::fs::write(&secret, SECRET).unwrap();
    std::fs::write(&key, [7; 32]).unwrap();
    let [secret, key] = [&secret, &key].map(|path| path.to_str().unwrap());
    let flags =
        ["--turn-url", "turn:turn.example:3478", "--turn-secret-file", secret, "--ticket-key-file", key];
    let flags = [&flags[..], &["--trusted-proxy", "127.0.0.0/8"]].concat();
    let store = Arc::new(Memory::default());
    let (near, far) = (node_with(&flags, store.clone()).await, node_with(&flags, store).await);
    let user = |ice: &[IceServer]| ice[0].username.as_deref().unwrap().split_once(':').unwrap().1.to_owned();
    let from = Client::hello_from;

    let mut host = from(&near, "192.0.2.1").await;
    host.say(ClientMessage::Create { name: None, ticket: None }).await;
    let ServerMessage::Created { room, ice, .. } = host.hear().await else { panic!() };
    let hosts = user(&ice);
    for (address, is_hosts) in [("192.0.2.1", true), ("192.0.2.2", false)] {
        let mut guest = from(&far, address).await;
        guest.say(ClientMessage::Join { room: room.clone(), ticket: None }).await;
        let ServerMessage::Knocking { member, ice, .. } = guest.hear().await else { panic!() };
        let knockers = user(&ice);
        while host.hear().await != (ServerMessage::Knock { member }) {}
        // Another node than its own lets it in.
        host.say(ClientMessage::Admit { member }).await;
        let ServerMessage::Joined { ice, .. } = guest.hear().await else { panic!() };
        guest.say(ClientMessage::Ice).await;
        let ServerMessage::Ice { ice: fresh } = guest.hear().await else { panic!() };
        assert_eq!([user(&ice), user(&fresh)], [&knockers; 2].map(Clone::clone));
        assert_eq!(knockers == hosts, is_hosts);
    }
}

#[tokio::test]
async fn who_is_not_let_to_a_door_is_told_of_no_relay() {
    let coturn = Coturn::open().await;
    let server = server(&["--turn-url", &coturn.url(), "--turn-secret-file", &coturn.secret_file()]).await;
    let mut client = Client::open(&server).await;
    client.say(ClientMessage::Hello { protocol: 1 }).await;
    let mut heard = vec![client.hear().await];
    client.say(ClientMessage::Join { room: "no-such-room".parse().unwrap(), ticket: None }).await;
    heard.push(client.hear().await);
    assert!(heard.iter().all(|message| !message.to_text().contains("credential")), "{heard:?}");
}
