//! Cargo itself: one way to call it, and what it reports of the programs it built.
//!
//! Every build names the whole workspace, so that all builds share one set of dependencies.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::failure::{Failure, could_not_start, run as run_command, shown};
use crate::root;

/// A program that cargo built.
#[derive(Debug)]
pub(crate) struct Program {
    /// The target's name: `privydrop-server`, or a test file's stem.
    pub name: String,
    /// The program itself.
    pub path: PathBuf,
    /// The folder of its package, where tests run.
    pub package: PathBuf,
    /// Whether it is a test program, not the thing itself.
    pub is_test: bool,
}

/// `cargo` with `words`, in the repository's top folder.
pub(crate) fn command(words: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words).current_dir(root());
    forget_own_package(&mut command);
    command
}

/// Takes away what `cargo run` told this program of its own package: build scripts that look at the same variables
/// would run again each time that cargo is called from here after it was called by hand.
pub(crate) fn forget_own_package(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|told| name.to_string_lossy().starts_with(told)) {
            command.env_remove(name);
        }
    }
}

/// Runs `cargo` with `words`.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    run_command(&mut command(words))
}

/// Runs a building `cargo` command, with its progress on this terminal; the programs that resulted.
pub(crate) fn build(words: &[&str]) -> Result<Vec<Program>, Failure> {
    programs_of(command(words))
}

/// The same with the linter as the compiler of the own packages.
pub(crate) fn linted(words: &[&str]) -> Result<Vec<Program>, Failure> {
    let mut cargo = command(words);
    lint(&mut cargo);
    programs_of(cargo)
}

/// Makes clippy the compiler of the own packages: it says what it always says, refuses every warning, and leaves behind what
/// the compiler would.
pub(crate) fn lint(builder: &mut Command) {
    // The words for the linter, as `cargo clippy` passes them on.
    let refuse = ["--deny", "warnings", ""].join("__CLIPPY_HACKERY__");
    builder.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver").env("CLIPPY_ARGS", refuse);
}

/// The compiler's words for a program that names its packages' sources from the registry's folder on, and so is the same
/// whoever builds it, and smaller. Cargo's variables part words at blanks, so a folder with one is named as it is.
pub(crate) fn without_own_paths() -> String {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let sources = home.and_then(|home| fs::read_dir(home.join("registry/src")).ok()).into_iter().flatten();
    let folders = sources.filter_map(|folder| folder.ok()?.path().into_os_string().into_string().ok());
    let usable = folders.filter(|folder| !folder.contains(char::is_whitespace));
    usable.map(|folder| format!("--remap-path-prefix={folder}/= ")).collect()
}

/// The program `name` that a building `cargo` command results in, linted.
pub(crate) fn linted_program_of(words: &[&str], name: &'static str) -> Result<PathBuf, Failure> {
    named(linted(words)?, name)
}

fn programs_of(mut cargo: Command) -> Result<Vec<Program>, Failure> {
    cargo.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    let output = cargo.output().map_err(|error| could_not_start(&cargo, error))?;
    if !output.status.success() {
        return Err(Failure::Ended { command: shown(&cargo), status: output.status });
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(program).collect())
}

/// The program of the signaling server.
pub(crate) const SERVER: &str = "privydrop-server";

/// The server's own program, built.
pub(crate) fn server() -> Result<PathBuf, Failure> {
    program_of(&["build", "--workspace", "--bin", SERVER], SERVER)
}

/// The program `name` that a building `cargo` command results in.
pub(crate) fn program_of(words: &[&str], name: &'static str) -> Result<PathBuf, Failure> {
    named(build(words)?, name)
}

fn named(built: Vec<Program>, name: &'static str) -> Result<PathBuf, Failure> {
    let found = built.into_iter().find(|program| program.name == name);
    found.map(|program| program.path).ok_or(Failure::NotBuilt(name))
}

/// The program that one line of cargo's report tells of, if it does.
fn program(line: &str) -> Option<Program> {
    let message: Value = serde_json::from_str(line).ok()?;
    Some(Program {
        path: PathBuf::from(message["executable"].as_str()?),
        name: message["target"]["name"].as_str()?.to_owned(),
        package: PathBuf::from(message["manifest_path"].as_str()?).parent()?.to_owned(),
        is_test: message["profile"]["test"].as_bool()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_a_program_names_it_and_its_folder() {
        let line = r#"{"reason":"compiler-artifact","manifest_path":"/w/e2e/Cargo.toml","profile":{"test":true},
            "target":{"name":"browsers"},"executable":"/w/target/debug/deps/browsers-1"}"#;
        let built = program(line).unwrap();
        assert_eq!(built.name, "browsers");
        assert_eq!(built.path, PathBuf::from("/w/target/debug/deps/browsers-1"));
        assert_eq!(built.package, PathBuf::from("/w/e2e"));
        assert!(built.is_test);
    }

    #[test]
    fn reports_of_libraries_and_other_lines_are_no_programs() {
        for line in [
            r#"{"reason":"compiler-artifact","executable":null}"#,
            r#"{"reason":"build-finished"}"#,
            "no json",
        ] {
            assert!(program(line).is_none(), "{line}");
        }
    }
}
