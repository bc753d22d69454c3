//! An item received into one file of our own: a file as it is, a folder as the archive that is handed over.
//!
//! The pieces are written where they end up, in private storage or, where a browser gives none, in memory. Knows
//! nothing of directories of the person's.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use js_sys::{Array, Uint8Array};
use privydrop_common::host::{Checking, Found, Plan, Report, StoreId};
use privydrop_common::id::FileIndex;
use privydrop_common::journal::{Journal, Said};
use privydrop_common::name::RelativePath;
use privydrop_common::pieces::{Value, piece_count, piece_range, value_of};
use web_sys::Blob;

use super::sink::{Answer, SinkFault, SinkFile};
use crate::crc32;
use crate::zip::{Entry, Layout};

/// Bytes that are read at once of what an earlier attempt left.
const READ_AT_ONCE: u64 = 1 << 20;

/// Where everything of an item lies in its one file, and the checksums that an archive needs.
pub(super) struct Shape {
    name: String,
    sizes: Vec<u64>,
    archive: Option<Archive>,
}

struct Archive {
    layout: Layout,
    /// Entries in front of the first file.
    folders: usize,
    checksums: Vec<Checksum>,
}

#[derive(Clone)]
enum Checksum {
    /// CRC-32 of each piece, in the order of the pieces; none before the first one is written.
    Pieces(Vec<u32>),
    /// CRC-32 of the whole file.
    Whole(u32),
}

impl Shape {
    /// `None` if no archive can hold the item.
    pub(super) fn new(plan: &Plan) -> Option<Self> {
        let sizes = plan.files.iter().map(|file| file.size).collect();
        let first = plan.folders.first().or_else(|| plan.files.first().map(|file| &file.path));
        let name = first.and_then(|path| path.components().first()).map_or("", |name| name.as_str());
        if !plan.is_folder {
            return Some(Self { name: name.to_owned(), sizes, archive: None });
        }
        let folders =
            plan.folders.iter().map(|path| Entry { name: text(path) + "/", size: 0, modified: None });
        let files = plan.files.iter();
        let files =
            files.map(|file| Entry { name: text(&file.path), size: file.size, modified: file.modified });
        let layout = Layout::new(folders.chain(files).collect())?;
        let checksums = vec![Checksum::Pieces(Vec::new()); plan.files.len()];
        let archive = Archive { layout, folders: plan.folders.len(), checksums };
        Some(Self { name: format!("{name}.zip"), sizes, archive: Some(archive) })
    }

    /// Its bytes, but for an archive's end.
    pub(super) fn len(&self) -> u64 {
        self.archive.as_ref().map_or_else(|| self.sizes.iter().sum(), |archive| archive.layout.directory_at())
    }

    fn size(&self, file: FileIndex) -> u64 {
        self.sizes[file.0 as usize]
    }

    /// Where a piece goes.
    fn piece_at(&self, file: FileIndex, piece: u32) -> u64 {
        let start = self.archive.as_ref().map_or(0, |archive| archive.layout.content_at(archive.entry(file)));
        start + piece_range(self.sizes[file.0 as usize], piece).0
    }

    /// Takes note of a piece that is written.
    fn sum(&mut self, file: FileIndex, piece: u32, chunks: &[Bytes]) {
        let size = self.sizes[file.0 as usize];
        let Some(archive) = &mut self.archive else { return };
        if let Checksum::Pieces(pieces) = &mut archive.checksums[file.0 as usize] {
            pieces.resize(piece_count(size) as usize, 0);
            pieces[piece as usize] = crc32::of(chunks.iter().map(AsRef::as_ref));
        }
    }

    /// Bytes of these pieces.
    fn stored(&self, found: &Found) -> u64 {
        found.pieces.iter().map(|(piece, _)| piece_range(self.size(found.file), *piece).1).sum()
    }

    /// The file is complete: what goes in front of it, and where.
    fn header(&mut self, file: FileIndex) -> Option<(u64, Vec<u8>)> {
        let size = self.sizes[file.0 as usize];
        let archive = self.archive.as_mut()?;
        let checksum = &mut archive.checksums[file.0 as usize];
        let whole = match checksum {
            Checksum::Pieces(pieces) => whole(size, pieces),
            Checksum::Whole(whole) => *whole,
        };
        *checksum = Checksum::Whole(whole);
        let entry = archive.entry(file);
        Some((archive.layout.header_at(entry), archive.layout.header(entry, whole)))
    }

    /// Every file is complete: what is still missing, and where.
    fn rest(&self) -> Vec<(u64, Vec<u8>)> {
        let Some(archive) = &self.archive else { return Vec::new() };
        let files = archive.checksums.iter().map(|checksum| match checksum {
            Checksum::Whole(whole) => *whole,
            Checksum::Pieces(_) => 0,
        });
        let checksums: Vec<_> = core::iter::repeat_n(0, archive.folders).chain(files).collect();
        let layout = &archive.layout;
        let folders = (0..archive.folders).map(|entry| (layout.header_at(entry), layout.header(entry, 0)));
        folders.chain([(layout.directory_at(), layout.directory(&checksums))]).collect()
    }
}

impl Archive {
    fn entry(&self, file: FileIndex) -> usize {
        self.folders + file.0 as usize
    }
}

fn text(path: &RelativePath) -> String {
    let names: Vec<_> = path.components().iter().map(|name| name.as_str()).collect();
    names.join("/")
}

fn whole(size: u64, pieces: &[u32]) -> u32 {
    (0..)
        .zip(pieces)
        .fold(0, |whole, (piece, &checksum)| crc32::joined(whole, checksum, piece_range(size, piece).1))
}

/// An item being received.
pub(super) struct Pack {
    shape: Shape,
    medium: Medium,
    /// What a later attempt goes on by.
    journal: Option<Journal>,
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
        Self { shape, medium, journal: None }
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
                let (at, length) =
                    (self.shape.piece_at(*index, piece), piece_range(self.shape.size(*index), piece).1);
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
        match self.shape.header(file) {
            Some((at, header)) => self.medium.write(at, &[header.into()], &[], answer),
            None => answer(Ok(())),
        }
    }

    /// Sends what was gathered for fewer messages.
    pub(super) fn flush(&mut self) {
        if let Medium::Private(file) = &mut self.medium {
            file.flush();
        }
    }

    /// Completes the item and hands it over.
    pub(super) async fn finish(&mut self) -> Result<Blob, SinkFault> {
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
                Blob::new_with_blob_sequence(&parts).map_err(|_| SinkFault::Full)?
            }
        };
        failed.take().map_or(Ok(content), Err)
    }

    /// What it is called when it is saved.
    pub(super) fn name(&self) -> &str {
        &self.shape.name
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

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "tests make small files")]
mod tests {
    use std::io::{Cursor, Read};

    use privydrop_common::host::PlannedFile;

    use super::*;

    fn path(text: &str) -> RelativePath {
        RelativePath::parse(text.split('/')).unwrap()
    }

    fn plan(files: &[(&str, Vec<u8>)], folders: &[&str], is_folder: bool) -> Plan {
        let planned = |(name, bytes): &(&str, Vec<u8>)| PlannedFile {
            path: path(name),
            size: bytes.len() as u64,
            modified: Some(1_700_000_000),
        };
        Plan {
            files: files.iter().map(planned).collect(),
            folders: folders.iter().map(|name| path(name)).collect(),
            is_folder,
            total: files.iter().map(|(_, bytes)| bytes.len() as u64).sum(),
        }
    }

    /// Receives pieces last to first, as another order than the archive's.
    fn receive(shape: &mut Shape, files: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut out = vec![0; shape.len() as usize];
        let mut put = |at: u64, bytes: &[u8]| {
            let end = at as usize + bytes.len();
            out.resize(out.len().max(end), 0);
            out[at as usize..end].copy_from_slice(bytes);
        };
        for (index, (_, bytes)) in (0..).map(FileIndex).zip(files) {
            for piece in (0..piece_count(bytes.len() as u64)).rev() {
                let (from, len) = piece_range(bytes.len() as u64, piece);
                let chunk = Bytes::copy_from_slice(&bytes[from as usize..(from + len) as usize]);
                shape.sum(index, piece, core::slice::from_ref(&chunk));
                put(shape.piece_at(index, piece), &chunk);
            }
            shape.header(index).iter().for_each(|(at, header)| put(*at, header));
        }
        shape.rest().iter().for_each(|(at, bytes)| put(*at, bytes));
        out
    }

    #[test]
    fn a_folder_becomes_an_archive_with_its_tree() {
        let big: Vec<u8> = (0..2_500_000_u32).map(|n| (n / 3) as u8).collect();
        let files = [("trip/a.bin", big), ("trip/ünï/empty", vec![]), ("trip/ünï/b", b"hello".to_vec())];
        let mut shape = Shape::new(&plan(&files, &["trip", "trip/none", "trip/ünï"], true)).unwrap();
        assert_eq!(shape.name.as_str(), "trip.zip");
        let mut archive = zip::ZipArchive::new(Cursor::new(receive(&mut shape, &files))).unwrap();
        assert_eq!(archive.len(), 6);
        assert!(archive.by_name("trip/none/").unwrap().is_dir());
        for (name, expected) in files {
            let mut bytes = Vec::new();
            archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
            assert!(bytes == expected, "{name}");
        }
    }

    #[test]
    fn a_file_is_received_as_it_is() {
        let files = [("a.bin", vec![7; 1_500_000])];
        let mut shape = Shape::new(&plan(&files, &[], false)).unwrap();
        assert_eq!((shape.name.as_str(), shape.len()), ("a.bin", 1_500_000));
        assert!(receive(&mut shape, &files) == files[0].1);
    }
}
