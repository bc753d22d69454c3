//! What a receiver holds of an item already, as much of it as fits a message.
//!
//! Knows no fetch: it chooses by bytes alone, and gives back what it had to leave out.

use core::cmp::Reverse;
use core::ops::Range;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Held, MAX_HELD};
use crate::id::FileIndex;
use crate::pieces::{PieceMap, piece_range};

/// Bytes of a [`super::Control::Fetch`] that names nothing, at most.
const BARE: usize = 64;
/// Bytes at most of a file before its runs: its index, how many runs follow, and the last one, of missing pieces.
const FILE: usize = 5 + 3 + 3;
/// Bytes at most of a run of pieces, with the run of missing ones before it: no file has more than 65,536 pieces.
const PIECES: usize = 3 + 3;
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

    /// Where it begins: the file, and the piece of it.
    fn start(&self) -> (u32, u32) {
        match self {
            Self::Files { files, .. } => (files.start, 0),
            Self::Pieces { file, pieces, .. } => (file.0, pieces.start),
        }
    }
}

/// What a fetch says of what is there: what is named does not travel again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Have {
    held: Vec<Held>,
    done: Vec<(u32, u32)>,
}

impl Have {
    /// Names as many of the runs as fit a fetch of `room` bytes, those of most bytes first, and gives the others back.
    pub fn within(room: usize, mut runs: Vec<HeldRun>) -> (Self, Vec<HeldRun>) {
        runs.sort_by_key(|run| (Reverse(run.bytes()), run.start()));
        let mut left = room.saturating_sub(BARE);
        let mut maps: BTreeMap<u32, PieceMap> = BTreeMap::new();
        let (mut done, mut left_out) = (Vec::new(), Vec::new());
        for run in runs {
            let cost = match &run {
                HeldRun::Files { .. } if done.len() < MAX_HELD => FILES,
                HeldRun::Pieces { file, .. } if maps.contains_key(&file.0) => PIECES,
                HeldRun::Pieces { .. } if maps.len() < MAX_HELD => FILE + PIECES,
                _ => usize::MAX,
            };
            if cost > left {
                left_out.push(run);
                continue;
            }
            left -= cost;
            match run {
                HeldRun::Files { files, .. } => done.push((files.start, files.end - files.start)),
                HeldRun::Pieces { file, size, pieces } => {
                    let map = maps.entry(file.0).or_insert_with(|| PieceMap::for_file(size));
                    pieces.for_each(|piece| _ = map.insert(piece));
                }
            }
        }
        done.sort_unstable();
        let held = maps.into_iter().map(|(file, pieces)| Held { file: FileIndex(file), pieces }).collect();
        (Self { held, done }, left_out)
    }

    /// Pieces of files that are not whole. The sharer proves each without sending it again.
    pub fn held(&self) -> &[Held] {
        &self.held
    }

    /// Files that are whole and verified: runs of first file and count.
    pub fn done(&self) -> &[(u32, u32)] {
        &self.done
    }

    pub(super) fn is_within_bounds(&self) -> bool {
        self.held.len() <= MAX_HELD && self.done.len() <= MAX_HELD
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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
            runs.sort_by_key(HeldRun::start);
            runs.dedup_by_key(|run| run.start());
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
        let first = left_out.iter().map(|run| run.start().0).min();
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
