//! `cargo xtask desktop`: the desktop app from source, built and started. Also its Debian package.
//!
//! The package is put together by Debian's own tools from a folder that looks like the system it goes into: no packer
//! of ours to keep, none to download.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::failure::{Failure, answer, run as run_command};
use crate::step::{self, Step};
use crate::{apt, cargo, root, tools, web};

/// The program, as cargo and the package call it.
pub(crate) const PROGRAM: &str = "privydrop-app";

/// What the package needs without being linked to it: the tray's library is loaded when the app starts, and links open
/// with the system's tools.
const ALSO_NEEDED: &str = "libayatana-appindicator3-1, xdg-utils";

const STEPS: &[Step<PathBuf>] = &[
    ("System packages", |_| apt::install(&[apt::BUILD, apt::SHELL])),
    ("Rust tools", |_| {
        tools::install_rust_parts()?;
        tools::install(&[tools::TRUNK, tools::WASM_BINDGEN])
    }),
    ("The app's page", |_| web::build_for_app()),
    ("The app", |app| {
        *app = cargo::program_of(&["build", "--workspace", "--bin", PROGRAM], PROGRAM)?;
        Ok(())
    }),
];

/// Builds the app and runs it until it ends; `arguments` go to it.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let mut app = PathBuf::new();
    step::all(STEPS, &mut app)?;
    println!(
        "Starting the app. Without a server of your own: `cargo xtask run` in another terminal, and its address here.\n"
    );
    run_command(Command::new(app).args(arguments))
}

/// Makes the Debian package of `program` in the folder `to`; its file name.
pub(crate) fn package(program: &Path, to: &Path) -> Result<String, Failure> {
    let stage = root().join("target/deb");
    let made = stage_files(program, &stage);
    made.map_err(|error| Failure::File { path: stage.clone(), error })?;
    let needed = needed_libraries(program)?;
    let architecture =
        answer(Command::new("dpkg").arg("--print-architecture")).ok_or(Failure::NotBuilt("the package"))?;
    let (version, architecture) = (version()?, architecture.trim().to_owned());
    let control = format!(
        "Package: privydrop\nVersion: {version}\nArchitecture: {architecture}\nSection: net\nPriority: optional\n\
         Maintainer: The PrivyDrop developers <privydrop@localhost>\nDepends: {needed}, {ALSO_NEEDED}\n\
         Description: files, folders and text straight from device to device\n \
         Encrypted from end to end, checked piece by piece. A server introduces the devices\n \
         and sees neither contents nor names.\n"
    );
    let written = fs::create_dir_all(stage.join("DEBIAN"))
        .and_then(|()| fs::write(stage.join("DEBIAN/control"), control));
    written.map_err(|error| Failure::File { path: stage.clone(), error })?;
    let name = format!("privydrop_{version}_{architecture}.deb");
    // The same bytes whenever it is packed from the same files.
    let mut pack = Command::new("dpkg-deb");
    pack.args(["--build", "--root-owner-group", "-Zxz"])
        .arg(&stage)
        .arg(to.join(&name))
        .env("SOURCE_DATE_EPOCH", "0");
    run_command(&mut pack)?;
    Ok(name)
}

/// The files as they lie in the system.
fn stage_files(program: &Path, stage: &Path) -> std::io::Result<()> {
    if stage.exists() {
        fs::remove_dir_all(stage)?;
    }
    let put = |from: &Path, to: &str| {
        let to = stage.join(to);
        fs::create_dir_all(to.parent().unwrap_or(stage))?;
        fs::copy(from, to).map(drop)
    };
    put(program, &format!("usr/bin/{PROGRAM}"))?;
    let source = root().join("src-tauri");
    put(&source.join("privydrop.desktop"), "usr/share/applications/privydrop.desktop")?;
    for size in ["32", "128", "512"] {
        let icon = format!("usr/share/icons/hicolor/{size}x{size}/apps/privydrop.png");
        put(&source.join(format!("icons/{size}.png")), &icon)?;
    }
    put(&source.join("icons/icon.svg"), "usr/share/icons/hicolor/scalable/apps/privydrop.svg")?;
    put(&root().join("LICENSE"), "usr/share/doc/privydrop/copyright")
}

/// What the program is linked to, as Debian's packages of it, with their versions.
fn needed_libraries(program: &Path) -> Result<String, Failure> {
    // The tool insists on a source package's folder around it.
    let folder = root().join("target/shlibdeps/debian");
    let made =
        fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join("control"), "Source: privydrop\n"));
    made.map_err(|error| Failure::File { path: folder.clone(), error })?;
    let mut ask = Command::new("dpkg-shlibdeps");
    ask.arg("-O").arg(program).current_dir(folder.parent().unwrap_or(&folder));
    let said = answer(&mut ask).unwrap_or_default();
    let needed = said.trim().strip_prefix("shlibs:Depends=").map(str::to_owned);
    needed.ok_or(Failure::NotBuilt("list of libraries that the app needs (dpkg-shlibdeps)"))
}

/// The version that the configuration names.
fn version() -> Result<String, Failure> {
    let path = root().join("tauri.conf.json");
    let text = fs::read_to_string(&path).map_err(|error| Failure::File { path, error })?;
    let config: Value = serde_json::from_str(&text).unwrap_or_default();
    config["version"].as_str().map(str::to_owned).ok_or(Failure::NotBuilt("version in tauri.conf.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_has_the_program_where_its_menu_entry_looks_for_it() {
        let top = std::env::temp_dir().join(format!("privydrop-deb-{}", std::process::id()));
        fs::create_dir_all(&top).unwrap();
        let program = top.join("program");
        fs::write(&program, "program").unwrap();
        let stage = top.join("stage");
        stage_files(&program, &stage).unwrap();
        let entry = fs::read_to_string(stage.join("usr/share/applications/privydrop.desktop")).unwrap();
        let exec = entry.lines().find_map(|line| line.strip_prefix("Exec=")).unwrap();
        assert_eq!(exec.split(' ').next(), Some(PROGRAM));
        assert!(stage.join("usr/bin").join(PROGRAM).exists());
        assert!(entry.contains("x-scheme-handler/privydrop"));
        let icon = entry.lines().find_map(|line| line.strip_prefix("Icon=")).unwrap();
        assert!(stage.join(format!("usr/share/icons/hicolor/128x128/apps/{icon}.png")).exists());
        fs::remove_dir_all(top).unwrap();
    }

    #[test]
    fn the_version_is_that_of_the_programs() {
        assert_eq!(version().unwrap(), env!("CARGO_PKG_VERSION"));
    }
}
