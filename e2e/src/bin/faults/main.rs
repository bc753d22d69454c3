//! `cargo xtask faults`: many rounds of faults between real programs ([`privydrop_e2e::faults`]), as many as are asked for.
//!
//! Fails when a single round went wrong, and says how to run that one again.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its terminal")]

use std::process::ExitCode;
use std::time::Instant;

use privydrop_e2e::faults;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    rounds: u64,
    seed: u64,
    side_by_side: usize,
}

impl Options {
    /// Reads the command line's words; says what is wrong with them.
    fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { rounds: 200, seed: 1, side_by_side: 4 };
        let mut words = words;
        while let Some(word) = words.next() {
            let value = words.next().and_then(|value| value.parse::<u64>().ok());
            let value = value.ok_or_else(|| format!("`{word}` needs a number"))?;
            match word.as_str() {
                "--rounds" => options.rounds = value.max(1),
                "--seed" => options.seed = value,
                "--side-by-side" => options.side_by_side = usize::try_from(value).unwrap_or(1).clamp(1, 16),
                _ => {
                    return Err(format!(
                        "no option `{word}`; there are --rounds N, --seed S, --side-by-side N"
                    ));
                }
            }
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::FAILURE;
        }
    };
    let Options { rounds, seed, side_by_side } = options;
    println!("{rounds} rounds from seed {seed}, {side_by_side} side by side");
    let start = Instant::now();
    let tally = faults::run(seed, rounds, side_by_side, |seed, ended| match ended {
        Ok(report) => println!("{seed}: {report:?}"),
        Err(wrong) => println!("{seed}: WENT WRONG, again by `{}`\n{wrong}", faults::again(seed)),
    });
    println!("\n{tally}; {:.0} s", start.elapsed().as_secs_f32());
    for (seed, _) in &tally.failed {
        println!("again: {}", faults::again(*seed));
    }
    if tally.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
