//! Everything that can go wrong in a command, said so that one can act on it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

/// Why a command stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The first argument is no command.
    UnknownCommand(String),
    /// A program could not be started or read from.
    Start { program: String, error: io::Error },
    /// A program ended with a failure of its own, shown above.
    Ended { command: String, status: ExitStatus },
    /// System packages are missing and this user may not install them.
    Packages { install: String },
    /// A file or folder could not be read or written.
    File { path: PathBuf, error: io::Error },
    /// Cargo built something, but not the program that was asked for.
    NotBuilt(&'static str),
    /// At least one test failed, or none ran; the counts are printed already.
    Tests,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCommand(name) => write!(f, "no command `{name}`; `cargo xtask` lists them"),
            Self::Start { program, error } => write!(f, "cannot run `{program}`: {error}"),
            Self::Ended { command, status } => write!(f, "`{command}` failed ({status})"),
            Self::Packages { install } => {
                write!(
                    f,
                    "system packages are missing, and installing them needs a password. Please run\n\n    {install}\n\nand then this command again"
                )
            }
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::NotBuilt(program) => write!(f, "cargo reported no program `{program}`"),
            Self::Tests => f.write_str("tests failed"),
        }
    }
}

/// Runs `command` with this terminal's output and waits for its success.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|error| could_not_start(command, error))?;
    if status.success() { Ok(()) } else { Err(Failure::Ended { command: shown(command), status }) }
}

/// What `command` prints, or nothing when it is absent or fails: for asking whether something is there.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The failure of a program that did not start.
pub(crate) fn could_not_start(command: &Command, error: io::Error) -> Failure {
    Failure::Start { program: command.get_program().to_string_lossy().into_owned(), error }
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
