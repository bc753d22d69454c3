//! What is unfinished in a directory: told to whoever asks, removed on a person's word or after a week.
//!
//! Goes by names alone and reads nothing of it. Never touches what some program is receiving, and follows no link.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, SystemTime};

use cap_fs_ext::DirExt;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use privydrop_common::name::PART_SUFFIX;

use super::journal;

/// What nobody went on with for so long is removed.
const EXPIRES: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// What has no journal to be locked is taken for being received when it was written to so recently.
const FRESH: Duration = Duration::from_secs(60);
/// Entries of a directory that are looked at.
const MAX_ENTRIES: usize = 10_000;
/// Entries of an unfinished folder whose sizes are counted, and how deep they may lie.
const MAX_COUNTED: usize = 200_000;
const MAX_DEPTH: usize = 64;

/// An unfinished item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The name that it was to have, maybe shortened, or with a number. It comes from whoever shared it.
    pub name: String,
    /// Bytes that its files are long now, those of its journal left out.
    pub size: u64,
    /// Since something of it was stored.
    pub age: Duration,
    /// A program is receiving it, or seems to be.
    pub in_use: bool,
    /// It was removed just now.
    pub removed: bool,
}

/// Something unfinished, by its names.
struct Left {
    /// What it is called now; it may not be there, but its journal.
    top: String,
    has_journal: bool,
    age: Duration,
}

/// What is unfinished in the directory at `path`, oldest first; with `clear` what nobody is receiving is removed.
///
/// # Errors
/// When the directory cannot be read, or something in it cannot be removed; then all the rest was.
pub fn unfinished(path: &Path, clear: bool) -> io::Result<Vec<Unfinished>> {
    let dir = Dir::open_ambient_dir(path, ambient_authority())?;
    let mut left = left_in(&dir, SystemTime::now())?;
    left.sort_by_key(|left| core::cmp::Reverse(left.age));
    let (mut all, mut failed) = (Vec::new(), None);
    for left in left {
        let size = size_of(&dir, &left.top, &mut MAX_COUNTED.clone(), MAX_DEPTH);
        let in_use = left.is_in_use(&dir);
        let removed = clear && !in_use && left.remove(&dir).map_err(|error| failed = Some(error)).is_ok();
        let name = left.top.strip_suffix(PART_SUFFIX).unwrap_or(&left.top).to_owned();
        all.push(Unfinished { name, size, age: left.age, in_use, removed });
    }
    failed.map_or(Ok(all), Err)
}

/// Removes what nobody has gone on with for a week.
pub(super) fn expire(dir: &Dir, now: SystemTime) {
    let left = left_in(dir, now).unwrap_or_default();
    for left in left.into_iter().filter(|left| left.age >= EXPIRES) {
        if let Err(error) = left.remove(dir)
            && error.kind() != ErrorKind::WouldBlock
        {
            tracing::debug!(%error, "an unfinished item that expired cannot be removed");
        }
    }
}

/// The time of a journal counts, if there is one.
fn left_in(dir: &Dir, now: SystemTime) -> io::Result<Vec<Left>> {
    let mut all: BTreeMap<String, Left> = BTreeMap::new();
    for entry in dir.entries()?.take(MAX_ENTRIES).flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !name.ends_with(PART_SUFFIX) {
            continue;
        }
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        // What seems to come from the future is new.
        let age = modified.ok().and_then(|modified| now.duration_since(modified.into_std()).ok());
        let age = age.unwrap_or_default();
        match journal::top_of(&name) {
            Some(top) => _ = all.insert(top.clone(), Left { top, has_journal: true, age }),
            None => _ = all.entry(name.clone()).or_insert(Left { top: name, has_journal: false, age }),
        }
    }
    Ok(all.into_values().collect())
}

impl Left {
    fn is_in_use(&self, dir: &Dir) -> bool {
        match self.has_journal {
            true => journal::lock(dir, &self.top).is_err_and(|error| error.kind() == ErrorKind::WouldBlock),
            false => self.age < FRESH,
        }
    }

    fn remove(&self, dir: &Dir) -> io::Result<()> {
        if !self.has_journal {
            return remove(dir, &self.top);
        }
        let _locked = journal::lock(dir, &self.top)?;
        remove(dir, &self.top).and_then(|()| dir.remove_file(journal::name_of(&self.top)))
    }
}

/// Removes a file, a folder with all that is in it, or a link itself.
fn remove(dir: &Dir, name: &str) -> io::Result<()> {
    match dir.symlink_metadata(name) {
        Ok(metadata) if metadata.is_dir() => dir.remove_dir_all(name),
        Ok(_) => dir.remove_file(name),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Bytes of a file, or of all files in a folder, as far as they can be counted.
fn size_of(dir: &Dir, name: &str, left: &mut usize, depth: usize) -> u64 {
    match dir.symlink_metadata(name) {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        Ok(metadata) if metadata.is_dir() && depth > 0 => {
            let Ok(folder) = dir.open_dir_nofollow(name) else { return 0 };
            let Ok(entries) = folder.entries() else { return 0 };
            let mut size = 0;
            for entry in entries.flatten() {
                let Some(rest) = left.checked_sub(1) else { break };
                *left = rest;
                if let Some(name) = entry.file_name().to_str() {
                    size += size_of(&folder, name, left, depth - 1);
                }
            }
            size
        }
        _ => 0,
    }
}
