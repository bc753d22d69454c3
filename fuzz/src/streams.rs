//! What two members say to each other on a link: control messages, data frames, what is held.

use bytes::Bytes;
use privydrop_common::code::RoomKey;
use privydrop_common::id::{FileIndex, ItemId, TransferId};
use privydrop_common::pieces::{MAX_PIECES, PieceMap, Value, piece_count};
use privydrop_common::sdp::{Candidate, Sdp};
use privydrop_common::transport::MAX_LANES;
use privydrop_common::wire::{
    Control, Entry, EntryKind, FrameBuilder, Have, HeldRun, ItemSummary, LaneWord, MAX_ENTRIES, MAX_FRAME,
    MAX_HELD, MAX_LABEL, MAX_PAGE, MAX_TEXT, MIN_FRAME, RefuseFetch, SEGMENT_HEADER, SummaryKind, segments,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::letters::{CANDIDATE, DESCRIPTION};

/// One frame on the control lane.
pub(crate) fn control(bytes: &[u8]) {
    let Ok(message) = Control::decode(bytes) else { return };
    assert!(bytes.len() <= MAX_FRAME);
    match &message {
        Control::Introduce { label } => assert!(label.len() <= MAX_LABEL),
        Control::Text(document) => assert!(document.len() <= MAX_TEXT),
        Control::Entries { entries, .. } => assert!(entries.len() <= MAX_PAGE),
        Control::Fetch { have, .. } => {
            assert!(have.held().len() <= MAX_HELD && have.done().len() <= MAX_HELD)
        }
        Control::Offer(ItemSummary { kind: SummaryKind::Folder { files, entries }, .. }) => {
            assert!(files <= entries && *entries <= MAX_ENTRIES);
        }
        Control::Lanes(lanes) => assert!((2..=MAX_LANES).contains(lanes)),
        Control::Lane { number, .. } => assert!((1..MAX_LANES).contains(number)),
        _ => {}
    }
    let encoded = message.encode();
    assert!(encoded.len() <= bytes.len(), "what is written again is no longer");
    assert_eq!(Control::decode(&encoded), Ok(message));
}

/// One frame on a data lane.
pub(crate) fn data_frames(bytes: &[u8]) {
    let read: Vec<_> = segments(Bytes::copy_from_slice(bytes)).collect();
    assert!(!read.is_empty() && read.len() <= bytes.len() / SEGMENT_HEADER + 1);
    let (last, before) = read.split_last().unwrap();
    assert!(before.iter().all(Result::is_ok), "nothing follows what is no segment");
    let mut builder = FrameBuilder::new(bytes.len());
    for segment in read.iter().flatten() {
        assert!(segment.offset.checked_add(segment.payload.len() as u64).is_some());
        assert!(!segment.payload.is_empty() || segment.proof.is_some());
        builder.push(segment.transfer, segment.file, segment.offset, segment.proof, &segment.payload);
    }
    let again = builder.finish();
    assert!(bytes.starts_with(&again) && (last.is_err() || again.len() == bytes.len()));
}

/// Runs of what is held, made to fit a fetch, and maps of pieces as they travel.
pub(crate) fn have_sets(bytes: &[u8]) {
    let mut words = bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap()));
    let room = MIN_FRAME + words.next().unwrap_or(0) as usize % (MAX_FRAME - MIN_FRAME + 1);
    let lengths: Vec<u32> = words.collect();
    piece_maps(&lengths);
    let runs = runs(&lengths);
    let total: u64 = runs.iter().map(HeldRun::bytes).fold(0, u64::saturating_add);
    let count = runs.len();
    let (have, left_out) = Have::within(room, runs);
    assert!(left_out.len() <= count);
    assert!(left_out.iter().map(HeldRun::bytes).fold(0, u64::saturating_add) <= total);
    let fetch = Control::Fetch { transfer: TransferId(1), item: ItemId::TEXT, have, window: u64::MAX };
    let encoded = fetch.encode();
    assert!(encoded.len() <= room, "{} of {room}", encoded.len());
    assert_eq!(Control::decode(&encoded), Ok(fetch));
}

fn piece_maps(lengths: &[u32]) {
    let Ok(map) = PieceMap::try_from(lengths.to_vec()) else { return };
    assert!((1..=MAX_PIECES).contains(&map.pieces()) && map.count() <= map.pieces());
    let held: u32 = map.held().map(|run| run.end - run.start).sum();
    let missing: u32 = map.missing().map(|run| run.end - run.start).sum();
    assert_eq!((held, held + missing), (map.count(), map.pieces()));
    assert!(map.held().all(|run| map.contains(run.start) && map.contains(run.end - 1)));
    assert_eq!(PieceMap::try_from(Vec::from(map.clone())), Ok(map));
}

/// Runs in the order that a receiver has them: those of a file's pieces apart from each other, then whole files.
fn runs(lengths: &[u32]) -> Vec<HeldRun> {
    let (mut runs, mut piece, mut file) = (Vec::new(), 0, 0);
    // A file of 3,000 pieces after the other.
    let size = 3_000 << 20;
    let (pieces, files) = lengths.split_at(lengths.len() / 2);
    for length in pieces {
        let start = piece + 1 + length % 7;
        let end = start + 1 + length / 7 % 50;
        if end >= piece_count(size) {
            (piece, file) = (0, file + 1);
            continue;
        }
        runs.push(HeldRun::Pieces { file: FileIndex(file), size, pieces: start..end });
        piece = end;
    }
    file += 1;
    for length in files {
        let start = file + 1 + length % 1_000;
        let end = start + 1 + length / 1_000 % 1_000;
        runs.push(HeldRun::Files { files: start..end, bytes: u64::from(*length) });
        file = end;
    }
    runs
}

pub(crate) fn control_messages() -> Vec<Control> {
    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    let (item, transfer) = (ItemId::random(&mut rng), TransferId(3));
    let sdp: Sdp = DESCRIPTION.to_owned().try_into().unwrap();
    let candidate = Candidate::new(CANDIDATE.to_owned(), None, Some(0)).unwrap();
    let lane = |word| Control::Lane { number: 1, word };
    let summary = |kind| ItemSummary { id: item, name: "trip".to_owned(), size: 5, kind };
    let runs = vec![
        HeldRun::Pieces { file: FileIndex(0), size: 9 << 20, pieces: 3..5 },
        HeldRun::Files { files: 1..4, bytes: 12 },
    ];
    let entries = vec![
        Entry { path: vec!["day".to_owned()], kind: EntryKind::Folder },
        Entry {
            path: vec!["day".to_owned(), "a.txt".to_owned()],
            kind: EntryKind::File { size: 5, modified: Some(1) },
        },
    ];
    vec![
        Control::Introduce { label: "Firefox on Linux".to_owned() },
        Control::RoomKey(RoomKey::random(&mut rng)),
        Control::Offer(summary(SummaryKind::File { modified: None })),
        Control::Offer(summary(SummaryKind::Folder { files: 1, entries: 2 })),
        Control::Withdraw(item),
        Control::Text(Bytes::from_static(&[1, 0])),
        Control::List { item, from: 0 },
        Control::Entries { item, from: 0, entries },
        Control::Fetch { transfer, item, have: Have::within(MIN_FRAME, runs).0, window: 8 << 20 },
        Control::Credit { transfer, granted: 9 << 20, stored: 1 << 20 },
        Control::Pause(transfer),
        Control::Resume(transfer),
        Control::Cancel(transfer),
        Control::Refuse { transfer, why: RefuseFetch::Changed },
        Control::RefuseList { item, why: RefuseFetch::Busy },
        Control::Again { transfer, file: FileIndex(0), piece: 2 },
        Control::Received(transfer),
        Control::Bye,
        Control::Lanes(4),
        lane(LaneWord::Offer(sdp.clone())),
        lane(LaneWord::Answer(sdp)),
        lane(LaneWord::Candidate(candidate)),
        lane(LaneWord::Open),
    ]
}

pub(crate) fn control_seeds() -> Vec<Vec<u8>> {
    control_messages().iter().map(|message| message.encode().to_vec()).collect()
}

pub(crate) fn data_seeds() -> Vec<Vec<u8>> {
    let frame = |parts: &[(u64, Option<Value>, &[u8])]| {
        let mut builder = FrameBuilder::new(MIN_FRAME);
        for (number, (offset, proof, payload)) in (0..).zip(parts) {
            builder.push(TransferId(7), FileIndex(number), *offset, *proof, payload);
        }
        builder.finish().to_vec()
    };
    let value = Some(Value([5; 32]));
    vec![
        frame(&[(0, None, b"the beginning")]),
        frame(&[(1 << 20, value, b"the end of a piece"), (0, value, b""), (0, value, b"a small file")]),
    ]
}

pub(crate) fn have_seeds() -> Vec<Vec<u8>> {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let many: Vec<u32> = (0..200).map(|number| number * 37).collect();
    vec![words(&[0, 2, 3, 1, 9]), words(&[7, 0, 1, 1, 1, 1, 1]), words(&many)]
}
