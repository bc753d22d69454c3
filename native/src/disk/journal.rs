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
use privydrop_common::journal::{HEADER, Journal, RECORD, Said};
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
    /// Bytes of it that are whole. What a full disk let in only in part stands behind them, and is written over.
    length: u64,
}

impl JournalFile {
    /// Begins the journal of what is called `top` while it is unfinished, in place of any that was left behind without
    /// its item.
    pub(super) fn create(dir: &Dir, journal: Journal, top: &str) -> io::Result<Self> {
        let name = name_of(top);
        let mut options = OpenOptions::new();
        options.write(true).create(true).follow(FollowSymlinks::No);
        let file = dir.open_with(&name, &options)?.into_std();
        file.try_lock()?;
        let mut begun = Self { journal, file, name, waiting: journal.header().into(), untold: 0, length: 0 };
        match begun.file.set_len(0).and_then(|()| begun.write()) {
            Ok(()) => Ok(begun),
            Err(error) => {
                // Without its beginning nobody would know whose it is.
                begun.remove(dir);
                Err(error)
            }
        }
    }

    /// Opens the journal of what is called `top`, if it is there, of this very item, and nobody's.
    pub(super) fn open(dir: &Dir, journal: Journal, plan: &Plan, top: &str) -> Option<(Self, Said)> {
        let name = name_of(top);
        let mut options = OpenOptions::new();
        options.read(true).write(true).follow(FollowSymlinks::No);
        let file = dir.open_with(&name, &options).ok()?.into_std();
        file.try_lock().ok()?;
        let mut bytes = Vec::new();
        (&file).take(Journal::max_length(plan)).read_to_end(&mut bytes).ok()?;
        let said = journal.read(plan, &bytes)?;
        file.set_len(said.length).ok()?;
        Some((Self { journal, file, name, waiting: Vec::new(), untold: 0, length: said.length }, said))
    }

    /// A piece of so many bytes was stored. What cannot be told now is not told later: it is fetched again.
    pub(super) fn note(&mut self, file: FileIndex, piece: u32, value: Value, length: u64) -> io::Result<()> {
        self.waiting.extend_from_slice(&self.journal.record(file, piece, value));
        self.untold += length;
        if self.untold >= WRITE_EVERY || self.waiting.len() >= MAX_WAITING * RECORD {
            self.write()?;
        }
        Ok(())
    }

    /// True when it tells of something that a later attempt can use.
    pub(super) fn is_of_use(&mut self) -> bool {
        let _ = self.write();
        self.length > HEADER as u64
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
        let at = self.file.seek(SeekFrom::Start(self.length));
        let written = at.and_then(|_| self.file.write_all(&self.waiting));
        if written.is_ok() {
            self.length += self.waiting.len() as u64;
        }
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

#[cfg(test)]
mod tests {
    use std::fs;

    use cap_std::ambient_authority;
    use privydrop_common::host::PlannedFile;
    use privydrop_common::name::RelativePath;

    use super::*;

    #[test]
    fn what_a_full_disk_let_in_of_a_record_is_written_over_by_the_next_one() {
        let place = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(place.path(), ambient_authority()).unwrap();
        let path = RelativePath::parse(["film"]).unwrap();
        let files = vec![PlannedFile { path, size: 6 << 20, modified: None }];
        let plan = Plan { files, total: 6 << 20, ..Plan::default() };
        let (identity, top) = (Journal::of(&plan).unwrap(), "film.privydrop-part");
        let mut journal = JournalFile::create(&dir, identity, top).unwrap();
        let note = |journal: &mut JournalFile, piece: u8| {
            journal.note(FileIndex(0), piece.into(), Value([piece; 32]), WRITE_EVERY)
        };
        note(&mut journal, 0).unwrap();

        let path = place.path().join(name_of(top));
        let record = identity.record(FileIndex(0), 1, Value([1; 32]));
        File::options().append(true).open(&path).unwrap().write_all(&record[..RECORD - 1]).unwrap();
        let writable = core::mem::replace(&mut journal.file, File::open(&path).unwrap());
        assert!(note(&mut journal, 1).is_err());
        journal.file = writable;
        assert_eq!(fs::metadata(&path).unwrap().len(), (HEADER + 2 * RECORD - 1) as u64);

        note(&mut journal, 2).unwrap();
        drop(journal);
        let (_, said) = JournalFile::open(&dir, identity, &plan, top).unwrap();
        let pieces: Vec<u32> = said.found[0].pieces.iter().map(|(piece, _)| *piece).collect();
        assert_eq!((pieces, said.length), (vec![0, 2], (HEADER + 2 * RECORD) as u64));
    }
}
