//! A member without a browser: speaks the signaling protocol directly, for rooms that must be full or hosts that
//! must misbehave. Knows nothing of the pair handshake.

use futures_util::{SinkExt, StreamExt};
use privydrop_common::id::{PeerId, RoomId};
use privydrop_common::signaling::{ClientMessage, PROTOCOL, ServerMessage, Ticket};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::server::Server;

/// A connected client.
#[derive(Debug)]
pub struct RawMember {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl RawMember {
    /// Connects and says hello.
    pub async fn connect(server: &Server) -> Self {
        let address = format!("{}/ws", server.address().replacen("http", "ws", 1));
        let mut request = address.into_client_request().expect("a request");
        request.headers_mut().insert("origin", server.address().parse().expect("an origin"));
        let (socket, _) = connect_async(request).await.expect("a connection to the server");
        let mut member = Self { socket };
        member.say(&ClientMessage::Hello { protocol: PROTOCOL }).await;
        member.hear(|message| matches!(message, ServerMessage::Welcome { .. }).then_some(())).await;
        member
    }

    /// Makes a room and becomes its host.
    pub async fn create(&mut self, name: Option<RoomId>) -> RoomId {
        self.say(&ClientMessage::Create { name, ticket: None }).await;
        self.hear(|message| match message {
            ServerMessage::Created { room, .. } => Some(room),
            _ => None,
        })
        .await
    }

    /// Knocks at `room`.
    pub async fn knock(&mut self, room: &RoomId) -> PeerId {
        self.say(&ClientMessage::Join { room: room.clone(), ticket: None }).await;
        self.hear(|message| match message {
            ServerMessage::Knocking { member, .. } => Some(member),
            _ => None,
        })
        .await
    }

    /// Host: admits `knocker`, who hears of it.
    pub async fn admit(&mut self, knocker: PeerId, guest: &mut Self) -> Ticket {
        self.say(&ClientMessage::Admit { member: knocker }).await;
        guest
            .hear(|message| match message {
                ServerMessage::Joined { ticket, .. } => Some(ticket),
                _ => None,
            })
            .await
    }

    /// Says `message`.
    pub async fn say(&mut self, message: &ClientMessage) {
        self.socket.send(Message::text(message.to_text())).await.expect("an open socket");
    }

    /// Waits for a message that `pick` takes; passes over others. Panics on a refusal that it does not take.
    pub async fn hear<T>(&mut self, pick: impl Fn(ServerMessage) -> Option<T>) -> T {
        loop {
            let frame = self.socket.next().await.expect("an open socket").expect("a frame");
            let Message::Text(text) = frame else { continue };
            let message = ServerMessage::parse(&text).expect("a message of the protocol");
            let refused = matches!(message, ServerMessage::Refused { .. });
            match pick(message) {
                Some(value) => return value,
                None if refused => panic!("the server refused: {text}"),
                None => {}
            }
        }
    }
}
