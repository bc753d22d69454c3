//! `cargo xtask bench native` and `bench resume`: how fast terminals move files here, beside the bare WebRTC stack between two processes
//! and beside other programs.
//!
//! All ways take turns, because machines drift: only their ratio within a round means something. Asserts nothing;
//! fails only when something could not run. Needs Linux, whose `/proc` says what processes use.
#![allow(clippy::print_stdout, reason = "a command line talks to its terminal")]
#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "as the harness, it fails by panicking, and says what it saw"
)]

mod browser;
mod disk;
mod meter;
mod options;
mod others;
mod raw;
mod report;
mod resume;
mod terminals;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use privydrop_e2e::bench;
use privydrop_e2e::fixture::Fixture;
use privydrop_e2e::server::{Rooms, Server};

use crate::meter::Moved;
use crate::options::{Options, Part};
use crate::others::Other;
use crate::raw::Tuning;
use crate::report::{Table, megabytes};

/// Buffers that systems give to those who are not root and ask for more.
const ORDINARY_BUFFER: usize = 212_992;
/// Small files, and the bytes of each.
const SMALL_FILES: usize = 10_000;
const SMALL: u64 = 4096;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    bench::run(Options::parse(std::env::args().skip(1)), measure).await
}

async fn measure(options: &Options) {
    let (server, mut fixture, mut table) = (Server::start(Rooms::Memory), Fixture::new(1), Table::default());
    let file = fixture.file("big.bin", options.size);
    if options.has(Part::Large) {
        large(options, &file, &server, &mut table).await;
    }
    if options.has(Part::Others) {
        others(options, &file, &server, &mut table).await;
    }
    if options.has(Part::Small) {
        small(options, &mut fixture, &server, &mut table).await;
    }
    if options.has(Part::Memory) {
        let sparse = file.with_file_name("sparse.bin");
        File::create(&sparse).and_then(|file| file.set_len(options.sparse)).expect("room for no bytes");
        let moved = terminals::moved(&server, &sparse, options.sparse, None).await;
        tell(1, "sparse file", options.sparse, &moved);
        table.add_memory(options.sparse, &moved);
        std::fs::remove_file(sparse).expect("the file that was sent");
    }
    if options.has(Part::Browser) {
        browser::measure(options, &mut fixture, &server, &mut table).await;
    }
    if options.has(Part::Resume) {
        resume::measure(options, &mut fixture, &file, &mut table).await;
    }
    println!("\n{table}");
}

/// One big file, with large socket buffers and with ordinary ones.
async fn large(options: &Options, file: &Path, server: &Server, table: &mut Table) {
    let size = options.size;
    for (name, tuning, buffer) in
        [("as it is", Tuning::LARGE, None), ("ordinary buffers", Tuning::ORDINARY, Some(ORDINARY_BUFFER))]
    {
        let (mut rounds, mut disks) = (Vec::new(), Vec::new());
        for number in 1..=options.rounds {
            // Who is first changes from round to round.
            let pair = if number % 2 == 1 {
                let raw = raw::moved(size, tuning).await;
                (raw, terminals::moved(server, file, size, buffer).await)
            } else {
                let app = terminals::moved(server, file, size, buffer).await;
                (raw::moved(size, tuning).await, app)
            };
            tell(number, "raw channel", size, &pair.0);
            tell(number, "PrivyDrop", size, &pair.1);
            let disk = disk::seconds(file);
            tell_disk(number, size, disk);
            rounds.push(pair);
            disks.push(disk);
        }
        table.add_large(name, size, &rounds);
        table.add_disk(name, size, &rounds, &disks);
    }
}

/// Whole programs, from the start of the receiving one to its end.
async fn others(options: &Options, file: &Path, server: &Server, table: &mut Table) {
    let here: Vec<Other> = Other::ALL.into_iter().filter(|other| other.is_installed()).collect();
    for other in Other::ALL.iter().filter(|other| !here.contains(other)) {
        println!("{} is not installed and left out", other.name());
        table.add_left_out(other.name());
    }
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        let own = terminals::moved(server, file, options.size, None).await.whole;
        println!("round {number}  PrivyDrop as a whole process: {own:.2} s");
        let mut theirs = Vec::new();
        for other in &here {
            let seconds = other.moved(file).await;
            println!("round {number}  {} as a whole process: {seconds:.2} s", other.name());
            theirs.push(seconds);
        }
        rounds.push((own, theirs));
    }
    for (index, other) in here.iter().enumerate() {
        let pairs: Vec<(f64, f64)> = rounds.iter().map(|(own, theirs)| (*own, theirs[index])).collect();
        table.add_other(other.name(), options.size, &pairs);
    }
}

/// Many small files beside one of as many bytes.
async fn small(options: &Options, fixture: &mut Fixture, server: &Server, table: &mut Table) {
    let size = SMALL_FILES as u64 * SMALL;
    let one = fixture.file("one.bin", size);
    let many = small_files(fixture, &one);
    let (mut rounds, mut disks) = (Vec::new(), Vec::new());
    for number in 1..=options.rounds {
        let whole = terminals::moved(server, &one, size, None).await;
        tell(number, "one file", size, &whole);
        let parts = terminals::moved(server, &many, size, None).await;
        tell(number, "small files", size, &parts);
        let disk = disk::seconds_of_tree(&many);
        tell_disk(number, size, disk);
        rounds.push((whole, parts));
        disks.push(disk);
    }
    table.add_small(SMALL_FILES, SMALL, &rounds);
    table.add_disk("small files", size, &rounds, &disks);
}

fn small_files(fixture: &mut Fixture, beside: &Path) -> PathBuf {
    let top = beside.with_file_name("small");
    for number in 0..SMALL_FILES {
        let folder = format!("small/{:02}", number / 100);
        if number % 100 == 0 {
            std::fs::create_dir_all(beside.with_file_name(&folder)).expect("a folder");
        }
        fixture.file(&format!("{folder}/{number:05}"), SMALL);
    }
    top
}

fn tell(number: usize, way: &str, size: u64, moved: &Moved) {
    println!("round {number}  {:>9}  {way:<18} {moved}", megabytes(size));
}

fn tell_disk(number: usize, size: u64, seconds: f64) {
    let speed = size as f64 / 1e6 / seconds;
    println!("round {number}  {:>9}  the disk alone     {speed:6.1} MB/s", megabytes(size));
}
