//! Whose turn it is among the accepted items, and each one's steps from its listing to a running fetch.
//!
//! An item survives the loss of its link and goes on over the next. Looks at no byte of it.

use std::sync::Arc;
use std::time::Duration;

use super::received::{Content, Received, Step};
use super::{Changed, Session};
use crate::api::ItemKey;
use crate::host::{Errand, StoreId};
use crate::id::{PeerId, TransferId};
use crate::order::in_order;
use crate::time::Moment;
use crate::transfer::Incoming;
use crate::wire::Control;

/// Items fetched at once; the others wait their turn, but for one of each sharer: who offers things and sends nothing keeps
/// nobody else's waiting. Bounds memory to as many windows, and one more for each member.
const MAX_RUNNING: usize = 4;

/// What a link carried on its last way is heard by then, or the link is over: it falls silent and ends sooner.
const HEARD_AFTER: Duration = Duration::from_secs(60);

impl Session {
    /// The link to this member ended: what it was sending waits for the next one.
    pub(super) fn interrupt_items_of(&mut self, owner: PeerId, now: Moment) {
        let theirs = self.received.iter_mut().filter(|(key, _)| key.owner == Some(owner));
        for received in theirs.map(|(_, received)| received) {
            // A link that lasted so much longer carried what was said.
            received.told = received.told.take_if(|(_, then)| now - *then < HEARD_AFTER);
            if received.is_whole() {
                continue;
            }
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
        self.turn_is_free = true;
        self.touch(Changed::Facts);
    }

    /// Lets accepted items take their next step, as many at once as may.
    /// An item whose sharer has not offered it on the link in use waits: it may be gone.
    pub(super) fn run_queue(&mut self, now: Moment) {
        // Those that wait for a link that may never come take nobody's turn.
        let mut running = self.received.values().filter(|received| received.is_running()).count();
        let waits = |received: &Received| {
            matches!(received.step, Step::Queued | Step::Ready) && !received.is_paused()
        };
        let waiting = self.received.iter().filter(|(_, received)| waits(received));
        let waiting = in_order(waiting.map(|(key, received)| (received.order, (*key, received.link))));
        for (key, link) in waiting {
            let Some(owner) = key.owner else { continue };
            if self.peers.get(&owner).is_none_or(|peer| peer.link != Some(link)) {
                continue;
            }
            match self.received.get(&key).map(|received| received.step) {
                Some(Step::Queued) if running < MAX_RUNNING || !self.runs_for(owner) => {
                    running += 1;
                    self.list_or_prepare(key);
                }
                Some(Step::Ready) if running < MAX_RUNNING || !self.runs_for(owner) => {
                    running += 1;
                    self.start_fetch(key, owner, now);
                }
                _ => {}
            }
        }
    }

    fn runs_for(&self, owner: PeerId) -> bool {
        self.received.iter().any(|(key, received)| key.owner == Some(owner) && received.is_running())
    }

    /// Asks for the next page of the listing, or has the store prepared when the listing is whole.
    pub(super) fn list_or_prepare(&mut self, key: ItemKey) {
        let Some(owner) = key.owner else { return };
        let store = StoreId(self.next_number());
        let Some(received) = self.received.get_mut(&key) else { return };
        let (Content::Item(item, _), Some(place)) = (&received.content, received.place) else { return };
        if let Some(from) = item.next_entry() {
            received.step = Step::Listing;
            received.update_state();
            self.say_to(owner, &Control::List { item: key.item, from });
        } else {
            let plan = Arc::clone(item.plan());
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
        let transfer = self.next_transfer(key);
        let link = self.peers.get(&owner).and_then(|peer| peer.link);
        let Some(room) = link.and_then(|link| Some(self.links.get(&link)?.max_frame)) else { return };
        let Some(received) = self.received.get_mut(&key) else { return };
        let Some(incoming) = received.incoming.as_mut().filter(|incoming| incoming.is_settled()) else {
            return;
        };
        let fetch = incoming.start(transfer, key.item, room);
        received.step = Step::Fetching;
        received.update_state();
        let empty = received.incoming.as_ref().is_some_and(Incoming::is_empty);
        self.fetches.insert(transfer, key);
        self.say_to(owner, &fetch);
        self.want_lanes(owner, now);
        if empty {
            self.finish(key);
        }
        self.touch(Changed::Facts);
    }

    /// A number for a fetch of this item. The two sides of a link never give the same: what one says of a fetch of its own is not
    /// taken for the other's.
    pub(super) fn next_transfer(&mut self, key: ItemKey) -> TransferId {
        let side = key.owner.is_some_and(|owner| self.calls(owner));
        let number = 2 * self.next_number() + u64::from(side);
        TransferId(u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// Bytes that running fetches from this member have still to bring.
    pub(super) fn missing_from(&self, owner: PeerId) -> u64 {
        let theirs = self.fetches.values().filter(|key| key.owner == Some(owner));
        theirs.filter_map(|key| self.received.get(key)?.incoming.as_ref()).map(Incoming::missing).sum()
    }

    pub(super) fn fetch_of(&self, peer: PeerId, transfer: TransferId) -> Option<ItemKey> {
        self.fetches.get(&transfer).copied().filter(|key| key.owner == Some(peer))
    }
}
