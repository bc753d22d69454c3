//! The task that owns one peer connection: makes it, carries frames both ways, ends it.
//!
//! Never blocks the session, and never trusts a peer with more memory than [`privydrop_common::inbox::MAX_QUEUED`].

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use futures_util::future::{Either, join, pending, select};
use privydrop_common::sdp::Candidate;
use privydrop_common::signaling::IceServer;
use privydrop_common::transport::{Closed, Happened, Lane, Step};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit, RTCDataChannelMessage};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceCandidateType,
    RTCPeerConnectionIceEvent, RTCPeerConnectionState,
};

use super::outbox::index;
use super::settings::Setup;
use super::shared::Shared;
use super::socket::LinkRuntime;
use super::terms::Terms;
use super::turn::Relays;
use super::{negotiate, path, settings};

/// A channel's end overtakes its last messages on their way through the stack: this long a silence after the end
/// tells that they have arrived.
const LAST_MESSAGES: Duration = Duration::from_millis(50);

/// Channels that must be open before the link is.
const LANES: usize = 2;

type StackResult<T> = webrtc::error::Result<T>;

/// Runs one link until it is over or the session's handle, which holds the other end of `steps`, is gone.
pub(super) async fn run(shared: Arc<Shared>, setup: Setup, ice: Vec<IceServer>, steps: mpsc::Receiver<Step>) {
    let (connected, relays, terms) = (Notify::new(), Arc::default(), Terms::new(setup));
    let events = Arc::new(Events { shared, connected, setup, relays, terms });
    let done = async {
        let connection = connect(&ice, &events).await?;
        let served = serve(&*connection, &events, steps).await;
        // Or the stack's own task would go on for ever.
        connection.close().await.and(served)
    };
    if let Err(error) = done.await {
        tracing::warn!(%error, "a link cannot be made, or did not end cleanly");
        events.shared.close(Closed::NoPath);
    }
}

async fn serve(
    connection: &dyn PeerConnection,
    events: &Events,
    steps: mpsc::Receiver<Step>,
) -> StackResult<()> {
    let Events { shared, connected, setup, relays, terms } = events;
    let lanes = [channel(connection, Lane::Control).await?, channel(connection, Lane::Data).await?];
    tokio::select! {
        () = negotiate::run(connection, shared, (*setup, terms, relays), steps) => {}
        () = path::watch(connection, shared, connected) => {}
        () = receive_all(terms, &lanes, shared) => {}
        () = send_all(connection, &lanes, shared) => {}
    }
    flush(&lanes, shared).await;
    Ok(())
}

async fn connect(ice: &[IceServer], events: &Arc<Events>) -> StackResult<Box<dyn PeerConnection>> {
    let setup = events.setup;
    let build = |multicast_dns| {
        let builder = PeerConnectionBuilder::new()
            .with_configuration(settings::configuration(ice, &events.relays, setup.relay_only))
            .with_setting_engine(settings::engine(setup, multicast_dns))
            .with_data_channel_send_buffer_limit(settings::SEND_BUFFER)
            .with_runtime(Arc::new(LinkRuntime::new(&events.relays, setup.buffer)))
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

/// Both ends make the same two channels by themselves, so none is ever announced.
async fn channel(connection: &dyn PeerConnection, lane: Lane) -> StackResult<Arc<dyn DataChannel>> {
    let (label, id) = match lane {
        Lane::Control => ("control", 0),
        Lane::Data => ("data", 1),
    };
    let options = RTCDataChannelInit { negotiated: Some(id), ..RTCDataChannelInit::default() };
    connection.create_data_channel(label, Some(options)).await
}

/// Takes frames from the stack until either channel ends; then what is left on the other, and the end.
async fn receive_all(terms: &Terms, lanes: &[Arc<dyn DataChannel>; 2], shared: &Shared) {
    let opened = AtomicUsize::new(0);
    let receive = |lane: Lane| {
        let (channel, opened) = (&lanes[index(lane)], &opened);
        async move { receive(terms, lane, &**channel, opened, shared).await }
    };
    let (control, data) = (core::pin::pin!(receive(Lane::Control)), core::pin::pin!(receive(Lane::Data)));
    let why = match select(control, data).await {
        Either::Left((why, rest)) => {
            let _ = timeout(LAST_MESSAGES, rest).await;
            why
        }
        Either::Right((why, rest)) => {
            let _ = timeout(LAST_MESSAGES, rest).await;
            why
        }
    };
    shared.close(why);
}

async fn receive(
    terms: &Terms,
    lane: Lane,
    channel: &dyn DataChannel,
    opened: &AtomicUsize,
    shared: &Shared,
) -> Closed {
    // The stack ends a channel without a word when it cannot go on itself.
    let mut why = Closed::NoPath;
    while let Some(event) = channel.poll().await {
        match event {
            DataChannelEvent::OnOpen if opened.fetch_add(1, Ordering::Relaxed) + 1 == LANES => {
                shared.open(terms.max_frame());
            }
            DataChannelEvent::OnMessage(message) => take(shared, terms, lane, message),
            DataChannelEvent::OnClose => {
                why = Closed::ByPeer;
                break;
            }
            _ => {}
        }
    }
    while let Ok(Some(event)) = timeout(LAST_MESSAGES, channel.poll()).await {
        if let DataChannelEvent::OnMessage(message) = event {
            take(shared, terms, lane, message);
        }
    }
    why
}

fn take(shared: &Shared, terms: &Terms, lane: Lane, message: RTCDataChannelMessage) {
    if message.is_string || message.data.len() > terms.longest() {
        return shared.close(Closed::Violation);
    }
    shared.frame(lane, message.data.freeze());
}

async fn send_all(connection: &dyn PeerConnection, lanes: &[Arc<dyn DataChannel>; 2], shared: &Shared) {
    let control = async {
        await_first_frame(connection, shared).await;
        send(Lane::Control, &*lanes[index(Lane::Control)], shared).await;
    };
    join(control, send(Lane::Data, &*lanes[index(Lane::Data)], shared)).await;
}

/// The DTLS server is open first, and this stack drops a message that reaches a client together with the last word of
/// the SCTP handshake: its channels open a moment later. A client speaks as soon as it is open, and so is heard
/// first. Nothing is sent on the data lane before both have spoken here.
async fn await_first_frame(connection: &dyn PeerConnection, shared: &Shared) {
    shared.opened().await;
    let local = connection.local_description().await.is_some_and(|own| own.sdp.contains("a=setup:passive"));
    let remote =
        connection.remote_description().await.is_some_and(|peer| peer.sdp.contains("a=setup:active"));
    if local || remote {
        shared.heard().await;
    }
}

async fn send(lane: Lane, channel: &dyn DataChannel, shared: &Shared) {
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

/// Gives the stack what it takes at once, so that a farewell has a chance.
async fn flush(lanes: &[Arc<dyn DataChannel>; 2], shared: &Shared) {
    for lane in [Lane::Control, Lane::Data] {
        while let Some(frame) = shared.pop(lane) {
            if lanes[index(lane)].try_send(BytesMut::from(frame)).await.is_err() {
                break;
            }
        }
    }
}

/// What the stack reports about the connection as a whole.
struct Events {
    shared: Arc<Shared>,
    connected: Notify,
    setup: Setup,
    /// The servers that the stack cannot reach by itself.
    relays: Arc<Relays>,
    terms: Terms,
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
            self.shared.news(Happened::Candidate(own));
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        match state {
            RTCPeerConnectionState::Connected => {
                self.shared.restored();
                self.connected.notify_one();
            }
            RTCPeerConnectionState::Disconnected => self.shared.interrupted(),
            RTCPeerConnectionState::Failed => self.shared.close(Closed::NoPath),
            _ => {}
        }
    }

    async fn on_data_channel(&self, _: Arc<dyn DataChannel>) {
        self.shared.close(Closed::Violation);
    }
}
