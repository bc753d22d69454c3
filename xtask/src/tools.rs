//! Rust tools and targets: the WebAssembly target by rustup, programs by `cargo install` into `.tools`.
//!
//! Each program is pinned; one that is there in its version is left alone. Installs no toolchain.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, answer, run};
use crate::{cargo, root};

/// Where the web app runs.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// A program from crates.io, kept in `.tools/bin`.
pub(crate) struct Tool {
    package: &'static str,
    program: &'static str,
    version: &'static str,
    /// Further words for `cargo install`.
    options: &'static [&'static str],
}

/// Builds the web app. 0.22 wants a newer compiler. What it needs to reach the network is left out.
pub(crate) const TRUNK: Tool = Tool {
    package: "trunk",
    program: "trunk",
    version: "0.21.14",
    options: &["--locked", "--no-default-features"],
};

/// Writes the web app's JavaScript side; the version is that of the crate `wasm-bindgen` in ui/Cargo.toml.
/// Not `--locked`: newer versions of what it needs will do.
pub(crate) const WASM_BINDGEN: Tool = Tool {
    package: "wasm-bindgen-cli",
    program: "wasm-bindgen",
    version: "0.2.130",
    options: &["--bin", "wasm-bindgen"],
};

/// Drives Firefox; Debian has no package of it.
pub(crate) const GECKODRIVER: Tool =
    Tool { package: "geckodriver", program: "geckodriver", version: "0.37.1", options: &["--locked"] };

/// Drives the window of the desktop app.
pub(crate) const TAURI_DRIVER: Tool =
    Tool { package: "tauri-driver", program: "tauri-driver", version: "2.1.0", options: &["--locked"] };

/// Builds and runs the programs of `fuzz/`; works with the stable compiler as long as no sanitizer is asked for.
pub(crate) const CARGO_FUZZ: Tool =
    Tool { package: "cargo-fuzz", program: "cargo-fuzz", version: "0.13.2", options: &["--locked"] };

/// These programs wait for others most of the time: built in half the time, they are fast enough.
const QUICK_BUILD: [&str; 6] = [
    "--config",
    "profile.release.lto='off'",
    "--config",
    "profile.release.codegen-units=16",
    "--config",
    "profile.release.opt-level=1",
];

/// Sees to it that every tool of `wanted` is in `.tools/bin`.
pub(crate) fn install(wanted: &[Tool]) -> Result<(), Failure> {
    for tool in wanted.iter().filter(|tool| !tool.is_installed()) {
        println!("      installing {} {} into .tools (once)", tool.package, tool.version);
        let mut command = cargo::command(&["install", tool.package, "--version", tool.version]);
        command.args(tool.options).args(QUICK_BUILD).arg("--force").arg("--root").arg(root().join(".tools"));
        run(&mut command)?;
    }
    Ok(())
}

/// Sees to it that the compiler can build for WebAssembly, and that its formatter and linter are there.
pub(crate) fn install_rust_parts() -> Result<(), Failure> {
    install_target(WASM)?;
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if answer(&mut cargo::command(&[subcommand, "--version"])).is_none() {
            run(Command::new("rustup").args(["component", "add", component]))?;
        }
    }
    Ok(())
}

/// Sees to it that the compiler can build for this target.
pub(crate) fn install_target(target: &str) -> Result<(), Failure> {
    let sysroot = answer(Command::new("rustc").args(["--print", "sysroot"])).unwrap_or_default();
    if PathBuf::from(sysroot.trim()).join("lib/rustlib").join(target).exists() {
        return Ok(());
    }
    run(Command::new("rustup").args(["target", "add", target]))
}

/// The folder of the installed programs.
pub(crate) fn folder() -> PathBuf {
    root().join(".tools/bin")
}

impl Tool {
    fn is_installed(&self) -> bool {
        let program = folder().join(self.program);
        program.exists() && (self.is_noted() || self.says_so(&program))
    }

    /// Cargo keeps a list of what it installed.
    fn is_noted(&self) -> bool {
        let list = fs::read_to_string(root().join(".tools/.crates.toml")).unwrap_or_default();
        list.contains(&format!("\"{} {} (", self.package, self.version))
    }

    fn says_so(&self, program: &Path) -> bool {
        let version = answer(Command::new(program).arg("--version"));
        version.is_some_and(|said| said.split_whitespace().any(|word| word == self.version))
    }
}
