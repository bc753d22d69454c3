//! Items being received: each has a task that carries out its errands in the order given.
//!
//! Chooses the medium by the place and tells outcomes; how bytes are kept is the business of [`super::pack`]. Never overwrites, verifies or renames by a decision of its own.

use core::task::{Poll, Waker};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use bytes::Bytes;
use futures_util::future::poll_fn;
use gloo::timers::callback::Timeout;
use privydrop_common::api::Command;
use privydrop_common::few::Few;
use privydrop_common::host::{Found, JobId, Kept, PlaceId, Plan, Report, StoreFault, StoreId};
use privydrop_common::id::{FileIndex, Mark};
use privydrop_common::journal::Journal;
use privydrop_common::pieces::{piece_count, value_of};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, HtmlAnchorElement, Url};

use super::host::Commands;
use super::mailbox::Mailbox;
use super::pack::{Medium, Pack};
use super::places::{Place, Places, free_space, used_space};
use super::shape::Shape;
use super::sink::{Answer, Sink, SinkFault};
use super::unwanted::{is_unwanted, keep_unwanted};
use crate::backend::Storage;

/// Most bytes that are received into memory, all items together.
const MAX_MEMORY: u64 = 256 * 1024 * 1024;
/// Bytes of unfinished items that a person is told of.
const WORTH_TELLING: u64 = 1024 * 1024;
/// Milliseconds that a browser has to begin a download before its address goes.
const DOWNLOAD_STARTS: u32 = 60_000;

/// All items that this page receives or has received.
pub struct Stores {
    places: Rc<Places>,
    commands: Commands,
    /// What this page has had remembered to go on by itself.
    wanted: RefCell<Vec<Mark>>,
    /// The worker, started by the first item that needs it.
    sink: OnceCell<Option<Rc<Sink>>>,
    open: RefCell<Few<StoreId, Rc<Orders>>>,
    downloads: RefCell<Few<StoreId, Download>>,
    memory: Cell<u64>,
}

/// A complete item that waits to be saved.
struct Download {
    name: String,
    content: Blob,
}

enum Order {
    Write { job: JobId, file: FileIndex, piece: u32, chunks: Vec<Bytes> },
    Commit(FileIndex),
    Finish,
    Discard,
    Suspend,
}

/// What an item's task has to do. As long as the session lets it be: it gives at most what it granted the sender.
#[derive(Default)]
struct Orders {
    queue: RefCell<VecDeque<Order>>,
    waker: RefCell<Option<Waker>>,
}

impl Orders {
    fn push(&self, order: Order) {
        self.queue.borrow_mut().push_back(order);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn pop(&self) -> Option<Order> {
        self.queue.borrow_mut().pop_front()
    }

    async fn next(&self) -> Order {
        poll_fn(|cx| match self.pop() {
            Some(order) => Poll::Ready(order),
            None => {
                *self.waker.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            }
        })
        .await
    }
}

impl Stores {
    /// No items yet.
    pub fn new(places: Rc<Places>, commands: Commands) -> Rc<Self> {
        Rc::new(Self {
            places,
            commands,
            wanted: RefCell::default(),
            sink: OnceCell::new(),
            open: RefCell::default(),
            downloads: RefCell::default(),
            memory: Cell::new(0),
        })
    }

    /// What is wanted now is remembered over the page's end. When something `is_offered`, what takes its time to start is
    /// started, after what is being drawn.
    pub fn expect(self: &Rc<Self>, wanted: Vec<Mark>, is_offered: bool) {
        if self.sink.get().is_some() {
            self.remember(&wanted);
        } else if is_offered {
            let stores = Rc::clone(self);
            Timeout::new(0, move || stores.remember(&wanted)).forget();
        }
    }

    fn remember(&self, wanted: &[Mark]) {
        let Some(sink) = (self.places.storage() != Storage::Memory).then(|| self.sink()).flatten() else {
            return;
        };
        let mut known = self.wanted.borrow_mut();
        if *known != wanted {
            known.iter().filter(|mark| !wanted.contains(mark)).for_each(|mark| forget(sink, *mark));
            for mark in wanted.iter().filter(|mark| !known.contains(mark)) {
                keep_unwanted(*mark, false);
                sink.want(*mark, true, || {});
            }
            *known = wanted.to_vec();
        }
    }

    /// Bytes that unfinished items take in the private storage, those that some page receives left out; with `clear`
    /// they are removed, as far as they can be.
    pub async fn unfinished(&self, clear: bool) -> u64 {
        // Where nothing is stored there is no need of the worker.
        if self.places.storage() == Storage::Memory || used_space().await < WORTH_TELLING {
            return 0;
        }
        match self.sink() {
            Some(sink) => sink.left(clear).await,
            None => 0,
        }
    }

    /// Hands a complete item over as a download. Nothing happens for one that is not complete, or is where the
    /// person wanted it.
    pub fn save(&self, store: StoreId) {
        let downloads = self.downloads.borrow();
        // A browser without documents or addresses has no downloads either.
        if let Some(download) = downloads.get(&store) {
            let _ = download.start();
        }
    }

    pub(super) fn prepare(self: &Rc<Self>, store: StoreId, place: PlaceId, plan: Plan, mailbox: &Mailbox) {
        let orders = Rc::new(Orders::default());
        self.open.borrow_mut().insert(store, Rc::clone(&orders));
        let teller = Teller { store, needed: plan.total, mailbox: mailbox.clone() };
        let stores = Rc::clone(self);
        spawn_local(async move {
            match stores.pack(place, &plan, &teller).await {
                Ok((pack, found)) => {
                    teller.mailbox.outcome(Report::Prepared { store, outcome: Ok(found) });
                    run(&stores, pack, &plan, &orders, &teller).await;
                }
                Err(fault) => teller.mailbox.outcome(Report::Prepared { store, outcome: Err(fault) }),
            }
            stores.open.borrow_mut().remove(&store);
        });
    }

    pub(super) fn write(
        &self,
        store: StoreId,
        job: JobId,
        file: FileIndex,
        piece: u32,
        chunks: Vec<Bytes>,
        mailbox: &Mailbox,
    ) {
        if !self.order(store, Order::Write { job, file, piece, chunks }) {
            mailbox.outcome(Report::Written { job, outcome: Err(StoreFault::Unwritable) });
        }
    }

    pub(super) fn commit(&self, store: StoreId, file: FileIndex, mailbox: &Mailbox) {
        if !self.order(store, Order::Commit(file)) {
            mailbox.outcome(Report::Committed { store, file, outcome: Err(StoreFault::Unwritable) });
        }
    }

    pub(super) fn finish(&self, store: StoreId, mailbox: &Mailbox) {
        if !self.order(store, Order::Finish) {
            mailbox.outcome(Report::Finished { store, outcome: Err(StoreFault::Unwritable) });
        }
    }

    pub(super) fn discard(&self, store: StoreId) {
        self.downloads.borrow_mut().remove(&store);
        self.order(store, Order::Discard);
    }

    pub(super) fn suspend(&self, store: StoreId) {
        self.order(store, Order::Suspend);
    }

    /// False when there is no such item.
    fn order(&self, store: StoreId, order: Order) -> bool {
        let orders = self.open.borrow().get(&store).cloned();
        orders.map(|orders| orders.push(order)).is_some()
    }

    /// Where it goes, and what is there already.
    async fn pack(
        &self,
        place: PlaceId,
        plan: &Plan,
        teller: &Teller,
    ) -> Result<(Pack, Vec<Found>), StoreFault> {
        match self.places.get(place) {
            Some(Place::Directory(directory)) => {
                let (mut pack, found) = self.stored(Shape::side_by_side(plan), plan, true, teller).await?;
                match pack.place(&directory, plan, &found).await {
                    Ok(()) => Ok((pack, found)),
                    Err(fault) => {
                        if !pack.suspend().await {
                            pack.remove().await;
                        }
                        Err(fault.into_store_fault(teller.needed).await)
                    }
                }
            }
            Some(Place::Private) => {
                let shape = Shape::new(plan).ok_or(StoreFault::Unwritable)?;
                self.stored(shape, plan, false, teller).await
            }
            Some(Place::Memory) => Ok((self.memory(plan)?, Vec::new())),
            None => Err(StoreFault::Unwritable),
        }
    }

    /// In the private storage, or to be placed in a directory, with a copy there.
    async fn stored(
        &self,
        shape: Shape,
        plan: &Plan,
        is_copy: bool,
        teller: &Teller,
    ) -> Result<(Pack, Vec<Found>), StoreFault> {
        let needed = shape.len();
        let sink = self.sink().ok_or(StoreFault::Unwritable)?;
        let journal = Journal::of(plan);
        let identity = journal.map(|journal| journal.name());
        let most = Journal::max_length(plan);
        match sink.open(teller.store, identity.as_deref(), needed, most, is_copy).await {
            Ok((file, said)) => {
                let mut pack = Pack::new(shape, Medium::Private(file));
                let found = match journal.zip(said) {
                    Some((journal, said)) => {
                        let tell = |report| teller.mailbox.outcome(report);
                        pack.restore(teller.store, journal, plan, &said, tell).await
                    }
                    None => Vec::new(),
                };
                Ok((pack, found))
            }
            Err(fault) => Err(fault.into_store_fault(needed).await),
        }
    }

    /// The worker. As soon as it is there it tells what is to go on by itself.
    fn sink(&self) -> Option<&Rc<Sink>> {
        self.sink
            .get_or_init(|| {
                let sink = Sink::start()?;
                let (begun, places, commands) =
                    (Rc::clone(&sink), Rc::clone(&self.places), self.commands.clone());
                spawn_local(async move {
                    match begun.begin(places.storage() == Storage::Directory).await {
                        Ok((mut wanted, directory)) => {
                            wanted
                                .extract_if(.., |mark| is_unwanted(*mark))
                                .for_each(|mark| forget(&begun, mark));
                            if let Some(place) = places.again(directory).await {
                                commands.give(Command::GoOn { wanted, place });
                            }
                        }
                        Err(_) => places.forbid_private(),
                    }
                });
                Some(sink)
            })
            .as_ref()
    }

    fn memory(&self, plan: &Plan) -> Result<Pack, StoreFault> {
        let shape = Shape::new(plan).ok_or(StoreFault::Unwritable)?;
        let (needed, free) = (shape.len(), MAX_MEMORY - self.memory.get());
        if needed > free {
            return Err(StoreFault::NoSpace { needed, free });
        }
        self.memory.set(self.memory.get() + needed);
        Ok(Pack::new(shape, Medium::Memory(BTreeMap::new())))
    }

    async fn complete(&self, store: StoreId, pack: &mut Pack) -> Result<Kept, SinkFault> {
        let Some(content) = pack.finish().await? else { return Ok(Kept::InPlace) };
        self.downloads.borrow_mut().insert(store, Download { name: pack.name().to_owned(), content });
        Ok(Kept::InStorage)
    }
}

/// This goes on no more, not even when the page ends before the worker, which may be busy storing, comes to it.
fn forget(sink: &Sink, mark: Mark) {
    keep_unwanted(mark, true);
    sink.want(mark, false, move || keep_unwanted(mark, false));
}

/// Carries out the orders for one item until it is discarded.
async fn run(stores: &Stores, mut pack: Pack, plan: &Plan, orders: &Orders, teller: &Teller) {
    loop {
        let order = match orders.pop() {
            Some(order) => order,
            None => {
                pack.flush();
                orders.next().await
            }
        };
        match order {
            Order::Write { job, file, piece, chunks } => {
                let size = plan.files.get(file.0 as usize).map(|file| file.size);
                let size = size.filter(|size| piece < piece_count(*size));
                let value =
                    size.and_then(|size| value_of(size, piece, chunks.iter().map(|chunk| &chunk[..])));
                match value {
                    Some(value) => pack.write(
                        file,
                        piece,
                        value,
                        &chunks,
                        teller
                            .answer(move |outcome| Report::Written { job, outcome: outcome.map(|()| value) }),
                    ),
                    None => {
                        teller.mailbox.outcome(Report::Written { job, outcome: Err(StoreFault::Unwritable) });
                    }
                }
            }
            Order::Commit(file) => {
                let store = teller.store;
                let answer = teller.answer(move |outcome| Report::Committed { store, file, outcome });
                if (file.0 as usize) < plan.files.len() {
                    pack.commit(file, answer);
                } else {
                    answer(Err(SinkFault::Broken));
                }
            }
            Order::Finish => {
                let outcome = match stores.complete(teller.store, &mut pack).await {
                    Ok(kept) => Ok(kept),
                    Err(fault) => Err(fault.into_store_fault(teller.needed).await),
                };
                teller.mailbox.outcome(Report::Finished { store: teller.store, outcome });
            }
            Order::Suspend if pack.suspend().await => return,
            Order::Suspend | Order::Discard => {
                if let Some(freed) = pack.remove().await {
                    stores.memory.set(stores.memory.get().saturating_sub(freed));
                }
                return;
            }
        }
    }
}

/// Tells the outcomes of one item.
struct Teller {
    store: StoreId,
    needed: u64,
    mailbox: Mailbox,
}

impl Teller {
    fn answer(&self, report: impl FnOnce(Result<(), StoreFault>) -> Report + 'static) -> Answer {
        let (mailbox, needed) = (self.mailbox.clone(), self.needed);
        Box::new(move |outcome| match outcome {
            Ok(()) => mailbox.outcome(report(Ok(()))),
            Err(fault) => spawn_local(async move {
                mailbox.outcome(report(Err(fault.into_store_fault(needed).await)));
            }),
        })
    }
}

impl SinkFault {
    async fn into_store_fault(self, needed: u64) -> StoreFault {
        match self {
            Self::Full => match free_space().await {
                Some(free) if free < needed => StoreFault::NoSpace { needed, free },
                // Chromium tells of 10 GiB whatever there is, lest anybody learn about the disk.
                _ => StoreFault::Full { needed },
            },
            Self::PlaceFull => StoreFault::Full { needed },
            Self::Broken => StoreFault::Unwritable,
        }
    }
}

impl Download {
    fn start(&self) -> Result<(), JsValue> {
        let document = web_sys::window().and_then(|window| window.document()).ok_or(JsValue::UNDEFINED)?;
        let link: HtmlAnchorElement = document.create_element("a")?.unchecked_into();
        let address = Url::create_object_url_with_blob(&self.content)?;
        link.set_href(&address);
        link.set_download(&self.name);
        link.click();
        Timeout::new(DOWNLOAD_STARTS, move || _ = Url::revoke_object_url(&address)).forget();
        Ok(())
    }
}
