//! The shim against a server made by hand, over a real stream.

use std::future::poll_fn;
use std::io::IoSliceMut;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Runtime, TokioRuntime};

use super::frames::Splitter;
use super::socket::is_turn;
use super::*;

fn udp() -> Arc<dyn AsyncUdpSocket> {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    TokioRuntime.wrap_udp_socket(socket).unwrap()
}

/// Where the stack would send datagrams for this URL.
fn address(relays: &Relays, url: &str) -> SocketAddr {
    let told = relays.for_stack(url).unwrap();
    told.strip_prefix("turn:").unwrap().strip_suffix("?transport=udp").unwrap().parse().unwrap()
}

async fn receive(socket: &RelaySocket) -> (SocketAddr, Vec<u8>) {
    let (mut buffer, mut meta) = ([0; 2_000], [RecvMeta::default()]);
    poll_fn(|cx| socket.poll_recv(cx, &mut [IoSliceMut::new(&mut buffer)], &mut meta)).await.unwrap();
    (meta[0].addr, buffer[..meta[0].len].to_vec())
}

async fn server_and_relays() -> (TcpListener, Arc<Relays>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relays = Arc::new(Relays::default());
    let url = format!("turn:127.0.0.1:{}?transport=tcp", listener.local_addr().unwrap().port());
    let alias = address(&relays, &url);
    (listener, relays, alias)
}

async fn message(stream: &mut TcpStream, splitter: &mut Splitter) -> Option<Vec<u8>> {
    loop {
        if let Some(message) = splitter.next().unwrap() {
            return Some(message.to_vec());
        }
        if stream.read_buf(&mut splitter.buffer).await.unwrap() == 0 {
            return None;
        }
    }
}

fn allocate(transaction: u8) -> Vec<u8> {
    [&[0, 3, 0, 0, 0x21, 0x12, 0xA4, 0x42][..], &[transaction; 12]].concat()
}

const DATA: [u8; 7] = [0x40, 0, 0, 3, b'a', b'b', b'c'];

#[tokio::test]
async fn messages_go_to_the_server_and_back_and_other_datagrams_go_their_own_way() {
    let (listener, relays, alias) = server_and_relays().await;
    let socket = RelaySocket::new(udp(), relays);
    socket.send_to(&allocate(1), alias).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    let mut splitter = Splitter::default();
    assert_eq!(message(&mut server, &mut splitter).await, Some(allocate(1)));
    // Neither is for the server: a check of ICE, and a packet of a peer's.
    socket.send_to(&[&[0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42][..], &[5; 12]].concat(), alias).await.unwrap();
    socket.send_to(&[22; 100], alias).await.unwrap();
    socket.send_to(&DATA, alias).await.unwrap();
    assert_eq!(message(&mut server, &mut splitter).await, Some(DATA.to_vec()));

    server.write_all(&[&DATA[..], &[0], &allocate(2)].concat()).await.unwrap();
    assert_eq!(receive(&socket).await, (alias, DATA.to_vec()));
    assert_eq!(receive(&socket).await, (alias, allocate(2)));

    let (other, own) = (udp(), socket.local_addr().unwrap());
    socket.send_to(b"straight", other.local_addr().unwrap()).await.unwrap();
    let mut buffer = [0; 100];
    assert_eq!(other.recv_from(&mut buffer).await.unwrap(), (8, own));
    other.send_to(b"back", own).await.unwrap();
    assert_eq!(receive(&socket).await, (other.local_addr().unwrap(), b"back".to_vec()));
}

#[tokio::test]
async fn what_was_said_before_the_socket_went_still_arrives_and_then_the_stream_ends() {
    let (listener, relays, alias) = server_and_relays().await;
    let socket = RelaySocket::new(udp(), relays);
    for transaction in 1..=3 {
        socket.send_to(&allocate(transaction), alias).await.unwrap();
    }
    drop(socket);
    let (mut server, _) = listener.accept().await.unwrap();
    let mut splitter = Splitter::default();
    for transaction in 1..=3 {
        assert_eq!(message(&mut server, &mut splitter).await, Some(allocate(transaction)));
    }
    assert_eq!(message(&mut server, &mut splitter).await, None);
}

#[tokio::test]
async fn one_socket_of_a_link_has_the_stream_and_the_next_one_may_once_it_is_gone() {
    let (listener, relays, alias) = server_and_relays().await;
    let first = RelaySocket::new(udp(), Arc::clone(&relays));
    let second = RelaySocket::new(udp(), relays);
    first.send_to(&DATA, alias).await.unwrap();
    assert!(second.send_to(&DATA, alias).await.is_err());
    let (server, _) = listener.accept().await.unwrap();
    // The server gave up: a new stream would be worth nothing to the same socket.
    drop(server);
    while first.send_to(&DATA, alias).await.is_ok() {
        tokio::task::yield_now().await;
    }
    drop(first);
    second.send_to(&DATA, alias).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    assert_eq!(message(&mut server, &mut Splitter::default()).await, Some(DATA.to_vec()));
}

#[tokio::test]
async fn a_stream_that_takes_nothing_costs_datagrams_and_never_memory_or_time() {
    let (listener, relays, alias) = server_and_relays().await;
    let socket = RelaySocket::new(udp(), relays);
    let longest = [&[0x40, 0, 0x04, 0x4C][..], &[7; 1_100]].concat();
    for _ in 0..50_000 {
        socket.send_to(&longest, alias).await.unwrap();
    }
    let (mut server, _) = listener.accept().await.unwrap();
    drop(socket);
    let (mut splitter, mut arrived) = (Splitter { buffer: BytesMut::new() }, 0);
    while let Some(message) = message(&mut server, &mut splitter).await {
        assert_eq!(message, longest);
        arrived += 1;
    }
    assert!(arrived > 0 && arrived < 50_000, "{arrived}");
}

#[test]
fn only_servers_that_need_a_stream_get_another_name_and_each_gets_one() {
    let relays = Relays::default();
    for url in ["stun:192.0.2.1:3478", "turn:192.0.2.1", "turn:192.0.2.1?transport=udp"] {
        assert_eq!(relays.for_stack(url).as_deref(), Some(url));
    }
    let tcp = relays.for_stack("turn:turn.example?transport=tcp");
    assert_eq!(tcp.as_deref(), Some("turn:240.0.0.1:3478?transport=udp"));
    assert_eq!(relays.for_stack("turn:turn.example:3478?transport=tcp"), tcp);
    let tls = relays.for_stack("turns:turn.example");
    assert_eq!(tls.as_deref(), Some("turn:240.0.0.2:3478?transport=udp"));
    assert_eq!(relays.for_stack("turns:turn.example:5349?transport=tcp"), tls);
    for url in ["turns:turn.example?transport=udp", "nonsense", "http://turn.example", ""] {
        assert_eq!(relays.for_stack(url), None, "{url}");
    }
    let many = (0..100).filter_map(|port| relays.for_stack(&format!("turns:[2001:db8::1]:{}", port + 1)));
    assert_eq!(many.count(), MAX_SERVERS - 2);

    let known = |text: &str| relays.knows(text.parse().unwrap());
    assert!(known("240.0.0.1:3478") && known("240.0.0.8:3478"));
    assert!(!known("240.0.0.9:3478") && !known("240.0.0.0:3478") && !known("240.0.0.1:3479"));
    assert!(!known("192.0.2.1:3478") && !known("[::1]:3478"));
}

#[test]
fn a_stream_lets_datagrams_go_first_where_both_are_offered() {
    let relays = Relays::default();
    let alias = address(&relays, "turns:[2001:db8::1]:443");
    let server = Server { host: "2001:db8::1".into(), port: 443, secure: true };
    assert_eq!(relays.claim(alias), Some((server.clone(), Duration::ZERO)));
    assert_eq!(relays.claim(alias), None);
    relays.release(alias);
    relays.for_stack("turn:turn.example");
    assert_eq!(relays.claim(alias), Some((server, HEAD_START)));
}

#[test]
fn a_link_that_speaks_with_a_relay_goes_round_twice_more_each_time_and_one_that_does_not_never() {
    let relays = Relays::default();
    assert!(!relays.go_round());
    relays.spoke();
    for _ in 0..QUIET {
        assert_eq!([(); 3].map(|()| relays.go_round()), [false, true, true]);
    }
    assert!(!relays.go_round() && !relays.go_round());
}

#[test]
fn what_is_said_to_a_relay_is_told_from_what_is_said_to_a_peer() {
    let stun = |kind: [u8; 2]| [&kind[..], &[0, 0, 0x21, 0x12, 0xa4, 0x42], &[7; 12]].concat();
    // Allocate, its success, Refresh, Send and Data indications, CreatePermission, the error of ChannelBind.
    for kind in [[0, 3], [1, 3], [0, 4], [0, 0x16], [0, 0x17], [0, 8], [1, 0x19]] {
        assert!(is_turn(&stun(kind)), "{kind:?}");
    }
    assert!(is_turn(&[0x40, 0, 0, 1, 9]));
    // Binding and its success, DTLS, nothing.
    for other in [stun([0, 1]), stun([1, 1]), vec![22, 254, 253, 0, 0, 0, 0, 0], vec![]] {
        assert!(!is_turn(&other), "{other:?}");
    }
    // Such a length can stand in DTLS as well, but not where STUN has its cookie.
    assert!(!is_turn(&[0, 3, 0, 0, 0, 0, 0, 0]));
}
