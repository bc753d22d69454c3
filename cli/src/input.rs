//! What a person gives besides arguments: codes, links and texts, from stdin or the environment.
//!
//! Arguments can be seen by every user of a machine, these cannot. Reads no more than is needed.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use privydrop_common::code::{InvalidInvitation, Invitation};
use privydrop_common::text::{Document, InvalidText, MAX_ENCODED};
use privydrop_native::Server;

use crate::words;

/// Longest code or link that is read, in bytes.
const MAX_INVITATION: u64 = 4 * 1024;
/// Stands for stdin.
const STDIN: &str = "-";

/// Why there is nothing to work with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoInput {
    #[error("{}", words::STDIN_UNREADABLE)]
    Unreadable(#[from] io::Error),
    #[error("{}", words::not_an_invitation(.0))]
    Invitation(#[from] InvalidInvitation),
    #[error("{}", words::NO_TEXT)]
    NoText,
    #[error("{}", words::not_a_text(*.0))]
    Text(#[from] InvalidText),
}

/// A code or link, and the server that a link names.
pub(crate) struct Invited {
    pub(crate) invitation: Invitation,
    pub(crate) server: Option<Server>,
}

/// Reads the code or link from the argument, the environment, or stdin; asks for it on a terminal.
pub(crate) fn invitation(argument: Option<&str>) -> Result<Invited, NoInput> {
    let given = argument.filter(|text| *text != STDIN).map(str::to_owned);
    let text = match (given, argument) {
        (Some(text), _) => text,
        (None, Some(_)) => line("")?,
        (None, None) => match std::env::var("PRIVYDROP_CODE") {
            Ok(text) => text,
            Err(_) => line(words::ASK_INVITATION)?,
        },
    };
    let server = text.contains("://").then(|| text.parse().ok()).flatten();
    Ok(Invited { invitation: text.parse()?, server })
}

/// True when an invitation is given otherwise than by stdin.
pub(crate) fn has_invitation(argument: Option<&str>) -> bool {
    argument.is_some() || std::env::var_os("PRIVYDROP_CODE").is_some()
}

/// Reads the text from the argument or stdin.
pub(crate) fn text(argument: Option<&str>) -> Result<Document, NoInput> {
    if let Some(text) = argument.filter(|text| *text != STDIN) {
        return Ok(Document::from_plain(text)?);
    }
    let stdin = io::stdin().lock();
    if stdin.is_terminal() {
        ask(words::ASK_TEXT)?;
    }
    let mut bytes = Vec::new();
    stdin.take(MAX_ENCODED as u64 + 1).read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes).map_err(|_| InvalidText::Malformed)?;
    // The end of the last line is the terminal's or the shell's, not the text's.
    let document = Document::from_plain(text.strip_suffix('\n').unwrap_or(&text))?;
    if document.is_empty() { Err(NoInput::NoText) } else { Ok(document) }
}

fn line(question: &str) -> io::Result<String> {
    let stdin = io::stdin().lock();
    if stdin.is_terminal() {
        ask(question)?;
    }
    let mut line = String::new();
    stdin.take(MAX_INVITATION).read_line(&mut line)?;
    Ok(line)
}

fn ask(question: &str) -> io::Result<()> {
    let mut err = io::stderr().lock();
    write!(err, "{question}")?;
    err.flush()
}
