//! What one node sends another: frames for sockets, and what each means for its socket's place.
//!
//! A frame is ready to be written; the node that gets it reads no message again. Envelopes that travel together stand one
//! behind the other. Any bytes are envelopes up to where they are none.

use bytestring::ByteString;
use privydrop_common::id::PeerId;
use privydrop_common::signaling::Refusal;
use serde::{Deserialize, Serialize};

/// Begins an envelope that tells no revision.
const PLAIN: u8 = 1;
/// Begins one that tells it, behind everything else. Nodes of the previous version do not read it.
const REVISED: u8 = 2;

/// A frame for a socket on another node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) socket: u64,
    /// Whose socket it must still be.
    pub(super) member: PeerId,
    pub(super) effect: Effect,
    pub(super) text: ByteString,
    /// Of the room that this is news of.
    pub(super) revision: Option<u64>,
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
    /// Writes it behind what is there.
    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        let fields = (self.socket, self.member, self.effect, &*self.text);
        bytes.push(if self.revision.is_some() { REVISED } else { PLAIN });
        // Writing into memory cannot fail.
        *bytes = postcard::to_extend(&fields, std::mem::take(bytes)).unwrap_or_default();
        if let Some(revision) = self.revision {
            *bytes = postcard::to_extend(&revision, std::mem::take(bytes)).unwrap_or_default();
        }
    }

    /// Every envelope in turn; `None` where the rest is none, and nothing behind that.
    pub(super) fn parse_all(bytes: &[u8]) -> impl Iterator<Item = Option<Self>> {
        let mut rest = bytes;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let read = Self::parse(rest);
            rest = read.as_ref().map_or(&[], |(_, behind)| behind);
            Some(read.map(|(envelope, _)| envelope))
        })
    }

    /// The first envelope, and what stands behind it.
    fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (&form, fields) = bytes.split_first()?;
        if form != PLAIN && form != REVISED {
            return None;
        }
        let ((socket, member, effect, text), mut rest): ((u64, PeerId, Effect, &str), _) =
            postcard::take_from_bytes(fields).ok()?;
        let mut revision = None;
        if form == REVISED {
            let (told, behind) = postcard::take_from_bytes(rest).ok()?;
            (revision, rest) = (Some(told), behind);
        }
        Some((Self { socket, member, effect, text: text.into(), revision }, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn envelopes_are_read_as_they_were_written_up_to_where_they_are_none() {
        let member: PeerId = "0123456789abcdef".parse().unwrap();
        let effects = [Effect::Tell, Effect::Admit(member), Effect::Dismiss(Refusal::Replaced)];
        let revisions = [None, Some(0), Some(u64::MAX)];
        let envelope = |effect, revision| Envelope { socket: 7, member, effect, text: "{}".into(), revision };
        let envelopes: Vec<_> =
            effects.iter().flat_map(|effect| revisions.map(|revision| envelope(*effect, revision))).collect();
        let mut bytes = Vec::new();
        envelopes.iter().for_each(|envelope| envelope.write(&mut bytes));
        assert!(Envelope::parse_all(&bytes).eq(envelopes.iter().cloned().map(Some)));
        bytes.extend([REVISED + 1, 7, 7]);
        assert!(Envelope::parse_all(&bytes).eq(envelopes.into_iter().map(Some).chain([None])));
    }

    /// Servers of the previous version write and read these bytes. Another form needs another first byte, and for the time of
    /// one version to be read beside this one; nobody is sent it who does not say in its lease that it reads it.
    #[test]
    fn an_envelope_has_the_bytes_that_servers_of_the_previous_version_know() {
        let member: PeerId = "0123456789abcdef".parse().unwrap();
        let written = |effect| {
            let mut bytes = Vec::new();
            Envelope { socket: 300, member, effect, text: "{}".into(), revision: None }.write(&mut bytes);
            bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        assert_eq!(written(Effect::Tell), "01ac02103031323334353637383961626364656600027b7d");
        assert_eq!(
            written(Effect::Admit(member)),
            "01ac021030313233343536373839616263646566011030313233343536373839616263646566027b7d"
        );
        assert_eq!(
            written(Effect::Dismiss(Refusal::Replaced)),
            "01ac0210303132333435363738396162636465660213027b7d"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_envelopes_or_none(mut bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = Envelope::parse_all(&bytes).count();
            for form in [PLAIN, REVISED] {
                bytes.insert(0, form);
                let _ = Envelope::parse_all(&bytes).count();
            }
        }
    }
}
