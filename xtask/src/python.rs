//! Python programs to compare with, in a folder of their own below `.tools`.
//!
//! Nothing that is built or tested needs them.

use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Failure, answer, run};
use crate::root;

/// magic-wormhole and the two servers that it needs, pinned.
pub(crate) const WORMHOLE: [&str; 3] =
    ["magic-wormhole==0.24.0", "magic-wormhole-mailbox-server==0.8.0", "magic-wormhole-transit-relay==0.5.0"];

/// Installs packages from PyPI; those that are there in their version are left alone.
pub(crate) fn install(packages: &[&str]) -> Result<(), Failure> {
    let pip = programs().join("pip");
    let there =
        answer(Command::new(&pip).args(["freeze", "--disable-pip-version-check"])).unwrap_or_default();
    if packages.iter().all(|package| there.lines().any(|line| line == *package)) {
        return Ok(());
    }
    if !pip.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder()))?;
    }
    run(Command::new(&pip).args(["install", "--quiet", "--disable-pip-version-check"]).args(packages))
}

/// Where its programs are.
pub(crate) fn programs() -> PathBuf {
    folder().join("bin")
}

fn folder() -> PathBuf {
    root().join(".tools").join("python")
}
