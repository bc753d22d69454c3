//! What the server does for its clients: load the room, apply the rule, swap it in, notify.
//!
//! Every change of a room is one rule of [`crate::rooms`] under compare-and-swap, tried again when another node
//! was faster. Notices go out only after the swap. Never looks into a relayed body.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use privydrop_common::id::{PeerId, RoomId};
use privydrop_common::signaling::{ClientMessage, Refusal, ServerMessage, Ticket};
use privydrop_common::time::Moment;
use serde::{Deserialize, Serialize};

use crate::directory::{Directory, Position, Role, text};
use crate::limits::{Limits, Source};
use crate::metrics::{Levels, Metrics};
use crate::outbox::Outbox;
use crate::refusal::Refused;
use crate::rooms::{NodeId, Notice, Place, Room, What, digits_for};
use crate::store::{Key, Store, StoreError};
use crate::ticket::{Claims, Tickets};
use crate::turn::Ice;

/// Tries of one change while other nodes change the same room.
const ATTEMPTS: usize = 64;
/// Ids drawn for a new room before giving up; nine of ten are free by [`digits_for`].
const DRAWS: usize = 32;

/// One open socket, as the service sees it.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its number on this node, never used twice.
    pub socket: u64,
    /// Whose attempts it shares.
    pub source: Source,
    /// What is to be written to it.
    pub outbox: Arc<Outbox>,
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
    started: Instant,
}

/// A message for a socket on another node.
#[derive(Debug, Serialize, Deserialize)]
struct Envelope {
    socket: u64,
    member: PeerId,
    effect: Effect,
    message: ServerMessage,
}

/// What the message means for the socket's place.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Effect {
    Tell,
    Admit,
    Dismiss,
}

impl Service {
    /// A node's service; nothing runs by itself.
    pub fn new(node: NodeId, store: Arc<dyn Store>, limits: Limits, tickets: Tickets, ice: Ice) -> Self {
        let (directory, metrics, started) = (Directory::default(), Metrics::default(), Instant::now());
        Self { node, store, directory, limits, metrics, tickets, ice, started }
    }

    /// Does what a client asks. A refusal is the caller's to send.
    pub async fn handle(&self, client: &Client, message: ClientMessage) -> Result<(), Refused> {
        match message {
            ClientMessage::Hello { .. } => Err(Refusal::OutOfPlace.into()),
            ClientMessage::Create { name, ticket } => self.create(client, name, ticket).await,
            ClientMessage::Join { room, ticket: Some(ticket) } => self.rejoin(client, room, &ticket).await,
            ClientMessage::Join { room, ticket: None } => self.knock(client, room).await,
            ClientMessage::Admit { member } => {
                self.change_as(client, |room, position| room.admit(position.member, member)).await?;
                self.metrics.joins.inc();
                Ok(())
            }
            ClientMessage::Sharing { on } => {
                self.change_as(client, |room, position| room.share(position.member, on)).await
            }
            ClientMessage::Leave => self.leave(client).await,
            ClientMessage::Relay { to, seq, body } => {
                let position = self.position(client)?;
                self.metrics.relays.inc();
                self.metrics.relayed_bytes.inc_by(body.as_str().len() as u64);
                let message = ServerMessage::Relay { from: position.member, seq, body };
                if self.directory.relay(&position, to, || text(&message)) {
                    return Ok(());
                }
                self.relay_elsewhere(&position, to, message).await
            }
        }
    }

    /// The socket is gone: its member is lost, not left.
    pub async fn lost(&self, client: &Client) {
        let Some(position) = self.directory.close(client.socket) else { return };
        let place = self.place(client);
        let _ = self.change_known(&position.room, |room, now| room.lose(position.member, place, now)).await;
    }

    /// The host did not admit this knocker in time.
    pub async fn expire_knock(&self, client: &Client) {
        let Ok(position) = self.position(client) else { return };
        let place = self.place(client);
        let _ = self.change_known(&position.room, |room, _| room.expire_knock(position.member, place)).await;
    }

    /// Keeps the room of this client alive, and puts it back if the store forgot it.
    pub async fn refresh(&self, client: &Client) {
        if self.directory.position(client.socket).is_some() {
            // A store that does not answer is asked again at the next turn.
            let _ = self.change_as(client, |_, _| Ok(Vec::new())).await;
        }
    }

    /// Whether this client still waits to be admitted.
    pub fn is_knocking(&self, client: &Client) -> bool {
        self.directory.position(client.socket).is_some_and(|position| position.role == Role::Knocker)
    }

    /// Whether a room name is free. Costs the asker one miss, whatever the answer.
    pub async fn is_free(&self, source: Source, room: &RoomId) -> Result<bool, Refused> {
        self.limits.misses.take(source, self.uptime())?;
        Ok(self.timed(self.store.load(&Key::Room(room.clone()))).await?.is_none())
    }

    /// Delivers what another node put into this node's mailbox.
    pub fn receive(&self, message: &[u8]) {
        match serde_json::from_slice(message) {
            Ok(envelope) => self.hand_over(envelope),
            Err(_) => tracing::warn!("another node sent something unreadable; are all nodes of one version?"),
        }
    }

    /// Everything that is counted, in Prometheus' text.
    pub async fn metrics_text(&self) -> String {
        let cells = self.timed(self.store.size()).await.ok();
        self.metrics.text(Levels {
            sockets: self.directory.sockets(),
            members: self.directory.members(),
            cells,
        })
    }

    /// Time since the start, for limits.
    pub fn uptime(&self) -> Moment {
        Moment::default() + self.started.elapsed()
    }

    /// The servers' common time: the wall clock, which only tickets, TURN and absences of minutes depend on.
    fn now(&self) -> Moment {
        Moment::default() + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)
    }

    async fn create(
        &self,
        client: &Client,
        name: Option<RoomId>,
        ticket: Option<Ticket>,
    ) -> Result<(), Refused> {
        self.require_nowhere(client)?;
        if let Some(ticket) = ticket {
            let claims = self.checked(client, &ticket)?;
            if !claims.is_owner() || name.is_some_and(|name| name != claims.room) {
                return Err(Refusal::TicketInvalid.into());
            }
            return self.host(client, claims.room, claims.member, true).await;
        }
        self.limits.creates.take(client.source, self.uptime())?;
        let host = PeerId::random(&mut rand::rng());
        if let Some(name) = name {
            return self.host(client, name, host, false).await;
        }
        let digits = digits_for(self.timed(self.store.size()).await?);
        for _ in 0..DRAWS {
            match self.host(client, random_room(digits)?, host, false).await {
                Err(Refused { code: Refusal::RoomTaken, .. }) => {}
                result => return result,
            }
        }
        Err(Refusal::StoreFull.into())
    }

    /// Makes the room, or takes it again when the caller proved to be its `owner`.
    async fn host(&self, client: &Client, room: RoomId, host: PeerId, owner: bool) -> Result<(), Refused> {
        let position = Position { room, member: host, host, role: Role::Host };
        let place = self.place(client);
        let state = self
            .settle(client, position.clone(), |room, _| match room {
                Some(room) if !owner || room.host() != host => Err(Refusal::RoomTaken),
                room => entered(room.unwrap_or_else(|| Room::new(host)), host, place),
            })
            .await?;
        self.metrics.creates.inc();
        let created = ServerMessage::Created {
            member: host,
            room: position.room.clone(),
            ticket: self.ticket(&position)?,
            ice: self.ice.servers(host, self.now()),
        };
        let members = state.others(host).into_iter().map(|member| ServerMessage::MemberJoined { member });
        let knocks = state.waiting().map(|member| ServerMessage::Knock { member });
        client
            .outbox
            .release([created].into_iter().chain(members).chain(knocks).map(|message| text(&message)));
        Ok(())
    }

    async fn rejoin(&self, client: &Client, room: RoomId, ticket: &Ticket) -> Result<(), Refused> {
        self.require_nowhere(client)?;
        let claims = self.checked(client, ticket)?;
        if claims.room != room {
            return Err(Refusal::TicketInvalid.into());
        }
        let role = if claims.is_owner() { Role::Host } else { Role::Guest };
        let position = Position { room, member: claims.member, host: claims.host, role };
        let place = self.place(client);
        let state = self
            .settle(client, position.clone(), |room, _| match room {
                Some(room) if room.host() != claims.host => Err(Refusal::TicketInvalid),
                room => entered(room.unwrap_or_else(|| Room::restored(claims.host)), claims.member, place),
            })
            .await?;
        self.metrics.joins.inc();
        client.outbox.release([text(&self.joined(&position, &state)?)]);
        Ok(())
    }

    async fn knock(&self, client: &Client, room: RoomId) -> Result<(), Refused> {
        self.require_nowhere(client)?;
        self.limits.misses.check(client.source, self.uptime())?;
        self.limits.joins.take(client.source, self.uptime())?;
        let member = PeerId::random(&mut rand::rng());
        let place = self.place(client);
        let mut position = Position { room, member, host: member, role: Role::Knocker };
        let settled = self
            .settle(client, position.clone(), |room, now| {
                let mut room = room.ok_or(Refusal::RoomUnknown)?;
                let notices = room.knock(member, place, now)?;
                Ok((room, notices))
            })
            .await;
        if matches!(settled, Err(Refused { code: Refusal::RoomUnknown, .. })) {
            self.limits.misses.take(client.source, self.uptime())?;
        }
        let state = settled?;
        self.metrics.knocks.inc();
        position.host = state.host();
        let knocking = ServerMessage::Knocking {
            member,
            room: position.room.clone(),
            host: position.host,
            ice: self.ice.servers(member, self.now()),
        };
        client.outbox.release([text(&knocking)]);
        Ok(())
    }

    async fn leave(&self, client: &Client) -> Result<(), Refused> {
        let position = self.position(client)?;
        self.directory.place(client.socket, None);
        let place = self.place(client);
        self.change_known(&position.room, |room, _| room.leave(position.member, place)).await
    }

    /// The receiver is on another node, or nowhere.
    async fn relay_elsewhere(
        &self,
        position: &Position,
        to: PeerId,
        message: ServerMessage,
    ) -> Result<(), Refused> {
        let cell = self.timed(self.store.load(&Key::Room(position.room.clone()))).await?;
        let room = cell.and_then(|cell| decode(&cell.value)).ok_or(Refusal::PeerUnknown)?;
        let place = room.route(position.member, to)?;
        let envelope = Envelope { socket: place.socket, member: to, effect: Effect::Tell, message };
        if self.send(place.node, envelope).await {
            return Ok(());
        }
        // Nobody reads that node's mailbox: looking at the room again finds its members lost and tells the others.
        self.change_known(&position.room, |_, _| Vec::new()).await?;
        Err(Refusal::PeerUnknown.into())
    }

    /// Gives the client a place in a room by `rule`. On success what is pushed to it is held back until the
    /// caller has released its answer.
    async fn settle(
        &self,
        client: &Client,
        position: Position,
        rule: impl Fn(Option<Room>, Moment) -> Result<(Room, Vec<Notice>), Refusal>,
    ) -> Result<Room, Refused> {
        let room = position.room.clone();
        client.outbox.hold();
        self.directory.place(client.socket, Some(position));
        let result = self.change(&room, rule).await;
        if result.is_err() {
            self.directory.place(client.socket, None);
            client.outbox.forget_held();
        }
        result
    }

    /// Changes the room in which the client is a member, putting the client back first if the store forgot it.
    async fn change_as(
        &self,
        client: &Client,
        rule: impl Fn(&mut Room, &Position) -> Result<Vec<Notice>, Refusal>,
    ) -> Result<(), Refused> {
        let position = self.position(client)?;
        let (member, place) = (position.member, self.place(client));
        let change = self.change(&position.room, |room, _| {
            let mut notices = Vec::new();
            let mut room = match room {
                Some(room) => room,
                None if position.role == Role::Knocker => return Err(Refusal::RoomUnknown),
                None => Room::restored(position.host),
            };
            match room.place_of(member) {
                Some(current) if current != place => return Err(Refusal::Replaced),
                None if position.role != Role::Knocker && room.host() == position.host => {
                    notices = room.enter(member, place)?;
                }
                _ => {}
            }
            notices.extend(rule(&mut room, &position)?);
            Ok((room, notices))
        });
        change.await.map(drop)
    }

    /// Changes a room if it exists.
    async fn change_known(
        &self,
        room: &RoomId,
        rule: impl Fn(&mut Room, Moment) -> Vec<Notice>,
    ) -> Result<(), Refused> {
        let change = self.change(room, |room, now| {
            let mut room = room.ok_or(Refusal::RoomUnknown)?;
            let notices = rule(&mut room, now);
            Ok((room, notices))
        });
        match change.await {
            Ok(_) | Err(Refused { code: Refusal::RoomUnknown, .. }) => Ok(()),
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
            let now = self.now();
            let mut room = before.clone();
            let mut notices = Vec::new();
            if let Some(room) = &mut room {
                let dead = self.dead_nodes(room).await?;
                notices = room.tidy(now, |node| !dead.contains(&node));
            }
            let (room, more) = rule(room, now)?;
            notices.extend(more);
            let saved = if before.as_ref() == Some(&room) {
                self.timed(self.store.touch(&key, room.ttl())).await?
            } else {
                let value = serde_json::to_vec(&room).map_err(|_| Refusal::StoreUnavailable)?;
                self.timed(self.store.swap(&key, version, &value, room.ttl())).await?
            };
            if saved {
                self.notify(id, &room, notices).await;
                return Ok(room);
            }
        }
        tracing::warn!("a room changed too often to be changed once more");
        Err(Refusal::StoreUnavailable.into())
    }

    async fn dead_nodes(&self, room: &Room) -> Result<Vec<NodeId>, StoreError> {
        let mut others: Vec<_> = room.nodes().filter(|node| *node != self.node).collect();
        others.sort_unstable_by_key(|node| node.0);
        others.dedup();
        let mut dead = Vec::new();
        for node in others {
            if self.timed(self.store.load(&Key::Node(node))).await?.is_none() {
                dead.push(node);
            }
        }
        Ok(dead)
    }

    async fn notify(&self, id: &RoomId, room: &Room, notices: Vec<Notice>) {
        for Notice { member, place, what } in notices {
            let (effect, message) = match what {
                What::Tell(message) => (Effect::Tell, message),
                What::Dismissed(code) => (Effect::Dismiss, Refused::from(code).into()),
                What::Admitted => {
                    let position =
                        Position { room: id.clone(), member, host: room.host(), role: Role::Guest };
                    let Ok(joined) = self.joined(&position, room) else { continue };
                    (Effect::Admit, joined)
                }
            };
            self.send(place.node, Envelope { socket: place.socket, member, effect, message }).await;
        }
    }

    /// Delivers to a socket of this or another node; false when that node is certainly gone.
    async fn send(&self, node: NodeId, envelope: Envelope) -> bool {
        if node == self.node {
            self.hand_over(envelope);
            return true;
        }
        let Ok(message) = serde_json::to_vec(&envelope) else { return false };
        self.timed(self.store.publish(node, &message)).await.unwrap_or(true)
    }

    fn hand_over(&self, Envelope { socket, member, effect, message }: Envelope) {
        match effect {
            Effect::Tell => self.directory.tell(socket, member, &message),
            Effect::Admit => self.directory.admit(socket, member, &message),
            Effect::Dismiss => self.directory.dismiss(socket, member, &message),
        }
    }

    fn joined(&self, position: &Position, room: &Room) -> Result<ServerMessage, Refused> {
        Ok(ServerMessage::Joined {
            member: position.member,
            room: position.room.clone(),
            host: position.host,
            members: room.others(position.member),
            ticket: self.ticket(position)?,
            ice: self.ice.servers(position.member, self.now()),
        })
    }

    fn ticket(&self, position: &Position) -> Result<Ticket, Refused> {
        let ticket = self.tickets.issue(&position.room, position.member, position.host, self.now());
        ticket.ok_or_else(|| Refusal::TicketInvalid.into())
    }

    /// What a ticket proves; a wrong one counts as an attempt to join.
    fn checked(&self, client: &Client, ticket: &Ticket) -> Result<Claims, Refused> {
        if let Some(claims) = self.tickets.check(ticket, self.now()) {
            return Ok(claims);
        }
        self.limits.joins.take(client.source, self.uptime())?;
        Err(Refusal::TicketInvalid.into())
    }

    fn position(&self, client: &Client) -> Result<Position, Refused> {
        self.directory.position(client.socket).ok_or_else(|| Refusal::NotMember.into())
    }

    fn require_nowhere(&self, client: &Client) -> Result<(), Refused> {
        match self.directory.position(client.socket) {
            Some(_) => Err(Refusal::OutOfPlace.into()),
            None => Ok(()),
        }
    }

    fn place(&self, client: &Client) -> Place {
        Place { node: self.node, socket: client.socket }
    }

    async fn timed<T>(&self, request: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let start = Instant::now();
        let result = request.await;
        self.metrics.store_took(start.elapsed());
        if result.is_err() {
            self.metrics.store_errors.inc();
        }
        result
    }
}

fn entered(mut room: Room, member: PeerId, place: Place) -> Result<(Room, Vec<Notice>), Refusal> {
    let notices = room.enter(member, place)?;
    Ok((room, notices))
}

/// A record of another version is as good as none: its members come back with their tickets.
fn decode(record: &[u8]) -> Option<Room> {
    serde_json::from_slice(record).ok()
}

fn random_room(digits: u32) -> Result<RoomId, Refused> {
    let number = rand::random_range(0..10_u64.pow(digits));
    format!("{number:0width$}", width = digits as usize).parse().map_err(|_| Refusal::StoreFull.into())
}
