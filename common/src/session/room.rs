//! The conversation with the server: making, entering, leaving and keeping a room.
//!
//! Decides what to say on the socket and what an answer means. The server is not trusted with anything but
//! delivery: what it says about members only tells whom to shake hands with.

mod refused;

use std::time::Duration;

use rand_core::Rng;

use super::allowance::Allowance;
use super::allowance::STRAY_LETTERS;
use super::keepsake::Kept;
use super::mending::Asking;
use super::peers::Peer;
use super::{Changed, Session};
use crate::api::{Keepsake, NoticeCode, Phase};
use crate::code::{Invitation, Link, LinkSecret, RoomKey, Words};
use crate::few::Few;
use crate::guesses::Guesses;
use crate::handshake::{Kind, Secret};
use crate::host::{Errand, SignalEvent};
use crate::id::{PeerId, RoomId};
use crate::signaling::{ClientMessage, IceServer, Member, PROTOCOL, ServerMessage, Ticket};
use crate::time::Moment;

/// Joining that takes this long is said to be slow.
const JOIN_SLOW: Duration = Duration::from_secs(3);
/// Joining that takes this long is given up.
const JOIN_TIMEOUT: Duration = Duration::from_secs(15);
/// Waits between attempts to reach the server again.
const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(15);
/// The same, for about a minute, while a member's link is silent or gone: it waits for the server.
const RETRY_MISSING: Duration = Duration::from_secs(2);
const RETRIES_MISSING: u32 = 40;
/// Further attempts to come in through a server that was never reached.
const RETRIES_UNREACHED: u32 = 2;

/// Where this device stands with the server.
#[derive(Debug, Default)]
pub(super) struct Room {
    pub(super) phase: Phase,
    /// What to say as soon as the socket is open, and again after it was lost.
    intent: Option<Intent>,
    pub(super) socket: Socket,
    pub(super) membership: Option<Membership>,
    /// What a guest came with.
    pub(super) entry: Option<Secret>,
    /// For links among members.
    pub(super) key: Option<RoomKey>,
    /// The host's: what opens the door.
    pub(super) door: Option<Door>,
    slow_at: Option<Moment>,
    give_up_at: Option<Moment>,
    pub(super) retry_at: Option<Moment>,
    pub(super) retries: u32,
    pub(super) asking: Asking,
}

/// What opens a host's room, and how often it was tried wrongly.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) words: Words,
    pub(super) link: LinkSecret,
    pub(super) guesses: Guesses,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Socket {
    #[default]
    Closed,
    Opening,
    Open,
}

#[derive(Debug, Clone)]
enum Intent {
    Open { name: Option<RoomId>, ticket: Option<Ticket> },
    Join { room: RoomId, ticket: Option<Ticket> },
}

/// A place in a room.
#[derive(Debug, Clone)]
pub(super) struct Membership {
    pub(super) me: PeerId,
    pub(super) room: RoomId,
    pub(super) host: PeerId,
    /// There once admitted.
    ticket: Option<Ticket>,
    pub(super) ice: Vec<IceServer>,
}

impl Session {
    pub(super) fn open_room(&mut self, name: Option<RoomId>, now: Moment) {
        self.leave_room(now);
        self.make_door(None);
        self.room.key = Some(RoomKey::random(&mut self.rng));
        self.room.phase = Phase::Opening;
        self.pursue(Intent::Open { name, ticket: None }, now);
    }

    pub(super) fn join_room(&mut self, invitation: Invitation, now: Moment) {
        let (room, secret) = match invitation {
            Invitation::Code(code) => (code.room, Secret::Words(code.words)),
            Invitation::Link(link) => (link.room, Secret::Link(link.secret)),
        };
        // Who was let in and never met anybody has no key to call with, and may knock once more.
        if self.room.phase == Phase::InRoom
            && self.room.key.is_some()
            && self.room.membership.as_ref().is_some_and(|here| here.room == room)
        {
            return;
        }
        self.leave_room(now);
        self.room.entry = Some(secret);
        self.begin_joining(room, None, now);
    }

    pub(super) fn return_to_room(&mut self, keepsake: &Keepsake, now: Moment) {
        let Some(kept) = Kept::read(keepsake) else {
            return self.notify(NoticeCode::KeepsakeExpired, "");
        };
        self.leave_room(now);
        self.room.key = Some(kept.key);
        if let Some(link) = kept.link {
            self.make_door(Some(link));
            self.room.phase = Phase::Opening;
            self.pursue(Intent::Open { name: Some(kept.room), ticket: Some(kept.ticket) }, now);
        } else {
            self.begin_joining(kept.room, Some(kept.ticket), now);
        }
    }

    pub(super) fn leave_room(&mut self, now: Moment) {
        if self.room.phase == Phase::Idle {
            return;
        }
        self.retract(&[NoticeCode::JoinSlow, NoticeCode::ConnectSlow, NoticeCode::ServerLost]);
        self.part_from_all(now);
        if self.room.socket == Socket::Open {
            self.tell_server(&ClientMessage::Leave);
        }
        if self.room.socket != Socket::Closed {
            self.perform(Errand::CloseSignal);
        }
        self.room = Room::default();
        self.stray_letters = Some(STRAY_LETTERS);
        self.touch(Changed::Facts);
    }

    pub(super) fn handle_signal(&mut self, event: SignalEvent, now: Moment) {
        self.room.asking.answered(now);
        match event {
            SignalEvent::Opened => {
                self.room.socket = Socket::Open;
                self.room.asking.opened(now);
                self.tell_server(&ClientMessage::Hello { protocol: PROTOCOL });
                self.say_intent(now);
                self.expect_welcome(now);
            }
            SignalEvent::Closed => self.handle_socket_lost(now),
            SignalEvent::Text(text) => match ServerMessage::parse(&text) {
                Ok(message) => self.handle_server(message, now),
                Err(_) => self.give_up(NoticeCode::ServerVersion, now),
            },
        }
    }

    pub(super) fn handle_room_timeout(&mut self, now: Moment) {
        self.handle_asking_timeout(now);
        let due = |at: &mut Option<Moment>| at.take_if(|at| *at <= now).is_some();
        if due(&mut self.room.slow_at) {
            self.notify(NoticeCode::JoinSlow, "");
        }
        if due(&mut self.room.give_up_at) {
            let reached = self.room.membership.is_some() || self.room.socket == Socket::Open;
            self.give_up(if reached { NoticeCode::NoAnswer } else { NoticeCode::ServerUnreachable }, now);
        }
        if due(&mut self.room.retry_at) {
            if self.room.socket == Socket::Open {
                self.say_intent(now);
            } else {
                self.open_socket(now);
                self.expect_opening(now);
            }
        }
    }

    pub(super) fn room_timeout(&self) -> Option<Moment> {
        let guesses = self.room.door.as_ref().and_then(|door| door.guesses.poll_timeout());
        let Room { slow_at, give_up_at, retry_at, asking, .. } = &self.room;
        [*slow_at, *give_up_at, *retry_at, asking.poll_timeout(), guesses].into_iter().flatten().min()
    }

    /// Sends on the socket; dropped by the host when it is not open, and then said again after the next opening.
    pub(super) fn tell_server(&mut self, message: &ClientMessage) {
        self.perform(Errand::SendSignal(message.to_text()));
    }

    /// Tells the server whether anything is offered here.
    pub(super) fn tell_sharing(&mut self) {
        if self.room.phase == Phase::InRoom {
            let on = self.is_sharing();
            self.tell_server(&ClientMessage::Sharing { on });
        }
    }

    pub(super) fn is_hosting(&self) -> bool {
        self.room.door.is_some()
    }

    pub(super) fn keepsake(&self) -> Option<Keepsake> {
        let membership = self.room.membership.as_ref()?;
        let kept = Kept {
            room: membership.room.clone(),
            ticket: membership.ticket.clone()?,
            key: self.room.key.clone()?,
            link: self.room.door.as_ref().map(|door| door.link.clone()),
        };
        kept.write()
    }

    /// The link to show: the host's, or the one that a guest came by.
    pub(super) fn room_link(&self) -> Option<Link> {
        let room = self.room.membership.as_ref()?.room.clone();
        let secret = match (&self.room.door, &self.room.entry) {
            (Some(door), _) => door.link.clone(),
            (None, Some(Secret::Link(secret))) => secret.clone(),
            _ => return None,
        };
        Some(Link { room, secret })
    }

    /// Wrong tries used up the words: new ones show; link, room key and members stay.
    pub(super) fn change_words(&mut self, now: Moment) {
        let words = Words::random(&mut self.rng);
        if let Some(door) = &mut self.room.door {
            door.words = words;
            door.guesses.reset(now);
        }
        self.notify(NoticeCode::WordsChanged, "");
    }

    /// Gives up what is under way, goes idle, and says why. What is offered stays listed.
    pub(super) fn give_up(&mut self, why: NoticeCode, now: Moment) {
        let room = self.intended_room().map(|room| room.to_string()).unwrap_or_default();
        self.leave_room(now);
        self.notify(why, room);
    }

    fn make_door(&mut self, link: Option<LinkSecret>) {
        let link = link.unwrap_or_else(|| LinkSecret::random(&mut self.rng));
        let words = Words::random(&mut self.rng);
        self.room.door = Some(Door { words, link, guesses: Guesses::default() });
    }

    fn begin_joining(&mut self, room: RoomId, ticket: Option<Ticket>, now: Moment) {
        self.room.phase = Phase::Joining;
        self.room.slow_at = Some(now + JOIN_SLOW);
        self.room.give_up_at = Some(now + JOIN_TIMEOUT);
        self.pursue(Intent::Join { room, ticket }, now);
    }

    fn pursue(&mut self, intent: Intent, now: Moment) {
        self.room.intent = Some(intent);
        self.retract(&refused::KEPT_OUT);
        self.touch(Changed::Facts);
        self.open_socket(now);
    }

    fn open_socket(&mut self, now: Moment) {
        if self.room.socket == Socket::Closed {
            self.room.socket = Socket::Opening;
            self.room.asking.opening(now);
            self.perform(Errand::OpenSignal);
        }
    }

    fn say_intent(&mut self, now: Moment) {
        let message = match self.room.intent.clone() {
            Some(Intent::Open { name, ticket }) => ClientMessage::Create { name, ticket },
            Some(Intent::Join { ticket: None, .. }) if self.is_going_on() => {
                return self.retry_later(None, now);
            }
            Some(Intent::Join { room, ticket }) => {
                if ticket.is_none() && self.room.phase == Phase::Reconnecting {
                    self.become_newcomer(now);
                }
                ClientMessage::Join { room, ticket }
            }
            None => return,
        };
        self.tell_server(&message);
    }

    fn intended_room(&self) -> Option<&RoomId> {
        match &self.room.intent {
            Some(Intent::Open { name, .. }) => name.as_ref(),
            Some(Intent::Join { room, .. }) => Some(room),
            None => None,
        }
    }

    pub(super) fn handle_socket_lost(&mut self, now: Moment) {
        self.room.socket = Socket::Closed;
        self.room.asking.lost();
        match self.room.phase {
            Phase::Idle => return,
            Phase::Joining if self.may_join_again() => self.forget_knock(now),
            Phase::Joining => return self.give_up(NoticeCode::ServerUnreachable, now),
            Phase::Opening => self.notify(NoticeCode::ServerUnreachable, ""),
            Phase::InRoom => {
                self.room.phase = Phase::Reconnecting;
                self.notify(NoticeCode::ServerLost, "");
            }
            Phase::Reconnecting => {}
        }
        self.retry_later(None, now);
    }

    /// A server that was there a moment ago is being restarted, or another node answers for it; one that was not may be, in
    /// a moment. Words that the host may have heard are not said again by themselves: each time is a guess.
    fn may_join_again(&self) -> bool {
        let is_guess = self.room.entry.as_ref().is_some_and(|secret| secret.kind() == Kind::Words);
        let may_be_there = self.room.asking.has_reached() || self.room.retries < RETRIES_UNREACHED;
        may_be_there && (self.room.membership.is_none() || !is_guess)
    }

    /// The server knows nothing of this knock any more: what was under way because of it ends.
    fn forget_knock(&mut self, now: Moment) {
        let links: Vec<_> = self.links.keys().copied().collect();
        links.into_iter().for_each(|link| self.drop_link(link, now));
        self.peers = Few::default();
        self.room.membership = None;
    }

    /// Tries again after a growing wait with some chance in it, so that a server's clients do not return at once.
    fn retry_later(&mut self, at_least: Option<u32>, now: Moment) {
        let doubled = RETRY_FIRST * 2u32.saturating_pow(self.room.retries.min(8));
        let missing = self.room.retries < RETRIES_MISSING && self.is_missing_somebody();
        let longest = if missing { RETRY_MISSING } else { RETRY_MAX };
        let wait = doubled.min(longest).max(Duration::from_secs(at_least.unwrap_or(0).into()));
        let jitter = wait.mul_f64(f64::from(self.rng.next_u32()) / f64::from(u32::MAX) / 2.0);
        self.room.retries += 1;
        self.room.retry_at = Some(now + wait / 2 + jitter);
        self.touch(Changed::Facts);
    }

    fn handle_server(&mut self, message: ServerMessage, now: Moment) {
        // What peers say to each other is shown when it changes something.
        if !matches!(message, ServerMessage::Welcome { .. } | ServerMessage::Relay { .. }) {
            self.touch(Changed::Facts);
        }
        match message {
            ServerMessage::Welcome { protocol, limits, .. } if protocol == PROTOCOL => {
                self.letters = Allowance::of_letters(&limits);
                self.expect_answer(now);
            }
            ServerMessage::Welcome { .. } => self.give_up(NoticeCode::ServerVersion, now),
            ServerMessage::Created { member, room, ticket, ice } => {
                self.enter(
                    Membership { me: member, host: member, room, ticket: Some(ticket), ice },
                    &[],
                    now,
                );
            }
            ServerMessage::Joined { member, room, host, members, ticket, ice } => {
                self.enter(Membership { me: member, host, room, ticket: Some(ticket), ice }, &members, now);
            }
            ServerMessage::Knocking { member, room, host, ice } => {
                if self.room.phase == Phase::Joining && !self.is_hosting() {
                    self.room.membership = Some(Membership { me: member, room, host, ticket: None, ice });
                    self.meet(host, Peer::new(true), now);
                    self.call_host(now);
                }
            }
            ServerMessage::Knock { member } => {
                if self.is_hosting() {
                    self.meet(member, Peer::knocker(), now);
                }
            }
            ServerMessage::MemberJoined { member } => self.handle_member(member, now),
            ServerMessage::MemberLeft { member, lost } => self.handle_member_left(member, lost, now),
            ServerMessage::MemberSharing { member, on } => {
                if let Some(peer) = self.peers.get_mut(&member) {
                    peer.sharing = on;
                }
            }
            ServerMessage::Ice { ice } => self.handle_ice(ice, now),
            ServerMessage::Relay { from, seq, body } => self.handle_relay(from, seq, &body, now),
            ServerMessage::Refused { code, retry_after, .. } => self.handle_refused(code, retry_after, now),
            // The socket will be closed soon; being thrown out and coming back is one path, tested as such.
            ServerMessage::Draining => {}
        }
    }

    /// This device is a member now, for the first time or again.
    fn enter(&mut self, membership: Membership, members: &[Member], now: Moment) {
        if self.room.phase == Phase::Idle {
            return;
        }
        let back = self.room.phase == Phase::Reconnecting;
        self.room.phase = Phase::InRoom;
        self.room.slow_at = None;
        self.room.give_up_at = None;
        self.room.retry_at = None;
        self.room.retries = 0;
        self.retract(&[NoticeCode::ServerLost, NoticeCode::ServerUnreachable, NoticeCode::JoinSlow]);
        if back {
            self.notify(NoticeCode::ServerBack, "");
        }
        let hosting = self.is_hosting();
        let (room, ticket) = (membership.room.clone(), membership.ticket.clone());
        self.room.intent = Some(match hosting {
            true => Intent::Open { name: Some(room), ticket },
            false => Intent::Join { room, ticket },
        });
        let host = membership.host;
        let me = membership.me;
        if self.room.membership.as_ref().is_some_and(|before| before.me != me) {
            self.outlive_room(now);
        }
        self.room.asking.told(&membership.ice, now);
        self.room.membership = Some(membership);
        for peer in self.peers.values_mut() {
            peer.present = false;
        }
        for member in members.iter().filter(|member| member.id != me) {
            self.meet(member.id, Peer::new(member.id == host), now);
            if let Some(peer) = self.peers.get_mut(&member.id) {
                peer.sharing = member.sharing;
            }
        }
        if self.is_sharing() {
            self.tell_sharing();
        }
        self.retry_soon(false, now);
    }

    fn handle_member(&mut self, member: Member, now: Moment) {
        let Some(membership) = &self.room.membership else { return };
        if member.id == membership.me {
            return;
        }
        let host = member.id == membership.host;
        self.meet(member.id, Peer::new(host), now);
        if let Some(peer) = self.peers.get_mut(&member.id) {
            peer.sharing = member.sharing;
            // It is back: no need to wait any longer.
            peer.retry_soon(now);
        }
    }
}
