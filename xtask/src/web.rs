//! The web app, built by trunk into `dist/`; every tool it uses is there before, so it downloads nothing.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::compress::compress;
use crate::failure::{Failure, run};
use crate::loading::{loading, starting};
use crate::sheets::{Joined, joined};
use crate::shrink::{bare, shrunk};
use crate::{cargo, root, tools};

/// Scripts that trunk copies as they are.
const WORKERS: [&str; 2] = ["sink-worker.js", "sink-tree.js"];

/// Builds the web app as it is served to people, into `dist`, with compressed copies beside it.
pub(crate) fn build() -> Result<(), Failure> {
    build_with(|_| ())
}

/// Builds the page of the app's window, into `dist-desktop`: the same page without a session of its own.
pub(crate) fn build_for_app() -> Result<(), Failure> {
    build_for_app_with(|_| ())
}

/// Builds both, and lints what they are made of.
pub(crate) fn lint_and_build() -> Result<(), Failure> {
    build_with(cargo::lint)?;
    build_for_app_with(cargo::lint)
}

fn build_with(set_up: fn(&mut Command)) -> Result<(), Failure> {
    let (built, served) = (trunk("web", &[], set_up)?, root().join("dist"));
    compress(&built, &served).map_err(|error| Failure::File { path: built.clone(), error })?;
    mirrored(&built, served)
}

fn build_for_app_with(set_up: fn(&mut Command)) -> Result<(), Failure> {
    let built = trunk("web-desktop", &["--features", "desktop"], set_up)?;
    mirrored(&built, root().join("dist-desktop"))
}

/// Builds the page in the folder `workshop`, and makes it small.
fn trunk(workshop: &str, words: &[&str], set_up: fn(&mut Command)) -> Result<PathBuf, Failure> {
    let built = root().join("target").join(workshop);
    let mut trunk = Command::new(tools::folder().join("trunk"));
    cargo::forget_own_package(&mut trunk);
    set_up(&mut trunk);
    trunk.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", cargo::without_own_paths());
    trunk.arg("build").arg("--dist").arg(&built).args(words).current_dir(root());
    // Trunk.toml says all the rest. Trunk refuses `NO_COLOR=1`, which other programs understand. It cannot minify the script
    // that wasm-bindgen makes, which is done here, and would say so each time.
    let said = "error,trunk=info,trunk::processing::minify=error";
    run(trunk.env("PATH", path()).env("RUST_LOG", said).env_remove("NO_COLOR"))?;
    shrink(&built).map_err(|error| Failure::File { path: built.clone(), error })?;
    Ok(built)
}

/// What did not change keeps its place and time, so that the programs that embed it are not built again for nothing.
fn mirrored(built: &Path, served: PathBuf) -> Result<(), Failure> {
    mirror(built, &served).map_err(|error| Failure::File { path: served, error })
}

/// Makes what lies in `folder` smaller, and quicker to start: people load a third less.
fn shrink(folder: &Path) -> io::Result<()> {
    join_sheets(folder)?;
    for script in WORKERS.map(|name| folder.join(name)) {
        fs::write(&script, bare(&fs::read_to_string(&script)?))?;
    }
    shrink_program(folder)
}

/// The module and its script are named after what is in them at last, since browsers keep them for good.
fn shrink_program(folder: &Path) -> io::Result<()> {
    let (old_module, old_script) = program(folder)?;
    let script = starting(&fs::read_to_string(&old_script)?).ok_or(io::ErrorKind::InvalidData)?;
    let (module, script) = shrunk(&fs::read(&old_module)?, &script).ok_or(io::ErrorKind::InvalidData)?;
    let new_module = format!("privydrop-{:016x}.wasm", hash(&module));
    let new_script = format!("privydrop-{:016x}.js", hash(script.as_bytes()));
    let index = folder.join("index.html");
    let page = loading(&fs::read_to_string(&index)?, &new_script, &new_module);
    fs::write(index, page.ok_or(io::ErrorKind::InvalidData)?)?;
    fs::remove_file(old_module)?;
    fs::remove_file(old_script)?;
    fs::write(folder.join(new_module), module)?;
    fs::write(folder.join(new_script), script)
}

/// The module that trunk left in `folder`, and the script around it.
fn program(folder: &Path) -> io::Result<(PathBuf, PathBuf)> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if let Some(name) = path.to_str().and_then(|path| path.strip_suffix("_bg.wasm")) {
            let script = PathBuf::from(format!("{name}.js"));
            return Ok((path, script));
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, step)
}

/// One style sheet in place of all.
fn join_sheets(folder: &Path) -> io::Result<()> {
    let index = folder.join("index.html");
    let Joined { page, sheet, parts } =
        joined(&fs::read_to_string(&index)?).ok_or(io::ErrorKind::InvalidData)?;
    let mut whole = String::new();
    for part in parts.iter().map(|part| folder.join(part)) {
        whole.push_str(&fs::read_to_string(&part)?);
        fs::remove_file(part)?;
    }
    fs::write(folder.join(sheet), whole)?;
    fs::write(index, page)
}

/// Makes the folder `to` hold what `from` holds, and nothing else.
fn mirror(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        match (from.join(entry.file_name()).exists(), entry.file_type()?.is_dir()) {
            (true, _) => {}
            (false, true) => fs::remove_dir_all(entry.path())?,
            (false, false) => fs::remove_file(entry.path())?,
        }
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            mirror(&source, &copy)?;
        } else if fs::read(&copy).ok() != Some(fs::read(&source)?) {
            fs::copy(source, copy)?;
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_holds_what_its_source_holds_and_leaves_alone_what_is_equal() {
        let top = std::env::temp_dir().join(format!("privydrop-mirror-{}", std::process::id()));
        let (from, to) = (top.join("from"), top.join("to"));
        fs::create_dir_all(from.join("deep")).unwrap();
        fs::create_dir_all(to.join("old")).unwrap();
        fs::write(from.join("same"), "same").unwrap();
        fs::write(to.join("same"), "same").unwrap();
        fs::write(from.join("deep/new"), "new").unwrap();
        fs::write(to.join("gone"), "gone").unwrap();
        let before = fs::metadata(to.join("same")).unwrap().modified().unwrap();
        mirror(&from, &to).unwrap();
        assert_eq!(fs::read(to.join("deep/new")).unwrap(), b"new");
        assert!(!to.join("gone").exists() && !to.join("old").exists());
        assert_eq!(fs::metadata(to.join("same")).unwrap().modified().unwrap(), before);
        fs::remove_dir_all(top).unwrap();
    }
}
