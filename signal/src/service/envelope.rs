//! What one node sends another: a frame for a socket, and what it means for the socket's place.
//!
//! The frame is ready to be written; the node that gets it reads no message again. Any bytes are an envelope or `None`.

use bytestring::ByteString;
use privydrop_common::id::PeerId;
use privydrop_common::signaling::Refusal;
use serde::{Deserialize, Serialize};

/// Begins every envelope of this form.
const VERSION: u8 = 1;

/// A frame for a socket on another node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) socket: u64,
    /// Whose socket it must still be.
    pub(super) member: PeerId,
    pub(super) effect: Effect,
    pub(super) text: ByteString,
}

/// What the message means for the socket's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Effect {
    Tell,
    /// The knocker became a member of this host's room.
    Admit(PeerId),
    Dismiss(Refusal),
}

impl Envelope {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let fields = (self.socket, self.member, self.effect, &*self.text);
        let start = vec![VERSION];
        // Writing into memory cannot fail.
        postcard::to_extend(&fields, start).unwrap_or_default()
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (&VERSION, fields) = bytes.split_first()? else { return None };
        let (socket, member, effect, text): (u64, PeerId, Effect, &str) =
            postcard::from_bytes(fields).ok()?;
        Some(Self { socket, member, effect, text: text.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_envelope_is_read_as_it_was_written() {
        let member: PeerId = "0123456789abcdef".parse().unwrap();
        for effect in [Effect::Tell, Effect::Admit(member), Effect::Dismiss(Refusal::Replaced)] {
            let envelope = Envelope { socket: 7, member, effect, text: "{}".into() };
            assert_eq!(Envelope::parse(&envelope.to_bytes()), Some(envelope));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_envelope_or_none(mut bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = Envelope::parse(&bytes);
            bytes.insert(0, VERSION);
            let _ = Envelope::parse(&bytes);
        }
    }
}
