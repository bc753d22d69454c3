//! An item being received: its pieces are written where they end up, in private storage or, where a browser gives none, in
//! memory; or into a directory of the person's, and then into private storage as well, as a copy to go on with.
//!
//! Decides where nothing goes: that is the business of [`super::shape`] and, in a directory, of `sink-tree.js`.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use js_sys::{Array, Uint8Array};
use privydrop_common::host::{Checking, Found, Plan, Report, StoreId};
use privydrop_common::id::FileIndex;
use privydrop_common::journal::{Journal, Said};
use privydrop_common::name::Component;
use privydrop_common::pieces::{Value, value_of};
use web_sys::{Blob, FileSystemDirectoryHandle};

use super::shape::{Shape, text, top};
use super::sink::{Answer, SinkFault, SinkFile};

/// Bytes that are read at once of what an earlier attempt left.
const READ_AT_ONCE: u64 = 1 << 20;
/// Most numbers that are tried for a name in use.
const MAX_NUMBER: u32 = 10_000;

/// An item being received.
pub(super) struct Pack {
    shape: Shape,
    medium: Medium,
    /// What a later attempt goes on by.
    journal: Option<Journal>,
    /// Its files lie in a directory of the person's.
    in_place: bool,
}

/// What a pack is written to.
pub(super) enum Medium {
    /// A file in the browser's private storage.
    Private(SinkFile),
    /// Blobs by their position, for browsers without one.
    Memory(BTreeMap<u64, Blob>),
}

impl Pack {
    pub(super) fn new(shape: Shape, medium: Medium) -> Self {
        Self { shape, medium, journal: None, in_place: false }
    }

    /// Lets the item have a name in `directory`: the one that it had for a page before, or else its own or a number of that
    /// which nothing has. Makes the folders. From now on everything is written there as well; first of all what was `found`.
    pub(super) async fn place(
        &mut self,
        directory: &FileSystemDirectoryHandle,
        plan: &Plan,
        found: &[Found],
    ) -> Result<(), SinkFault> {
        let Medium::Private(file) = &mut self.medium else { return Err(SinkFault::Broken) };
        let wished = top(plan).ok_or(SinkFault::Broken)?;
        let mut names = (1..=MAX_NUMBER).map(|number| match number {
            1 => wished.clone(),
            number => wished.numbered(number),
        });
        let mut name = None;
        while !file.claim(directory, name.as_ref().map(Component::as_str), plan.is_folder).await? {
            name = Some(names.next().ok_or(SinkFault::Broken)?);
        }
        let mut kept: Vec<(u64, u64)> = Vec::new();
        for Found { file, pieces } in found {
            for &(piece, _) in pieces {
                let (at, length) = (self.shape.piece_at(*file, piece), self.shape.length(*file, piece));
                match kept.last_mut().filter(|(last, length)| last + length == at) {
                    Some(last) => last.1 += length,
                    None => kept.push((at, length)),
                }
            }
        }
        let below = |path| text(path).split_once('/').map_or_else(String::new, |(_, below)| below.to_owned());
        let folders = plan.folders.iter().map(below).collect();
        let files = plan.files.iter().map(|file| below(&file.path)).collect();
        self.in_place = true;
        file.lay(plan.is_folder, folders, files, self.shape.starts(), &kept).await
    }

    /// Goes on with what an earlier attempt left, by what its journal says: tells every piece that is still of its value.
    /// `tell` hears how far that is.
    pub(super) async fn restore(
        &mut self,
        store: StoreId,
        journal: Journal,
        plan: &Plan,
        said: &[u8],
        tell: impl Fn(Report),
    ) -> Vec<Found> {
        let Medium::Private(file) = &mut self.medium else { return Vec::new() };
        self.journal = Some(journal);
        let Some(Said { mut found, length }) = journal.read(plan, said) else {
            file.record(0, &journal.header());
            return Vec::new();
        };
        file.record(length, &[]);
        // What was read last: small pieces lie side by side.
        let (mut start, mut window) = (0, Bytes::new());
        let total = found.iter().map(|found| self.shape.stored(found)).sum();
        let mut checking = Checking::new(store, total);
        for Found { file: index, pieces } in &mut found {
            let mut right = Vec::new();
            for &(piece, value) in pieces.iter() {
                let (at, length) = (self.shape.piece_at(*index, piece), self.shape.length(*index, piece));
                if at < start || at + length > start + window.len() as u64 {
                    let more = READ_AT_ONCE.min(self.shape.len() - at).max(length);
                    (start, window) = (at, file.read(at, more).await.unwrap_or_default().into());
                }
                checking.add(length).into_iter().for_each(&tell);
                let place = |at: u64| usize::try_from(at - start).unwrap_or(usize::MAX);
                let Some(bytes) = window.get(place(at)..place(at + length)) else { continue };
                if value_of(self.shape.size(*index), piece, [bytes]) == Some(value) {
                    self.shape.sum(*index, piece, &[window.slice_ref(bytes)]);
                    right.push((piece, value));
                }
            }
            *pieces = right;
        }
        found.retain(|found| !found.pieces.is_empty());
        found
    }

    /// Writes a whole piece of this value.
    pub(super) fn write(
        &mut self,
        file: FileIndex,
        piece: u32,
        value: Value,
        chunks: &[Bytes],
        answer: Answer,
    ) {
        self.shape.sum(file, piece, chunks);
        let at = self.shape.piece_at(file, piece);
        match self.journal {
            Some(journal) => self.medium.write(at, chunks, &journal.record(file, piece, value), answer),
            None => self.medium.write(at, chunks, &[], answer),
        }
    }

    /// Lets go of it for a later attempt; false when there is nothing that one could use.
    pub(super) async fn suspend(&mut self) -> bool {
        match &mut self.medium {
            Medium::Private(file) => file.suspend().await,
            Medium::Memory(_) => false,
        }
    }

    /// Completes a file.
    pub(super) fn commit(&mut self, file: FileIndex, answer: Answer) {
        match (&mut self.medium, self.shape.header(file)) {
            (Medium::Private(content), None) if self.in_place => content.close(file, answer),
            (_, None) => answer(Ok(())),
            (medium, Some((at, header))) => medium.write(at, &[header.into()], &[], answer),
        }
    }

    /// Sends what was gathered for fewer messages.
    pub(super) fn flush(&mut self) {
        if let Medium::Private(file) = &mut self.medium {
            file.flush();
        }
    }

    /// Completes the item and hands it over, unless it is in place.
    pub(super) async fn finish(&mut self) -> Result<Option<Blob>, SinkFault> {
        let failed = Rc::new(Cell::new(None));
        for (at, bytes) in self.shape.rest() {
            let failed = Rc::clone(&failed);
            let answer = move |outcome: Result<(), SinkFault>| failed.set(failed.take().or(outcome.err()));
            self.medium.write(at, &[bytes.into()], &[], Box::new(answer));
        }
        let content = match &mut self.medium {
            // Its answer comes after those to the writes.
            Medium::Private(file) => file.finish().await?,
            Medium::Memory(parts) => {
                let parts: Array = core::mem::take(parts).into_values().collect();
                Some(Blob::new_with_blob_sequence(&parts).map_err(|_| SinkFault::Full)?)
            }
        };
        failed.take().map_or(Ok(content), Err)
    }

    /// What it is called when it is saved.
    pub(super) fn name(&self) -> &str {
        self.shape.name()
    }

    /// Removes everything, finished or not. Tells how many bytes of memory that frees.
    pub(super) async fn remove(&mut self) -> Option<u64> {
        match &mut self.medium {
            Medium::Private(file) => {
                file.remove().await;
                None
            }
            Medium::Memory(parts) => {
                parts.clear();
                Some(self.shape.len())
            }
        }
    }
}

impl Medium {
    fn write(&mut self, at: u64, chunks: &[Bytes], record: &[u8], answer: Answer) {
        match self {
            Self::Private(file) => file.write(at, chunks, record, answer),
            Self::Memory(parts) => {
                let chunks: Array = chunks.iter().map(|chunk| Uint8Array::from(&chunk[..])).collect();
                let blob = Blob::new_with_u8_array_sequence(&chunks);
                answer(blob.map(|blob| _ = parts.insert(at, blob)).map_err(|_| SinkFault::Full));
            }
        }
    }
}
