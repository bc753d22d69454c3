//! Names of things that cross a wire: members, rooms, items, transfers.
//!
//! Each type has one constructor that checks its bounds; a value that exists is valid.
//! Nothing here is secret, and nothing here draws a random number by itself.

use core::fmt;
use core::str::FromStr;

use rand_core::Rng;
use serde::{Deserialize, Serialize};

/// Why a string is not the identifier it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// A room name is 3 to 63 characters of `a-z`, `0-9` and `-`, starting with a letter or digit.
    #[error("a room name is 3 to 63 characters: a-z, 0-9 and dashes, starting with a letter or digit")]
    Room,
    /// A member id is 16 lowercase hexadecimal digits.
    #[error("a member id is 16 lowercase hexadecimal digits")]
    Peer,
    /// An item id or a mark is 32 lowercase hexadecimal digits.
    #[error("an item id is 32 lowercase hexadecimal digits")]
    Item,
}

/// A member of a room, as the signaling server knows it: 64 random bits, written as 16 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PeerId(u64);

impl PeerId {
    /// Draws a new member id.
    pub fn random(rng: &mut impl Rng) -> Self {
        Self(rng.next_u64())
    }

    /// The eight bytes that stand for this member inside the pair handshake.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerId({self})")
    }
}

impl FromStr for PeerId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let mut bytes = [0; 8];
        decode_hex(text, &mut bytes).ok_or(InvalidId::Peer)?;
        Ok(Self(u64::from_be_bytes(bytes)))
    }
}

/// A room's public name: six or more digits chosen by the server, or a wished name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RoomId(String);

impl RoomId {
    /// Shortest and longest room name, in characters.
    pub const LENGTH: core::ops::RangeInclusive<usize> = 3..=63;

    /// The room's name as people say it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True for names that a person wished for; false for the digits that the server hands out.
    pub fn is_custom(&self) -> bool {
        !self.0.bytes().all(|byte| byte.is_ascii_digit())
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RoomId {
    /// A room's name leads to its members, so it stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomId(…)")
    }
}

impl FromStr for RoomId {
    type Err = InvalidId;

    /// Accepts upper case and surrounding blanks, as typed by people; keeps lower case.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let text = text.trim().to_ascii_lowercase();
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let valid = Self::LENGTH.contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('-');
        if valid { Ok(Self(text)) } else { Err(InvalidId::Room) }
    }
}

/// One offered thing, named by 128 random bits that its sharer drew. Never a name, a path or a length.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ItemId([u8; 16]);

impl ItemId {
    /// The one text that a member may share.
    pub const TEXT: Self = Self([0; 16]);

    /// Draws a new item id.
    pub fn random(rng: &mut impl Rng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ItemId({self})")
    }
}

impl FromStr for ItemId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let mut bytes = [0; 16];
        decode_hex(text, &mut bytes).ok_or(InvalidId::Item)?;
        Ok(Self(bytes))
    }
}

/// What tells an item again after its sharer or its receiver was started anew: a digest of the room, the member, and what
/// is said of the item. It is no secret, and whoever finds one learns nothing from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark([u8; 16]);

impl Mark {
    /// The mark of this digest; the rest of it is dropped.
    pub(crate) fn of(digest: &blake3::Hash) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.as_bytes()[..16]);
        Self(bytes)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ItemId(self.0).fmt(f)
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mark({self})")
    }
}

impl FromStr for Mark {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse().map(|ItemId(bytes)| Self(bytes))
    }
}

/// One fetch of one item over one link. Chosen by the receiver; unique among that link's fetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct TransferId(pub u32);

/// Position of a file in its item's manifest, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileIndex(pub u32);

macro_rules! text_conversions {
    ($($id:ty),*) => {$(
        impl From<$id> for String {
            fn from(id: $id) -> Self {
                id.to_string()
            }
        }
        impl TryFrom<String> for $id {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }
    )*};
}
text_conversions!(PeerId, RoomId);

/// Fills `bytes` from exactly twice as many lowercase hex digits.
fn decode_hex(text: &str, bytes: &mut [u8]) -> Option<()> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != bytes.len() * 2 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_string_is_a_valid_id_or_a_typed_error(text in "\\PC*") {
            let _ = text.parse::<PeerId>();
            let _ = text.parse::<ItemId>();
            let _ = text.parse::<Mark>();
            if let Ok(room) = text.parse::<RoomId>() {
                prop_assert_eq!(room.as_str().parse::<RoomId>(), Ok(room.clone()));
            }
        }

        #[test]
        fn a_peer_id_survives_its_own_text(value: u64) {
            prop_assert_eq!(PeerId(value).to_string().parse::<PeerId>(), Ok(PeerId(value)));
        }
    }

    #[test]
    fn a_mark_survives_its_own_text() {
        let mark = Mark::of(&blake3::hash(b"something"));
        assert_eq!(mark.to_string().parse(), Ok(mark));
        assert_ne!(Mark::of(&blake3::hash(b"something else")), mark);
    }

    #[test]
    fn room_names_follow_the_documented_alphabet() {
        for good in ["abc", "123456", "my-room", "9-lives", " ABC "] {
            assert!(good.parse::<RoomId>().is_ok(), "{good}");
        }
        for bad in ["", "ab", "-abc", "a_b_c", "räume", "a b c", "room:{x}", &"x".repeat(64)] {
            assert_eq!(bad.parse::<RoomId>(), Err(InvalidId::Room), "{bad}");
        }
    }
}
