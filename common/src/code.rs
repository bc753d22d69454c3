//! Codes and links: what a person says, types, copies or scans to enter a room, and the secrets inside.
//!
//! Each text has one parser with distinguishing errors; a value that exists is valid. Secrets are wiped when
//! dropped, compared in constant time and absent from `Debug`. Nothing here is ever sent to a server.
//!
//! The words are the EFF Short Wordlist 1 without its dashed entry, by the Electronic Frontier Foundation,
//! licensed CC BY 3.0 US: <https://www.eff.org/dice>.

use core::fmt;
use core::str::FromStr;
use std::sync::LazyLock;

use base64ct::{Base64UrlUnpadded, Encoding};
use rand_core::{CryptoRng, Rng};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::id::RoomId;

/// All words, in alphabetical order.
static LIST: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("words.txt").lines().collect());
/// Longest unknown word that an error repeats, in characters.
const MAX_SHOWN: usize = 24;

/// Why a text does not lead into a room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInvitation {
    /// Nothing was typed.
    #[error("nothing was entered")]
    Empty,
    /// There are not enough parts: a code is a room and three words.
    #[error("a code is a room and three words, as in 123456-acid-acorn-acre")]
    MissingWords,
    /// The words alone were asked for, and there are more than three.
    #[error("there are more than three words")]
    TooManyWords,
    /// This word, shortened if need be, is not in the list.
    #[error("“{0}” is not one of the words that codes are made of")]
    UnknownWord(String),
    /// The part before the words or the secret is not a room's name.
    #[error("the room in front is not a room's name")]
    Room,
    /// The address has no `#ROOM.SECRET`.
    #[error("the link is incomplete: what follows # is missing")]
    MissingSecret,
    /// What follows the dot is not a secret: it was cut short or changed.
    #[error("the link's secret is incomplete or mistyped")]
    Secret,
}

/// Three words of the list: 31 bits, said aloud.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Words([u16; 3]);

impl Words {
    /// Draws three words.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        Self(core::array::from_fn(|_| draw(rng)))
    }

    fn from_texts(words: [&str; 3]) -> Result<Self, InvalidInvitation> {
        let mut indices = [0; 3];
        for (index, word) in indices.iter_mut().zip(words) {
            *index = find(word)?;
        }
        Ok(Self(indices))
    }
}

/// One word's index, each equally likely.
fn draw(rng: &mut impl Rng) -> u16 {
    let count = u32::try_from(LIST.len()).unwrap_or(1);
    let fair = u32::MAX - u32::MAX % count;
    loop {
        let drawn = rng.next_u32();
        if drawn < fair {
            return u16::try_from(drawn % count).unwrap_or_default();
        }
    }
}

fn find(word: &str) -> Result<u16, InvalidInvitation> {
    let lower = Zeroizing::new(word.to_ascii_lowercase());
    let found = LIST.binary_search(&lower.as_str()).ok().and_then(|index| u16::try_from(index).ok());
    found.ok_or_else(|| InvalidInvitation::UnknownWord(word.chars().take(MAX_SHOWN).collect()))
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c] = self.0.map(|index| LIST[usize::from(index)]);
        write!(f, "{a}-{b}-{c}")
    }
}

impl FromStr for Words {
    type Err = InvalidInvitation;

    /// Accepts any case, and dashes, blanks and commas in any number between the words.
    fn from_str(text: &str) -> Result<Self, InvalidInvitation> {
        let mut words = text.split(is_separator).filter(|word| !word.is_empty());
        let three = [words.next(), words.next(), words.next()];
        match (three, words.next()) {
            ([None, ..], _) => Err(InvalidInvitation::Empty),
            ([Some(a), Some(b), Some(c)], None) => Self::from_texts([a, b, c]),
            (_, Some(_)) => Err(InvalidInvitation::TooManyWords),
            _ => Err(InvalidInvitation::MissingWords),
        }
    }
}

impl PartialEq for Words {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Words {}

/// Dashes as typed, and as keyboards and editors replace them.
fn is_dash(character: char) -> bool {
    matches!(character, '-' | '‐' | '‑' | '–' | '—')
}

fn is_blank(character: char) -> bool {
    character.is_whitespace() || character == ','
}

fn is_separator(character: char) -> bool {
    is_dash(character) || is_blank(character)
}

/// `ROOM-word-word-word`: a room's name and the words that open it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Code {
    /// The room.
    pub room: RoomId,
    /// Its words.
    pub words: Words,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.room, self.words)
    }
}

impl FromStr for Code {
    type Err = InvalidInvitation;

    /// Reads from the right: three words, and all before them is the room, whose name may hold dashes.
    fn from_str(text: &str) -> Result<Self, InvalidInvitation> {
        let mut rest = text.trim_matches(is_separator);
        if rest.is_empty() {
            return Err(InvalidInvitation::Empty);
        }
        let mut words = [""; 3];
        for word in words.iter_mut().rev() {
            let trimmed = rest.trim_end_matches(is_separator);
            let (index, separator) = trimmed
                .char_indices()
                .rfind(|&(_, character)| is_separator(character))
                .ok_or(InvalidInvitation::MissingWords)?;
            (rest, *word) =
                (&trimmed[..index + separator.len_utf8()], &trimmed[index + separator.len_utf8()..]);
        }
        // One dash parts the room from its words; any before that belongs to the room's name.
        let room = rest.trim_end_matches(is_blank);
        let room = room.strip_suffix(is_dash).unwrap_or(room).trim_end_matches(is_blank);
        let words = Words::from_texts(words)?;
        Ok(Self { room: room.parse().map_err(|_| InvalidInvitation::Room)?, words })
    }
}

macro_rules! secret_bytes {
    ($(#[$meta:meta])* $name:ident, $length:literal) => {
        $(#[$meta])*
        #[derive(Clone, Zeroize, ZeroizeOnDrop, Serialize, Deserialize)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Draws a new secret.
            pub fn random(rng: &mut impl CryptoRng) -> Self {
                let mut secret = Self([0; $length]);
                rng.fill_bytes(&mut secret.0);
                secret
            }

            /// The secret itself, for the pair handshake.
            pub(crate) fn as_bytes(&self) -> &[u8] {
                &self.0
            }

            /// The secret itself as base64url text without padding; wiped when dropped.
            pub fn to_text(&self) -> Zeroizing<String> {
                Zeroizing::new(Base64UrlUnpadded::encode_string(&self.0))
            }
        }

        impl FromStr for $name {
            type Err = InvalidInvitation;

            fn from_str(text: &str) -> Result<Self, InvalidInvitation> {
                let bytes = Base64UrlUnpadded::decode_vec(text).map_err(|_| InvalidInvitation::Secret)?;
                let bytes = Zeroizing::new(bytes);
                bytes.as_slice().try_into().map(Self).map_err(|_| InvalidInvitation::Secret)
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.ct_eq(&other.0).into()
            }
        }

        impl Eq for $name {}
    };
}

secret_bytes! {
    /// A link's 128 random bits.
    LinkSecret, 16
}
secret_bytes! {
    /// The key that members of a room share: 256 random bits, drawn by the host.
    RoomKey, 32
}

/// `https://host/#ROOM.SECRET`: everything after `#` stays in the browser.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Link {
    /// The room.
    pub room: RoomId,
    /// What opens it.
    pub secret: LinkSecret,
}

impl Link {
    /// `ROOM.SECRET`, which stands after the `#`.
    pub fn fragment(&self) -> String {
        format!("{}.{}", self.room, *self.secret.to_text())
    }

    /// The whole link below `base`, the address of the page; a fragment that `base` has is replaced.
    pub fn to_url(&self, base: &str) -> String {
        let page = base.split('#').next().unwrap_or_default();
        format!("{page}#{}", self.fragment())
    }
}

impl FromStr for Link {
    type Err = InvalidInvitation;

    /// Accepts a whole address, of which only what follows `#` counts, or the fragment alone.
    fn from_str(text: &str) -> Result<Self, InvalidInvitation> {
        let fragment = text.trim().rsplit('#').next().unwrap_or_default();
        if fragment.contains('/') {
            return Err(InvalidInvitation::MissingSecret);
        }
        let (room, secret) = fragment.split_once('.').ok_or(InvalidInvitation::MissingSecret)?;
        Ok(Self { room: room.parse().map_err(|_| InvalidInvitation::Room)?, secret: secret.parse()? })
    }
}

/// Whatever a person put into the join field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Invitation {
    /// A link, or its fragment.
    Link(Link),
    /// A code.
    Code(Code),
}

impl FromStr for Invitation {
    type Err = InvalidInvitation;

    /// Only links hold a `#`, a slash, or a dot before their end.
    fn from_str(text: &str) -> Result<Self, InvalidInvitation> {
        let text = text.trim().trim_end_matches('.');
        if text.contains(['#', '/', '.']) {
            text.parse().map(Self::Link)
        } else {
            text.parse().map(Self::Code)
        }
    }
}

macro_rules! redacted {
    ($($secret:ident),*) => {$(
        impl core::fmt::Debug for $secret {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($secret), "(…)"))
            }
        }
    )*};
}
pub(crate) use redacted;
redacted!(Words, Code, LinkSecret, RoomKey, Link);

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.to_string()
    }
}

impl From<Link> for String {
    fn from(link: Link) -> Self {
        link.fragment()
    }
}

impl From<Invitation> for String {
    fn from(invitation: Invitation) -> Self {
        match invitation {
            Invitation::Link(link) => link.into(),
            Invitation::Code(code) => code.into(),
        }
    }
}

macro_rules! from_text {
    ($($type:ident),*) => {$(
        impl TryFrom<String> for $type {
            type Error = InvalidInvitation;
            fn try_from(text: String) -> Result<Self, InvalidInvitation> {
                text.parse()
            }
        }
    )*};
}
from_text!(Code, Link, Invitation);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn rng(seed: u64) -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(seed)
    }

    proptest! {
        #[test]
        fn any_text_is_an_invitation_or_a_typed_error(text in "\\PC*") {
            let _ = text.parse::<Invitation>();
            let _ = text.parse::<Words>();
            let _ = text.parse::<RoomKey>();
        }

        #[test]
        fn a_code_survives_being_written_and_typed(room in "[a-z0-9][a-z0-9-]{2,62}", seed: u64) {
            let code = Code { room: room.parse().unwrap(), words: Words::random(&mut rng(seed)) };
            prop_assert_eq!(code.to_string().parse::<Code>().unwrap(), code.clone());
            let shouted = code.to_string().to_uppercase();
            prop_assert_eq!(shouted.parse::<Invitation>().unwrap(), Invitation::Code(code.clone()));
            let spoken = format!("  {} {}, ", code.room, code.words.to_string().replace('-', " , "));
            // A blank in front of the words leaves it open whether a dash at the end is the room's.
            prop_assume!(!room.ends_with('-'));
            prop_assert_eq!(spoken.parse::<Code>().unwrap(), code);
        }

        #[test]
        fn a_link_survives_any_page_address(room in "[a-z0-9][a-z0-9-]{2,62}", seed: u64, page in "[a-z0-9./:?=-]*") {
            let link = Link { room: room.parse().unwrap(), secret: LinkSecret::random(&mut rng(seed)) };
            for text in [link.to_url(&page), link.to_url(&format!("{page}#old")), link.fragment()] {
                prop_assert_eq!(text.parse::<Invitation>().unwrap(), Invitation::Link(link.clone()));
            }
        }
    }

    #[test]
    fn the_list_is_sorted_unique_and_free_of_dashes() {
        assert_eq!(LIST.len(), 1295);
        assert!(LIST.is_sorted_by(|a, b| a < b));
        assert!(LIST.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())));
    }

    #[test]
    fn every_word_is_drawn_about_equally_often() {
        let (mut rng, mut seen) = (rng(1), vec![0u32; LIST.len()]);
        (0..LIST.len() * 100).for_each(|_| seen[usize::from(draw(&mut rng))] += 1);
        assert!(seen.iter().all(|count| (40..200).contains(count)));
    }

    #[test]
    fn the_room_may_hold_dashes_and_words() {
        let code: Code = "acid-test--room-acid-acorn-acre".parse().unwrap();
        assert_eq!(
            (code.room.as_str(), code.words.to_string()),
            ("acid-test--room", "acid-acorn-acre".into())
        );
    }

    #[test]
    fn dashes_that_an_editor_replaced_are_still_dashes() {
        let plain: Code = "123456-acid-acorn-acre".parse().unwrap();
        assert_eq!("123456–acid—acorn‑acre.".parse(), Ok(Invitation::Code(plain.clone())));
        assert_eq!("123456 - acid - acorn - acre".parse(), Ok(Invitation::Code(plain)));
    }

    #[test]
    fn each_mistake_has_its_own_reason() {
        use InvalidInvitation as E;
        let unknown = |word: &str| E::UnknownWord(word.to_owned());
        let cases = [
            ("", E::Empty),
            (" - ", E::Empty),
            ("123456", E::MissingWords),
            ("123456-acid-acorn", E::MissingWords),
            ("123456-acid-acorn-acrid", unknown("acrid")),
            ("12-acid-acorn-acre", E::Room),
            ("https://example.org/", E::MissingSecret),
            ("https://example.org/#", E::MissingSecret),
            ("https://example.org/#123456", E::MissingSecret),
            ("#12.AAAAAAAAAAAAAAAAAAAAAA", E::Room),
            ("#123456.AAAAAAAAAAAAAAAAAAAAA", E::Secret),
            ("#123456.AAAAAAAAAAAAAAAAAAAAAB", E::Secret),
            ("#123456.AAAAAAAAAAAAAAAAAAAAAAAA", E::Secret),
        ];
        for (text, reason) in cases {
            assert_eq!(text.parse::<Invitation>(), Err(reason), "{text}");
        }
        assert_eq!("acid acorn acre acts".parse::<Words>(), Err(E::TooManyWords));
        let long = format!("123456-acid-acorn-{}", "x".repeat(9999));
        assert_eq!(long.parse::<Code>(), Err(unknown(&"x".repeat(MAX_SHOWN))));
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let code: Code = "123456-acid-acorn-acre".parse().unwrap();
        let link = Link { room: code.room.clone(), secret: LinkSecret::random(&mut rng(2)) };
        let key = RoomKey::random(&mut rng(3));
        let shown = format!(
            "{:?} {:?} {:?} {:?} {key:?}",
            code.words,
            link.secret,
            Invitation::Link(link.clone()),
            code
        );
        assert_eq!(shown, "Words(…) LinkSecret(…) Link(Link(…)) Code(…) RoomKey(…)");
    }
}
