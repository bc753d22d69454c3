//! Sources and stores in memory. Stores keep what was written apart from what was committed and finished.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use privydrop_common::api::NewFile;
use privydrop_common::host::{
    Checking, Errand, Found, Kept, Plan, ReadPiece, Report, SourceFault, SourceId, StoreFault, StoreId,
};
use privydrop_common::id::FileIndex;
use privydrop_common::pieces::{Value, piece_range, value_of};

#[derive(Default)]
pub struct Disk {
    pub sources: HashMap<SourceId, Bytes>,
    pub stores: BTreeMap<StoreId, Store>,
    /// Space left; `None` is endless.
    pub free: Option<u64>,
    /// What every preparation and every write fails with now, the latter in the middle.
    pub fault: Option<StoreFault>,
    /// Writes to come that fail as if the bytes had been spoiled on the way.
    pub spoil: u32,
    /// Where finished items are said to be: in a place of the person's, or in storage of our own.
    pub in_storage: bool,
    /// Items that were let go of unfinished.
    pub suspended: Vec<Store>,
    /// Items that were finished by a program that ended since.
    kept: Vec<Store>,
    /// Reads that were asked for so far.
    pub reads: usize,
    counter: u64,
}

pub struct Store {
    pub plan: Plan,
    files: Vec<Vec<u8>>,
    pub committed: Vec<bool>,
    pub finished: bool,
    /// Pieces that were written, and what they were then.
    written: BTreeMap<(FileIndex, u32), Value>,
}

impl Disk {
    pub fn put(&mut self, content: impl Into<Bytes>) -> NewFile {
        let content = content.into();
        self.counter += 1;
        let source = SourceId(self.counter);
        let size = content.len() as u64;
        self.sources.insert(source, content);
        NewFile { source, size, modified: Some(1_000) }
    }

    /// Whether an item of these files was finished that has this one.
    pub fn has(&self, path: &str) -> bool {
        let stores = self.kept.iter().chain(self.stores.values().filter(|store| store.finished));
        stores.flat_map(|store| &store.plan.files).any(|file| file.path.to_string() == path)
    }

    pub fn finished(&self) -> BTreeMap<String, Vec<u8>> {
        let mut all = BTreeMap::new();
        for store in self.kept.iter().chain(self.stores.values().filter(|store| store.finished)) {
            assert!(store.committed.iter().all(|committed| *committed));
            all.extend(store.plan.folders.iter().map(|path| (format!("{path}/"), Vec::new())));
            let files = store.plan.files.iter().zip(&store.files);
            all.extend(files.map(|(file, bytes)| (file.path.to_string(), bytes.clone())));
        }
        all
    }

    /// The program that wrote ended: what it did not finish is there for the next one.
    pub fn crash(&mut self) {
        let (kept, left): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.stores).into_iter().partition(|(_, store)| store.finished);
        self.suspended.extend(left.into_values());
        // The next program numbers its stores anew.
        self.kept.extend(kept.into_values());
    }

    /// What is told of it, in order.
    pub fn perform(&mut self, errand: Errand) -> Vec<Report> {
        let report = match errand {
            Errand::Prepare { store, plan, .. } => {
                return self.prepare_told(store, Arc::unwrap_or_clone(plan));
            }
            Errand::Read { job, source, size, piece } => {
                self.reads += 1;
                Some(Report::Read { job, outcome: self.read(source, size, piece) })
            }
            Errand::Release(source) => {
                self.sources.remove(&source);
                None
            }
            Errand::Write { job, store, file, piece, mut chunks } => {
                let store = self.stores.get_mut(&store).expect("a write into a store that exists");
                let index = file.0 as usize;
                assert!(!store.committed[index], "a write into a committed file");
                let size = store.plan.files[index].size;
                if self.spoil > 0 && !chunks.is_empty() {
                    self.spoil -= 1;
                    chunks[0] = vec![0xEE; chunks[0].len()].into();
                }
                let value =
                    value_of(size, piece, chunks.iter().map(|chunk| &chunk[..])).expect("a whole piece");
                let (mut offset, _) = piece_range(size, piece);
                if self.fault.is_some() {
                    // So much of it was let in.
                    chunks.truncate(1);
                    store.written.remove(&(file, piece));
                }
                for chunk in chunks {
                    let start = usize::try_from(offset).unwrap();
                    store.files[index][start..start + chunk.len()].copy_from_slice(&chunk);
                    offset += chunk.len() as u64;
                }
                if let Some(fault) = self.fault {
                    return vec![Report::Written { job, outcome: Err(fault) }];
                }
                store.written.insert((file, piece), value);
                Some(Report::Written { job, outcome: Ok(value) })
            }
            Errand::Commit { store, file } => {
                let committed = &mut self.stores.get_mut(&store).expect("a store that exists").committed;
                assert!(!std::mem::replace(&mut committed[file.0 as usize], true), "committed twice");
                Some(Report::Committed { store, file, outcome: Ok(()) })
            }
            Errand::Finish(store) => {
                self.stores.get_mut(&store).expect("a store that exists").finished = true;
                Some(Report::Finished {
                    store,
                    outcome: Ok(if self.in_storage { Kept::InStorage } else { Kept::InPlace }),
                })
            }
            Errand::Discard(store) => {
                self.stores.remove(&store);
                None
            }
            Errand::Suspend(store) => {
                self.suspended.extend(self.stores.remove(&store));
                None
            }
            other => panic!("not a disk errand: {other:?}"),
        };
        report.into_iter().collect()
    }

    /// The program ends: what was not finished stays as it is.
    pub fn die(&mut self) {
        let unfinished = |_: &StoreId, store: &mut Store| !store.finished;
        self.suspended.extend(self.stores.extract_if(.., unfinished).map(|(_, store)| store));
    }

    fn read(&self, source: SourceId, size: u64, piece: u32) -> Result<ReadPiece, SourceFault> {
        let content = self.sources.get(&source).ok_or(SourceFault::Unreadable)?;
        if content.len() as u64 != size {
            return Err(SourceFault::Changed);
        }
        let (offset, length) = piece_range(size, piece);
        let start = usize::try_from(offset).unwrap();
        let bytes = content.slice(start..start + usize::try_from(length).unwrap());
        let value = value_of(size, piece, [&bytes[..]]).expect("a whole piece");
        Ok(ReadPiece { bytes, value })
    }

    /// What was left is read again in two steps.
    fn prepare_told(&mut self, store: StoreId, plan: Plan) -> Vec<Report> {
        let sizes: Vec<u64> = plan.files.iter().map(|file| file.size).collect();
        let outcome = self.prepare(store, plan);
        let length = |found: &Found| -> u64 {
            let size = sizes[found.file.0 as usize];
            found.pieces.iter().map(|(piece, _)| piece_range(size, *piece).1).sum()
        };
        let total: u64 = outcome.iter().flatten().map(length).sum();
        let mut checking = Checking::new(store, total);
        let mut told: Vec<Report> =
            [total / 2, total].into_iter().filter_map(|bytes| checking.add(bytes)).collect();
        told.push(Report::Prepared { store, outcome });
        told
    }

    fn prepare(&mut self, store: StoreId, plan: Plan) -> Result<Vec<Found>, StoreFault> {
        if let Some(free) = self.free
            && free < plan.total
        {
            return Err(StoreFault::NoSpace { needed: plan.total, free });
        }
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let committed = vec![false; plan.files.len()];
        if let Some(at) = self.suspended.iter().position(|suspended| suspended.plan == plan) {
            let suspended = self.suspended.remove(at);
            let mut found: BTreeMap<FileIndex, Vec<(u32, Value)>> = BTreeMap::new();
            for (&(file, piece), &value) in &suspended.written {
                found.entry(file).or_default().push((piece, value));
            }
            self.stores.insert(store, Store { committed, ..suspended });
            return Ok(found.into_iter().map(|(file, pieces)| Found { file, pieces }).collect());
        }
        let files = plan.files.iter().map(|file| vec![0; usize::try_from(file.size).unwrap()]).collect();
        let written = BTreeMap::new();
        self.stores.insert(store, Store { plan, files, committed, finished: false, written });
        Ok(Vec::new())
    }
}

/// `length` bytes that look like chance and follow from `seed`.
pub fn bytes_of(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    // A cipher that is not compiled to be fast would take half of the time of all random runs.
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}
