//! A sharer that keeps to the protocol but for the names: a real session over real WebRTC, whose control messages are
//! rewritten behind the checks of the sharing side, on their way into the wire.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::task::{Context, Poll};

use bytes::Bytes;
use privydrop_common::api::Command;
use privydrop_common::id::ItemId;
use privydrop_common::signaling::IceServer;
use privydrop_common::transport::{Happened, Lane, LanePlan, Step, Transport};
use privydrop_common::wire::{Control, Entry, EntryKind, SummaryKind};
use privydrop_native::transport::{NativeTransport, WebRtc};
use privydrop_native::{Connect, Device};
use tempfile::TempDir;
use tokio::runtime::{Handle, Runtime};

use crate::support::Server;

/// What the sharer calls something.
#[derive(Debug, Clone)]
pub(crate) enum Offered {
    /// A file of this name.
    File(String),
    /// A folder whose listing holds these paths.
    Folder(Vec<(Vec<String>, Kind)>),
    /// A file whose name is these bytes, no UTF-8.
    Bytes(Vec<u8>),
}

/// What a path in a listing is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
}

/// The sharer; gone when dropped.
pub(crate) struct Hostile {
    _device: Device,
    _runtime: Runtime,
    _source: TempDir,
}

impl Hostile {
    /// Joins the room of `link` and offers everything in `offered`, in this order.
    pub(crate) fn share(server: &Server, link: &str, offered: Vec<Offered>) -> Self {
        let source = TempDir::new().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let device = runtime.block_on(async {
            let paths: Vec<_> =
                (0..offered.len()).map(|number| source.path().join(placeholder(number))).collect();
            for (path, offered) in paths.iter().zip(&offered) {
                prepare(path, offered);
            }
            let connect = Liar { rtc: WebRtc::new(Handle::current()), offered };
            let device = Device::start_with(server.url.parse().unwrap(), connect).unwrap();
            device.command(Command::Join(link.parse().unwrap()));
            let mut items = Vec::new();
            for path in paths {
                items.push(device.pick(path).await.unwrap().item);
            }
            device.command(Command::Share(items));
            device
        });
        Self { _device: device, _runtime: runtime, _source: source }
    }
}

/// The name that the session believes in; as short as a name that may be replaced by any other.
fn placeholder(number: usize) -> String {
    format!("item-{number:04}")
}

/// Something on the disk with as many files and folders as will be told, so that counts and sizes agree.
fn prepare(path: &Path, offered: &Offered) {
    let Offered::Folder(entries) = offered else { return fs::write(path, b"bytes").unwrap() };
    fs::create_dir(path).unwrap();
    for (number, (_, kind)) in entries.iter().enumerate() {
        match kind {
            Kind::File => fs::write(path.join(format!("b{number}")), b"bytes").unwrap(),
            Kind::Folder => fs::create_dir(path.join(format!("a{number}"))).unwrap(),
        }
    }
}

struct Liar {
    rtc: WebRtc,
    offered: Vec<Offered>,
}

impl Connect for Liar {
    type Transport = LyingTransport;

    fn lanes(&self) -> LanePlan {
        LanePlan::ONE
    }

    fn connect(&mut self, ice: &[IceServer]) -> LyingTransport {
        LyingTransport { inner: self.rtc.connect(ice), offered: self.offered.clone(), known: HashMap::new() }
    }
}

struct LyingTransport {
    inner: NativeTransport,
    offered: Vec<Offered>,
    /// Which of `offered` an item is.
    known: HashMap<ItemId, usize>,
}

impl LyingTransport {
    /// The same message with the names that were asked for.
    fn rewrite(&mut self, frame: Bytes) -> Bytes {
        match Control::decode(&frame) {
            Ok(Control::Offer(mut summary)) => {
                let number: usize = summary.name.strip_prefix("item-").unwrap().parse().unwrap();
                self.known.insert(summary.id, number);
                match &self.offered[number] {
                    Offered::File(name) => summary.name.clone_from(name),
                    Offered::Folder(_) => assert!(matches!(summary.kind, SummaryKind::Folder { .. })),
                    Offered::Bytes(name) => return replace(&frame, summary.name.as_bytes(), name),
                }
                Control::Offer(summary).encode()
            }
            Ok(Control::Entries { item, from, entries }) => {
                let Offered::Folder(told) = &self.offered[self.known[&item]] else { return frame };
                // The session lists folders first, and both in the order of their numbers.
                let mut folders = told.iter().filter(|(_, kind)| *kind == Kind::Folder);
                let mut files = told.iter().filter(|(_, kind)| *kind == Kind::File);
                let lie = |entry: Entry| {
                    let told = if entry.kind == EntryKind::Folder { folders.next() } else { files.next() };
                    Entry { path: told.unwrap().0.clone(), ..entry }
                };
                Control::Entries { item, from, entries: entries.into_iter().map(lie).collect() }.encode()
            }
            _ => frame,
        }
    }
}

/// `frame` with other bytes in the place of a name of the same length.
fn replace(frame: &[u8], name: &[u8], other: &[u8]) -> Bytes {
    assert_eq!(name.len(), other.len());
    let at = frame.windows(name.len()).position(|window| window == name).unwrap();
    [&frame[..at], other, &frame[at + name.len()..]].concat().into()
}

impl Transport for LyingTransport {
    fn negotiate(&mut self, step: Step) {
        self.inner.negotiate(step);
    }

    fn send(&mut self, lane: Lane, frame: Bytes) {
        let frame = if lane == Lane::Control { self.rewrite(frame) } else { frame };
        self.inner.send(lane, frame);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Happened> {
        self.inner.poll(cx)
    }

    fn close(&mut self) {
        self.inner.close();
    }
}
