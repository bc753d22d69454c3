//! What others offer, and the fetches that this device runs.
//!
//! An accepted item goes through listing, preparing, fetching, verifying; it survives the loss of its link and goes
//! on over the next. Writes nothing itself, and takes no name that was not checked.

use bytes::Bytes;

use super::received::{Content, Received, Step};
use super::{Changed, JobOwner, Session};
use crate::api::{ItemKey, ItemState, NoticeCode, Side};
use crate::catalog::TheirItem;
use crate::host::{Errand, JobId, Kept, PlaceId, ReadPiece, SourceFault, StoreFault, StoreId};
use crate::id::{ItemId, PeerId, TransferId};
use crate::link::LinkId;
use crate::pieces::Value;
use crate::text::Document;
use crate::time::Moment;
use crate::transfer::{Incoming, IncomingEvent, Outcome};
use crate::wire::{Control, Entry, ItemSummary, MAX_ITEMS, RefuseFetch, segments};

/// Items fetched at once; the others wait their turn. Bounds memory to as many windows.
const MAX_RUNNING: usize = 4;

impl Session {
    pub(super) fn accept(&mut self, key: ItemKey, place: PlaceId, now: Moment) {
        let Some(received) = self.received.get_mut(&key) else { return };
        let open = matches!(received.state, ItemState::Offered | ItemState::Failed | ItemState::Cancelled);
        let Content::Item(item) = &mut received.content else { return };
        if !open || received.step != Step::Rest {
            return;
        }
        item.restart();
        received.place = Some(place);
        received.stopped_by = None;
        received.paused_here = false;
        received.paused_there = false;
        received.hash = None;
        received.step = Step::Queued;
        received.update_state();
        self.run_queue(now);
    }

    pub(super) fn pause(&mut self, key: ItemKey, _now: Moment) {
        self.pause_or_resume(key, true);
    }

    pub(super) fn resume(&mut self, key: ItemKey, now: Moment) {
        self.pause_or_resume(key, false);
        self.run_queue(now);
    }

    pub(super) fn cancel(&mut self, key: ItemKey, now: Moment) {
        if key.owner.is_none() {
            return self.cancel_own(key.item);
        }
        self.stop(key, ItemState::Cancelled, Some(Side::Here), true);
        self.run_queue(now);
    }

    pub(super) fn remove(&mut self, key: ItemKey, now: Moment) {
        if key.owner.is_none() {
            if self.shared.iter().any(|shared| shared.item.summary.id == key.item) {
                return self.remove_own(key.item, now);
            }
            return self.set_text(Document::default(), now);
        }
        self.stop(key, ItemState::Cancelled, Some(Side::Here), true);
        let removed = self.received.remove(&key);
        // What lies in the person's own place is theirs; what lies in ours would only take up space.
        if let Some(Received { kept: Some(Kept::InStorage), store: Some(store), .. }) = removed {
            self.perform(Errand::Discard(store));
        }
        self.run_queue(now);
    }

    /// A data frame on a link that is up.
    pub(super) fn handle_data(&mut self, link: LinkId, peer: PeerId, frame: Bytes, now: Moment) {
        let length = frame.len();
        for segment in segments(frame) {
            let Ok(mut segment) = segment else { return self.end_for_violation(link) };
            let Some(key) = self.fetch_of(peer, segment.transfer) else {
                // Frames of a fetch that just ended may still be on the way; one that never was may not.
                if u64::from(segment.transfer.0) > self.counter {
                    return self.end_for_violation(link);
                }
                continue;
            };
            // A small part must not keep the whole frame it came in alive.
            if segment.payload.len() < length / 4 {
                segment.payload = Bytes::copy_from_slice(&segment.payload);
            }
            let Some(incoming) = self.received.get_mut(&key).and_then(|received| received.incoming.as_mut())
            else {
                continue;
            };
            let (jobs, counter) = (&mut self.jobs, &mut self.counter);
            let mut new_job = || {
                *counter += 1;
                jobs.insert(JobId(*counter), JobOwner::Write(key));
                JobId(*counter)
            };
            match incoming.handle_segment(segment, &mut new_job) {
                Ok(outcome) => self.handle_outcome(key, outcome, now),
                Err(_) => return self.end_for_violation(link),
            }
        }
    }

    pub(super) fn handle_read(&mut self, job: JobId, outcome: Result<ReadPiece, SourceFault>, _now: Moment) {
        if let Some(JobOwner::Read(link, transfer)) = self.jobs.remove(&job) {
            self.handle_read_own(job, link, transfer, outcome);
        }
    }

    pub(super) fn handle_written(&mut self, job: JobId, outcome: Result<Value, StoreFault>, now: Moment) {
        let Some(JobOwner::Write(key)) = self.jobs.remove(&job) else { return };
        let Some(received) = self.received.get_mut(&key) else { return };
        let Some(incoming) = received.incoming.as_mut().filter(|incoming| incoming.owns(job)) else { return };
        match outcome {
            Ok(value) => {
                let outcome = incoming.handle_written(job, value);
                let credit = incoming.poll_credit();
                received.rate.note(incoming.stored(), now);
                let fetching = received.step == Step::Fetching;
                received.update_state();
                self.touch(Changed::Progress);
                if let (Some(credit), true, Some(owner)) = (credit, fetching, key.owner) {
                    self.say_to(owner, &credit);
                }
                self.handle_outcome(key, outcome, now);
                // A fetch that waits for the writes of the one before it can go on once they are done.
                self.run_queue(now);
            }
            Err(fault) => self.fail_store(key, fault, now),
        }
    }

    pub(super) fn handle_prepared(&mut self, store: StoreId, outcome: Result<(), StoreFault>, now: Moment) {
        let Some(key) = self.stores.get(&store).copied() else { return };
        match outcome {
            Ok(()) => {
                if let Some(received) = self.received.get_mut(&key) {
                    received.step = Step::Ready;
                }
                self.run_queue(now);
            }
            Err(fault) => self.fail_store(key, fault, now),
        }
    }

    pub(super) fn handle_committed(&mut self, store: StoreId, outcome: Result<(), StoreFault>, now: Moment) {
        let Some(key) = self.stores.get(&store).copied() else { return };
        match outcome {
            Ok(()) => {
                let incoming = self.received.get_mut(&key).and_then(|received| received.incoming.as_mut());
                let event = incoming.and_then(Incoming::handle_committed);
                self.handle_outcome(key, Outcome { event, ..Outcome::default() }, now);
            }
            Err(fault) => self.fail_store(key, fault, now),
        }
    }

    pub(super) fn handle_finished(&mut self, store: StoreId, outcome: Result<Kept, StoreFault>, now: Moment) {
        let Some(key) = self.stores.remove(&store) else { return };
        match outcome {
            Ok(kept) => {
                let Some(received) = self.received.get_mut(&key) else { return };
                let incoming = received.incoming.take();
                let transfer = incoming.as_ref().map(|incoming| incoming.transfer);
                let roots = incoming.and_then(|incoming| incoming.roots());
                if let (Content::Item(item), Some(roots)) = (&received.content, roots) {
                    received.hash = Some(item.hash(&roots));
                }
                received.step = Step::Rest;
                received.state = ItemState::Done;
                received.kept = Some(kept);
                let name = received.name();
                self.notify(NoticeCode::ItemReceived, name);
                if let (Some(owner), Some(transfer)) = (key.owner, transfer) {
                    self.say_to(owner, &Control::Received(transfer));
                }
                self.run_queue(now);
            }
            Err(fault) => {
                self.stores.insert(store, key);
                self.fail_store(key, fault, now);
            }
        }
    }

    /// The link to this member ended: what it was sending waits for the next one.
    pub(super) fn interrupt_items_of(&mut self, owner: PeerId) {
        let theirs = |key: &ItemKey, received: &Received| key.owner == Some(owner) && !received.is_whole();
        for (_, received) in self.received.iter_mut().filter(|(key, received)| theirs(key, received)) {
            received.step = match received.step {
                Step::Listing => Step::Queued,
                Step::Fetching => Step::Ready,
                step => step,
            };
            received.rate.restart();
            received.paused_there = false;
            received.update_state();
        }
        self.fetches.retain(|_, key| key.owner != Some(owner));
        self.touch(Changed::Facts);
    }

    /// A link to this member is up (again).
    pub(super) fn go_on_with(&mut self, _owner: PeerId, now: Moment) {
        self.run_queue(now);
    }

    /// The member is gone for good: what is whole stays, what is not cannot be fetched any more.
    pub(super) fn forget_items_of(&mut self, owner: PeerId, now: Moment) {
        let theirs = |key: &ItemKey, received: &Received| key.owner == Some(owner) && !received.is_whole();
        let lost = self.received.iter().filter(|(key, received)| theirs(key, received));
        let keys: Vec<ItemKey> = lost.map(|(key, _)| *key).collect();
        for key in keys {
            self.stop(key, ItemState::Failed, None, false);
            if self.received.get(&key).is_some_and(|received| received.state != ItemState::Done) {
                self.received.remove(&key);
            }
        }
        self.run_queue(now);
    }

    pub(super) fn handle_offer(&mut self, link: LinkId, peer: PeerId, summary: ItemSummary, now: Moment) {
        let key = ItemKey { owner: Some(peer), item: summary.id };
        if let Some(Received { content: Content::Item(known), .. }) = self.received.get(&key) {
            // The same item over a new link; other facts under the same id are not the same item.
            if known.summary != summary {
                self.end_for_violation(link);
            }
            return;
        }
        if self.received.keys().filter(|key| key.owner == Some(peer)).count() >= MAX_ITEMS {
            return self.end_for_violation(link);
        }
        match TheirItem::new(summary, self.fold) {
            Ok(item) => {
                let order = self.next_number();
                self.received.insert(key, Received::new(order, Content::Item(item)));
                self.touch(Changed::Facts);
                self.run_queue(now);
            }
            Err(_) => self.notify(NoticeCode::UnsafeName, self.peer_label(peer)),
        }
    }

    pub(super) fn handle_withdraw(&mut self, key: ItemKey, now: Moment) {
        let Some(received) = self.received.get(&key) else { return };
        if received.state == ItemState::Done {
            return;
        }
        if received.step != Step::Rest {
            let name = received.name();
            self.notify(NoticeCode::ItemGone, name);
        }
        self.stop(key, ItemState::Failed, None, false);
        self.received.remove(&key);
        self.run_queue(now);
        self.touch(Changed::Facts);
    }

    pub(super) fn handle_text(&mut self, link: LinkId, peer: PeerId, bytes: &[u8]) {
        // A member has one text; its item id is fixed, so that the newest replaces the one before.
        let key = ItemKey { owner: Some(peer), item: ItemId::TEXT };
        if bytes.is_empty() {
            self.received.remove(&key);
            return self.touch(Changed::Facts);
        }
        let Ok(document) = Document::decode(bytes) else { return self.end_for_violation(link) };
        match self.received.get_mut(&key) {
            Some(received) => received.content = Content::Text(document),
            None => {
                let order = self.next_number();
                self.received.insert(key, Received::new(order, Content::Text(document)));
            }
        }
        self.touch(Changed::Facts);
    }

    pub(super) fn handle_entries(
        &mut self,
        peer: PeerId,
        item: ItemId,
        from: u32,
        entries: &[Entry],
        now: Moment,
    ) {
        let key = ItemKey { owner: Some(peer), item };
        let Some(received) = self.received.get_mut(&key).filter(|received| received.step == Step::Listing)
        else {
            return;
        };
        let Content::Item(their) = &mut received.content else { return };
        if their.add_page(from, entries).is_err() {
            self.notify(NoticeCode::UnsafeName, self.peer_label(peer));
            self.stop(key, ItemState::Failed, None, false);
            return self.run_queue(now);
        }
        self.list_or_prepare(key);
    }

    pub(super) fn handle_pause(&mut self, peer: PeerId, transfer: TransferId, pause: bool, now: Moment) {
        let Some(key) = self.fetch_of(peer, transfer) else { return };
        let Some(received) = self.received.get_mut(&key) else { return };
        received.paused_there = pause;
        received.stopped_by = pause.then_some(Side::There).or(received.paused_here.then_some(Side::Here));
        received.rate.restart();
        received.update_state();
        let name = received.name();
        if pause {
            self.notify(NoticeCode::PausedThere, name);
        }
        self.touch(Changed::Facts);
        self.run_queue(now);
    }

    pub(super) fn handle_cancel(&mut self, peer: PeerId, transfer: TransferId, now: Moment) {
        let Some(key) = self.fetch_of(peer, transfer) else { return };
        let name = self.received.get(&key).map(Received::name).unwrap_or_default();
        self.stop(key, ItemState::Cancelled, Some(Side::There), false);
        self.notify(NoticeCode::CancelledThere, name);
        self.run_queue(now);
    }

    pub(super) fn handle_refusal(&mut self, key: ItemKey, why: RefuseFetch, now: Moment) {
        let name = self.received.get(&key).map(Received::name).unwrap_or_default();
        let code = match why {
            RefuseFetch::Gone => NoticeCode::ItemGone,
            RefuseFetch::Changed => NoticeCode::SourceChanged,
            RefuseFetch::Unreadable => NoticeCode::SourceUnreadable,
            RefuseFetch::Busy => NoticeCode::SharerBusy,
        };
        self.stop(key, ItemState::Failed, None, false);
        self.notify(code, name);
        self.run_queue(now);
    }

    fn handle_outcome(&mut self, key: ItemKey, outcome: Outcome, now: Moment) {
        if let Some(errand) = outcome.errand {
            self.perform(errand);
        }
        if let (Some(say), Some(owner)) = (outcome.say, key.owner) {
            self.say_to(owner, &say);
        }
        let Some(event) = outcome.event else { return };
        let name = self.received.get(&key).map(Received::name).unwrap_or_default();
        match event {
            IncomingEvent::AllCommitted => self.finish(key),
            IncomingEvent::PieceFailed => self.notify(NoticeCode::PieceFailed, name),
            IncomingEvent::Corrupt | IncomingEvent::Changed => {
                let corrupt = event == IncomingEvent::Corrupt;
                self.stop(key, ItemState::Failed, None, true);
                self.notify(if corrupt { NoticeCode::ItemCorrupt } else { NoticeCode::SourceChanged }, name);
                self.run_queue(now);
            }
        }
    }

    fn fail_store(&mut self, key: ItemKey, fault: StoreFault, now: Moment) {
        let name = self.received.get(&key).map(Received::name).unwrap_or_default();
        self.stop(key, ItemState::Failed, None, true);
        match fault {
            StoreFault::NoSpace { needed, free } => {
                self.notify_with(NoticeCode::NoSpace, name, Some(needed), Some(free));
            }
            StoreFault::Unwritable => self.notify(NoticeCode::PlaceUnwritable, name),
        }
        self.run_queue(now);
    }

    /// Lets accepted items take their next step, as many at once as may.
    fn run_queue(&mut self, now: Moment) {
        let mut running = self.received.values().filter(|received| received.is_running()).count();
        let mut waiting: Vec<(u64, ItemKey)> = self
            .received
            .iter()
            .filter(|(_, received)| {
                matches!(received.step, Step::Queued | Step::Ready) && !received.is_paused()
            })
            .map(|(key, received)| (received.order, *key))
            .collect();
        waiting.sort_unstable();
        for (_, key) in waiting {
            let Some(owner) = key.owner else { continue };
            if self.peers.get(&owner).is_none_or(|peer| peer.link.is_none()) {
                continue;
            }
            match self.received.get(&key).map(|received| received.step) {
                Some(Step::Queued) if running < MAX_RUNNING => {
                    running += 1;
                    self.list_or_prepare(key);
                }
                Some(Step::Ready) => self.start_fetch(key, owner, now),
                _ => {}
            }
        }
    }

    /// Asks for the next page of the listing, or has the store prepared when the listing is whole.
    fn list_or_prepare(&mut self, key: ItemKey) {
        let Some(owner) = key.owner else { return };
        let store = StoreId(self.next_number());
        let Some(received) = self.received.get_mut(&key) else { return };
        let (Content::Item(item), Some(place)) = (&received.content, received.place) else { return };
        if let Some(from) = item.next_entry() {
            received.step = Step::Listing;
            received.update_state();
            self.say_to(owner, &Control::List { item: key.item, from });
        } else {
            let plan = item.plan().clone();
            received.incoming = Some(Incoming::new(store, plan.files.iter().map(|file| file.size).collect()));
            received.store = Some(store);
            received.step = Step::Preparing;
            received.update_state();
            self.stores.insert(store, key);
            self.perform(Errand::Prepare { store, place, plan });
        }
        self.touch(Changed::Facts);
    }

    fn start_fetch(&mut self, key: ItemKey, owner: PeerId, now: Moment) {
        let transfer = TransferId(u32::try_from(self.next_number()).unwrap_or(u32::MAX));
        let Some(received) = self.received.get_mut(&key) else { return };
        let Some(incoming) = received.incoming.as_mut().filter(|incoming| incoming.is_settled()) else {
            return;
        };
        let fetch = incoming.start(transfer, key.item);
        let missing = incoming.missing();
        received.step = Step::Fetching;
        received.update_state();
        let empty = incoming_is_empty(received);
        self.fetches.insert(transfer, key);
        self.say_to(owner, &fetch);
        self.want_lanes(owner, missing, now);
        if empty {
            self.finish(key);
        }
        self.touch(Changed::Facts);
    }

    /// All files have their names: the host closes the store.
    fn finish(&mut self, key: ItemKey) {
        let Some(received) = self.received.get_mut(&key) else { return };
        let Some(store) = received.store else { return };
        let transfer = received.incoming.as_ref().map(|incoming| incoming.transfer);
        received.step = Step::Finishing;
        received.paused_here = false;
        received.paused_there = false;
        received.update_state();
        self.perform(Errand::Finish(store));
        if let Some(transfer) = transfer {
            self.fetches.remove(&transfer);
        }
        self.touch(Changed::Facts);
    }

    fn pause_or_resume(&mut self, key: ItemKey, pause: bool) {
        let Some(owner) = key.owner else { return self.pause_own(key.item, pause) };
        let Some(received) = self.received.get_mut(&key).filter(|received| received.step != Step::Rest)
        else {
            return;
        };
        received.paused_here = pause;
        received.stopped_by = pause.then_some(Side::Here).or(received.paused_there.then_some(Side::There));
        received.rate.restart();
        received.update_state();
        let transfer = received.incoming.as_ref().map(|incoming| incoming.transfer);
        let fetching = received.step == Step::Fetching;
        if let (Some(transfer), true) = (transfer, fetching) {
            self.say_to(owner, &if pause { Control::Pause(transfer) } else { Control::Resume(transfer) });
        }
        self.touch(Changed::Facts);
    }

    /// Ends whatever runs for this item and drops what is half done.
    fn stop(&mut self, key: ItemKey, state: ItemState, by: Option<Side>, tell: bool) {
        let Some(received) = self.received.get_mut(&key) else { return };
        if received.step == Step::Rest {
            return;
        }
        received.step = Step::Rest;
        received.state = state;
        received.stopped_by = by;
        received.rate.restart();
        let store = received.store.take();
        let transfer = received.incoming.take().map(|incoming| incoming.transfer);
        if let Some(store) = store {
            self.stores.remove(&store);
            self.perform(Errand::Discard(store));
        }
        self.jobs.retain(|_, owner| !matches!(owner, JobOwner::Write(item) if *item == key));
        if let (Some(transfer), Some(owner)) = (transfer, key.owner) {
            let running = self.fetches.remove(&transfer).is_some();
            if running && tell {
                self.say_to(owner, &Control::Cancel(transfer));
            }
        }
        self.touch(Changed::Facts);
    }

    pub(super) fn fetch_of(&self, peer: PeerId, transfer: TransferId) -> Option<ItemKey> {
        self.fetches.get(&transfer).copied().filter(|key| key.owner == Some(peer))
    }
}

fn incoming_is_empty(received: &Received) -> bool {
    received.incoming.as_ref().is_some_and(Incoming::is_empty)
}
