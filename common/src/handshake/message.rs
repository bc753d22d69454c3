//! What the two sides of a pair handshake send each other through the server, and its one encoder and parser.
//!
//! Shapes and bounds only; nothing here holds or checks a key.

use serde::{Deserialize, Serialize};

use super::sealed::SealedBox;

/// Longest encoded message, in bytes: as base64url it just fits [`crate::signaling::MAX_BODY`].
pub const MAX_MESSAGE: usize = 18 * 1024;
/// Version byte that opens every message.
const VERSION: u8 = 1;

/// From this version of the conversation on, a lane in use is offered again to restart its ICE, and a sign after a
/// silence is answered.
pub const MENDS: u16 = 2;

/// A proof of holding the key, HMAC-SHA-256.
pub(super) type Tag = [u8; 32];

/// Which secret a handshake stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// The three words of a code, 31 bits: toward the host only, and every answer counts as a guess.
    Words,
    /// The 128-bit secret of a link: toward the host only.
    Link,
    /// The 256-bit room key: between members.
    Room,
}

impl Kind {
    /// The letter that stands for it where bytes are hashed.
    pub(super) fn letter(self) -> u8 {
        match self {
            Self::Words => b'W',
            Self::Link => b'L',
            Self::Room => b'R',
        }
    }
}

/// What one side can do, bound into the handshake so that nobody in between lowers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caps {
    /// Version of the conversation on the data channels.
    pub protocol: u16,
    /// Most data lanes that it serves on one link.
    pub max_lanes: u8,
}

impl Caps {
    /// What this build can do with one lane.
    pub const OURS: Self = Self { protocol: MENDS, max_lanes: 1 };

    /// What this build can do where so many lanes are served.
    pub fn serving(max_lanes: u8) -> Self {
        Self { max_lanes, ..Self::OURS }
    }

    pub(super) fn to_bytes(self) -> [u8; 3] {
        let [high, low] = self.protocol.to_be_bytes();
        [high, low, self.max_lanes]
    }
}

/// Message 1, guest to host (or from the member that begins).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Which secret is meant.
    pub kind: Kind,
    pub(super) session: [u8; 16],
    pub(super) share: [u8; 32],
    pub(super) caps: Caps,
}

/// Message 2, back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    pub(super) share: [u8; 32],
    pub(super) caps: Caps,
    pub(super) tag: Tag,
    pub(super) offer: SealedBox,
}

/// Message 3, guest to host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirm {
    pub(super) tag: Tag,
    pub(super) answer: SealedBox,
}

/// Everything that the server relays between two members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PairMessage {
    /// Begins a handshake.
    Hello(Hello),
    /// Answers it.
    Reply(Reply),
    /// Ends it.
    Confirm(Confirm),
    /// After the handshake: candidates and new descriptions, sealed.
    Sealed(SealedBox),
    /// The sender gave up on this handshake. Not authenticated: a hint, never a proof.
    Failed,
    /// Host: no (more) guesses at these words. Not authenticated.
    Denied {
        /// Guesses left before the words change.
        tries_left: u8,
    },
}

/// Why bytes are not a message of the pair handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPairMessage {
    /// Longer than [`MAX_MESSAGE`].
    #[error("the other device's message is too long")]
    TooLong,
    /// Another version of the handshake.
    #[error("the other device speaks version {0} of the handshake, this one version {VERSION}")]
    Version(u8),
    /// Not one of the messages, or with bytes left over.
    #[error("the other device's message cannot be read")]
    Malformed,
}

impl PairMessage {
    /// The bytes that travel, before base64url.
    pub fn encode(&self) -> Vec<u8> {
        // Serializing these types into a growing buffer cannot fail.
        postcard::to_extend(self, vec![VERSION]).unwrap_or_default()
    }

    /// Parses and checks bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidPairMessage> {
        if bytes.len() > MAX_MESSAGE {
            return Err(InvalidPairMessage::TooLong);
        }
        match bytes {
            [VERSION, body @ ..] => match postcard::take_from_bytes(body) {
                Ok((message, [])) => Ok(message),
                _ => Err(InvalidPairMessage::Malformed),
            },
            [version, ..] => Err(InvalidPairMessage::Version(*version)),
            [] => Err(InvalidPairMessage::Malformed),
        }
    }
}
