//! Going on with what an earlier attempt left of an item: found by its journal, read again, kept where it is right.
//!
//! Believes nothing that a journal says, and never touches an item that another program has.

use std::io::{self, ErrorKind};

use cap_fs_ext::DirExt;
use privydrop_common::host::{Checking, Found, Report, StoreId};
use privydrop_common::id::FileIndex;
use privydrop_common::pieces::{Value, piece_range, value_of};

use super::{Folders, Tree, emptied_file, old_file, part_name};
use crate::disk::journal::JournalFile;
use crate::disk::platform::read_at;

/// Unfinished items of one name that are looked at for one to go on with.
const MAX_UNFINISHED: u32 = 32;

impl Tree {
    /// Lets go of what is unfinished, for a later attempt; removes what none could use.
    pub(in crate::disk) fn suspend(mut self) {
        if self.failed {
            let whole = self.folders.as_ref().map_or(Ok(()), |folders| folders.whole.sync());
            let synced = whole.and_then(|()| self.open.iter().try_for_each(|(_, file)| file.sync_data()));
            let _ = self.heed(synced);
        }
        // What has its own name already is whole: it only was not told of yet.
        if !self.settled && !self.journal.as_mut().is_some_and(JournalFile::is_of_use) {
            self.remove();
        }
    }

    /// What a disk could not take is read again from memory for a while as if it had, and the next sync does not tell of it any
    /// more: no later attempt may go on with that.
    pub(in crate::disk) fn heed(&mut self, synced: io::Result<()>) -> io::Result<()> {
        if synced.is_err() {
            self.forget();
        }
        synced
    }

    /// A journal that cannot be made costs going on after a break, not the item.
    pub(super) fn new_journal(&self) -> Option<JournalFile> {
        let journal = JournalFile::create(&self.place.dir, self.identity?, &self.top);
        journal.inspect_err(|error| tracing::debug!(%error, "a journal cannot be made")).ok()
    }

    /// Takes over what an earlier attempt left, and tells what of it is right. `None` when there is nothing.
    pub(super) fn go_on(&mut self, store: StoreId, tell: &mut dyn FnMut(Report)) -> Option<Vec<Found>> {
        let identity = self.identity?;
        for number in 1..=MAX_UNFINISHED {
            let top = part_name(&self.name, number);
            let Some((journal, said)) = JournalFile::open(&self.place.dir, identity, &self.plan, &top) else {
                continue;
            };
            self.top = top;
            let total = said.found.iter().map(|found| self.stored(found)).sum();
            let mut checking = Checking::new(store, total);
            match self.reopen(said.found, |bytes| checking.add(bytes).into_iter().for_each(&mut *tell)) {
                Ok(found) => {
                    self.journal = Some(journal);
                    self.resumed = true;
                    return Some(found);
                }
                Err(error) => {
                    tracing::debug!(%error, "what an earlier attempt left cannot be gone on with");
                    self.top.clear();
                    self.folders = None;
                    self.begun.clear();
                }
            }
        }
        None
    }

    /// Reads again what a journal tells of; what is of its value is kept. `has_read` hears of each piece, right or not.
    fn reopen(&mut self, said: Vec<Found>, mut has_read: impl FnMut(u64)) -> io::Result<Vec<Found>> {
        if self.plan.is_folder {
            let mut folders = Folders::new(self.place.dir.open_dir_nofollow(&self.top)?)?;
            for path in self.inner_folders() {
                let (folder, name) = folders.of(path)?;
                match folder.create_dir(name) {
                    Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                    _ => {}
                }
            }
            self.folders = Some(folders);
        }
        let mut found = Vec::new();
        for Found { file, mut pieces } in said {
            let size = self.plan.files[file.0 as usize].size;
            let Ok(handle) = self.open(file, old_file().read(true)) else { continue };
            if handle.metadata()?.len() > size {
                handle.set_len(size)?;
            }
            pieces.retain(|(piece, value)| {
                let (at, length) = piece_range(size, *piece);
                let read = usize::try_from(length).ok().and_then(|length| read_at(&handle, at, length).ok());
                let is_right = read.and_then(|bytes| value_of(size, *piece, [&bytes[..]])) == Some(*value);
                has_read(length);
                is_right
            });
            if !pieces.is_empty() {
                self.begun.insert(file);
            }
            found.push(Found { file, pieces });
        }
        found.retain(|found| !found.pieces.is_empty());
        if found.is_empty() && !self.plan.is_folder {
            // Begun anew in the same place, for a second one beside it would be nobody's; unless it is no file.
            self.open(FileIndex(0), &emptied_file())?;
        }
        Ok(found)
    }

    pub(super) fn stored(&self, found: &Found) -> u64 {
        let size = self.plan.files[found.file.0 as usize].size;
        found.pieces.iter().map(|(piece, _)| piece_range(size, *piece).1).sum()
    }

    /// Tells a later attempt of a piece that is stored.
    pub(super) fn note(&mut self, file: FileIndex, piece: u32, value: Value, length: u64) {
        let Some(journal) = &mut self.journal else { return };
        if let Err(error) = journal.note(file, piece, value, length) {
            // What it tells of already is still there: it may be that only the disk is full.
            tracing::debug!(%error, "a journal cannot be written");
        }
    }

    /// No later attempt can go on with this.
    pub(super) fn forget(&mut self) {
        if let Some(journal) = self.journal.take() {
            journal.remove(&self.place.dir);
        }
    }
}
