//! Files that the person offered: where they are, and reading them piece by piece.
//!
//! Keeps no bytes and no open files, follows no link, and reads nothing that was not asked for.

use std::collections::HashMap;
use std::fs::Metadata;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use parking_lot::Mutex;
use privydrop_common::api::NewFile;
use privydrop_common::host::{JobId, ReadPiece, Report, SourceFault, SourceId};
use privydrop_common::pieces::{piece_range, value_of};

use super::platform::{open_source, read_at};
use super::workers::Workers;
use crate::mailbox::Mailbox;

/// The files that can be read now.
pub(crate) struct Files {
    workers: Arc<Workers>,
    mailbox: Mailbox,
    known: Mutex<HashMap<SourceId, Arc<Source>>>,
    next: AtomicU64,
}

/// A file as it was when it was offered.
struct Source {
    path: Box<Path>,
    modified: Option<SystemTime>,
}

impl Files {
    /// No files yet; `mailbox` hears what is read.
    pub(crate) fn new(workers: Arc<Workers>, mailbox: Mailbox) -> Self {
        Self { workers, mailbox, known: Mutex::default(), next: AtomicU64::new(0) }
    }

    /// Takes a file in, and tells what to offer. `path` leads to it without a symbolic link at its end.
    pub(super) fn register(&self, path: &Path, metadata: &Metadata) -> NewFile {
        let modified = metadata.modified().ok();
        let source = SourceId(self.next.fetch_add(1, Ordering::Relaxed));
        self.known.lock().insert(source, Arc::new(Source { path: path.into(), modified }));
        let since_1970 = modified.and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
        NewFile { source, size: metadata.len(), modified: since_1970.map(|span| span.as_secs()) }
    }

    /// The file is offered no more.
    pub(crate) fn release(&self, source: SourceId) {
        self.known.lock().remove(&source);
    }

    /// Reads one piece and reports it. Reads run side by side.
    pub(crate) fn read(&self, job: JobId, source: SourceId, size: u64, piece: u32) {
        let source = self.known.lock().get(&source).cloned();
        let mailbox = self.mailbox.clone();
        self.workers.spawn(move || {
            let outcome = match source {
                Some(source) => source.read(size, piece),
                None => Err(SourceFault::Unreadable),
            };
            mailbox.outcome(Report::Read { job, outcome });
        });
    }
}

impl Source {
    fn read(&self, size: u64, piece: u32) -> Result<ReadPiece, SourceFault> {
        let (offset, length) = piece_range(size, piece);
        let length = usize::try_from(length).map_err(|_| SourceFault::Unreadable)?;
        let file = open_source(&self.path).map_err(|error| unreadable(&error))?;
        let bytes = read_at(&file, offset, length).map_err(|error| unreadable(&error))?;
        // Asked after reading, so that what changed meanwhile is noticed too.
        let metadata = file.metadata().map_err(|error| unreadable(&error))?;
        if metadata.len() != size || metadata.modified().ok() != self.modified {
            return Err(SourceFault::Changed);
        }
        let bytes = Bytes::from(bytes);
        let value = value_of(size, piece, [&bytes[..]]).ok_or(SourceFault::Changed)?;
        Ok(ReadPiece { bytes, value })
    }
}

fn unreadable(error: &std::io::Error) -> SourceFault {
    tracing::debug!(%error, "an offered file cannot be read");
    SourceFault::Unreadable
}
