//! Files that the person offered: where they are, and reading them piece by piece.
//!
//! Keeps no bytes and no open files, follows no link, and reads nothing that was not asked for.

use std::collections::{HashMap, VecDeque};
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

/// Bytes of a piece that is read together with others. Waking a thread for it, and then the session, costs nearly as much
/// as reading it.
const SMALL: u64 = 64 << 10;
/// Small pieces that a thread reads before it tells of them and others get their turn.
const AT_ONCE: usize = 16;

/// The files that can be read now.
pub(crate) struct Files {
    reader: Arc<Reader>,
    known: Mutex<HashMap<SourceId, Arc<Source>>>,
    next: AtomicU64,
}

/// Reads, and tells the session.
struct Reader {
    workers: Arc<Workers>,
    mailbox: Mailbox,
    small: Mutex<Small>,
}

/// Small pieces that wait. As many as the session asks for at once.
#[derive(Default)]
struct Small {
    waiting: VecDeque<Read>,
    /// Workers that read some, or will.
    readers: usize,
}

/// A piece that was asked for.
struct Read {
    job: JobId,
    /// `None` when its file is offered no more.
    source: Option<Arc<Source>>,
    size: u64,
    piece: u32,
}

/// A file as it was when it was offered.
struct Source {
    path: Box<Path>,
    modified: Option<SystemTime>,
}

impl Files {
    /// No files yet; `mailbox` hears what is read.
    pub(crate) fn new(workers: Arc<Workers>, mailbox: Mailbox) -> Self {
        let reader = Arc::new(Reader { workers, mailbox, small: Mutex::default() });
        Self { reader, known: Mutex::default(), next: AtomicU64::new(0) }
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

    /// Reads one piece and reports it. Reads run side by side, those of small pieces some at a time.
    pub(crate) fn read(&self, job: JobId, source: SourceId, size: u64, piece: u32) {
        let source = self.known.lock().get(&source).cloned();
        let read = Read { job, source, size, piece };
        if piece_range(size, piece).1 <= SMALL {
            return Reader::add(&self.reader, read);
        }
        let mailbox = self.reader.mailbox.clone();
        self.reader.workers.spawn(move || mailbox.outcome(read.report()));
    }
}

impl Reader {
    /// Takes a small piece, and has a further worker read when those that do have as many as they take at once.
    fn add(this: &Arc<Self>, read: Read) {
        let mut small = this.small.lock();
        small.waiting.push_back(read);
        if small.waiting.len() > small.readers * AT_ONCE {
            small.readers += 1;
            drop(small);
            Self::run(Arc::clone(this));
        }
    }

    /// Has a worker read some, and then the next, for as long as there are any: other jobs get their turn between.
    fn run(this: Arc<Self>) {
        let reader = Arc::clone(&this);
        this.workers.spawn(move || {
            let mut small = reader.small.lock();
            let count = small.waiting.len().min(AT_ONCE);
            let reads: Vec<Read> = small.waiting.drain(..count).collect();
            if reads.is_empty() {
                small.readers -= 1;
                return;
            }
            drop(small);
            reader.mailbox.outcomes(reads.into_iter().map(Read::report).collect::<Vec<_>>());
            Self::run(reader);
        });
    }
}

impl Read {
    fn report(self) -> Report {
        let outcome = match self.source {
            Some(source) => source.read(self.size, self.piece),
            None => Err(SourceFault::Unreadable),
        };
        Report::Read { job: self.job, outcome }
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
