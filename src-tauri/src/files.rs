//! Small files that the app keeps for itself: read up to a bound, written whole or not at all.
//!
//! Knows nothing of what is in them.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest file that is read, in bytes, and longest that is written.
const MAX_FILE: usize = 1024 * 1024;

/// What the file holds; nothing when it is missing, too long or cannot be understood.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(MAX_FILE as u64).read_to_string(&mut text)).ok()?;
    serde_json::from_str(&text).ok()
}

/// Takes the place of what was there, all or nothing, also when the power fails. Only this user can read it.
///
/// # Errors
/// [`io::ErrorKind::FileTooLarge`] when it could not be read again.
pub(crate) fn write(path: &Path, content: &impl Serialize) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let text = serde_json::to_vec_pretty(content)?;
    if text.len() > MAX_FILE {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&text)?;
    file.as_file().sync_data()?;
    file.persist(path)?;
    Ok(())
}
