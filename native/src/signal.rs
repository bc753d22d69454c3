//! The WebSocket to the signaling server.
//!
//! Passes text on in both directions and nothing more: it neither parses a message nor opens itself again.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use privydrop_common::host::SignalEvent;
use privydrop_common::mailbox::SocketId;
use privydrop_common::signaling::MAX_FRAME;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};
use tokio_util::task::TaskTracker;

use crate::mailbox::Mailbox;
use crate::server::Server;
use crate::tls;

/// Frames that may wait to be sent; a server that takes nothing is as good as gone.
const MAX_UNSENT: usize = 128;
/// Time to reach the server.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// The server pings every 20 seconds; after this long without a sign it is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// Time to say goodbye.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why a socket ended; only for logs, the session needs to know no more than that it did.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("no answer in time")]
    TimeOut,
    #[error("the server closed the socket")]
    ByServer,
    #[error("the server sent what is not a text")]
    NotText,
    #[error("more than the session takes in")]
    TooMuch,
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Socket(#[from] tungstenite::Error),
}

/// One socket; dropping it sends what waits and closes it, and nothing is told any more.
pub(crate) struct Signal {
    outgoing: mpsc::Sender<String>,
    mailbox: Mailbox,
    id: SocketId,
}

impl Signal {
    /// Starts to open the server's socket; `mailbox` hears what happens. `tasks` keeps the program from ending before
    /// the last frames are sent.
    pub(crate) fn open(server: &Server, mailbox: &Mailbox, tasks: &TaskTracker) -> Self {
        let (outgoing, waiting) = mpsc::channel(MAX_UNSENT);
        let id = mailbox.new_socket();
        tasks.spawn(run(server.clone(), waiting, mailbox.clone(), id));
        Self { outgoing, mailbox: mailbox.clone(), id }
    }

    /// Sends one text frame. Only for an open socket.
    pub(crate) fn send(&self, text: String) {
        if self.outgoing.try_send(text).is_err() {
            self.mailbox.signal(self.id, SignalEvent::Closed);
        }
    }
}

async fn run(server: Server, mut outgoing: mpsc::Receiver<String>, mailbox: Mailbox, id: SocketId) {
    let connected = tokio::select! {
        connected = timeout(CONNECT_WITHIN, connect(&server)) => connected,
        // Nothing is sent before it is open: this is the end of the other half.
        _ = outgoing.recv() => return,
    };
    let ended = match connected {
        Ok(Ok(socket)) => {
            mailbox.signal(id, SignalEvent::Opened);
            let tell = |text: &str| mailbox.signal(id, SignalEvent::Text(text.to_owned()));
            converse(socket, &mut outgoing, tell).await
        }
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Broken::TimeOut),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "the signal socket ended");
        mailbox.signal(id, SignalEvent::Closed);
    }
}

async fn connect(server: &Server) -> Result<Socket, Broken> {
    let limits = WebSocketConfig::default().max_message_size(Some(MAX_FRAME)).max_frame_size(Some(MAX_FRAME));
    let connector = if server.is_plain() { Connector::Plain } else { Connector::Rustls(tls::trust().await?) };
    let (socket, _) =
        connect_async_tls_with_config(server.socket(), Some(limits), true, Some(connector)).await?;
    Ok(socket)
}

/// Passes frames on until the other half is dropped, which is no error.
async fn converse(
    mut socket: Socket,
    outgoing: &mut mpsc::Receiver<String>,
    tell: impl Fn(&str) -> bool,
) -> Result<(), Broken> {
    loop {
        tokio::select! {
            text = outgoing.recv() => match text {
                Some(text) => timeout(SILENCE, socket.send(Message::text(text))).await.map_err(|_| Broken::TimeOut)??,
                None => break,
            },
            message = timeout(SILENCE, socket.next()) => match message.map_err(|_| Broken::TimeOut)? {
                Some(Ok(Message::Text(text))) if tell(&text) => {}
                Some(Ok(Message::Text(_))) => return Err(Broken::TooMuch),
                Some(Ok(Message::Binary(_))) => return Err(Broken::NotText),
                Some(Ok(Message::Close(_))) | None => return Err(Broken::ByServer),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
            },
        }
    }
    // Read to its end: a socket closed over unread bytes would take the last frames with it.
    let goodbye = async {
        let _ = socket.close(None).await;
        while let Some(Ok(_)) = socket.next().await {}
    };
    let _ = timeout(CLOSE_WITHIN, goodbye).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use core::future::poll_fn;

    use privydrop_common::host::Report;
    use tokio::net::TcpListener;
    use tokio_tungstenite::accept_async;

    use super::*;

    /// A server's end of one socket, and ours.
    struct Ends {
        mailbox: Mailbox,
        tasks: TaskTracker,
        signal: Signal,
        server: WebSocketStream<TcpStream>,
    }

    async fn connected() -> Ends {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server: Server = listener.local_addr().unwrap().to_string().parse().unwrap();
        let (mailbox, tasks) = (Mailbox::default(), TaskTracker::new());
        let signal = Signal::open(&server, &mailbox, &tasks);
        let server = accept_async(listener.accept().await.unwrap().0).await.unwrap();
        let ends = Ends { mailbox, tasks, signal, server };
        assert_eq!(ends.heard().await, SignalEvent::Opened);
        ends
    }

    impl Ends {
        async fn heard(&self) -> SignalEvent {
            match poll_fn(|cx| self.mailbox.poll(cx)).await {
                Report::Signal(event) => event,
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn frames_go_both_ways_and_the_servers_end_is_told() {
        let mut ends = connected().await;
        ends.signal.send("from us".into());
        assert_eq!(ends.server.next().await.unwrap().unwrap(), Message::text("from us"));
        let longest = "x".repeat(MAX_FRAME);
        ends.server.send(Message::text(longest.as_str())).await.unwrap();
        assert_eq!(ends.heard().await, SignalEvent::Text(longest));
        ends.server.close(None).await.unwrap();
        assert_eq!(ends.heard().await, SignalEvent::Closed);
    }

    #[tokio::test]
    async fn a_frame_that_is_too_long_or_no_text_closes_the_socket() {
        for frame in [Message::text("x".repeat(MAX_FRAME + 1)), Message::binary("bytes")] {
            let mut ends = connected().await;
            ends.server.send(frame).await.unwrap();
            assert_eq!(ends.heard().await, SignalEvent::Closed);
        }
    }

    #[tokio::test]
    async fn the_last_frames_are_sent_though_the_socket_is_dropped() {
        let Ends { signal, mut server, tasks, mailbox } = connected().await;
        for word in ["going", "gone"] {
            signal.send(word.into());
        }
        drop(signal);
        mailbox.new_socket();
        for word in ["going", "gone"] {
            assert_eq!(server.next().await.unwrap().unwrap(), Message::text(word));
        }
        assert!(matches!(server.next().await, Some(Ok(Message::Close(_)))));
        drop(server);
        tasks.close();
        tasks.wait().await;
        assert!(mailbox.poll(&mut core::task::Context::from_waker(core::task::Waker::noop())).is_pending());
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server: Server = listener.local_addr().unwrap().to_string().parse().unwrap();
        drop(listener);
        let mailbox = Mailbox::default();
        let _signal = Signal::open(&server, &mailbox, &TaskTracker::new());
        assert_eq!(poll_fn(|cx| mailbox.poll(cx)).await, Report::Signal(SignalEvent::Closed));
    }
}
