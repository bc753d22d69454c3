//! What the server does for its clients: load the room, apply the rule, swap it in, notify.
//!
//! Every change of a room is one rule of [`crate::rooms`] under compare-and-swap, tried again when another node
//! was faster. Notices go out only after the swap. Never looks into a relayed body.

mod allowance;
mod clock;
#[cfg(test)]
mod crossing_tests;
mod delivery;
mod departures;
mod doubt;
mod envelope;
mod healing;
mod leases;
mod post;
mod requests;
mod routes;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Instant;

use futures_util::future::join_all;
use privydrop_common::id::RoomId;
use privydrop_common::signaling::{IceServer, Refusal, ServerMessage, Ticket};
use privydrop_common::time::Moment;

use self::clock::Clock;
use self::departures::Departures;
use self::envelope::{Effect, Envelope};
use self::healing::Healing;
use self::leases::Leases;
use self::post::Post;
use self::routes::Routes;

use crate::directory::{Directory, Position, Role, text};
use crate::limits::{Limits, Source};
use crate::metrics::{Levels, Metrics};
use crate::outbox::Outbox;
use crate::refusal::Refused;
use crate::rooms::{NodeId, Notice, Place, Room, What};
use crate::store::{Key, Store, StoreError};
use crate::ticket::Tickets;
use crate::turn::Ice;

/// Tries of one change while other nodes change the same room.
const ATTEMPTS: usize = 64;

/// One open socket, as the service sees it.
#[derive(Debug)]
pub struct Client {
    /// Its number on this node, never used twice.
    pub socket: u64,
    /// Whose attempts it shares.
    pub source: Source,
    /// What is to be written to it.
    pub outbox: Arc<Outbox>,
    /// KiB that it may relay before its source's bucket is asked again.
    pub prepaid: AtomicU32,
}

/// The server's memory and hands: store, directory, limits, keys.
pub struct Service {
    pub(crate) node: NodeId,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) directory: Directory,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    tickets: Tickets,
    ice: Ice,
    healing: Healing,
    departures: Departures,
    leases: Leases,
    post: Post,
    routes: Routes,
    clock: Clock,
}

impl Service {
    /// A node's service; nothing runs by itself.
    pub fn new(node: NodeId, store: Arc<dyn Store>, limits: Limits, tickets: Tickets, ice: Ice) -> Self {
        let (directory, metrics, clock) = (Directory::default(), Metrics::default(), Clock::start());
        let (healing, departures, leases) = (Healing::default(), Departures::default(), Leases::default());
        let (post, routes) = (Post::default(), Routes::default());
        Self {
            node,
            store,
            directory,
            limits,
            metrics,
            tickets,
            ice,
            healing,
            departures,
            leases,
            post,
            routes,
            clock,
        }
    }

    /// Takes tickets that were signed with these keys, too.
    pub(crate) fn accept_tickets(&self, keys: &[[u8; 32]]) {
        self.tickets.accept(keys);
    }

    /// The socket is gone: its member is lost, not left.
    pub async fn lost(&self, client: &Client) {
        let Some(position) = self.directory.close(client.socket) else { return };
        self.depart(client.socket, position, true).await;
    }

    /// The host did not admit this knocker in time. False when the room could not be told: the knock still stands.
    pub async fn expire_knock(&self, client: &Client) -> bool {
        let Ok(position @ Position { member, role: Role::Knocker, .. }) = self.position(client.socket) else {
            return true;
        };
        let place = self.place(client.socket);
        let expire = self.change_known(&position.room, |room, _| room.expire_knock(member, place));
        let Ok(room) = expire.await else {
            return false;
        };
        // Where the knock was not found, nobody else tells the knocker.
        let is_in = room.is_some_and(|room| room.place_of(member) == Some(place));
        if !is_in && self.is_knocking(client) {
            let code = Refusal::KnockExpired;
            self.directory.dismiss(client.socket, member, code, text(&Refused::from(code).into()));
            // A look may have put the knock back meanwhile.
            self.depart(client.socket, position, false).await;
        }
        true
    }

    /// Whether this client still waits to be admitted.
    pub fn is_knocking(&self, client: &Client) -> bool {
        self.directory.position(client.socket).is_some_and(|position| position.role == Role::Knocker)
    }

    /// Everything that is counted, in Prometheus' text.
    pub async fn metrics_text(&self, draining: bool) -> String {
        let cells = self.timed(self.store.size()).await.ok();
        self.metrics.text(Levels {
            sockets: self.directory.sockets(),
            members: self.directory.members(),
            waiting: self.directory.waiting(),
            cells,
            draining,
        })
    }

    /// Time since the start, for limits.
    pub fn uptime(&self) -> Moment {
        self.clock.uptime()
    }

    /// Looks what time it is for all nodes.
    pub async fn read_clock(&self) -> Result<(), StoreError> {
        let asked = self.uptime();
        self.clock.set(asked, self.timed(self.store.time()).await?);
        Ok(())
    }

    /// Changes the room in which the client is a member, putting the client back first if the store forgot it. Not while the
    /// client asks for its place: it would be there before the room's rule has decided.
    async fn change_as(
        &self,
        socket: u64,
        rule: impl Fn(&mut Room, &Position, Moment) -> Result<Vec<Notice>, Refusal>,
    ) -> Result<Room, Refused> {
        let position = self.position(socket)?;
        if self.directory.is_entering(socket) {
            // Tried again in a moment, like everything that the store could not be told.
            return Err(Refusal::StoreUnavailable.into());
        }
        let (member, place) = (position.member, self.place(socket));
        let change = self.change(&position.room, |room, now| {
            // Whoever left meanwhile is not put back.
            if self.directory.position(socket).is_none_or(|position| position.member != member) {
                return Err(Refusal::NotMember);
            }
            let mut notices = Vec::new();
            let mut room = match room {
                Some(room) => room,
                None if position.role == Role::Knocker => return Err(Refusal::RoomUnknown),
                None => Room::restored(position.host, now),
            };
            match room.place_of(member) {
                Some(current) if current != place => return Err(Refusal::Replaced),
                None if position.role != Role::Knocker && room.host() == position.host => {
                    notices = room.enter(member, place)?;
                }
                _ => {}
            }
            notices.extend(rule(&mut room, &position, now)?);
            Ok((room, notices))
        });
        let room = change.await?;
        // Whoever left between the rule and the swap found nothing to leave.
        if self.directory.position(socket).is_none_or(|position| position.member != member) {
            let is_lost = !self.directory.is_open(socket);
            self.depart(socket, position, is_lost).await;
        }
        Ok(room)
    }

    /// Changes a room if it exists; how it is then.
    async fn change_known(
        &self,
        room: &RoomId,
        rule: impl Fn(&mut Room, Moment) -> Vec<Notice>,
    ) -> Result<Option<Room>, Refused> {
        let change = self.change(room, |room, now| {
            let mut room = room.ok_or(Refusal::RoomUnknown)?;
            let notices = rule(&mut room, now);
            Ok((room, notices))
        });
        match change.await {
            Ok(room) => Ok(Some(room)),
            Err(Refused { code: Refusal::RoomUnknown, .. }) => Ok(None),
            Err(refused) => Err(refused),
        }
    }

    /// Load, rule, swap, notify.
    async fn change(
        &self,
        id: &RoomId,
        rule: impl Fn(Option<Room>, Moment) -> Result<(Room, Vec<Notice>), Refusal>,
    ) -> Result<Room, Refused> {
        let key = Key::Room(id.clone());
        for _ in 0..ATTEMPTS {
            let cell = self.timed(self.store.load(&key)).await?;
            let (version, before) = match &cell {
                Some(cell) => (Some(cell.version), decode(&cell.value)),
                None => (None, None),
            };
            let now = self.clock.shared();
            let mut room = before.clone();
            let mut notices = Vec::new();
            if let Some(room) = &mut room {
                let dead = self.dead_nodes(room).await?;
                notices = room.tidy(now, |place| match place.node {
                    node if node == self.node => {
                        // Who left is not to be taken for lost.
                        self.directory.is_open(place.socket) || self.departures.is_due(place.socket)
                    }
                    node => !dead.contains(&node),
                });
            }
            let (mut room, more) = rule(room, now)?;
            notices.extend(more);
            let saved = match version {
                // What is not changed must be true as well: else it is looked at as it has become.
                Some(version) if before.as_ref() == Some(&room) => {
                    self.timed(self.store.keep(&key, version, room.ttl())).await?
                }
                _ => {
                    room.revise(before.as_ref(), now);
                    let value = serde_json::to_vec(&room).map_err(|_| Refusal::StoreUnavailable)?;
                    self.timed(self.store.swap(&key, version, &value, room.ttl())).await?
                }
            };
            if saved {
                self.notify(id, &room, notices).await;
                return Ok(room);
            }
        }
        tracing::warn!("a room changed too often to be changed once more");
        Err(Refusal::StoreUnavailable.into())
    }

    async fn notify(&self, id: &RoomId, room: &Room, notices: Vec<Notice>) {
        let envelopes = notices.into_iter().filter_map(|Notice { member, place, what }| {
            let (effect, message) = match what {
                What::Tell(message) => (Effect::Tell, message),
                What::Dismissed(reason) => (Effect::Dismiss(reason), Refused::from(reason).into()),
                What::Admitted => {
                    let position =
                        Position { room: id.clone(), member, host: room.host(), role: Role::Guest };
                    // Its own node, which knows whose socket it is, puts others in their place.
                    let ice = self.ice.servers(rand::random(), Clock::world());
                    (Effect::Admit(room.host()), self.joined(&position, room, ice).ok()?)
                }
            };
            let reads = place.node == self.node || self.leases.reads_revisions(place.node);
            let revision = reads.then(|| room.revision());
            let (socket, text) = (place.socket, text(&message));
            Some((place.node, Envelope { socket, member, effect, text, revision }))
        });
        // All at once: what somebody does who was just let in must not reach others before the news of it.
        let sent = envelopes.map(async |(node, envelope)| {
            if self.send(node, envelope).await.is_err() {
                // Nobody knows whether it arrived: the other node is asked to look at its rooms.
                self.healing.owe(node);
            }
        });
        join_all(sent).await;
    }

    fn joined(
        &self,
        position: &Position,
        room: &Room,
        ice: Vec<IceServer>,
    ) -> Result<ServerMessage, Refused> {
        Ok(ServerMessage::Joined {
            member: position.member,
            room: position.room.clone(),
            host: position.host,
            members: room.others(position.member),
            ticket: self.ticket(position)?,
            ice,
        })
    }

    /// STUN and TURN servers, with a credential in the name of the address behind this socket of ours: one address opens no
    /// more relays by being many members.
    fn ice_for(&self, socket: u64) -> Vec<IceServer> {
        let Some(source) = self.directory.source(socket) else { return Vec::new() };
        if self.ice.has_turn() {
            self.metrics.credentials.inc();
        }
        self.ice.servers(self.limits.relay_user(source), Clock::world())
    }

    fn ticket(&self, position: &Position) -> Result<Ticket, Refused> {
        let ticket = self.tickets.issue(&position.room, position.member, position.host, Clock::world());
        ticket.ok_or_else(|| Refusal::TicketInvalid.into())
    }

    fn position(&self, socket: u64) -> Result<Position, Refused> {
        self.directory.position(socket).ok_or_else(|| Refusal::NotMember.into())
    }

    fn place(&self, socket: u64) -> Place {
        Place { node: self.node, socket }
    }

    async fn timed<T>(&self, request: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let start = Instant::now();
        let result = request.await;
        self.metrics.store_took(start.elapsed());
        if let Err(error) = &result {
            self.metrics.store_errors.inc();
            if *error == StoreError::Unavailable {
                // It may come back without what it had.
                self.leases.raise_doubt(self.uptime());
            }
        }
        result
    }
}

/// A record of another version is as good as none: its members come back with their tickets.
fn decode(record: &[u8]) -> Option<Room> {
    serde_json::from_slice(record).ok()
}
