//! WebRTC in a browser: one `RTCPeerConnection` with two negotiated data channels behind [`Transport`].
//!
//! Copies each frame once between JavaScript and WebAssembly memory. Never trusts a peer with more memory than
//! [`privydrop_common::inbox::MAX_QUEUED`], never logs, and lets no JavaScript exception past: each ends the link with a reason.

mod negotiate;
mod path;

use core::task::{Context, Poll};
use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use gloo::events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use privydrop_common::inbox::Inbox;
use privydrop_common::sdp::Candidate;
use privydrop_common::signaling::IceServer;
use privydrop_common::transport::{Closed, HIGH_WATER, Happened, LOW_WATER, Lane, Step, Transport};
use privydrop_common::wire::MAX_FRAME;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    MessageEvent, RtcConfiguration, RtcDataChannel, RtcDataChannelInit, RtcDataChannelState,
    RtcDataChannelType, RtcPeerConnection, RtcPeerConnectionIceEvent, RtcPeerConnectionState,
};

use self::negotiate::Negotiation;
use self::path::PathWatch;
use crate::web::js;

/// [`LOW_WATER`], as the browser wants it.
#[expect(clippy::cast_possible_truncation, reason = "512 KiB")]
const LOW_THRESHOLD: u32 = LOW_WATER as u32;
/// What both ends take when a browser does not tell the negotiated maximum (RFC 8841 §6.1).
const UNTOLD_MAX_FRAME: usize = 64 * 1024;

/// One link in a browser.
pub struct BrowserTransport {
    inbox: Rc<RefCell<Inbox>>,
    wires: Option<Wires>,
    /// Bytes handed to each lane since its last [`Happened::Drained`].
    handed: [usize; 2],
}

/// What holds browser resources; dropping it ends the connection and all its events.
struct Wires {
    connection: RtcPeerConnection,
    channels: [RtcDataChannel; 2],
    negotiation: Rc<Negotiation>,
    _path: Rc<PathWatch>,
    listeners: Vec<EventListener>,
}

impl BrowserTransport {
    /// A new, idle link that will use these servers.
    pub fn new(ice: &[IceServer]) -> Self {
        let inbox = Rc::new(RefCell::new(Inbox::default()));
        let wires = Wires::new(ice, &inbox).ok();
        if wires.is_none() {
            // The browser has no WebRTC, or no more connections to give.
            inbox.borrow_mut().close(Closed::NoPath);
        }
        Self { inbox, wires, handed: [0; 2] }
    }

    fn drained(&mut self) -> Option<Lane> {
        let wires = self.wires.as_ref()?;
        for lane in [Lane::Control, Lane::Data] {
            let (handed, channel) = (&mut self.handed[index(lane)], &wires.channels[index(lane)]);
            // The browser is asked only when there is something to tell: this runs for every frame.
            if *handed >= HIGH_WATER && channel.buffered_amount() as usize <= LOW_WATER {
                *handed = 0;
                return Some(lane);
            }
        }
        None
    }
}

impl Transport for BrowserTransport {
    fn negotiate(&mut self, step: Step) {
        if let Some(wires) = &self.wires {
            wires.negotiation.push(step);
        }
    }

    fn send(&mut self, lane: Lane, frame: Bytes) {
        let Some(wires) = &self.wires else { return };
        let channel = &wires.channels[index(lane)];
        self.handed[index(lane)] += frame.len();
        if channel.send_with_u8_array(&frame).is_err() {
            let gone =
                matches!(channel.ready_state(), RtcDataChannelState::Closing | RtcDataChannelState::Closed);
            self.inbox.borrow_mut().close(if gone { Closed::ByPeer } else { Closed::Violation });
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Happened> {
        let is_open = self.inbox.borrow().is_open();
        if is_open && let Some(lane) = self.drained() {
            return Poll::Ready(Happened::Drained(lane));
        }
        self.inbox.borrow_mut().poll(cx)
    }

    fn close(&mut self) {
        self.wires = None;
        self.inbox.borrow_mut().end();
    }
}

impl Wires {
    fn new(ice: &[IceServer], inbox: &Rc<RefCell<Inbox>>) -> Result<Self, JsValue> {
        // A server address that this browser rejects must not cost the links that need no server.
        let connection = RtcPeerConnection::new_with_configuration(&configuration(ice))
            .or_else(|_| RtcPeerConnection::new())?;
        let channels = [channel(&connection, Lane::Control), channel(&connection, Lane::Data)];
        let negotiation = Rc::new(Negotiation::new(connection.clone(), Rc::clone(inbox)));
        let path = Rc::new(PathWatch::new(connection.clone(), Rc::clone(inbox)));
        let mut listeners = Vec::with_capacity(12);
        for lane in [Lane::Control, Lane::Data] {
            listen_to_channel(&mut listeners, lane, &channels, &connection, inbox);
        }
        listen_to_connection(&mut listeners, &connection, &path, inbox);
        Ok(Self { connection, channels, negotiation, _path: path, listeners })
    }
}

impl Drop for Wires {
    fn drop(&mut self) {
        self.listeners.clear();
        self.negotiation.stop();
        self.connection.close();
    }
}

fn index(lane: Lane) -> usize {
    match lane {
        Lane::Control => 0,
        Lane::Data => 1,
    }
}

/// Both ends make the same two channels by themselves, so none is ever announced.
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
    channels: &[RtcDataChannel; 2],
    connection: &RtcPeerConnection,
    inbox: &Rc<RefCell<Inbox>>,
) {
    let channel = &channels[index(lane)];
    listeners.push(EventListener::new(channel, "message", {
        let inbox = Rc::clone(inbox);
        move |event| match event.unchecked_ref::<MessageEvent>().data().dyn_into::<ArrayBuffer>() {
            Ok(buffer) => receive(&inbox, lane, &buffer),
            Err(_) => inbox.borrow_mut().close(Closed::Violation),
        }
    }));
    listeners.push(EventListener::new(channel, "open", {
        let (inbox, channels, connection) = (Rc::clone(inbox), channels.clone(), connection.clone());
        move |_| {
            if channels.iter().all(|channel| channel.ready_state() == RtcDataChannelState::Open) {
                inbox.borrow_mut().open(max_frame(&connection));
            }
        }
    }));
    listeners.push(EventListener::new(channel, "bufferedamountlow", {
        let inbox = Rc::clone(inbox);
        move |_| inbox.borrow_mut().wake()
    }));
    listeners.push(EventListener::new(channel, "close", {
        let inbox = Rc::clone(inbox);
        move |_| inbox.borrow_mut().close(Closed::ByPeer)
    }));
}

fn receive(inbox: &Rc<RefCell<Inbox>>, lane: Lane, buffer: &ArrayBuffer) {
    let frame = Uint8Array::new(buffer);
    if frame.length() as usize > MAX_FRAME {
        return inbox.borrow_mut().close(Closed::Violation);
    }
    // The one copy; `Bytes` takes the vector over.
    let bytes = Bytes::from(frame.to_vec());
    js::free(buffer);
    inbox.borrow_mut().frame(lane, bytes);
}

fn listen_to_connection(
    listeners: &mut Vec<EventListener>,
    connection: &RtcPeerConnection,
    path: &Rc<PathWatch>,
    inbox: &Rc<RefCell<Inbox>>,
) {
    listeners.push(EventListener::new(connection, "icecandidate", {
        let inbox = Rc::clone(inbox);
        move |event| {
            let Some(found) = event.unchecked_ref::<RtcPeerConnectionIceEvent>().candidate() else { return };
            // One that our own gate refuses would be refused by the peer as well.
            if let Ok(own) = Candidate::new(found.candidate(), found.sdp_mid(), found.sdp_m_line_index()) {
                inbox.borrow_mut().news(Happened::Candidate(own));
            }
        }
    }));
    listeners.push(EventListener::new(connection, "datachannel", {
        let inbox = Rc::clone(inbox);
        move |_| inbox.borrow_mut().close(Closed::Violation)
    }));
    listeners.push(EventListener::new(connection, "connectionstatechange", {
        let (inbox, connection, path) = (Rc::clone(inbox), connection.clone(), Rc::clone(path));
        move |_| match connection.connection_state() {
            RtcPeerConnectionState::Connected => {
                inbox.borrow_mut().restored();
                path.look();
            }
            RtcPeerConnectionState::Disconnected => inbox.borrow_mut().interrupted(),
            RtcPeerConnectionState::Failed => inbox.borrow_mut().close(Closed::NoPath),
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

fn configuration(ice: &[IceServer]) -> RtcConfiguration {
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
