//! `cargo xtask bench`: how fast it is on this machine, beside what it should be. Figures are printed, never asserted.
//!
//! Builds the server as people get it, then leaves the measuring to programs of their own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Failure, answer, could_not_start, run as run_command, shown};
use crate::growth::Growth;
use crate::step::{self, Step};
use crate::{apt, cargo, python, tools, web};

/// Loads the server, from the package of the server; prints one line per figure.
const LOAD: &str = "load";
/// Moves bytes over the bare WebRTC stack, from the package `native`.
const RAW: &str = "raw";
/// How often the load runs when nothing else is asked for.
const ROUNDS: usize = 3;

/// What the steps hand on.
#[derive(Default)]
struct Built {
    server: PathBuf,
    bench: PathBuf,
    raw: PathBuf,
}

const PACKAGES: Step<Built> = ("System packages", |_| apt::install(&[apt::BUILD, apt::TEST]));
const TOOLS: Step<Built> = ("Rust tools", |_| {
    tools::install_rust_parts()?;
    tools::install(&[tools::TRUNK, tools::WASM_BINDGEN])
});
const WEB: Step<Built> = ("Web app", |_| web::build());
const SERVER: Step<Built> = ("Server, optimised", |built| {
    const NAME: &str = "privydrop-server";
    built.server = cargo::program_of(&["build", "--release", "--workspace", "--bin", NAME], NAME)?;
    Ok(())
});
const BROWSERS: Step<Built> = ("Measuring program", |built| {
    built.bench = cargo::program_of(&["build", "--workspace", "--bin", "bench"], "bench")?;
    Ok(())
});
const TERMINAL: Step<Built> = ("Terminal program and bare WebRTC stack, optimised", |built| {
    const NAME: &str = "privydrop";
    // Beside the server, where the measuring program looks for it.
    cargo::program_of(&["build", "--release", "--workspace", "--bin", NAME], NAME)?;
    built.raw = cargo::program_of(&["build", "--release", "--workspace", "--example", RAW], RAW)?;
    Ok(())
});
const OTHERS: Step<Built> = ("Programs to compare with", |_| {
    // Figures do not depend on them: where they cannot be had, they are left out, and the measuring program says so.
    let others = [apt::install(&[&["croc"]]), python::install(&python::WORMHOLE)];
    for failure in others.into_iter().filter_map(Result::err) {
        println!("      one is left out: {failure}");
    }
    Ok(())
});
const NATIVE: Step<Built> = ("Measuring program", |built| {
    built.bench = cargo::program_of(&["build", "--workspace", "--bin", "bench-native"], "bench-native")?;
    Ok(())
});
const STORE: Step<Built> = ("System packages", |_| apt::install(&[apt::BUILD, apt::STORE]));
const SIGNAL: Step<Built> = ("Measuring program", |built| {
    built.bench = cargo::program_of(&["build", "--release", "--workspace", "--example", LOAD], LOAD)?;
    Ok(())
});

/// A figure that the load prints, and what is known of it.
struct Figure {
    /// How its line begins.
    begins: &'static str,
    /// What stands behind its value in that line.
    unit: &'static str,
    /// What it should be, in words, and whether a value is.
    wanted: &'static str,
    met: fn(f64) -> bool,
    /// What the system that PrivyDrop re-implements reached.
    original: &'static str,
}

const FIGURES: [Figure; 8] = [
    Figure {
        begins: "memory per idle socket",
        unit: "KB",
        wanted: "≤ 6",
        met: |value| value <= 6.0,
        original: "16–23",
    },
    Figure {
        begins: "sockets held",
        unit: "alive",
        wanted: "≥ 20000",
        met: |value| value >= 20_000.0,
        original: "–",
    },
    Figure {
        begins: "joins",
        unit: "per core-second",
        wanted: "≥ 10000",
        met: |value| value >= 10_000.0,
        original: "2300 (Redis)",
    },
    Figure {
        begins: "relays",
        unit: "per core-second",
        wanted: "≥ 100000",
        met: |value| value >= 100_000.0,
        original: "29000 (Redis)",
    },
    Figure {
        begins: "Redis, joins",
        unit: "per core-second",
        wanted: "≥ 5000",
        met: |value| value >= 5_000.0,
        original: "2300",
    },
    Figure {
        begins: "Redis, across two nodes, relays",
        unit: "/s",
        wanted: "≥ 40000",
        met: |value| value >= 40_000.0,
        original: "one node only",
    },
    Figure {
        begins: "Redis, across two nodes, relays",
        unit: "ms",
        wanted: "< 10",
        met: |value| value < 10.0,
        original: "one node only",
    },
    Figure { begins: "flood", unit: "times", wanted: "< 2", met: |value| value < 2.0, original: "–" },
];

/// Measures what the first argument names; the others choose how.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let mut rest = arguments.get(1..).unwrap_or_default().to_vec();
    match arguments.first().map(String::as_str) {
        Some("browser") => {
            let as_it_is = rest.iter().position(|word| word == "--no-build").map(|at| rest.remove(at));
            let steps: &[_] = match as_it_is {
                Some(_) => &[SERVER, BROWSERS],
                None => &[PACKAGES, TOOLS, WEB, SERVER, BROWSERS],
            };
            browsers(steps, &rest)
        }
        Some("native") => {
            let as_it_is = rest.iter().position(|word| word == "--no-build").map(|at| rest.remove(at));
            let steps: &[_] = match as_it_is {
                Some(_) => &[SERVER, TERMINAL, NATIVE],
                None => &[PACKAGES, TOOLS, WEB, SERVER, TERMINAL, OTHERS, NATIVE],
            };
            natively(steps, &rest)
        }
        Some("resume") => {
            rest.splice(0..0, ["--only".to_owned(), "resume".to_owned()]);
            natively(&[PACKAGES, TOOLS, WEB, SERVER, TERMINAL, NATIVE], &rest)
        }
        Some("signal") => signal(rounds(&rest)?),
        other => Err(unknown(other.unwrap_or_default())),
    }
}

/// Moves files between browsers.
fn browsers(steps: &[Step<Built>], options: &[String]) -> Result<(), Failure> {
    let mut built = Built::default();
    step::all(steps, &mut built)?;
    println!("{}", machine());
    let mut bench = Command::new(built.bench);
    run_command(bench.args(options).env("PATH", web::path()).env("PRIVYDROP_SERVER_PROGRAM", built.server))
}

/// Moves files between terminals, and between a terminal and a browser.
fn natively(steps: &[Step<Built>], options: &[String]) -> Result<(), Failure> {
    let mut built = Built::default();
    step::all(steps, &mut built)?;
    println!("{}", machine());
    let mut bench = Command::new(built.bench);
    bench.args(options).env("PATH", web::path()).env("PRIVYDROP_SERVER_PROGRAM", built.server);
    run_command(bench.env("PRIVYDROP_RAW", built.raw).env("PRIVYDROP_WORMHOLE", python::programs()))
}

/// Loads the signaling server, with its rooms in memory and in Redis.
fn signal(rounds: usize) -> Result<(), Failure> {
    let mut built = Built::default();
    step::all(&[STORE, SERVER, SIGNAL], &mut built)?;
    println!("{}", machine());
    let (mut values, mut growth) = (FIGURES.map(|_| Vec::new()), Growth::default());
    for round in 1..=rounds {
        println!("\nround {round} of {rounds}");
        for line in loaded(&built.bench, &built.server)? {
            growth.hear(&line);
            for (figure, values) in FIGURES.iter().zip(&mut values) {
                values.extend(figure.value(&line));
            }
        }
    }
    println!("\n{:>10}  {:>9}  {:<6}  {:>13}  medians", "PrivyDrop", "wanted", "", "original");
    for (figure, values) in FIGURES.iter().zip(values) {
        let Figure { begins, unit, wanted, original, .. } = figure;
        // Without redis-server there is nothing to tell of it.
        let Some(value) = middle(values) else {
            println!("{:>10}  {wanted:>9}  {:<6}  {original:>13}  {begins}, {unit}", "–", "");
            continue;
        };
        let verdict = if (figure.met)(value) { "met" } else { "missed" };
        println!("{value:>10.1}  {wanted:>9}  {verdict:<6}  {original:>13}  {begins}, {unit}");
    }
    if let Some(picture) = growth.draw()? {
        println!("\nWhat a message costs beside more rooms and among more members: {picture}");
    }
    Ok(())
}

/// Runs the load once and passes on what it prints.
fn loaded(load: &Path, server: &Path) -> Result<Vec<String>, Failure> {
    let mut command = Command::new(load);
    // What the server logs is of no interest here.
    command.arg(server).stdout(Stdio::piped()).env("RUST_LOG", "warn");
    let mut child = command.spawn().map_err(|error| could_not_start(&command, error))?;
    let out = child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines());
    let lines = out.map_while(Result::ok).inspect(|line| println!("  {line}")).collect();
    let status = child.wait().map_err(|error| could_not_start(&command, error))?;
    if status.success() { Ok(lines) } else { Err(Failure::Ended { command: shown(&command), status }) }
}

impl Figure {
    /// Its value, when it is what a line tells.
    fn value(&self, line: &str) -> Option<f64> {
        let (before, _) = line.strip_prefix(self.begins)?.split_once(self.unit)?;
        before.split_whitespace().last()?.parse().ok()
    }
}

/// `--rounds N`, or nothing.
fn rounds(options: &[String]) -> Result<usize, Failure> {
    match options {
        [] => Ok(ROUNDS),
        [name, value] if name == "--rounds" => {
            value.parse().ok().filter(|rounds| *rounds > 0).ok_or_else(|| unknown(value))
        }
        [other, ..] => Err(unknown(other)),
    }
}

fn unknown(word: &str) -> Failure {
    Failure::UnknownCommand(format!("bench … {word}"))
}

/// The value in the middle.
pub(crate) fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// What one must know of this machine to read its figures.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let facts = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = facts.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let said = |program, words: &[&str]| answer(Command::new(program).args(words)).unwrap_or_default();
    let (kernel, date) = (said("uname", &["-sr"]), said("date", &["+%F %R"]));
    format!("{cores} cores {model}, {}, {}", kernel.trim(), date.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_the_lines_of_the_load() {
        let lines = [
            "memory per idle socket: 5.2 KB (900 sockets)",
            "sockets held: 20000 alive of 20000, by two nodes behind one Redis, 5.3 KB each",
            "joins (leave and come back by ticket): 9000 /s, 12345 per core-second (0.73 cores used)",
            "relays of 2000 characters: 80000 /s, 110000 per core-second (0.73 cores used)",
            "Redis, joins (leave and come back by ticket): 5000 /s, 6789 per core-second (0.73 cores used)",
        ];
        let values = FIGURES.each_ref().map(|figure| lines.iter().find_map(|line| figure.value(line)));
        let expected = [Some(5.2), Some(20_000.0), Some(12345.0), Some(110_000.0), Some(6789.0), None];
        assert_eq!(values[..6], expected);
    }

    #[test]
    fn rounds_can_be_chosen_and_nothing_else() {
        let said = |line: &str| rounds(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).ok();
        assert_eq!(said(""), Some(ROUNDS));
        assert_eq!(said("--rounds 1"), Some(1));
        assert_eq!((said("--rounds 0"), said("--rounds"), said("--size 1G")), (None, None, None));
    }
}
