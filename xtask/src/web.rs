//! The web app, built by trunk into `dist/`; every tool it uses is there before, so it downloads nothing.

use std::ffi::OsString;
use std::process::Command;

use crate::failure::{Failure, run};
use crate::{cargo, root, tools};

/// Builds the web app as it is served to people.
pub(crate) fn build() -> Result<(), Failure> {
    let mut trunk = Command::new(tools::folder().join("trunk"));
    cargo::forget_own_package(&mut trunk);
    // Trunk.toml says all the rest. Trunk refuses `NO_COLOR=1`, which other programs understand.
    run(trunk.arg("build").current_dir(root()).env("PATH", path()).env_remove("NO_COLOR"))
}

/// The search path with the project's own tools first.
pub(crate) fn path() -> OsString {
    let mut path = tools::folder().into_os_string();
    if let Some(inherited) = std::env::var_os("PATH") {
        path.push(":");
        path.push(inherited);
    }
    path
}
