//! Items being received: each has a queue of orders that are carried out one after another.
//!
//! Items do not wait for each other. How bytes are kept is the business of [`super::directory`]; nothing here
//! overwrites, verifies or renames by a decision of its own.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use privydrop_common::host::{JobId, Kept, PlaceId, Plan, Report, StoreFault, StoreId};
use privydrop_common::id::FileIndex;

use super::directory::Tree;
use super::places::Places;
use super::workers::Workers;
use crate::mailbox::Mailbox;

/// Finished items whose place is remembered, to be shown.
const MAX_KEPT: usize = 1024;
/// Orders for one item that a worker carries out before others get their turn. Of big files, fewer wait.
const AT_ONCE: usize = 32;
/// Bytes written after which the session is told of what was done: of small files it hears several at a time, and is not
/// woken for each.
const TELL_EVERY: usize = 64 << 10;

/// All items that this device receives.
pub(crate) struct Stores {
    places: Arc<Places>,
    workers: Arc<Workers>,
    mailbox: Mailbox,
    open: Mutex<HashMap<StoreId, Arc<Item>>>,
    kept: Mutex<VecDeque<(StoreId, PathBuf)>>,
    leaving: Mutex<Leaving>,
}

/// Items that are being let go of. What is prepared waits for them: it may be the same item, to be gone on with.
#[derive(Default)]
struct Leaving {
    items: usize,
    /// As many as the session prepares at once.
    waiting: Vec<(StoreId, Order)>,
}

enum Order {
    Prepare { place: PlaceId, plan: Arc<Plan> },
    Write { job: JobId, file: FileIndex, piece: u32, chunks: Vec<Bytes> },
    Commit(FileIndex),
    Finish,
    Discard,
    Suspend,
}

/// One item and what is to be done for it. As long as the session lets the queue be: it gives at most what it granted
/// the sender.
#[derive(Default)]
struct Item {
    orders: Mutex<Orders>,
    /// Used by one worker at a time.
    tree: Mutex<Option<Tree>>,
    /// A worker syncs what was written so far.
    syncing: AtomicBool,
}

#[derive(Default)]
struct Orders {
    waiting: VecDeque<Order>,
    /// A worker has the item, or will have it.
    busy: bool,
}

impl Order {
    /// Bytes that it writes.
    fn bytes(&self) -> usize {
        match self {
            Self::Write { chunks, .. } => chunks.iter().map(Bytes::len).sum(),
            _ => 0,
        }
    }
}

impl Item {
    /// True when a worker has to be found.
    fn push(&self, order: Order) -> bool {
        let mut orders = self.orders.lock();
        orders.waiting.push_back(order);
        !core::mem::replace(&mut orders.busy, true)
    }

    fn next(&self) -> Option<Order> {
        self.orders.lock().waiting.pop_front()
    }

    /// True when there is more to do. Otherwise the worker is free.
    fn goes_on(&self) -> bool {
        let mut orders = self.orders.lock();
        orders.busy = !orders.waiting.is_empty();
        orders.busy
    }

    fn with<T>(&self, act: impl FnOnce(&mut Tree) -> io::Result<T>) -> Result<T, StoreFault> {
        let mut tree = self.tree.lock();
        let tree = tree.as_mut().ok_or(StoreFault::Unwritable)?;
        act(tree).map_err(|error| tree.fault(&error))
    }
}

impl Stores {
    /// No items yet; `mailbox` hears what becomes of them.
    pub(crate) fn new(places: Arc<Places>, workers: Arc<Workers>, mailbox: Mailbox) -> Arc<Self> {
        Arc::new(Self {
            places,
            workers,
            mailbox,
            open: Mutex::default(),
            kept: Mutex::default(),
            leaving: Mutex::default(),
        })
    }

    /// Where a finished item is.
    pub(crate) fn kept_at(&self, store: StoreId) -> Option<PathBuf> {
        self.kept.lock().iter().find(|(kept, _)| *kept == store).map(|(_, path)| path.clone())
    }

    pub(crate) fn prepare(self: &Arc<Self>, store: StoreId, place: PlaceId, plan: Arc<Plan>) {
        self.open.lock().insert(store, Arc::default());
        let order = Order::Prepare { place, plan };
        let mut leaving = self.leaving.lock();
        if leaving.items > 0 {
            return leaving.waiting.push((store, order));
        }
        drop(leaving);
        self.order(store, order);
    }

    pub(crate) fn write(
        self: &Arc<Self>,
        store: StoreId,
        job: JobId,
        file: FileIndex,
        piece: u32,
        chunks: Vec<Bytes>,
    ) {
        self.order(store, Order::Write { job, file, piece, chunks });
    }

    pub(crate) fn commit(self: &Arc<Self>, store: StoreId, file: FileIndex) {
        self.order(store, Order::Commit(file));
    }

    pub(crate) fn finish(self: &Arc<Self>, store: StoreId) {
        self.order(store, Order::Finish);
    }

    pub(crate) fn discard(self: &Arc<Self>, store: StoreId) {
        self.leaving.lock().items += 1;
        self.order(store, Order::Discard);
    }

    pub(crate) fn suspend(self: &Arc<Self>, store: StoreId) {
        self.leaving.lock().items += 1;
        self.order(store, Order::Suspend);
    }

    fn order(self: &Arc<Self>, store: StoreId, order: Order) {
        let Some(item) = self.open.lock().get(&store).cloned() else {
            // Carried out on nothing, every order fails as it should.
            return self.mailbox.outcomes(self.carry_out(store, &Arc::default(), order));
        };
        if item.push(order) {
            self.run(store, item);
        }
    }

    /// Has a worker carry out some orders, and then the next: other items get their turn between.
    fn run(self: &Arc<Self>, store: StoreId, item: Arc<Item>) {
        let stores = Arc::clone(self);
        self.workers.spawn(move || {
            let (mut done, mut untold) = (Vec::new(), 0);
            for order in core::iter::from_fn(|| item.next()).take(AT_ONCE) {
                untold += order.bytes();
                done.extend(stores.carry_out(store, &item, order));
                if untold >= TELL_EVERY {
                    stores.mailbox.outcomes(done.drain(..));
                    untold = 0;
                }
            }
            if !done.is_empty() {
                stores.mailbox.outcomes(done);
            }
            if item.goes_on() {
                stores.run(store, item);
            }
        });
    }

    /// What the session is to be told of it, if anything.
    fn carry_out(self: &Arc<Self>, store: StoreId, item: &Arc<Item>, order: Order) -> Option<Report> {
        Some(match order {
            Order::Prepare { place, plan } => {
                let place = self.places.get(place).ok_or(StoreFault::Unwritable);
                let mut tell = |report| self.mailbox.outcome(report);
                let outcome = place.and_then(|place| Tree::prepare(place, store, plan, &mut tell));
                let outcome = outcome.map(|(tree, found)| {
                    *item.tree.lock() = Some(tree);
                    found
                });
                if outcome.is_err() {
                    self.open.lock().remove(&store);
                }
                Report::Prepared { store, outcome }
            }
            Order::Write { job, file, piece, chunks } => {
                let outcome = item.with(|tree| tree.write(file, piece, &chunks));
                self.sync_ahead(item);
                Report::Written { job, outcome }
            }
            Order::Commit(file) => {
                Report::Committed { store, file, outcome: item.with(|tree| tree.commit(file)) }
            }
            Order::Finish => {
                let outcome = item.with(Tree::finish).map(|path| self.keep(store, path));
                Report::Finished { store, outcome }
            }
            Order::Discard => {
                if let Some(mut tree) = item.tree.lock().take() {
                    tree.remove();
                }
                self.left(store);
                return None;
            }
            Order::Suspend => {
                if let Some(tree) = item.tree.lock().take() {
                    tree.suspend();
                }
                self.left(store);
                return None;
            }
        })
    }

    /// One more item is let go of; after the last one comes what waited for it.
    fn left(self: &Arc<Self>, store: StoreId) {
        self.open.lock().remove(&store);
        let mut leaving = self.leaving.lock();
        leaving.items -= 1;
        let next = if leaving.items == 0 { core::mem::take(&mut leaving.waiting) } else { Vec::new() };
        drop(leaving);
        next.into_iter().for_each(|(store, order)| self.order(store, order));
    }

    /// Has a worker sync what was written, if that is due and none does.
    fn sync_ahead(&self, item: &Arc<Item>) {
        let Some(ahead) = item.tree.lock().as_mut().and_then(Tree::sync_due) else { return };
        if item.syncing.swap(true, Ordering::Relaxed) {
            return;
        }
        let item = Arc::clone(item);
        self.workers.spawn(move || {
            let synced = ahead.sync();
            if synced.is_err()
                && let Some(tree) = &mut *item.tree.lock()
            {
                // Whether it worked is asked again when everything is complete.
                let _ = tree.heed(synced);
            }
            item.syncing.store(false, Ordering::Relaxed);
        });
    }

    fn keep(&self, store: StoreId, path: PathBuf) -> Kept {
        self.open.lock().remove(&store);
        let mut kept = self.kept.lock();
        kept.truncate(MAX_KEPT - 1);
        kept.push_front((store, path));
        Kept::InPlace
    }
}
