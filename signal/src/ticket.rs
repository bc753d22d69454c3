//! Signed proofs of ownership and membership: the server need not remember whom it let in.
//!
//! A ticket is `base64url(claims).base64url(HMAC-SHA256)`. It never grants more than its claims say, and it is
//! never logged. Every node that has the key accepts the tickets of all others, also after the store forgot.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use privydrop_common::id::{PeerId, RoomId};
use privydrop_common::signaling::Ticket;
use privydrop_common::time::Moment;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// How long a ticket is good for.
pub const LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Separates these signatures from any other use of the same key.
const DOMAIN: &[u8] = b"privydrop ticket 1";

/// What a ticket proves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The room it opens.
    pub room: RoomId,
    /// The holder.
    pub member: PeerId,
    /// The room's host; the holder is the owner when it is itself the host.
    pub host: PeerId,
    /// Milliseconds since 1970 after which it proves nothing.
    expires: u64,
}

impl Claims {
    /// Whether the holder made the room.
    pub fn is_owner(&self) -> bool {
        self.member == self.host
    }
}

/// Signs and checks tickets.
pub struct Tickets {
    key: Hmac<Sha256>,
    /// Those of other nodes.
    others: RwLock<Vec<Hmac<Sha256>>>,
}

impl Tickets {
    /// Takes the key that all nodes share, 32 bytes or more.
    pub fn new(key: &[u8]) -> Option<Self> {
        Some(Self { key: signer(key)?, others: RwLock::default() })
    }

    /// Takes tickets that were signed with these, too.
    pub(crate) fn accept(&self, keys: &[[u8; 32]]) {
        let others = keys.iter().filter_map(|key| signer(key)).collect();
        *self.others.write().unwrap_or_else(PoisonError::into_inner) = others;
    }

    /// A ticket for `member` of the room, good for [`LIFE`].
    pub fn issue(&self, room: &RoomId, member: PeerId, host: PeerId, now: Moment) -> Option<Ticket> {
        let claims = Claims { room: room.clone(), member, host, expires: (now + LIFE).as_millis() };
        let claims = URL_SAFE_NO_PAD.encode(postcard::to_stdvec(&claims).ok()?);
        let signature = self.key.clone().chain_update(&claims).finalize().into_bytes();
        Ticket::new(format!("{claims}.{}", URL_SAFE_NO_PAD.encode(signature))).ok()
    }

    /// What the ticket proves; `None` when it is forged, damaged or too old. Takes the same time for any forgery.
    pub fn check(&self, ticket: &Ticket, now: Moment) -> Option<Claims> {
        let (claims, signature) = ticket.as_str().split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        let signs = |key: &Hmac<Sha256>| key.clone().chain_update(claims).verify_slice(&signature).is_ok();
        if !signs(&self.key) && !others.iter().any(signs) {
            return None;
        }
        let claims: Claims = postcard::from_bytes(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        (now.as_millis() < claims.expires).then_some(claims)
    }
}

fn signer(key: &[u8]) -> Option<Hmac<Sha256>> {
    let mut key = Hmac::<Sha256>::new_from_slice(key).ok()?;
    key.update(DOMAIN);
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Moment = Moment::from_millis(1_000_000);

    fn tickets(key: u8) -> Tickets {
        Tickets::new(&[key; 32]).unwrap()
    }

    fn issued() -> Ticket {
        let (member, host) = ("0000000000000001".parse().unwrap(), "0000000000000002".parse().unwrap());
        tickets(1).issue(&"my-room".parse().unwrap(), member, host, NOW).unwrap()
    }

    #[test]
    fn a_ticket_proves_room_member_and_role_to_every_node_with_the_key() {
        let claims = tickets(1).check(&issued(), NOW).unwrap();
        assert_eq!(claims.room.as_str(), "my-room");
        assert_eq!(claims.member.to_string(), "0000000000000001");
        assert!(!claims.is_owner());
    }

    #[test]
    fn a_ticket_of_another_key_proves_nothing() {
        assert_eq!(tickets(2).check(&issued(), NOW), None);
    }

    #[test]
    fn tickets_of_other_nodes_are_taken_and_own_ones_still() {
        let taker = tickets(2);
        taker.accept(&[[1; 32], [3; 32]]);
        assert!(taker.check(&issued(), NOW).is_some());
        taker.accept(&[[3; 32]]);
        assert_eq!(taker.check(&issued(), NOW), None);
        let signer = tickets(1);
        signer.accept(&[[3; 32]]);
        assert!(signer.check(&issued(), NOW).is_some());
    }

    #[test]
    fn a_ticket_ends() {
        let last = Moment::from_millis((NOW + LIFE).as_millis() - 1);
        assert!(tickets(1).check(&issued(), last).is_some());
        assert_eq!(tickets(1).check(&issued(), NOW + LIFE), None);
    }

    #[test]
    fn the_longest_ticket_fits_its_bound() {
        let room = "x".repeat(63).parse().unwrap();
        let id = "ffffffffffffffff".parse().unwrap();
        assert!(tickets(1).issue(&room, id, id, Moment::from_millis(u64::MAX / 2)).is_some());
    }

    proptest! {
        #[test]
        fn no_changed_ticket_is_accepted(position in 0_usize..200, replacement in "[A-Za-z0-9_.-]") {
            let ticket = issued();
            let mut text = ticket.as_str().to_owned();
            let position = position % text.len();
            text.replace_range(position..=position, &replacement);
            prop_assume!(text != ticket.as_str());
            prop_assert_eq!(tickets(1).check(&Ticket::new(text).unwrap(), NOW), None);
        }
    }
}
