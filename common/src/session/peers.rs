//! The other members, and knockers at the host's door: who is there, what they are called, and saying things to them.
//!
//! Knows that a member may have a link; who calls whom, and when again, is decided in `linking`.

use super::allowance::{Allowance, CALLS};
use super::{Action, Changed, Session};
use crate::api::{NoticeCode, PeerState};
use crate::id::PeerId;
use crate::link::{LinkEvent, LinkId};
use crate::name::is_invisible;
use crate::signaling::{MAX_KNOCKERS, MAX_MEMBERS};
use crate::time::Moment;
use crate::transport::Path;
use crate::wire::{Control, MAX_LABEL};

/// Members and knockers that are kept in mind: as many as an honest server lets into a room.
pub(super) const MAX_PEERS: usize = MAX_MEMBERS + MAX_KNOCKERS;

/// Another member, or a knocker at the host's door.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) label: String,
    introduced: bool,
    pub(super) sharing: bool,
    pub(super) host: bool,
    /// The server says that it is there.
    pub(super) present: bool,
    /// Known from before the server began anew: it will never say another word of it.
    pub(super) former: bool,
    /// Not admitted yet, as far as this side knows.
    pub(super) knocking: bool,
    pub(super) state: PeerState,
    pub(super) path: Option<Path>,
    /// Data lanes in use, of the link in use.
    pub(super) lanes: u8,
    /// The link in use.
    pub(super) link: Option<LinkId>,
    /// Its calls that were answered.
    pub(super) calls: Allowance,
    pub(super) attempts: u32,
    /// It broke the protocol: called again only when something changes.
    pub(super) shunned: bool,
    pub(super) retry_at: Option<Moment>,
}

impl Peer {
    pub(super) fn new(host: bool) -> Self {
        Self {
            label: String::new(),
            introduced: false,
            sharing: false,
            host,
            present: true,
            former: false,
            knocking: false,
            state: PeerState::Connecting,
            path: None,
            lanes: 1,
            link: None,
            calls: CALLS,
            attempts: 0,
            shunned: false,
            retry_at: None,
        }
    }

    pub(super) fn knocker() -> Self {
        Self { knocking: true, ..Self::new(false) }
    }

    /// Forgets past failures: something changed.
    pub(super) fn retry_soon(&mut self, now: Moment) {
        self.attempts = 0;
        self.shunned = false;
        if self.retry_at.is_some() {
            self.retry_at = Some(now);
        }
    }

    /// It waits at the door, or has a link and has not said yet what it is called and offers.
    pub(super) fn is_arriving(&self) -> bool {
        self.knocking || (self.link.is_some() && !self.introduced)
    }

    /// Knockers that have not proved themselves are nobody's business but the host's door.
    pub(super) fn is_visible(&self) -> bool {
        !self.knocking && (self.present || self.link.is_some() || self.state == PeerState::Lost)
    }
}

impl Session {
    /// The server says that this member (or knocker) is there.
    pub(super) fn meet(&mut self, id: PeerId, peer: Peer, now: Moment) {
        if self.peers.len() >= MAX_PEERS && !self.peers.contains_key(&id) {
            // A server that names ever more knockers costs those that knock in vain their place, and no memory; then whoever
            // vanished without a word, the first one first, for nobody else says that they will not be back.
            let idle = |id: &PeerId| !self.links.values().any(|link| link.peer == *id && link.is_alive());
            let first = |over: fn(&Peer) -> bool| {
                self.peers.iter().find(|(id, peer)| over(peer) && idle(id)).map(|(id, _)| *id)
            };
            let over = first(|peer| peer.knocking).or_else(|| first(|peer| !peer.present));
            let Some(over) = over else { return };
            self.peers.remove(&over);
            self.forget_items_of(over, now);
        }
        let known = self.peers.get_or_insert_with(id, || peer);
        known.present = true;
        known.attempts = 0;
        known.shunned = false;
        self.touch(Changed::Facts);
    }

    pub(super) fn handle_member_left(&mut self, id: PeerId, lost: bool, now: Moment) {
        if !lost {
            return self.part_from(id, now);
        }
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.present = false;
        // A lost socket is no lost link: bytes go on flowing until the link itself ends.
        if peer.link.is_some() {
            return;
        }
        let attempts: Vec<LinkId> = self.links_to(id).collect();
        for link in attempts {
            self.drop_link(link, now);
        }
    }

    /// A member is gone for good.
    pub(super) fn part_from(&mut self, id: PeerId, now: Moment) {
        let Some(peer) = self.peers.get(&id) else { return };
        if peer.is_visible() {
            self.notify(NoticeCode::PeerLeft, peer.label.clone());
        }
        let links: Vec<LinkId> = self.links_to(id).collect();
        for link in links {
            self.drop_link(link, now);
        }
        self.peers.remove(&id);
        self.forget_items_of(id, now);
        // Leaving before the proof is a guess like any other.
        if let Some(door) = &mut self.room.door {
            let before = door.guesses.tries_left();
            if door.guesses.failed(id).tries_left != before {
                self.tell_guesses(now);
            }
        }
    }

    /// This device leaves: says so on every link and ends them.
    pub(super) fn part_from_all(&mut self, now: Moment) {
        for link in self.links.values_mut().filter(|link| link.is_up()) {
            link.say(&Control::Bye);
        }
        while let Some((id, event)) = self.next_link_event(now) {
            if let LinkEvent::Send(lane, frame) = event {
                self.actions.push_back(Action::Send { link: id, lane, frame });
            }
        }
        self.forget_all(now);
    }

    /// Ends every link without a word, and knows nobody any more.
    pub(super) fn forget_all(&mut self, now: Moment) {
        let links: Vec<LinkId> = self.links.keys().copied().collect();
        for link in links {
            self.drop_link(link, now);
        }
        let peers: Vec<PeerId> = self.peers.keys().copied().collect();
        for id in peers {
            self.peers.remove(&id);
            self.forget_items_of(id, now);
        }
    }

    /// This device is in the room under another id: whoever was there before is gone, but for those whose link still stands,
    /// which are gone when that ends.
    pub(super) fn outlive_room(&mut self, now: Moment) {
        let before: Vec<(PeerId, bool)> =
            self.peers.iter().map(|(id, peer)| (*id, peer.link.is_some())).collect();
        for (id, linked) in before {
            match linked {
                true => self.change_peer(id, |peer| peer.former = true),
                false => self.part_from(id, now),
            }
        }
    }

    pub(super) fn introduce(&mut self, label: &str) {
        let mut end = label.len().min(MAX_LABEL);
        while !label.is_char_boundary(end) {
            end -= 1;
        }
        self.label = label[..end].to_owned();
        let hello = Control::Introduce { label: self.label.clone() };
        self.say_to_all(&hello);
    }

    pub(super) fn say_to_all(&mut self, control: &Control) {
        for link in self.links.values_mut().filter(|link| link.is_up()) {
            link.say(control);
        }
    }

    /// Says something over the link to a member; `false` when there is none.
    pub(super) fn say_to(&mut self, peer: PeerId, control: &Control) -> bool {
        let link = self.peers.get(&peer).and_then(|peer| peer.link).and_then(|id| self.links.get_mut(&id));
        link.map(|link| link.say(control)).is_some()
    }

    pub(super) fn peer_label(&self, id: PeerId) -> String {
        self.peers.get(&id).map(|peer| peer.label.clone()).unwrap_or_default()
    }

    /// A member says what it is called.
    pub(super) fn handle_introduction(&mut self, id: PeerId, label: &str) {
        let is_shown = |character: &char| !character.is_control() && !is_invisible(*character);
        let label: String = label.chars().filter(is_shown).collect();
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let new = !core::mem::replace(&mut peer.introduced, true);
        peer.label.clone_from(&label);
        // The one who made the room was there before.
        let joined = new && !peer.host;
        if joined {
            self.notify(NoticeCode::PeerJoined, label);
        }
        self.touch(Changed::Facts);
    }

    pub(super) fn change_peer(&mut self, id: PeerId, change: impl FnOnce(&mut Peer)) {
        if let Some(peer) = self.peers.get_mut(&id) {
            change(peer);
            self.touch(Changed::Facts);
        }
    }
}
