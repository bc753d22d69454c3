//! What a device keeps to come back into a room: its form, which only sessions read.
//!
//! Secret as a whole. Says nothing of what was shared or wanted there.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};

use crate::api::{Keepsake, Phase};
use crate::code::{LinkSecret, RoomKey};
use crate::id::RoomId;
use crate::signaling::Ticket;

/// What a [`Keepsake`] holds.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) room: RoomId,
    pub(super) ticket: Ticket,
    pub(super) key: RoomKey,
    /// The host's link secret.
    pub(super) link: Option<LinkSecret>,
}

impl Kept {
    /// `None` when it is none.
    pub(super) fn read(keepsake: &Keepsake) -> Option<Self> {
        postcard::from_bytes(&Base64UrlUnpadded::decode_vec(&keepsake.0).ok()?).ok()
    }

    pub(super) fn write(&self) -> Option<Keepsake> {
        Some(Keepsake(Base64UrlUnpadded::encode_string(&postcard::to_allocvec(self).ok()?)))
    }
}

impl Keepsake {
    /// The room that it leads back into; `None` when it cannot be read.
    pub fn room(&self) -> Option<RoomId> {
        Some(Kept::read(self)?.room)
    }

    /// The phase in which a session is on its way there; `None` when it cannot be read.
    pub fn phase(&self) -> Option<Phase> {
        Some(if Kept::read(self)?.link.is_some() { Phase::Opening } else { Phase::Joining })
    }
}
