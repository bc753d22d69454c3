//! The pieces of a running fetch: from the frames of a link to the disk, checked, and at last in their place.
//!
//! Writes nothing itself, and counts nothing that the disk has not told of.

use bytes::Bytes;

use super::received::{Content, Received, Step};
use super::{Changed, JobOwner, Session};
use crate::api::{ItemKey, ItemState, NoticeCode, Progress};
use crate::host::{Errand, Found, JobId, Kept, StoreFault, StoreId};
use crate::id::{PeerId, TransferId};
use crate::link::LinkId;
use crate::pieces::Value;
use crate::time::Moment;
use crate::transfer::{Incoming, IncomingEvent, Outcome};
use crate::wire::{Control, Have, segments};

impl Session {
    /// A data frame on a link that is up.
    pub(super) fn handle_data(&mut self, link: LinkId, peer: PeerId, frame: Bytes, now: Moment) {
        let length = frame.len();
        for segment in segments(frame) {
            let Ok(mut segment) = segment else { return self.end_for_violation(link) };
            let Some(key) = self.fetch_of(peer, segment.transfer) else {
                // Frames of a fetch that just ended may still be on the way; one that never was may not.
                if u64::from(segment.transfer.0) / 2 > self.counter {
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

    pub(super) fn handle_checking(&mut self, store: StoreId, done: u64, total: u64) {
        let Some(key) = self.stores.get(&store) else { return };
        let Some(received) = self.received.get_mut(key) else { return };
        if received.step == Step::Preparing {
            received.checking = Some(Progress { done, total, ..Progress::default() });
            self.touch(Changed::Progress);
        }
    }

    pub(super) fn handle_prepared(
        &mut self,
        store: StoreId,
        outcome: Result<Vec<Found>, StoreFault>,
        now: Moment,
    ) {
        let Some(key) = self.stores.get(&store).copied() else { return };
        match outcome {
            Ok(found) => {
                let Some(received) = self.received.get_mut(&key) else { return };
                received.step = Step::Ready;
                received.checking = None;
                if let Some(incoming) = &mut received.incoming
                    && !found.is_empty()
                {
                    incoming.restore(found);
                    let (name, percent) = (received.name(), received.percent());
                    self.notify_with(NoticeCode::ItemResumed, name, Some(percent), None);
                }
                self.run_queue(now);
            }
            Err(fault) => self.fail_store(key, fault, now),
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
                if let (Content::Item(item, _), Some(roots)) = (&received.content, roots) {
                    received.hash = Some(item.hash(&roots));
                }
                received.step = Step::Rest;
                received.state = ItemState::Done;
                received.kept = Some(kept);
                let name = received.name();
                self.notify(NoticeCode::ItemReceived, name);
                if let Some(transfer) = transfer {
                    self.say_received(key, transfer, now);
                }
                self.run_queue(now);
            }
            Err(fault) => {
                self.stores.insert(store, key);
                self.fail_store(key, fault, now);
            }
        }
    }

    fn say_received(&mut self, key: ItemKey, transfer: TransferId, now: Moment) {
        if let Some(owner) = key.owner {
            self.say_to(owner, &Control::Received(transfer));
        }
        if let Some(received) = self.received.get_mut(&key) {
            received.told = Some((transfer, now));
        }
    }

    /// The sharer of what is here may not have heard of that, for the link broke: it is told over the next one, by a fetch that
    /// has everything. It knows by the number whether it had heard.
    pub(super) fn say_received_again(&mut self, key: ItemKey, now: Moment) {
        let Some(Received { content: Content::Item(item, _), told: Some((transfer, _)), .. }) =
            self.received.get(&key)
        else {
            return;
        };
        let (transfer, have) = (*transfer, Have::whole(item.file_count()));
        if let Some(owner) = key.owner {
            self.say_to(owner, &Control::Fetch { transfer, item: key.item, have, window: 0 });
        }
        self.say_received(key, transfer, now);
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
            // What was left is of another content under the same name, size and time: it begins anew, as a new item.
            IncomingEvent::Changed if self.is_restored(key) => {
                let place = self.received.get(&key).and_then(|received| received.place);
                self.stop(key, ItemState::Failed, None, true);
                if let Some(place) = place {
                    self.accept(key, place, now);
                }
            }
            IncomingEvent::Corrupt | IncomingEvent::Changed => {
                let corrupt = event == IncomingEvent::Corrupt;
                self.stop(key, ItemState::Failed, None, true);
                self.notify(if corrupt { NoticeCode::ItemCorrupt } else { NoticeCode::SourceChanged }, name);
                self.run_queue(now);
            }
        }
    }

    fn is_restored(&self, key: ItemKey) -> bool {
        let incoming = self.received.get(&key).and_then(|received| received.incoming.as_ref());
        incoming.is_some_and(Incoming::is_restored)
    }

    /// All files have their names: the host closes the store.
    pub(super) fn finish(&mut self, key: ItemKey) {
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

    /// There may be room another time, so what came stays where it can. It is not taken again by itself: only a person can
    /// make room.
    fn fail_store(&mut self, key: ItemKey, fault: StoreFault, now: Moment) {
        let name = self.received.get(&key).map(Received::name).unwrap_or_default();
        self.suspend(key, true);
        match fault {
            StoreFault::NoSpace { needed, free } => {
                self.notify_with(NoticeCode::NoSpace, name, Some(needed), Some(free));
            }
            StoreFault::Full { needed } => {
                self.notify_with(NoticeCode::PlaceFull, name, Some(needed), None);
            }
            StoreFault::Unwritable => self.notify(NoticeCode::PlaceUnwritable, name),
        }
        self.run_queue(now);
    }
}
