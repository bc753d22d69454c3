//! Both halves of a fetch against each other, with nothing between them.

use std::collections::VecDeque;
use std::sync::Arc;

use super::incoming::Stretch;
use super::*;
use crate::host::{Errand, JobId, ReadPiece, SourceId, StoreId};
use crate::id::{FileIndex, ItemId, TransferId};
use crate::pieces::{piece_range, root, value_of};
use crate::wire::{Control, FrameBuilder, Have, MAX_FRAME, MIN_FRAME, Segment, segments};

/// Files of an item, made of their number, and a receiver of them.
struct Halves {
    sizes: Vec<u64>,
    incoming: Incoming,
    outgoing: Option<Outgoing>,
    jobs: u64,
    committed: bool,
    /// Bytes of payload that came.
    carried: u64,
}

impl Halves {
    fn new(sizes: Vec<u64>) -> Self {
        let incoming = Incoming::new(StoreId(1), sizes.clone());
        Self { sizes, incoming, outgoing: None, jobs: 0, committed: false, carried: 0 }
    }

    fn bytes(&self, file: u32, piece: u32) -> Vec<u8> {
        let (at, length) = piece_range(self.sizes[file as usize], piece);
        let byte = |offset: u64| u8::try_from((u64::from(file) + at + offset) % 251).unwrap();
        (0..length).map(byte).collect()
    }

    /// Begins a fetch over a link that takes messages of `room` bytes.
    fn start(&mut self, room: usize) {
        let fetch = self.incoming.start(TransferId(1), ItemId::TEXT, room);
        assert!(fetch.encode().len() <= room);
        let Control::Fetch { transfer, have, window, .. } = fetch else { panic!("{fetch:?}") };
        let shared = |(source, &size): (u64, &u64)| SharedFile { source: SourceId(source), size };
        let files: Arc<[SharedFile]> = (0..).zip(&self.sizes).map(shared).collect();
        self.outgoing = Outgoing::new(transfer, files, &have, window);
        assert!(self.outgoing.is_some(), "what is held is part of the item");
    }

    /// Lets frames pass, as many as `frames`; false when there are no more.
    fn pass(&mut self, frames: usize) -> bool {
        for _ in 0..frames {
            let outgoing = self.outgoing.as_mut().unwrap();
            let mut new_job = || {
                self.jobs += 1;
                JobId(self.jobs)
            };
            let reads = outgoing.poll_reads(&mut new_job);
            for read in reads {
                let Errand::Read { job, source, size, piece } = read else { panic!("{read:?}") };
                let bytes = self.bytes(u32::try_from(source.0).unwrap(), piece);
                let value = value_of(size, piece, [&bytes[..]]).unwrap();
                let read = ReadPiece { bytes: bytes.into(), value };
                assert_eq!(self.outgoing.as_mut().unwrap().handle_read(job, Ok(read)), None);
            }
            let outgoing = self.outgoing.as_mut().unwrap();
            if !outgoing.has_frame(MAX_FRAME) {
                return false;
            }
            let mut frame = FrameBuilder::new(MAX_FRAME);
            outgoing.fill(&mut frame);
            for segment in segments(frame.finish()) {
                self.take(segment.unwrap());
            }
        }
        true
    }

    fn take(&mut self, segment: Segment) {
        self.carried += segment.payload.len() as u64;
        let jobs = &mut self.jobs;
        let mut new_job = || {
            *jobs += 1;
            JobId(*jobs)
        };
        let outcome = self.incoming.handle_segment(segment, &mut new_job).unwrap();
        self.follow(outcome);
    }

    fn follow(&mut self, outcome: Outcome) {
        assert!(matches!(outcome.event, None | Some(IncomingEvent::AllCommitted)), "{outcome:?}");
        self.committed |= outcome.event.is_some();
        let credit = outcome.say.or_else(|| self.incoming.poll_credit());
        if let Some(Control::Credit { granted, stored, .. }) = credit {
            self.outgoing.as_mut().unwrap().handle_credit(granted, stored);
        }
        let next = match outcome.errand {
            Some(Errand::Write { job, file, piece, chunks, .. }) => {
                let size = self.sizes[file.0 as usize];
                let value = value_of(size, piece, chunks.iter().map(|chunk| &chunk[..])).unwrap();
                self.incoming.handle_written(job, value)
            }
            Some(Errand::Commit { .. }) => {
                Outcome { event: self.incoming.handle_committed(), ..Outcome::default() }
            }
            _ => return,
        };
        self.follow(next);
    }

    fn assert_whole(&self) {
        assert!(self.committed && self.incoming.is_stored());
        let roots = self.incoming.roots().unwrap();
        for (file, root_here) in (0..).zip(roots) {
            let value = value_of(self.sizes[file as usize], 0, [&self.bytes(file, 0)[..]]);
            assert_eq!(Some(root_here), root(self.sizes[file as usize], &[value.unwrap()]));
        }
    }
}

/// The receiver holds every second file already, so many that no short message names them all.
fn with_gaps(size: impl Fn(u32) -> u64) -> Halves {
    let mut halves = Halves::new((0..6_000).map(size).collect());
    halves.start(MAX_FRAME);
    for file in (0..6_000).step_by(2) {
        let bytes = halves.bytes(file, 0);
        let proof = value_of(halves.sizes[file as usize], 0, [&bytes[..]]);
        let (transfer, offset) = (TransferId(1), 0);
        halves.take(Segment { transfer, file: FileIndex(file), offset, proof, payload: bytes.into() });
    }
    halves.carried = 0;
    halves
}

#[test]
fn an_item_goes_on_though_not_all_that_is_held_can_be_named() {
    let mut halves = with_gaps(|file| u64::from(file % 3) * 4_000);
    halves.start(MIN_FRAME);
    while halves.pass(1) {}
    halves.assert_whole();
    let missing: u64 = halves.sizes.iter().skip(1).step_by(2).sum();
    let all: u64 = halves.sizes.iter().sum();
    assert!(missing < halves.carried && halves.carried < all, "{} of {all}", halves.carried);
}

#[test]
fn a_file_that_could_not_be_named_comes_again_once_and_not_twice() {
    let mut halves = with_gaps(|_| 10);
    halves.start(MIN_FRAME);
    let bytes = halves.bytes(5_998, 0);
    let proof = value_of(10, 0, [&bytes[..]]);
    let segment = |file, length: usize| Segment {
        transfer: TransferId(1),
        file: FileIndex(file),
        offset: 0,
        proof,
        payload: bytes::Bytes::copy_from_slice(&bytes[..length]),
    };
    let mut take = |segment| halves.incoming.handle_segment(segment, &mut || JobId(0)).is_ok();
    assert!(!take(segment(0, 10)), "the first file was named");
    assert!(!take(segment(5_998, 0)), "nothing of a file that is not empty");
    assert!(take(segment(5_998, 10)) && !take(segment(5_998, 10)));
}

/// A part of the only file, which has so many bytes.
fn part(offset: u64, length: usize, proof: Option<crate::pieces::Value>) -> Segment {
    let payload = bytes::Bytes::from(vec![7; length]);
    Segment { transfer: TransferId(1), file: FileIndex(0), offset, proof, payload }
}

#[test]
fn a_piece_that_came_is_not_taken_again_before_it_is_checked() {
    let mut halves = Halves::new(vec![10]);
    halves.start(MIN_FRAME);
    let proof = value_of(10, 0, [&[7; 10][..]]);
    let take = |halves: &mut Halves| halves.incoming.handle_segment(part(0, 10, proof), &mut || JobId(9));
    assert!(matches!(take(&mut halves), Ok(Outcome { errand: Some(Errand::Write { .. }), .. })));
    assert_eq!(take(&mut halves), Err(Stretch), "what is written would not be what is checked");
    let other = value_of(10, 0, [&[8; 10][..]]).unwrap();
    assert!(matches!(halves.incoming.handle_written(JobId(9), other).say, Some(Control::Again { .. })));
    assert!(take(&mut halves).is_ok(), "once it was asked for again");
}

#[test]
fn a_piece_in_crumbs_is_refused() {
    let mut halves = Halves::new(vec![1 << 20]);
    halves.start(MIN_FRAME);
    let mut crumbs =
        (0..).map(|offset| halves.incoming.handle_segment(part(offset, 1, None), &mut || JobId(1)));
    let taken = crumbs.position(|outcome| outcome.is_err()).unwrap();
    assert!((64..200).contains(&taken), "{taken}: as many as the smallest frames bring, and some");
}

#[test]
fn runs_of_files_out_of_order_or_over_each_other_are_refused() {
    let shared = |source| SharedFile { source: SourceId(source), size: 1 };
    let files: Arc<[SharedFile]> = (0..10).map(shared).collect();
    let taken = |done: &[(u32, u32)]| {
        let forged = postcard::to_stdvec(&(Vec::<u8>::new(), done)).unwrap();
        let have: Have = postcard::from_bytes(&forged).unwrap();
        Outgoing::new(TransferId(1), Arc::clone(&files), &have, 1).is_some()
    };
    assert!(taken(&[]) && taken(&[(0, 2), (2, 3), (9, 1)]) && taken(&[(3, u32::MAX)]));
    assert!(!taken(&[(4, 1), (2, 1)]) && !taken(&[(0, 3), (2, 1)]) && !taken(&[(1, u32::MAX), (5, 1)]));
}

#[test]
fn a_large_file_goes_on_where_its_pieces_end() {
    let mut halves = Halves::new(vec![40 << 20]);
    halves.start(MIN_FRAME);
    halves.pass(50);
    let before = halves.incoming.stored();
    assert!(before > 0 && !halves.committed);
    (halves.carried, halves.outgoing) = (0, None);
    halves.start(MIN_FRAME);
    while halves.pass(1) {}
    assert!(halves.committed && halves.incoming.is_stored());
    assert_eq!(halves.carried, (40 << 20) - before);
}

#[test]
fn the_hash_is_known_whatever_order_the_reads_of_a_file_end_in() {
    const SIZE: u64 = (5 << 19) + 1;
    let file: Vec<u8> = (0..SIZE).map(|at| u8::try_from(at % 251).unwrap()).collect();
    for order in [[0, 1, 2], [0, 2, 1], [2, 1, 0], [2, 0, 1]] {
        let files: Arc<[SharedFile]> = [SharedFile { source: SourceId(1), size: SIZE }].into();
        let mut outgoing = Outgoing::new(TransferId(1), files, &Have::default(), SIZE).unwrap();
        let mut jobs = (0..).map(JobId);
        let reads = outgoing.poll_reads(&mut || jobs.next().unwrap());
        for at in order {
            let (Errand::Read { job, piece, .. }, bytes) =
                (&reads[at], file.chunks(1 << 20).nth(at).unwrap())
            else {
                panic!("{reads:?}")
            };
            let value = value_of(SIZE, *piece, [bytes]).unwrap();
            let bytes = bytes::Bytes::copy_from_slice(bytes);
            assert_eq!(outgoing.roots(), None);
            assert_eq!(outgoing.handle_read(*job, Ok(ReadPiece { bytes, value })), None);
        }
        let root = outgoing.roots().unwrap()[0].to_string();
        assert_eq!(root, blake3::hash(&file).to_string(), "{order:?}");
    }
}

#[test]
fn what_is_asked_for_again_is_read_no_further_ahead_than_anything_else() {
    const MIB: u64 = 1 << 20;
    // Nothing is granted, so that every read is one that was asked for again.
    let files: Arc<[SharedFile]> = [SharedFile { source: SourceId(0), size: 200 * MIB }].into();
    let mut outgoing = Outgoing::new(TransferId(1), files, &Have::default(), 0).unwrap();
    assert!((0..64).all(|piece| outgoing.handle_again(FileIndex(0), piece)));
    assert!(!outgoing.handle_again(FileIndex(0), 64), "too often");
    assert!(!outgoing.handle_again(FileIndex(1), 0), "there is none");
    let mut jobs = 0;
    let mut new_job = || {
        jobs += 1;
        JobId(jobs)
    };
    let reads = outgoing.poll_reads(&mut new_job);
    assert_eq!(reads.len(), 4, "four MiB");
    assert!(outgoing.poll_reads(&mut new_job).is_empty(), "nothing was sent yet");
    let mut sent = 0;
    let mut waiting: VecDeque<Errand> = reads.into();
    while let Some(Errand::Read { job, size, piece, .. }) = waiting.pop_front() {
        let bytes = vec![7; usize::try_from(MIB).unwrap()];
        let value = value_of(size, piece, [&bytes[..]]).unwrap();
        assert_eq!(outgoing.handle_read(job, Ok(ReadPiece { bytes: bytes.into(), value })), None);
        while outgoing.has_frame(MAX_FRAME) {
            let mut frame = FrameBuilder::new(MAX_FRAME);
            outgoing.fill(&mut frame);
            sent +=
                segments(frame.finish()).map(|segment| segment.unwrap().payload.len() as u64).sum::<u64>();
        }
        waiting.extend(outgoing.poll_reads(&mut new_job));
    }
    assert_eq!(sent, 64 * MIB, "all of it comes, in its turn");
}
