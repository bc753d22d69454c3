//! Writes the seeds of every target anew, as our own encoders make them now: `cargo xtask fuzz --write-seeds`.
//!
//! Touches nothing but the folder `seeds` of this package.

use std::path::Path;
use std::{fs, io};

use privydrop_fuzz::TARGETS;

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    fs::remove_dir_all(&folder).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    for target in TARGETS {
        let folder = folder.join(target.name);
        fs::create_dir_all(&folder)?;
        for (number, seed) in target.seeds().into_iter().enumerate() {
            fs::write(folder.join(format!("{number:02}")), seed)?;
        }
    }
    Ok(())
}
