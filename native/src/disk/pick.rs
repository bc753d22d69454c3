//! From a path that a person named to an item to offer: a file stays a file, a folder keeps its tree.
//!
//! Reads no bytes and judges no name. Goes one past each bound of the protocol and then stops, so that the session
//! sees that there is too much, and says so.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use privydrop_common::api::{NewContent, NewItem};
use privydrop_common::name::MAX_DEPTH;
use privydrop_common::wire::MAX_ENTRIES;
use walkdir::{DirEntry, WalkDir};

use super::files::Files;

/// Why something is not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPicked {
    /// There is nothing of this name, or it may not be read.
    #[error("it cannot be read")]
    Unreadable,
    /// A symbolic link inside a folder: it might lead anywhere.
    #[error("it is a symbolic link")]
    Link,
    /// A pipe, a socket or a device.
    #[error("it is neither a file nor a folder")]
    Special,
}

/// What to offer for a path.
#[derive(Debug)]
pub struct Picked {
    /// The item, for [`privydrop_common::api::Command::Share`].
    pub item: NewItem,
    /// What is in the folder but not in the item; at most as many as an item may have entries.
    pub skipped: Vec<Skipped>,
}

/// Something in a folder that is not offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it is.
    pub path: PathBuf,
    /// Why.
    pub why: NotPicked,
}

/// Looks at `path` and takes its files in. A link that the person named is followed, others are not.
pub(crate) fn pick(files: &Files, path: &Path) -> Result<Picked, NotPicked> {
    let real = path.canonicalize().map_err(|_| NotPicked::Unreadable)?;
    let metadata = real.metadata().map_err(|_| NotPicked::Unreadable)?;
    // `.` and `..` have no name of their own.
    let name = path.file_name().or_else(|| real.file_name()).map(text).unwrap_or_default();
    if metadata.is_dir() {
        return Ok(walk(files, &real, name));
    }
    if !metadata.is_file() {
        return Err(NotPicked::Special);
    }
    let content = NewContent::File(files.register(&real, &metadata));
    Ok(Picked { item: NewItem { name, content }, skipped: Vec::new() })
}

fn walk(files: &Files, root: &Path, name: String) -> Picked {
    let (mut found, mut folders, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    let entries = WalkDir::new(root).min_depth(1).max_depth(MAX_DEPTH + 1).sort_by_file_name();
    for entry in entries {
        let mut skip = |path: &Path, why| {
            if skipped.len() < MAX_ENTRIES as usize {
                skipped.push(Skipped { path: path.to_owned(), why });
            }
        };
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                skip(error.path().unwrap_or(root), NotPicked::Unreadable);
                continue;
            }
        };
        let kind = entry.file_type();
        match entry.metadata() {
            _ if kind.is_dir() => folders.push(below(root, &entry)),
            Ok(metadata) if kind.is_file() => {
                found.push((below(root, &entry), files.register(entry.path(), &metadata)));
            }
            Err(_) if kind.is_file() => skip(entry.path(), NotPicked::Unreadable),
            _ if kind.is_symlink() => skip(entry.path(), NotPicked::Link),
            _ => skip(entry.path(), NotPicked::Special),
        }
        if found.len() + folders.len() > MAX_ENTRIES as usize {
            break;
        }
    }
    Picked { item: NewItem { name, content: NewContent::Folder { files: found, folders } }, skipped }
}

fn below(root: &Path, entry: &DirEntry) -> Vec<String> {
    let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
    path.iter().map(text).collect()
}

/// A name as text; what is no text in it is replaced.
fn text(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}
