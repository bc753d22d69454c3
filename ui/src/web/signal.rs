//! The WebSocket to the signaling server.
//!
//! Passes text on in both directions and nothing more: it neither parses a message nor opens itself again.

use std::cell::RefCell;
use std::rc::Rc;

use gloo::events::EventListener;
use js_sys::Reflect;
use privydrop_common::host::SignalEvent;
use privydrop_common::signaling::MAX_FRAME;
use wasm_bindgen::JsCast;
use web_sys::{MessageEvent, WebSocket};

/// Most bytes that may wait to be sent; a server that takes nothing is as good as gone.
const MAX_UNSENT: u32 = 1024 * 1024;

/// Where the page keeps a socket that it began while its program was still being loaded.
const EARLY: &str = "earlySocket";

/// Where the server's sockets are, and one that was begun before it is asked for: connecting takes its time while the
/// program is loaded and the browser is asked for a lock. The server waits some seconds for the first word, and closes a
/// socket that nobody asks for.
#[derive(Clone)]
pub(super) struct Server {
    url: Rc<str>,
    early: Rc<RefCell<Option<WebSocket>>>,
}

impl Server {
    /// The server whose sockets are at `url`.
    pub(super) fn new(url: &str) -> Self {
        let begun = Reflect::get(&js_sys::global(), &EARLY.into()).ok();
        let begun = begun.and_then(|begun| begun.dyn_into::<WebSocket>().ok());
        Self { url: url.into(), early: Rc::new(RefCell::new(begun)) }
    }

    /// A socket will be asked for soon.
    pub(super) fn expect(&self) {
        // Where the browser will not even try it says so again when it is asked.
        let socket = self.socket();
        self.early.replace(socket);
    }

    /// No socket will be asked for after all.
    pub(super) fn forget(&self) {
        self.early.take().iter().for_each(close);
    }

    fn socket(&self) -> Option<WebSocket> {
        let is_alive =
            |socket: &WebSocket| matches!(socket.ready_state(), WebSocket::CONNECTING | WebSocket::OPEN);
        self.early.take().filter(is_alive).or_else(|| WebSocket::new(&self.url).ok())
    }
}

/// One socket; dropping it closes it, and nothing is told any more.
pub(super) struct Signal {
    socket: WebSocket,
    _listeners: [EventListener; 3],
}

impl Signal {
    /// Starts to open a socket. `None` if the browser will not even try; otherwise `tell` hears what happens, and
    /// says false when it is told too much: the socket is closed then.
    pub(super) fn open(
        server: &Server,
        tell: impl Fn(SignalEvent) -> bool + Clone + 'static,
    ) -> Option<Self> {
        let socket = server.socket()?;
        if socket.ready_state() == WebSocket::OPEN {
            tell(SignalEvent::Opened);
        }
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
        close(&self.socket);
    }
}

fn close(socket: &WebSocket) {
    if socket.ready_state() == WebSocket::CONNECTING {
        // Closed before it is open, a socket makes the browser complain in its console.
        let opened = socket.clone();
        return EventListener::once(socket, "open", move |_| drop(opened.close())).forget();
    }
    let _ = socket.close();
}
