//! What a server's refusal means: what is tried again, what is given up, and who comes back to a server that began anew.
//!
//! Says nothing on the socket by itself; when something is said again is decided in [`super`].

use super::{Intent, JOIN_SLOW};
use crate::api::{NoticeCode, Phase};
use crate::link::Link;
use crate::session::Session;
use crate::signaling::Refusal;
use crate::time::Moment;

/// Joins that a server may refuse as unknown while the host has not made the room again.
const UNKNOWN_RETRIES: u32 = 10;

/// Why somebody is in no room: true until the next try.
pub(super) const KEPT_OUT: [NoticeCode; 14] = [
    NoticeCode::ServerUnreachable,
    NoticeCode::ServerTrouble,
    NoticeCode::ServerVersion,
    NoticeCode::RateLimited,
    NoticeCode::RoomTaken,
    NoticeCode::RoomUnknown,
    NoticeCode::RoomFull,
    NoticeCode::RoomBusy,
    NoticeCode::HostAway,
    NoticeCode::NoAnswer,
    NoticeCode::WrongWords,
    NoticeCode::WrongLink,
    NoticeCode::WordsBusy,
    NoticeCode::ConnectFailed,
];

impl Session {
    pub(super) fn handle_refused(&mut self, code: Refusal, retry_after: Option<u32>, now: Moment) {
        let settled = self.room.phase == Phase::InRoom;
        match code {
            // Not about the room, but about one message; what it was for is healed by resending.
            Refusal::PeerUnknown | Refusal::NotMember | Refusal::NotHost | Refusal::OutOfPlace => {}
            Refusal::BadMessage | Refusal::TooLarge | Refusal::TooManyMessages | Refusal::HelloMissing => {}
            Refusal::Replaced => self.give_up(NoticeCode::Replaced, now),
            Refusal::TicketInvalid if self.room.phase == Phase::Reconnecting => self.begin_anew(now),
            // Whatever the server has against this device, what is moving needs no server.
            _ if self.is_going_on() => self.retry_later(retry_after, now),
            Refusal::UnsupportedVersion => self.give_up(NoticeCode::ServerVersion, now),
            Refusal::KnockExpired => self.give_up(NoticeCode::NoAnswer, now),
            _ if settled => {}
            Refusal::RoomUnknown
                if self.room.phase == Phase::Reconnecting && self.room.retries < UNKNOWN_RETRIES =>
            {
                self.retry_later(None, now);
            }
            // The host, too, comes back to a server that began anew.
            Refusal::RoomUnknown | Refusal::HostAway
                if self.room.phase == Phase::Joining
                    && self.room.key.is_some()
                    && self.room.retries < UNKNOWN_RETRIES =>
            {
                self.retry_later(None, now);
            }
            Refusal::RateLimited if self.room.phase == Phase::Reconnecting => {
                self.retry_later(retry_after, now)
            }
            Refusal::RateLimited => {
                self.leave_room(now);
                self.notify_number(NoticeCode::RateLimited, retry_after.unwrap_or(1).into());
            }
            Refusal::RoomUnknown => self.give_up(NoticeCode::RoomUnknown, now),
            Refusal::RoomTaken => self.give_up(NoticeCode::RoomTaken, now),
            Refusal::RoomFull => self.give_up(NoticeCode::RoomFull, now),
            Refusal::RoomBusy => self.give_up(NoticeCode::RoomBusy, now),
            Refusal::HostAway => self.give_up(NoticeCode::HostAway, now),
            Refusal::TicketInvalid => self.give_up(NoticeCode::KeepsakeExpired, now),
            Refusal::StoreUnavailable if self.room.phase == Phase::Reconnecting => {
                self.retry_later(retry_after, now)
            }
            Refusal::StoreUnavailable | Refusal::StoreFull => self.give_up(NoticeCode::ServerTrouble, now),
        }
    }

    /// Bytes may be on their way to members although the server does not have this device in the room.
    pub(super) fn is_going_on(&self) -> bool {
        self.room.phase == Phase::Reconnecting && self.links.values().any(Link::is_up)
    }

    /// The server began anew and knows nobody's place any more. The host makes the room again under its name. A guest knocks
    /// at the host's door with the room's key, as soon as no link is left: it comes back under another id.
    fn begin_anew(&mut self, now: Moment) {
        if let Some(Intent::Open { ticket, .. } | Intent::Join { ticket, .. }) = &mut self.room.intent {
            *ticket = None;
        }
        self.retry_later(None, now);
    }

    /// Nobody here is who it was to the server. What was being received goes on as soon as the host offers it again.
    pub(super) fn become_newcomer(&mut self, now: Moment) {
        self.forget_all(now);
        self.room.membership = None;
        self.room.phase = Phase::Joining;
        self.room.slow_at = Some(now + JOIN_SLOW);
    }
}
