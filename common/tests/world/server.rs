//! The signaling server's part in a world: rooms in memory, a relay as unkind as the weather. A hostile test
//! replaces what it relays.

use std::collections::BTreeMap;

use privydrop_common::host::{Report, SignalEvent};
use privydrop_common::id::{PeerId, RoomId};
use privydrop_common::signaling::{
    Body, ClientMessage, IceServer, Limits, Member, PROTOCOL, Refusal, ServerMessage, Ticket,
};

use super::{Delivery, Device, DeviceId, World};

/// Messages of one socket: for long, each second, and at once.
const RATE: u32 = 20;
const BURST: u32 = 60;

/// What a hostile server makes of one relayed body: what to deliver, to whom.
pub type Tamper = Box<dyn FnMut(PeerId, PeerId, u32, &Body) -> Vec<(PeerId, PeerId, u32, Body)>>;

#[derive(Default)]
pub struct Server {
    rooms: BTreeMap<RoomId, RoomRecord>,
    seats: BTreeMap<DeviceId, (RoomId, PeerId)>,
    pub tamper: Option<Tamper>,
    /// What members are told of.
    pub ice: Vec<IceServer>,
    /// How often it was asked for that.
    pub asked_for_ice: u32,
    /// Of a version that does not know that question.
    pub is_old: bool,
    /// It takes connections and answers nobody.
    pub mute: bool,
    /// Why it turns away whoever makes a room or comes into one.
    pub refuses: Option<Refusal>,
    /// What its tickets are signed with.
    key: u32,
    /// Letters that it was given.
    pub letters: u64,
    /// Sockets that it closed because they said too much.
    pub cut_off: u32,
    /// Members that a test plays itself: what the server would deliver to them.
    pub heard_by_impostors: Vec<(PeerId, PeerId, u32, Body)>,
}

struct RoomRecord {
    host: PeerId,
    members: BTreeMap<PeerId, bool>,
    knockers: Vec<PeerId>,
}

impl RoomRecord {
    fn new(host: PeerId) -> Self {
        Self { host, members: BTreeMap::new(), knockers: Vec::new() }
    }
}

impl Server {
    /// A device sends on its socket, which keeps order. What is sent into a network that is away is lost, and the socket
    /// with it, though neither end knows.
    pub fn send(world: &mut World, device: DeviceId, text: String) {
        let Device { online, away, deaf_socket, .. } = &mut world.devices[device];
        *deaf_socket |= *away;
        if *online && !*deaf_socket {
            let millisecond = std::time::Duration::from_millis(1);
            world.later(device, millisecond, Delivery::ToServer(text));
        }
    }

    /// The server's program ends and begins again: it forgets every room and closes every socket.
    pub fn restart(world: &mut World) {
        world.server.rooms.clear();
        for device in 0..world.devices.len() {
            world.server.seats.remove(&device);
            if !world.devices[device].away {
                world.report(device, Report::Signal(SignalEvent::Closed));
            }
            world.devices[device].deaf_socket = true;
        }
    }

    /// The same with another key: nobody's ticket is good any more.
    pub fn restart_with_another_key(world: &mut World) {
        world.server.key += 1;
        Self::restart(world);
    }

    pub fn hear(world: &mut World, device: DeviceId, text: &str) {
        if world.server.mute {
            return;
        }
        let message = ClientMessage::parse(text).expect("clients send valid messages");
        if !Self::may_speak(world, device, matches!(message, ClientMessage::Hello { .. })) {
            world.server.cut_off += 1;
            Self::refuse(world, device, Refusal::TooManyMessages);
            world.devices[device].deaf_socket = true;
            return Self::cut(world, device);
        }
        match message {
            ClientMessage::Hello { protocol } => {
                assert_eq!(protocol, PROTOCOL);
                let limits = Limits { frame: 32_768, members: 16, rate: RATE, burst: BURST, ping: 20 };
                Self::tell(
                    world,
                    device,
                    &ServerMessage::Welcome { protocol, server: "test".into(), limits },
                );
            }
            ClientMessage::Create { .. } | ClientMessage::Join { .. } if world.server.refuses.is_some() => {
                let refusal = world.server.refuses.unwrap();
                Self::refuse(world, device, refusal);
            }
            ClientMessage::Create { name, ticket } => Self::create(world, device, name, ticket),
            ClientMessage::Join { room, ticket } => Self::join(world, device, room, ticket),
            ClientMessage::Admit { member } => Self::admit(world, device, member),
            ClientMessage::Relay { to, seq, body } => {
                world.server.letters += 1;
                let Some((_, from)) = world.server.seats.get(&device).cloned() else { return };
                let mut tamper = world.server.tamper.take();
                let letters = match &mut tamper {
                    Some(tamper) => tamper(from, to, seq, &body),
                    None => vec![(from, to, seq, body)],
                };
                world.server.tamper = tamper;
                for (from, to, seq, body) in letters {
                    Self::relay(world, from, to, seq, &body);
                }
            }
            ClientMessage::Sharing { on } => {
                let Some((room, me)) = world.server.seats.get(&device).cloned() else { return };
                if let Some(record) = world.server.rooms.get_mut(&room) {
                    record.members.insert(me, on);
                }
                Self::tell_others(world, &room, me, &ServerMessage::MemberSharing { member: me, on });
            }
            ClientMessage::Ice => {
                world.server.asked_for_ice += 1;
                let known = world.server.seats.contains_key(&device) && !world.server.is_old;
                let ice = world.server.ice.clone();
                match known {
                    true => Self::tell(world, device, &ServerMessage::Ice { ice }),
                    false => Self::refuse(world, device, Refusal::BadMessage),
                }
            }
            ClientMessage::Leave => Self::gone(world, device, false),
        }
    }

    /// Whether this message is within what a socket may say.
    fn may_speak(world: &mut World, device: DeviceId, is_first: bool) -> bool {
        let now = world.now;
        let (spoken, since) = &mut world.devices[device].spoken;
        if is_first {
            (*spoken, *since) = (0, now);
        }
        let each = std::time::Duration::from_secs(1) / RATE;
        while *spoken > 0 && now - *since >= each {
            (*spoken, *since) = (*spoken - 1, *since + each);
        }
        if *spoken == 0 {
            *since = now;
        }
        *spoken += 1;
        *spoken <= BURST
    }

    /// Relays as the weather has it: dropped, repeated, late.
    pub fn relay(world: &mut World, from: PeerId, to: PeerId, seq: u32, body: &Body) {
        let Some(device) = world.server.device_of(to) else {
            world.server.heard_by_impostors.push((from, to, seq, body.clone()));
            return;
        };
        let copies = if world.chance(world.weather.drop) {
            0
        } else {
            1 + u32::from(world.chance(world.weather.repeat))
        };
        for _ in 0..copies {
            let message = ServerMessage::Relay { from, seq, body: body.clone() };
            let delay = world.delay();
            world.later(device, delay, Delivery::FromServer(message.to_text()));
        }
    }

    /// The socket closed, or the device said leave.
    pub fn gone(world: &mut World, device: DeviceId, lost: bool) {
        let Some((room, me)) = world.server.seats.remove(&device) else { return };
        if let Some(record) = world.server.rooms.get_mut(&room) {
            record.members.remove(&me);
            record.knockers.retain(|knocker| *knocker != me);
        }
        Self::tell_others(world, &room, me, &ServerMessage::MemberLeft { member: me, lost });
    }

    /// Cuts a device's socket, as a network does.
    pub fn cut(world: &mut World, device: DeviceId) {
        Self::gone(world, device, true);
        world.report(device, Report::Signal(SignalEvent::Closed));
    }

    pub fn device_of(&self, peer: PeerId) -> Option<DeviceId> {
        self.seats.iter().find(|(_, (_, id))| *id == peer).map(|(device, _)| *device)
    }

    /// Whether the device has a live socket and is in a room.
    pub fn has(&self, device: DeviceId) -> bool {
        self.seats.contains_key(&device)
    }

    pub fn peer_of(&self, device: DeviceId) -> PeerId {
        self.seats[&device].1
    }

    pub fn rooms(&self) -> Vec<RoomId> {
        self.rooms.keys().cloned().collect()
    }

    /// Says to a room's host that somebody knocks who is no device of this world.
    pub fn impostor_knocks(world: &mut World, room: &RoomId) -> (PeerId, PeerId) {
        let impostor = PeerId::random(&mut world.rng);
        let host = world.server.rooms[room].host;
        if let Some(device) = world.server.device_of(host) {
            Self::tell(world, device, &ServerMessage::Knock { member: impostor });
        }
        (impostor, host)
    }

    fn create(world: &mut World, device: DeviceId, name: Option<RoomId>, ticket: Option<Ticket>) {
        let room = name.unwrap_or_else(|| format!("{}", 100_000 + world.server.rooms.len()).parse().unwrap());
        let owner = ticket.as_ref().map(|ticket| world.server.claims_of(ticket, &room));
        if owner == Some(None) {
            return Self::refuse(world, device, Refusal::TicketInvalid);
        }
        let owner = owner.flatten().map(|(me, _)| me);
        if owner.is_none() && world.server.rooms.contains_key(&room) {
            return Self::refuse(world, device, Refusal::RoomTaken);
        }
        let me = owner.unwrap_or_else(|| PeerId::random(&mut world.rng));
        world.server.rooms.entry(room.clone()).or_insert(RoomRecord::new(me));
        Self::seat(world, device, room, me);
    }

    fn join(world: &mut World, device: DeviceId, room: RoomId, ticket: Option<Ticket>) {
        if let Some(ticket) = ticket {
            let Some((me, host)) = world.server.claims_of(&ticket, &room) else {
                return Self::refuse(world, device, Refusal::TicketInvalid);
            };
            // Who holds a ticket makes a room again that was forgotten.
            world.server.rooms.entry(room.clone()).or_insert(RoomRecord::new(host));
            return Self::seat(world, device, room, me);
        }
        let Some(record) = world.server.rooms.get(&room) else {
            return Self::refuse(world, device, Refusal::RoomUnknown);
        };
        let host = record.host;
        let Some(host_device) = world.server.device_of(host) else {
            return Self::refuse(world, device, Refusal::HostAway);
        };
        let me = PeerId::random(&mut world.rng);
        world.server.seats.insert(device, (room.clone(), me));
        if let Some(record) = world.server.rooms.get_mut(&room) {
            record.knockers.push(me);
        }
        Self::tell(world, host_device, &ServerMessage::Knock { member: me });
        let ice = world.server.ice.clone();
        Self::tell(world, device, &ServerMessage::Knocking { member: me, room, host, ice });
    }

    fn admit(world: &mut World, device: DeviceId, member: PeerId) {
        // A server that began anew knows nobody yet.
        let Some((room, me)) = world.server.seats.get(&device).cloned() else {
            return Self::refuse(world, device, Refusal::NotMember);
        };
        let record = &world.server.rooms[&room];
        assert_eq!(record.host, me, "only the host admits");
        if let Some(guest) = world.server.device_of(member) {
            Self::seat(world, guest, room, member);
        }
    }

    fn seat(world: &mut World, device: DeviceId, room: RoomId, me: PeerId) {
        world.server.seats.insert(device, (room.clone(), me));
        let Some(record) = world.server.rooms.get_mut(&room) else { return };
        record.knockers.retain(|knocker| *knocker != me);
        let others = record.members.iter().filter(|(id, _)| **id != me);
        let members = others.map(|(id, sharing)| Member { id: *id, sharing: *sharing }).collect();
        record.members.insert(me, false);
        let host = record.host;
        let ticket = Ticket::new(format!("{}.{room}.{host}.{me}", world.server.key)).unwrap();
        let ice = world.server.ice.clone();
        Self::tell(
            world,
            device,
            &ServerMessage::Joined { member: me, room: room.clone(), host, members, ticket, ice },
        );
        let joined = ServerMessage::MemberJoined { member: Member { id: me, sharing: false } };
        Self::tell_others(world, &room, me, &joined);
    }

    /// Who holds a ticket to this room, and who its host is; nothing when the ticket is not of this server.
    fn claims_of(&self, ticket: &Ticket, room: &RoomId) -> Option<(PeerId, PeerId)> {
        let (rest, member) = ticket.as_str().rsplit_once('.')?;
        let (rest, host) = rest.rsplit_once('.')?;
        (rest == format!("{}.{room}", self.key)).then_some(())?;
        Some((member.parse().ok()?, host.parse().ok()?))
    }

    fn refuse(world: &mut World, device: DeviceId, code: Refusal) {
        Self::tell(world, device, &ServerMessage::Refused { code, text: String::new(), retry_after: None });
    }

    fn tell_others(world: &mut World, room: &RoomId, me: PeerId, message: &ServerMessage) {
        let Some(record) = world.server.rooms.get(room) else { return };
        let others: Vec<PeerId> = record.members.keys().copied().filter(|id| *id != me).collect();
        for other in others {
            if let Some(device) = world.server.device_of(other) {
                Self::tell(world, device, message);
            }
        }
    }

    /// What the server itself says arrives in order.
    fn tell(world: &mut World, device: DeviceId, message: &ServerMessage) {
        world.later(device, std::time::Duration::from_millis(1), Delivery::FromServer(message.to_text()));
    }
}
