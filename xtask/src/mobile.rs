//! `cargo xtask check-mobile`: type-checks the app for a phone, without a phone's SDK.
//!
//! It uses neither Android's SDK nor Apple's, so nothing is linked and nothing runs. The few
//! crates with C in them need a C compiler that can say what it would do for the phone's processor: zig, from Python's
//! registry.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, run};
use crate::step::{self, Step};
use crate::{apt, cargo, root, tools, web};

/// A phone of today.
const TARGET: &str = "aarch64-linux-android";
/// Its C compiler, pinned.
const ZIG: &str = "ziglang==0.17.0";
/// What zig calls a processor like the phone's; only headers of C itself are looked at.
const ZIG_TARGET: &str = "aarch64-linux-musl";

/// Said at the end, so that nobody takes the check for more than it is.
const UNCHECKED: &str = "\
The app's Rust code type-checks for aarch64-linux-android. Not checked, since that needs the SDKs: linking, the
generated Android and Xcode projects, Kotlin and Swift of the plugins, iOS altogether, and anything on a device.
docs/MOBILE.md has the steps for a machine with the SDKs.";

const STEPS: &[Step<()>] = &[
    ("System packages", |()| apt::install(&[apt::BUILD, apt::PHONE])),
    ("Rust tools", |()| {
        tools::install_rust_parts()?;
        tools::install_target(TARGET)?;
        tools::install(&[tools::TRUNK, tools::WASM_BINDGEN])
    }),
    ("A C compiler for phones", |()| compiler().map(drop)),
    ("The app's page", |()| web::build_for_app()),
    ("Type-check for a phone", |()| check_types()),
];

/// Checks, and says what it could not check.
pub(crate) fn check() -> Result<(), Failure> {
    step::all(STEPS, &mut ())?;
    println!("{UNCHECKED}");
    Ok(())
}

fn check_types() -> Result<(), Failure> {
    let folder = compiler()?;
    let mut check = cargo::command(&["check", "--package", "privydrop-app", "--lib", "--target", TARGET]);
    let name = TARGET.replace('-', "_");
    check.env(format!("CC_{name}"), folder.join("cc")).env(format!("AR_{name}"), folder.join("ar"));
    run(&mut check)
}

/// Sees to it that the compiler is there; the folder of its programs `cc` and `ar`.
fn compiler() -> Result<PathBuf, Failure> {
    let home = root().join(".tools/zig");
    let noted = home.join("version");
    if fs::read_to_string(&noted).ok().as_deref() != Some(ZIG) {
        println!("      installing {ZIG} into .tools (once)");
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
        run(Command::new(home.join("bin/pip")).args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            ZIG,
        ]))?;
        let written =
            wrap(&home, "cc", &format!("cc -target {ZIG_TARGET}")).and_then(|()| wrap(&home, "ar", "ar"));
        let written = written.and_then(|()| fs::write(&noted, ZIG));
        written.map_err(|error| Failure::File { path: home.clone(), error })?;
    }
    Ok(home)
}

/// A program that calls zig with `words`, for those who know programs only by one name. A compiler's own word for the
/// target would be Android's, which zig has no C library of.
fn wrap(home: &Path, name: &str, words: &str) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let python = home.join("bin/python3");
    let script = format!(
        "#!/bin/sh\nfor word do\n  shift\n  case \"$word\" in --target=*) ;; *) set -- \"$@\" \"$word\" ;; esac\ndone\n\
         exec '{}' -m ziglang {words} \"$@\"\n",
        python.display()
    );
    let path = home.join(name);
    fs::write(&path, script)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}
