//! What was accepted and is not whole: told again when it comes back, and gone on with without being asked.
//!
//! An item goes on by itself only when the same member of the same room, or its host, offers it under the same name, with the same
//! size and time of change. Whether its content is the same, too, is settled by its pieces. Keeps nothing over a
//! restart: a shell does, from [`View::wanted`](crate::api::View::wanted).

use super::received::{Content, Received};
use super::{Changed, Session};
use crate::api::{ItemKey, ItemState, MAX_WANTED, NoticeCode};
use crate::host::PlaceId;
use crate::id::{Mark, PeerId};
use crate::time::Moment;
use crate::wire::{ItemSummary, SummaryKind};

impl Session {
    /// A restart is over: what was wanted before it is taken as soon as it is offered.
    pub(super) fn go_on(&mut self, wanted: Vec<Mark>, place: PlaceId, now: Moment) {
        for mark in wanted.into_iter().take(MAX_WANTED) {
            self.want(mark, place);
        }
        self.take_wanted(now);
    }

    /// Nothing is taken by itself any more.
    pub(super) fn forget_wanted(&mut self) {
        self.wanted.clear();
        self.touch(Changed::Facts);
    }

    /// Takes whatever is offered and wanted.
    pub(super) fn take_wanted(&mut self, now: Moment) {
        let listed: Vec<ItemKey> = self.received.keys().copied().collect();
        for key in listed {
            self.go_on_if_wanted(key, now);
        }
    }

    /// Takes an item if it is wanted.
    pub(super) fn go_on_if_wanted(&mut self, key: ItemKey, now: Moment) {
        let Some(Received { content: Content::Item(_, mark), state: ItemState::Offered, .. }) =
            self.received.get(&key)
        else {
            return;
        };
        let place = self.wanted.iter().find(|(other, _)| other == mark).map(|(_, place)| *place);
        let Some(place) = place else { return };
        let name = self.received.get(&key).map(Received::name).unwrap_or_default();
        self.notices.retain(|notice| notice.code != NoticeCode::ItemAwaited || notice.subject != name);
        self.accept(key, place, now);
    }

    /// The sharer has this item no longer, or is gone: what is there of it stays, and it goes on when it is offered again.
    /// False when it does not go on by itself: nobody took it, or a person stopped it.
    pub(super) fn await_again(&mut self, key: ItemKey) -> bool {
        let wanted = self.received.get(&key).and_then(Received::wanted);
        if let Some((mark, place)) = wanted {
            self.want(mark, place);
        }
        self.suspend(key, false);
        wanted.is_some()
    }

    /// What shells keep over a restart.
    pub(super) fn wanted_marks(&self) -> Vec<Mark> {
        let under_way = self.received.values().filter_map(Received::wanted);
        under_way.chain(self.wanted.iter().copied()).map(|(mark, _)| mark).collect()
    }

    pub(super) fn mark_of(&self, owner: PeerId, summary: &ItemSummary) -> Mark {
        let room = self.room.membership.as_ref().map_or("", |here| here.room.as_str());
        let mut hasher = blake3::Hasher::new_derive_key("privydrop 1 wanted item");
        for text in [room, &summary.name] {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        let kind = match summary.kind {
            SummaryKind::File { modified } => [0, u64::from(modified.is_some()), modified.unwrap_or(0)],
            SummaryKind::Folder { files, entries } => [1, files.into(), entries.into()],
        };
        // The host stays the host when a server that began anew calls it otherwise: it has the room's key. Nobody else who
        // makes a room of this name has that.
        let host = self.peers.get(&owner).is_some_and(|peer| peer.host);
        match self.room.key.as_ref().filter(|_| host) {
            Some(key) => hasher.update(key.as_bytes()),
            None => hasher.update(&owner.to_bytes()),
        };
        hasher.update(&summary.size.to_le_bytes());
        kind.iter().for_each(|number| _ = hasher.update(&number.to_le_bytes()));
        Mark::of(&hasher.finalize())
    }

    fn want(&mut self, mark: Mark, place: PlaceId) {
        self.wanted.retain(|(other, _)| *other != mark);
        if self.wanted.len() >= MAX_WANTED {
            self.wanted.remove(0);
        }
        self.wanted.push((mark, place));
        self.touch(Changed::Facts);
    }
}
