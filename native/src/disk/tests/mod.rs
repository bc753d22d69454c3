//! Real directories: what is offered is read as it is, what is received is stored as it was sent, and nothing else is
//! ever touched.

mod journals;
mod sources;
mod stores;

use core::future::poll_fn;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use privydrop_common::host::{PlaceId, Report};
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

use super::{Files, Places, Stores, Workers};
use crate::mailbox::Mailbox;

const MIB: u64 = 1 << 20;

/// A disk with one directory of its own.
struct Disk {
    dir: TempDir,
    mailbox: Mailbox,
    places: Arc<Places>,
    files: Files,
    stores: Arc<Stores>,
    place: PlaceId,
}

impl Disk {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let (mailbox, places) = (Mailbox::default(), Arc::new(Places::default()));
        let workers = Arc::new(Workers::start(TaskTracker::new()).unwrap());
        let files = Files::new(Arc::clone(&workers), mailbox.clone());
        let stores = Stores::new(Arc::clone(&places), workers, mailbox.clone());
        let place = places.register(dir.path()).unwrap();
        Self { dir, mailbox, places, files, stores, place }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    async fn report(&self) -> Report {
        // Only so that a broken test ends.
        let report = poll_fn(|cx| self.mailbox.poll(cx));
        tokio::time::timeout(Duration::from_secs(60), report).await.expect("a report")
    }

    /// Everything below the directory: path and content, folders without.
    fn tree(&self) -> Vec<(String, Option<Vec<u8>>)> {
        tree(self.dir.path())
    }
}

fn tree(root: &Path) -> Vec<(String, Option<Vec<u8>>)> {
    let entries = walkdir::WalkDir::new(root).min_depth(1).sort_by_file_name();
    let read = |entry: walkdir::DirEntry| {
        let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        (path, entry.file_type().is_file().then(|| fs::read(entry.path()).unwrap()))
    };
    entries.into_iter().map(|entry| read(entry.unwrap())).collect()
}

fn bytes(length: u64) -> Vec<u8> {
    (0..length).map(|at| (at * 31 + at / 251).to_le_bytes()[0]).collect()
}
