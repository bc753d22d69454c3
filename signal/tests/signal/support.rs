//! A server on a free port, and a client that says and hears whole messages.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use privydrop_common::id::{PeerId, RoomId};
use privydrop_common::signaling::{Body, ClientMessage, Refusal, ServerMessage, Ticket};
use privydrop_signal::config::{Config, Pace};
use privydrop_signal::server::{Running, start_with};
use privydrop_signal::store::Store;
use privydrop_signal::store::memory::Memory;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// Nothing on one machine takes this long: a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn config(flags: &[&str]) -> Config {
    let fixed = ["privydrop-server", "--listen", "127.0.0.1:0"];
    Config::parse_from(fixed.iter().chain(flags))
}

/// A server with rooms in memory.
pub(crate) async fn server(flags: &[&str]) -> Running {
    paced(flags, |_| {}).await
}

/// The same, at another pace.
pub(crate) async fn paced(flags: &[&str], change: impl FnOnce(&mut Pace)) -> Running {
    let config = config(flags);
    let mut pace = config.pace();
    change(&mut pace);
    start_with(&config, Arc::new(Memory::default()), pace).await.unwrap()
}

/// A server on a given store.
pub(crate) async fn node(store: Arc<dyn Store>) -> Running {
    node_with(&[], store).await
}

/// The same, with settings of its own.
pub(crate) async fn node_with(flags: &[&str], store: Arc<dyn Store>) -> Running {
    let config = config(flags);
    start_with(&config, store, config.pace()).await.unwrap()
}

/// What a socket runs over: nothing but TCP, or TLS to a proxy.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<Box<dyn Stream>>,
}

/// What a client has when it is a member.
pub(crate) struct Seat {
    pub(crate) client: Client,
    pub(crate) member: PeerId,
    pub(crate) room: RoomId,
    pub(crate) ticket: Ticket,
}

impl Client {
    /// Opens a socket and says nothing.
    pub(crate) async fn open(server: &Running) -> Self {
        Self::open_with(server, &[]).await.unwrap()
    }

    /// Opens a socket with extra headers.
    pub(crate) async fn open_with(
        server: &Running,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, tungstenite::Error> {
        Self::open_at(server.address, headers).await
    }

    async fn open_at(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, tungstenite::Error> {
        let stream = TcpStream::connect(address).await.map_err(tungstenite::Error::Io)?;
        Self::open_over(stream, &format!("ws://{address}/ws"), headers).await
    }

    /// Opens a socket over a stream that is there already.
    pub(crate) async fn open_over(
        stream: impl Stream + 'static,
        url: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, tungstenite::Error> {
        let mut request = url.into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        let stream: Box<dyn Stream> = Box::new(stream);
        let (socket, _) = client_async(request, stream).await?;
        Ok(Self { socket })
    }

    /// Opens a socket and says hello.
    pub(crate) async fn hello(server: &Running) -> Self {
        Self::hello_at(server.address).await
    }

    /// The same, as a trusted proxy says that it comes from `address`.
    pub(crate) async fn hello_from(server: &Running, address: &str) -> Self {
        Self::open_with(server, &[("x-forwarded-for", address)]).await.unwrap().greeted().await
    }

    /// The same, when the system takes little for it that it does not read.
    pub(crate) async fn hello_of_little_room(server: &Running) -> Self {
        let stream = of_little_room(server).await;
        let url = format!("ws://{}/ws", server.address);
        Self::open_over(stream, &url, &[]).await.unwrap().greeted().await
    }

    /// The same, for a server in a process of its own.
    pub(crate) async fn hello_at(address: SocketAddr) -> Self {
        Self::open_at(address, &[]).await.unwrap().greeted().await
    }

    /// Says hello.
    pub(crate) async fn greeted(mut self) -> Self {
        self.say(ClientMessage::Hello { protocol: 1 }).await;
        assert!(matches!(self.hear().await, ServerMessage::Welcome { protocol: 1, .. }));
        self
    }

    /// The same, when the server may be about to go.
    pub(crate) async fn try_hello_at(address: SocketAddr) -> Option<Self> {
        let mut client = Self::open_at(address, &[]).await.ok()?;
        let hello = Message::text(ClientMessage::Hello { protocol: 1 }.to_text());
        client.socket.send(hello).await.ok()?;
        match client.hear_or_end().await? {
            ServerMessage::Welcome { .. } => Some(client),
            _ => None,
        }
    }

    pub(crate) async fn say(&mut self, message: ClientMessage) {
        self.say_raw(&message.to_text()).await;
    }

    pub(crate) async fn say_raw(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The next message; `None` when the server closed.
    pub(crate) async fn hear_or_end(&mut self) -> Option<ServerMessage> {
        // Pings are no answer: the deadline stands however often they come.
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let next = tokio::time::timeout_at(deadline, self.socket.next()).await;
            match next.expect("the server says nothing") {
                Some(Ok(Message::Text(text))) => return Some(ServerMessage::parse(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    pub(crate) async fn hear(&mut self) -> ServerMessage {
        self.hear_or_end().await.expect("the server closed the socket")
    }

    /// The next message is a refusal, for this reason.
    pub(crate) async fn hear_refused(&mut self, expected: Refusal) -> Option<u32> {
        match self.hear().await {
            ServerMessage::Refused { code, text, retry_after } => {
                assert_eq!(code, expected, "{text}");
                retry_after
            }
            other => panic!("expected {expected:?}, heard {other:?}"),
        }
    }

    /// The server closes, and says nothing more.
    pub(crate) async fn hear_end(&mut self) {
        assert_eq!(self.hear_or_end().await, None);
    }

    /// The server closes, whatever it says before.
    pub(crate) async fn hear_end_after_news(&mut self) {
        while self.hear_or_end().await.is_some() {}
    }

    /// Proves that the socket is alive and that nothing unexpected is waiting: the answer to a message that is
    /// always refused comes next.
    pub(crate) async fn hear_nothing(&mut self) {
        self.say(ClientMessage::Hello { protocol: 1 }).await;
        self.hear_refused(Refusal::OutOfPlace).await;
    }

    pub(crate) async fn create(mut self, name: Option<&str>) -> Seat {
        self.say(ClientMessage::Create { name: name.map(|name| name.parse().unwrap()), ticket: None }).await;
        match self.hear().await {
            ServerMessage::Created { member, room, ticket, .. } => {
                Seat { client: self, member, room, ticket }
            }
            other => panic!("expected created, heard {other:?}"),
        }
    }

    /// Knocks; the member id under which.
    pub(crate) async fn knock(&mut self, room: &RoomId) -> PeerId {
        self.say(ClientMessage::Join { room: room.clone(), ticket: None }).await;
        match self.hear().await {
            ServerMessage::Knocking { member, .. } => member,
            other => panic!("expected knocking, heard {other:?}"),
        }
    }

    /// Takes a room again as its owner.
    pub(crate) async fn take_again(mut self, room: &RoomId, ticket: &Ticket) -> Seat {
        self.say(ClientMessage::Create { name: Some(room.clone()), ticket: Some(ticket.clone()) }).await;
        match self.hear().await {
            ServerMessage::Created { member, room, ticket, .. } => {
                Seat { client: self, member, room, ticket }
            }
            other => panic!("expected created, heard {other:?}"),
        }
    }

    /// Leaving has no answer; a second one has, and comes after it.
    pub(crate) async fn hear_refused_after_leaving(&mut self) {
        self.say(ClientMessage::Leave).await;
        self.hear_refused(Refusal::NotMember).await;
    }

    /// Joins with a ticket.
    pub(crate) async fn rejoin(mut self, room: &RoomId, ticket: &Ticket) -> Seat {
        self.say(ClientMessage::Join { room: room.clone(), ticket: Some(ticket.clone()) }).await;
        self.hear_joined().await
    }

    pub(crate) async fn hear_joined(mut self) -> Seat {
        match self.hear().await {
            ServerMessage::Joined { member, room, ticket, .. } => Seat { client: self, member, room, ticket },
            other => panic!("expected joined, heard {other:?}"),
        }
    }
}

impl Seat {
    /// Knocks from a new socket and is admitted by this host, up to the host's news of it.
    pub(crate) async fn admit_from(&mut self, server: &Running) -> Seat {
        self.admit(Client::hello(server).await).await
    }

    /// The same, from this socket.
    pub(crate) async fn admit(&mut self, mut guest: Client) -> Seat {
        let member = guest.knock(&self.room).await;
        assert_eq!(self.client.hear().await, ServerMessage::Knock { member });
        self.client.say(ClientMessage::Admit { member }).await;
        let seat = guest.hear_joined().await;
        assert_eq!(seat.member, member);
        match self.client.hear().await {
            ServerMessage::MemberJoined { member: joined } => assert_eq!(joined.id, member),
            other => panic!("expected member-joined, heard {other:?}"),
        }
        seat
    }

    pub(crate) async fn relay(&mut self, to: PeerId, body: &str) {
        self.client.say(relay(to, body)).await;
    }
}

/// A connection for which the system takes little that is not read.
pub(crate) async fn of_little_room(server: &Running) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(server.address).await.unwrap()
}

pub(crate) fn relay(to: PeerId, body: &str) -> ClientMessage {
    ClientMessage::Relay { to, seq: 7, body: Body::new(body.to_owned()).unwrap() }
}

pub(crate) fn relayed(from: PeerId, body: &str) -> ServerMessage {
    ServerMessage::Relay { from, seq: 7, body: Body::new(body.to_owned()).unwrap() }
}

/// Asks again until it is so.
pub(crate) async fn eventually(mut check: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !check().await {
        assert!(tokio::time::Instant::now() < deadline, "it never became so");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
