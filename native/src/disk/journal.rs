//! The journal beside an unfinished item: made, locked, read again by a later attempt, removed with the item.
//!
//! Knows what a journal says only by [`privydrop_common::journal`], and never what is in the files that it tells of. A
//! journal that cannot be written costs going on after a break, not the item.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions};
use privydrop_common::host::Plan;
use privydrop_common::id::FileIndex;
use privydrop_common::journal::{Journal, RECORD, Said};
use privydrop_common::name::PART_SUFFIX;
use privydrop_common::pieces::Value;

/// Ends the name of a journal, in place of [`PART_SUFFIX`]: nothing that is offered, and so nothing unfinished, can be called so.
const SUFFIX: &str = ".privydrop-part.privydrop-part";
/// Bytes that [`SUFFIX`] is longer than [`PART_SUFFIX`].
pub(super) const NAME_ROOM: usize = SUFFIX.len() - PART_SUFFIX.len();
/// Bytes stored after which their records are written: what a killed program stored since is fetched again.
const WRITE_EVERY: u64 = 1 << 20;
/// Records that wait, at most.
const MAX_WAITING: usize = 128;

/// An open journal. Nobody else has it: it is locked.
pub(super) struct JournalFile {
    journal: Journal,
    file: File,
    name: String,
    /// Records that are not written.
    waiting: Vec<u8>,
    /// Bytes that they tell of.
    untold: u64,
    /// It tells of something.
    told: bool,
}

impl JournalFile {
    /// Begins the journal of what is called `top` while it is unfinished, in place of any that was left behind without
    /// its item.
    pub(super) fn create(dir: &Dir, journal: Journal, top: &str) -> io::Result<Self> {
        let name = name_of(top);
        let mut options = OpenOptions::new();
        options.write(true).create(true).follow(FollowSymlinks::No);
        let mut file = dir.open_with(&name, &options)?.into_std();
        file.try_lock()?;
        file.set_len(0)?;
        file.write_all(&journal.header())?;
        Ok(Self { journal, file, name, waiting: Vec::new(), untold: 0, told: false })
    }

    /// Opens the journal of what is called `top`, if it is there, of this very item, and nobody's.
    pub(super) fn open(dir: &Dir, journal: Journal, plan: &Plan, top: &str) -> Option<(Self, Said)> {
        let name = name_of(top);
        let mut options = OpenOptions::new();
        options.read(true).write(true).follow(FollowSymlinks::No);
        let mut file = dir.open_with(&name, &options).ok()?.into_std();
        file.try_lock().ok()?;
        let mut bytes = Vec::new();
        (&file).take(Journal::max_length(plan)).read_to_end(&mut bytes).ok()?;
        let said = journal.read(plan, &bytes)?;
        file.set_len(said.length).ok()?;
        file.seek(SeekFrom::End(0)).ok()?;
        let told = !said.found.is_empty();
        Some((Self { journal, file, name, waiting: Vec::new(), untold: 0, told }, said))
    }

    /// A piece of so many bytes was stored.
    pub(super) fn note(&mut self, file: FileIndex, piece: u32, value: Value, length: u64) -> io::Result<()> {
        self.waiting.extend_from_slice(&self.journal.record(file, piece, value));
        self.untold += length;
        self.told = true;
        if self.untold >= WRITE_EVERY || self.waiting.len() >= MAX_WAITING * RECORD {
            self.write()?;
        }
        Ok(())
    }

    /// True when it tells of something that a later attempt can use.
    pub(super) fn is_of_use(&self) -> bool {
        self.told
    }

    /// Its file, for whoever has it made durable: a break of power then costs what was not synced, and not all.
    pub(super) fn to_sync(&self) -> Option<File> {
        self.file.try_clone().ok()
    }

    /// Removes it from its directory.
    pub(super) fn remove(self, dir: &Dir) {
        if let Err(error) = dir.remove_file(&self.name) {
            tracing::debug!(%error, "a journal cannot be removed");
        }
    }

    fn write(&mut self) -> io::Result<()> {
        let written = self.file.write_all(&self.waiting);
        self.waiting.clear();
        self.untold = 0;
        written
    }
}

impl Drop for JournalFile {
    fn drop(&mut self) {
        // What cannot be told is fetched again.
        let _ = self.write();
    }
}

/// What is called so while it is unfinished has this journal; `None` when this is no journal's name.
pub(super) fn top_of(name: &str) -> Option<String> {
    Some(format!("{}{PART_SUFFIX}", name.strip_suffix(SUFFIX)?))
}

/// The journal of what is called `top`, locked so that nobody goes on with that meanwhile; it is not read.
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] when somebody has it.
pub(super) fn lock(dir: &Dir, top: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).follow(FollowSymlinks::No);
    let file = dir.open_with(name_of(top), &options)?.into_std();
    file.try_lock()?;
    Ok(file)
}

/// The name of the journal of what is called `top` while it is unfinished.
pub(super) fn name_of(top: &str) -> String {
    format!("{}{SUFFIX}", top.strip_suffix(PART_SUFFIX).unwrap_or(top))
}
