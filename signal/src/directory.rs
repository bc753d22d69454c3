//! Who is connected to this node: the way from a member to its socket.
//!
//! Holds nothing that must survive; the store's room records are the truth, and an entry lives exactly as long
//! as its socket's place in a room.

use std::sync::Arc;

use actix_ws::CloseCode;
use bytestring::ByteString;
use dashmap::DashMap;
use privydrop_common::id::{PeerId, RoomId};
use privydrop_common::signaling::{Body, Refusal, ServerMessage};

use crate::limits::Source;
use crate::outbox::{Outbox, Waiting};

/// What a socket is to its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The room's host.
    Host,
    /// A member.
    Guest,
    /// Waits to be admitted.
    Knocker,
}

/// A socket's place in a room.
#[derive(Debug, Clone)]
pub struct Position {
    /// The room.
    pub room: RoomId,
    /// The name there.
    pub member: PeerId,
    /// The room's host.
    pub host: PeerId,
    /// What it may do.
    pub role: Role,
}

/// What became of news for a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The socket has them.
    Yes,
    /// They are for a member, and the socket is not known to be one yet: that it was let in is still on its way here.
    TooEarly,
    /// The socket has them, and had newer ones before: what it believes now may not be so.
    TooLate,
    /// It is no longer that member's socket.
    Nobody,
}

#[derive(Debug)]
struct Entry {
    position: Option<Position>,
    source: Source,
    outbox: Arc<Outbox>,
    /// The newest revision of its room that it was told of since it has its place. All that it can be told then is of a room
    /// in which it has that.
    heard: u64,
}

/// All sockets of this node.
#[derive(Debug, Default)]
pub struct Directory {
    sockets: DashMap<u64, Entry>,
    members: DashMap<PeerId, u64>,
    waiting: Arc<Waiting>,
}

impl Directory {
    /// A socket opened; what is to be written to it.
    pub fn open(&self, socket: u64, source: Source) -> Arc<Outbox> {
        let outbox = Arc::new(Outbox::new(self.waiting.clone()));
        self.sockets.insert(socket, Entry { position: None, source, outbox: outbox.clone(), heard: 0 });
        outbox
    }

    /// A socket is gone; returns where it was.
    pub fn close(&self, socket: u64) -> Option<Position> {
        let (_, entry) = self.sockets.remove(&socket)?;
        let position = entry.position?;
        self.members.remove_if(&position.member, |_, current| *current == socket);
        Some(position)
    }

    /// A socket takes (or gives up) a place in a room.
    pub fn place(&self, socket: u64, position: Option<Position>) {
        let Some(mut entry) = self.sockets.get_mut(&socket) else { return };
        let before = std::mem::replace(&mut entry.position, position.clone());
        entry.heard = 0;
        drop(entry);
        if let Some(before) = before {
            self.members.remove_if(&before.member, |_, current| *current == socket);
        }
        if let Some(position) = position {
            self.members.insert(position.member, socket);
        }
    }

    /// Whether a socket is open.
    pub fn is_open(&self, socket: u64) -> bool {
        self.sockets.contains_key(&socket)
    }

    /// Every socket that is in a room, also one whose member tried to come by another socket here and was refused.
    pub fn placed(&self) -> Vec<u64> {
        self.sockets.iter().filter(|entry| entry.position.is_some()).map(|entry| *entry.key()).collect()
    }

    /// Whether the socket asked for its place and has no answer yet.
    pub fn is_entering(&self, socket: u64) -> bool {
        self.sockets.get(&socket).is_some_and(|entry| entry.outbox.is_held())
    }

    /// Where a socket is.
    pub fn position(&self, socket: u64) -> Option<Position> {
        self.sockets.get(&socket)?.position.clone()
    }

    /// Passes a message to the socket; false when it is no longer that member's.
    pub fn tell(&self, socket: u64, member: PeerId, message: ByteString) -> bool {
        let Some(outbox) = self.outbox(socket, member) else { return false };
        outbox.push(message);
        true
    }

    /// Passes on what others did. One that waits to be let in is told of nothing but letters: in the place of all that it heard
    /// before comes how the room is, and that may be older. Of news without a `revision` nobody knows how old they are.
    pub fn tell_news(&self, socket: u64, member: PeerId, message: ByteString, revision: Option<u64>) -> Told {
        let Some(mut entry) = self.sockets.get_mut(&socket) else { return Told::Nobody };
        match &entry.position {
            Some(position) if position.member == member => {
                if position.role == Role::Knocker && !is_relay(&message) {
                    return Told::TooEarly;
                }
                let (before, revision) = (entry.heard, revision.unwrap_or(entry.heard));
                entry.heard = before.max(revision);
                entry.outbox.push(message);
                if revision < before { Told::TooLate } else { Told::Yes }
            }
            _ => Told::Nobody,
        }
    }

    /// Whose socket it is.
    pub fn source(&self, socket: u64) -> Option<Source> {
        Some(self.sockets.get(&socket)?.source)
    }

    /// Changes with everything that is said to the socket.
    pub fn said(&self, socket: u64) -> Option<u32> {
        Some(self.sockets.get(&socket)?.outbox.pushed())
    }

    /// Passes messages to the socket that are true unless something was said to it since; false when something was.
    pub fn tell_unless_overtaken(
        &self,
        socket: u64,
        member: PeerId,
        said: u32,
        messages: impl IntoIterator<Item = ByteString>,
        revision: u64,
    ) -> bool {
        let Some(mut entry) = self.sockets.get_mut(&socket) else { return true };
        if entry.position.as_ref().is_none_or(|position| position.member != member) {
            return true;
        }
        let is_told = entry.outbox.push_unless_overtaken(said, messages);
        if is_told {
            // Also when this is less than before: nodes of the previous version count no revisions.
            entry.heard = revision;
        }
        is_told
    }

    /// The socket's knocker became a member of `host`'s room. One who is known to be in has heard what is newer.
    pub fn admit(
        &self,
        socket: u64,
        member: PeerId,
        host: PeerId,
        joined: ByteString,
        revision: u64,
    ) -> bool {
        let Some(mut entry) = self.sockets.get_mut(&socket) else { return false };
        let position = entry.position.as_mut().filter(|position| position.member == member);
        let Some(position) = position else { return false };
        if position.role == Role::Knocker {
            (position.role, position.host) = (Role::Guest, host);
            entry.heard = revision;
            entry.outbox.push(joined);
        }
        true
    }

    /// The socket is no longer in its room. A replaced one is closed, so that it does not come back by itself.
    pub fn dismiss(&self, socket: u64, member: PeerId, reason: Refusal, refused: ByteString) -> bool {
        let Some(mut entry) = self.sockets.get_mut(&socket) else { return false };
        if entry.position.take_if(|position| position.member == member).is_none() {
            return false;
        }
        entry.outbox.push(refused);
        if reason == Refusal::Replaced {
            entry.outbox.close(CloseCode::Policy);
        }
        drop(entry);
        self.members.remove_if(&member, |_, current| *current == socket);
        true
    }

    /// Relays between two sockets of this node, if `to` is here; the rule is the same as [`crate::rooms::Room::route`]'s.
    pub fn relay(&self, from: &Position, to: PeerId, message: impl FnOnce() -> ByteString) -> bool {
        let Some(socket) = self.members.get(&to).map(|socket| *socket) else { return false };
        let Some(entry) = self.sockets.get(&socket) else { return false };
        let Some(receiver) = &entry.position else { return false };
        let may = receiver.member == to
            && receiver.room == from.room
            && match (from.role, receiver.role) {
                (Role::Knocker, other) => other == Role::Host,
                (other, Role::Knocker) => other == Role::Host,
                _ => true,
            };
        if may {
            entry.outbox.push(message());
        }
        may
    }

    /// Tells a socket to connect elsewhere, and closes it.
    pub fn farewell(&self, socket: u64) {
        if let Some(entry) = self.sockets.get(&socket) {
            entry.outbox.push(text(&ServerMessage::Draining));
            entry.outbox.close(CloseCode::Restart);
        }
    }

    /// The sockets that are open.
    pub fn open_sockets(&self) -> Vec<u64> {
        self.sockets.iter().map(|entry| *entry.key()).collect()
    }

    /// Sockets that are open.
    pub fn sockets(&self) -> usize {
        self.sockets.len()
    }

    /// Sockets that are in a room.
    pub fn members(&self) -> usize {
        self.members.len()
    }

    /// Bytes that wait for readers.
    pub fn waiting(&self) -> usize {
        self.waiting.bytes()
    }

    fn outbox(&self, socket: u64, member: PeerId) -> Option<Arc<Outbox>> {
        let entry = self.sockets.get(&socket)?;
        let position = entry.position.as_ref()?;
        (position.member == member).then(|| entry.outbox.clone())
    }
}

/// The frame of a relay; what a body is made of needs no escape in JSON.
pub fn relay_text(from: PeerId, seq: u32, body: &Body) -> ByteString {
    format!(r#"{{"relay":{{"from":"{from}","seq":{seq},"body":"{}"}}}}"#, body.as_str()).into()
}

/// Whether a frame is that of a relay.
fn is_relay(frame: &str) -> bool {
    frame.starts_with(r#"{"relay":"#)
}

/// The frame of a message.
pub fn text(message: &ServerMessage) -> ByteString {
    message.to_text().into()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn the_frame_of_a_relay_is_that_of_its_message() {
        let (from, body) = ("0123456789abcdef".parse().unwrap(), Body::new("aZ09-_".into()).unwrap());
        let frame = relay_text(from, 7, &body);
        assert_eq!(frame, text(&ServerMessage::Relay { from, seq: 7, body }));
        assert!(is_relay(&frame) && !is_relay(&text(&ServerMessage::Knock { member: from })));
    }

    #[test]
    fn a_socket_is_looked_at_also_after_its_member_was_refused_by_another_one() {
        let directory = Directory::default();
        let (host, source) = ("0123456789abcdef".parse().unwrap(), IpAddr::from([127, 0, 0, 1]).into());
        let position = Position { room: "our-room".parse().unwrap(), member: host, host, role: Role::Host };
        for socket in [1, 2] {
            directory.open(socket, source);
            directory.place(socket, Some(position.clone()));
        }
        directory.place(2, None);
        assert_eq!(directory.placed(), [1]);
    }
}
