//! What keeps sockets and rooms true to each other although stores forget and messages between nodes get lost.
//!
//! The room's record is the truth. A node that may have missed something looks at the rooms of all its sockets and
//! tells each anew how its room is: `joined` again. Nothing here repeats a message.

use dashmap::DashMap;
use futures_util::{StreamExt, stream};
use privydrop_common::id::PeerId;
use privydrop_common::signaling::{Refusal, ServerMessage};
use privydrop_common::time::Moment;
use tokio::sync::Notify;

use super::{Envelope, Service};
use crate::directory::{Position, Role, text};
use crate::refusal::Refused;
use crate::rooms::{NodeId, RETURN, Room};
use crate::store::mailbox::Mail;

/// Looks at one room while news come in, before it is left for the next time.
const RENEWALS: usize = 8;
/// Rooms that are looked at side by side.
pub(super) const SIDE_BY_SIDE: usize = 16;
/// Most admissions that are said again; past this, hosts' devices alone can.
const MOST_ADMISSIONS: usize = 4096;
/// What a node sends another that may have missed something.
const LOOK_AGAIN: &[u8] = b"look again";

/// What is to be made good.
#[derive(Default)]
pub(super) struct Healing {
    /// Nodes that may not have got a message; as many as there are nodes at most.
    owed: DashMap<NodeId, ()>,
    /// Sockets whose rooms could not be looked at; as many as there are sockets at most.
    unsettled: DashMap<u64, ()>,
    /// Whom the host behind a socket admitted, and when, while the store could not be told.
    admissions: DashMap<(u64, PeerId), Moment>,
    /// Rung when this node itself missed something.
    missed: Notify,
    /// Rung when it is time to try again what could not be done.
    again: Notify,
}

impl Healing {
    /// This node may not have got a message.
    pub(super) fn owe(&self, node: NodeId) {
        self.owed.insert(node, ());
    }

    /// The room of this socket is not as the socket was told: it is looked at.
    pub(super) fn look_soon(&self, socket: u64) {
        self.unsettled.insert(socket, ());
        self.again.notify_one();
    }

    fn take_unsettled(&self) -> Vec<u64> {
        let sockets: Vec<_> = self.unsettled.iter().map(|entry| *entry.key()).collect();
        for socket in &sockets {
            self.unsettled.remove(socket);
        }
        sockets
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
                    tracing::warn!("another node sent something unreadable; are all nodes of one version?");
                    self.has_missed_something();
                }
            }),
            Mail::Gap => {
                self.leases.raise_doubt(self.uptime());
                self.has_missed_something();
            }
            Mail::Break => self.leases.raise_doubt(self.uptime()),
        }
    }

    fn has_missed_something(&self) {
        self.metrics.mailbox_gaps.inc();
        self.healing.missed.notify_one();
    }

    /// Looks at all rooms whenever something may have been missed, and again at those where that failed. Runs until it is
    /// dropped.
    pub async fn make_good(&self) {
        loop {
            let sockets = tokio::select! {
                () = self.healing.missed.notified() => self.directory.placed(),
                () = self.healing.again.notified() => self.healing.take_unsettled(),
            };
            stream::iter(sockets).for_each_concurrent(SIDE_BY_SIDE, |socket| self.renew(socket)).await;
            self.admit_again().await;
            self.depart_again().await;
        }
    }

    /// Tells nodes that may have missed something, and lets this one try again what it could not do. Called again and again.
    pub async fn settle_debts(&self) {
        let owed: Vec<_> = self.healing.owed.iter().map(|entry| *entry.key()).collect();
        for node in owed {
            // A node that does not read is gone, or subscribes anew and then looks by itself.
            if self.timed(self.store.publish(node, LOOK_AGAIN)).await.is_ok() {
                self.healing.owed.remove(&node);
            }
        }
        self.leases.sweep();
        self.routes.sweep();
        let healing = &self.healing;
        if !(healing.unsettled.is_empty() && healing.admissions.is_empty() && self.departures.is_empty()) {
            healing.again.notify_one();
        }
    }

    /// The host behind this socket lets a knocker in. While the store is away, or has forgotten who knocks, the node says it
    /// again by itself: the host's device says it once.
    pub(super) async fn admit(&self, socket: u64, member: PeerId) -> Result<(), Refused> {
        let refused = match self.try_admit(socket, member).await {
            Ok(()) => {
                self.healing.admissions.remove(&(socket, member));
                return Ok(());
            }
            Err(refused) => refused,
        };
        if self.healing.admissions.len() < MOST_ADMISSIONS && self.may_be_admitted_yet(&refused).await {
            self.healing.admissions.insert((socket, member), self.uptime());
        }
        Err(refused)
    }

    async fn try_admit(&self, socket: u64, member: PeerId) -> Result<(), Refused> {
        self.change_as(socket, |room, position, _| room.admit(position.member, member)).await?;
        self.metrics.joins.inc();
        Ok(())
    }

    async fn may_be_admitted_yet(&self, refused: &Refused) -> bool {
        match refused.code {
            Refusal::StoreUnavailable => true,
            Refusal::PeerUnknown => self.may_come_back().await.unwrap_or(true),
            _ => false,
        }
    }

    async fn admit_again(&self) {
        let admissions: Vec<_> =
            self.healing.admissions.iter().map(|entry| (*entry.key(), *entry.value())).collect();
        for ((socket, member), since) in admissions {
            let may_yet = match self.try_admit(socket, member).await {
                Ok(()) => false,
                Err(refused) => self.uptime() - since < RETURN && self.may_be_admitted_yet(&refused).await,
            };
            if !may_yet {
                self.healing.admissions.remove(&(socket, member));
            }
        }
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
        for _ in 0..RENEWALS {
            let Some((room, said)) = self.look_at(socket).await else { return };
            let Some(position) = self.directory.position(socket) else { return };
            let Ok(joined) = self.joined(&position, &room, self.ice_for(socket)) else { return };
            if position.role == Role::Knocker {
                return;
            }
            let is_host = position.role == Role::Host;
            let knocks = room.waiting().filter(|_| is_host).map(|member| ServerMessage::Knock { member });
            let messages = [joined].into_iter().chain(knocks).map(|message| text(&message));
            let revision = room.revision();
            if self.directory.tell_unless_overtaken(socket, position.member, said, messages, revision) {
                return;
            }
        }
        self.healing.unsettled.insert(socket, ());
    }

    /// The socket's room as it is, the socket's place in it put right; and what had been said to the socket before: if more
    /// was said since, that is newer.
    async fn look_at(&self, socket: u64) -> Option<(Room, u32)> {
        let said = self.directory.said(socket)?;
        let position = self.directory.position(socket)?;
        let (member, place, knocks) = (position.member, self.place(socket), position.role == Role::Knocker);
        let changed = self.change_as(socket, |room, position, now| match position.role {
            Role::Knocker => room.knock(position.member, place, now),
            Role::Host | Role::Guest => Ok(Vec::new()),
        });
        let room = match changed.await {
            Ok(room) => room,
            Err(refused) => {
                self.look_failed(socket, &position, refused).await;
                return None;
            }
        };
        if knocks && room.place_of(member) == Some(place) {
            let position = Position { host: room.host(), role: Role::Guest, ..position };
            let joined = self.joined(&position, &room, self.ice_for(socket)).ok()?;
            self.directory.admit(socket, member, position.host, text(&joined), room.revision());
            return None;
        }
        Some((room, said))
    }

    /// What becomes of a socket whose room could not be looked at.
    async fn look_failed(&self, socket: u64, position: &Position, refused: Refused) {
        let knocks = position.role == Role::Knocker;
        let code = match refused.code {
            // Whoever took the place could not tell.
            Refusal::Replaced => Refusal::Replaced,
            Refusal::HostAway | Refusal::RoomFull | Refusal::RoomBusy if knocks => refused.code,
            Refusal::RoomUnknown if knocks && self.may_come_back().await == Ok(false) => Refusal::HostAway,
            Refusal::StoreUnavailable | Refusal::RoomUnknown => {
                self.healing.unsettled.insert(socket, ());
                return;
            }
            _ => return,
        };
        let is_dismissed =
            self.directory.dismiss(socket, position.member, code, text(&Refused::from(code).into()));
        if is_dismissed && knocks {
            // Another look may have put the knock back meanwhile.
            self.depart(socket, position.clone(), false).await;
        }
    }
}
