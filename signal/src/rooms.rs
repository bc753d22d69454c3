//! The rules of a room: who may enter, knock, admit, relay and share, and who is told what.
//!
//! Pure: a [`Room`] is a value, every rule changes it and returns the [`Notice`]s to deliver. No store, no
//! socket, no clock, no randomness; whoever applies a rule saves the room by compare-and-swap and only then
//! delivers the notices.
//!
//! Invariants (walked at random in the tests): at most [`MAX_MEMBERS`] seats and [`MAX_KNOCKERS`] knockers, no
//! member twice, no knocker without a host who is present or was a moment ago, every notice goes to somebody who is
//! connected.

use std::time::Duration;

use privydrop_common::id::PeerId;
use privydrop_common::signaling::{KNOCK_SECONDS, MAX_KNOCKERS, MAX_MEMBERS, Member, Refusal, ServerMessage};
use privydrop_common::time::Moment;
use serde::{Deserialize, Serialize};

/// How long the place of a member whose socket was lost is kept for its ticket.
pub const GRACE: Duration = Duration::from_secs(120);
/// How long a door stays as it is for a host whose socket was lost: so long the way to another node takes.
pub const RETURN: Duration = Duration::from_secs(10);
/// How long a room lives that nobody but its host ever entered, once nobody is connected.
pub const UNUSED_TTL: Duration = Duration::from_secs(15 * 60);
/// How long a room lives after the last activity of its members.
pub const USED_TTL: Duration = Duration::from_secs(24 * 60 * 60);
/// A knocker whose node did not remove it in time is removed by whoever looks next.
const KNOCK_LIMIT: Duration = Duration::from_secs(2 * KNOCK_SECONDS as u64);

/// A server process, for as long as it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u64);

/// Where a member is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The server process.
    pub node: NodeId,
    /// The socket's number there, never used twice: tells a member's new socket from its old one.
    pub socket: u64,
}

/// A meeting place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    host: PeerId,
    used: bool,
    seats: Vec<Seat>,
    knockers: Vec<Knocker>,
    /// Records of the previous version have none.
    #[serde(default)]
    revision: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seat {
    id: PeerId,
    sharing: bool,
    presence: Presence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Presence {
    Here(Place),
    /// Milliseconds of the time that all nodes share.
    Lost(u64),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Knocker {
    id: PeerId,
    place: Place,
    since: u64,
}

/// Something to deliver to one connected socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Who.
    pub member: PeerId,
    /// Where.
    pub place: Place,
    /// What.
    pub what: What,
}

/// What a [`Notice`] says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// Pass this on.
    Tell(ServerMessage),
    /// The knocker became a member.
    Admitted,
    /// The socket is no longer in the room, for this reason.
    Dismissed(Refusal),
}

impl Room {
    /// A new room, with nobody in it yet.
    pub fn new(host: PeerId) -> Self {
        Self { host, used: false, seats: Vec::new(), knockers: Vec::new(), revision: 0 }
    }

    /// The room that a ticket remembers and the store forgot. Its host is taken for one who was there a moment ago: whoever
    /// knocks before it has said so waits for it.
    pub fn restored(host: PeerId, now: Moment) -> Self {
        let seat = Seat { id: host, sharing: false, presence: Presence::Lost(now.as_millis()) };
        Self { used: true, seats: vec![seat], ..Self::new(host) }
    }

    /// The member who made the room, also while away.
    pub fn host(&self) -> PeerId {
        self.host
    }

    /// Tells what became of the room later from what became of it before.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// It is another than it was. It counts on from the time that all nodes share, so that a room which the store forgot does not
    /// look older than before.
    pub fn revise(&mut self, before: Option<&Self>, now: Moment) {
        let before = before.map_or(0, Self::revision);
        self.revision = before.saturating_add(1).max(now.as_millis());
    }

    /// How long the store keeps the room without hearing of it again.
    pub fn ttl(&self) -> Duration {
        if self.used { USED_TTL } else { UNUSED_TTL }
    }

    /// Connected members other than `member`.
    pub fn others(&self, member: PeerId) -> Vec<Member> {
        self.present().filter(|(seat, _)| seat.id != member).map(|(seat, _)| seat.public()).collect()
    }

    /// Knockers that wait for the host.
    pub fn waiting(&self) -> impl Iterator<Item = PeerId> {
        self.knockers.iter().map(|knocker| knocker.id)
    }

    /// Every node on which somebody of this room is connected.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        let knockers = self.knockers.iter().map(|knocker| knocker.place.node);
        self.present().map(|(_, place)| place.node).chain(knockers)
    }

    /// Where those that wait at the door are connected.
    pub fn door(&self) -> impl Iterator<Item = Place> {
        self.knockers.iter().map(|knocker| knocker.place)
    }

    /// Forgets what time has overtaken: whose socket is gone is lost, lost members and old knockers are gone.
    pub fn tidy(&mut self, now: Moment, is_open: impl Fn(Place) -> bool) -> Vec<Notice> {
        let too_old = |knocker: &&Knocker| now - Moment::from_millis(knocker.since) >= KNOCK_LIMIT;
        let late = self.knockers.iter().filter(|knocker| too_old(knocker) || !is_open(knocker.place));
        let ghosts =
            self.present().filter(|(_, place)| !is_open(*place)).map(|(seat, place)| (seat.id, place));
        let gone: Vec<_> = late.map(|knocker| (knocker.id, knocker.place)).chain(ghosts).collect();
        let mut notices = Vec::new();
        for (member, place) in gone {
            notices.extend(self.lose(member, place, now));
        }
        // A notice may name somebody who was found gone later in the same pass.
        notices.retain(|notice| is_open(notice.place));
        if !self.has_host(now) {
            notices.extend(self.close_door());
            notices.retain(|notice| is_open(notice.place));
        }
        self.seats.retain(|seat| match seat.presence {
            Presence::Here(_) => true,
            Presence::Lost(since) => now - Moment::from_millis(since) < GRACE,
        });
        notices
    }

    /// The holder of a ticket takes its seat; another socket that sits there is dismissed.
    pub fn enter(&mut self, member: PeerId, place: Place) -> Result<Vec<Notice>, Refusal> {
        let mut notices = Vec::new();
        let here = Seat { id: member, sharing: false, presence: Presence::Here(place) };
        match self.seats.iter().position(|seat| seat.id == member) {
            Some(index) => {
                if let Presence::Here(old) = self.seats[index].presence
                    && old != place
                {
                    notices.push(Notice { member, place: old, what: What::Dismissed(Refusal::Replaced) });
                }
                self.seats[index] = here;
            }
            None if self.is_full_for(member) => return Err(Refusal::RoomFull),
            None => self.seats.push(here),
        }
        self.used |= member != self.host;
        notices.extend(
            self.tell_others(member, ServerMessage::MemberJoined { member: member_of(member, false) }),
        );
        Ok(notices)
    }

    /// Somebody without a ticket asks for the host. One who is on the way back hears of it on arrival. Knocking again changes
    /// nothing, unless the knock was forgotten; whoever was let in and then taken for lost has the seat again.
    pub fn knock(&mut self, member: PeerId, place: Place, now: Moment) -> Result<Vec<Notice>, Refusal> {
        match self.seats.iter().find(|seat| seat.id == member).map(|seat| seat.presence) {
            Some(Presence::Here(_)) => return Ok(Vec::new()),
            Some(Presence::Lost(_)) => return self.enter(member, place),
            None if self.knocker(member).is_some() => return Ok(Vec::new()),
            None => {}
        }
        if !self.has_host(now) {
            return Err(Refusal::HostAway);
        }
        if self.is_full_for(member) {
            return Err(Refusal::RoomFull);
        }
        if self.knockers.len() >= MAX_KNOCKERS {
            return Err(Refusal::RoomBusy);
        }
        self.knockers.push(Knocker { id: member, place, since: now.as_millis() });
        Ok(self.tell_host(ServerMessage::Knock { member }))
    }

    /// The host makes a knocker a member. Admitting a member again changes nothing.
    pub fn admit(&mut self, by: PeerId, member: PeerId) -> Result<Vec<Notice>, Refusal> {
        if by != self.host {
            return Err(if self.place_of(by).is_some() { Refusal::NotHost } else { Refusal::NotMember });
        }
        if self.seats.iter().any(|seat| seat.id == member) {
            return Ok(Vec::new());
        }
        let index = self.knocker(member).ok_or(Refusal::PeerUnknown)?;
        if self.is_full_for(member) {
            return Err(Refusal::RoomFull);
        }
        let Knocker { place, .. } = self.knockers.remove(index);
        self.seats.push(Seat { id: member, sharing: false, presence: Presence::Here(place) });
        self.used = true;
        let mut notices = vec![Notice { member, place, what: What::Admitted }];
        notices.extend(
            self.tell_others(member, ServerMessage::MemberJoined { member: member_of(member, false) }),
        );
        Ok(notices)
    }

    /// A member started or stopped sharing.
    pub fn share(&mut self, member: PeerId, on: bool) -> Result<Vec<Notice>, Refusal> {
        let seat = self.seats.iter_mut().find(|seat| seat.id == member).ok_or(Refusal::NotMember)?;
        if std::mem::replace(&mut seat.sharing, on) == on {
            return Ok(Vec::new());
        }
        Ok(self.tell_others(member, ServerMessage::MemberSharing { member, on }))
    }

    /// A member or knocker goes for good; its place is free.
    pub fn leave(&mut self, member: PeerId, place: Place) -> Vec<Notice> {
        if self.place_of(member) != Some(place) {
            return self.end_knock(member, place, false).unwrap_or_default();
        }
        self.seats.retain(|seat| seat.id != member);
        let mut notices = self.tell_others(member, ServerMessage::MemberLeft { member, lost: false });
        if member == self.host {
            notices.extend(self.close_door());
        }
        notices
    }

    /// A socket was lost; a member's place is kept for [`GRACE`], a knocker's is not.
    pub fn lose(&mut self, member: PeerId, place: Place, now: Moment) -> Vec<Notice> {
        let mine = Presence::Here(place);
        let Some(seat) = self.seats.iter_mut().find(|seat| seat.id == member && seat.presence == mine) else {
            return self.end_knock(member, place, true).unwrap_or_default();
        };
        seat.presence = Presence::Lost(now.as_millis());
        seat.sharing = false;
        self.tell_others(member, ServerMessage::MemberLeft { member, lost: true })
    }

    /// The host did not admit the knocker in time.
    pub fn expire_knock(&mut self, member: PeerId, place: Place) -> Vec<Notice> {
        let Some(mut notices) = self.end_knock(member, place, false) else { return Vec::new() };
        notices.push(Notice { member, place, what: What::Dismissed(Refusal::KnockExpired) });
        notices
    }

    /// Where a relay goes: between members, or between the host and a knocker.
    pub fn route(&self, from: PeerId, to: PeerId) -> Result<Place, Refusal> {
        let from_member = self.place_of(from).is_some();
        if !from_member && self.knocker(from).is_none() {
            return Err(Refusal::NotMember);
        }
        if let Some(place) = self.place_of(to)
            && (from_member || to == self.host)
        {
            return Ok(place);
        }
        let knocker = self.knockers.iter().find(|knocker| knocker.id == to && from == self.host);
        knocker.map(|knocker| knocker.place).ok_or(Refusal::PeerUnknown)
    }

    /// Where a member is connected; `None` for knockers and for members that are away.
    pub fn place_of(&self, member: PeerId) -> Option<Place> {
        self.present().find(|(seat, _)| seat.id == member).map(|(_, place)| place)
    }

    fn present(&self) -> impl Iterator<Item = (&Seat, Place)> {
        self.seats.iter().filter_map(|seat| match seat.presence {
            Presence::Here(place) => Some((seat, place)),
            Presence::Lost(_) => None,
        })
    }

    /// The host's place is never given away.
    fn is_full_for(&self, member: PeerId) -> bool {
        let host_seated = self.seats.iter().any(|seat| seat.id == self.host);
        let reserved = usize::from(!host_seated && member != self.host);
        self.seats.len() + reserved >= MAX_MEMBERS
    }

    fn knocker(&self, member: PeerId) -> Option<usize> {
        self.knockers.iter().position(|knocker| knocker.id == member)
    }

    /// Whether the host is here, or was a moment ago and is likely to be back.
    fn has_host(&self, now: Moment) -> bool {
        self.seats.iter().any(|seat| {
            seat.id == self.host
                && match seat.presence {
                    Presence::Here(_) => true,
                    Presence::Lost(since) => now - Moment::from_millis(since) < RETURN,
                }
        })
    }

    /// Ends a knock and tells the host; `None` when nobody knocks from `place`.
    fn end_knock(&mut self, member: PeerId, place: Place, lost: bool) -> Option<Vec<Notice>> {
        let before = self.knockers.len();
        self.knockers.retain(|knocker| (knocker.id, knocker.place) != (member, place));
        (self.knockers.len() < before).then(|| self.tell_host(ServerMessage::MemberLeft { member, lost }))
    }

    /// Without a host nobody can be let in.
    fn close_door(&mut self) -> Vec<Notice> {
        let dismissed = |knocker: Knocker| Notice {
            member: knocker.id,
            place: knocker.place,
            what: What::Dismissed(Refusal::HostAway),
        };
        self.knockers.drain(..).map(dismissed).collect()
    }

    fn tell_host(&self, message: ServerMessage) -> Vec<Notice> {
        let host = self.place_of(self.host);
        host.map(|place| Notice { member: self.host, place, what: What::Tell(message) }).into_iter().collect()
    }

    fn tell_others(&self, member: PeerId, message: ServerMessage) -> Vec<Notice> {
        self.present()
            .filter(|(seat, _)| seat.id != member)
            .map(|(seat, place)| Notice { member: seat.id, place, what: What::Tell(message.clone()) })
            .collect()
    }
}

impl Seat {
    fn public(&self) -> Member {
        member_of(self.id, self.sharing)
    }
}

fn member_of(id: PeerId, sharing: bool) -> Member {
    Member { id, sharing }
}

/// Digits of the ids that the server hands out: six, and more once a tenth of the space is in use.
pub fn digits_for(rooms: u64) -> u32 {
    let mut digits = 6;
    while rooms.saturating_mul(10) >= 10_u64.saturating_pow(digits) && digits < 18 {
        digits += 1;
    }
    digits
}

#[cfg(test)]
#[path = "rooms_tests.rs"]
mod tests;
