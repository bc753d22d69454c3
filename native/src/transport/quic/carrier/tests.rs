//! Two carriers, each with a socket of its own, over this machine's own network.

use std::future::poll_fn;
use std::io::IoSliceMut;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use bytes::Bytes;
use privydrop_common::transport::{Happened, Lane};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta};

use super::*;
use crate::transport::quic::way::Sharing;

const LONGEST: usize = 200_000;
const WINDOW: u32 = 256 * 1024;
/// What the stack sends as DTLS, so that the way is known.
const DTLS: &[u8] = &[22, 0, 0];

/// One end: what it shares with a link, and the stack's side of its socket.
struct Here {
    quic: Quic,
    shared: Arc<Shared>,
    socket: Arc<Sharing>,
    udp: Arc<Udp>,
    /// Nothing that comes is heard.
    is_deaf: Arc<AtomicBool>,
}

impl Here {
    fn new() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (quic, udp) = (Quic::new().unwrap(), Arc::new(Udp::new(socket).unwrap()));
        let stack = Arc::clone(&udp) as Arc<dyn AsyncUdpSocket>;
        let socket = Arc::new(Sharing::new(stack, Arc::clone(&udp), Arc::clone(&quic.way)));
        let shared = Arc::new(Shared::default());
        shared.open(LONGEST, LONGEST);
        Self { quic, shared, socket, udp, is_deaf: Arc::default() }
    }

    fn fingerprint(&self) -> Fingerprint {
        let certificate = self.quic.identity.certificate();
        Fingerprint(Sha256::digest(&certificate.dtls_certificate.certificate[0]).into())
    }

    /// The stack reads, and sees nothing of QUIC.
    fn read(&self) -> JoinHandle<()> {
        let (socket, udp) = (Arc::clone(&self.socket), Arc::clone(&self.udp));
        let is_deaf = Arc::clone(&self.is_deaf);
        tokio::spawn(async move {
            let mut buffer = vec![0; 100_000];
            loop {
                let mut meta = [RecvMeta::default()];
                let deaf = poll_fn(|cx| {
                    let (deaf, buffers) =
                        (is_deaf.load(Ordering::Relaxed), &mut [IoSliceMut::new(&mut buffer)]);
                    let came = if deaf {
                        udp.poll_recv(cx, buffers, &mut meta)
                    } else {
                        socket.poll_recv(cx, buffers, &mut meta)
                    };
                    came.map(|came| came.map(|_| deaf))
                });
                assert!(deaf.await.unwrap() || buffer[..meta[0].len] == *DTLS);
            }
        })
    }

    async fn lead_to(&self, peer: &Self) {
        let peer = peer.udp.local_addr().unwrap();
        self.socket.send_to(DTLS, peer).await.unwrap();
    }

    fn carry(&self, side: Side, peer: Fingerprint, longest: usize) -> JoinHandle<()> {
        let carrier = Carrier::new(&self.quic, (side, peer), &self.shared, (longest, WINDOW)).unwrap();
        tokio::spawn(carrier.run())
    }

    async fn happened(&self) -> Happened {
        poll_fn(|cx| self.shared.poll(cx)).await
    }

    async fn end(&self) -> Closed {
        loop {
            if let Happened::Closed(why) = self.happened().await {
                return why;
            }
        }
    }

    /// Waits until QUIC has taken over.
    async fn handed_over(&self) {
        while !self.shared.is_handed_over() {
            tokio::task::yield_now().await;
        }
    }
}

async fn sides() -> [Here; 2] {
    let sides = [Here::new(), Here::new()];
    sides[0].lead_to(&sides[1]).await;
    sides[1].lead_to(&sides[0]).await;
    sides.iter().for_each(|side| drop(side.read()));
    sides
}

/// Two ends, of which the one that is called takes frames of `longest` bytes; QUIC has taken over at both.
async fn joined(longest: usize) -> [Here; 2] {
    let [calling, called] = sides().await;
    calling.carry(Side::Calling, called.fingerprint(), LONGEST);
    called.carry(Side::Called, calling.fingerprint(), longest);
    calling.handed_over().await;
    called.handed_over().await;
    [calling, called]
}

#[tokio::test]
async fn frames_of_any_length_go_both_ways_whole_and_in_order() {
    let [calling, called] = joined(LONGEST).await;
    for (from, to) in [(&calling, &called), (&called, &calling)] {
        for length in [0, 1, 5_000, LONGEST] {
            from.shared.send(Lane::Data, Bytes::from(vec![7; length]));
        }
        let mut lengths = Vec::new();
        while lengths.len() < 4 {
            if let Happened::Frame(Lane::Data, frame) = to.happened().await {
                assert!(frame.iter().all(|byte| *byte == 7));
                lengths.push(frame.len());
            }
        }
        assert_eq!(lengths, [0, 1, 5_000, LONGEST]);
        assert_eq!((from.shared.carried()[1], to.shared.carried()[0]), (4, 4));
    }
}

#[tokio::test]
async fn a_frame_longer_than_was_allowed_ends_the_link() {
    let [calling, called] = joined(LONGEST - 1).await;
    calling.shared.send(Lane::Data, Bytes::from(vec![0; LONGEST]));
    assert_eq!(called.end().await, Closed::Violation);
}

#[tokio::test]
async fn another_certificate_than_the_one_described_is_taken_by_neither_side_and_the_link_goes_on() {
    for wrong in 0..2 {
        let [calling, called] = sides().await;
        let stranger = Here::new().fingerprint();
        let expected = |side: &Here, number| if wrong == number { stranger } else { side.fingerprint() };
        let caller = calling.carry(Side::Calling, expected(&called, 0), LONGEST);
        let _called = called.carry(Side::Called, expected(&calling, 1), LONGEST);
        // The side that calls tries a few times, as ICE connects again and again.
        while !caller.is_finished() {
            calling.quic.way.connected();
            tokio::task::yield_now().await;
        }
        for side in [&calling, &called] {
            assert!(!side.shared.is_handed_over());
            assert_eq!(side.happened().await, Happened::Open { max_frame: LONGEST });
            let silent = poll_fn(|cx| Poll::Ready(side.shared.poll(cx))).await;
            assert_eq!(silent, Poll::Pending);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_knows_no_quic_hears_a_few_datagrams_and_then_nothing() {
    let [calling, called] = sides().await;
    called.quic.way.leave();
    drop(called);
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    silent.set_nonblocking(true).unwrap();
    calling.socket.send_to(DTLS, silent.local_addr().unwrap()).await.unwrap();
    let caller = calling.carry(Side::Calling, Fingerprint([0; 32]), LONGEST);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!caller.is_finished(), "it may be asked again");
    let (mut buffer, mut heard) = ([0; 2_000], 0);
    while let Ok(length) = silent.recv(&mut buffer) {
        heard += usize::from(buffer[..length] != *DTLS);
    }
    assert!((1..=10).contains(&heard), "{heard}");
}

#[tokio::test]
async fn a_path_through_a_relay_ends_a_link_whose_frames_went_without_one() {
    let [calling, called] = joined(LONGEST).await;
    // DTLS in a message of a TURN channel.
    let server = called.udp.local_addr().unwrap();
    calling.socket.send_to(&[0x40, 0, 0, 3, 22, 0, 0, 0], server).await.unwrap();
    assert_eq!(calling.end().await, Closed::NoPath);
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_into_a_silence_arrives_when_it_is_over() {
    let [calling, called] = joined(LONGEST).await;
    called.is_deaf.store(true, Ordering::Relaxed);
    for _ in 0..5 {
        calling.shared.send(Lane::Data, Bytes::from(vec![7; LONGEST]));
    }
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert_eq!(called.shared.carried()[0], 0);
    called.is_deaf.store(false, Ordering::Relaxed);
    let mut arrived = 0;
    while arrived < 5 {
        if let Happened::Frame(Lane::Data, frame) = called.happened().await {
            assert_eq!(frame.len(), LONGEST);
            arrived += 1;
        }
    }
}
