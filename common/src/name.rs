//! Safe names: what a peer calls its files, checked so that every disk on every system can hold them as they are.
//!
//! The rules are the union of what Windows, macOS, Linux and browsers forbid, and of what deceives a reader. One
//! constructor checks, also for what is deserialized. Never touches a disk: hosts check again what they open.

mod path;
#[cfg(test)]
mod tests;

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

pub use self::path::{
    Collision, EntryType, InvalidPath, MAX_DEPTH, MAX_NAMES, MAX_NODES, MAX_PATH, PathSet, RelativePath,
};

/// Longest name of a file or folder, in bytes of UTF-8.
pub const MAX_NAME: usize = 255;
/// Ends the name of a file that is still being received; no offered name may end so.
pub const PART_SUFFIX: &str = ".privydrop-part";
/// Makes one key of all names that some system takes for the same: full case folding and canonical composition.
pub type Fold = fn(&str) -> String;

/// The [`Fold`] of platforms that bring no Unicode tables of their own.
#[cfg(feature = "unicode")]
pub fn unicode_fold(name: &str) -> String {
    use caseless::Caseless;
    use unicode_normalization::UnicodeNormalization;
    if name.is_ascii() {
        // The tables come to the same, much later.
        return name.to_ascii_lowercase();
    }
    name.chars().nfd().default_case_fold().nfc().collect()
}

/// Takes the place of what a name must not hold.
const REPLACEMENT: char = '_';
/// Longest ending that counts as a file's extension when a name is shortened or numbered, with its dot.
const MAX_EXTENSION: usize = 16;

/// Why a name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// No character at all.
    #[error("a name is empty")]
    Empty,
    /// Longer than [`MAX_NAME`].
    #[error("a name is longer than {MAX_NAME} bytes")]
    TooLong,
    /// `.` or `..`.
    #[error("a name stands for another folder")]
    Dots,
    /// `/` or `\`.
    #[error("a name contains a path separator")]
    Separator,
    /// A control character, the escapes of terminals among them.
    #[error("a name contains a control character")]
    Control,
    /// A character that cannot be seen, or that turns the direction of those around it.
    #[error("a name contains an invisible character")]
    Invisible,
    /// One of `< > : " | ? *`, which Windows forbids.
    #[error("a name contains a character that not all systems allow")]
    Forbidden,
    /// Begins or ends with a blank, or ends with a dot.
    #[error("a name begins or ends with a blank, or ends with a dot")]
    Edge,
    /// A device name of Windows, with or without an extension.
    #[error("a name stands for a device on Windows")]
    Reserved,
    /// Ends with [`PART_SUFFIX`].
    #[error("a name is one that unfinished files have here")]
    Part,
}

/// One checked name in a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Component(String);

impl Component {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Turns the name of any local file into one that can be offered; a valid name stays as it is.
    ///
    /// Forbidden characters become `_`, invisible ones vanish, blanks and dots at the edges vanish, a long name is
    /// shortened before its extension, a reserved one gets `_` in front, and one that is empty or like an unfinished
    /// file's gets `_` behind.
    pub fn sanitize(name: &str) -> Self {
        if let Ok(valid) = name.parse() {
            return valid;
        }
        let kept = name.chars().filter(|&c| !is_invisible(c));
        let safe: String = kept.map(|c| if is_replaced(c) { REPLACEMENT } else { c }).collect();
        // Leaves room for the two replacements below.
        let mut safe = fit(trim_edges(&safe), "", MAX_NAME - 2);
        if is_reserved(&safe) {
            safe.insert(0, REPLACEMENT);
        }
        if safe.is_empty() || is_part(&safe) {
            safe.push(REPLACEMENT);
        }
        Self(safe)
    }

    /// The same name with a number before its extension, `name (2).ext`, shortened to fit if need be.
    pub fn numbered(&self, number: u32) -> Self {
        Self(fit(&self.0, &format!(" ({number})"), MAX_NAME))
    }
}

/// `name` with `suffix` before its extension, at most `max` bytes.
fn fit(name: &str, suffix: &str, max: usize) -> String {
    let dot = name.rfind('.').filter(|&dot| dot > 0 && name.len() - dot <= MAX_EXTENSION);
    let (stem, extension) = name.split_at(dot.unwrap_or(name.len()));
    let stem = &stem[..stem.floor_char_boundary(max - suffix.len() - extension.len())];
    let shortened = format!("{stem}{suffix}{extension}");
    // Only a cut can leave an edge that is not allowed.
    trim_edges(&shortened).to_owned()
}

fn trim_edges(name: &str) -> &str {
    name.trim_start_matches(is_blank).trim_end_matches(|c| is_blank(c) || c == '.')
}

fn is_blank(c: char) -> bool {
    c.is_whitespace()
}

fn is_separator(c: char) -> bool {
    matches!(c, '/' | '\\')
}

fn is_forbidden(c: char) -> bool {
    matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*')
}

fn is_replaced(c: char) -> bool {
    c.is_control() || is_separator(c) || is_forbidden(c)
}

/// Characters without a shape of their own: format controls, joiners, bidi marks and overrides, fillers, tags.
/// The selectors of emoji and text style (U+FE00–FE0F) stay allowed.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Device names of Windows: alone, before any extension, and with blanks between.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let is = |device: &&str| stem.eq_ignore_ascii_case(device);
    let is_numbered = |(device, number): (&str, &str)| {
        let mut digits = number.chars();
        (device.eq_ignore_ascii_case("COM") || device.eq_ignore_ascii_case("LPT"))
            && matches!((digits.next(), digits.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    };
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"].iter().any(is)
        || stem.split_at_checked(3).is_some_and(is_numbered)
}

/// Whether a file that is being received could have this name, on a disk that ignores case.
fn is_part(name: &str) -> bool {
    let end = name.len().checked_sub(PART_SUFFIX.len()).and_then(|start| name.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(PART_SUFFIX))
}

fn check(name: &str) -> Result<(), InvalidName> {
    // Listings have tens of thousands of names, most of them of such characters alone.
    let odd = !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    let refusals = [
        (name.is_empty(), InvalidName::Empty),
        (name.len() > MAX_NAME, InvalidName::TooLong),
        (matches!(name, "." | ".."), InvalidName::Dots),
        (odd && name.contains(is_separator), InvalidName::Separator),
        (odd && name.contains(char::is_control), InvalidName::Control),
        (odd && name.contains(is_invisible), InvalidName::Invisible),
        (odd && name.contains(is_forbidden), InvalidName::Forbidden),
        (trim_edges(name) != name, InvalidName::Edge),
        (is_reserved(name), InvalidName::Reserved),
        (is_part(name), InvalidName::Part),
    ];
    refusals.into_iter().find(|&(refused, _)| refused).map_or(Ok(()), |(_, reason)| Err(reason))
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Component {
    type Err = InvalidName;

    fn from_str(name: &str) -> Result<Self, InvalidName> {
        name.to_owned().try_into()
    }
}

impl TryFrom<String> for Component {
    type Error = InvalidName;

    fn try_from(name: String) -> Result<Self, InvalidName> {
        check(&name).map(|()| Self(name))
    }
}

impl From<Component> for String {
    fn from(component: Component) -> Self {
        component.0
    }
}
