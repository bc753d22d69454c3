//! What this device wrote to a disk and reads again, after anything may have happened to it.

use privydrop_common::host::{Plan, PlannedFile};
use privydrop_common::id::FileIndex;
use privydrop_common::journal::{HEADER, Journal, RECORD};
use privydrop_common::name::RelativePath;
use privydrop_common::pieces::{Value, piece_count};

/// Two files of five and three pieces.
fn plan() -> Plan {
    let file = |name: &str, size| PlannedFile {
        path: RelativePath::parse(["trip", name]).unwrap(),
        size,
        modified: Some(1),
    };
    let files = vec![file("a", 5 << 20), file("b", 3 << 20)];
    Plan { total: files.iter().map(|file| file.size).sum(), files, folders: Vec::new(), is_folder: true }
}

/// Three bytes a record that is written, then what happens to the file: where it is cut, and where one byte changes and
/// how; and the same bytes as a file of their own, behind a header that is right and behind none.
pub(crate) fn journals(bytes: &[u8]) {
    let (plan, journal) = (plan(), Journal::of(&plan()).expect("large enough for a journal"));
    let stored: Vec<_> = bytes
        .get(4..)
        .unwrap_or_default()
        .chunks_exact(3)
        .take(512)
        .map(|record| (u32::from(record[0] % 3), u32::from(record[1] % 6), record[2]))
        .collect();
    let records = stored
        .iter()
        .flat_map(|(file, piece, number)| journal.record(FileIndex(*file), *piece, Value([*number; 32])));
    let whole: Vec<u8> = journal.header().into_iter().chain(records).collect();
    let mut spoiled = whole.clone();
    if let Some(&[a, b, c, d]) = bytes.first_chunk() {
        spoiled.truncate(whole.len() - usize::from(a) % whole.len());
        let at = usize::from(u16::from_be_bytes([b, c])) % (spoiled.len() + 1);
        spoiled.get_mut(at).into_iter().for_each(|byte| *byte ^= d);
    }
    let believed = |(file, piece, _): &&(u32, u32, u8)| {
        plan.files.get(*file as usize).is_some_and(|planned| *piece < piece_count(planned.size))
    };
    if let Some(said) = journal.read(&plan, &spoiled) {
        // Records that are whole and right up to the first that is not.
        let length = usize::try_from(said.length).unwrap();
        assert!(length <= spoiled.len() && (length - HEADER).is_multiple_of(RECORD));
        assert_eq!(spoiled[..length], whole[..length]);
        let kept = (length - HEADER) / RECORD;
        assert!(stored[..kept].iter().all(|record| believed(&record)));
        for found in &said.found {
            for (piece, value) in &found.pieces {
                let newest =
                    stored[..kept].iter().rfind(|(file, number, _)| (*file, number) == (found.file.0, piece));
                assert_eq!(newest.map(|(.., number)| Value([*number; 32])), Some(*value));
            }
        }
        assert_eq!(journal.read(&plan, &spoiled[..length]), Some(said));
    } else {
        assert!(!spoiled.starts_with(&journal.header()));
    }
    for file in [bytes.to_vec(), [&journal.header()[..], bytes].concat()] {
        if let Some(said) = journal.read(&plan, &file) {
            assert!(said.length as usize <= file.len());
        }
    }
}

pub(crate) fn journal_seeds() -> Vec<Vec<u8>> {
    let records = [0, 0, 1, 1, 2, 2, 0, 3, 3, 0, 0, 4];
    let with = |accident: [u8; 4]| [&accident[..], &records].concat();
    vec![with([0; 4]), with([17, 0, 0, 0]), with([0, 0, 99, 1]), with([0, 0, 2, 1])]
}
