//! What one does with this repository, as `cargo xtask COMMAND`.
//!
//! Works on a fresh Debian with git and rustup: each command first installs what it lacks, and nothing that is
//! already there. Never installs a Rust toolchain, and changes nothing outside the repository except by apt and rustup.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its terminal")]

mod apt;
mod bench;
mod cargo;
mod compress;
mod desktop;
mod dist;
mod failure;
mod faults;
mod fuzz;
mod growth;
mod loading;
mod mobile;
mod plot;
mod python;
mod serve;
mod sheets;
mod shrink;
mod step;
mod test;
mod tools;
mod web;

use std::path::PathBuf;
use std::process::ExitCode;

use failure::Failure;

const HELP: &str = "\
cargo xtask COMMAND

  run [ARGUMENTS]   build the web app and start the server with rooms in memory;
                    arguments go to the server (cargo xtask run --listen 127.0.0.1:9000)
  test              install what the tests need, check format, lint, run every test
  e2e [FILTER]      only the tests in real browsers and in the desktop app, those whose
                    name contains FILTER
  desktop [PATHS]   build the desktop app and start it; arguments go to the app, which shares
                    the files among them
  check-mobile      type-check the app for phones, as far as that goes without their SDKs
  bench browser     move files between two browsers, beside a raw data channel; options:
                    --rounds N, --size 200M|1G, --sink private|directory, --quick,
                    --far or --openings (nothing but the long path; nothing but how soon a link
                    shows something), --no-build (takes the web app as it stands in dist/)
  bench native      move files between terminals, beside the bare WebRTC stack and other
                    programs, and between a terminal and a browser; options: --rounds N,
                    --only large|others|small|memory|browser, --quick, --no-build
  bench resume      how soon bytes flow after a network was away, what travels again after a kill,
                    what the journal costs; options: --rounds N, --quick
  bench signal      load the signaling server; what grows with it is drawn in
                    target/bench/signal-growth.svg; option: --rounds N
  faults            kill terminals, server and store while files move through bad weather;
                    options: --rounds N, --seed S, --side-by-side N
  fuzz [FILTER]     let libFuzzer look for bytes that a parser cannot take, target by target;
                    options: --seconds N for each, --write-seeds (and nothing else)
  dist              the server, the terminal program, the desktop app's Debian package and
                    the web app, optimised, with their hashes, in target/dist
  dist server       the same without the desktop app and the libraries that it needs
  fmt               format all code
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let done = match command.as_str() {
        "run" => serve::run(&rest),
        "test" => test::everything(),
        "e2e" => test::browsers(rest.first().map(String::as_str)),
        "desktop" => desktop::run(&rest),
        "check-mobile" => mobile::check(),
        "bench" => bench::run(&rest),
        "faults" => faults::run(&rest),
        "fuzz" => fuzz::run(&rest),
        "dist" => dist::run(rest.first().map(String::as_str)),
        "fmt" => cargo::run(&["fmt", "--all"]),
        "" | "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        unknown => Err(Failure::UnknownCommand(unknown.to_owned())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Failed tests have said so themselves; their count stays the last line.
        Err(Failure::Tests) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("\nxtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The repository's top folder.
fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
