//! What a receiver holds of an item already, as much of it as fits a message.
//!
//! Knows no fetch: it chooses by bytes alone, and gives back what it had to leave out.

use core::fmt;
use core::marker::PhantomData;
use core::ops::Range;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Held, MAX_HELD};
use crate::id::FileIndex;
use crate::pieces::{PieceMap, piece_range};

/// Bytes of a [`super::Control::Fetch`] that names nothing, at most.
const BARE: usize = 64;
/// Bytes at most of a run of pieces: its file, how many runs that has, and of the run, the missing pieces before it and
/// those after the last one three each, since no file has more than 65,536.
const PIECES: usize = 5 + 3 + 3 * 3;
/// Bytes at most of a run of files.
const FILES: usize = 5 + 5;

/// A run of what a receiver holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldRun {
    /// Pieces of a file that is not whole.
    Pieces {
        /// Which file of the item.
        file: FileIndex,
        /// Bytes of the whole file.
        size: u64,
        /// Which pieces; not empty.
        pieces: Range<u32>,
    },
    /// Files that are whole and verified.
    Files {
        /// Which files of the item; not empty.
        files: Range<u32>,
        /// Bytes of all of them.
        bytes: u64,
    },
}

impl HeldRun {
    /// Bytes that need not travel again if this run is named.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Files { bytes, .. } => *bytes,
            Self::Pieces { size, pieces, .. } => {
                let (end, last) = piece_range(*size, pieces.end.saturating_sub(1));
                (end + last).saturating_sub(piece_range(*size, pieces.start).0)
            }
        }
    }
}

/// What a fetch says of what is there: what is named does not travel again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Have {
    #[serde(deserialize_with = "at_most_max_held")]
    held: Vec<Held>,
    #[serde(deserialize_with = "at_most_max_held")]
    done: Vec<(u32, u32)>,
}

/// Reads [`MAX_HELD`] of them and refuses more: a map of pieces can take a thousand times the memory of what it travels
/// as, so they must not all be there before they are counted.
fn at_most_max_held<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    struct Bounded<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Bounded<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let mut read = Vec::new();
            while let Some(next) = list.next_element()? {
                if read.len() == MAX_HELD {
                    return Err(A::Error::custom("too many"));
                }
                read.push(next);
            }
            Ok(read)
        }
    }
    from.deserialize_seq(Bounded(PhantomData))
}

impl Have {
    /// All of this many files.
    pub fn whole(files: u32) -> Self {
        Self { held: Vec::new(), done: (files > 0).then_some((0, files)).into_iter().collect() }
    }

    /// Names as many of the runs as fit a fetch of `room` bytes and gives the others back: those of most bytes come
    /// first, by powers of two. Runs of files must be in order, and those of one file's pieces one behind the other.
    pub fn within(room: usize, runs: Vec<HeldRun>) -> (Self, Vec<HeldRun>) {
        let mut left = room.saturating_sub(BARE);
        let (mut pieces_left, mut files_left) = (MAX_HELD, MAX_HELD);
        let mut named = vec![false; runs.len()];
        // Without sorting them: that would be three kilobytes of a page.
        for magnitude in 0..=u64::BITS {
            let of_magnitude = |run: &HeldRun| run.bytes().leading_zeros() == magnitude;
            for (run, named) in runs.iter().zip(&mut named).filter(|(run, _)| of_magnitude(run)) {
                let (number, cost) = match run {
                    HeldRun::Pieces { .. } => (&mut pieces_left, PIECES),
                    HeldRun::Files { .. } => (&mut files_left, FILES),
                };
                if *number > 0 && cost <= left {
                    *number -= 1;
                    left -= cost;
                    *named = true;
                }
            }
        }
        let (mut have, mut left_out) = (Self::default(), Vec::new());
        for (run, named) in runs.into_iter().zip(named) {
            match run {
                run if !named => left_out.push(run),
                HeldRun::Files { files, .. } => have.done.push((files.start, files.end - files.start)),
                HeldRun::Pieces { file, size, pieces } => have.add(file, size, pieces),
            }
        }
        (have, left_out)
    }

    fn add(&mut self, file: FileIndex, size: u64, pieces: Range<u32>) {
        if self.held.last().is_none_or(|held| held.file != file) {
            self.held.push(Held { file, pieces: PieceMap::for_file(size) });
        }
        if let Some(held) = self.held.last_mut() {
            pieces.for_each(|piece| _ = held.pieces.insert(piece));
        }
    }

    /// Pieces of files that are not whole. The sharer proves each without sending it again.
    pub fn held(&self) -> &[Held] {
        &self.held
    }

    /// Files that are whole and verified: runs of first file and count, in order.
    pub fn done(&self) -> &[(u32, u32)] {
        &self.done
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::id::{ItemId, TransferId};
    use crate::wire::{Control, MAX_FRAME, MIN_FRAME};
    use proptest::prelude::*;

    const MIB: u64 = 1 << 20;

    fn fetch(have: Have) -> Control {
        let (transfer, item) = (TransferId(u32::MAX), ItemId::TEXT);
        Control::Fetch { transfer, item, have, window: u64::MAX }
    }

    /// Every second piece of each of these files.
    fn gaps(files: impl Iterator<Item = u32>, pieces: u32) -> Vec<HeldRun> {
        let runs = |file| {
            let one = move |piece| HeldRun::Pieces {
                file: FileIndex(file),
                size: u64::from(pieces) * MIB,
                pieces: piece..piece + 1,
            };
            (0..pieces).step_by(2).map(one)
        };
        files.flat_map(runs).collect()
    }

    /// A run as numbers: pieces of a file, or files.
    fn place(run: &HeldRun) -> (Option<u32>, u32, u32) {
        match run {
            HeldRun::Files { files, .. } => (None, files.start, files.end),
            HeldRun::Pieces { file, pieces, .. } => (Some(file.0), pieces.start, pieces.end),
        }
    }

    fn named(have: &Have) -> BTreeSet<(Option<u32>, u32, u32)> {
        let files = have.done().iter().map(|&(first, count)| (None, first, first + count));
        let of = |held: &Held| -> Vec<_> {
            held.pieces.held().map(|run| (Some(held.file.0), run.start, run.end)).collect()
        };
        files.chain(have.held().iter().flat_map(of)).collect()
    }

    fn any_runs() -> impl Strategy<Value = Vec<HeldRun>> {
        // Files far apart and near, so that indices are short and long; runs that do not touch.
        let held = (any::<u32>(), 1..2_000u32, 1..9u32, 1..9u32).prop_map(|(file, pieces, run, gap)| {
            let size = u64::from(pieces) * MIB - u64::from(gap);
            let starts = (0..pieces).step_by((run + gap) as usize);
            let of = |start: u32| HeldRun::Pieces {
                file: FileIndex(file),
                size,
                pieces: start..(start + run).min(pieces),
            };
            starts.map(of).collect::<Vec<_>>()
        });
        let done = (any::<u32>(), 1..5u32, 0..MIB, 0..4_000usize).prop_map(|(first, count, bytes, runs)| {
            let starts = (0..runs).map(|run| first.wrapping_add(u32::try_from(run).unwrap_or(0) * 6));
            let of = |start: u32| HeldRun::Files { files: start..start.saturating_add(count), bytes };
            starts.map(of).collect::<Vec<_>>()
        });
        let runs = prop_oneof![held, done].prop_filter("runs are not empty", |runs| {
            runs.iter().all(|run| !matches!(run, HeldRun::Files { files, .. } if files.is_empty()))
        });
        let runs = prop::collection::vec(runs, 0..12).prop_map(|all| all.concat());
        // Each file once.
        runs.prop_map(|mut runs| {
            runs.sort_by_key(place);
            runs.dedup_by_key(|run| (place(run).0, place(run).1));
            let mut sizes = BTreeMap::new();
            runs.retain(|run| match run {
                HeldRun::Pieces { file, size, .. } => *sizes.entry(*file).or_insert(*size) == *size,
                HeldRun::Files { .. } => true,
            });
            runs
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_fetch_fits_its_frame_and_names_what_is_worth_most(
            runs in any_runs(),
            room in MIN_FRAME..=MAX_FRAME,
        ) {
            let (have, left_out) = Have::within(room, runs.clone());
            let encoded = fetch(have.clone()).encode();
            prop_assert!(encoded.len() <= room, "{} of {}", encoded.len(), room);
            prop_assert_eq!(Control::decode(&encoded), Ok(fetch(have.clone())));
            // Each is either named or given back.
            let (named, given_back) = (named(&have), left_out.iter().map(place).collect::<BTreeSet<_>>());
            prop_assert!(named.is_disjoint(&given_back));
            prop_assert_eq!(&named | &given_back, runs.iter().map(place).collect());
        }
    }

    #[test]
    fn the_longest_that_can_be_held_is_cut_to_the_shortest_frame() {
        // Far more than fits: half the pieces of the largest file there is, and files with long indices.
        let longest = [gaps(0..1, 65_536), gaps(u32::MAX - 3_000..u32::MAX, 4)].concat();
        for room in [MIN_FRAME, MAX_FRAME] {
            let (have, left_out) = Have::within(room, longest.clone());
            let encoded = fetch(have.clone()).encode();
            assert!(encoded.len() <= room && !left_out.is_empty());
            assert_eq!(Control::decode(&encoded), Ok(fetch(have)));
        }
    }

    #[test]
    fn what_is_worth_least_is_left_out_first() {
        let small = |file| HeldRun::Files { files: file..file + 1, bytes: 10 };
        let mut runs: Vec<_> = (0..4_000).step_by(2).map(small).collect();
        let large = HeldRun::Pieces { file: FileIndex(5_000), size: 9 * MIB, pieces: 3..5 };
        let whole = HeldRun::Files { files: 6_000..6_100, bytes: MIB };
        runs.extend([large.clone(), whole.clone()]);
        let (have, left_out) = Have::within(MIN_FRAME, runs);
        let named = named(&have);
        assert!(named.contains(&place(&large)) && named.contains(&place(&whole)));
        assert!(!left_out.is_empty() && left_out.iter().all(|run| run.bytes() == 10));
        // Of equals, the last ones.
        let first = left_out.iter().map(|run| place(run).1).min();
        assert!(have.done().iter().filter(|(file, _)| *file < 5_000).all(|(file, _)| Some(*file) < first));
    }

    #[test]
    fn no_more_files_and_runs_are_named_than_a_fetch_may_have() {
        let done = (0..10_000).step_by(2).map(|file| HeldRun::Files { files: file..file + 1, bytes: 1 });
        let runs = done.chain(gaps(20_000..23_000, 2)).collect();
        let (have, _) = Have::within(MAX_FRAME, runs);
        assert_eq!((have.held().len(), have.done().len()), (MAX_HELD, MAX_HELD));
        assert!(Control::decode(&fetch(have).encode()).is_ok());
    }
}
