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

    /// True when it leads into the same room as `earlier`, and as the same one there: only its ticket may be newer. A room
    /// that somebody else made is another one, whatever its name.
    pub fn continues(&self, earlier: &Self) -> bool {
        let (Some(now), Some(then)) = (Kept::read(self), Kept::read(earlier)) else { return self == earlier };
        Kept { ticket: then.ticket, ..now }.write().as_ref() == Some(earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(room: &str, ticket: &str, key: char, link: Option<char>) -> Keepsake {
        let text = |letter: char, length| core::iter::repeat_n(letter, length).collect::<String>();
        let kept = Kept {
            room: room.parse().unwrap(),
            ticket: ticket.to_owned().try_into().unwrap(),
            key: format!("{}A", text(key, 42)).parse().unwrap(),
            link: link.map(|letter| format!("{}A", text(letter, 21)).parse().unwrap()),
        };
        kept.write().unwrap()
    }

    #[test]
    fn a_newer_ticket_of_the_same_room_continues_what_was_kept_of_it() {
        for link in [None, Some('L')] {
            assert!(kept("family", "new", 'K', link).continues(&kept("family", "old", 'K', link)));
        }
    }

    #[test]
    fn neither_a_room_that_somebody_else_made_nor_a_guests_place_continues_a_hosts() {
        let mine = kept("family", "ticket", 'K', Some('L'));
        let others = [
            kept("family", "ticket", 'O', None),
            kept("family", "ticket", 'O', Some('L')),
            kept("family", "ticket", 'K', Some('O')),
            kept("family", "ticket", 'K', None),
            kept("friends", "ticket", 'K', Some('L')),
            Keepsake("unreadable".into()),
        ];
        for other in others {
            assert!(!other.continues(&mine));
            assert!(!mine.continues(&other));
        }
    }
}
