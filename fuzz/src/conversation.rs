//! The conversation with the signaling server, both directions.

use privydrop_common::id::{PeerId, RoomId};
use privydrop_common::signaling::{
    Body, ClientMessage, IceServer, Limits, MAX_BODY, MAX_FRAME, MAX_TICKET, Member, Refusal, ServerMessage,
    Ticket,
};

/// What a client says, as the server reads it.
pub(crate) fn client_messages(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(message) = ClientMessage::parse(text) else { return };
    assert!(text.len() <= MAX_FRAME);
    let (ticket, body) = match &message {
        ClientMessage::Create { ticket, .. } | ClientMessage::Join { ticket, .. } => (ticket.as_ref(), None),
        ClientMessage::Relay { body, .. } => (None, Some(body)),
        _ => (None, None),
    };
    assert!(ticket.is_none_or(|ticket| (1..=MAX_TICKET).contains(&ticket.as_str().len())));
    assert!(body.is_none_or(|body| body.as_str().len() <= MAX_BODY));
    assert_eq!(ClientMessage::parse(&message.to_text()), Ok(message));
}

/// What the server says, as a client reads it.
pub(crate) fn server_messages(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(message) = ServerMessage::parse(text) else { return };
    assert!(text.len() <= MAX_FRAME);
    // Names of fields may have been left out, so what was just short enough can be too long when it is written again.
    let again = message.to_text();
    if again.len() <= MAX_FRAME {
        assert_eq!(ServerMessage::parse(&again), Ok(message));
    }
}

pub(crate) fn room() -> RoomId {
    "my-room".parse().unwrap()
}

pub(crate) fn member(number: u8) -> PeerId {
    format!("{number:016x}").parse().unwrap()
}

pub(crate) fn ticket() -> Ticket {
    Ticket::new("claims.signature".to_owned()).unwrap()
}

fn body() -> Body {
    Body::new("AAAAAQAAAAABAg".to_owned()).unwrap()
}

pub(crate) fn client_seeds() -> Vec<Vec<u8>> {
    let messages = [
        ClientMessage::Hello { protocol: 1 },
        ClientMessage::Create { name: None, ticket: None },
        ClientMessage::Create { name: Some(room()), ticket: Some(ticket()) },
        ClientMessage::Join { room: room(), ticket: None },
        ClientMessage::Join { room: room(), ticket: Some(ticket()) },
        ClientMessage::Admit { member: member(1) },
        ClientMessage::Relay { to: member(2), seq: 7, body: body() },
        ClientMessage::Sharing { on: true },
        ClientMessage::Leave,
    ];
    messages.iter().map(|message| message.to_text().into_bytes()).collect()
}

pub(crate) fn server_messages_of_each_kind() -> Vec<ServerMessage> {
    let ice = || {
        vec![
            IceServer { urls: vec!["stun:a.example".to_owned()], username: None, credential: None },
            IceServer {
                urls: vec!["turn:a.example?transport=tcp".to_owned()],
                username: Some("1:a".to_owned()),
                credential: Some("b".to_owned()),
            },
        ]
    };
    let other = Member { id: member(3), sharing: true };
    vec![
        ServerMessage::Welcome {
            protocol: 1,
            server: "0.1.0".to_owned(),
            limits: Limits { frame: 32_768, members: 16, rate: 20, burst: 60, ping: 20 },
        },
        ServerMessage::Created { member: member(1), room: room(), ticket: ticket(), ice: ice() },
        ServerMessage::Knocking { member: member(2), room: room(), host: member(1), ice: ice() },
        ServerMessage::Joined {
            member: member(2),
            room: room(),
            host: member(1),
            members: vec![other],
            ticket: ticket(),
            ice: ice(),
        },
        ServerMessage::Knock { member: member(2) },
        ServerMessage::MemberJoined { member: other },
        ServerMessage::MemberLeft { member: member(3), lost: true },
        ServerMessage::MemberSharing { member: member(3), on: false },
        ServerMessage::Relay { from: member(3), seq: 0, body: body() },
        ServerMessage::Refused {
            code: Refusal::RateLimited,
            text: "slow down".to_owned(),
            retry_after: Some(3),
        },
        ServerMessage::Draining,
    ]
}

pub(crate) fn server_seeds() -> Vec<Vec<u8>> {
    server_messages_of_each_kind().iter().map(|message| message.to_text().into_bytes()).collect()
}
