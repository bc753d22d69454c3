//! `cargo xtask fuzz`: lets libFuzzer look for bytes for which the checks of `fuzz/` do not hold, target by target.
//!
//! Works with the stable compiler: coverage is measured by code generation options that are stable, and no sanitizer is
//! used, since those are not. What they would find is ruled out here: no package has unsafe code, and the checks count
//! memory themselves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Failure, could_not_start, run as run_command, shown};
use crate::step::{self, Step};
use crate::{apt, cargo, root, tools};

/// Seconds for each target when nothing else is asked for.
const SECONDS: u64 = 60;
/// Longest input that is made, in bytes.
const MAX_LENGTH: usize = 64 * 1024;
/// Seconds after which a single input has taken too long.
const TIMEOUT: u64 = 10;
/// Megabytes that a whole program may take, its corpus included.
const MAX_MEMORY: u64 = 1024;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    seconds: u64,
    /// Only targets whose name contains it.
    filter: String,
}

/// How one target went.
struct Outcome {
    name: String,
    executions: u64,
    seconds: u64,
    /// Inputs that reached something new.
    new: u64,
    findings: u64,
}

const PACKAGES: Step<()> = ("System packages", |()| apt::install(&[apt::BUILD, apt::FUZZ]));
const TOOLS: Step<()> = ("Rust tools", |()| tools::install(&[tools::CARGO_FUZZ]));
const PROGRAMS: Step<()> = ("Programs that look for bytes", |()| run_command(&mut cargo_fuzz(&["build"])));

/// Runs the targets that are asked for, one after the other; fails when one of them found something.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if arguments == ["--write-seeds"] {
        return cargo::run(&["run", "--quiet", "--package", "privydrop-fuzz", "--example", "seeds"]);
    }
    let wish = Wish::of(arguments)?;
    step::all(&[PACKAGES, TOOLS, PROGRAMS], &mut ())?;
    let mut outcomes = Vec::new();
    for name in targets()?.into_iter().filter(|name| name.contains(&wish.filter)) {
        println!("      {name}");
        outcomes.push(fuzz(&name, wish.seconds)?);
    }
    println!(
        "\n{:<16} {:>12} {:>8} {:>11} {:>9}",
        "target", "executions", "seconds", "new corpus", "findings"
    );
    for Outcome { name, executions, seconds, new, findings } in &outcomes {
        println!("{name:<16} {executions:>12} {seconds:>8} {new:>11} {findings:>9}");
    }
    let found = outcomes.iter().any(|outcome| outcome.findings > 0);
    if found || outcomes.is_empty() { Err(Failure::Tests) } else { Ok(()) }
}

impl Wish {
    fn of(arguments: &[String]) -> Result<Self, Failure> {
        let mut wish = Self { seconds: SECONDS, filter: String::new() };
        let mut words = arguments.iter().map(String::as_str);
        while let Some(word) = words.next() {
            match (word, word.starts_with("--")) {
                ("--seconds", _) => {
                    let number = words.next().and_then(|number| number.parse().ok());
                    wish.seconds = number.filter(|seconds| *seconds > 0).ok_or_else(|| unknown(word))?;
                }
                (name, false) if wish.filter.is_empty() => name.clone_into(&mut wish.filter),
                (other, _) => return Err(unknown(other)),
            }
        }
        Ok(wish)
    }
}

fn unknown(word: &str) -> Failure {
    Failure::UnknownCommand(format!("fuzz … {word}"))
}

/// `cargo fuzz` with these words, which come before the options that all of its calls share.
fn cargo_fuzz(words: &[&str]) -> Command {
    let mut command = Command::new(tools::folder().join("cargo-fuzz"));
    command.current_dir(root()).args(["fuzz"]).args(words);
    command.args(["--fuzz-dir", "fuzz", "--features", "programs", "--sanitizer", "none"]);
    // Crates must do here what they do everywhere.
    command.arg("--no-cfg-fuzzing");
    command.arg("--target-dir").arg(folder());
    cargo::forget_own_package(&mut command);
    // Fast to build rather than small: what people get is linked as one.
    command.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "2");
    command
}

/// What is built and found; none of it is ever committed.
fn folder() -> PathBuf {
    root().join("target/fuzz")
}

/// The targets, by the names of their programs.
fn targets() -> Result<Vec<String>, Failure> {
    let folder = root().join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|error| Failure::File { path: folder, error })?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .collect();
    names.sort_unstable();
    Ok(names)
}

/// Runs one target for so many seconds, from its seeds and what earlier runs found worth keeping.
fn fuzz(name: &str, seconds: u64) -> Result<Outcome, Failure> {
    let (corpus, found) = (folder().join("corpus").join(name), folder().join("findings").join(name));
    for folder in [&corpus, &found] {
        fs::create_dir_all(folder).map_err(|error| Failure::File { path: folder.clone(), error })?;
    }
    let before = (count(&corpus), count(&found));
    let log = folder().join(format!("{name}.log"));
    let writing = fs::File::create(&log).map_err(|error| Failure::File { path: log.clone(), error })?;
    let mut command = cargo_fuzz(&["run"]);
    command.arg(name).arg(&corpus).arg(root().join("fuzz/seeds").join(name)).arg("--");
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={MAX_LENGTH}"));
    command.arg(format!("-timeout={TIMEOUT}")).arg(format!("-rss_limit_mb={MAX_MEMORY}"));
    command.arg(format!("-artifact_prefix={}/", found.display())).arg("-print_final_stats=1");
    command.stdout(Stdio::null()).stderr(writing);
    let status = command.status().map_err(|error| could_not_start(&command, error))?;
    let said = fs::read_to_string(&log).unwrap_or_default();
    let findings = count(&found) - before.1;
    let Some(executions) = executions(&said).filter(|_| status.success() || findings > 0) else {
        println!("{}", last_lines(&said));
        return Err(Failure::Ended { command: shown(&command), status });
    };
    if findings > 0 {
        println!("{}\n      what it found is in {}", last_lines(&said), found.display());
    }
    Ok(Outcome { name: name.to_owned(), executions, seconds, new: count(&corpus) - before.0, findings })
}

/// How many files are in a folder.
fn count(folder: &Path) -> u64 {
    fs::read_dir(folder).map_or(0, |entries| entries.flatten().count() as u64)
}

/// How often the check was called, as libFuzzer says in the end; also at a finding.
fn executions(said: &str) -> Option<u64> {
    const BEGINS: &str = "stat::number_of_executed_units:";
    said.lines().find_map(|line| line.strip_prefix(BEGINS)?.trim().parse().ok())
}

fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(line: &str) -> Option<Wish> {
        Wish::of(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).ok()
    }

    #[test]
    fn seconds_and_a_part_of_a_name_can_be_asked_for_and_nothing_else() {
        assert_eq!(wish(""), Some(Wish { seconds: SECONDS, filter: String::new() }));
        assert_eq!(wish("--seconds 5 names"), Some(Wish { seconds: 5, filter: "names".to_owned() }));
        for line in ["--seconds", "--seconds 0", "--seconds x", "--jobs 2", "names paths"] {
            assert_eq!(wish(line), None, "{line}");
        }
    }

    #[test]
    fn executions_are_read_from_the_statistics() {
        let said = "Done 7 runs\nstat::number_of_executed_units: 12345\nstat::average_exec_per_sec:     9\n";
        assert_eq!((executions(said), executions("Done")), (Some(12345), None));
    }
}
