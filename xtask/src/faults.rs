//! `cargo xtask faults`: rounds of faults between the real programs, as many as one wants to wait for.
//!
//! Builds what the tests use, then leaves the rounds to a program of their own.

use std::process::Command;

use crate::failure::{Failure, run as run_command};
use crate::{apt, cargo};

/// Runs the rounds with these options.
pub(crate) fn run(options: &[String]) -> Result<(), Failure> {
    apt::install(&[apt::BUILD, apt::TEST])?;
    let server = cargo::server()?;
    // Beside the server, where it is looked for.
    cargo::program_of(&["build", "--workspace", "--bin", "privydrop"], "privydrop")?;
    let rounds = cargo::program_of(&["build", "--workspace", "--bin", "faults"], "faults")?;
    run_command(Command::new(rounds).args(options).env("PRIVYDROP_SERVER_PROGRAM", server))
}
