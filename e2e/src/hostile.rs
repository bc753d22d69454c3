//! A signaling server that lies: stands between pages and the real one, and does with relayed letters as it likes.
//!
//! Everything but WebSockets passes through unchanged. It knows no secret of any room: whatever it achieves, any
//! server could. Letters: docs/PROTOCOL.md §1.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{SinkExt, StreamExt};
use privydrop_common::handshake::PairMessage;
use privydrop_common::id::PeerId;
use privydrop_common::signaling::{Body, ClientMessage, ServerMessage};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{accept_async, connect_async};

use crate::server::Server;

/// A body that a page hands over to be relayed.
#[derive(Debug, Clone)]
pub struct Letter {
    /// To whom.
    pub to: PeerId,
    /// Its number.
    pub seq: u32,
    /// What it holds.
    pub body: Body,
}

/// What becomes of a letter.
#[derive(Debug, Clone)]
pub enum Fate {
    /// Goes to the real server.
    Pass(Letter),
    /// Comes to the page that sent it, as if from this member.
    Back(PeerId, u32, Body),
}

/// Decides what becomes of each letter of all pages.
pub type Trick = Box<dyn FnMut(Letter) -> Vec<Fate> + Send>;

/// The lying server; dropping it ends it.
#[derive(Debug)]
pub struct HostileServer {
    address: String,
    listening: JoinHandle<()>,
}

impl HostileServer {
    /// Stands before `server` and plays `trick`.
    pub async fn before(server: &Server, trick: Trick) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let real = server.address().trim_start_matches("http://").to_owned();
        let trick = Arc::new(Mutex::new(trick));
        let listening = tokio::spawn(async move {
            while let Ok((page, _)) = listener.accept().await {
                tokio::spawn(serve(page, real.clone(), Arc::clone(&trick)));
            }
        });
        Self { address, listening }
    }

    /// Where pages find it.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for HostileServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// One connection of a page. It ends when either side does; nothing waits for it.
async fn serve(mut page: TcpStream, real: String, trick: Arc<Mutex<Trick>>) {
    const SOCKET: &[u8] = b"GET /ws ";
    let mut start = [0; SOCKET.len()];
    while matches!(page.peek(&mut start).await, Ok(read) if read < SOCKET.len() && read > 0) {
        tokio::task::yield_now().await;
    }
    if start == SOCKET {
        return relay(page, &real, trick).await;
    }
    if let Ok(mut server) = TcpStream::connect(&real).await {
        let _ended = tokio::io::copy_bidirectional(&mut page, &mut server).await;
    }
}

async fn relay(page: TcpStream, real: &str, trick: Arc<Mutex<Trick>>) {
    let (Ok(page), Ok((server, _))) =
        (accept_async(page).await, connect_async(format!("ws://{real}/ws")).await)
    else {
        return;
    };
    let ((mut to_page, mut from_page), (mut to_server, mut from_server)) = (page.split(), server.split());
    loop {
        tokio::select! {
            Some(Ok(message)) = from_page.next() => {
                for (back, message) in fates(message, &trick) {
                    let sent = if back { to_page.send(message).await } else { to_server.send(message).await };
                    if sent.is_err() {
                        return;
                    }
                }
            }
            Some(Ok(message)) = from_server.next() => {
                if to_page.send(message).await.is_err() {
                    return;
                }
            }
            else => return,
        }
    }
}

/// The messages that come of one of a page's: whether each goes back to it, and the message.
fn fates(message: Message, trick: &Mutex<Trick>) -> Vec<(bool, Message)> {
    let Message::Text(text) = &message else { return vec![(false, message)] };
    let Ok(ClientMessage::Relay { to, seq, body }) = ClientMessage::parse(text) else {
        return vec![(false, message)];
    };
    let mut trick = trick.lock().unwrap_or_else(PoisonError::into_inner);
    let send = |fate| match fate {
        Fate::Pass(Letter { to, seq, body }) => {
            (false, Message::text(ClientMessage::Relay { to, seq, body }.to_text()))
        }
        Fate::Back(from, seq, body) => {
            (true, Message::text(ServerMessage::Relay { from, seq, body }.to_text()))
        }
    };
    trick(Letter { to, seq, body }).into_iter().map(send).collect()
}

/// A body as pages write it: number of the attempt, letters received, message.
pub fn body(stream: u32, received: u32, message: &PairMessage) -> Body {
    let mut bytes = [stream.to_be_bytes(), received.to_be_bytes()].concat();
    bytes.extend(message.encode());
    Body::new(URL_SAFE_NO_PAD.encode(bytes)).expect("a short body")
}

/// The number of the attempt, and the message, if there is one.
pub fn read(body: &Body) -> (u32, Option<PairMessage>) {
    let bytes = URL_SAFE_NO_PAD.decode(body.as_str()).expect("a page's body");
    let stream = bytes.first_chunk().map_or(0, |stream| u32::from_be_bytes(*stream));
    (stream, bytes.get(8..).and_then(|message| PairMessage::decode(message).ok()))
}

/// The same body with one bit of its message changed.
pub fn changed(body: &Body) -> Body {
    let mut bytes = URL_SAFE_NO_PAD.decode(body.as_str()).expect("a page's body");
    if let Some(byte) = bytes.get_mut(60) {
        *byte ^= 1;
    }
    Body::new(URL_SAFE_NO_PAD.encode(bytes)).expect("as long as before")
}
