//! The sharer's half of a fetch: reads pieces ahead, packs them into frames, proves what the receiver holds.
//!
//! Sends nothing that was not granted, reads little more than it can send, and never hashes: a read brings the
//! piece's value along.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::{Buf, Bytes};

use crate::api::Side;
use crate::few::Few;
use crate::host::{Errand, JobId, ReadPiece, SourceFault, SourceId};
use crate::id::{FileIndex, TransferId};
use crate::pieces::{PieceMap, Root, Value, piece_count, piece_range, root};
use crate::wire::{FrameBuilder, Have, Held};

/// Bytes read ahead of the lane, at most, unless a single piece is longer.
const READ_AHEAD: u64 = 4 << 20;
/// Reads under way at once: hides the latency of many small files.
const MAX_READS: usize = 64;
/// Pieces that a receiver may ask for again before the file is taken for changed.
const MAX_REPEATS: u32 = 64;

/// A file that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SharedFile {
    pub(crate) source: SourceId,
    pub(crate) size: u64,
}

/// What happened to the fetch by itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OutgoingEvent {
    /// A source cannot be served any more; the fetch is over.
    Failed(SourceFault),
}

/// One piece on its way from the disk to the lane.
#[derive(Debug)]
struct Pending {
    job: JobId,
    file: u32,
    piece: u32,
    length: u64,
    /// The receiver holds it: only its value travels.
    bare: bool,
    /// Sent before; must not count towards the file's root again.
    repeated: bool,
    read: Option<Reading>,
}

/// What is left to send of a piece that was read.
#[derive(Debug)]
struct Reading {
    offset: u64,
    left: Bytes,
    value: Value,
}

/// The values of one file's pieces. Reads come back in any order, each piece's once.
#[derive(Debug)]
struct Values {
    of_pieces: Vec<Option<Value>>,
    missing: u32,
}

/// Where reading goes on.
#[derive(Debug, Default)]
struct Cursor {
    file: u32,
    piece: u32,
    /// Second round over the file, for pieces that the receiver holds.
    proving: bool,
}

/// The sharer's half of one fetch.
#[derive(Debug)]
pub(crate) struct Outgoing {
    transfer: TransferId,
    files: Arc<[SharedFile]>,
    held: HashMap<u32, PieceMap>,
    /// Files that the receiver holds whole, in order; those behind the cursor are forgotten.
    done: VecDeque<(u32, u32)>,
    cursor: Cursor,
    pending: VecDeque<Pending>,
    /// Pieces that are to be sent once more, and how many there were in all.
    again: VecDeque<(u32, u32)>,
    repeats: u32,
    granted: u64,
    /// Payload bytes sent or being read for sending.
    claimed: u64,
    /// Of files of which not every piece was read yet.
    values: Few<u32, Values>,
    roots: Vec<Option<Root>>,
    /// Bytes of all files.
    total: u64,
    /// Bytes that the receiver says it stored.
    pub(crate) stored: u64,
    pub(crate) paused_here: bool,
    pub(crate) paused_there: bool,
}

impl Outgoing {
    /// Begins a fetch. `None` when what the receiver claims to hold does not fit the files.
    pub(crate) fn new(
        transfer: TransferId,
        files: Arc<[SharedFile]>,
        have: &Have,
        granted: u64,
    ) -> Option<Self> {
        let mut maps = HashMap::new();
        for Held { file, pieces } in have.held() {
            let size = files.get(file.0 as usize)?.size;
            if pieces.pieces() != piece_count(size) {
                return None;
            }
            maps.insert(file.0, pieces.clone());
        }
        let behind = |pair: &[(u32, u32)]| pair[0].0.saturating_add(pair[0].1) <= pair[1].0;
        if !have.done().windows(2).all(behind) {
            return None;
        }
        let roots = vec![None; files.len()];
        let total = files.iter().map(|file| file.size).sum();
        Some(Self {
            transfer,
            files,
            held: maps,
            done: have.done().iter().copied().collect(),
            cursor: Cursor::default(),
            pending: VecDeque::new(),
            again: VecDeque::new(),
            repeats: 0,
            granted,
            claimed: 0,
            values: Few::default(),
            roots,
            total,
            stored: 0,
            paused_here: false,
            paused_there: false,
        })
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused_here || self.paused_there
    }

    /// Who holds the bytes back, if anybody does.
    pub(crate) fn paused_by(&self) -> Option<Side> {
        self.paused_there.then_some(Side::There).or(self.paused_here.then_some(Side::Here))
    }

    /// The receiver's progress. Credit never shrinks, and no more is stored than there is.
    pub(crate) fn handle_credit(&mut self, granted: u64, stored: u64) {
        self.granted = self.granted.max(granted);
        self.stored = self.stored.max(stored).min(self.total);
    }

    /// The receiver wants a piece once more. False when it asks for what does not exist, or too often.
    pub(crate) fn handle_again(&mut self, file: FileIndex, piece: u32) -> bool {
        let exists = self.files.get(file.0 as usize).is_some_and(|file| piece < piece_count(file.size));
        if !exists || self.repeats >= MAX_REPEATS {
            return false;
        }
        self.repeats += 1;
        self.again.push_back((file.0, piece));
        true
    }

    /// Takes the outcome of a read that this fetch asked for.
    pub(crate) fn handle_read(
        &mut self,
        job: JobId,
        outcome: Result<ReadPiece, SourceFault>,
    ) -> Option<OutgoingEvent> {
        let pending = self.pending.iter_mut().find(|pending| pending.job == job)?;
        let size = self.files[pending.file as usize].size;
        let (offset, length) = piece_range(size, pending.piece);
        match outcome {
            Ok(read) if read.bytes.len() as u64 == length => {
                let left = if pending.bare { Bytes::new() } else { read.bytes };
                pending.read = Some(Reading { offset, left, value: read.value });
                if !pending.repeated {
                    let (file, piece) = (pending.file, pending.piece);
                    self.note_value(file, piece, read.value);
                }
                None
            }
            Ok(_) => Some(OutgoingEvent::Failed(SourceFault::Changed)),
            Err(fault) => Some(OutgoingEvent::Failed(fault)),
        }
    }

    /// Asks for the reads that should be under way now.
    pub(crate) fn poll_reads(&mut self, jobs: &mut impl FnMut() -> JobId) -> Vec<Errand> {
        let mut errands = Vec::new();
        while !self.is_paused() && self.pending.len() < MAX_READS {
            let ahead: u64 = self.pending.iter().map(|pending| pending.length).sum();
            let again = self.again.front().map(|(file, piece)| (*file, *piece, false));
            let Some((file, piece, bare)) = again.or_else(|| self.next_piece()) else { break };
            let (_, length) = piece_range(self.files[file as usize].size, piece);
            // Who asks once more has dropped what was granted for it the first time.
            let affordable = again.is_some() || bare || self.claimed + length <= self.granted;
            if !affordable || (ahead > 0 && ahead + length > READ_AHEAD) {
                break;
            }
            match again {
                Some(_) => _ = self.again.pop_front(),
                None => self.advance(),
            }
            errands.push(self.read(jobs(), file, piece, bare, again.is_some()));
        }
        errands
    }

    /// Whether a frame can be filled now: completely, or with the last there is to send for the moment.
    pub(crate) fn has_frame(&self, room: usize) -> bool {
        if self.is_paused() {
            return false;
        }
        let mut ready = 0;
        for pending in &self.pending {
            match &pending.read {
                Some(read) => ready += read.left.len() + crate::wire::SEGMENT_HEADER + crate::wire::PROOF,
                None => return ready >= room,
            }
        }
        ready > 0
    }

    /// Moves what is ready into the frame, as far as it fits.
    pub(crate) fn fill(&mut self, frame: &mut FrameBuilder) {
        while let Some(pending) = self.pending.front_mut() {
            let Some(read) = &mut pending.read else { return };
            let length = read.left.len().min(frame.room());
            let last = length == read.left.len();
            if !frame.fits_proof() || (length == 0 && !last) {
                return;
            }
            let proof = last.then_some(read.value);
            frame.push(self.transfer, FileIndex(pending.file), read.offset, proof, &read.left[..length]);
            read.left.advance(length);
            read.offset += length as u64;
            if last {
                self.pending.pop_front();
            }
        }
    }

    /// Roots of the files that were read whole, by file; complete after a fetch that began from nothing.
    pub(crate) fn roots(&self) -> Option<Vec<Root>> {
        self.roots.iter().copied().collect()
    }

    fn read(&mut self, job: JobId, file: u32, piece: u32, bare: bool, repeated: bool) -> Errand {
        let SharedFile { source, size } = self.files[file as usize];
        let (_, length) = piece_range(size, piece);
        let length = if bare { 0 } else { length };
        self.claimed += length;
        self.pending.push_back(Pending { job, file, piece, length, bare, repeated, read: None });
        Errand::Read { job, source, size, piece }
    }

    /// The piece at the cursor, after skipping what needs no reading.
    fn next_piece(&mut self) -> Option<(u32, u32, bool)> {
        loop {
            let file = self.files.get(self.cursor.file as usize)?;
            if let Some(&(first, count)) = self.done.front()
                && first <= self.cursor.file
            {
                let file = first.saturating_add(count).max(self.cursor.file);
                self.cursor = Cursor { file, ..Cursor::default() };
                self.done.pop_front();
                continue;
            }
            if self.cursor.piece >= piece_count(file.size) {
                let proving = !self.cursor.proving && self.held.contains_key(&self.cursor.file);
                let file = self.cursor.file + u32::from(!proving);
                self.cursor = Cursor { file, piece: 0, proving };
                continue;
            }
            let held = self.held.get(&self.cursor.file).is_some_and(|map| map.contains(self.cursor.piece));
            if held == self.cursor.proving {
                return Some((self.cursor.file, self.cursor.piece, held));
            }
            self.cursor.piece += 1;
        }
    }

    fn advance(&mut self) {
        self.cursor.piece += 1;
    }

    fn note_value(&mut self, file: u32, piece: u32, value: Value) {
        let size = self.files[file as usize].size;
        let values = self.values.get_or_insert_with(file, || Values::none(size));
        if values.of_pieces[piece as usize].replace(value).is_none() {
            values.missing -= 1;
        }
        if values.missing == 0 {
            let whole = self.values.remove(&file).and_then(Values::whole);
            self.roots[file as usize] = whole.and_then(|whole| root(size, &whole));
        }
    }
}

impl Values {
    fn none(size: u64) -> Self {
        let missing = piece_count(size);
        Self { of_pieces: vec![None; missing as usize], missing }
    }

    fn whole(self) -> Option<Vec<Value>> {
        self.of_pieces.into_iter().collect()
    }
}
