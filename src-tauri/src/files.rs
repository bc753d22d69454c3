//! Small files that the app keeps for itself: read up to a bound, written whole or not at all.
//!
//! Knows nothing of what is in them.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest file that is read, in bytes.
const MAX_FILE: u64 = 256 * 1024;

/// What the file holds; nothing when it is missing, too long or cannot be understood.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(MAX_FILE).read_to_string(&mut text)).ok()?;
    serde_json::from_str(&text).ok()
}

/// Takes the place of what was there, all or nothing, also when the power fails. Only this user can read it.
pub(crate) fn write(path: &Path, content: &impl Serialize) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&serde_json::to_vec_pretty(content)?)?;
    file.as_file().sync_data()?;
    file.persist(path)?;
    Ok(())
}
