//! A receiver's durable record of which pieces of an item were stored: its format, and nothing else.
//!
//! A journal only says where to look. Whoever opens one reads every piece that it names once more and keeps those that
//! still have their value; so it may be behind the data or ahead of it, cut off anywhere, or spoiled, and never makes a
//! wrong byte count. Reads and writes no file.
//!
//! ```text
//! header   "PDJ1" ‖ identity (32) ‖ check (4)
//! record   file (4) ‖ piece (4) ‖ value (32) ‖ check (4)      appended in the order of storing
//! check    first bytes of BLAKE3(identity ‖ what it checks)
//! ```
//! Numbers are little-endian.

use crate::host::{Found, Plan};
use crate::id::FileIndex;
use crate::name::RelativePath;
use crate::order::in_order;
use crate::pieces::{Value, piece_count};

/// Bytes of the header.
pub const HEADER: usize = MAGIC.len() + IDENTITY + CHECK;
/// Bytes of a record.
pub const RECORD: usize = 4 + 4 + VALUE + CHECK;
/// Items of fewer bytes have no journal: fetching them again costs less than looking what is there.
pub const MIN_TOTAL: u64 = 4 << 20;

const MAGIC: &[u8; 4] = b"PDJ1";
const IDENTITY: usize = 32;
const VALUE: usize = 32;
const CHECK: usize = 4;
/// Bytes of names that are hashed at once.
const HASHED_AT_ONCE: usize = 16 << 10;

/// The journal of one item: it fits whatever has the same names, sizes and times of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Journal {
    identity: [u8; IDENTITY],
}

/// What a journal says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Said {
    /// Pieces that were stored, by file and piece; the newest value of each.
    pub found: Vec<Found>,
    /// Bytes of header and records that are whole: what follows them is to be cut off.
    pub length: u64,
}

impl Journal {
    /// `None` for an item that is too small to have one.
    pub fn of(plan: &Plan) -> Option<Self> {
        (plan.total >= MIN_TOTAL).then(|| Self { identity: identity(plan) })
    }

    /// A name for the item where it is kept under one: 64 hex digits.
    pub fn name(&self) -> String {
        blake3::Hash::from_bytes(self.identity).to_string()
    }

    /// What stands at the start of the file.
    pub fn header(&self) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        let (text, check) = header.split_at_mut(HEADER - CHECK);
        text[..MAGIC.len()].copy_from_slice(MAGIC);
        text[MAGIC.len()..].copy_from_slice(&self.identity);
        check.copy_from_slice(&self.check(text));
        header
    }

    /// What is appended when a piece was stored.
    pub fn record(&self, file: FileIndex, piece: u32, value: Value) -> [u8; RECORD] {
        let mut record = [0; RECORD];
        let (text, check) = record.split_at_mut(RECORD - CHECK);
        text[..4].copy_from_slice(&file.0.to_le_bytes());
        text[4..8].copy_from_slice(&piece.to_le_bytes());
        text[8..].copy_from_slice(&value.0);
        check.copy_from_slice(&self.check(text));
        record
    }

    /// Longest file that is read: every piece of the plan stored twice over. A longer one is not one of ours.
    pub fn max_length(plan: &Plan) -> u64 {
        let pieces: u64 = plan.files.iter().map(|file| u64::from(piece_count(file.size))).sum();
        HEADER as u64 + 2 * pieces * RECORD as u64
    }

    /// Reads a file of this item; `None` when it is another item's or none at all. Stops at the first record that is
    /// not whole or names a piece that the plan does not have.
    pub fn read(&self, plan: &Plan, bytes: &[u8]) -> Option<Said> {
        let records = bytes.strip_prefix(&self.header())?;
        let (mut stored, mut length) = (Vec::new(), HEADER);
        for record in records.chunks_exact(RECORD) {
            let Some((file, piece, value)) = self.parse(record) else { break };
            if plan.files.get(file.0 as usize).is_none_or(|planned| piece >= piece_count(planned.size)) {
                break;
            }
            stored.push(((u64::from(file.0) << 32) | u64::from(piece), (file, piece, value)));
            length += RECORD;
        }
        let mut found: Vec<Found> = Vec::new();
        // The newest of a piece comes last.
        for (file, piece, value) in in_order(stored.into_iter()) {
            match found.last_mut().filter(|last| last.file == file).map(|last| &mut last.pieces) {
                Some(pieces) => match pieces.last_mut().filter(|(last, _)| *last == piece) {
                    Some(newest) => newest.1 = value,
                    None => pieces.push((piece, value)),
                },
                None => found.push(Found { file, pieces: vec![(piece, value)] }),
            }
        }
        Some(Said { found, length: length as u64 })
    }

    fn parse(&self, record: &[u8]) -> Option<(FileIndex, u32, Value)> {
        let (text, check) = record.split_last_chunk::<CHECK>()?;
        if self.check(text) != *check {
            return None;
        }
        let (file, text) = text.split_first_chunk()?;
        let (piece, value) = text.split_first_chunk()?;
        Some((
            FileIndex(u32::from_le_bytes(*file)),
            u32::from_le_bytes(*piece),
            Value(value.try_into().ok()?),
        ))
    }

    fn check(&self, text: &[u8]) -> [u8; CHECK] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.identity).update(text);
        let mut check = [0; CHECK];
        check.copy_from_slice(&hasher.finalize().as_bytes()[..CHECK]);
        check
    }
}

/// One value for all that tells an item from another, lengths in front of everything.
fn identity(plan: &Plan) -> [u8; IDENTITY] {
    let mut hasher = blake3::Hasher::new_derive_key("privydrop 1 journal identity");
    let counts = [u64::from(plan.is_folder), plan.files.len() as u64, plan.folders.len() as u64];
    counts.iter().for_each(|number| _ = hasher.update(&number.to_le_bytes()));
    // The hasher takes a few long texts much sooner than many short ones.
    let mut text = Vec::new();
    let mut add = |path: &RelativePath, facts: &[u8]| {
        write_path(&mut text, path);
        text.extend_from_slice(facts);
        if text.len() >= HASHED_AT_ONCE {
            hasher.update(&text);
            text.clear();
        }
    };
    for file in &plan.files {
        let mut facts = [0; 17];
        facts[..8].copy_from_slice(&file.size.to_le_bytes());
        facts[8] = u8::from(file.modified.is_some());
        facts[9..].copy_from_slice(&file.modified.unwrap_or(0).to_le_bytes());
        add(&file.path, &facts);
    }
    for folder in &plan.folders {
        add(folder, &[]);
    }
    *hasher.update(&text).finalize().as_bytes()
}

fn write_path(text: &mut Vec<u8>, path: &RelativePath) {
    text.extend_from_slice(&(path.components().len() as u64).to_le_bytes());
    for component in path.components() {
        text.extend_from_slice(&(component.as_str().len() as u64).to_le_bytes());
        text.extend_from_slice(component.as_str().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::host::PlannedFile;

    fn file(name: &str, size: u64, modified: Option<u64>) -> PlannedFile {
        PlannedFile { path: RelativePath::parse(name.split('/')).unwrap(), size, modified }
    }

    fn plan(files: Vec<PlannedFile>) -> Plan {
        let total = files.iter().map(|file| file.size).sum();
        Plan { files, folders: Vec::new(), is_folder: true, total }
    }

    /// Two files of five and three pieces.
    fn two() -> Plan {
        plan(vec![file("a/b", 5 << 20, Some(1)), file("a/c", 3 << 20, None)])
    }

    fn value(number: u8) -> Value {
        Value([number; 32])
    }

    /// A journal in which these were stored, one after the other.
    fn written(journal: Journal, stored: &[(u32, u32, u8)]) -> Vec<u8> {
        let records = stored
            .iter()
            .flat_map(|(file, piece, number)| journal.record(FileIndex(*file), *piece, value(*number)));
        journal.header().into_iter().chain(records).collect()
    }

    #[test]
    fn what_was_stored_is_said_and_the_newest_value_counts() {
        let (plan, journal) = (two(), Journal::of(&two()).unwrap());
        let bytes = written(journal, &[(1, 2, 1), (0, 4, 2), (0, 0, 3), (1, 2, 4)]);
        let said = journal.read(&plan, &bytes).unwrap();
        assert_eq!(said.length, bytes.len() as u64);
        assert_eq!(
            said.found,
            [
                Found { file: FileIndex(0), pieces: vec![(0, value(3)), (4, value(2))] },
                Found { file: FileIndex(1), pieces: vec![(2, value(4))] },
            ]
        );
    }

    #[test]
    fn every_prefix_says_what_its_whole_records_say() {
        let (plan, journal) = (two(), Journal::of(&two()).unwrap());
        let stored = [(0, 0, 1), (1, 2, 2), (0, 3, 3), (1, 0, 4)];
        let bytes = written(journal, &stored);
        for length in 0..bytes.len() {
            let said = journal.read(&plan, &bytes[..length]);
            let Some(whole) = length.checked_sub(HEADER).map(|rest| rest / RECORD) else {
                assert_eq!(said, None, "{length} bytes");
                continue;
            };
            let expected = journal.read(&plan, &written(journal, &stored[..whole]));
            assert_eq!(said, expected, "{length} bytes");
        }
    }

    #[test]
    fn what_follows_a_spoiled_record_is_not_believed() {
        let (plan, journal) = (two(), Journal::of(&two()).unwrap());
        let mut bytes = written(journal, &[(0, 0, 1), (0, 1, 2), (0, 2, 3)]);
        bytes[HEADER + RECORD + 9] ^= 1;
        let said = journal.read(&plan, &bytes).unwrap();
        assert_eq!(said.found, [Found { file: FileIndex(0), pieces: vec![(0, value(1))] }]);
        assert_eq!(said.length, (HEADER + RECORD) as u64);
    }

    #[test]
    fn pieces_and_files_that_the_plan_does_not_have_are_not_believed() {
        let (plan, journal) = (two(), Journal::of(&two()).unwrap());
        for stored in [(2, 0, 1), (0, 5, 1), (u32::MAX, u32::MAX, 1)] {
            assert_eq!(journal.read(&plan, &written(journal, &[stored])).unwrap().found, [], "{stored:?}");
        }
    }

    #[test]
    fn the_journal_of_another_item_is_refused() {
        let others = [
            plan(vec![file("a/b", 5 << 20, Some(2)), file("a/c", 3 << 20, None)]),
            plan(vec![file("a/b", 5 << 20, Some(1)), file("a/c", 3 << 20, Some(0))]),
            plan(vec![file("a/b", 5 << 20, Some(1)), file("a/d", 3 << 20, None)]),
            plan(vec![file("a/b", (5 << 20) + 1, Some(1)), file("a/c", 3 << 20, None)]),
            plan(vec![file("a/b", 5 << 20, Some(1))]),
            Plan { is_folder: false, ..two() },
            Plan { folders: vec![RelativePath::parse(["a"]).unwrap()], ..two() },
        ];
        let bytes = written(Journal::of(&two()).unwrap(), &[(0, 0, 1)]);
        for other in others {
            assert_eq!(Journal::of(&other).unwrap().read(&other, &bytes), None, "{other:?}");
        }
    }

    #[test]
    fn a_small_item_has_none() {
        assert_eq!(Journal::of(&plan(vec![file("a", MIN_TOTAL - 1, None)])), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_piece_that_was_not_recorded(
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
            headed in any::<bool>(),
        ) {
            let (plan, journal) = (two(), Journal::of(&two()).unwrap());
            let whole: Vec<u8> = if headed { [&journal.header()[..], &bytes[..]].concat() } else { bytes };
            let said = journal.read(&plan, &whole);
            prop_assert!(said.is_none_or(|said| headed && said.found.is_empty()));
        }

        #[test]
        fn whatever_is_stored_is_read_again(stored in proptest::collection::vec((0..2u32, 0..3u32, any::<u8>()), 0..40)) {
            let (plan, journal) = (two(), Journal::of(&two()).unwrap());
            let said = journal.read(&plan, &written(journal, &stored)).unwrap();
            let newest: HashMap<_, _> = stored.iter().map(|(file, piece, number)| ((*file, *piece), *number)).collect();
            let read: HashMap<_, _> = said.found.iter().flat_map(|found| {
                found.pieces.iter().map(|(piece, value)| ((found.file.0, *piece), value.0[0]))
            }).collect();
            prop_assert_eq!(read, newest);
        }
    }
}
