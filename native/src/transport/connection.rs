//! One peer connection, a link's first or one of its further lanes: how it is made, what its channels carry both
//! ways, what the stack reports of it.
//!
//! Never blocks the session, and never trusts a peer with more memory than [`privydrop_common::inbox::MAX_QUEUED`].

use std::future::pending;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use privydrop_common::sdp::Candidate;
use privydrop_common::signaling::IceServer;
use privydrop_common::transport::{Closed, Lane};
use tokio::sync::Notify;
use tokio::time::timeout;
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit, RTCDataChannelMessage};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceCandidateType,
    RTCIceGatheringState, RTCPeerConnectionIceEvent, RTCPeerConnectionState,
};

use super::quic::Quic;
use super::settings::{self, Setup};
use super::shared::Shared;
use super::socket::LinkRuntime;
use super::terms::Terms;
use super::turn::Relays;

/// A channel's end overtakes its last messages on their way through the stack: this long a silence after the end
/// tells that they have arrived.
pub(super) const LAST_MESSAGES: Duration = Duration::from_millis(50);

pub(super) type StackResult<T> = webrtc::error::Result<T>;

/// What goes with one connection, and what the stack reports of it.
pub(super) struct Events {
    pub(super) shared: Arc<Shared>,
    /// The lane that it carries; 0 is the link's own connection, which carries the control lane as well.
    pub(super) number: u8,
    /// The link's fate is this connection's.
    pub(super) in_use: AtomicBool,
    /// Rings when it is connected, again or for the first time.
    pub(super) connected: Notify,
    /// Rings when it failed before it was in use.
    pub(super) failed: Notify,
    /// A candidate of this side was found since it was looked for them.
    found: AtomicBool,
    pub(super) setup: Setup,
    /// The servers that the stack cannot reach by itself.
    pub(super) relays: Arc<Relays>,
    pub(super) terms: Terms,
    /// Of the link's own connection: it needs no second.
    pub(super) quic: Option<Quic>,
}

impl Events {
    pub(super) fn new(shared: &Arc<Shared>, number: u8, setup: Setup) -> Arc<Self> {
        Arc::new(Self {
            shared: Arc::clone(shared),
            number,
            in_use: AtomicBool::new(number == 0),
            connected: Notify::new(),
            failed: Notify::new(),
            found: AtomicBool::new(false),
            setup,
            relays: Arc::default(),
            terms: Terms::new(setup),
            quic: if number == 0 && setup.quic && !setup.relay_only { Quic::new() } else { None },
        })
    }

    fn is_in_use(&self) -> bool {
        self.in_use.load(Ordering::Relaxed)
    }
}

/// Makes an idle connection that will use these servers.
pub(super) async fn connect(ice: &[IceServer], events: &Arc<Events>) -> StackResult<Box<dyn PeerConnection>> {
    let setup = events.setup;
    let build = |multicast_dns| {
        let mut configuration = settings::configuration(ice, &events.relays, setup.relay_only);
        if let Some(quic) = &events.quic {
            configuration = configuration.with_certificates(vec![quic.identity.certificate()]);
        }
        let way = events.quic.as_ref().map(|quic| Arc::clone(&quic.way));
        let builder = PeerConnectionBuilder::new()
            .with_configuration(configuration.build())
            .with_setting_engine(settings::engine(setup, multicast_dns))
            .with_data_channel_send_buffer_limit(settings::send_buffer(events.number))
            .with_runtime(Arc::new(LinkRuntime::new(&events.relays, way, setup.buffer)))
            .with_handler(Arc::clone(events) as Arc<dyn PeerConnectionEventHandler>)
            .with_udp_addrs(settings::addresses());
        Box::pin(builder.build())
    };
    // A name that only this network knows is of no use to a relay, and to ask for it tells that somebody is here.
    match build(!setup.relay_only).await {
        Ok(connection) => Ok(Box::new(connection)),
        // A device without a network takes part in no multicast; it may still reach itself.
        Err(_) => Ok(Box::new(build(false).await?)),
    }
}

/// Both ends make the same channels by themselves, so none is ever announced.
pub(super) async fn channel(
    connection: &dyn PeerConnection,
    lane: Lane,
) -> StackResult<Arc<dyn DataChannel>> {
    let (label, id) = match lane {
        Lane::Control => ("control", 0),
        Lane::Data => ("data", 1),
    };
    let options = RTCDataChannelInit { negotiated: Some(id), ..RTCDataChannelInit::default() };
    connection.create_data_channel(label, Some(options)).await
}

/// Takes frames from a channel until it ends; tells why it did.
pub(super) async fn receive(
    events: &Events,
    lane: Lane,
    channel: &dyn DataChannel,
    opened: impl Fn() + Send + Sync,
) -> Closed {
    // The stack ends a channel without a word when it cannot go on itself.
    let mut why = Closed::NoPath;
    while let Some(event) = channel.poll().await {
        match event {
            DataChannelEvent::OnOpen => opened(),
            DataChannelEvent::OnMessage(message) => take(events, lane, message),
            DataChannelEvent::OnClose => {
                why = Closed::ByPeer;
                break;
            }
            _ => {}
        }
    }
    while let Ok(Some(event)) = timeout(LAST_MESSAGES, channel.poll()).await {
        if let DataChannelEvent::OnMessage(message) = event {
            take(events, lane, message);
        }
    }
    why
}

fn take(events: &Events, lane: Lane, message: RTCDataChannelMessage) {
    if message.is_string || message.data.len() > events.terms.longest() {
        return events.shared.close(Closed::Violation);
    }
    events.shared.frame(lane, message.data.freeze());
}

/// Gives a channel the lane's next frame whenever it takes one.
pub(super) async fn send(lane: Lane, channel: &dyn DataChannel, shared: &Shared) {
    loop {
        let frame = shared.next(lane).await;
        let length = frame.len();
        if channel.send(BytesMut::from(frame)).await.is_err() {
            // Why the channel is gone is for the receiving side to tell.
            pending::<()>().await;
        }
        shared.taken(lane, length);
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Events {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        // Where a device has no address of a family, the stack names the one that stands for any.
        if event.candidate.address.parse().is_ok_and(|address: IpAddr| address.is_unspecified()) {
            return;
        }
        if self.setup.relay_only && event.candidate.typ != RTCIceCandidateType::Relay {
            return;
        }
        let Ok(found) = event.candidate.to_json() else { return };
        // There is one media section; its id is the offerer's choice, and its number always 0.
        if let Ok(own) = Candidate::new(self.terms.candidate(&found.candidate), None, Some(0)) {
            self.found.store(true, Ordering::Relaxed);
            self.shared.candidate(self.number, own);
        }
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        match state {
            RTCIceGatheringState::Gathering => self.found.store(false, Ordering::Relaxed),
            // No relay takes us in, so there is no path whatever the peer has: nobody need wait for one.
            RTCIceGatheringState::Complete
                if self.setup.relay_only && !self.found.load(Ordering::Relaxed) =>
            {
                if self.is_in_use() {
                    self.shared.close(Closed::NoPath)
                } else {
                    self.failed.notify_one()
                }
            }
            _ => {}
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        match state {
            RTCPeerConnectionState::Connected => {
                self.shared.restored(self.number);
                self.connected.notify_one();
                if let Some(quic) = &self.quic {
                    quic.way.connected();
                }
            }
            RTCPeerConnectionState::Disconnected if self.is_in_use() => self.shared.interrupted(self.number),
            RTCPeerConnectionState::Failed if self.is_in_use() => self.shared.close(Closed::NoPath),
            RTCPeerConnectionState::Failed => self.failed.notify_one(),
            _ => {}
        }
    }

    async fn on_data_channel(&self, _: Arc<dyn DataChannel>) {
        self.shared.close(Closed::Violation);
    }
}
