//! The seam to everything else a platform has: clock, timer, disk, signal socket, and the shell's commands.
//!
//! A host performs errands and reports their outcome, in any order, each exactly once. It never decides: it does
//! not choose names, verify pieces, retry, or judge a peer. It checks paths once more before it touches a disk.

use core::task::{Context, Poll};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::api::{Command, Progress, View};
use crate::id::{FileIndex, PeerId};
use crate::name::RelativePath;
use crate::pieces::Value;
use crate::signaling::IceServer;
use crate::time::Moment;
use crate::transport::Transport;

/// A local file that the person offered, registered with the host before the command that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourceId(pub u64);

/// A place to receive into, registered with the host before the command that names it:
/// a chosen directory, or the browser's own storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlaceId(pub u64);

/// One item being received: the host's handle to its half-made files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StoreId(pub u64);

/// Tells the outcome of a read or write from the others of the same kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Errand {
    /// Open the WebSocket to the signaling server; a host has at most one.
    OpenSignal,
    /// Send one text frame on it. Dropped when it is not open.
    SendSignal(String),
    /// Close it; no [`SignalEvent::Closed`] follows.
    CloseSignal,
    /// Report [`Report::Woke`] at this moment; replaces the moment asked for before.
    WakeAt(Moment),
    /// Read one whole piece of a source and compute its value.
    Read {
        /// Names the outcome.
        job: JobId,
        /// What to read.
        source: SourceId,
        /// Size in bytes that the source had when it was offered; another size now is [`SourceFault::Changed`].
        size: u64,
        /// Which piece, in the terms of [`crate::pieces`].
        piece: u32,
    },
    /// The source is no longer offered; its handle can go.
    Release(SourceId),
    /// Make room for an item: check the space, make directories, keep handles ready.
    Prepare {
        /// Names everything that follows for this item.
        store: StoreId,
        /// Where.
        place: PlaceId,
        /// What.
        plan: Arc<Plan>,
    },
    /// Write one whole piece in place and compute the value of what was written.
    Write {
        /// Names the outcome.
        job: JobId,
        /// Into what.
        store: StoreId,
        /// Which file of the plan.
        file: FileIndex,
        /// Which piece of it.
        piece: u32,
        /// The piece's bytes, in order.
        chunks: Vec<Bytes>,
    },
    /// Every piece of this file is verified: give it its final name.
    Commit {
        /// Of what.
        store: StoreId,
        /// Which file of the plan.
        file: FileIndex,
    },
    /// Every file is committed: nothing more will be written.
    Finish(StoreId),
    /// The item is cancelled or refused: remove what was made of it, files already committed too.
    Discard(StoreId),
    /// The item cannot go on for now: let go of it. What is there stays for an [`Errand::Prepare`] of the same plan,
    /// where the platform keeps a journal; elsewhere this is [`Errand::Discard`]. So it is after a [`StoreFault`], and then nothing
    /// may stay of which the platform does not know that a later attempt will see what is on the disk.
    Suspend(StoreId),
    /// The newest facts for the shell; older ones may be dropped.
    Show(Box<View>),
}

/// What an item looks like on a disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The item's own name is the first component of every path. Index = [`FileIndex`].
    pub files: Vec<PlannedFile>,
    /// Directories, the empty ones too, parents before children.
    pub folders: Vec<RelativePath>,
    /// True for a folder: a platform without directories hands it over as one archive.
    pub is_folder: bool,
    /// Sum of the files' sizes in bytes.
    pub total: u64,
}

/// One file of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// Where it goes, from the place.
    pub path: RelativePath,
    /// Its exact size in bytes.
    pub size: u64,
    /// Seconds since 1970 of its last change, if the sharer told it.
    pub modified: Option<u64>,
}

/// One outcome, or something that came from outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// The shell says something.
    Command(Command),
    /// Something about the signal socket.
    Signal(SignalEvent),
    /// The moment asked for has come.
    Woke,
    /// Outcome of [`Errand::Read`].
    Read {
        /// Which read.
        job: JobId,
        /// The whole piece and its value.
        outcome: Result<ReadPiece, SourceFault>,
    },
    /// What an earlier attempt left of an item is read again, before its [`Report::Prepared`]: see [`Checking`].
    Checking {
        /// Which item.
        store: StoreId,
        /// Bytes that were read again so far.
        done: u64,
        /// Bytes to be read again in all.
        total: u64,
    },
    /// Outcome of [`Errand::Prepare`].
    Prepared {
        /// Which item.
        store: StoreId,
        /// Pieces that an earlier attempt left, each read again just now and of the value told; none when it is new.
        outcome: Result<Vec<Found>, StoreFault>,
    },
    /// Outcome of [`Errand::Write`].
    Written {
        /// Which write.
        job: JobId,
        /// The value of what was written.
        outcome: Result<Value, StoreFault>,
    },
    /// Outcome of [`Errand::Commit`].
    Committed {
        /// Which item.
        store: StoreId,
        /// Which file.
        file: FileIndex,
        /// Whether it has its final name now.
        outcome: Result<(), StoreFault>,
    },
    /// Outcome of [`Errand::Finish`].
    Finished {
        /// Which item.
        store: StoreId,
        /// Where the person finds it.
        outcome: Result<Kept, StoreFault>,
    },
}

/// What a read brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPiece {
    /// The whole piece.
    pub bytes: Bytes,
    /// Its value, computed by [`crate::pieces::value_of`] over exactly these bytes.
    pub value: Value,
}

/// Pieces of a file that are stored already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which file of the plan.
    pub file: FileIndex,
    /// Which pieces of it, each once, and their values.
    pub pieces: Vec<(u32, Value)>,
}

/// How far a host is with what it reads again before a [`Report::Prepared`].
#[derive(Debug)]
pub struct Checking {
    store: StoreId,
    done: u64,
    total: u64,
    told: u8,
}

impl Checking {
    /// Nothing of `total` bytes was read so far.
    pub fn new(store: StoreId, total: u64) -> Self {
        Self { store, done: 0, total, told: 0 }
    }

    /// So many bytes more were read: what to report, if that is another percent.
    pub fn add(&mut self, bytes: u64) -> Option<Report> {
        self.done = self.done.saturating_add(bytes).min(self.total);
        let percent = Progress { done: self.done, total: self.total, ..Progress::default() }.percent();
        (core::mem::replace(&mut self.told, percent) != percent).then_some(Report::Checking {
            store: self.store,
            done: self.done,
            total: self.total,
        })
    }
}

/// Where a received item is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// In the place the person chose, under its final name.
    InPlace,
    /// In storage of our own; the shell hands it over when the person saves it.
    InStorage,
}

/// News of the signal socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignalEvent {
    /// It is open; frames can be sent.
    Opened,
    /// One text frame, at most [`crate::signaling::MAX_FRAME`] bytes; a longer one closes the socket instead.
    Text(String),
    /// It could not be opened, or is closed now.
    Closed,
}

/// Why a source cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SourceFault {
    /// Size or time of change differ from what was offered.
    #[error("the file changed since it was offered")]
    Changed,
    /// It is gone, or may not be read any more.
    #[error("the file cannot be read")]
    Unreadable,
}

/// Why an item cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    /// Fewer bytes are free than the item needs.
    #[error("not enough space: {needed} bytes needed, {free} free")]
    NoSpace {
        /// Bytes needed.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// It ran full under way; how much is free is not known, or no longer means anything.
    #[error("no space was left: {needed} bytes are needed in all")]
    Full {
        /// Bytes that the whole item needs.
        needed: u64,
    },
    /// The place is gone, or writing there is not allowed.
    #[error("the place cannot be written to")]
    Unwritable,
}

/// A platform.
pub trait Host {
    /// The platform's WebRTC.
    type Transport: Transport;

    /// The current moment; never goes backwards.
    fn now(&self) -> Moment;

    /// A new, idle transport to `peer`.
    fn connect(&mut self, peer: PeerId, ice: &[IceServer]) -> Self::Transport;

    /// Starts an errand. Errands for one store are carried out in the order given.
    fn perform(&mut self, errand: Errand);

    /// Next report. Wakes the task when there is one.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Report>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_again_is_told_a_hundred_times_at_most_and_at_its_end() {
        for total in [1, 7, 99, 100, 12_345, 1 << 60] {
            let mut checking = Checking::new(StoreId(1), total);
            let step = (total / 1000).max(1);
            let told: Vec<Report> = (0..1200).filter_map(|_| checking.add(step)).collect();
            assert!(told.len() <= 100, "{total}");
            assert_eq!(told.last(), Some(&Report::Checking { store: StoreId(1), done: total, total }));
        }
        assert_eq!(Checking::new(StoreId(1), 0).add(0), None);
    }
}
