//! `cargo xtask test` and `cargo xtask e2e`: checks and tests, cheapest first, with one closing count.
//!
//! Cargo builds every test program in one go; they are run from here, so that the tests in browsers come last and
//! one at a time, and so that results can be counted.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::cargo::Program;
use crate::failure::{Failure, could_not_start};
use crate::step::{self, Step};
use crate::{apt, cargo, tools, web};

/// The test programs that drive real browsers and the real desktop app.
const WINDOWS: [&str; 2] = ["browsers", "desktop"];

/// What the steps hand on.
#[derive(Default)]
struct Run {
    server: PathBuf,
    programs: Vec<Program>,
    count: Count,
    filter: Option<String>,
}

/// Results so far.
#[derive(Default, Debug, Clone, Copy, PartialEq)]
struct Count {
    passed: u32,
    failed: u32,
}

const PACKAGES: Step<Run> =
    ("System packages", |_| apt::install(&[apt::BUILD, apt::FUZZ, apt::SHELL, apt::TEST]));
const TOOLS: Step<Run> = ("Rust tools", |_| {
    tools::install_rust_parts()?;
    tools::install(&[tools::TRUNK, tools::WASM_BINDGEN, tools::GECKODRIVER, tools::TAURI_DRIVER])
});
const FORMAT: Step<Run> = ("Format", |_| cargo::run(&["fmt", "--all", "--check"]));
/// The linter as the compiler of the own packages: their dependencies are compiled once, not once to be linted against
/// and once more to be run.
const LINT_AND_BUILD_WEB: Step<Run> =
    ("Lint and build the web app and the page of the desktop app", |_| web::lint_and_build());
const WEB: Step<Run> = ("Web app, and the page of the desktop app", |_| {
    web::build()?;
    web::build_for_app()
});
const BUILD: Step<Run> = ("Build the server and all tests", |run| {
    run.server = cargo::server()?;
    run.programs = cargo::build(&TESTS)?;
    Ok(())
});
const LINT_AND_BUILD: Step<Run> = ("Lint and build the server and all tests", |run| {
    run.server = cargo::linted_program_of(&["build", "--workspace", "--bin", cargo::SERVER], cargo::SERVER)?;
    run.programs = cargo::linted(&[&TESTS[..], &["--all-targets"]].concat())?;
    Ok(())
});
const TESTS: [&str; 3] = ["test", "--workspace", "--no-run"];
const UNITS: Step<Run> =
    ("Unit, property and contract tests", |run| run.all(|program| !drives_windows(program), &[]));
const IN_BROWSERS: Step<Run> = ("Tests in real browsers and in the desktop app", |run| {
    let mut options = vec!["--test-threads=1".to_owned()];
    options.extend(run.filter.clone());
    run.all(drives_windows, &options)
});

/// Checks and tests everything.
pub(crate) fn everything() -> Result<(), Failure> {
    conclude(
        &[PACKAGES, TOOLS, FORMAT, LINT_AND_BUILD_WEB, LINT_AND_BUILD, UNITS, IN_BROWSERS],
        Run::default(),
    )
}

/// Runs the tests in browsers and in the desktop app whose name contains `filter`.
pub(crate) fn browsers(filter: Option<&str>) -> Result<(), Failure> {
    let run = Run { filter: filter.map(str::to_owned), ..Run::default() };
    conclude(&[PACKAGES, TOOLS, WEB, BUILD, IN_BROWSERS], run)
}

fn drives_windows(program: &Program) -> bool {
    WINDOWS.contains(&program.name.as_str())
}

/// Does `steps`, and says how many tests passed and failed as the very last line.
fn conclude(steps: &[Step<Run>], mut run: Run) -> Result<(), Failure> {
    let done = step::all(steps, &mut run);
    if let Err(failure) = &done {
        println!("      stopped here: {failure}\n");
    }
    let Count { passed, failed } = run.count;
    println!("{passed} passed, {failed} failed");
    if done.is_ok() && failed == 0 && passed > 0 { Ok(()) } else { Err(Failure::Tests) }
}

impl Run {
    /// Runs every test program that `chosen` picks; a failure does not keep the others from running.
    fn all(&mut self, chosen: impl Fn(&Program) -> bool, options: &[String]) -> Result<(), Failure> {
        let mut count = Count::default();
        for program in self.programs.iter().filter(|program| program.is_test && chosen(program)) {
            println!("\n      {} in {}", program.name, program.package.display());
            count.add(self.one(program, options)?);
        }
        self.count.add(count);
        if count.failed == 0 { Ok(()) } else { Err(Failure::Tests) }
    }

    /// Runs one test program and passes on what it prints.
    fn one(&self, program: &Program, options: &[String]) -> Result<Count, Failure> {
        let mut command = Command::new(&program.path);
        command.args(options).current_dir(&program.package).env("CARGO_MANIFEST_DIR", &program.package);
        command.env("PATH", web::path()).env("PRIVYDROP_SERVER_PROGRAM", &self.server).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| could_not_start(&command, error))?;
        let mut result = None;
        for line in
            child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(Result::ok)
        {
            println!("{line}");
            result = count(&line).or(result);
        }
        let status = child.wait().map_err(|error| could_not_start(&command, error))?;
        // A program that dies without a result has failed once, whatever it did before.
        let died = Count { passed: 0, failed: 1 };
        Ok(result.filter(|result| status.success() || result.failed > 0).unwrap_or(died))
    }
}

impl Count {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// The counts of a line such as `test result: ok. 5 passed; 0 failed; 0 ignored; …`.
fn count(line: &str) -> Option<Count> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |what| counts.split("; ").find_map(|part| part.strip_suffix(what)?.trim().parse().ok());
    Some(Count { passed: number("passed")?, failed: number("failed")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_from_the_closing_line_of_a_test_program() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.1s";
        assert_eq!(count(line), Some(Count { passed: 12, failed: 3 }));
    }

    #[test]
    fn other_lines_are_no_results() {
        for line in ["test a::b ... ok", "running 3 tests", "test result: strange", ""] {
            assert_eq!(count(line), None, "{line}");
        }
    }
}
