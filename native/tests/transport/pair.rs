//! Helpers: two links that negotiate with each other, and a peer that is a bare WebRTC stack.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use privydrop_common::sdp::{Candidate, Sdp};
use privydrop_common::transport::{Closed, Happened, Lane, LaneNews, LaneStep, Path, Step, Transport};
use privydrop_common::wire::MAX_FRAME;
use privydrop_native::transport::{NativeTransport, WebRtc};
use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::setting_engine::SctpMaxMessageSize;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceCandidateInit,
    RTCPeerConnectionIceEvent, RTCSessionDescription, SettingEngineBuilder,
};

/// Longest silence of a link, by the clock of the test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// Two links that are open to each other.
pub(crate) struct Pair {
    pub(crate) caller: NativeTransport,
    pub(crate) answerer: NativeTransport,
    pub(crate) max_frame: usize,
    /// The caller's path, if it was told before both were open.
    pub(crate) path: Option<Path>,
}

/// What happens next. A test that waits in vain fails rather than keeping all others waiting.
pub(crate) async fn happened(transport: &mut NativeTransport) -> Happened {
    timeout(PATIENCE, poll_fn(|cx| transport.poll(cx))).await.expect("nothing happens any more")
}

/// What happens next on one of two links, and on which.
pub(crate) async fn either(first: &mut NativeTransport, second: &mut NativeTransport) -> (usize, Happened) {
    tokio::select! {
        news = happened(first) => (0, news),
        news = happened(second) => (1, news),
    }
}

/// The next frame; paths and candidates are passed over.
pub(crate) async fn next_frame(transport: &mut NativeTransport) -> (Lane, Bytes) {
    loop {
        match happened(transport).await {
            Happened::Frame(lane, frame) => return (lane, frame),
            Happened::Path(_) | Happened::Candidate(_) | Happened::Drained(_) | Happened::Lane(..) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Why a link ended, whatever comes before.
pub(crate) async fn end(transport: &mut NativeTransport) -> Closed {
    loop {
        if let Happened::Closed(why) = happened(transport).await {
            return why;
        }
    }
}

/// Lets two links negotiate until both are open, each step passed through `change`: the longest frame, and the
/// caller's path if it was told by then. `None` when one ends.
pub(crate) async fn open(
    caller: &mut NativeTransport,
    answerer: &mut NativeTransport,
    mut change: impl FnMut(Step) -> Step,
) -> Option<(usize, Option<Path>)> {
    caller.negotiate(Step::Offer);
    let (mut opened, mut path) = ([None; 2], None);
    loop {
        let (number, news) = either(caller, answerer).await;
        let other = if number == 0 { &mut *answerer } else { &mut *caller };
        match news {
            Happened::Described(sdp) if number == 0 => other.negotiate(change(Step::Answer(sdp))),
            Happened::Described(sdp) => other.negotiate(change(Step::Accept(sdp))),
            Happened::Candidate(candidate) => other.negotiate(change(Step::Candidate(candidate))),
            Happened::Open { max_frame } => opened[number] = Some(max_frame),
            Happened::Path(told) if number == 0 => path = Some(told),
            Happened::Closed(_) => return None,
            _ => {}
        }
        if let [Some(here), Some(there)] = opened {
            assert_eq!(here, there);
            return Some((here, path));
        }
    }
}

pub(crate) async fn pair() -> Pair {
    let rtc = WebRtc::new(Handle::current());
    let (mut caller, mut answerer) = (rtc.connect(&[]), rtc.connect(&[]));
    let (max_frame, path) = open(&mut caller, &mut answerer, |step| step).await.expect("the links open");
    Pair { caller, answerer, max_frame, path }
}

/// The same with SCTP alone, as with an older program.
pub(crate) async fn pair_without_quic() -> Pair {
    let rtc = WebRtc::new(Handle::current()).without_quic();
    let (mut caller, mut answerer) = (rtc.connect(&[]), rtc.connect(&[]));
    let (max_frame, path) = open(&mut caller, &mut answerer, |step| step).await.expect("the links open");
    Pair { caller, answerer, max_frame, path }
}

/// Two links that are open to each other and use so many data lanes in all, with SCTP alone.
pub(crate) async fn striped(lanes: u8) -> Pair {
    let mut pair = pair_without_quic().await;
    for number in 1..lanes {
        let opened = open_lane(&mut pair, number, |step| step).await;
        assert!(opened, "lane {number} opens");
    }
    pair
}

/// Lets both ends negotiate a further lane, each step passed through `change`, and use it; false when it fails.
pub(crate) async fn open_lane(pair: &mut Pair, number: u8, change: impl Fn(LaneStep) -> LaneStep) -> bool {
    let Pair { caller, answerer, .. } = pair;
    caller.negotiate(Step::Lane(number, LaneStep::Offer));
    let mut opened = [false; 2];
    while opened != [true; 2] {
        let (end, news) = either(caller, answerer).await;
        let step = match news {
            Happened::Lane(of, news) if of == number => match news {
                LaneNews::Described(sdp) if end == 0 => LaneStep::Answer(sdp),
                LaneNews::Described(sdp) => LaneStep::Accept(sdp),
                LaneNews::Candidate(candidate) => LaneStep::Candidate(candidate),
                LaneNews::Open => {
                    assert!(!core::mem::replace(&mut opened[end], true), "told once");
                    continue;
                }
                LaneNews::Failed => return false,
            },
            Happened::Lane(..) | Happened::Path(_) | Happened::Candidate(_) => continue,
            other => panic!("{other:?}"),
        };
        let other = if end == 0 { &mut *answerer } else { &mut *caller };
        other.negotiate(Step::Lane(number, change(step)));
    }
    for end in [caller, answerer] {
        end.negotiate(Step::Lane(number, LaneStep::Use));
    }
    true
}

/// A peer that follows no rule of ours.
pub(crate) struct Raw {
    pub(crate) connection: Box<dyn PeerConnection>,
    /// It believes that messages may be of any length.
    pub(crate) lanes: [Arc<dyn DataChannel>; 2],
}

struct Candidates(mpsc::Sender<RTCIceCandidateInit>);

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Candidates {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        self.0.send(event.candidate.to_json().unwrap()).await.unwrap();
    }
}

impl Raw {
    /// A link of ours, open, and the raw peer that answered it.
    pub(crate) async fn pair() -> (NativeTransport, Self) {
        let mut transport = WebRtc::new(Handle::current()).connect(&[]);
        transport.negotiate(Step::Offer);
        let (connection, candidates) = Self::connection().await;
        let lanes =
            [Self::channel(&*connection, "control", 0).await, Self::channel(&*connection, "data", 1).await];
        Self::negotiate(&mut transport, &*connection, candidates, 0).await;
        for lane in &lanes {
            while !matches!(lane.poll().await, Some(DataChannelEvent::OnOpen)) {}
        }
        (transport, Self { connection, lanes })
    }

    /// A further lane of the link: its connection, and its channel.
    pub(crate) async fn lane(
        transport: &mut NativeTransport,
        number: u8,
    ) -> (Box<dyn PeerConnection>, Arc<dyn DataChannel>) {
        transport.negotiate(Step::Lane(number, LaneStep::Offer));
        let (connection, candidates) = Self::connection().await;
        let channel = Self::channel(&*connection, "data", 1).await;
        Self::negotiate(transport, &*connection, candidates, number).await;
        while !matches!(channel.poll().await, Some(DataChannelEvent::OnOpen)) {}
        (connection, channel)
    }

    async fn connection() -> (Box<dyn PeerConnection>, mpsc::Receiver<RTCIceCandidateInit>) {
        let (found, candidates) = mpsc::channel(64);
        let settings = SettingEngineBuilder::new()
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .with_sctp_max_message_size(SctpMaxMessageSize::Unbounded);
        let building = PeerConnectionBuilder::new()
            .with_setting_engine(settings.build())
            .with_handler(Arc::new(Candidates(found)))
            .with_udp_addrs(vec!["0.0.0.0:0", "127.0.0.1:0"])
            .build();
        (Box::new(Box::pin(building).await.unwrap()), candidates)
    }

    async fn channel(connection: &dyn PeerConnection, label: &'static str, id: u16) -> Arc<dyn DataChannel> {
        let options = RTCDataChannelInit { negotiated: Some(id), ..RTCDataChannelInit::default() };
        connection.create_data_channel(label, Some(options)).await.unwrap()
    }

    /// Answers the link's offer of its own connection, or of a further lane's, until it is open there.
    async fn negotiate(
        transport: &mut NativeTransport,
        connection: &dyn PeerConnection,
        mut candidates: mpsc::Receiver<RTCIceCandidateInit>,
        number: u8,
    ) {
        loop {
            tokio::select! {
                news = happened(transport) => match news {
                    Happened::Described(offer) if number == 0 => {
                        let answer = Self::answer(connection, &offer).await;
                        transport.negotiate(Step::Accept(answer));
                    }
                    Happened::Lane(_, LaneNews::Described(offer)) => {
                        let answer = Self::answer(connection, &offer).await;
                        transport.negotiate(Step::Lane(number, LaneStep::Accept(answer)));
                    }
                    Happened::Open { .. } | Happened::Lane(_, LaneNews::Open) => return,
                    Happened::Closed(why) => panic!("{why:?}"),
                    _ => {}
                },
                Some(found) = candidates.recv() => {
                    let candidate = Candidate::new(found.candidate, None, Some(0)).unwrap();
                    transport.negotiate(match number {
                        0 => Step::Candidate(candidate),
                        _ => Step::Lane(number, LaneStep::Candidate(candidate)),
                    });
                }
            }
        }
    }

    async fn answer(connection: &dyn PeerConnection, offer: &Sdp) -> Sdp {
        let deaf = offer.as_str().replace("a=max-message-size:", "a=x-max-message-size:");
        let offer = format!("{deaf}a=max-message-size:{MAX_FRAME}\r\n");
        connection.set_remote_description(RTCSessionDescription::offer(offer).unwrap()).await.unwrap();
        let answer = connection.create_answer(None).await.unwrap();
        connection.set_local_description(answer.clone()).await.unwrap();
        Sdp::parse(&answer.sdp).unwrap()
    }
}
