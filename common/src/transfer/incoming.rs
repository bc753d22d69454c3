//! The receiver's half of a fetch: puts frames together to pieces, has them written, and checks each.
//!
//! A piece counts only when the value of what was written equals the value that the sharer sent. A file counts only
//! when all its pieces do. Bytes that were not granted, do not fit, or come twice end the link.

use std::collections::HashMap;

use bytes::Bytes;

use crate::host::{Errand, Found, JobId, StoreId};
use crate::id::{FileIndex, ItemId, TransferId};
use crate::pieces::{PieceMap, PieceSize, Root, Value, piece_count, piece_range, root};
use crate::transfer::window_for;
use crate::wire::{Control, Have, HeldRun, MIN_FRAME, Segment};

/// The parts of a piece are those of the frames that it came in, and a frame is no smaller than [`MIN_FRAME`]. Crumbs would cost a
/// hundred times their bytes. So many parts more than that are let pass.
const SPARE_PARTS: u64 = 4;
/// Failed checks of one item before it is given up.
const MAX_FAILED_PIECES: u32 = 16;

/// The peer sent what this fetch cannot take: not granted, out of place, or twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch;

/// What happened to the fetch by itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum IncomingEvent {
    /// A piece failed its check and was asked for again.
    PieceFailed,
    /// Too many pieces failed; the fetch is over.
    Corrupt,
    /// A piece held from before is not what the sharer has now; the fetch is over.
    Changed,
    /// All files are verified and have their names.
    AllCommitted,
}

/// What a segment or a write leads to.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) errand: Option<Errand>,
    pub(crate) say: Option<Control>,
    pub(crate) event: Option<IncomingEvent>,
}

/// A piece that is not here yet.
#[derive(Debug, Default)]
struct Assembly {
    /// Sorted by offset; none overlap.
    chunks: Vec<(u64, Bytes)>,
    length: u64,
    proof: Option<Value>,
    /// It came whole, and is not taken again before what was written of it is checked.
    is_written: bool,
}

/// A file of which some pieces are here.
#[derive(Debug)]
struct Active {
    map: PieceMap,
    values: Vec<Option<Value>>,
    /// Held from an earlier connection, and not proved by the sharer yet.
    unproved: u32,
}

#[derive(Debug)]
struct Writing {
    file: u32,
    piece: u32,
    proof: Value,
}

/// The receiver's half of one item's fetches: it outlives a link and goes on over the next.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) transfer: TransferId,
    pub(crate) store: StoreId,
    sizes: Vec<u64>,
    /// Bytes of all files.
    total: u64,
    roots: Vec<Option<Root>>,
    active: HashMap<u32, Active>,
    assemblies: HashMap<(u32, u32), Assembly>,
    writing: HashMap<JobId, Writing>,
    committed: u32,
    window: u64,
    granted: u64,
    announced: u64,
    received: u64,
    stored: u64,
    failed_pieces: u32,
    /// Whole files that the sharer could not be told of, and the bytes of each that are still to come for nothing.
    unnamed: Vec<Option<u64>>,
    restored: bool,
}

impl Incoming {
    /// An item of these files, of which nothing is here.
    pub(crate) fn new(store: StoreId, sizes: Vec<u64>) -> Self {
        let largest = sizes.iter().map(|size| PieceSize::for_file(*size).bytes()).max().unwrap_or(0);
        let roots = vec![None; sizes.len()];
        Self {
            transfer: TransferId(0),
            store,
            total: sizes.iter().sum(),
            sizes,
            roots,
            active: HashMap::new(),
            assemblies: HashMap::new(),
            writing: HashMap::new(),
            committed: 0,
            window: window_for(largest),
            granted: 0,
            announced: 0,
            received: 0,
            stored: 0,
            failed_pieces: 0,
            unnamed: Vec::new(),
            restored: false,
        }
    }

    /// Takes over what an earlier attempt left, before the first [`Self::start`]. What does not fit the item is left out,
    /// and comes again. The sharer has to prove every piece.
    pub(crate) fn restore(&mut self, found: Vec<Found>) {
        for Found { file, pieces } in found {
            let Some(&size) = self.sizes.get(file.0 as usize) else { continue };
            let active = self.active.entry(file.0).or_insert_with(|| Active::new(size));
            for (piece, value) in pieces.into_iter().filter(|(piece, _)| *piece < piece_count(size)) {
                if active.map.insert(piece) {
                    self.stored += piece_range(size, piece).1;
                }
                active.values[piece as usize] = Some(value);
            }
        }
        self.restored = self.stored > 0;
    }

    /// True when something of it was left by an earlier attempt.
    pub(crate) fn is_restored(&self) -> bool {
        self.restored
    }

    /// Bytes verified and stored.
    pub(crate) fn stored(&self) -> u64 {
        self.stored
    }

    /// True when every byte is stored, though not every file may have its name yet.
    pub(crate) fn is_stored(&self) -> bool {
        self.missing() == 0
    }

    /// Bytes that are not verified and stored yet.
    pub(crate) fn missing(&self) -> u64 {
        self.total - self.stored
    }

    /// True when every file is verified, though not every one may have its name yet.
    pub(crate) fn is_verified(&self) -> bool {
        self.roots.iter().all(Option::is_some)
    }

    /// True when there is nothing to fetch at all: a folder without files.
    pub(crate) fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// Roots of all files, when all are committed.
    pub(crate) fn roots(&self) -> Option<Vec<Root>> {
        self.roots.iter().copied().collect()
    }

    /// True when no write is under way, so that a fetch can begin (again).
    pub(crate) fn is_settled(&self) -> bool {
        self.writing.is_empty()
    }

    /// Begins (again) over a link that takes messages of `room` bytes: the fetch to send, naming what is held already.
    /// What was half received over the old link comes again, and what did not fit the message. Call it when
    /// [`Self::is_settled`].
    pub(crate) fn start(&mut self, transfer: TransferId, item: ItemId, room: usize) -> Control {
        self.transfer = transfer;
        self.assemblies.clear();
        self.received = 0;
        self.granted = self.window;
        self.announced = self.granted;
        let (have, left_out) = Have::within(room, self.held_runs());
        self.unnamed.clear();
        for run in left_out {
            self.leave_out(run);
        }
        for active in self.active.values_mut() {
            active.unproved = active.map.count();
        }
        Control::Fetch { transfer, item, have, window: self.granted }
    }

    /// Everything that is here.
    fn held_runs(&self) -> Vec<HeldRun> {
        let mut runs = self.done_runs();
        for (&file, active) in &self.active {
            let size = self.sizes[file as usize];
            let run = |pieces| HeldRun::Pieces { file: FileIndex(file), size, pieces };
            runs.extend(active.map.held().map(run));
        }
        runs
    }

    /// The sharer is not told of this run, and sends it again.
    fn leave_out(&mut self, run: HeldRun) {
        match run {
            // A file that has its name keeps it: what comes of it is dropped.
            HeldRun::Files { files, .. } => {
                self.unnamed.resize(self.sizes.len(), None);
                files.for_each(|file| self.unnamed[file as usize] = Some(self.sizes[file as usize]));
            }
            HeldRun::Pieces { file, ref pieces, .. } => {
                let Some(active) = self.active.get_mut(&file.0) else { return };
                for piece in pieces.clone() {
                    active.map.remove(piece);
                    active.values[piece as usize] = None;
                }
                self.stored -= run.bytes();
            }
        }
    }

    /// Takes one segment; may ask for a write or a commit.
    pub(crate) fn handle_segment(
        &mut self,
        segment: Segment,
        jobs: &mut impl FnMut() -> JobId,
    ) -> Result<Outcome, Stretch> {
        let file = segment.file;
        let size = *self.sizes.get(file.0 as usize).ok_or(Stretch)?;
        let length = segment.payload.len() as u64;
        self.received += length;
        if self.received > self.granted || segment.offset + length > size {
            return Err(Stretch);
        }
        let piece = u32::try_from(segment.offset / PieceSize::for_file(size).bytes()).map_err(|_| Stretch)?;
        let (start, piece_length) = piece_range(size, piece);
        let fits = piece < piece_count(size) && segment.offset + length <= start + piece_length;
        if !fits {
            return Err(Stretch);
        }
        if self.roots[file.0 as usize].is_some() {
            return self.drop_again(file, size, length);
        }
        let active = self.active.entry(file.0).or_insert_with(|| Active::new(size));
        if active.map.contains(piece) {
            return self.prove(piece, &segment);
        }
        let assembly = self.assemblies.entry((file.0, piece)).or_default();
        assembly.add(segment, piece_length)?;
        let (true, Some(proof)) = (assembly.length == piece_length, assembly.proof) else {
            return Ok(Outcome::default());
        };
        assembly.is_written = true;
        let chunks = core::mem::take(&mut assembly.chunks);
        let job = jobs();
        self.writing.insert(job, Writing { file: file.0, piece, proof });
        let chunks = chunks.into_iter().map(|(_, chunk)| chunk).collect();
        let write = Errand::Write { job, store: self.store, file, piece, chunks };
        Ok(Outcome { errand: Some(write), ..Outcome::default() })
    }

    /// True when this fetch asked for the write.
    pub(crate) fn owns(&self, job: JobId) -> bool {
        self.writing.contains_key(&job)
    }

    /// Takes the value of what was written.
    pub(crate) fn handle_written(&mut self, job: JobId, value: Value) -> Outcome {
        let Some(Writing { file, piece, proof }) = self.writing.remove(&job) else {
            return Outcome::default();
        };
        self.assemblies.remove(&(file, piece));
        let size = self.sizes[file as usize];
        let (_, length) = piece_range(size, piece);
        self.granted += length;
        if value != proof {
            self.failed_pieces += 1;
            if self.failed_pieces > MAX_FAILED_PIECES {
                return Outcome { event: Some(IncomingEvent::Corrupt), ..Outcome::default() };
            }
            let again = Control::Again { transfer: self.transfer, file: FileIndex(file), piece };
            return Outcome { say: Some(again), event: Some(IncomingEvent::PieceFailed), errand: None };
        }
        if let Some(active) = self.active.get_mut(&file) {
            if active.map.insert(piece) {
                self.stored += length;
            }
            active.values[piece as usize] = Some(value);
        }
        Outcome { errand: self.finish_file(file), ..Outcome::default() }
    }

    /// Lets go of bytes of a whole file that the sharer was not told of; anybody else's come twice.
    fn drop_again(&mut self, file: FileIndex, size: u64, length: u64) -> Result<Outcome, Stretch> {
        let unnamed = self.unnamed.get_mut(file.0 as usize).ok_or(Stretch)?;
        let left = unnamed.and_then(|left| left.checked_sub(length)).ok_or(Stretch)?;
        if length == 0 && size > 0 {
            return Err(Stretch);
        }
        *unnamed = (left > 0).then_some(left);
        self.granted += length;
        Ok(Outcome { say: self.poll_credit(), ..Outcome::default() })
    }

    /// Takes a bare value for a piece that is held from an earlier connection.
    fn prove(&mut self, piece: u32, segment: &Segment) -> Result<Outcome, Stretch> {
        let active = self.active.get_mut(&segment.file.0).ok_or(Stretch)?;
        let (true, Some(proof), true) = (segment.payload.is_empty(), segment.proof, active.unproved > 0)
        else {
            return Err(Stretch);
        };
        if active.values[piece as usize] != Some(proof) {
            return Ok(Outcome { event: Some(IncomingEvent::Changed), ..Outcome::default() });
        }
        active.unproved -= 1;
        Ok(Outcome { errand: self.finish_file(segment.file.0), ..Outcome::default() })
    }

    /// If the file just became whole, has it committed.
    fn finish_file(&mut self, file: u32) -> Option<Errand> {
        let active = self.active.get(&file)?;
        if !active.map.is_complete() || active.unproved > 0 {
            return None;
        }
        let values: Option<Vec<Value>> = active.values.iter().copied().collect();
        self.roots[file as usize] = root(self.sizes[file as usize], &values?);
        self.active.remove(&file);
        Some(Errand::Commit { store: self.store, file: FileIndex(file) })
    }

    /// A file has its final name.
    pub(crate) fn handle_committed(&mut self) -> Option<IncomingEvent> {
        self.committed += 1;
        (self.committed as usize == self.sizes.len()).then_some(IncomingEvent::AllCommitted)
    }

    /// What to tell the sharer about progress, once it is worth a message.
    pub(crate) fn poll_credit(&mut self) -> Option<Control> {
        let due = self.granted - self.announced >= self.window / 16
            || (self.is_stored() && self.granted > self.announced);
        due.then(|| {
            self.announced = self.granted;
            Control::Credit { transfer: self.transfer, granted: self.granted, stored: self.stored }
        })
    }

    /// Files that are whole, as runs.
    fn done_runs(&self) -> Vec<HeldRun> {
        let mut runs: Vec<HeldRun> = Vec::new();
        for ((file, root), &size) in (0u32..).zip(&self.roots).zip(&self.sizes) {
            match runs.last_mut() {
                _ if root.is_none() => {}
                Some(HeldRun::Files { files, bytes }) if files.end == file => {
                    (files.end, *bytes) = (file + 1, *bytes + size);
                }
                _ => runs.push(HeldRun::Files { files: file..file + 1, bytes: size }),
            }
        }
        runs
    }
}

impl Active {
    fn new(size: u64) -> Self {
        let map = PieceMap::for_file(size);
        let values = vec![None; map.pieces() as usize];
        Self { map, values, unproved: 0 }
    }
}

impl Assembly {
    fn add(&mut self, segment: Segment, piece_length: u64) -> Result<(), Stretch> {
        if self.is_written {
            return Err(Stretch);
        }
        if let Some(proof) = segment.proof
            && self.proof.replace(proof).is_some()
        {
            return Err(Stretch);
        }
        let (start, end) = (segment.offset, segment.offset + segment.payload.len() as u64);
        if start == end {
            return Ok(());
        }
        let at = self.chunks.partition_point(|(offset, _)| *offset < end);
        let before = at.checked_sub(1).map(|before| &self.chunks[before]);
        if before.is_some_and(|(offset, chunk)| offset + chunk.len() as u64 > start) {
            return Err(Stretch);
        }
        if self.chunks.len() as u64 >= piece_length / (MIN_FRAME as u64 / 2) + SPARE_PARTS {
            return Err(Stretch);
        }
        self.length += end - start;
        self.chunks.insert(at, (start, segment.payload));
        Ok(())
    }
}
