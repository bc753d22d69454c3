//! The conversation between a client and the signaling server: JSON text, one message a frame,
//! `{"name-of-message":{fields}}`, or only `"name-of-message"` where there are no fields.
//!
//! Defines every message, its bounds, and the one parser for each direction. Knows nothing of sockets, rooms'
//! storage, or what a relayed body means: the server never parses a body. See docs/PROTOCOL.md §1.

mod said;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::id::{PeerId, RoomId};

/// The protocol version that this build speaks.
pub const PROTOCOL: u16 = 1;
/// Longest WebSocket frame in either direction, in bytes.
pub const MAX_FRAME: usize = 32 * 1024;
/// Longest relayed body, in characters of base64url.
pub const MAX_BODY: usize = 24 * 1024;
/// Most members that a room holds; knockers not counted.
pub const MAX_MEMBERS: usize = 16;
/// Most knockers that wait at one room.
pub const MAX_KNOCKERS: usize = 8;
/// Seconds that a knocker may wait for the host.
pub const KNOCK_SECONDS: u32 = 30;
/// Seconds that TURN credentials are good for, from the moment they are told.
pub const ICE_SECONDS: u32 = 60 * 60;
/// Longest ticket, in characters.
pub const MAX_TICKET: usize = 512;

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ClientMessage {
    /// First message on every socket, within 5 s of the upgrade.
    Hello {
        /// The version that the client speaks.
        protocol: u16,
    },
    /// Make a room and be its host.
    Create {
        /// A wished name; without it the server hands out digits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<RoomId>,
        /// Proof that this client owned the wished name before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<Ticket>,
    },
    /// Enter a room: with a ticket at once, without one as a knocker.
    Join {
        /// The room to enter.
        room: RoomId,
        /// Proof of earlier membership (or of being the host).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<Ticket>,
    },
    /// Host only: make a knocker a member.
    Admit {
        /// The knocker.
        member: PeerId,
    },
    /// Pass `body` to another member. A knocker reaches only the host, and only the host reaches a knocker.
    Relay {
        /// The receiver.
        to: PeerId,
        /// Number of the letter within its connection attempt, from 0.
        seq: u32,
        /// Opaque to the server.
        body: Body,
    },
    /// Tells the others whether this member offers at least one item.
    Sharing {
        /// True while at least one item is offered.
        on: bool,
    },
    /// Tell the STUN and TURN servers again, with fresh credentials. Members only; a server that does not know of it
    /// refuses it as [`Refusal::BadMessage`].
    Ice,
    /// Leave the room for good; the socket stays usable.
    Leave,
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "said::Said")]
pub enum ServerMessage {
    /// Answer to hello.
    Welcome {
        /// The version that the server speaks.
        protocol: u16,
        /// Version of the server program, for people.
        server: String,
        /// Bounds in force.
        limits: Limits,
    },
    /// The room exists and the receiver is its host.
    Created {
        /// The receiver's member id.
        member: PeerId,
        /// The room's name.
        room: RoomId,
        /// Owner ticket: use the name again, be host again.
        ticket: Ticket,
        /// STUN and TURN servers.
        ice: Vec<IceServer>,
    },
    /// The room exists; the receiver may talk to its host until admitted.
    Knocking {
        /// The receiver's member id, kept when admitted.
        member: PeerId,
        /// The room's name.
        room: RoomId,
        /// The host's member id.
        host: PeerId,
        /// STUN and TURN servers.
        ice: Vec<IceServer>,
    },
    /// The receiver is a member.
    Joined {
        /// The receiver's member id.
        member: PeerId,
        /// The room's name.
        room: RoomId,
        /// The host's member id, also while the host is away.
        host: PeerId,
        /// The other members.
        members: Vec<Member>,
        /// Member ticket (owner ticket for the host): join again without knocking.
        ticket: Ticket,
        /// STUN and TURN servers.
        ice: Vec<IceServer>,
    },
    /// To the host: somebody knocks.
    Knock {
        /// The knocker.
        member: PeerId,
    },
    /// Somebody became a member, or is back.
    MemberJoined {
        /// Who.
        member: Member,
    },
    /// A member or knocker is gone.
    MemberLeft {
        /// Who.
        member: PeerId,
        /// True when the socket was lost and the member may be back; false when it said leave.
        lost: bool,
    },
    /// A member started or stopped sharing.
    MemberSharing {
        /// Who.
        member: PeerId,
        /// Whether it offers at least one item.
        on: bool,
    },
    /// A body from another member.
    Relay {
        /// The sender, stamped by the server.
        from: PeerId,
        /// The sender's number for this message.
        seq: u32,
        /// Opaque to the server.
        body: Body,
    },
    /// Answer to [`ClientMessage::Ice`], and nothing that anybody is told unasked.
    Ice {
        /// STUN and TURN servers.
        ice: Vec<IceServer>,
    },
    /// A request was not done, or the connection is about to be closed.
    Refused {
        /// Why, for programs.
        code: Refusal,
        /// Why, for people who read the wire.
        text: String,
        /// Seconds after which the same request may succeed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// This node is about to stop: connect again, anywhere.
    Draining,
}

/// A member as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub id: PeerId,
    /// Whether it offers at least one item.
    pub sharing: bool,
}

/// Bounds that the server enforces, told so that a client can keep to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Longest frame in bytes.
    pub frame: u32,
    /// Most members in a room.
    pub members: u32,
    /// Messages a second that a client may send for long.
    pub rate: u32,
    /// Messages that it may send at once.
    pub burst: u32,
    /// The server pings this often, in seconds.
    pub ping: u32,
}

/// A STUN or TURN server, in the terms of `RTCIceServer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceServer {
    /// `stun:`, `turn:` or `turns:` addresses.
    pub urls: Vec<String>,
    /// TURN only: short-lived user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// TURN only: its password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// Why the server refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The client's protocol version is not spoken here.
    UnsupportedVersion,
    /// Not a message of this protocol.
    BadMessage,
    /// The frame is longer than [`MAX_FRAME`].
    TooLarge,
    /// The message does not fit what the socket did before (for example a second create).
    OutOfPlace,
    /// No such room.
    RoomUnknown,
    /// The wished name is in use.
    RoomTaken,
    /// The room has [`MAX_MEMBERS`] members.
    RoomFull,
    /// [`MAX_KNOCKERS`] knockers wait already.
    RoomBusy,
    /// The host is not connected; only ticket holders can join.
    HostAway,
    /// The ticket is forged, expired, or for another room.
    TicketInvalid,
    /// The sender is not in a room, or knocks and may not do this.
    NotMember,
    /// Only the host may do this.
    NotHost,
    /// The relay's receiver is not in the room, or not reachable for a knocker.
    PeerUnknown,
    /// Too many attempts from this address.
    RateLimited,
    /// Too many messages on this socket.
    TooManyMessages,
    /// The host did not admit the knocker in time.
    KnockExpired,
    /// No hello in time.
    HelloMissing,
    /// The room store does not answer.
    StoreUnavailable,
    /// The store is full; nothing new is made.
    StoreFull,
    /// Member is connected by another socket, which took its place.
    Replaced,
}

/// A relayed body: base64url text of at most [`MAX_BODY`] characters.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Body(String);

/// A signed proof of ownership or membership, opaque to clients: at most [`MAX_TICKET`] characters of base64url and dots.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Ticket(String);

/// Why a text is not a message of this protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMessage {
    /// Longer than [`MAX_FRAME`].
    #[error("message longer than {MAX_FRAME} bytes")]
    TooLarge,
    /// Not JSON, or not one of the messages, or a field out of bounds.
    #[error("not a message of this protocol")]
    Malformed,
}

impl Body {
    /// Checks length and alphabet.
    pub fn new(text: String) -> Result<Self, InvalidMessage> {
        // Every byte is looked at, also behind a wrong one: so many are looked at at once, ten times as fast.
        let fits = text.len() <= MAX_BODY && text.bytes().fold(true, |fits, byte| fits & is_base64url(byte));
        if fits { Ok(Self(text)) } else { Err(InvalidMessage::Malformed) }
    }

    /// The text that travels.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Ticket {
    /// Checks length and alphabet, not the signature.
    pub fn new(text: String) -> Result<Self, InvalidMessage> {
        let allowed = |byte| is_base64url(byte) || byte == b'.';
        if !text.is_empty() && text.len() <= MAX_TICKET && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err(InvalidMessage::Malformed)
        }
    }

    /// The text that travels. A ticket is as good as membership: keep it out of logs.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::fmt::Debug for Body {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Body({} characters)", self.0.len())
    }
}

impl core::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Ticket(…)")
    }
}

impl From<Body> for String {
    fn from(body: Body) -> Self {
        body.0
    }
}

impl TryFrom<String> for Body {
    type Error = InvalidMessage;
    fn try_from(text: String) -> Result<Self, InvalidMessage> {
        Self::new(text)
    }
}

impl From<Ticket> for String {
    fn from(ticket: Ticket) -> Self {
        ticket.0
    }
}

impl TryFrom<String> for Ticket {
    type Error = InvalidMessage;
    fn try_from(text: String) -> Result<Self, InvalidMessage> {
        Self::new(text)
    }
}

impl ClientMessage {
    /// Parses one frame from a client.
    pub fn parse(text: &str) -> Result<Self, InvalidMessage> {
        parse(text)
    }

    /// The text of one frame.
    pub fn to_text(&self) -> String {
        to_text(self)
    }
}

impl ServerMessage {
    /// Parses one frame from the server.
    pub fn parse(text: &str) -> Result<Self, InvalidMessage> {
        parse(text)
    }

    /// The text of one frame.
    pub fn to_text(&self) -> String {
        to_text(self)
    }
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn parse<M: DeserializeOwned>(text: &str) -> Result<M, InvalidMessage> {
    if text.len() > MAX_FRAME {
        return Err(InvalidMessage::TooLarge);
    }
    serde_json::from_str(text).map_err(|_| InvalidMessage::Malformed)
}

fn to_text<M: Serialize>(message: &M) -> String {
    // Serializing these types cannot fail: no map keys, no fallible `Serialize`.
    serde_json::to_string(message).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_a_message_or_a_typed_error(text in "\\PC{0,300}") {
            let _ = ClientMessage::parse(&text);
            let _ = ServerMessage::parse(&text);
        }

        #[test]
        fn any_json_shape_is_a_message_or_a_typed_error(
            kind in "(hello|create|join|admit|relay|sharing|ice|leave|joined|x)",
            field in "(room|name|to|body|seq|on|protocol|ticket|member)",
            value in "(null|\\[\\]|\\{\\}|-1|1e400|0\\.5|\"\"|\"a\"|true|18446744073709551616)",
        ) {
            let text = format!("{{\"{kind}\":{{\"{field}\":{value}}}}}");
            let _ = ClientMessage::parse(&text);
            let _ = ServerMessage::parse(&text);
        }
    }

    #[test]
    fn messages_survive_their_own_text() {
        let member: PeerId = "0123456789abcdef".parse().unwrap();
        let messages = [
            ClientMessage::Hello { protocol: 1 },
            ClientMessage::Create { name: Some("my-room".parse().unwrap()), ticket: None },
            ClientMessage::Relay { to: member, seq: 7, body: Body::new("abc_-".into()).unwrap() },
            ClientMessage::Ice,
            ClientMessage::Leave,
        ];
        for message in messages {
            assert_eq!(ClientMessage::parse(&message.to_text()), Ok(message));
        }
        assert_eq!(ClientMessage::Leave.to_text(), r#""leave""#);
    }

    #[test]
    fn deep_json_is_refused_not_followed() {
        let deep = "[".repeat(20_000);
        assert!(matches!(ClientMessage::parse(&deep), Err(InvalidMessage::Malformed)));
    }

    #[test]
    fn an_overlong_frame_is_refused_before_it_is_parsed() {
        let long = format!("\"leave\"{}", " ".repeat(MAX_FRAME));
        assert_eq!(ClientMessage::parse(&long), Err(InvalidMessage::TooLarge));
    }

    #[test]
    fn secrets_and_addresses_do_not_show_in_debug_output() {
        let ticket = Ticket::new("secret.ticket".into()).unwrap();
        let join = ClientMessage::Join { room: "hidden-room".parse().unwrap(), ticket: Some(ticket) };
        let shown = format!("{join:?}");
        assert!(!shown.contains("secret") && !shown.contains("hidden"), "{shown}");
    }
}
