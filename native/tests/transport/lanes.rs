//! Links over several connections: what the session relies on holds for further lanes as for the first.

use std::collections::BTreeSet;

use bytes::{Bytes, BytesMut};
use privydrop_common::sdp::Sdp;
use privydrop_common::transport::{
    Closed, HIGH_WATER, Happened, Lane, LaneNews, LaneStep, MAX_LANES, Step, Transport,
};
use privydrop_common::wire::MAX_FRAME;
use privydrop_native::transport::{NativeTransport, WebRtc};
use tokio::runtime::Handle;
use tokio::time::timeout;
use webrtc::data_channel::{DataChannel, DataChannelEvent};

use crate::pair::{
    PATIENCE, Pair, Raw, end, happened, next_frame, open_lane, pair, pair_without_quic, striped,
};
use crate::{FRAME, MIB, pattern};

/// Sends `frames` frames by the rules of back-pressure while it takes as many, in whatever order they come.
pub(crate) async fn exchange(transport: &mut NativeTransport, side: u8, frames: usize) -> BTreeSet<[u8; 32]> {
    let (mut number, mut handed, mut taken) = (0, 0, BTreeSet::new());
    while number < frames || taken.len() < frames {
        while number < frames && handed < HIGH_WATER {
            transport.send(Lane::Data, pattern(side, number, FRAME));
            (number, handed) = (number + 1, handed + FRAME);
        }
        match happened(transport).await {
            Happened::Drained(Lane::Data) => handed = 0,
            Happened::Frame(Lane::Data, frame) => {
                assert!(taken.insert(blake3::hash(&frame).into()), "a frame came twice");
            }
            // Where the machine has much else to do, the network may seem silent.
            Happened::Interrupted | Happened::Restored => {}
            Happened::Path(_) | Happened::Candidate(_) | Happened::Lane(..) => {}
            other => panic!("{other:?}"),
        }
    }
    taken
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_mebibytes_each_way_arrive_whole_and_once_over_four_lanes() {
    let Pair { mut caller, mut answerer, .. } = striped(MAX_LANES).await;
    let frames = 64 * MIB / FRAME;
    let other = tokio::spawn(async move {
        let taken = exchange(&mut answerer, 2, frames).await;
        (answerer, taken)
    });
    let here = exchange(&mut caller, 1, frames).await;
    let (_answerer, there) = other.await.unwrap();
    let sent = |side| -> BTreeSet<[u8; 32]> {
        (0..frames).map(|number| blake3::hash(&pattern(side, number, FRAME)).into()).collect()
    };
    assert!(here == sent(2) && there == sent(1));
}

#[tokio::test]
async fn a_lane_that_takes_no_more_leaves_the_frames_to_the_others() {
    let (mut transport, raw) = Raw::pair().await;
    let (_connection, lane) = Raw::lane(&mut transport, 1).await;
    transport.negotiate(Step::Lane(1, LaneStep::Use));
    // Nobody reads what comes over either, so no more fits into the first than its stack takes ahead.
    for number in 0..12 * MIB / FRAME {
        transport.send(Lane::Data, pattern(1, number, FRAME));
    }
    for channel in [&*lane, &*raw.lanes[1]] {
        assert_eq!(message(channel).await.len(), FRAME);
    }
}

/// The next message. A test that waits in vain fails rather than keeping all others waiting.
async fn message(channel: &dyn DataChannel) -> BytesMut {
    loop {
        let event = timeout(PATIENCE, channel.poll()).await.expect("nothing comes any more");
        match event.expect("an open channel") {
            DataChannelEvent::OnMessage(message) => return message.data,
            DataChannelEvent::OnClose => panic!("the channel closed"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_on_a_lane_before_it_is_used_and_what_comes_over_it_is_told() {
    let (mut transport, raw) = Raw::pair().await;
    let (_connection, lane) = Raw::lane(&mut transport, 1).await;
    let frames = 4 * MIB / FRAME;
    for number in 0..frames {
        transport.send(Lane::Data, pattern(1, number, FRAME));
    }
    for number in 0..frames {
        assert_eq!(message(&*raw.lanes[1]).await, pattern(1, number, FRAME), "all of them, in order");
    }
    lane.send(BytesMut::from("from the lane")).await.unwrap();
    assert_eq!(next_frame(&mut transport).await, (Lane::Data, Bytes::from_static(b"from the lane")));
}

#[tokio::test]
async fn a_lane_in_use_that_the_peer_ends_ends_the_link_after_what_was_said() {
    let (mut transport, raw) = Raw::pair().await;
    let (connection, _lane) = Raw::lane(&mut transport, 1).await;
    transport.negotiate(Step::Lane(1, LaneStep::Use));
    raw.lanes[0].send(BytesMut::from("goodbye")).await.unwrap();
    assert_eq!(next_frame(&mut transport).await, (Lane::Control, Bytes::from_static(b"goodbye")));
    connection.close().await.unwrap();
    assert_eq!(end(&mut transport).await, Closed::ByPeer);
}

#[tokio::test]
async fn a_lane_that_ends_before_it_is_used_costs_only_itself() {
    let (mut transport, raw) = Raw::pair().await;
    let (connection, _lane) = Raw::lane(&mut transport, 1).await;
    connection.close().await.unwrap();
    while happened(&mut transport).await != Happened::Lane(1, LaneNews::Failed) {}
    transport.send(Lane::Data, Bytes::from_static(b"still here"));
    assert_eq!(message(&*raw.lanes[1]).await, b"still here"[..]);
}

#[tokio::test]
async fn a_lane_that_nobody_answers_is_forgotten_and_the_link_goes_on() {
    let Pair { mut caller, mut answerer, .. } = striped(2).await;
    caller.negotiate(Step::Lane(2, LaneStep::Offer));
    while !matches!(happened(&mut caller).await, Happened::Lane(2, LaneNews::Described(_))) {}
    caller.negotiate(Step::Lane(2, LaneStep::Forget));
    for number in 0..8 {
        caller.send(Lane::Data, pattern(1, number, FRAME));
    }
    for _ in 0..8 {
        assert_eq!(next_frame(&mut answerer).await.0, Lane::Data);
    }
}

#[tokio::test]
async fn a_lane_with_another_certificate_than_the_one_described_is_never_used() {
    let mut pair = pair_without_quic().await;
    let forge = |step| match step {
        LaneStep::Accept(answer) => {
            let told = answer.fingerprint().to_string();
            let other = format!("{}{}", if told.starts_with("00") { "11" } else { "00" }, &told[2..]);
            LaneStep::Accept(Sdp::parse(&answer.as_str().replace(&told, &other)).unwrap())
        }
        step => step,
    };
    assert!(!open_lane(&mut pair, 1, forge).await);
    let Pair { mut caller, mut answerer, .. } = pair;
    caller.send(Lane::Data, Bytes::from_static(b"the first lane goes on"));
    assert_eq!(next_frame(&mut answerer).await, (Lane::Data, Bytes::from_static(b"the first lane goes on")));
}

#[tokio::test]
async fn each_lane_shows_a_certificate_of_its_own() {
    let mut transport = WebRtc::new(Handle::current()).connect(&[]);
    transport.negotiate(Step::Offer);
    for number in 1..MAX_LANES {
        transport.negotiate(Step::Lane(number, LaneStep::Offer));
    }
    let mut shown = BTreeSet::new();
    while shown.len() < usize::from(MAX_LANES) {
        if let Happened::Described(sdp) | Happened::Lane(_, LaneNews::Described(sdp)) =
            happened(&mut transport).await
        {
            assert!(shown.insert(sdp.fingerprint().0), "one certificate for two lanes");
        }
    }
}

#[tokio::test]
async fn a_description_of_a_lane_that_the_stack_cannot_use_costs_only_the_lane() {
    let Pair { mut caller, mut answerer, .. } = pair().await;
    let fingerprint = vec!["AB"; 32].join(":");
    let useless = format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 {fingerprint}\r\n\
         m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    );
    answerer.negotiate(Step::Lane(1, LaneStep::Answer(Sdp::parse(&useless).unwrap())));
    while happened(&mut answerer).await != Happened::Lane(1, LaneNews::Failed) {}
    caller.send(Lane::Control, Bytes::from_static(b"on"));
    assert_eq!(next_frame(&mut answerer).await, (Lane::Control, Bytes::from_static(b"on")));
}

#[tokio::test]
async fn on_a_lane_a_second_channel_text_and_too_long_a_message_are_violations() {
    for what in 0..3 {
        let (mut transport, _raw) = Raw::pair().await;
        let (connection, lane) = Raw::lane(&mut transport, 1).await;
        let mut _second = None;
        match what {
            0 => _second = Some(connection.create_data_channel("second", None).await.unwrap()),
            1 => lane.send_text("text").await.unwrap(),
            _ => lane.send(BytesMut::zeroed(MAX_FRAME)).await.unwrap(),
        }
        assert_eq!(end(&mut transport).await, Closed::Violation, "{what}");
    }
}

#[tokio::test]
async fn a_link_that_is_closed_takes_its_lanes_along() {
    let Pair { mut caller, mut answerer, .. } = striped(3).await;
    caller.send(Lane::Control, Bytes::from_static(b"goodbye"));
    caller.close();
    assert_eq!(next_frame(&mut answerer).await, (Lane::Control, Bytes::from_static(b"goodbye")));
    assert_eq!(end(&mut answerer).await, Closed::ByPeer);
}
