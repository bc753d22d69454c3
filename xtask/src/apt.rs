//! System packages from Debian: asks dpkg what is missing, and apt only for that.
//!
//! Installs when it may (root, or sudo without a password); otherwise says the one line to run. On a system
//! without dpkg it trusts that the programs are there: the step that needs one will say so.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;

use crate::failure::{Failure, answer, run};

/// What compiling needs: a C compiler for the few crates that contain C.
pub(crate) const BUILD: &[&str] = &["gcc", "libc6-dev", "pkg-config"];

/// What libFuzzer needs beside: it is written in C++.
pub(crate) const FUZZ: &[&str] = &["g++"];

/// What the desktop shell links to.
pub(crate) const SHELL: &[&str] =
    &["libwebkit2gtk-4.1-dev", "libayatana-appindicator3-dev", "librsvg2-dev", "libxdo-dev"];

/// What several servers share.
pub(crate) const STORE: &[&str] = &["redis-server"];

/// What the tests start: two browsers, a driver (the others are Rust tools), a store, a relay, proxies and a clock that is ahead for it,
/// letters of all languages; for the desktop app a driver of its window, a screen and a message bus.
pub(crate) const TEST: &[&str] = &[
    "chromium",
    "chromium-driver",
    "firefox-esr",
    "redis-server",
    "coturn",
    "nginx",
    "libnginx-mod-stream",
    "systemd",
    "caddy",
    "faketime",
    "fonts-noto-cjk",
    "fonts-noto-color-emoji",
    "webkit2gtk-driver",
    "xvfb",
    "dbus-daemon",
    "iproute2",
    "curl",
    "openssl",
];

/// Packages that begin to serve as soon as they are installed, for as long as the machine runs. The tests start their
/// own, on ports of their own.
const SERVICES: &[&str] = &["redis-server", "coturn", "nginx", "caddy"];
/// What makes a Debian package out of a program: it finds the libraries that the program needs.
pub(crate) const PACKAGE: &[&str] = &["dpkg-dev"];

/// What makes programs that need no library of the system: a C compiler for a C library that is linked in.
pub(crate) const STATIC: &[&str] = &["musl-tools"];

/// Where the compiler for phones comes from: Python's registry has it as a package.
pub(crate) const PHONE: &[&str] = &["python3-venv"];

/// Sees to it that every package of `wanted` is installed.
pub(crate) fn install(wanted: &[&[&str]]) -> Result<(), Failure> {
    let Some(installed) = installed() else {
        println!("      no dpkg here; needed are the equivalents of {}", wanted.concat().join(" "));
        return Ok(());
    };
    let missing: Vec<&str> = wanted.concat().into_iter().filter(|name| !installed.contains(*name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let line = format!("apt-get install --yes --no-install-recommends {}", missing.join(" "));
    let Some(become_root) = become_root() else {
        return Err(Failure::Packages { install: format!("sudo apt-get update && sudo {line}") });
    };
    println!("      installing {}", missing.join(" "));
    let as_root = |words: &str| {
        let mut words = become_root.iter().copied().chain(words.split(' '));
        let mut command = Command::new(words.next().unwrap_or("apt-get"));
        command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
        run(&mut command)
    };
    as_root("apt-get update")?;
    as_root(&line)?;
    // Only what came just now: a service that was here before is somebody's.
    let new = SERVICES.iter().filter(|name| missing.contains(name));
    if Path::new("/run/systemd/system").exists() {
        for name in new {
            as_root(&format!("systemctl disable --now {name}"))?;
        }
    }
    Ok(())
}

/// The names of all installed packages; none without dpkg.
fn installed() -> Option<HashSet<String>> {
    let mut query = Command::new("dpkg-query");
    let list = answer(query.args(["--show", "--showformat=${db:Status-Abbrev}${Package}\n"]))?;
    Some(
        list.lines()
            .filter_map(|line| line.strip_prefix("ii ").or_else(|| line.strip_prefix("hi ")))
            .map(str::to_owned)
            .collect(),
    )
}

/// The words that turn a command into root's: none for root itself, nothing at all when a password is needed.
fn become_root() -> Option<&'static [&'static str]> {
    const SUDO: &[&str] = &["sudo", "--non-interactive", "--preserve-env=DEBIAN_FRONTEND"];
    if answer(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0") {
        return Some(&[]);
    }
    answer(Command::new("sudo").args(["--non-interactive", "true"])).map(|_| SUDO)
}
