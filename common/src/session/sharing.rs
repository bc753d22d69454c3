//! What this device offers, and the fetches that others run on it.
//!
//! Reads no file and names no path: it hands pieces that were read to the lane of each link, as fast as the lane
//! drains and no faster than the receiver grants.

use bytes::Bytes;

use super::{Action, Changed, JobOwner, Session};
use crate::api::{ItemState, NewItem, NoticeCode, Phase, Side};
use crate::catalog::{NotOffered, OwnItem};
use crate::few::Few;
use crate::host::{Errand, JobId, ReadPiece, SourceFault, SourceId};
use crate::id::{FileIndex, ItemId, PeerId, TransferId};
use crate::link::LinkId;
use crate::rate::Rate;
use crate::text::Document;
use crate::time::Moment;
use crate::transfer::{Outgoing, OutgoingEvent};
use crate::transport::{HIGH_WATER, Lane};
use crate::wire::{Control, FrameBuilder, Have, MAX_ENTRIES, MAX_ITEMS, MAX_TEXT, RefuseFetch};

/// Fetches that one link may run at once.
const MAX_FETCHES: usize = 16;
/// Reads under way for one link, those counted whose fetch is over: past so many none is begun. Who fetches and cancels without end
/// keeps a disk no busier than who fetches.
const MAX_READING: usize = 128;

/// An own item and how it fares.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) item: OwnItem,
    pub(super) order: u64,
    /// Completed fetches.
    pub(super) fetched: u32,
    /// The last one of each member that is here.
    taken: Few<PeerId, TransferId>,
    /// How the last fetch ended, when none runs.
    pub(super) last: ItemState,
    pub(super) stopped_by: Option<Side>,
    pub(super) hash: Option<String>,
    /// Whoever fetches it waits until this side lets it go on; also over a new link.
    paused: bool,
}

/// The sending side of one link that is up.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    /// Bytes handed to the data lane since it last drained.
    queued: usize,
    /// Reads under way.
    reading: usize,
    pub(super) fetches: Few<TransferId, Fetch>,
    /// Whose turn it is.
    turn: TransferId,
}

/// One running fetch.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) item: ItemId,
    pub(super) outgoing: Outgoing,
    pub(super) rate: Rate,
}

impl Session {
    pub(super) fn is_sharing(&self) -> bool {
        !self.shared.is_empty() || !self.text.is_empty()
    }

    pub(super) fn share(&mut self, items: Vec<NewItem>, now: Moment) {
        let before = self.is_sharing();
        for item in items {
            self.share_one(item);
        }
        self.sharing_changed(before, now);
    }

    pub(super) fn set_text(&mut self, document: Document, now: Moment) {
        let before = self.is_sharing();
        if document.encode().len() > MAX_TEXT {
            return self.notify(NoticeCode::TextTooLong, "");
        }
        if self.text.is_empty() {
            self.text_order = self.next_number();
        }
        self.text = document;
        let text = self.text_control();
        self.say_to_all(&text);
        self.sharing_changed(before, now);
    }

    /// Everything that a new link hears about what is offered here.
    pub(super) fn offers(&self) -> Vec<Control> {
        let items = self.shared.iter().map(|shared| Control::Offer(shared.item.summary.clone()));
        // An empty text, too, says that these were all.
        items.chain([self.text_control()]).collect()
    }

    pub(super) fn open_lanes(&mut self, link: LinkId) {
        self.lanes.insert(link, Lanes::default());
    }

    pub(super) fn remove_own(&mut self, item: ItemId, now: Moment) {
        let Some(index) = self.shared.iter().position(|shared| shared.item.summary.id == item) else {
            return;
        };
        let shared = self.shared.remove(index);
        self.end_fetches(item, RefuseFetch::Gone);
        self.say_to_all(&Control::Withdraw(item));
        self.release(shared.item.files.iter().map(|file| file.source));
        self.sharing_changed(true, now);
    }

    pub(super) fn cancel_own(&mut self, item: ItemId) {
        let fetches = self.fetches_of(item);
        for (link, transfer) in &fetches {
            self.end_fetch(*link, *transfer);
            self.say_on(*link, &Control::Cancel(*transfer));
        }
        if !fetches.is_empty() {
            self.note_end(item, ItemState::Cancelled, Some(Side::Here));
        }
    }

    pub(super) fn pause_own(&mut self, item: ItemId, pause: bool) {
        if let Some(shared) = self.shared.iter_mut().find(|shared| shared.item.summary.id == item) {
            shared.paused = pause;
        }
        for (link, transfer) in self.fetches_of(item) {
            let Some(fetch) = self.fetch(link, transfer) else { continue };
            fetch.outgoing.paused_here = pause;
            fetch.rate.restart();
            self.say_on(link, &if pause { Control::Pause(transfer) } else { Control::Resume(transfer) });
        }
        self.touch(Changed::Facts);
    }

    pub(super) fn handle_list(&mut self, link: LinkId, item: ItemId, from: u32) {
        let answer = match self.shared.iter().find(|shared| shared.item.summary.id == item) {
            Some(shared) => Control::Entries { item, from, entries: shared.item.page(from) },
            None => Control::RefuseList { item, why: RefuseFetch::Gone },
        };
        self.say_on(link, &answer);
    }

    pub(super) fn handle_fetch(
        &mut self,
        link: LinkId,
        transfer: TransferId,
        item: ItemId,
        have: &Have,
        window: u64,
    ) {
        let Some(lanes) = self.lanes.get_mut(&link) else { return };
        if lanes.fetches.contains_key(&transfer) {
            return self.end_for_violation(link);
        }
        let busy = lanes.fetches.len() >= MAX_FETCHES;
        let Some(shared) =
            self.shared.iter_mut().find(|shared| shared.item.summary.id == item).filter(|_| !busy)
        else {
            let why = if busy { RefuseFetch::Busy } else { RefuseFetch::Gone };
            return self.say_on(link, &Control::Refuse { transfer, why });
        };
        let Some(mut outgoing) = Outgoing::new(transfer, shared.item.files.clone(), have, window) else {
            return self.end_for_violation(link);
        };
        shared.stopped_by = None;
        outgoing.paused_here = shared.paused;
        lanes.fetches.insert(transfer, Fetch { item, outgoing, rate: Rate::default() });
        if shared.paused {
            self.say_on(link, &Control::Pause(transfer));
        }
        self.touch(Changed::Facts);
    }

    pub(super) fn handle_credit(
        &mut self,
        link: LinkId,
        transfer: TransferId,
        granted: u64,
        stored: u64,
        now: Moment,
    ) {
        if let Some(fetch) = self.fetch(link, transfer) {
            fetch.outgoing.handle_credit(granted, stored);
            fetch.rate.note(fetch.outgoing.stored, now);
            self.touch(Changed::Progress);
        }
    }

    pub(super) fn handle_again(&mut self, link: LinkId, transfer: TransferId, file: FileIndex, piece: u32) {
        if self.fetch(link, transfer).is_some_and(|fetch| !fetch.outgoing.handle_again(file, piece)) {
            self.end_for_violation(link);
        }
    }

    /// The receiver paused or resumed; true when the transfer is a fetch of an own item.
    pub(super) fn handle_pause_own(&mut self, link: LinkId, transfer: TransferId, pause: bool) -> bool {
        let Some(fetch) = self.fetch(link, transfer) else { return false };
        fetch.outgoing.paused_there = pause;
        fetch.rate.restart();
        let item = fetch.item;
        if pause {
            self.notify_item(NoticeCode::PausedThere, item);
        }
        self.touch(Changed::Facts);
        true
    }

    /// The receiver cancelled; true when the transfer is a fetch of an own item.
    pub(super) fn handle_cancel_own(&mut self, link: LinkId, transfer: TransferId) -> bool {
        let Some(item) = self.end_fetch(link, transfer) else { return false };
        self.note_end(item, ItemState::Cancelled, Some(Side::There));
        self.notify_item(NoticeCode::CancelledThere, item);
        true
    }

    pub(super) fn handle_received(&mut self, link: LinkId, peer: PeerId, transfer: TransferId) {
        let Some(fetch) = self.lanes.get_mut(&link).and_then(|lanes| lanes.fetches.remove(&transfer)) else {
            return;
        };
        let roots = fetch.outgoing.roots();
        if let Some(shared) = self.shared.iter_mut().find(|shared| shared.item.summary.id == fetch.item) {
            if shared.taken.get(&peer) == Some(&transfer) {
                // It was heard over the link before, and said again as nobody could know.
                return self.note_end(fetch.item, ItemState::Done, None);
            }
            shared.taken.retain(|member, _| self.peers.contains_key(member));
            shared.taken.insert(peer, transfer);
            shared.fetched = shared.fetched.saturating_add(1);
            if let Some(roots) = roots {
                shared.hash = Some(shared.item.hash(&roots));
            }
        }
        self.note_end(fetch.item, ItemState::Done, None);
        self.notify_item(NoticeCode::ItemSent, fetch.item);
    }

    pub(super) fn handle_read(&mut self, job: JobId, outcome: &Result<ReadPiece, SourceFault>) {
        for job in self.reads.done(job, outcome) {
            self.hand_over(job, outcome.clone());
        }
    }

    fn hand_over(&mut self, job: JobId, outcome: Result<ReadPiece, SourceFault>) {
        let Some(JobOwner::Read(link, transfer)) = self.jobs.remove(&job) else { return };
        if let Some(lanes) = self.lanes.get_mut(&link) {
            lanes.reading -= 1;
        }
        // One that is over may leave reads behind.
        let Some(fetch) = self.fetch(link, transfer) else { return };
        let item = fetch.item;
        if let Some(OutgoingEvent::Failed(fault)) = fetch.outgoing.handle_read(job, outcome) {
            let (why, code) = match fault {
                SourceFault::Changed => (RefuseFetch::Changed, NoticeCode::SourceChanged),
                SourceFault::Unreadable => (RefuseFetch::Unreadable, NoticeCode::SourceUnreadable),
            };
            self.end_fetches(item, why);
            self.note_end(item, ItemState::Failed, None);
            self.notify_item(code, item);
        }
    }

    pub(super) fn handle_drained(&mut self, link: LinkId) {
        if let Some(lanes) = self.lanes.get_mut(&link) {
            lanes.queued = 0;
        }
    }

    /// Lets bytes flow: asks for reads, and fills every lane up to its mark.
    pub(super) fn pump(&mut self) {
        let links: Vec<LinkId> =
            self.lanes.iter().filter(|(_, lanes)| !lanes.fetches.is_empty()).map(|(id, _)| *id).collect();
        self.reads.keep(links.len() > 1);
        for link in links {
            loop {
                while self.read_ahead(link) {}
                let Some(frame) = self.next_frame(link) else { break };
                self.actions.push_back(Action::Send { link, lane: Lane::Data, frame });
            }
        }
    }

    /// Asks for reads. True when some of it is there already, so that there may be more to ask for.
    fn read_ahead(&mut self, link: LinkId) -> bool {
        let Some(lanes) = self.lanes.get_mut(&link) else { return false };
        let mut here = Vec::new();
        let (jobs, counter, actions) = (&mut self.jobs, &mut self.counter, &mut self.actions);
        for (transfer, fetch) in lanes.fetches.iter_mut() {
            if lanes.reading >= MAX_READING {
                break;
            }
            let mut new_job = || {
                *counter += 1;
                jobs.insert(JobId(*counter), JobOwner::Read(link, *transfer));
                JobId(*counter)
            };
            let reads = fetch.outgoing.poll_reads(&mut new_job);
            lanes.reading += reads.len();
            for errand in reads {
                if self.reads.want(&errand, &mut here) {
                    actions.push_back(Action::Errand(errand));
                }
            }
        }
        let more = !here.is_empty();
        for (job, read) in here {
            self.hand_over(job, Ok(read));
        }
        more
    }

    /// A full frame, or the last one that can be made for the moment; `None` while the lane is full.
    fn next_frame(&mut self, link: LinkId) -> Option<Bytes> {
        let max = self.links.get(&link)?.max_frame;
        let lanes = self.lanes.get_mut(&link)?;
        if lanes.queued >= HIGH_WATER {
            return None;
        }
        let turn = lanes.turn;
        let (after, before): (Vec<_>, Vec<_>) = lanes
            .fetches
            .iter()
            .filter(|(_, fetch)| fetch.outgoing.has_frame(max))
            .map(|(transfer, _)| *transfer)
            .partition(|transfer| *transfer > turn);
        let transfer = after.into_iter().chain(before).next()?;
        let fetch = lanes.fetches.get_mut(&transfer)?;
        let mut frame = FrameBuilder::new(max);
        fetch.outgoing.fill(&mut frame);
        lanes.turn = transfer;
        let frame = frame.finish();
        lanes.queued += frame.len();
        Some(frame)
    }

    fn share_one(&mut self, item: NewItem) {
        let (name, sources) = (item.name.clone(), item.sources());
        if self.shared.len() >= MAX_ITEMS {
            self.release(sources);
            return self.notify_number(NoticeCode::TooMany, MAX_ITEMS as u64);
        }
        let id = ItemId::random(&mut self.rng);
        let item = OwnItem::new(id, item, self.fold);
        if item.is_err() {
            self.release(sources);
        }
        match item {
            Ok(item) => {
                let offer = Control::Offer(item.summary.clone());
                let order = self.next_number();
                let last = ItemState::Offered;
                self.shared.push(Shared {
                    item,
                    order,
                    fetched: 0,
                    taken: Few::default(),
                    last,
                    stopped_by: None,
                    hash: None,
                    paused: false,
                });
                self.say_to_all(&offer);
            }
            Err(NotOffered::Number) => self.notify_number(NoticeCode::TooMany, MAX_ENTRIES.into()),
            Err(NotOffered::Size) => self.notify(NoticeCode::TooLarge, name),
            Err(NotOffered::Depth) => self.notify(NoticeCode::TooDeep, name),
        }
    }

    /// What is not offered is not read.
    fn release(&mut self, sources: impl IntoIterator<Item = SourceId>) {
        sources.into_iter().for_each(|source| self.perform(Errand::Release(source)));
    }

    /// Opens a room for the first thing shared, and tells the server when sharing begins or ends.
    fn sharing_changed(&mut self, before: bool, now: Moment) {
        self.touch(Changed::Facts);
        if self.is_sharing() && self.room.phase == Phase::Idle {
            self.open_room(None, now);
        } else if self.is_sharing() != before {
            self.tell_sharing();
        }
    }

    fn text_control(&self) -> Control {
        Control::Text(if self.text.is_empty() { Bytes::new() } else { self.text.encode().into() })
    }

    fn say_on(&mut self, link: LinkId, control: &Control) {
        if let Some(link) = self.links.get_mut(&link) {
            link.say(control);
        }
    }

    fn fetch(&mut self, link: LinkId, transfer: TransferId) -> Option<&mut Fetch> {
        self.lanes.get_mut(&link)?.fetches.get_mut(&transfer)
    }

    fn fetches_of(&self, item: ItemId) -> Vec<(LinkId, TransferId)> {
        let of_link = |(link, lanes): (&LinkId, &Lanes)| -> Vec<(LinkId, TransferId)> {
            let ours = lanes.fetches.iter().filter(|(_, fetch)| fetch.item == item);
            ours.map(|(transfer, _)| (*link, *transfer)).collect()
        };
        self.lanes.iter().flat_map(of_link).collect()
    }

    fn end_fetch(&mut self, link: LinkId, transfer: TransferId) -> Option<ItemId> {
        let fetch = self.lanes.get_mut(&link)?.fetches.remove(&transfer)?;
        Some(fetch.item)
    }

    fn end_fetches(&mut self, item: ItemId, why: RefuseFetch) {
        for (link, transfer) in self.fetches_of(item) {
            self.end_fetch(link, transfer);
            self.say_on(link, &Control::Refuse { transfer, why });
        }
    }

    /// A fetch ended for good. What nobody fetches any more is not paused either.
    fn note_end(&mut self, item: ItemId, last: ItemState, stopped_by: Option<Side>) {
        let goes_on = !self.fetches_of(item).is_empty();
        if let Some(shared) = self.shared.iter_mut().find(|shared| shared.item.summary.id == item) {
            shared.last = last;
            shared.stopped_by = stopped_by;
            shared.paused &= goes_on;
        }
        self.touch(Changed::Facts);
    }

    fn notify_item(&mut self, code: NoticeCode, item: ItemId) {
        let name = self.shared.iter().find(|shared| shared.item.summary.id == item);
        let name = name.map(|shared| shared.item.summary.name.clone()).unwrap_or_default();
        self.notify(code, name);
    }
}
