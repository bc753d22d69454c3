//! Data frames over QUIC: what the session relies on holds for them as over SCTP, and for ends of which one knows none.

use std::collections::BTreeSet;
use std::net::{SocketAddr, UdpSocket};

use bytes::Bytes;
use privydrop_common::transport::{Happened, Lane, LaneNews, LaneStep, Step, Transport};
use privydrop_native::transport::{NativeTransport, WebRtc};
use tokio::runtime::Handle;

use crate::lanes::exchange;
use crate::pair::{Pair, either, happened, next_frame, open, pair};
use crate::{FRAME, MIB, pattern};

/// Sends frames both ways until both ends send and receive them over QUIC.
async fn carried(pair: &mut Pair) {
    let ends = [&mut pair.caller, &mut pair.answerer];
    let [caller, answerer] = ends;
    while [caller.carried_by_quic(), answerer.carried_by_quic()].as_flattened().contains(&0) {
        caller.send(Lane::Data, Bytes::from_static(b"there"));
        assert_eq!(next_frame(answerer).await.0, Lane::Data);
        answerer.send(Lane::Data, Bytes::from_static(b"back"));
        assert_eq!(next_frame(caller).await.0, Lane::Data);
    }
}

/// Two links that are open to each other, and move data frames over QUIC.
pub(crate) async fn carried_pair() -> Pair {
    let mut pair = pair().await;
    carried(&mut pair).await;
    pair
}

/// Moves frames both ways; all of them arrive whole and once.
async fn move_both_ways(Pair { caller, answerer, .. }: Pair, frames: usize) -> [NativeTransport; 2] {
    let (mut caller, mut answerer) = (caller, answerer);
    let other = tokio::spawn(async move {
        let taken = exchange(&mut answerer, 2, frames).await;
        (answerer, taken)
    });
    let here = exchange(&mut caller, 1, frames).await;
    let (answerer, there) = other.await.unwrap();
    let sent = |side| -> BTreeSet<[u8; 32]> {
        (0..frames).map(|number| blake3::hash(&pattern(side, number, FRAME)).into()).collect()
    };
    assert!(here == sent(2) && there == sent(1));
    [caller, answerer]
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_move_their_data_frames_over_it() {
    let ends = move_both_ways(carried_pair().await, 64 * MIB / FRAME).await;
    for end in &ends {
        let [came, went] = end.carried_by_quic();
        assert!(came > 1024 && went > 1024, "{came} {went}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_under_way_when_it_takes_over_arrive_all_the_same() {
    // The link has only just opened: the first frames go over SCTP, if QUIC is not there yet.
    move_both_ways(pair().await, 16 * MIB / FRAME).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_without_it_gets_on_with_one_that_has_it() {
    for without in 0..2 {
        let rtc = WebRtc::new(Handle::current());
        let mut ends = [rtc.connect(&[]), rtc.connect(&[])];
        ends[without] = rtc.clone().without_quic().connect(&[]);
        let [mut caller, mut answerer] = ends;
        let (max_frame, path) = open(&mut caller, &mut answerer, |step| step).await.expect("the links open");
        let ends = move_both_ways(Pair { caller, answerer, max_frame, path }, 16 * MIB / FRAME).await;
        assert!(ends.iter().all(|end| end.carried_by_quic() == [0, 0]));
    }
}

#[tokio::test]
async fn control_frames_stay_on_sctp() {
    let Pair { mut caller, mut answerer, .. } = carried_pair().await;
    let before = answerer.carried_by_quic();
    caller.send(Lane::Control, Bytes::from_static(b"word"));
    assert_eq!(next_frame(&mut answerer).await, (Lane::Control, Bytes::from_static(b"word")));
    assert_eq!(answerer.carried_by_quic(), before);
}

#[tokio::test]
async fn an_ice_restart_takes_it_along() {
    let mut pair = carried_pair().await;
    let before = [pair.caller.carried_by_quic(), pair.answerer.carried_by_quic()];
    pair.caller.negotiate(Step::Offer);
    let (mut described, mut arrived) = (0, 0);
    while described < 2 || arrived < 2 {
        let Pair { caller, answerer, .. } = &mut pair;
        let (number, news) = either(caller, answerer).await;
        let other = if number == 0 { &mut *answerer } else { &mut *caller };
        match news {
            Happened::Described(sdp) => {
                other.negotiate(if number == 0 { Step::Answer(sdp) } else { Step::Accept(sdp) });
                described += 1;
                if described == 2 {
                    caller.send(Lane::Data, Bytes::from_static(b"after"));
                    answerer.send(Lane::Data, Bytes::from_static(b"after"));
                }
            }
            Happened::Candidate(candidate) => other.negotiate(Step::Candidate(candidate)),
            Happened::Frame(lane, frame) => {
                assert_eq!((lane, frame), (Lane::Data, Bytes::from_static(b"after")));
                arrived += 1;
            }
            Happened::Closed(why) => panic!("{why:?}"),
            _ => {}
        }
    }
    for (end, [came, went]) in [&pair.caller, &pair.answerer].iter().zip(before) {
        assert_eq!(end.carried_by_quic(), [came + 1, went + 1]);
    }
}

#[tokio::test]
async fn no_further_lane_is_made_beside_it() {
    let Pair { mut caller, .. } = carried_pair().await;
    caller.negotiate(Step::Lane(1, LaneStep::Offer));
    loop {
        match happened(&mut caller).await {
            Happened::Lane(1, LaneNews::Failed) => return,
            Happened::Lane(..) | Happened::Closed(_) => panic!("a lane"),
            _ => {}
        }
    }
}

/// Where one end can be reached.
fn addresses(steps: &[Step]) -> Vec<SocketAddr> {
    let words = steps.iter().filter_map(|step| match step {
        Step::Candidate(candidate) => Some(candidate.as_str().split(' ').collect::<Vec<_>>()),
        _ => None,
    });
    words.filter_map(|words| format!("{}:{}", words.get(4)?, words.get(5)?).parse().ok()).collect()
}

#[tokio::test]
async fn datagrams_that_look_like_it_and_come_from_elsewhere_change_nothing() {
    let rtc = WebRtc::new(Handle::current());
    let (mut caller, mut answerer) = (rtc.connect(&[]), rtc.connect(&[]));
    let mut steps = Vec::new();
    let note = |step: Step| {
        steps.push(step.clone());
        step
    };
    let (max_frame, path) = open(&mut caller, &mut answerer, note).await.expect("the links open");
    let mut pair = Pair { caller, answerer, max_frame, path };
    carried(&mut pair).await;
    let (stranger, known) = (UdpSocket::bind("0.0.0.0:0").unwrap(), addresses(&steps));
    assert!(!known.is_empty());
    for number in 0..200 {
        for first in [0x40, 0x7f, 0xc0, 0xff] {
            let mut datagram = pattern(3, number, 1_200).to_vec();
            datagram[0] = first;
            for address in &known {
                // Not every address leads somewhere from here.
                let _ = stranger.send_to(&datagram, address);
            }
        }
    }
    carried(&mut pair).await;
    move_both_ways(pair, 4 * MIB / FRAME).await;
}
