//! The snapshot that shells draw: derived from the session's state, never kept.

use super::Session;
use super::received::{Content, Received};
use super::sharing::{Fetch, Shared};
use crate::api::{
    ItemKey, ItemKind, ItemState, ItemView, PeerState, PeerView, Phase, Progress, RoomView, View,
};
use crate::code::Code;
use crate::id::{ItemId, PeerId};
use crate::order::in_order;
use crate::text::Document;
use crate::time::Moment;
use crate::wire::SummaryKind;

impl Session {
    pub(super) fn build_view(&self, now: Moment) -> View {
        let shared = self.shared.iter().map(|shared| (shared.order, self.own_item(shared, now)));
        let key = ItemKey { owner: None, item: ItemId::TEXT };
        let text = (!self.text.is_empty())
            .then(|| (self.text_order, text_item(key, &self.text, ItemState::Offered)));
        let received = self.received.iter();
        let received = received.map(|(key, received)| (received.order, their_item(*key, received, now)));
        let items = in_order(shared.chain(text).chain(received));
        let total = sum(items.iter().filter(|item| is_on_its_way(item.state)));
        View {
            phase: self.room.phase,
            room: self.room_view(),
            peers: self.peer_views(),
            busy: items.iter().any(|item| is_on_its_way(item.state)),
            total,
            items,
            wanted: self.wanted_marks(),
            notices: self.notices.iter().cloned().collect(),
        }
    }

    fn room_view(&self) -> Option<RoomView> {
        let here = self.room.membership.as_ref()?;
        let door = self.room.door.as_ref();
        Some(RoomView {
            id: here.room.clone(),
            hosting: self.is_hosting(),
            code: door.map(|door| Code { room: here.room.clone(), words: door.words.clone() }),
            link: self.room_link(),
            keepsake: self.keepsake().filter(|_| self.room.phase == Phase::InRoom),
            tries_left: door.map_or(0, |door| door.guesses.tries_left()),
        })
    }

    fn peer_views(&self) -> Vec<PeerView> {
        let wanted = |(_, peer): &(&PeerId, &super::Peer)| {
            peer.is_visible()
                && (self.is_hosting()
                    || peer.host
                    || peer.link.is_some()
                    || self.is_sharing()
                    || peer.sharing)
        };
        let view = |(id, peer): (&PeerId, &super::Peer)| PeerView {
            id: *id,
            label: peer.label.clone(),
            state: peer.state,
            path: peer.path,
            lanes: peer.lanes,
            verified: peer.link.is_some() && peer.state != PeerState::Refused,
            host: peer.host,
        };
        self.peers.iter().filter(wanted).map(view).collect()
    }

    fn own_item(&self, shared: &Shared, now: Moment) -> ItemView {
        let summary = &shared.item.summary;
        let fetches: Vec<&Fetch> = self
            .lanes
            .values()
            .flat_map(|lanes| lanes.fetches.values())
            .filter(|fetch| fetch.item == summary.id)
            .collect();
        let slowest = fetches.iter().min_by_key(|fetch| fetch.outgoing.stored);
        let done = if shared.last == ItemState::Done { summary.size } else { 0 };
        let idle = Progress { done, total: summary.size, ..Progress::default() };
        let state = match slowest {
            None => shared.last,
            Some(_) if fetches.iter().all(|fetch| fetch.outgoing.is_paused()) => ItemState::Paused,
            Some(_) => ItemState::Moving,
        };
        let (kind, files) = match summary.kind {
            SummaryKind::File { .. } => (ItemKind::File, 1),
            SummaryKind::Folder { files, .. } => (ItemKind::Folder, files),
        };
        let key = ItemKey { owner: None, item: summary.id };
        ItemView {
            files,
            state,
            progress: slowest
                .map_or(idle, |fetch| fetch.rate.progress(fetch.outgoing.stored, summary.size, now)),
            hash: shared.hash.clone(),
            fetched: shared.fetched,
            fetching: u32::try_from(fetches.len()).unwrap_or(u32::MAX),
            stopped_by: match slowest {
                Some(fetch) => fetch.outgoing.paused_by(),
                None => shared.stopped_by,
            },
            ..ItemView::offered(key, kind, summary.name.clone(), summary.size)
        }
    }
}

fn their_item(key: ItemKey, received: &Received, now: Moment) -> ItemView {
    let item = match &received.content {
        Content::Text(document) => return text_item(key, document, received.state),
        Content::Item(item, _) => item,
    };
    let size = item.summary.size;
    let stored = match (&received.incoming, received.state) {
        (Some(incoming), _) => incoming.stored(),
        (None, ItemState::Done) => size,
        (None, _) => 0,
    };
    let kind = match item.summary.kind {
        SummaryKind::File { .. } => ItemKind::File,
        SummaryKind::Folder { .. } => ItemKind::Folder,
    };
    ItemView {
        files: item.file_count(),
        state: received.state,
        progress: if is_on_its_way(received.state) {
            received.rate.progress(stored, size, now)
        } else {
            Progress { done: stored, total: size, ..Progress::default() }
        },
        hash: received.hash.clone(),
        stopped_by: received.stopped_by,
        checking: received.checking,
        kept: received.kept,
        store: received.store,
        ..ItemView::offered(key, kind, received.name(), size)
    }
}

fn text_item(key: ItemKey, document: &Document, state: ItemState) -> ItemView {
    let size = document.plain_text().len() as u64;
    let text = Some(document.clone());
    ItemView { state, text, ..ItemView::offered(key, ItemKind::Text, String::new(), size) }
}

fn is_on_its_way(state: ItemState) -> bool {
    matches!(state, ItemState::Waiting | ItemState::Moving | ItemState::Verifying)
}

fn sum<'a>(items: impl Iterator<Item = &'a ItemView>) -> Progress {
    let mut total = Progress::default();
    for item in items {
        total.done += item.progress.done;
        total.total += item.progress.total;
        total.speed += item.progress.speed;
    }
    total.seconds_left =
        (total.speed > 0).then(|| (total.total - total.done.min(total.total)) / total.speed.max(1));
    total
}
