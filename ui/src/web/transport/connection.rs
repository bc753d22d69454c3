//! One `RTCPeerConnection` and the channels on it: the link's first connection, or that of a further lane.
//!
//! Owns what the browser gives and gives it back when dropped. What happened goes to a [`Teller`]; nothing is decided
//! here.

use std::rc::Rc;

use bytes::Bytes;
use gloo::events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use privydrop_common::sdp::Candidate;
use privydrop_common::signaling::IceServer;
use privydrop_common::transport::{Closed, LOW_WATER, Lane, Step};
use privydrop_common::wire::MAX_FRAME;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    MessageEvent, RtcConfiguration, RtcDataChannel, RtcDataChannelInit, RtcDataChannelState,
    RtcDataChannelType, RtcPeerConnection, RtcPeerConnectionIceEvent, RtcPeerConnectionState,
};

use super::negotiate::Negotiation;
use super::teller::Teller;
use crate::web::js;

/// [`LOW_WATER`], as the browser wants it.
#[expect(clippy::cast_possible_truncation, reason = "512 KiB")]
const LOW_THRESHOLD: u32 = LOW_WATER as u32;
/// What both ends take when a browser does not tell the negotiated maximum (RFC 8841 §6.1).
const UNTOLD_MAX_FRAME: usize = 64 * 1024;

/// What holds browser resources; dropping it ends the connection and all its events.
pub(super) struct Connection {
    connection: RtcPeerConnection,
    channels: Rc<[(Lane, RtcDataChannel)]>,
    negotiation: Rc<Negotiation>,
    teller: Teller,
    listeners: Vec<EventListener>,
}

impl Connection {
    /// A connection with a channel for each of these lanes, or what the browser says against it.
    pub(super) fn new(ice: &[IceServer], lanes: &[Lane], teller: &Teller) -> Result<Self, JsValue> {
        // A server address that this browser rejects must not cost the links that need no server.
        let connection = RtcPeerConnection::new_with_configuration(&configuration(ice))
            .or_else(|_| RtcPeerConnection::new())?;
        let channels: Rc<[_]> = lanes.iter().map(|&lane| (lane, channel(&connection, lane))).collect();
        let negotiation = Rc::new(Negotiation::new(connection.clone(), teller.clone()));
        let mut listeners = Vec::with_capacity(12);
        for (lane, _) in &*channels {
            listen_to_channel(&mut listeners, *lane, &channels, &connection, teller);
        }
        listen_to_connection(&mut listeners, &connection, teller);
        Ok(Self { connection, channels, negotiation, teller: teller.clone(), listeners })
    }

    pub(super) fn browsers(&self) -> &RtcPeerConnection {
        &self.connection
    }

    pub(super) fn channel(&self, lane: Lane) -> Option<&RtcDataChannel> {
        self.channels.iter().find(|(of, _)| *of == lane).map(|(_, channel)| channel)
    }

    pub(super) fn negotiate(&self, step: Step) {
        self.negotiation.push(step);
    }

    /// Frames are sent on it from now on, and its end is the link's.
    pub(super) fn make_used(&self) {
        self.teller.make_used();
    }

    pub(super) fn is_used(&self) -> bool {
        self.teller.is_used()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.listeners.clear();
        self.negotiation.stop();
        self.connection.close();
    }
}

/// Both ends make the same channels by themselves, so none is ever announced.
fn channel(connection: &RtcPeerConnection, lane: Lane) -> RtcDataChannel {
    let (label, id) = match lane {
        Lane::Control => ("control", 0),
        Lane::Data => ("data", 1),
    };
    let options = RtcDataChannelInit::new();
    options.set_negotiated(true);
    options.set_id(id);
    options.set_ordered(true);
    let channel = connection.create_data_channel_with_data_channel_dict(label, &options);
    channel.set_binary_type(RtcDataChannelType::Arraybuffer);
    channel.set_buffered_amount_low_threshold(LOW_THRESHOLD);
    channel
}

fn listen_to_channel(
    listeners: &mut Vec<EventListener>,
    lane: Lane,
    channels: &Rc<[(Lane, RtcDataChannel)]>,
    connection: &RtcPeerConnection,
    teller: &Teller,
) {
    let Some((_, channel)) = channels.iter().find(|(of, _)| *of == lane) else { return };
    listeners.push(EventListener::new(channel, "message", {
        let teller = teller.clone();
        move |event| match event.unchecked_ref::<MessageEvent>().data().dyn_into::<ArrayBuffer>() {
            Ok(buffer) => receive(&teller, lane, &buffer),
            Err(_) => teller.fail(Closed::Violation),
        }
    }));
    listeners.push(EventListener::new(channel, "open", {
        let (teller, channels, connection) = (teller.clone(), Rc::clone(channels), connection.clone());
        move |_| {
            if channels.iter().all(|(_, channel)| channel.ready_state() == RtcDataChannelState::Open) {
                teller.open(max_frame(&connection));
            }
        }
    }));
    listeners.push(EventListener::new(channel, "bufferedamountlow", {
        let teller = teller.clone();
        move |_| teller.inbox().wake()
    }));
    listeners.push(EventListener::new(channel, "close", {
        let teller = teller.clone();
        move |_| teller.fail(Closed::ByPeer)
    }));
}

fn receive(teller: &Teller, lane: Lane, buffer: &ArrayBuffer) {
    let frame = Uint8Array::new(buffer);
    if frame.length() as usize > MAX_FRAME {
        return teller.fail(Closed::Violation);
    }
    // The one copy; `Bytes` takes the vector over.
    let bytes = Bytes::from(frame.to_vec());
    js::free(buffer);
    teller.inbox().frame(lane, bytes);
}

fn listen_to_connection(listeners: &mut Vec<EventListener>, connection: &RtcPeerConnection, teller: &Teller) {
    listeners.push(EventListener::new(connection, "icecandidate", {
        let teller = teller.clone();
        move |event| {
            let Some(found) = event.unchecked_ref::<RtcPeerConnectionIceEvent>().candidate() else { return };
            // One that our own gate refuses would be refused by the peer as well.
            if let Ok(own) = Candidate::new(found.candidate(), found.sdp_mid(), found.sdp_m_line_index()) {
                teller.candidate(own);
            }
        }
    }));
    listeners.push(EventListener::new(connection, "datachannel", {
        let teller = teller.clone();
        move |_| teller.fail(Closed::Violation)
    }));
    listeners.push(EventListener::new(connection, "connectionstatechange", {
        let (teller, connection) = (teller.clone(), connection.clone());
        move |_| match connection.connection_state() {
            RtcPeerConnectionState::Connected => teller.silent(false),
            RtcPeerConnectionState::Disconnected => teller.silent(true),
            RtcPeerConnectionState::Failed => teller.fail(Closed::NoPath),
            _ => {}
        }
    }));
}

fn max_frame(connection: &RtcPeerConnection) -> usize {
    let told = connection.unchecked_ref::<js::HasSctp>().sctp().and_then(|sctp| sctp.max_message_size());
    frame_bound(told)
}

/// 0 and infinity mean that there is no bound (RFC 8841 §6.1).
fn frame_bound(told: Option<f64>) -> usize {
    let Some(told) = told else { return UNTOLD_MAX_FRAME };
    match usize::try_from(js::count(told)) {
        Ok(0) | Err(_) => MAX_FRAME,
        Ok(told) => told.min(MAX_FRAME),
    }
}

pub(super) fn configuration(ice: &[IceServer]) -> RtcConfiguration {
    let servers = js_sys::Array::new();
    for server in ice {
        let urls: js_sys::Array = server.urls.iter().map(|url| JsValue::from_str(url)).collect();
        let entry = web_sys::RtcIceServer::new();
        entry.set_urls(&urls);
        if let Some(username) = &server.username {
            entry.set_username(username);
        }
        if let Some(credential) = &server.credential {
            entry.set_credential(credential);
        }
        servers.push(&entry);
    }
    let configuration = RtcConfiguration::new();
    configuration.set_ice_servers(&servers);
    configuration
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_frame_is_the_negotiated_one_and_never_past_ours() {
        assert_eq!(frame_bound(Some(262_144.0)), MAX_FRAME);
        assert_eq!(frame_bound(Some(1_073_741_823.0)), MAX_FRAME);
        assert_eq!(frame_bound(Some(f64::INFINITY)), MAX_FRAME);
        assert_eq!(frame_bound(Some(0.0)), MAX_FRAME);
        assert_eq!(frame_bound(Some(16_384.0)), 16 * 1024);
        assert_eq!(frame_bound(None), UNTOLD_MAX_FRAME);
    }
}
