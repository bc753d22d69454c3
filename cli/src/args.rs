//! The arguments of the program.
//!
//! Only reads and names them; nothing is opened or asked for here. Fuzzed as it stands, so it knows of no other module.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use privydrop_common::id::RoomId;

use super::Server;

/// Ends what `--help` says.
const EXIT_CODES: &str = "\
Exit codes: 0 every byte is verified and stored; 1 something was not shared or received completely; 2 wrong arguments; \
3 the server is out of reach or does not serve us; 4 not let into the room (unknown, full, wrong words); \
5 no space, or the directory cannot be written to; 6 no connection to the other device; 130 interrupted.

A code or link is a secret, and other users of this machine can see arguments: give - or nothing, and it is read from \
stdin.";

/// Moves files, folders and text straight from one device to others, end to end encrypted.
///
/// Whoever shares gets a code, a link and a QR; whoever has one of them receives, with this program or with a browser.
#[derive(Debug, Parser)]
#[command(name = "privydrop", version, after_help = EXIT_CODES)]
pub(crate) struct Args {
    /// The PrivyDrop server that introduces the devices. Otherwise a link's own, $PRIVYDROP_SERVER, or
    /// http://127.0.0.1:8080.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) server: Option<Server>,

    /// Write one JSON object a line to stdout, for scripts (docs/CLI.md).
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// What this device is called for the others.
    #[arg(long, global = true, value_name = "TEXT")]
    pub(crate) label: Option<String>,

    /// Go through the server's relay or nowhere: the others learn no address of this device. Slower, and nothing moves
    /// where the server has no relay.
    #[arg(long, global = true)]
    pub(crate) relay_only: bool,

    /// Bytes to ask for as socket buffers, to measure how it does where the system grants few.
    #[arg(long, global = true, hide = true, env = "PRIVYDROP_SOCKET_BUFFER", value_name = "BYTES")]
    pub(crate) socket_buffer: Option<usize>,

    /// Speak no QUIC to other programs, as older ones do not, to see how it does without.
    #[arg(long, global = true, hide = true)]
    pub(crate) without_quic: bool,

    #[command(subcommand)]
    pub(crate) action: Action,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Share files and folders, and wait until somebody has them.
    Send {
        /// What to share. Symbolic links inside of folders are left out.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,

        #[command(flatten)]
        to: To,

        #[command(flatten)]
        room: Room,
    },
    /// Share a text, and wait until somebody has it.
    Text {
        /// The text. Other users of this machine can see arguments: with - or without it, the text is read from stdin.
        #[arg(value_name = "TEXT|-")]
        text: Option<String>,

        #[command(flatten)]
        to: To,

        #[command(flatten)]
        room: Room,
    },
    /// Receive what is shared in a room; with --stay, whatever is shared there from now on.
    Receive {
        /// The code or the link. It is a secret, and other users of this machine can see arguments: with - it is read
        /// from stdin, and without it from $PRIVYDROP_CODE or stdin. With --stay and none of these a room is opened.
        #[arg(value_name = "CODE-OR-LINK|-", conflicts_with_all = ["name", "keep"])]
        invitation: Option<String>,

        /// The directory to receive into; made if need be.
        #[arg(long, value_name = "DIR", default_value = ".")]
        into: PathBuf,

        /// Take no more than this many bytes in all; what would exceed it is left out.
        #[arg(long, value_name = "N")]
        max_bytes: Option<u64>,

        #[command(flatten)]
        room: Room,
    },
    /// List what was received in part and is waiting to go on. It goes on when the same is received again into the same
    /// directory; what nobody goes on with for a week is removed by the next receiving there.
    Unfinished {
        /// The directory that was received into.
        #[arg(value_name = "DIR", default_value = ".")]
        dir: PathBuf,

        /// Remove it now, but for what some program is receiving.
        #[arg(long)]
        clear: bool,
    },
    /// Print completions for a shell.
    #[command(hide = true)]
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// Print the manual page.
    #[command(hide = true)]
    Manual,
}

/// What rooms have in common.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Room {
    /// Stay until Ctrl-C, for any number of others.
    #[arg(long)]
    pub(crate) stay: bool,

    /// The name that the room should have: 3 to 63 letters, digits and dashes. Without it the server finds one.
    #[arg(long = "room", value_name = "NAME")]
    pub(crate) name: Option<RoomId>,

    /// Keep the room in this file, and open it again when started with the same file: its link stays the same. The file is
    /// a secret: whoever reads it can take the room's place.
    #[arg(long, value_name = "FILE")]
    pub(crate) keep: Option<PathBuf>,
}

/// Whom to share with.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct To {
    /// Share in the room of this code or link instead of a new one, as with a receiver that stays. It is a secret:
    /// with - it is read from stdin.
    #[arg(long, value_name = "CODE-OR-LINK|-", conflicts_with_all = ["name", "keep"])]
    pub(crate) to: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn somebody_elses_room_is_not_kept() {
        let parse = |words: &[&str]| Args::try_parse_from([&["privydrop"], words].concat());
        assert!(parse(&["send", "--keep", "room", "film"]).is_ok());
        assert!(parse(&["receive", "--keep", "room"]).is_ok());
        assert!(parse(&["send", "--keep", "room", "--to", "123456-acid-acorn-acre", "film"]).is_err());
        assert!(parse(&["receive", "--keep", "room", "123456-acid-acorn-acre"]).is_err());
    }

    proptest! {
        #[test]
        fn any_words_are_arguments_or_refused_in_words(
            words in prop::collection::vec(
                prop_oneof![
                    "(send|text|receive|unfinished|--clear|--server|--room|--to|--into|--max-bytes|--stay|--keep|--json|--label|-|--|=)",
                    "(http://nas\\.lan:8080|ftp://x|my-room|room:x|-1|18446744073709551616|\\PC{0,12})",
                ],
                0..6,
            ),
        ) {
            match Args::try_parse_from(["privydrop".to_owned()].into_iter().chain(words)) {
                Ok(args) => prop_assert!(args.server.is_none_or(|server| server.page().starts_with("http"))),
                Err(refused) => prop_assert!(!refused.to_string().is_empty()),
            }
        }
    }
}
