//! What keeps sockets and rooms true to each other although stores forget and messages between nodes get lost.
//!
//! The room's record is the truth. A node that may have missed something looks at the rooms of all its sockets and
//! tells each anew how its room is: `joined` again. Nothing here repeats a message.

use std::time::{Duration, Instant};

use dashmap::DashMap;
use futures_util::{StreamExt, stream};
use privydrop_common::signaling::{Refusal, ServerMessage};
use tokio::sync::Notify;

use super::{Envelope, Service};
use crate::directory::{Position, Role, text};
use crate::refusal::Refused;
use crate::rooms::{NodeId, Room};
use crate::store::mailbox::Mail;
use crate::store::{Key, StoreError};

/// How long another node is believed to be alive after its lease was seen.
const TRUST: Duration = Duration::from_secs(1);
/// Rooms that are looked at side by side.
const SIDE_BY_SIDE: usize = 16;
/// What a node sends another that may have missed something.
const LOOK_AGAIN: &[u8] = b"look again";

/// What is to be made good.
#[derive(Default)]
pub(super) struct Healing {
    /// Nodes that may not have got a message; as many as there are nodes at most.
    owed: DashMap<NodeId, ()>,
    /// When each other node was last seen alive.
    alive: DashMap<NodeId, Instant>,
    /// Rung when this node itself missed something.
    missed: Notify,
}

impl Healing {
    /// This node may not have got a message.
    pub(super) fn owe(&self, node: NodeId) {
        self.owed.insert(node, ());
    }

    /// This node does not read its mailbox: its lease is looked at again.
    pub(super) fn doubt(&self, node: NodeId) {
        self.alive.remove(&node);
    }
}

impl Service {
    /// Takes what came through this node's mailbox.
    pub fn receive(&self, mail: &Mail) {
        match mail {
            Mail::Message(message) if message == LOOK_AGAIN => self.healing.missed.notify_one(),
            Mail::Message(message) => Envelope::parse_all(message).for_each(|envelope| match envelope {
                Some(envelope) => drop(self.hand_over(envelope)),
                None => {
                    tracing::warn!("another node sent something unreadable; are all nodes of one version?")
                }
            }),
            Mail::Gap => {
                self.metrics.mailbox_gaps.inc();
                self.healing.missed.notify_one();
            }
        }
    }

    /// Looks at all rooms whenever something may have been missed. Runs until it is dropped.
    pub async fn make_good(&self) {
        loop {
            self.healing.missed.notified().await;
            let sockets = stream::iter(self.directory.placed());
            sockets.for_each_concurrent(SIDE_BY_SIDE, |socket| self.renew(socket)).await;
        }
    }

    /// Tells nodes that may have missed something. Called again and again.
    pub async fn settle_debts(&self) {
        let owed: Vec<_> = self.healing.owed.iter().map(|entry| *entry.key()).collect();
        for node in owed {
            // A node that does not read is gone, or subscribes anew and then looks by itself.
            if self.timed(self.store.publish(node, LOOK_AGAIN)).await.is_ok() {
                self.healing.owed.remove(&node);
            }
        }
        self.healing.alive.retain(|_, seen| seen.elapsed() < TRUST);
        self.routes.sweep();
    }

    /// Keeps the room of this socket alive, and puts it back if the store forgot it.
    pub async fn refresh(&self, socket: u64) {
        let _ = self.look_at(socket).await;
    }

    /// Refreshes every room of this node, after the store forgot it.
    pub async fn refresh_all(&self) {
        let sockets = stream::iter(self.directory.placed());
        sockets.for_each_concurrent(SIDE_BY_SIDE, |socket| self.refresh(socket)).await;
    }

    /// Refreshes the room and tells the socket how it is, with fresh ticket and credentials.
    pub async fn renew(&self, socket: u64) {
        let Some(room) = self.look_at(socket).await else { return };
        let Some(position) = self.directory.position(socket) else { return };
        let Ok(joined) = self.joined(&position, &room) else { return };
        if position.role == Role::Knocker {
            return;
        }
        self.directory.tell(socket, position.member, text(&joined));
        if position.role == Role::Host {
            for member in room.waiting() {
                self.directory.tell(socket, position.member, text(&ServerMessage::Knock { member }));
            }
        }
    }

    /// The socket's room as it is now, the socket's place in it put right.
    async fn look_at(&self, socket: u64) -> Option<Room> {
        let position = self.directory.position(socket)?;
        let room = match self.change_as(socket, |_, _| Ok(Vec::new())).await {
            Ok(room) => room,
            // Whoever took the place could not tell; any other failure is tried again at the next turn.
            Err(refused @ Refused { code: Refusal::Replaced, .. }) => {
                self.directory.dismiss(socket, position.member, refused.code, text(&refused.into()));
                return None;
            }
            Err(_) => return None,
        };
        if position.role == Role::Knocker {
            let (member, place) = (position.member, self.place(socket));
            if room.place_of(member) == Some(place) {
                let position = Position { host: room.host(), role: Role::Guest, ..position };
                let joined = self.joined(&position, &room).ok()?;
                self.directory.admit(socket, member, position.host, text(&joined));
                return None;
            }
            if !room.waiting().any(|waiting| waiting == member) {
                let refused = text(&Refused::from(Refusal::HostAway).into());
                self.directory.dismiss(socket, member, Refusal::HostAway, refused);
                return None;
            }
        }
        Some(room)
    }

    /// Which of the room's other nodes have no lease.
    pub(super) async fn dead_nodes(&self, room: &Room) -> Result<Vec<NodeId>, StoreError> {
        let mut others: Vec<_> = room.nodes().filter(|node| *node != self.node).collect();
        others.sort_unstable_by_key(|node| node.0);
        others.dedup();
        let mut dead = Vec::new();
        for node in others {
            if self.healing.alive.get(&node).is_some_and(|seen| seen.elapsed() < TRUST) {
                continue;
            }
            if self.timed(self.store.load(&Key::Node(node))).await?.is_some() {
                self.healing.alive.insert(node, Instant::now());
            } else {
                dead.push(node);
            }
        }
        Ok(dead)
    }
}
