//! What people decide about the items of others: accept, pause, resume, cancel, remove, here and at the sharer's.
//!
//! Moves no bytes: an accepted item waits for its turn in `fetching`, and its pieces come in through `arriving`.

use super::received::{Content, Received, Step};
use super::{Changed, JobOwner, Session};
use crate::api::{ItemKey, ItemState, NoticeCode, Side};
use crate::host::{Errand, Kept, PlaceId, StoreId};
use crate::id::{PeerId, TransferId};
use crate::text::Document;
use crate::time::Moment;
use crate::wire::{Control, RefuseFetch};

impl Session {
    pub(super) fn accept(&mut self, key: ItemKey, place: PlaceId, now: Moment) {
        let Some(received) = self.received.get_mut(&key) else { return };
        let open = matches!(received.state, ItemState::Offered | ItemState::Failed | ItemState::Cancelled);
        let Content::Item(item, mark) = &mut received.content else { return };
        if !open || received.step != Step::Rest {
            return;
        }
        item.restart();
        let mark = *mark;
        received.place = Some(place);
        received.stopped_by = None;
        received.paused_here = false;
        received.paused_there = false;
        received.hash = None;
        received.step = Step::Queued;
        received.update_state();
        self.wanted.retain(|(other, _)| *other != mark);
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
        // What is verified needs its sharer no more.
        let Some(received) = self.received.get(&key).filter(|received| !received.is_whole()) else { return };
        let name = received.name();
        let code = match why {
            RefuseFetch::Gone => NoticeCode::ItemGone,
            RefuseFetch::Changed => NoticeCode::SourceChanged,
            RefuseFetch::Unreadable => NoticeCode::SourceUnreadable,
            RefuseFetch::Busy => NoticeCode::SharerBusy,
        };
        match why {
            // It can be fetched in a moment, or is offered again under another id by a program that began anew.
            RefuseFetch::Busy | RefuseFetch::Gone => self.suspend(key, false),
            RefuseFetch::Changed | RefuseFetch::Unreadable => {
                self.stop(key, ItemState::Failed, None, false);
            }
        }
        self.notify(code, name);
        self.run_queue(now);
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
    pub(super) fn stop(&mut self, key: ItemKey, state: ItemState, by: Option<Side>, tell: bool) {
        self.end(key, state, by, tell, Errand::Discard);
    }

    /// Ends whatever runs for this item; what is there of it stays, should it be offered and accepted again.
    pub(super) fn suspend(&mut self, key: ItemKey, tell: bool) {
        self.end(key, ItemState::Failed, None, tell, Errand::Suspend);
    }

    fn end(
        &mut self,
        key: ItemKey,
        state: ItemState,
        by: Option<Side>,
        tell: bool,
        close: fn(StoreId) -> Errand,
    ) {
        let Some(received) = self.received.get_mut(&key) else { return };
        if received.step == Step::Rest {
            return;
        }
        // The sharer counts it among those that run until it is told.
        let finishing = received.step == Step::Finishing;
        received.step = Step::Rest;
        received.checking = None;
        received.state = state;
        received.stopped_by = by;
        received.rate.restart();
        let store = received.store.take();
        let transfer = received.incoming.take().map(|incoming| incoming.transfer);
        if let Some(store) = store {
            self.stores.remove(&store);
            self.perform(close(store));
        }
        self.jobs.retain(|_, owner| !matches!(owner, JobOwner::Write(item) if *item == key));
        if let (Some(transfer), Some(owner)) = (transfer, key.owner) {
            let running = self.fetches.remove(&transfer).is_some();
            if (running || finishing) && tell {
                self.say_to(owner, &Control::Cancel(transfer));
            }
        }
        self.touch(Changed::Facts);
    }
}
