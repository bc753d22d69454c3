//! What a client may ask, one function for each request: limits, tickets, the rule to apply, the answer.
//!
//! Rooms change only through [`Service::change`]; nothing here touches the store's records.

use bytestring::ByteString;
use privydrop_common::id::{PeerId, RoomId};
use privydrop_common::signaling::{ClientMessage, MAX_KNOCKERS, Refusal, ServerMessage, Ticket};
use privydrop_common::time::Moment;

use super::{Client, Clock, Effect, Envelope, Service, decode};
use crate::directory::{Position, Role, relay_text, text};
use crate::limits::Source;
use crate::refusal::Refused;
use crate::rooms::{Notice, Place, Room, digits_for};
use crate::store::Key;
use crate::ticket::Claims;

/// Of the places at a door, those that one address may have through a node: else it would keep everybody else out.
const AT_A_DOOR: usize = MAX_KNOCKERS / 2;
/// Ids drawn for a new room before giving up; nine of ten are free by [`digits_for`].
const DRAWS: usize = 32;

impl Service {
    /// Does what a client asks. A refusal is the caller's to send.
    pub async fn handle(&self, client: &Client, message: ClientMessage) -> Result<(), Refused> {
        match message {
            ClientMessage::Hello { .. } => Err(Refusal::OutOfPlace.into()),
            ClientMessage::Create { name, ticket } => self.create(client, name, ticket).await,
            ClientMessage::Join { room, ticket: Some(ticket) } => self.rejoin(client, room, &ticket).await,
            ClientMessage::Join { room, ticket: None } => self.knock(client, room).await,
            ClientMessage::Admit { member } => self.admit(client.socket, member).await,
            ClientMessage::Sharing { on } => {
                self.change_as(client.socket, |room, position, _| room.share(position.member, on)).await?;
                Ok(())
            }
            ClientMessage::Ice => {
                let position = self.position(client.socket)?;
                if position.role == Role::Knocker {
                    return Err(Refusal::NotMember.into());
                }
                let ice = self.ice_for(client.socket);
                client.outbox.push(text(&ServerMessage::Ice { ice }));
                Ok(())
            }
            ClientMessage::Leave => self.leave(client).await,
            ClientMessage::Relay { to, seq, body } => {
                let position = self.position(client.socket)?;
                self.allow_relay(client, body.as_str().len()).await?;
                self.metrics.relays.inc();
                self.metrics.relayed_bytes.inc_by(body.as_str().len() as u64);
                let frame = || relay_text(position.member, seq, &body);
                if self.directory.relay(&position, to, frame) {
                    return Ok(());
                }
                self.relay_elsewhere(client.socket, &position, to, frame()).await
            }
        }
    }

    /// Whether a room name is free. Costs the asker one miss, whatever the answer.
    pub async fn is_free(&self, source: Source, room: &RoomId) -> Result<bool, Refused> {
        self.allow(source, &self.limits.misses).await?;
        Ok(!self.comes_back(room).await?)
    }

    async fn create(
        &self,
        client: &Client,
        name: Option<RoomId>,
        ticket: Option<Ticket>,
    ) -> Result<(), Refused> {
        self.require_nowhere(client)?;
        if let Some(ticket) = ticket {
            let claims = self.checked(client, &ticket).await?;
            if !claims.is_owner() || name.is_some_and(|name| name != claims.room) {
                return Err(Refusal::TicketInvalid.into());
            }
            return self.host(client, claims.room, claims.member, true).await;
        }
        let host = PeerId::random(&mut rand::rng());
        if let Some(name) = name {
            let guess = self.allow_guess(client.source, &self.limits.creates).await?;
            // A name whose room was only forgotten is not free.
            self.comes_back(&name).await?;
            let made = self.host(client, name, host, false).await;
            if matches!(made, Err(Refused { code: Refusal::RoomTaken, .. })) {
                guess.missed().await?;
            }
            return made;
        }
        self.allow(client.source, &self.limits.creates).await?;
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
        let place = self.place(client.socket);
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
            ice: self.ice_for(client.socket),
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
        let claims = self.checked(client, ticket).await?;
        if claims.room != room {
            return Err(Refusal::TicketInvalid.into());
        }
        let role = if claims.is_owner() { Role::Host } else { Role::Guest };
        let position = Position { room, member: claims.member, host: claims.host, role };
        let place = self.place(client.socket);
        let state = self
            .settle(client, position.clone(), |room, now| match room {
                Some(room) if room.host() != claims.host => Err(Refusal::TicketInvalid),
                room => {
                    entered(room.unwrap_or_else(|| Room::restored(claims.host, now)), claims.member, place)
                }
            })
            .await?;
        self.metrics.joins.inc();
        let joined = self.joined(&position, &state, self.ice_for(client.socket))?;
        let knocks =
            state.waiting().filter(|_| role == Role::Host).map(|member| ServerMessage::Knock { member });
        client.outbox.release([joined].into_iter().chain(knocks).map(|message| text(&message)));
        Ok(())
    }

    async fn knock(&self, client: &Client, room: RoomId) -> Result<(), Refused> {
        self.require_nowhere(client)?;
        let guess = self.allow_guess(client.source, &self.limits.joins).await?;
        let member = PeerId::random(&mut rand::rng());
        let place = self.place(client.socket);
        let mut position = Position { room, member, host: member, role: Role::Knocker };
        let is_beside = |other: &Place| {
            *other != place
                && other.node == place.node
                && self.directory.source(other.socket) == Some(client.source)
        };
        let knock = || {
            self.settle(client, position.clone(), |room, now| {
                let mut room = room.ok_or(Refusal::RoomUnknown)?;
                if room.door().filter(is_beside).count() >= AT_A_DOOR {
                    return Err(Refusal::RoomBusy);
                }
                let notices = room.knock(member, place, now)?;
                Ok((room, notices))
            })
        };
        let is_unknown = |settled: &Result<Room, Refused>| {
            matches!(settled, Err(Refused { code: Refusal::RoomUnknown, .. }))
        };
        let mut settled = knock().await;
        if is_unknown(&settled) {
            guess.missed().await?;
            // What the store only forgot is back in a moment; "no such room" would send the newcomer away for good.
            if self.comes_back(&position.room).await? {
                settled = knock().await;
            }
        }
        let state = settled?;
        self.metrics.knocks.inc();
        position.host = state.host();
        let knocking = ServerMessage::Knocking {
            member,
            room: position.room.clone(),
            host: position.host,
            ice: self.ice_for(client.socket),
        };
        client.outbox.release([text(&knocking)]);
        Ok(())
    }

    async fn leave(&self, client: &Client) -> Result<(), Refused> {
        let position = self.position(client.socket)?;
        self.directory.place(client.socket, None);
        self.depart(client.socket, position, false).await;
        Ok(())
    }

    /// The receiver is on another node, or nowhere.
    async fn relay_elsewhere(
        &self,
        socket: u64,
        position: &Position,
        to: PeerId,
        frame: ByteString,
    ) -> Result<(), Refused> {
        let known = self.routes.get(socket, to);
        let place = match known {
            Some(place) => place,
            None => {
                let cell = self.timed(self.store.load(&Key::Room(position.room.clone()))).await?;
                let room = cell.and_then(|cell| decode(&cell.value)).ok_or(Refusal::PeerUnknown)?;
                room.route(position.member, to)?
            }
        };
        let (socket_there, effect) = (place.socket, Effect::Tell);
        let envelope = Envelope { socket: socket_there, member: to, effect, text: frame, revision: None };
        if place.node != self.node {
            if known.is_none() {
                self.routes.keep(socket, to, place);
            }
            self.post_letter(place.node, &envelope, socket, to).await;
        } else if !self.hand_over(envelope) {
            return self.nobody_there(socket, &position.room, to).await;
        }
        Ok(())
    }

    /// Gives the client a place in a room by `rule`. On success what is pushed to it is held back until the
    /// caller has released its answer.
    async fn settle(
        &self,
        client: &Client,
        position: Position,
        rule: impl Fn(Option<Room>, Moment) -> Result<(Room, Vec<Notice>), Refusal>,
    ) -> Result<Room, Refused> {
        client.outbox.hold();
        self.directory.place(client.socket, Some(position.clone()));
        let result = self.change(&position.room, rule).await;
        if let Err(refused) = &result {
            self.directory.place(client.socket, None);
            client.outbox.forget_held();
            if refused.code == Refusal::StoreUnavailable {
                self.give_up(client.socket, position);
            }
        }
        result
    }

    /// What a ticket proves; a wrong one counts as an attempt to join.
    async fn checked(&self, client: &Client, ticket: &Ticket) -> Result<Claims, Refused> {
        if let Some(claims) = self.tickets.check(ticket, Clock::world()) {
            return Ok(claims);
        }
        self.allow(client.source, &self.limits.joins).await?;
        Err(Refusal::TicketInvalid.into())
    }

    fn require_nowhere(&self, client: &Client) -> Result<(), Refused> {
        match self.directory.position(client.socket) {
            Some(_) => Err(Refusal::OutOfPlace.into()),
            None => Ok(()),
        }
    }
}

fn entered(mut room: Room, member: PeerId, place: Place) -> Result<(Room, Vec<Notice>), Refusal> {
    let notices = room.enter(member, place)?;
    Ok((room, notices))
}

fn random_room(digits: u32) -> Result<RoomId, Refused> {
    let number = rand::random_range(0..10_u64.pow(digits));
    format!("{number:0width$}", width = digits as usize).parse().map_err(|_| Refusal::StoreFull.into())
}
