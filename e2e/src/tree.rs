//! Files and folders as facts that can be compared: where they stand, their sizes, and a digest of every byte.
//!
//! The digest can be computed alike on a disk and inside a page, piece by piece, with what browsers have built in:
//! the SHA-256 of the SHA-256 values of all slices of 4 MiB.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// Bytes that are hashed at once.
pub const SLICE: usize = 4 << 20;

/// Everything below a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Tree {
    /// Files by their path below the folder, parts separated by `/`.
    pub files: BTreeMap<String, Bytes>,
    /// Folders by their path below the folder.
    pub folders: BTreeSet<String>,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Bytes {
    /// How many.
    pub size: u64,
    /// Which, see the module's words; lowercase hex.
    pub digest: String,
}

impl Bytes {
    /// Reads everything that `source` gives.
    pub fn of(mut source: impl Read) -> Self {
        let mut slice = Vec::with_capacity(SLICE);
        let (mut size, mut slices) = (0, Sha256::new());
        loop {
            slice.clear();
            source.by_ref().take(SLICE as u64).read_to_end(&mut slice).expect("bytes to hash");
            if slice.is_empty() {
                let digest = slices.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
                return Self { size, digest };
            }
            size += slice.len() as u64;
            slices.update(Sha256::digest(&slice));
        }
    }

    /// Reads a file.
    pub fn of_file(path: &Path) -> Self {
        Self::of(File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }
}

impl Tree {
    /// Reads a file, or a folder with everything in it; it stands at the tree's top under its own name.
    pub fn of(path: &Path) -> Self {
        let mut tree = Self::default();
        tree.add(path, "");
        tree
    }

    /// Reads an archive.
    pub fn of_zip(path: &Path) -> Self {
        let file = File::open(path).expect("the saved archive");
        let mut archive = zip::ZipArchive::new(file).expect("a readable archive");
        let mut tree = Self::default();
        for index in 0..archive.len() {
            let entry = archive.by_index(index).expect("a readable entry");
            let name = entry.name().expect("a name in unicode").into_owned();
            tree.add_parents(name.trim_end_matches('/'));
            if entry.is_dir() {
                tree.folders.insert(name.trim_end_matches('/').to_owned());
            } else {
                tree.files.insert(name, Bytes::of(entry));
            }
        }
        tree
    }

    /// Panics with the first differences when `received` is not the same tree.
    pub fn assert_same(&self, received: &Self) {
        let lost = self.files.keys().filter(|path| !received.files.contains_key(*path));
        let extra = received.files.keys().filter(|path| !self.files.contains_key(*path));
        let changed = self
            .files
            .iter()
            .filter(|(path, bytes)| received.files.get(*path).is_some_and(|got| got != *bytes));
        let differences: Vec<String> = (lost.map(|path| format!("lost: {path}")))
            .chain(extra.map(|path| format!("extra: {path}")))
            .chain(
                changed
                    .map(|(path, bytes)| format!("changed: {path}: {bytes:?} → {:?}", received.files[path])),
            )
            .chain(self.folders.difference(&received.folders).map(|path| format!("lost folder: {path}")))
            .chain(received.folders.difference(&self.folders).map(|path| format!("extra folder: {path}")))
            .take(10)
            .collect();
        assert!(differences.is_empty(), "received is not what was sent:\n{}", differences.join("\n"));
    }

    fn add(&mut self, path: &Path, prefix: &str) {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name in unicode");
        let place = format!("{prefix}{name}");
        if path.is_file() {
            self.files.insert(place, Bytes::of_file(path));
            return;
        }
        for entry in std::fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())) {
            self.add(&entry.expect("a folder's entry").path(), &format!("{place}/"));
        }
        self.folders.insert(place);
    }

    /// An archive need not name folders that hold something.
    fn add_parents(&mut self, path: &str) {
        let ends = path.match_indices('/').map(|(end, _)| path[..end].to_owned());
        self.folders.extend(ends);
    }
}
