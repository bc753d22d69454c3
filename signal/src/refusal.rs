//! Refusals as the client reads them: what happened, why, and what to do next.

use privydrop_common::signaling::{MAX_MEMBERS, Refusal, ServerMessage};

use crate::store::StoreError;

/// Why a request was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The reason.
    pub code: Refusal,
    /// Seconds after which the same request may succeed.
    pub retry_after: Option<u32>,
}

impl From<Refusal> for Refused {
    fn from(code: Refusal) -> Self {
        let retry_after = match code {
            Refusal::RoomBusy | Refusal::StoreUnavailable => Some(5),
            Refusal::StoreFull => Some(60),
            _ => None,
        };
        Self { code, retry_after }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable => Refusal::StoreUnavailable.into(),
            StoreError::Full => Refusal::StoreFull.into(),
        }
    }
}

impl From<Refused> for ServerMessage {
    fn from(refused: Refused) -> Self {
        Self::Refused { code: refused.code, text: explain(refused.code), retry_after: refused.retry_after }
    }
}

fn explain(code: Refusal) -> String {
    match code {
        Refusal::UnsupportedVersion => {
            "this server speaks another protocol version; reload or update the app"
        }
        Refusal::BadMessage => "this is not a message of the protocol; update the app",
        Refusal::TooLarge => "the message is too long for one frame; send less at once",
        Refusal::OutOfPlace => "this message does not fit here; leave the room first",
        Refusal::RoomUnknown => "there is no such room; check the code with the person who shared it",
        Refusal::RoomTaken => "somebody else uses this room name; choose another",
        Refusal::RoomFull => {
            return format!("the room has {MAX_MEMBERS} members already; wait until one leaves");
        }
        Refusal::RoomBusy => "too many others are asking to enter; try again in a moment",
        Refusal::HostAway => "the person who made the room is not connected; ask them to open it again",
        Refusal::TicketInvalid => {
            "this ticket is not, or no longer, valid for the room; join with code or link"
        }
        Refusal::NotMember => "only members of the room may do this; join first",
        Refusal::NotHost => "only the room's host may do this",
        Refusal::PeerUnknown => "the receiver is not in the room, or not connected",
        Refusal::RateLimited => "too many attempts from this address; wait a little",
        Refusal::TooManyMessages => {
            "too many messages on this connection; connect again and send more slowly"
        }
        Refusal::KnockExpired => "the host did not answer in time; try again",
        Refusal::HelloMissing => "the first message must be hello; connect again",
        Refusal::StoreUnavailable => "the server cannot reach its room store; try again in a moment",
        Refusal::StoreFull => "the server has no room for new rooms now; try again later",
        Refusal::Replaced => "this member connected again from elsewhere, and that connection is used",
    }
    .to_owned()
}
