//! Pieces: how a file is cut for verification and resume, and the BLAKE3 tree over the pieces.
//!
//! A piece is a whole power of two of bytes at an aligned offset, so it is a complete subtree of the standard
//! BLAKE3 tree: pieces are checked one by one and the root still equals `b3sum FILE`. Nothing here reads a file,
//! keeps file bytes, or trusts a number from a peer without checking it.

use core::fmt;
use core::ops::Range;

use blake3::Hasher;
use blake3::hazmat::{HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root};
use serde::{Deserialize, Serialize};

/// Largest file that can be offered, in bytes (2⁶⁰): offsets and sums can never overflow.
pub const MAX_FILE_SIZE: u64 = 1 << 60;
/// Most pieces that a file is cut into; a piece grows before there are more.
pub const MAX_PIECES: u32 = 65_536;

/// Bytes of every piece of a file but the last, which may be shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PieceSize(u64);

impl PieceSize {
    /// The smallest piece: 1 MiB.
    pub const SMALLEST: Self = Self(1 << 20);

    /// 1 MiB, doubled until a file of `file_size` bytes has at most [`MAX_PIECES`] pieces.
    pub fn for_file(file_size: u64) -> Self {
        let needed = file_size.div_ceil(u64::from(MAX_PIECES)).next_power_of_two();
        Self(needed.max(Self::SMALLEST.0))
    }

    /// The size in bytes: a power of two.
    pub fn bytes(self) -> u64 {
        self.0
    }

    fn count(self, file_size: u64) -> u32 {
        // Cannot saturate: `for_file` keeps the quotient at or below `MAX_PIECES`.
        u32::try_from(file_size.div_ceil(self.0).max(1)).unwrap_or(u32::MAX)
    }

    fn range(self, file_size: u64, index: u32) -> (u64, u64) {
        let offset = u64::from(index).saturating_mul(self.0).min(file_size);
        (offset, self.0.min(file_size - offset))
    }

    fn value_of<'a>(
        self,
        file_size: u64,
        index: u32,
        chunks: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<Value> {
        let count = self.count(file_size);
        if index >= count {
            return None;
        }
        let (offset, mut left) = self.range(file_size, index);
        let mut hasher = Hasher::new();
        hasher.set_input_offset(offset);
        for chunk in chunks {
            left = left.checked_sub(chunk.len() as u64)?;
            hasher.update(chunk);
        }
        match (left, count) {
            (0, 1) => Some(Value(*hasher.finalize().as_bytes())),
            (0, _) => Some(Value(hasher.finalize_non_root())),
            _ => None,
        }
    }

    fn root(self, file_size: u64, values: &[Value]) -> Option<Root> {
        if values.len() != self.count(file_size) as usize {
            return None;
        }
        let [only] = values else {
            let (left, right) = self.split(file_size, values);
            return Some(Root(*merge_subtrees_root(&left, &right, Mode::Hash).as_bytes()));
        };
        Some(Root(only.0))
    }

    /// The two chaining values below the node over `values`, of which there are at least two.
    fn split(self, size: u64, values: &[Value]) -> ([u8; 32], [u8; 32]) {
        let left_size = left_subtree_len(size);
        let (left, right) = values.split_at(self.count(left_size) as usize);
        (self.merge(left_size, left), self.merge(size - left_size, right))
    }

    fn merge(self, size: u64, values: &[Value]) -> [u8; 32] {
        let [only] = values else {
            let (left, right) = self.split(size, values);
            return merge_subtrees_non_root(&left, &right, Mode::Hash);
        };
        only.0
    }
}

/// Number of pieces of a file: at least one, since an empty file has one empty piece.
pub fn piece_count(file_size: u64) -> u32 {
    PieceSize::for_file(file_size).count(file_size)
}

/// Offset and length in bytes of piece `index`; past the last piece, nothing at the file's end.
pub fn piece_range(file_size: u64, index: u32) -> (u64, u64) {
    PieceSize::for_file(file_size).range(file_size, index)
}

/// The value of piece `index`, hashed over `chunks` in order.
///
/// `None` if there is no such piece, or the chunks are not exactly as many bytes as the piece.
pub fn value_of<'a>(file_size: u64, index: u32, chunks: impl IntoIterator<Item = &'a [u8]>) -> Option<Value> {
    PieceSize::for_file(file_size).value_of(file_size, index, chunks)
}

/// The BLAKE3 hash of the whole file, from the values of all its pieces in order.
///
/// `None` if there are not exactly as many values as pieces.
pub fn root(file_size: u64, values: &[Value]) -> Option<Root> {
    PieceSize::for_file(file_size).root(file_size, values)
}

/// What a piece must hash to: its subtree's chaining value, or the root hash when it is the only piece.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Value(pub [u8; 32]);

/// BLAKE3 hash of a whole file, as `b3sum` prints it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Root(pub [u8; 32]);

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", blake3::Hash::from_bytes(self.0))
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        blake3::Hash::from_bytes(self.0).fmt(f)
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root({self})")
    }
}

/// Which pieces of a file are held.
///
/// Travels as lengths of runs, alternately missing and held, beginning with missing (which alone may be 0).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<u32>", try_from = "Vec<u32>")]
pub struct PieceMap {
    pieces: u32,
    held: u32,
    /// Bit `i % 64` of word `i / 64` stands for piece `i`.
    words: Vec<u64>,
}

/// Why run lengths are not a [`PieceMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPieceMap {
    /// A run other than the first is empty.
    #[error("a run of pieces is empty")]
    EmptyRun,
    /// The runs do not add up to 1 to [`MAX_PIECES`] pieces.
    #[error("a file has 1 to {MAX_PIECES} pieces")]
    Size,
}

impl PieceMap {
    /// Nothing held, of a file of `file_size` bytes.
    pub fn for_file(file_size: u64) -> Self {
        Self::empty(piece_count(file_size))
    }

    fn empty(pieces: u32) -> Self {
        Self { pieces, held: 0, words: vec![0; pieces.div_ceil(64) as usize] }
    }

    /// Number of pieces of the file, held or not. Compare it with [`piece_count`] when the map came from a peer.
    pub fn pieces(&self) -> u32 {
        self.pieces
    }

    /// Number of pieces held.
    pub fn count(&self) -> u32 {
        self.held
    }

    /// True when every piece is held.
    pub fn is_complete(&self) -> bool {
        self.held == self.pieces
    }

    /// True when piece `index` exists and is held.
    pub fn contains(&self, index: u32) -> bool {
        index < self.pieces && self.words[(index / 64) as usize] >> (index % 64) & 1 == 1
    }

    /// Marks piece `index` as held; true if it exists and was missing.
    pub fn insert(&mut self, index: u32) -> bool {
        let new = index < self.pieces && !self.contains(index);
        if new {
            self.words[(index / 64) as usize] |= 1 << (index % 64);
            self.held += 1;
        }
        new
    }

    /// Marks piece `index` as missing again; true if it was held.
    pub fn remove(&mut self, index: u32) -> bool {
        let held = self.contains(index);
        if held {
            self.words[(index / 64) as usize] &= !(1 << (index % 64));
            self.held -= 1;
        }
        held
    }

    /// Ranges of missing pieces, in order, none adjacent.
    pub fn missing(&self) -> impl Iterator<Item = Range<u32>> {
        self.ranges(false)
    }

    /// Ranges of held pieces, in order, none adjacent.
    pub fn held(&self) -> impl Iterator<Item = Range<u32>> {
        self.ranges(true)
    }

    fn ranges(&self, held: bool) -> impl Iterator<Item = Range<u32>> {
        let mut from = 0;
        core::iter::from_fn(move || {
            let start = self.next(held, from);
            from = self.next(!held, start);
            (start < self.pieces).then_some(start..from)
        })
    }

    /// The first piece at or after `from` that is held (or missing); the number of pieces if there is none.
    fn next(&self, held: bool, from: u32) -> u32 {
        let mut at = from;
        while at < self.pieces {
            let word = self.words[(at / 64) as usize];
            let wanted = if held { word } else { !word } >> (at % 64);
            if wanted != 0 {
                return (at + wanted.trailing_zeros()).min(self.pieces);
            }
            at = (at / 64 + 1) * 64;
        }
        self.pieces
    }
}

impl From<PieceMap> for Vec<u32> {
    fn from(map: PieceMap) -> Self {
        let mut runs = Self::new();
        let (mut at, mut held) = (0, false);
        while at < map.pieces {
            let end = map.next(!held, at);
            runs.push(end - at);
            (at, held) = (end, !held);
        }
        runs
    }
}

impl TryFrom<Vec<u32>> for PieceMap {
    type Error = InvalidPieceMap;

    fn try_from(runs: Vec<u32>) -> Result<Self, InvalidPieceMap> {
        if runs.iter().skip(1).any(|&run| run == 0) {
            return Err(InvalidPieceMap::EmptyRun);
        }
        let pieces: u64 = runs.iter().map(|&run| u64::from(run)).sum();
        let pieces = u32::try_from(pieces).map_err(|_| InvalidPieceMap::Size)?;
        if !(1..=MAX_PIECES).contains(&pieces) {
            return Err(InvalidPieceMap::Size);
        }
        let (mut map, mut at) = (Self::empty(pieces), 0);
        for (number, run) in runs.into_iter().enumerate() {
            if number % 2 == 1 {
                (at..at + run).for_each(|index| _ = map.insert(index));
            }
            at += run;
        }
        Ok(map)
    }
}

impl fmt::Debug for PieceMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PieceMap({} of {}: ", self.held, self.pieces)?;
        f.debug_list().entries(self.held()).finish()?;
        f.write_str(")")
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "test files are small")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: u64 = 1 << 20;
    /// Pieces of two BLAKE3 chunks, so that large trees are made of little data.
    const TINY: PieceSize = PieceSize(2048);

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i * 31 + i / 251) as u8).collect()
    }

    fn root_by_pieces(size: PieceSize, data: &[u8], chunk: usize) -> Root {
        let len = data.len() as u64;
        let value = |index| {
            let (offset, piece) = size.range(len, index);
            let piece = &data[offset as usize..(offset + piece) as usize];
            size.value_of(len, index, piece.chunks(chunk)).unwrap()
        };
        let values: Vec<_> = (0..size.count(len)).map(value).collect();
        size.root(len, &values).unwrap()
    }

    proptest! {
        #[test]
        fn the_root_of_any_tree_of_pieces_is_the_blake3_hash(len in 0usize..100_000, chunk in 1usize..5_000) {
            let data = bytes(len);
            prop_assert_eq!(root_by_pieces(TINY, &data, chunk).0, *blake3::hash(&data).as_bytes());
        }

        #[test]
        fn pieces_cover_every_file_without_gap_or_overlap(size in 0..=MAX_FILE_SIZE) {
            let (count, piece) = (piece_count(size), PieceSize::for_file(size).bytes());
            prop_assert!((1..=MAX_PIECES).contains(&count) && piece.is_power_of_two());
            prop_assert_eq!(piece_range(size, 0).0, 0);
            let (offset, len) = piece_range(size, count - 1);
            prop_assert_eq!(offset + len, size);
            prop_assert_eq!(piece_range(size, count), (size, 0));
        }

        #[test]
        fn a_map_survives_its_own_runs(pieces in 1..=MAX_PIECES, held in prop::collection::vec(any::<u16>(), 0..200)) {
            let mut map = PieceMap::empty(pieces);
            held.iter().for_each(|&index| _ = map.insert(u32::from(index)));
            let encoded = postcard::to_allocvec(&map).unwrap();
            prop_assert_eq!(postcard::from_bytes::<PieceMap>(&encoded).unwrap(), map.clone());
            let held: u32 = map.held().map(|range| range.end - range.start).sum();
            let missing: u32 = map.missing().map(|range| range.end - range.start).sum();
            prop_assert_eq!((held, missing), (map.count(), pieces - map.count()));
            prop_assert!(map.held().flatten().all(|index| map.contains(index)));
            prop_assert!(map.missing().flatten().all(|index| !map.contains(index)));
        }

        #[test]
        fn any_runs_are_a_map_or_a_typed_error(runs in prop::collection::vec(any::<u32>(), 0..5)) {
            if let Ok(map) = PieceMap::try_from(runs.clone()) {
                prop_assert_eq!(Vec::from(map), runs);
            }
        }
    }

    #[test]
    fn the_root_is_right_at_every_boundary_of_real_pieces() {
        for len in [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 1, 3 * MIB, 3 * MIB + 1025] {
            let data = bytes(len as usize);
            let root = root_by_pieces(PieceSize::for_file(len), &data, 256 * 1024);
            assert_eq!(root.to_string(), blake3::hash(&data).to_string(), "{len} bytes");
        }
    }

    #[test]
    fn a_piece_grows_before_there_are_too_many() {
        let full = MIB * u64::from(MAX_PIECES);
        assert_eq!((PieceSize::for_file(full).bytes(), piece_count(full)), (MIB, MAX_PIECES));
        assert_eq!((PieceSize::for_file(full + 1).bytes(), piece_count(full + 1)), (2 * MIB, 32_769));
        assert_eq!(piece_count(0), 1);
        assert_eq!(piece_count(u64::MAX), MAX_PIECES);
    }

    #[test]
    fn a_piece_of_the_wrong_length_has_no_value() {
        let size = 2 * MIB;
        assert_eq!(value_of(size, 0, [&bytes(MIB as usize - 1)[..]]), None);
        assert_eq!(value_of(size, 0, [&bytes(MIB as usize)[..], b"x"]), None);
        assert_eq!(value_of(size, 1, []), None);
        assert_eq!(value_of(size, 2, []), None);
        assert_eq!(value_of(0, 0, [&b"x"[..]]), None);
        assert_eq!(root(size, &[Value([0; 32])]), None);
    }

    #[test]
    fn a_forged_map_is_refused() {
        assert_eq!(PieceMap::try_from(vec![]), Err(InvalidPieceMap::Size));
        assert_eq!(PieceMap::try_from(vec![0]), Err(InvalidPieceMap::Size));
        assert_eq!(PieceMap::try_from(vec![1, 0, 1]), Err(InvalidPieceMap::EmptyRun));
        assert_eq!(PieceMap::try_from(vec![MAX_PIECES, 1]), Err(InvalidPieceMap::Size));
        assert_eq!(PieceMap::try_from(vec![u32::MAX, u32::MAX]), Err(InvalidPieceMap::Size));
    }

    #[test]
    fn a_piece_is_counted_once_and_never_past_the_end() {
        let mut map = PieceMap::for_file(3 * MIB);
        assert!(map.insert(1) && !map.insert(1) && !map.insert(3) && !map.contains(3));
        assert_eq!(map.missing().collect::<Vec<_>>(), [0..1, 2..3]);
        assert!(map.insert(0) && map.insert(2) && map.is_complete());
        assert!(map.remove(2) && !map.remove(2) && !map.is_complete());
    }
}
