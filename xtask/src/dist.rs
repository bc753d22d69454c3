//! `cargo xtask dist`: what one gives away or installs, in `target/dist`.
//!
//! The server with the web app inside, the terminal program, the desktop app as a Debian package, the web app by itself,
//! and the hashes of them all. Signs and uploads nothing. Server and terminal program are static where this machine can
//! build them so: then they run on any Linux of its kind, whatever C library that has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, answer, run as run_command};
use crate::step::{self, Step};
use crate::{apt, cargo, desktop, root, tools, web};

/// The programs, by the names that people call them by.
const PROGRAMS: [&str; 2] = ["privydrop-server", "privydrop"];
/// The web app, for those who serve it with something else.
const WEB_APP: &str = "privydrop-web.tar.gz";
/// What `sha256sum --check` reads.
const HASHES: &str = "SHA256SUMS";

/// What a static program is built for: musl is a C library that is made to be linked in.
const STATIC: Option<&str> = if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
    Some("x86_64-unknown-linux-musl")
} else if cfg!(all(target_os = "linux", target_arch = "aarch64")) {
    Some("aarch64-unknown-linux-musl")
} else {
    None
};

type Programs = Vec<PathBuf>;

const TOOLS: Step<Programs> = ("Rust tools", |_| {
    tools::install_rust_parts()?;
    STATIC.map_or(Ok(()), tools::install_target)?;
    tools::install(&[tools::TRUNK, tools::WASM_BINDGEN])
});
const GATHER: Step<Programs> = ("Programs and web app, together", |built| gather(built, &folder()));
const HASH: Step<Programs> = ("Hashes", |_| note_hashes(&folder()));

const EVERYTHING: &[Step<Programs>] = &[
    ("System packages", |_| apt::install(&[apt::BUILD, apt::SHELL, apt::PACKAGE, apt::STATIC])),
    TOOLS,
    ("Web app, and the page of the desktop app", |_| {
        web::build()?;
        web::build_for_app()
    }),
    ("Programs, optimised", |built| build(built)),
    GATHER,
    ("Debian package of the desktop app", |_| {
        let app = cargo::program_of(
            &["build", "--release", "--workspace", "--bin", desktop::PROGRAM],
            desktop::PROGRAM,
        )?;
        desktop::package(&app, &folder()).map(drop)
    }),
    HASH,
];

/// What whoever hosts needs: without the libraries of desktops.
const SERVER: &[Step<Programs>] = &[
    ("System packages", |_| apt::install(&[apt::BUILD, apt::STATIC])),
    TOOLS,
    ("Web app", |_| web::build()),
    ("Server and terminal program, optimised", |built| build(built)),
    GATHER,
    HASH,
];

/// Builds everything, or with `server` what does not need a desktop, and says where it is.
pub(crate) fn run(what: Option<&str>) -> Result<(), Failure> {
    let steps = match what {
        None => EVERYTHING,
        Some("server") => SERVER,
        Some(other) => return Err(Failure::UnknownCommand(format!("dist {other}"))),
    };
    step::all(steps, &mut Vec::new())?;
    println!("{}", folder().display());
    Ok(())
}

/// The optimised programs.
fn build(built: &mut Programs) -> Result<(), Failure> {
    for name in PROGRAMS {
        let mut words = vec!["build", "--release", "--workspace", "--bin", name];
        words.extend(STATIC.into_iter().flat_map(|target| ["--target", target]));
        built.push(cargo::program_of(&words, name)?);
    }
    Ok(())
}

fn folder() -> PathBuf {
    root().join("target/dist")
}

/// Puts the programs and the web app into `to`, and nothing else.
fn gather(programs: &[PathBuf], to: &Path) -> Result<(), Failure> {
    let made = fs::remove_dir_all(to).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    });
    made.and_then(|()| fs::create_dir_all(to)).map_err(|error| Failure::File { path: to.into(), error })?;
    for (program, name) in programs.iter().zip(PROGRAMS) {
        let copied = fs::copy(program, to.join(name));
        copied.map_err(|error| Failure::File { path: program.clone(), error })?;
    }
    // The same bytes whenever it is packed from the same files.
    let same = [
        "--sort=name",
        "--mtime=@0",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--use-compress-program=gzip -n",
    ];
    let mut tar = Command::new("tar");
    run_command(tar.args(same).arg("-cf").arg(to.join(WEB_APP)).arg("-C").arg(root().join("dist")).arg("."))
}

/// Writes down the hash of everything in `to`.
fn note_hashes(to: &Path) -> Result<(), Failure> {
    let names = fs::read_dir(to).map(|entries| entries.flatten().map(|entry| entry.file_name()));
    let mut names: Vec<_> = names.map_err(|error| Failure::File { path: to.into(), error })?.collect();
    names.sort();
    let hashes = answer(Command::new("sha256sum").args(names).current_dir(to));
    let hashes = hashes.ok_or(Failure::NotBuilt(HASHES))?;
    fs::write(to.join(HASHES), hashes).map_err(|error| Failure::File { path: to.join(HASHES), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_away_stands_beside_its_hashes_and_nothing_else_does() {
        let top = std::env::temp_dir().join(format!("privydrop-dist-{}", std::process::id()));
        let (built, to) = (top.join("built"), top.join("dist"));
        fs::create_dir_all(&built).unwrap();
        fs::create_dir_all(to.join("old")).unwrap();
        fs::create_dir_all(root().join("dist")).unwrap();
        let programs: Vec<PathBuf> = PROGRAMS.iter().map(|name| built.join(name)).collect();
        programs.iter().for_each(|program| fs::write(program, "program").unwrap());
        gather(&programs, &to).unwrap();
        note_hashes(&to).unwrap();
        let mut names: Vec<_> = fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [HASHES, "privydrop", "privydrop-server", WEB_APP]);
        let checked =
            Command::new("sha256sum").args(["--check", "--quiet", HASHES]).current_dir(&to).status();
        assert!(checked.unwrap().success());
        fs::remove_dir_all(top).unwrap();
    }
}
