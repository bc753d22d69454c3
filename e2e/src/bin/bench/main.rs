//! `cargo xtask bench browser`: how fast browsers move files here, beside a raw data channel between the same two.
//!
//! Both ways take turns, because machines drift: only their ratio within a round means something. Asserts nothing;
//! fails only when something could not run. Needs Linux, whose `/proc` says what processes use.
#![allow(clippy::print_stdout, reason = "a command line talks to its terminal")]
#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "as the harness, it fails by panicking, and says what it saw"
)]

mod app;
mod far;
mod first_load;
mod meter;
mod opening;
mod options;
mod raw_channel;
mod report;
mod tab;

use std::path::PathBuf;
use std::process::ExitCode;

use privydrop_e2e::bench;
use privydrop_e2e::browser::{ANYTHING, Kind};
use privydrop_e2e::fixture::{Fixture, blake3_of};
use privydrop_e2e::page::Page;
use privydrop_e2e::server::{Rooms, Server};
use serde_json::Value;

use crate::far::Far;
use crate::meter::Moved;
use crate::opening::Opening;
use crate::options::Options;
use crate::report::{Round, Table, megabytes};

/// Bytes that are moved over the long path.
const FAR: u64 = 50_000_000;

/// Two browsers, each with its own processes.
struct Ends {
    from: Page,
    to: Page,
}

/// The path between the two, and the server that they meet at.
enum Way<'a> {
    /// This machine alone.
    Near(&'a Server),
    /// A long path.
    Far(&'a Far),
}

impl Way<'_> {
    fn server(&self) -> &Server {
        match self {
            Way::Near(server) => server,
            Way::Far(far) => &far.server,
        }
    }
}

/// What is moved.
struct Load {
    name: String,
    path: PathBuf,
    size: u64,
    /// BLAKE3 in hex.
    hash: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    bench::run(Options::parse(std::env::args().skip(1)), measure).await
}

async fn measure(options: &Options) {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(1);
    let mut table = Table::default();
    let ends = Ends::start(&server).await;
    println!("Two browsers: {}\n", ends.version());
    for &size in &options.sizes {
        let load = Load::new(&mut fixture, size);
        let mut rounds = Vec::new();
        for number in 1..=options.rounds {
            rounds.push(ends.round(number, options, &load, &Way::Near(&server)).await);
        }
        table.add_transfers(size, &rounds);
        std::fs::remove_file(&load.path).expect("the file that was sent");
    }
    if options.far {
        let (far, load) = (Far::start().await, Load::new(&mut fixture, FAR));
        println!("\nThrough a relay, some 25 ms each way:");
        let mut rounds = Vec::new();
        for number in 1..=options.rounds {
            rounds.push(ends.round(number, options, &load, &Way::Far(&far)).await);
        }
        table.add_far(&rounds);
    }
    let small = Load::new(&mut fixture, opening::SMALL);
    let mut openings = Vec::new();
    for number in 1..=options.rounds {
        openings.push(Opening::measure(&ends.from, &small, &server).await);
        println!("round {number}  {}", openings[openings.len() - 1]);
    }
    table.add_openings(&openings);
    table.add_first_load(&first_load::weigh(&ends.to, &server).await);
    println!("\n{table}");
    for end in [ends.from, ends.to] {
        end.close(&[ANYTHING]).await;
    }
}

impl Ends {
    async fn start(server: &Server) -> Self {
        let from = Page::open(Kind::Chromium, server.address()).await;
        let to = Page::open(Kind::Chromium, server.address()).await;
        tab::refuse_downloads(to.browser()).await;
        Self { from, to }
    }

    fn version(&self) -> String {
        let facts = self.from.browser().driver().capabilities();
        let fact = |name| facts.get(name).and_then(Value::as_str).unwrap_or("unknown").to_owned();
        format!("{} {}", fact("browserName"), fact("browserVersion"))
    }

    /// Both ways once; who is first changes from round to round.
    async fn round(&self, number: usize, options: &Options, load: &Load, way: &Way<'_>) -> Round {
        let tell = |what: &str, moved: &Moved| {
            println!("round {number}  {:>7}  {what:<10} {moved}", megabytes(load.size));
        };
        let raw = async || {
            let moved = raw_channel::moved(self, load.size, way).await;
            tell("raw", &moved);
            moved
        };
        let app = async || {
            let moved = app::moved(self, load, options.sink, way).await;
            tell("PrivyDrop", &moved);
            moved
        };
        // The raw channel knows the long way from the app.
        if number % 2 == 1 && matches!(way, Way::Near(_)) {
            let raw = raw().await;
            Round { raw, app: app().await }
        } else {
            let app = app().await;
            Round { raw: raw().await, app }
        }
    }
}

impl Load {
    fn new(fixture: &mut Fixture, size: u64) -> Self {
        let name = format!("{size}.bin");
        let path = fixture.file(&name, size);
        let hash = blake3_of(&path);
        Self { name, path, size, hash }
    }
}
