//! How a message of the server's is read: all its possible fields by one reader, then what its name asks for.
//!
//! A reader for each message would do the same and be twice as large, which everybody who opens the page loads.

use serde::Deserialize;

use super::{Body, IceServer, Limits, Member, Refusal, ServerMessage, Ticket};
use crate::id::{PeerId, RoomId};

/// A message by its name, with whatever fields came with it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Said {
    Welcome(Fields),
    Created(Fields),
    Knocking(Fields),
    Joined(Fields),
    Knock(Fields),
    MemberJoined(Arrival),
    MemberLeft(Fields),
    MemberSharing(Fields),
    Relay(Fields),
    Ice(Fields),
    Refused(Fields),
    Draining,
}

/// Every field that any message has.
#[derive(Deserialize)]
pub(super) struct Fields {
    protocol: Option<u16>,
    server: Option<String>,
    limits: Option<Limits>,
    member: Option<PeerId>,
    room: Option<RoomId>,
    host: Option<PeerId>,
    members: Option<Vec<Member>>,
    ticket: Option<Ticket>,
    ice: Option<Vec<IceServer>>,
    lost: Option<bool>,
    on: Option<bool>,
    from: Option<PeerId>,
    seq: Option<u32>,
    body: Option<Body>,
    code: Option<Refusal>,
    text: Option<String>,
    retry_after: Option<u32>,
}

/// The one message in which `member` is more than an id.
#[derive(Deserialize)]
pub(super) struct Arrival {
    member: Member,
}

/// A field that the message must have is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a field is missing")]
pub(super) struct Missing;

fn there<T>(field: Option<T>) -> Result<T, Missing> {
    field.ok_or(Missing)
}

impl TryFrom<Said> for ServerMessage {
    type Error = Missing;

    fn try_from(said: Said) -> Result<Self, Missing> {
        Ok(match said {
            Said::Welcome(f) => Self::Welcome {
                protocol: there(f.protocol)?,
                server: there(f.server)?,
                limits: there(f.limits)?,
            },
            Said::Created(f) => Self::Created {
                member: there(f.member)?,
                room: there(f.room)?,
                ticket: there(f.ticket)?,
                ice: there(f.ice)?,
            },
            Said::Knocking(f) => Self::Knocking {
                member: there(f.member)?,
                room: there(f.room)?,
                host: there(f.host)?,
                ice: there(f.ice)?,
            },
            Said::Joined(f) => Self::Joined {
                member: there(f.member)?,
                room: there(f.room)?,
                host: there(f.host)?,
                members: there(f.members)?,
                ticket: there(f.ticket)?,
                ice: there(f.ice)?,
            },
            Said::Knock(f) => Self::Knock { member: there(f.member)? },
            Said::MemberJoined(Arrival { member }) => Self::MemberJoined { member },
            Said::MemberLeft(f) => Self::MemberLeft { member: there(f.member)?, lost: there(f.lost)? },
            Said::MemberSharing(f) => Self::MemberSharing { member: there(f.member)?, on: there(f.on)? },
            Said::Relay(f) => Self::Relay { from: there(f.from)?, seq: there(f.seq)?, body: there(f.body)? },
            Said::Ice(f) => Self::Ice { ice: there(f.ice)? },
            Said::Refused(f) => {
                Self::Refused { code: there(f.code)?, text: there(f.text)?, retry_after: f.retry_after }
            }
            Said::Draining => Self::Draining,
        })
    }
}
