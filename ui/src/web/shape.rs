//! Where each byte of an item lies in the one file that it is received into: a file as it is, a folder as the archive that
//! is handed over, or everything side by side, as the copy of what goes into a directory.
//!
//! Writes nothing.

use bytes::Bytes;
use privydrop_common::host::{Found, Plan};
use privydrop_common::id::FileIndex;
use privydrop_common::name::{Component, RelativePath};
use privydrop_common::pieces::{piece_count, piece_range};

use crate::crc32;
use crate::zip::{Entry, Layout};

/// Where everything of an item lies in its one file, and the checksums that an archive needs.
pub(super) struct Shape {
    name: String,
    /// Where each file starts, and where the last one ends, where they lie side by side.
    starts: Vec<u64>,
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
    /// Every file after the one before it.
    pub(super) fn side_by_side(plan: &Plan) -> Self {
        let mut starts = vec![0];
        plan.files.iter().fold(0, |start, file| {
            starts.push(start + file.size);
            start + file.size
        });
        let name = top(plan).map_or("", |name| name.as_str());
        Self { name: name.to_owned(), starts, archive: None }
    }

    /// The one file that is handed over; `None` if no archive can hold the item.
    pub(super) fn new(plan: &Plan) -> Option<Self> {
        let bare = Self::side_by_side(plan);
        if !plan.is_folder {
            return Some(bare);
        }
        let folders =
            plan.folders.iter().map(|path| Entry { name: text(path) + "/", size: 0, modified: None });
        let files = plan.files.iter();
        let files =
            files.map(|file| Entry { name: text(&file.path), size: file.size, modified: file.modified });
        let layout = Layout::new(folders.chain(files).collect())?;
        let checksums = vec![Checksum::Pieces(Vec::new()); plan.files.len()];
        let archive = Archive { layout, folders: plan.folders.len(), checksums };
        Some(Self { name: format!("{}.zip", bare.name), archive: Some(archive), ..bare })
    }

    /// What it is called when it is saved.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn starts(&self) -> &[u64] {
        &self.starts
    }

    /// Its bytes, but for an archive's end.
    pub(super) fn len(&self) -> u64 {
        let bare = || self.starts.last().copied().unwrap_or(0);
        self.archive.as_ref().map_or_else(bare, |archive| archive.layout.directory_at())
    }

    pub(super) fn size(&self, file: FileIndex) -> u64 {
        let file = file.0 as usize;
        self.starts[file + 1] - self.starts[file]
    }

    /// Where a piece goes.
    pub(super) fn piece_at(&self, file: FileIndex, piece: u32) -> u64 {
        let start = match &self.archive {
            Some(archive) => archive.layout.content_at(archive.entry(file)),
            None => self.starts[file.0 as usize],
        };
        start + piece_range(self.size(file), piece).0
    }

    /// How many bytes a piece has.
    pub(super) fn length(&self, file: FileIndex, piece: u32) -> u64 {
        piece_range(self.size(file), piece).1
    }

    /// Takes note of a piece that is written.
    pub(super) fn sum(&mut self, file: FileIndex, piece: u32, chunks: &[Bytes]) {
        let size = self.size(file);
        let Some(archive) = &mut self.archive else { return };
        if let Checksum::Pieces(pieces) = &mut archive.checksums[file.0 as usize] {
            pieces.resize(piece_count(size) as usize, 0);
            pieces[piece as usize] = crc32::of(chunks.iter().map(AsRef::as_ref));
        }
    }

    /// Bytes of these pieces.
    pub(super) fn stored(&self, found: &Found) -> u64 {
        found.pieces.iter().map(|(piece, _)| self.length(found.file, *piece)).sum()
    }

    /// The file is complete: what goes in front of it, and where.
    pub(super) fn header(&mut self, file: FileIndex) -> Option<(u64, Vec<u8>)> {
        let size = self.size(file);
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
    pub(super) fn rest(&self) -> Vec<(u64, Vec<u8>)> {
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

/// The item's own name.
pub(super) fn top(plan: &Plan) -> Option<&Component> {
    let first = plan.folders.first().or_else(|| plan.files.first().map(|file| &file.path));
    first.and_then(|path| path.components().first())
}

/// With `/` between the names.
pub(super) fn text(path: &RelativePath) -> String {
    let names: Vec<_> = path.components().iter().map(|name| name.as_str()).collect();
    names.join("/")
}

fn whole(size: u64, pieces: &[u32]) -> u32 {
    (0..)
        .zip(pieces)
        .fold(0, |whole, (piece, &checksum)| crc32::joined(whole, checksum, piece_range(size, piece).1))
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
    fn files_for_a_directory_lie_side_by_side() {
        let files = [("trip/a", vec![1; 1_500_000]), ("trip/empty", vec![]), ("trip/b", b"hello".to_vec())];
        let mut shape = Shape::side_by_side(&plan(&files, &["trip"], true));
        assert_eq!((shape.name(), shape.starts()), ("trip", &[0, 1_500_000, 1_500_000, 1_500_005][..]));
        assert!(receive(&mut shape, &files) == files.map(|(_, bytes)| bytes).concat());
    }

    #[test]
    fn a_file_is_received_as_it_is() {
        let files = [("a.bin", vec![7; 1_500_000])];
        let mut shape = Shape::new(&plan(&files, &[], false)).unwrap();
        assert_eq!((shape.name.as_str(), shape.len()), ("a.bin", 1_500_000));
        assert!(receive(&mut shape, &files) == files[0].1);
    }
}
