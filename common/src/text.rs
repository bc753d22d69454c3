//! The typed document: formatted text as a tree that is drawn, never as markup that is interpreted.
//!
//! Knows blocks, runs and a few properties of them, each with bounds. There is no HTML here in any direction, no
//! images from elsewhere, no scripts, and no link but to http, https and mailto. A document that exists is valid.

#[cfg(test)]
mod tests;

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::is_invisible;

/// Longest encoded document, in bytes.
pub const MAX_ENCODED: usize = 128 * 1024;
/// Most blocks, list items and runs of a document, taken together.
pub const MAX_PARTS: usize = 10_000;
/// Longest address of a link, in bytes.
pub const MAX_LINK: usize = 2 * 1024;
/// Version byte that opens every encoded document.
const VERSION: u8 = 1;

/// Why something is not a document, or not a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Longer than [`MAX_ENCODED`], or of more than [`MAX_PARTS`] parts.
    #[error("the text is longer than can be shared as text; share it as a file")]
    TooLong,
    /// Encoded by another version.
    #[error("the text was written by another version of the program")]
    Version,
    /// The bytes are not a document.
    #[error("the text cannot be read")]
    Malformed,
    /// A control character other than tab and line break.
    #[error("the text contains control characters")]
    Control,
    /// Not an http, https or mailto address, or one with characters that do not belong there.
    #[error("only http, https and mailto links are possible")]
    Link,
    /// Not a colour of the form `#rrggbb`.
    #[error("a colour is written #rrggbb")]
    Colour,
}

/// A formatted text. Neighbouring runs of the same looks are one run, and no run is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "Vec<Block>", try_from = "Vec<Block>")]
pub struct Document {
    blocks: Vec<Block>,
}

/// One block of a document, above the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Block {
    /// A paragraph or heading.
    Paragraph {
        /// For headings, how high.
        level: Option<Level>,
        /// Its text.
        runs: Vec<Run>,
    },
    /// A list.
    List {
        /// Numbered, or else with dots.
        ordered: bool,
        /// One line of text each.
        items: Vec<Vec<Run>>,
    },
    /// Preformatted text with line breaks and tabs as they are.
    Code {
        /// All of it.
        text: String,
    },
}

/// Height of a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The highest.
    One,
    /// Below it.
    Two,
    /// The lowest.
    Three,
}

/// A stretch of text of the same looks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Run {
    /// The text; tabs and line breaks are the only control characters.
    pub text: String,
    /// How it looks and where it leads.
    pub style: Style,
}

/// Looks of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Style {
    /// Bold.
    pub bold: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Struck through.
    pub strike: bool,
    /// In a typeface of fixed width.
    pub code: bool,
    /// Colour of the letters, if not the usual one.
    pub colour: Option<Rgb>,
    /// Size of the letters, if not the usual one.
    pub size: Option<Size>,
    /// Where it leads.
    pub link: Option<WebLink>,
}

/// Size of letters beside the usual one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// Smaller.
    Small,
    /// Larger.
    Large,
    /// Much larger.
    Huge,
}

/// A colour, written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

impl FromStr for Rgb {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let [_, red, green, blue] = number.ok_or(InvalidText::Colour)?.to_be_bytes();
        Ok(Self(red, green, blue))
    }
}

/// An address that a run may lead to: http, https or mailto.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct WebLink(String);

impl WebLink {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WebLink {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let misplaced = |c: char| {
            c.is_control() || c.is_whitespace() || is_invisible(c) || matches!(c, '\\' | '<' | '>' | '"')
        };
        if text.len() > MAX_LINK || text.contains(misplaced) {
            return Err(InvalidText::Link);
        }
        let (scheme, rest) = text.split_once(':').ok_or(InvalidText::Link)?;
        let leads_somewhere = match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => rest.strip_prefix("//").is_some_and(names_a_host),
            "mailto" => !rest.is_empty(),
            _ => false,
        };
        if leads_somewhere { Ok(Self(text.to_owned())) } else { Err(InvalidText::Link) }
    }
}

/// A host, without a user name in front that would pass for one.
fn names_a_host(address: &str) -> bool {
    let host = address.split(['/', '?', '#']).next().unwrap_or_default();
    !host.is_empty() && !host.contains('@')
}

impl From<WebLink> for String {
    fn from(link: WebLink) -> Self {
        link.0
    }
}

impl TryFrom<String> for WebLink {
    type Error = InvalidText;
    fn try_from(text: String) -> Result<Self, InvalidText> {
        text.parse()
    }
}

impl Document {
    /// A document of these blocks: joins runs of the same looks, drops empty ones, checks every bound.
    pub fn new(mut blocks: Vec<Block>) -> Result<Self, InvalidText> {
        blocks.iter_mut().for_each(Block::normalise);
        if blocks.iter().map(Block::parts).sum::<usize>() > MAX_PARTS {
            return Err(InvalidText::TooLong);
        }
        if blocks.iter().flat_map(Block::texts).any(|text| text.contains(is_forbidden)) {
            return Err(InvalidText::Control);
        }
        let document = Self { blocks };
        if document.encode().len() > MAX_ENCODED {
            return Err(InvalidText::TooLong);
        }
        Ok(document)
    }

    /// A paragraph for each line, without any formatting. Control characters are left out.
    pub fn from_plain(text: &str) -> Result<Self, InvalidText> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let paragraph = |line: &str| {
            let text = line.replace(is_forbidden, "");
            Block::Paragraph { level: None, runs: vec![Run { text, ..Run::default() }] }
        };
        Self::new(text.split('\n').map(paragraph).collect())
    }

    /// The blocks, from above to below.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// True when there is not a single character.
    pub fn is_empty(&self) -> bool {
        self.blocks.iter().flat_map(Block::texts).all(str::is_empty)
    }

    /// The text alone, a line for each paragraph and list item.
    pub fn plain_text(&self) -> String {
        self.blocks.iter().map(Block::plain_text).collect::<Vec<_>>().join("\n")
    }

    /// The bytes that travel.
    pub fn encode(&self) -> Vec<u8> {
        // Serializing these types into a growing buffer cannot fail.
        postcard::to_extend(&self.blocks, vec![VERSION]).unwrap_or_default()
    }

    /// Parses and checks everything again: a peer's document obeys the same bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidText> {
        match bytes {
            _ if bytes.len() > MAX_ENCODED => Err(InvalidText::TooLong),
            [VERSION, body @ ..] => match postcard::take_from_bytes::<Vec<Block>>(body) {
                Ok((blocks, [])) => Self::new(blocks),
                _ => Err(InvalidText::Malformed),
            },
            [_, ..] => Err(InvalidText::Version),
            [] => Err(InvalidText::Malformed),
        }
    }
}

impl From<Document> for Vec<Block> {
    fn from(document: Document) -> Self {
        document.blocks
    }
}

impl TryFrom<Vec<Block>> for Document {
    type Error = InvalidText;
    fn try_from(blocks: Vec<Block>) -> Result<Self, InvalidText> {
        Self::new(blocks)
    }
}

impl Block {
    fn normalise(&mut self) {
        match self {
            Self::Paragraph { runs, .. } => join_runs(runs),
            Self::List { items, .. } => items.iter_mut().for_each(join_runs),
            Self::Code { .. } => {}
        }
    }

    /// This block, its items and its runs.
    fn parts(&self) -> usize {
        1 + match self {
            Self::Paragraph { runs, .. } => runs.len(),
            Self::List { items, .. } => items.iter().map(|item| 1 + item.len()).sum(),
            Self::Code { .. } => 0,
        }
    }

    fn lines(&self) -> &[Vec<Run>] {
        match self {
            Self::Paragraph { runs, .. } => core::slice::from_ref(runs),
            Self::List { items, .. } => items,
            Self::Code { .. } => &[],
        }
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let code = match self {
            Self::Code { text } => Some(text.as_str()),
            _ => None,
        };
        self.lines().iter().flatten().map(|run| run.text.as_str()).chain(code)
    }

    fn plain_text(&self) -> String {
        match self {
            Self::Code { text } => text.clone(),
            _ => {
                let line = |runs: &Vec<Run>| runs.iter().map(|run| run.text.as_str()).collect::<String>();
                self.lines().iter().map(line).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

fn join_runs(runs: &mut Vec<Run>) {
    runs.retain(|run| !run.text.is_empty());
    runs.dedup_by(|next, run| {
        let same = next.style == run.style;
        if same {
            run.text.push_str(&next.text);
        }
        same
    });
}

fn is_forbidden(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\t')
}
