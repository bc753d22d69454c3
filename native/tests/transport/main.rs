//! Two links in one process, over real sockets: what the session relies on holds with the real WebRTC stack.

#![cfg(test)]

#[cfg(target_os = "linux")]
mod ipv6;
mod lanes;
mod pair;
mod quic;

use std::future::poll_fn;
use std::task::Poll;

use bytes::{Bytes, BytesMut};

use privydrop_common::sdp::Sdp;
use privydrop_common::transport::{Closed, HIGH_WATER, Happened, Lane, MAX_LANES, Route, Step, Transport};
use privydrop_common::wire::{MAX_FRAME, MIN_FRAME};
use privydrop_native::transport::{NativeTransport, WebRtc};
use tokio::runtime::Handle;

use pair::{Pair, Raw, either, end, happened, next_frame, open, pair, pair_without_quic, striped};
use quic::carried_pair;

const MIB: usize = 1024 * 1024;
/// Shorter than any maximum that is negotiated.
const FRAME: usize = 64 * 1024;

/// Bytes that differ from frame to frame and from side to side.
fn pattern(side: u8, number: usize, length: usize) -> Bytes {
    let mut hash = blake3::Hasher::new();
    hash.update(&[side]).update(&number.to_le_bytes());
    let mut frame = vec![0; length];
    hash.finalize_xof().fill(&mut frame);
    frame.into()
}

/// Sends `frames` frames by the rules of back-pressure while it takes as many; the hashes of both streams.
async fn exchange(
    transport: &mut NativeTransport,
    side: u8,
    frames: usize,
    length: usize,
) -> (blake3::Hash, blake3::Hash) {
    let (mut sent, mut received) = (blake3::Hasher::new(), blake3::Hasher::new());
    let (mut number, mut handed, mut taken) = (0, 0, 0);
    loop {
        while number < frames && handed < HIGH_WATER {
            let frame = pattern(side, number, length);
            sent.update(&frame);
            transport.send(Lane::Data, frame);
            (number, handed) = (number + 1, handed + length);
        }
        if number == frames && taken == frames {
            return (sent.finalize(), received.finalize());
        }
        match happened(transport).await {
            Happened::Drained(Lane::Data) => {
                assert!(handed >= HIGH_WATER, "drained after {handed} bytes");
                handed = 0;
            }
            Happened::Frame(Lane::Data, frame) => {
                received.update(&frame);
                taken += 1;
            }
            Happened::Path(_) | Happened::Candidate(_) | Happened::Lane(..) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_mebibytes_each_way_arrive_as_they_were_sent() {
    let Pair { mut caller, mut answerer, max_frame, .. } = pair_without_quic().await;
    assert!((MIN_FRAME..=MAX_FRAME).contains(&max_frame), "{max_frame}");
    let frames = 64 * MIB / max_frame;
    let other = tokio::spawn(async move {
        let hashes = exchange(&mut answerer, 2, frames, max_frame).await;
        (answerer, hashes)
    });
    let here = exchange(&mut caller, 1, frames, max_frame).await;
    let (_answerer, there) = other.await.unwrap();
    assert_eq!((here.0, here.1), (there.1, there.0));
}

#[tokio::test]
async fn a_lane_drains_once_for_each_full_amount_handed_over() {
    drains(pair_without_quic().await).await;
}

#[tokio::test]
async fn so_does_what_goes_over_quic() {
    drains(carried_pair().await).await;
}

#[tokio::test]
async fn so_does_one_queue_that_several_lanes_drain() {
    drains(striped(MAX_LANES).await).await;
}

async fn drains(Pair { mut caller, answerer, .. }: Pair) {
    let taking = tokio::spawn(async move {
        let mut answerer = answerer;
        while !matches!(happened(&mut answerer).await, Happened::Closed(_)) {}
    });
    for _ in 0..3 {
        for _ in 0..HIGH_WATER / FRAME {
            caller.send(Lane::Data, Bytes::from(vec![0; FRAME]));
        }
        while happened(&mut caller).await != Happened::Drained(Lane::Data) {}
        let again = poll_fn(|cx| Poll::Ready(caller.poll(cx))).await;
        assert!(!matches!(again, Poll::Ready(Happened::Drained(_))), "{again:?}");
    }
    caller.close();
    taking.await.unwrap();
}

#[tokio::test]
async fn a_close_is_seen_at_once_and_after_everything_that_was_sent_before() {
    let Pair { mut caller, mut answerer, .. } = pair().await;
    for number in 0..200_usize {
        caller.send(if number % 2 == 0 { Lane::Control } else { Lane::Data }, pattern(1, number, 300));
    }
    // The last frame is acknowledged, as the session does; only then is the link ended.
    for expected in 0..200 {
        let (lane, frame) = next_frame(&mut answerer).await;
        let in_order = (0..200).find(|number| frame == pattern(1, *number, 300)).unwrap();
        assert_eq!(lane, if in_order % 2 == 0 { Lane::Control } else { Lane::Data }, "{expected}");
    }
    answerer.send(Lane::Control, Bytes::from_static(b"goodbye"));
    answerer.close();
    drop(answerer);
    assert_eq!(next_frame(&mut caller).await, (Lane::Control, Bytes::from_static(b"goodbye")));
    assert_eq!(end(&mut caller).await, Closed::ByPeer);
    assert!(poll_fn(|cx| Poll::Ready(caller.poll(cx))).await.is_pending(), "nothing follows the end");
}

#[tokio::test]
async fn frames_are_told_with_their_lane_and_the_path_is_the_local_network() {
    let Pair { mut caller, mut answerer, max_frame, mut path } = pair().await;
    for (lane, length) in [(Lane::Control, 0), (Lane::Data, 1), (Lane::Control, 5), (Lane::Data, max_frame)] {
        caller.send(lane, pattern(1, length, length));
        assert_eq!(next_frame(&mut answerer).await, (lane, pattern(1, length, length)));
    }
    while path.is_none() {
        if let Happened::Path(told) = happened(&mut caller).await {
            path = Some(told);
        }
    }
    assert_eq!(path.map(|path| path.route), Some(Route::Lan));
}

#[tokio::test]
async fn a_frame_longer_than_the_peer_takes_is_a_violation() {
    let Pair { mut caller, .. } = pair().await;
    caller.send(Lane::Data, Bytes::from(vec![0; MAX_FRAME + 1]));
    assert_eq!(end(&mut caller).await, Closed::Violation);
}

#[tokio::test]
async fn a_channel_that_was_not_agreed_on_is_a_violation() {
    let (mut transport, raw) = Raw::pair().await;
    let _third = raw.connection.create_data_channel("third", None).await.unwrap();
    assert_eq!(end(&mut transport).await, Closed::Violation);
}

#[tokio::test]
async fn text_instead_of_bytes_is_a_violation() {
    let (mut transport, raw) = Raw::pair().await;
    raw.lanes[1].send_text("text").await.unwrap();
    assert_eq!(end(&mut transport).await, Closed::Violation);
}

#[tokio::test]
async fn a_message_longer_than_was_allowed_is_a_violation() {
    for lane in 0..2 {
        let (mut transport, raw) = Raw::pair().await;
        raw.lanes[lane].send(BytesMut::zeroed(MAX_FRAME)).await.unwrap();
        assert_eq!(end(&mut transport).await, Closed::Violation);
    }
}

#[tokio::test]
async fn a_connection_with_another_certificate_than_the_one_described_never_opens() {
    let rtc = WebRtc::new(Handle::current());
    let (mut caller, mut answerer) = (rtc.connect(&[]), rtc.connect(&[]));
    let forge = |step| match step {
        Step::Accept(answer) => {
            let told = answer.fingerprint().to_string();
            let other = format!("{}{}", if told.starts_with("00") { "11" } else { "00" }, &told[2..]);
            Step::Accept(Sdp::parse(&answer.as_str().replace(&told, &other)).unwrap())
        }
        step => step,
    };
    assert_eq!(open(&mut caller, &mut answerer, forge).await, None);
}

#[tokio::test]
async fn a_description_that_the_stack_cannot_use_ends_the_link() {
    let mut transport = WebRtc::new(Handle::current()).connect(&[]);
    let fingerprint = vec!["AB"; 32].join(":");
    let useless = format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 {fingerprint}\r\n\
         m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    );
    transport.negotiate(Step::Answer(Sdp::parse(&useless).unwrap()));
    assert_eq!(end(&mut transport).await, Closed::BadDescription);
}

#[test]
fn a_peer_that_vanishes_is_told_as_silence_and_then_as_a_lost_path() {
    let elsewhere =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let here = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    here.block_on(async {
        let mut caller = WebRtc::new(Handle::current()).connect(&[]);
        let mut answerer = WebRtc::new(elsewhere.handle().clone()).connect(&[]);
        open(&mut caller, &mut answerer, |step| step).await.unwrap();
        // Its tasks and sockets go without a word, as in a power cut.
        elsewhere.shutdown_background();
        // From here on nothing but time can happen, so half a minute takes no time.
        tokio::time::pause();
        while happened(&mut caller).await != Happened::Interrupted {}
        assert_eq!(end(&mut caller).await, Closed::NoPath);
        drop(answerer);
    });
}

#[tokio::test(start_paused = true)]
async fn a_link_that_may_only_use_a_relay_tells_no_address_and_ends_without_one() {
    for relay_only in 0..2 {
        let rtc = WebRtc::new(Handle::current());
        let mut ends = [rtc.connect(&[]), rtc.connect(&[])];
        ends[relay_only] = rtc.relay_only().connect(&[]);
        let [caller, answerer] = &mut ends;
        caller.negotiate(Step::Offer);
        let why = loop {
            let (number, news) = either(caller, answerer).await;
            let other = if number == 0 { &mut *answerer } else { &mut *caller };
            match news {
                Happened::Described(sdp) => {
                    if number == relay_only {
                        let lines = sdp.as_str().lines();
                        let told: Vec<&str> = lines.filter(|line| line.contains("candidate:")).collect();
                        assert_eq!(told, Vec::<&str>::new());
                        let address = sdp.as_str().lines().find(|line| line.starts_with("c=")).unwrap();
                        assert_eq!(address, "c=IN IP4 0.0.0.0");
                    }
                    other.negotiate(if number == 0 { Step::Answer(sdp) } else { Step::Accept(sdp) });
                }
                Happened::Candidate(own) if number == relay_only => panic!("{}", own.as_str()),
                Happened::Candidate(candidate) => other.negotiate(Step::Candidate(candidate)),
                Happened::Open { .. } => panic!("open without a relay"),
                Happened::Closed(why) => break why,
                _ => {}
            }
        };
        assert_eq!(why, Closed::NoPath);
    }
}

/// What names one round of ICE: another one has another (RFC 8839 §5.4).
fn ufrag(sdp: &Sdp) -> String {
    let found = sdp.as_str().lines().find_map(|line| line.strip_prefix("a=ice-ufrag:"));
    found.expect("a description names its round of ICE").to_owned()
}

#[tokio::test]
async fn an_ice_restart_keeps_the_link_and_its_lanes() {
    let rtc = WebRtc::new(Handle::current()).without_quic();
    let (mut caller, mut answerer) = (rtc.connect(&[]), rtc.connect(&[]));
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let note = |step: Step| {
        if let Step::Answer(sdp) | Step::Accept(sdp) = &step {
            first.push((ufrag(sdp), sdp.fingerprint()));
        }
        step
    };
    open(&mut caller, &mut answerer, note).await.expect("the links open");
    caller.negotiate(Step::Offer);
    caller.send(Lane::Data, Bytes::from_static(b"under way"));
    let mut arrived = Vec::new();
    while arrived.len() < 2 {
        let (number, news) = either(&mut caller, &mut answerer).await;
        let other = if number == 0 { &mut answerer } else { &mut caller };
        match news {
            Happened::Described(sdp) => {
                second.push((ufrag(&sdp), sdp.fingerprint()));
                if number == 0 {
                    other.negotiate(Step::Answer(sdp));
                } else {
                    other.negotiate(Step::Accept(sdp));
                    caller.send(Lane::Data, Bytes::from_static(b"after"));
                }
            }
            Happened::Candidate(candidate) => other.negotiate(Step::Candidate(candidate)),
            Happened::Frame(Lane::Data, frame) => arrived.push(frame),
            Happened::Closed(why) => panic!("{why:?}"),
            _ => {}
        }
    }
    assert_eq!(arrived, ["under way", "after"]);
    assert_eq!((first.len(), second.len()), (2, 2));
    for (before, after) in first.iter().zip(&second) {
        assert_ne!(before.0, after.0, "nothing was begun anew");
        assert_eq!(before.1, after.1, "the link's certificates stay");
    }
}
