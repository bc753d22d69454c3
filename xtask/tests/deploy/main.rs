//! The deployment kit is what it says: its files agree with the server and with one another, and the real nginx,
//! Caddy, coturn and Redis do with them what docs/SELF_HOSTING.md promises.

#![cfg(test)]

mod caddy;
mod health;
mod kit;
mod nginx;
mod program;
mod relay;
mod site;
mod store;
mod units;

use std::path::PathBuf;

/// A file of the repository.
fn read(path: &str) -> String {
    std::fs::read_to_string(at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn at(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}
