//! What others offer: taking their items and texts in, their listings page by page, and letting go of what is gone.
//!
//! Fetches nothing: what is accepted is the business of `receiving`. Takes no name that was not checked.

use super::received::{Content, Received, Step};
use super::{Changed, Session};
use crate::api::{ItemKey, ItemState, NoticeCode};
use crate::catalog::TheirItem;
use crate::id::{ItemId, PeerId};
use crate::link::LinkId;
use crate::text::Document;
use crate::time::Moment;
use crate::wire::{Entry, ItemSummary, MAX_ITEMS};

/// Texts that are kept of members who left.
const MAX_TEXTS_LEFT: usize = 24;

impl Session {
    pub(super) fn handle_offer(&mut self, link: LinkId, peer: PeerId, summary: ItemSummary, now: Moment) {
        let key = ItemKey { owner: Some(peer), item: summary.id };
        if let Some(Received { content: Content::Item(known, _), link: on, .. }) = self.received.get_mut(&key)
        {
            // The same item over a new link; other facts under the same id are not the same item.
            if known.summary != summary {
                return self.end_for_violation(link);
            }
            *on = link;
            self.say_received_again(key, now);
            return self.run_queue(now);
        }
        // What is here takes nobody's place; what was offered on an earlier link does, until it turns out to be gone.
        let open = |(key, received): &(&ItemKey, &Received)| {
            key.owner == Some(peer) && key.item != ItemId::TEXT && received.state != ItemState::Done
        };
        let (all, here) =
            self.received.iter().filter(open).fold((0, 0), |(all, here), (_, received)| {
                (all + 1, here + usize::from(received.link == link))
            });
        if here >= MAX_ITEMS || all >= 2 * MAX_ITEMS {
            return self.end_for_violation(link);
        }
        let mark = self.mark_of(peer, &summary);
        match TheirItem::new(summary, self.fold) {
            Ok(item) => {
                let order = self.next_number();
                self.received.insert(key, Received::new(order, link, Content::Item(Box::new(item), mark)));
                self.touch(Changed::Facts);
                self.go_on_if_wanted(key, now);
            }
            Err(_) => self.notify(NoticeCode::UnsafeName, self.peer_label(peer)),
        }
    }

    pub(super) fn handle_withdraw(&mut self, key: ItemKey, now: Moment) {
        let Some(received) = self.received.get(&key) else { return };
        // What is verified needs its sharer no more.
        if received.state == ItemState::Done || received.is_whole() {
            return;
        }
        if received.step != Step::Rest {
            let name = received.name();
            self.notify(NoticeCode::ItemGone, name);
        }
        // Should the same be offered again, it goes on from what is here once it is accepted; not by itself, for its
        // sharer took it back.
        self.suspend(key, false);
        self.received.remove(&key);
        self.run_queue(now);
        self.touch(Changed::Facts);
    }

    pub(super) fn handle_text(&mut self, link: LinkId, peer: PeerId, bytes: &[u8], now: Moment) {
        self.take_off_unoffered(link, peer, now);
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
                self.received.insert(key, Received::new(order, link, Content::Text(document)));
            }
        }
        self.touch(Changed::Facts);
    }

    pub(super) fn handle_entries(
        &mut self,
        peer: PeerId,
        item: ItemId,
        from: u32,
        entries: Vec<Entry>,
        now: Moment,
    ) {
        let key = ItemKey { owner: Some(peer), item };
        let Some(received) = self.received.get_mut(&key).filter(|received| received.step == Step::Listing)
        else {
            return;
        };
        let Content::Item(their, _) = &mut received.content else { return };
        if their.add_page(from, entries).is_err() {
            self.notify(NoticeCode::UnsafeName, self.peer_label(peer));
            self.stop(key, ItemState::Failed, None, false);
            return self.run_queue(now);
        }
        self.list_or_prepare(key);
    }

    /// A member's text comes after all its items, also an empty one. What it offered on another link and not on this one
    /// it does not have any more: most likely it was started anew.
    fn take_off_unoffered(&mut self, link: LinkId, peer: PeerId, now: Moment) {
        let unoffered = |key: &ItemKey, received: &Received| {
            let open = received.state != ItemState::Done && !received.is_whole();
            key.owner == Some(peer) && received.link != link && open
        };
        let gone = self.received.iter().filter(|(key, received)| unoffered(key, received));
        let gone: Vec<ItemKey> = gone.map(|(key, _)| *key).collect();
        for key in gone {
            let awaited = self.await_again(key);
            let name = self.received.remove(&key).map(|received| received.name());
            if let Some(name) = name.filter(|_| awaited) {
                self.notify(NoticeCode::ItemAwaited, name);
            }
            self.touch(Changed::Facts);
        }
        self.take_wanted(now);
        self.run_queue(now);
    }

    /// Texts of members who left stay, as many as [`MAX_TEXTS_LEFT`].
    fn forget_oldest_text_left(&mut self) {
        let left = |(key, received): &(&ItemKey, &Received)| {
            let here = key.owner.is_some_and(|owner| self.peers.contains_key(&owner));
            matches!(received.content, Content::Text(_)) && !here
        };
        if self.received.iter().filter(left).count() > MAX_TEXTS_LEFT {
            let oldest = self.received.iter().filter(left).min_by_key(|(_, received)| received.order);
            if let Some(key) = oldest.map(|(key, _)| *key) {
                self.received.remove(&key);
            }
        }
    }

    /// The member is gone for good: what is whole stays, what is not cannot be fetched any more.
    pub(super) fn forget_items_of(&mut self, owner: PeerId, now: Moment) {
        let theirs = |key: &ItemKey, received: &Received| key.owner == Some(owner) && !received.is_whole();
        let lost = self.received.iter().filter(|(key, received)| theirs(key, received));
        let keys: Vec<ItemKey> = lost.map(|(key, _)| *key).collect();
        for key in keys {
            self.await_again(key);
            if self.received.get(&key).is_some_and(|received| received.state != ItemState::Done) {
                self.received.remove(&key);
            }
        }
        self.forget_oldest_text_left();
        self.run_queue(now);
    }
}
