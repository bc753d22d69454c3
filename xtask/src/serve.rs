//! `cargo xtask run`: the web app and its server on this machine, rooms in memory.

use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Failure, run as run_command};
use crate::step::{self, Step};
use crate::{apt, cargo, tools, web};

const STEPS: &[Step<PathBuf>] = &[
    ("System packages", |_| apt::install(&[apt::BUILD])),
    ("Rust tools", |_| {
        tools::install_rust_parts()?;
        tools::install(&[tools::TRUNK, tools::WASM_BINDGEN])
    }),
    ("Web app", |_| web::build()),
    ("Server", |server| {
        *server = cargo::server()?;
        Ok(())
    }),
];

/// Builds both and serves until stopped; `arguments` go to the server, which says where to open it.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let mut server = PathBuf::new();
    step::all(STEPS, &mut server)?;
    println!("Starting the server; Ctrl-C stops it.\n");
    run_command(Command::new(server).args(arguments))
}
