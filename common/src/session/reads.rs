//! Reads that several fetches share: a piece that is under way, or was just read, for one is read for no other.
//!
//! Keeps nothing while there is one fetch; otherwise the few pieces that were read last, for those who move together.

use crate::host::{Errand, JobId, ReadPiece, SourceFault, SourceId};

/// Bytes of pieces that are kept for others, at most.
const KEPT: usize = 8 << 20;
/// A piece counts for no less, so that there are never many to look through.
const LEAST: usize = 64 << 10;

/// The reads of this session: those under way, and those that are kept, the latest last.
#[derive(Debug, Default)]
pub(super) struct Reads(Vec<Read>);

#[derive(Debug)]
struct Read {
    source: SourceId,
    piece: u32,
    /// Who asked for it, the one first whose job the host does; nobody once it is read.
    jobs: Vec<JobId>,
    bytes: Option<ReadPiece>,
}

impl Reads {
    /// A read is wanted. True when the host has to do it; what is there already comes to `here`.
    pub(super) fn want(&mut self, errand: &Errand, here: &mut Vec<(JobId, ReadPiece)>) -> bool {
        let &Errand::Read { job, source, piece, .. } = errand else { return true };
        let known = self.0.iter_mut().find(|read| read.piece == piece && read.source == source);
        match known {
            Some(read) => match &read.bytes {
                Some(bytes) => here.push((job, bytes.clone())),
                None => read.jobs.push(job),
            },
            None => {
                self.0.push(Read { source, piece, jobs: vec![job], bytes: None });
                return true;
            }
        }
        false
    }

    /// Everybody who waits for this job.
    pub(super) fn done(&mut self, job: JobId, outcome: &Result<ReadPiece, SourceFault>) -> Vec<JobId> {
        let Some(at) = self.0.iter().position(|read| read.jobs.first() == Some(&job)) else {
            return Vec::new();
        };
        let mut read = self.0.remove(at);
        let jobs = core::mem::take(&mut read.jobs);
        if let Ok(bytes) = outcome {
            read.bytes = Some(bytes.clone());
            self.0.push(read);
        }
        jobs
    }

    /// Keeps what was read last for others, when there are any.
    pub(super) fn keep(&mut self, for_others: bool) {
        let mut left = if for_others { KEPT } else { 0 };
        for at in (0..self.0.len()).rev() {
            let Some(bytes) = &self.0[at].bytes else { continue };
            match left.checked_sub(bytes.bytes.len().max(LEAST)) {
                Some(less) => left = less,
                None => _ = self.0.remove(at),
            }
        }
    }
}
