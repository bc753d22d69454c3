//! The WebSocket to the signaling server.
//!
//! Passes text on in both directions and nothing more: it neither parses a message nor opens itself again.

use gloo::events::EventListener;
use privydrop_common::host::SignalEvent;
use privydrop_common::signaling::MAX_FRAME;
use wasm_bindgen::JsCast;
use web_sys::{MessageEvent, WebSocket};

/// Most bytes that may wait to be sent; a server that takes nothing is as good as gone.
const MAX_UNSENT: u32 = 1024 * 1024;

/// One socket; dropping it closes it, and nothing is told any more.
pub(super) struct Signal {
    socket: WebSocket,
    _listeners: [EventListener; 3],
}

impl Signal {
    /// Starts to open `url`. `None` if the browser will not even try; otherwise `tell` hears what happens, and
    /// says false when it is told too much: the socket is closed then.
    pub(super) fn open(url: &str, tell: impl Fn(SignalEvent) -> bool + Clone + 'static) -> Option<Self> {
        let socket = WebSocket::new(url).ok()?;
        let listeners = [
            EventListener::new(&socket, "open", {
                let tell = tell.clone();
                move |_| _ = tell(SignalEvent::Opened)
            }),
            EventListener::new(&socket, "message", {
                let (tell, socket) = (tell.clone(), socket.clone());
                move |event| {
                    let text = event.unchecked_ref::<MessageEvent>().data().as_string();
                    let text = text.filter(|text| text.len() <= MAX_FRAME);
                    if !text.is_some_and(|text| tell(SignalEvent::Text(text))) {
                        // Its close event tells the session.
                        let _ = socket.close();
                    }
                }
            }),
            EventListener::new(&socket, "close", move |_| _ = tell(SignalEvent::Closed)),
        ];
        Some(Self { socket, _listeners: listeners })
    }

    /// Sends one text frame, when the socket is open.
    pub(super) fn send(&self, text: &str) {
        if self.socket.ready_state() != WebSocket::OPEN {
            return;
        }
        if self.socket.buffered_amount() > MAX_UNSENT || self.socket.send_with_str(text).is_err() {
            // Its close event tells the session.
            let _ = self.socket.close();
        }
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        if self.socket.ready_state() == WebSocket::CONNECTING {
            // Closed before it is open, a socket makes the browser complain in its console.
            let socket = self.socket.clone();
            return EventListener::once(&self.socket, "open", move |_| drop(socket.close())).forget();
        }
        let _ = self.socket.close();
    }
}
