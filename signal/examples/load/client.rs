//! A client that says and hears whole messages, as cheaply as it can.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use privydrop_common::id::{PeerId, RoomId};
use privydrop_common::signaling::{ClientMessage, ServerMessage};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::server::Server;
use crate::wrong;

/// One socket.
pub(crate) struct Client(pub(crate) WebSocketStream<TcpStream>);

impl Client {
    pub(crate) async fn connect(server: &Server) -> Result<Self> {
        Self::connect_to(server.address).await
    }

    pub(crate) async fn connect_to(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://{address}/ws");
        let (socket, _) = client_async(url, stream).await.map_err(Error::other)?;
        let mut client = Self(socket);
        client.say(&ClientMessage::Hello { protocol: 1 }).await?;
        client.hear().await?;
        Ok(client)
    }

    pub(crate) async fn say(&mut self, message: &ClientMessage) -> Result<()> {
        self.0.send(Message::text(message.to_text())).await.map_err(Error::other)
    }

    /// Hears all up to the news that somebody left.
    pub(crate) async fn hear_until_left(&mut self) -> Result<()> {
        while !matches!(self.hear().await?, ServerMessage::MemberLeft { .. }) {}
        Ok(())
    }

    pub(crate) async fn hear(&mut self) -> Result<ServerMessage> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return ServerMessage::parse(&text).map_err(Error::other),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Error::other(error)),
                None => return Err(ErrorKind::UnexpectedEof.into()),
            }
        }
    }
}

/// A room with its host.
pub(crate) async fn host(server: &Server) -> Result<(Client, RoomId)> {
    let mut host = Client::connect(server).await?;
    host.say(&ClientMessage::Create { name: None, ticket: None }).await?;
    match host.hear().await? {
        ServerMessage::Created { room, .. } => Ok((host, room)),
        _ => Err(wrong("no room was made")),
    }
}

/// Knocks at this room and is let in; who it is there.
pub(crate) async fn admit(host: &mut Client, room: &RoomId, guest: &mut Client) -> Result<PeerId> {
    guest.say(&ClientMessage::Join { room: room.clone(), ticket: None }).await?;
    let member = loop {
        if let ServerMessage::Knock { member } = host.hear().await? {
            break member;
        }
    };
    host.say(&ClientMessage::Admit { member }).await?;
    loop {
        match guest.hear().await? {
            ServerMessage::Joined { .. } => return Ok(member),
            ServerMessage::Knocking { .. } => {}
            other => return Err(wrong(&format!("{other:?}"))),
        }
    }
}

/// A host at one node and a guest that it admitted at another, or at the same.
pub(crate) async fn pair(near: &Server, far: &Server) -> Result<(Client, Client, PeerId)> {
    let ((mut host, room), mut guest) = (host(near).await?, Client::connect(far).await?);
    let member = admit(&mut host, &room, &mut guest).await?;
    host.hear().await?;
    Ok((host, guest, member))
}
