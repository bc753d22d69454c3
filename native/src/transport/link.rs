//! The task that owns a link: makes its first connection, carries frames both ways, ends it with its further lanes.
//!
//! Never blocks the session, and never trusts a peer with more memory than [`privydrop_common::inbox::MAX_QUEUED`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::BytesMut;
use futures_util::future::{Either, join, select};
use privydrop_common::signaling::IceServer;
use privydrop_common::transport::{Closed, Lane, Step};
use tokio::sync::mpsc;
use tokio::time::timeout;
use webrtc::data_channel::DataChannel;
use webrtc::peer_connection::PeerConnection;

use super::connection::{Events, LAST_MESSAGES, StackResult, channel, connect, receive, send};
use super::lanes::Lanes;
use super::outbox::index;
use super::settings::Setup;
use super::shared::Shared;
use super::{negotiate, path, quic};

/// Channels that must be open before the link is.
const CHANNELS: usize = 2;

/// What the session asks, of the first connection and of further lanes.
pub(super) type Steps = [mpsc::Receiver<Step>; 2];

/// Runs one link until it is over or the session's handle, which holds the other ends of `steps`, is gone.
pub(super) async fn run(shared: Arc<Shared>, setup: Setup, ice: Vec<IceServer>, steps: Steps) {
    let events = Events::new(&shared, 0, setup);
    let done = async {
        let connection = connect(&ice, &events).await?;
        let mut lanes = Lanes::new(&shared, setup, ice);
        let served = serve(&*connection, &events, &mut lanes, steps).await;
        // Or the stack's own task would go on for ever.
        let closed = connection.close().await;
        lanes.end().await;
        closed.and(served)
    };
    if let Err(error) = done.await {
        tracing::warn!(%error, "a link cannot be made, or did not end cleanly");
        shared.close(Closed::NoPath);
    }
}

async fn serve(
    connection: &dyn PeerConnection,
    events: &Events,
    lanes: &mut Lanes,
    [steps, of_lanes]: Steps,
) -> StackResult<()> {
    let shared = &*events.shared;
    let channels = [channel(connection, Lane::Control).await?, channel(connection, Lane::Data).await?];
    tokio::select! {
        done = negotiate::run(connection, events, steps) => if done.is_err() {
            shared.close(Closed::BadDescription);
        },
        () = path::watch(connection, events) => {}
        () = receive_all(events, &channels) => {}
        () = send_all(connection, &channels, shared) => {}
        () = lanes.run(of_lanes) => {}
        () = quic::run(connection, events) => {}
    }
    flush(&channels, shared).await;
    Ok(())
}

/// Takes frames from the stack until either channel ends; then what is left on the other, and the end.
async fn receive_all(events: &Events, channels: &[Arc<dyn DataChannel>; 2]) {
    let (shared, opened) = (&events.shared, AtomicUsize::new(0));
    let open = || {
        if opened.fetch_add(1, Ordering::Relaxed) + 1 == CHANNELS {
            shared.open(events.terms.max_frame(), events.terms.data_frame());
        }
    };
    let receive = |lane: Lane| receive(events, lane, &*channels[index(lane)], &open);
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

async fn send_all(connection: &dyn PeerConnection, channels: &[Arc<dyn DataChannel>; 2], shared: &Shared) {
    let control = async {
        await_first_frame(connection, shared).await;
        send(Lane::Control, &*channels[index(Lane::Control)], shared).await;
    };
    join(control, send(Lane::Data, &*channels[index(Lane::Data)], shared)).await;
}

/// The DTLS server is open first, and this stack drops a message that reaches a client together with the last word of
/// the SCTP handshake: its channels open a moment later. A client speaks as soon as it is open, and so is heard
/// first. Nothing is sent on the data lane before both have spoken here, nor on a further one before both have said
/// here that it is open.
async fn await_first_frame(connection: &dyn PeerConnection, shared: &Shared) {
    shared.opened().await;
    let local = connection.local_description().await.is_some_and(|own| own.sdp.contains("a=setup:passive"));
    let remote =
        connection.remote_description().await.is_some_and(|peer| peer.sdp.contains("a=setup:active"));
    if local || remote {
        shared.heard().await;
    }
}

/// Gives the stack what it takes at once, so that a farewell has a chance.
async fn flush(channels: &[Arc<dyn DataChannel>; 2], shared: &Shared) {
    for lane in [Lane::Control, Lane::Data] {
        while let Some(frame) = shared.pop(lane) {
            if channels[index(lane)].try_send(BytesMut::from(frame)).await.is_err() {
                break;
            }
        }
    }
}
