//! Who is gone while the store could not be told: this node says it again by itself until the room knows.
//!
//! No other node can find out: each takes the sockets of a node that lives for open.

use std::sync::atomic::{AtomicBool, Ordering};

use dashmap::DashMap;
use futures_util::{StreamExt, stream};
use privydrop_common::id::{PeerId, RoomId};

use super::Service;
use super::healing::SIDE_BY_SIDE;
use crate::directory::Position;
use crate::refusal::Refused;

/// Most sockets of which it is said again, and most places that one of them had; past this, others find out when this node
/// ends.
const MOST: usize = 65_536;
const MOST_OF_ONE: usize = 16;

/// Places in rooms that are to be given up, by socket.
#[derive(Default)]
pub(super) struct Departures(DashMap<u64, Vec<Departure>>);

#[derive(Clone, PartialEq, Eq)]
struct Departure {
    room: RoomId,
    member: PeerId,
    /// Lost, not left: a member's place is kept for its ticket.
    is_lost: bool,
}

impl Departures {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this socket, which may be closed, has yet to say that it left.
    pub(super) fn is_due(&self, socket: u64) -> bool {
        self.0.contains_key(&socket)
    }

    fn owe(&self, socket: u64, departure: Departure) {
        if self.0.len() >= MOST {
            return;
        }
        let mut owed = self.0.entry(socket).or_default();
        if owed.len() < MOST_OF_ONE {
            owed.push(departure);
        }
    }

    fn all(&self) -> Vec<(u64, Departure)> {
        let of_one = |socket, owed: &[Departure]| {
            owed.iter().cloned().map(move |one| (socket, one)).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(|entry| of_one(*entry.key(), entry.value())).collect()
    }

    fn settle(&self, socket: u64, departure: &Departure) {
        self.0.remove_if_mut(&socket, |_, owed| {
            owed.retain(|other| other != departure);
            owed.is_empty()
        });
    }
}

impl Service {
    /// The socket is not in this place any more.
    pub(super) async fn depart(&self, socket: u64, position: Position, is_lost: bool) {
        let Position { room, member, .. } = position;
        let departure = Departure { room, member, is_lost };
        if self.try_to_depart(socket, &departure).await.is_err() {
            self.departures.owe(socket, departure);
        }
    }

    /// Nobody knows whether the socket got this place, and it is told that it did not.
    pub(super) fn give_up(&self, socket: u64, position: Position) {
        let Position { room, member, .. } = position;
        self.departures.owe(socket, Departure { room, member, is_lost: true });
    }

    /// Tries again whatever failed.
    pub(super) async fn depart_again(&self) {
        let (is_away, all) = (&AtomicBool::new(false), stream::iter(self.departures.all()));
        all.for_each_concurrent(SIDE_BY_SIDE, async |(socket, departure)| {
            // While the store is away, not each of many has to find out.
            if is_away.load(Ordering::Relaxed) {
                return;
            }
            match self.try_to_depart(socket, &departure).await {
                Ok(()) => self.departures.settle(socket, &departure),
                Err(_) => is_away.store(true, Ordering::Relaxed),
            }
        })
        .await;
    }

    async fn try_to_depart(&self, socket: u64, departure: &Departure) -> Result<(), Refused> {
        let (place, member) = (self.place(socket), departure.member);
        let gone = self.change_known(&departure.room, |room, now| {
            // By the same socket it may be there again meanwhile.
            match self.directory.position(socket) {
                Some(position) if position.member == member => Vec::new(),
                _ if departure.is_lost => room.lose(member, place, now),
                _ => room.leave(member, place),
            }
        });
        gone.await.map(drop)
    }
}
