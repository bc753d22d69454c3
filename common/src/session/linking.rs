//! Links to the other members: whom to call, whom to answer, when to try again.
//!
//! A link exists between two members when one of them made the room or at least one of them shares. The guest calls
//! the host; among guests the smaller id calls. What is said over a link is not decided here.

use std::time::Duration;

use rand_core::Rng;

use super::peers::{MAX_PEERS, Peer};
use super::{Action, Changed, JobOwner, Session};
use crate::api::{NoticeCode, PeerState, Phase};
use crate::code::RoomKey;
use crate::handshake::{Caps, Hello, Initiator, InvalidPairMessage, Kind, PairMessage, Responder, Secret};
use crate::host::Errand;
use crate::id::PeerId;
use crate::link::{Ending, Link, LinkEvent, LinkId};
use crate::mail::Letter;
use crate::signaling::{Body, ClientMessage};
use crate::time::Moment;
use crate::wire::Control;

/// Waits between attempts to reach a member again.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Attempts under way at once; a call beyond them is not answered until one ends, and is repeated by the caller.
const MAX_OPEN_ATTEMPTS: usize = MAX_PEERS;
/// Attempts after which those that follow are as far apart as they get, and nobody is told of each.
const HURRIED_ATTEMPTS: u32 = 5;

impl Session {
    /// A guest on its way in calls the host with what it came with.
    pub(super) fn call_host(&mut self, now: Moment) {
        let (Some(membership), Some(secret)) = (&self.room.membership, self.secret_for_host()) else {
            return;
        };
        self.call(membership.host, &secret, now);
    }

    pub(super) fn peers_timeout(&self) -> Option<Moment> {
        // Without the server nobody can be called; who waits is called as soon as it is back.
        let waits = self.room.phase == Phase::InRoom;
        self.peers.values().filter(|_| waits).filter_map(|peer| peer.retry_at).min()
    }

    pub(super) fn handle_guess_timeout(&mut self, now: Moment) {
        let Some(door) = &mut self.room.door else { return };
        if !door.guesses.handle_timeout(now).is_empty() {
            self.tell_guesses(now);
        }
    }

    /// Calls every member that a link is wanted to and that is this side's to call.
    pub(super) fn reconcile(&mut self, now: Moment) {
        if !matches!(self.room.phase, Phase::InRoom) {
            return;
        }
        let sharing = self.is_sharing();
        let due = |id: &PeerId, peer: &Peer| {
            let wanted = peer.host || sharing || peer.sharing;
            let mine = self.calls(*id);
            let ready = peer.retry_at.is_none_or(|at| at <= now) && !peer.shunned;
            let missing = peer.link.and_then(|link| self.links.get(&link)).is_none_or(Link::is_stale);
            wanted && mine && ready && peer.present && missing
        };
        let due: Vec<(PeerId, bool)> =
            self.peers.iter().filter(|(id, peer)| due(id, peer)).map(|(id, peer)| (*id, peer.host)).collect();
        for (id, host) in due {
            let attempt = self.is_called(id);
            let secret = if host { self.secret_for_host() } else { self.room.key.clone().map(Secret::Room) };
            match secret {
                Some(secret) if !attempt => self.call(id, &secret, now),
                _ => {}
            }
        }
        for peer in self.peers.values_mut() {
            peer.retry_at.take_if(|at| *at <= now);
        }
    }

    /// True when this side is the one that calls.
    pub(super) fn calls(&self, peer: PeerId) -> bool {
        let host = self.peers.get(&peer).is_some_and(|peer| peer.host);
        let me = self.room.membership.as_ref().map(|here| here.me);
        host || (!self.is_hosting() && me.is_some_and(|me| me < peer))
    }

    /// True while a link to this member is being made.
    fn is_called(&self, peer: PeerId) -> bool {
        self.links.values().any(|link| link.peer == peer && link.is_alive() && !link.is_up())
    }

    /// What the server passes on. Much that fits nothing is told: the server may be playing it again, or making it up.
    pub(super) fn handle_relay(&mut self, from: PeerId, seq: u32, body: &Body, now: Moment) {
        let fits = Letter::parse(body).is_some_and(|letter| self.handle_letter(from, seq, letter, now));
        if !fits && self.stray_letters.as_mut().is_some_and(|strays| !strays.take(now)) {
            self.stray_letters = None;
            self.notify(NoticeCode::StrayLetters, "");
        }
    }

    /// False when the letter fits nothing here, or was read before.
    fn handle_letter(&mut self, from: PeerId, seq: u32, letter: Letter, now: Moment) -> bool {
        let link = self.links.values_mut().find(|link| link.peer == from && link.stream() == letter.stream);
        if let Some(link) = link {
            if letter.is_unknown() {
                link.handle_unknown();
                return true;
            }
            return link.handle_letter(seq, letter, now);
        }
        let Some(content) = letter.opening() else { return true };
        let opening = (seq == 0).then(|| PairMessage::decode(content));
        if self.links.values().filter(|link| !link.is_up()).count() >= MAX_OPEN_ATTEMPTS {
            return false;
        }
        match opening {
            Some(Ok(PairMessage::Hello(hello))) => self.answer(from, &hello, seq, letter, now),
            Some(Err(InvalidPairMessage::Version(_))) if self.peers.contains_key(&from) => {
                self.insert_link(Link::other_version(from, seq, letter, now));
                self.notify(NoticeCode::PeerVersion, self.peer_label(from));
                true
            }
            // This program began anew since, or gave that link up: whoever still mends it need not wait.
            None if !letter.is_unknown() && self.peers.contains_key(&from) => {
                if let Some(body) = letter.unknown().filter(|_| self.letters.take(now)) {
                    self.tell_server(&ClientMessage::Relay { to: from, seq: 0, body });
                }
                false
            }
            _ => false,
        }
    }

    /// Hands letters to the server, as many as it takes; those of links that are being made first, and none to who is not
    /// there.
    pub(super) fn post_letters(&mut self, now: Moment) {
        self.letters_at = None;
        if self.room.phase == Phase::Reconnecting {
            return;
        }
        for is_up in [false, true] {
            for link in self.links.values_mut().filter(|link| link.is_up() == is_up) {
                let to = link.peer;
                if self.peers.get(&to).is_some_and(|peer| !peer.present) {
                    continue;
                }
                while link.has_letters() {
                    if !self.letters.take(now) {
                        self.letters_at = Some(self.letters.next());
                        return;
                    }
                    if let Some((seq, body)) = link.poll_letter() {
                        let relay = ClientMessage::Relay { to, seq, body };
                        self.actions.push_back(Action::Errand(Errand::SendSignal(relay.to_text())));
                    }
                }
            }
        }
    }

    pub(super) fn handle_link_event(&mut self, id: LinkId, event: LinkEvent, now: Moment) {
        let Some(link) = self.links.get(&id) else { return };
        let peer = link.peer;
        match event {
            LinkEvent::Connect => {
                let ice = self.room.membership.as_ref().map(|here| here.ice.clone()).unwrap_or_default();
                self.actions.push_back(Action::Connect { link: id, peer, ice });
            }
            LinkEvent::Negotiate(step) => self.actions.push_back(Action::Negotiate { link: id, step }),
            LinkEvent::Send(lane, frame) => self.actions.push_back(Action::Send { link: id, lane, frame }),
            LinkEvent::Proved => self.handle_proved(id, peer),
            LinkEvent::WrongProof => self.handle_wrong_proof(id, peer, now),
            LinkEvent::Up => self.handle_up(id, peer, now),
            LinkEvent::Slow => self.notify(NoticeCode::ConnectSlow, self.peer_label(peer)),
            LinkEvent::Control(control) => self.handle_control(id, peer, control, now),
            LinkEvent::Data(frame) => self.handle_data(id, peer, frame, now),
            LinkEvent::Drained => self.handle_drained(id),
            LinkEvent::Path(path) => {
                self.change_peer(peer, |peer| peer.path = Some(path));
                self.want_lanes(peer, now);
            }
            LinkEvent::Lanes(lanes) => self.change_peer(peer, |peer| peer.lanes = lanes),
            LinkEvent::Silent(silent) => self.change_peer(peer, |peer| {
                peer.state = if silent { PeerState::Lost } else { PeerState::Connected };
            }),
            LinkEvent::Stuck => self.call_anew(peer, now),
            LinkEvent::Mending => self.look_for_server(now),
            LinkEvent::Ended(ending) => self.handle_ended(id, peer, ending, now),
        }
    }

    /// The way to this member is there again: whatever was begun before that waits for what it lost, so what is begun now is
    /// sooner up.
    fn call_anew(&mut self, peer: PeerId, now: Moment) {
        if !self.calls(peer) {
            return;
        }
        let begun: Vec<LinkId> = self
            .links_to(peer)
            .filter(|link| self.links.get(link).is_some_and(|link| !link.is_up()))
            .collect();
        for attempt in begun {
            self.drop_link(attempt, now);
        }
        self.change_peer(peer, |peer| {
            peer.attempts = 0;
            peer.shunned = false;
            peer.retry_at = None;
        });
    }

    /// A peer broke the protocol on a link that was up.
    pub(super) fn end_for_violation(&mut self, id: LinkId) {
        if let Some(link) = self.links.get_mut(&id) {
            link.end(Ending::Violation);
        }
    }

    fn secret_for_host(&self) -> Option<Secret> {
        match (&self.room.key, &self.room.entry) {
            (Some(key), _) => Some(Secret::Room(key.clone())),
            // A link may be tried again by itself; words never are, each try is a guess.
            (None, Some(secret)) if secret.kind() != Kind::Words || self.room.phase == Phase::Joining => {
                Some(secret.clone())
            }
            _ => None,
        }
    }

    pub(super) fn links_to(&self, peer: PeerId) -> impl Iterator<Item = LinkId> + '_ {
        self.links.iter().filter(move |(_, link)| link.peer == peer).map(|(id, _)| *id)
    }

    fn call(&mut self, peer: PeerId, secret: &Secret, now: Moment) {
        let Some(here) = &self.room.membership else { return };
        let caps = Caps::serving(self.plan.serves());
        let (initiator, hello) = Initiator::start(&here.room, here.me, peer, secret, caps, &mut self.rng);
        let stream = self.rng.next_u32();
        let hello = PairMessage::Hello(hello);
        let link = Link::call(peer, secret.kind(), stream, initiator, hello, now);
        self.insert_link(link);
        // Beside a link that is silent, the member stays one that was lost.
        self.change_peer(peer, |peer| {
            if peer.link.is_none() {
                peer.state = PeerState::Connecting;
            }
        });
    }

    /// False when this caller is not to be answered.
    fn answer(&mut self, from: PeerId, hello: &Hello, seq: u32, letter: Letter, now: Moment) -> bool {
        let Some(here) = self.room.membership.clone() else { return false };
        let calls_us = self.is_hosting() || (from != here.host && from < here.me);
        if !calls_us || from == here.me {
            return false;
        }
        let secret = match (hello.kind, &self.room.door, &self.room.key) {
            (Kind::Words, Some(door), _) => Secret::Words(door.words.clone()),
            (Kind::Link, Some(door), _) => Secret::Link(door.link.clone()),
            (Kind::Room, _, Some(key)) => Secret::Room(key.clone()),
            _ => return false,
        };
        if self.is_hosting() {
            // A member whose arrival was not told yet, or told to this device before it was back.
            self.meet(from, Peer::knocker(), now);
        }
        let Some(peer) = self.peers.get_mut(&from) else { return false };
        if hello.kind != Kind::Words && !peer.calls.take(now) {
            return false;
        }
        let attempts = self.links.iter().filter(|(_, link)| link.peer == from && !link.is_up());
        let attempts: Vec<LinkId> = attempts.map(|(id, _)| *id).collect();
        for attempt in attempts {
            self.drop_link(attempt, now);
        }
        if hello.kind == Kind::Words
            && let Some(door) = &mut self.room.door
            && door.guesses.allow(from, now).is_err()
        {
            let link = Link::turn_away(from, hello.kind, seq, letter, 0, now);
            self.insert_link(link);
            return true;
        }
        let (caps, rng) = (Caps::serving(self.plan.serves()), &mut self.rng);
        let Ok(responder) = Responder::answer(&here.room, here.me, from, &secret, caps, hello, rng) else {
            return false;
        };
        self.insert_link(Link::answer(from, hello.kind, responder, seq, letter, now));
        true
    }

    fn insert_link(&mut self, link: Link) {
        let id = LinkId(self.next_number());
        self.links.insert(id, link);
        self.touch(Changed::Facts);
    }

    fn handle_proved(&mut self, id: LinkId, peer: PeerId) {
        if self.links.get(&id).is_some_and(|link| link.kind == Kind::Words)
            && let Some(door) = &mut self.room.door
        {
            door.guesses.confirmed(peer);
        }
        let knocking = self.peers.get(&peer).is_some_and(|peer| peer.knocking);
        if self.is_hosting() && knocking {
            self.tell_server(&ClientMessage::Admit { member: peer });
        }
        self.change_peer(peer, |peer| peer.knocking = false);
    }

    fn handle_wrong_proof(&mut self, id: LinkId, peer: PeerId, now: Moment) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let counted = link.kind == Kind::Words;
        let mut tries_left = 0;
        if counted && let Some(door) = &mut self.room.door {
            tries_left = door.guesses.failed(peer).tries_left;
        }
        link.deny(tries_left, now);
        self.close_transport(id);
        if counted {
            self.tell_guesses(now);
        }
    }

    pub(super) fn tell_guesses(&mut self, now: Moment) {
        let Some(left) = self.room.door.as_ref().map(|door| door.guesses.tries_left()) else { return };
        if left == 0 {
            self.change_words(now);
        } else {
            self.notify_number(NoticeCode::SomebodyGuessed, left.into());
        }
    }

    fn handle_up(&mut self, id: LinkId, peer: PeerId, now: Moment) {
        let old: Vec<LinkId> = self.links_to(peer).filter(|other| *other != id).collect();
        for old in old {
            self.drop_link(old, now);
        }
        self.change_peer(peer, |peer| {
            peer.link = Some(id);
            peer.lanes = 1;
            peer.state = PeerState::Connected;
            peer.attempts = 0;
            peer.retry_at = None;
        });
        self.retract(&[NoticeCode::ConnectSlow, NoticeCode::ConnectFailed, NoticeCode::PeerLost]);
        let key = self.room.key.clone().filter(|_| self.is_hosting());
        let mut opening = Vec::new();
        opening.extend(key.map(Control::RoomKey));
        opening.push(Control::Introduce { label: self.label.clone() });
        opening.extend(self.offers());
        if let Some(link) = self.links.get_mut(&id) {
            for control in &opening {
                link.say(control);
            }
        }
        self.open_lanes(id);
    }

    /// Asks for further lanes if much is to come from this member. Each costs a connection, which is much for little.
    pub(super) fn want_lanes(&mut self, peer: PeerId, now: Moment) {
        let missing = self.missing_from(peer);
        let Some(of) = self.peers.get(&peer) else { return };
        let lanes = self.plan.wants(of.path, missing);
        if lanes > 1
            && let Some(link) = of.link.and_then(|link| self.links.get_mut(&link))
        {
            link.want_lanes(lanes, now);
        }
    }

    pub(super) fn handle_room_key(&mut self, peer: PeerId, key: RoomKey) {
        let from_host = self.room.membership.as_ref().is_some_and(|here| here.host == peer);
        if from_host && !self.is_hosting() {
            self.room.key = Some(key);
            self.touch(Changed::Facts);
        }
    }

    fn handle_ended(&mut self, id: LinkId, peer: PeerId, ending: Ending, now: Moment) {
        let Some(link) = self.links.get(&id) else { return };
        let (kind, caller) = (link.kind, link.caller);
        let was_up = self.peers.get(&peer).is_some_and(|peer| peer.link == Some(id));
        self.drop_link(id, now);
        self.retract(&[NoticeCode::ConnectSlow]);
        if self.room.phase == Phase::Joining {
            return self.fail_joining(kind, ending, now);
        }
        let label = self.peer_label(peer);
        let hurried = self.peers.get(&peer).is_some_and(|peer| peer.attempts < HURRIED_ATTEMPTS);
        // A link that is being made may yet take the place of this one, or stands already.
        let replaced = self.is_called(peer) || self.peers.get(&peer).is_some_and(|peer| peer.link.is_some());
        match ending {
            Ending::Violation => self.notify(NoticeCode::PeerViolation, label),
            Ending::Version => self.notify(NoticeCode::PeerVersion, label),
            Ending::Unproved | Ending::WrongSecret(_) if caller || was_up => {
                self.notify(NoticeCode::PeerRefused, label);
            }
            _ if replaced => {}
            _ if was_up => self.notify(NoticeCode::PeerLost, label),
            Ending::NoPath if caller && hurried => self.notify(NoticeCode::ConnectFailed, label),
            _ => {}
        }
        let hostile = matches!(ending, Ending::Violation | Ending::Version | Ending::Unproved);
        let chance = self.rng.next_u32();
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.state = match hostile {
                true => PeerState::Refused,
                false
                    if peer
                        .link
                        .is_some_and(|link| self.links.get(&link).is_some_and(|link| !link.is_stale())) =>
                {
                    PeerState::Connected
                }
                false => PeerState::Lost,
            };
            let wait = RETRY_FIRST * 2u32.saturating_pow(peer.attempts.min(HURRIED_ATTEMPTS));
            peer.attempts += 1;
            peer.shunned = hostile;
            peer.retry_at = Some(now + wait / 2 + wait.mul_f64(f64::from(chance) / f64::from(u32::MAX)));
        }
        if self.peers.get(&peer).is_some_and(|peer| peer.former && peer.link.is_none()) {
            self.part_from(peer, now);
        }
        self.touch(Changed::Facts);
    }

    /// The way into the room ended before this device was a member.
    fn fail_joining(&mut self, kind: Kind, ending: Ending, now: Moment) {
        match (ending, kind) {
            (Ending::WrongSecret(tries_left), Kind::Words) => {
                self.leave_room(now);
                self.notify_with(NoticeCode::WrongWords, "", tries_left.map(u64::from), None);
            }
            (Ending::WrongSecret(_), Kind::Link) => self.give_up(NoticeCode::WrongLink, now),
            (Ending::WrongSecret(_), Kind::Room) => self.give_up(NoticeCode::KeepsakeExpired, now),
            (Ending::Busy, _) => self.give_up(NoticeCode::WordsBusy, now),
            (Ending::Silence, _) => self.give_up(NoticeCode::NoAnswer, now),
            (Ending::Version, _) => self.give_up(NoticeCode::PeerVersion, now),
            (Ending::NoPath | Ending::ByPeer, _) => self.give_up(NoticeCode::ConnectFailed, now),
            (Ending::Violation | Ending::Unproved, _) => self.give_up(NoticeCode::PeerRefused, now),
        }
    }

    /// Forgets a link: transport closed, its fetches over, its reads nobody's.
    pub(super) fn drop_link(&mut self, id: LinkId, now: Moment) {
        self.close_transport(id);
        let Some(link) = self.links.remove(&id) else { return };
        self.lanes.remove(&id);
        self.jobs.retain(|_, owner| !matches!(owner, JobOwner::Read(link, _) if *link == id));
        if let Some(peer) = self.peers.get_mut(&link.peer)
            && peer.link == Some(id)
        {
            peer.link = None;
            peer.path = None;
            peer.lanes = 1;
            self.interrupt_items_of(link.peer, now);
        }
        self.touch(Changed::Facts);
    }

    fn close_transport(&mut self, id: LinkId) {
        if self.links.get(&id).is_some_and(Link::has_transport) {
            self.actions.push_back(Action::Close { link: id });
        }
    }
}
