//! Links between devices: descriptions with real fingerprints, ordered reliable lanes, drained as they deliver.
//! Data frames take the lanes in use in turn.

mod breaking;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::Bytes;
use privydrop_common::sdp::{Candidate, Sdp};
use privydrop_common::session::LinkId;
use privydrop_common::signaling::IceServer;
use privydrop_common::time::Moment;
use privydrop_common::transport::{
    Closed, HIGH_WATER, Happened, LOW_WATER, Lane, LaneNews, LaneStep, Path, Route, Step,
};
use rand_core::Rng;

use privydrop_common::wire::Control;

use super::{Delivery, DeviceId, World};

type End = (DeviceId, LinkId);

pub struct Wires {
    ends: HashMap<End, Wire>,
    /// Longest frame that links to come take, in bytes.
    pub max_frame: usize,
    /// The servers that a device's transports were told to use last.
    pub servers: BTreeMap<DeviceId, Vec<IceServer>>,
    /// Ends that were restarted and found each other again.
    pub restarts: u32,
    /// While true nothing gets through and new links find no path.
    pub cut: bool,
    /// What is begun while it is cut never comes to anything: it found no relay.
    pub relayed: bool,
    /// Bytes that crossed data lanes.
    pub carried: u64,
    /// The last fetch that anybody sent.
    pub last_transfer: Option<u32>,
    /// Listings that were sent, and refusals of what was asked for.
    pub answers: Vec<Control>,
    /// Bytes that crossed each data lane.
    pub carried_by: BTreeMap<u8, u64>,
    /// Further lanes that were offered.
    pub offered: u32,
    /// Further lanes never open.
    pub deaf_lanes: bool,
    /// How much longer a further lane takes to open, in milliseconds.
    pub lane_delay: u64,
    /// How much later frames arrive on each lane than on the one before it, in milliseconds.
    pub lane_spread: u64,
    /// What is delivered in the place of the next first frame on a control lane.
    pub bind_with: Option<(Lane, Bytes)>,
}

/// What a transport tells of its path, late.
#[derive(Debug, Clone, Copy)]
pub enum PathNews {
    Silent,
    Dead,
    Restored,
    /// What was held up is sent again.
    Flow,
}

#[derive(Default)]
struct Wire {
    local: Option<String>,
    remote: Option<String>,
    /// The answer was taken: both ends look for each other.
    accepted: bool,
    path: Way,
    other: Option<End>,
    /// The other end went without a word.
    gone: bool,
    broken_since: Option<Moment>,
    told_silent: bool,
    /// How often the path broke or came back.
    change: u32,
    /// What waits on the data lanes, and on the control lane.
    stuck: [Vec<Bytes>; 2],
    waiting: HashMap<Lane, usize>,
    since_drained: HashMap<Lane, usize>,
    further: BTreeMap<u8, Further>,
    turn: usize,
}

/// Which address of the device a connection was described with last, and which it uses.
#[derive(Default, Clone, Copy)]
struct Way {
    described: u32,
    used: u32,
}

/// One end of a further lane.
#[derive(Default)]
struct Further {
    local: Option<String>,
    remote: Option<String>,
    path: Way,
    open: bool,
    used: bool,
}

impl Default for Wires {
    fn default() -> Self {
        Self {
            ends: HashMap::new(),
            max_frame: 256 * 1024,
            servers: BTreeMap::new(),
            restarts: 0,
            cut: false,
            relayed: false,
            carried: 0,
            last_transfer: None,
            answers: Vec::new(),
            carried_by: BTreeMap::new(),
            offered: 0,
            deaf_lanes: false,
            lane_delay: 0,
            lane_spread: 0,
            bind_with: None,
        }
    }
}

impl Wires {
    pub fn connect(&mut self, device: DeviceId, link: LinkId) {
        self.ends.insert((device, link), Wire::default());
    }

    pub fn negotiate(world: &mut World, device: DeviceId, link: LinkId, step: Step) {
        let end = (device, link);
        if !world.wires.ends.contains_key(&end) {
            // It is over, and the session is told in a moment.
            return;
        }
        match step {
            Step::Offer => Self::describe(world, end),
            Step::Answer(offer) => {
                world.wires.ends.get_mut(&end).expect("a transport").remote = Some(offer.as_str().to_owned());
                Self::describe(world, end);
            }
            Step::Accept(answer) => {
                let wire = world.wires.ends.get_mut(&end).expect("a transport");
                wire.remote = Some(answer.as_str().to_owned());
                wire.accepted = wire.other.is_some() || !(world.wires.cut && world.wires.relayed);
                Self::join(world, end);
            }
            Step::Candidate(_) => {}
            Step::IceServers(servers) => _ = world.wires.servers.insert(device, servers),
            Step::Lane(number, step) => Self::negotiate_lane(world, end, number, step),
        }
    }

    fn negotiate_lane(world: &mut World, end: End, number: u8, step: LaneStep) {
        // The other end closed it already.
        let Some(Wire { further, .. }) = world.wires.ends.get_mut(&end) else { return };
        match step {
            LaneStep::Offer if further.contains_key(&number) => Self::describe_lane(world, end, number),
            LaneStep::Answer(offer) if further.contains_key(&number) => {
                further.get_mut(&number).expect("a lane").remote = Some(offer.as_str().to_owned());
                Self::describe_lane(world, end, number);
            }
            LaneStep::Offer => {
                assert!(further.insert(number, Further::default()).is_none(), "each lane is made once");
                world.wires.offered += 1;
                Self::describe_lane(world, end, number);
            }
            LaneStep::Answer(offer) => {
                let remote = Some(offer.as_str().to_owned());
                let made = further.insert(number, Further { remote, ..Further::default() });
                assert!(made.is_none(), "each lane is made once");
                Self::describe_lane(world, end, number);
            }
            LaneStep::Accept(answer) => {
                let lane = further.get_mut(&number).expect("an offered lane");
                lane.remote = Some(answer.as_str().to_owned());
                Self::join_lane(world, end, number);
            }
            LaneStep::Use => {
                further.get_mut(&number).filter(|lane| lane.open).expect("an open lane").used = true
            }
            LaneStep::Forget => _ = further.remove(&number),
            LaneStep::Candidate(_) => {}
        }
    }

    /// One lane keeps its order: each frame arrives a fixed delay after the one before it left.
    pub fn send(world: &mut World, device: DeviceId, link: LinkId, lane: Lane, frame: Bytes) {
        let (lane, frame) = world.wires.bind_with.take().unwrap_or((lane, frame));
        let Some(wire) = world.wires.ends.get_mut(&(device, link)) else { return };
        if wire.other.is_none() {
            return;
        }
        *wire.waiting.entry(lane).or_default() += frame.len();
        *wire.since_drained.entry(lane).or_default() += frame.len();
        let length = frame.len();
        match Control::decode(&frame).ok().filter(|_| lane == Lane::Control) {
            Some(Control::Fetch { transfer, .. }) => world.wires.last_transfer = Some(transfer.0),
            Some(
                answer @ (Control::Refuse { .. } | Control::RefuseList { .. } | Control::Entries { .. }),
            ) => world.wires.answers.push(answer),
            _ => {}
        }
        if lane == Lane::Data {
            assert!(
                wire.waiting[&lane] <= LOW_WATER + HIGH_WATER + length,
                "the session respects the high mark"
            );
            world.wires.carried += length as u64;
        }
        let passes = Self::passes(world, (device, link), lane == Lane::Data);
        let wire = world.wires.ends.get_mut(&(device, link)).expect("a transport");
        let further = wire.further.values().any(|lane| lane.used);
        // What was lost on a connection is sent again before anything new is, on either of its channels.
        let behind = wire.stuck.iter().any(|stuck| !further && !stuck.is_empty());
        let stuck = &mut wire.stuck[usize::from(lane == Lane::Control)];
        if behind || !stuck.is_empty() || !passes {
            return stuck.push(frame);
        }
        Self::carry(world, (device, link), lane, frame);
    }

    fn carry(world: &mut World, (device, link): End, lane: Lane, frame: Bytes) {
        let length = frame.len();
        let Some((other, other_link)) = world.wires.ends[&(device, link)].other else { return };
        let number = if lane == Lane::Data { Self::next_lane(world, (device, link), length) } else { 0 };
        let behind = u64::from(number) * world.wires.lane_spread;
        let delay = Duration::from_millis(world.weather.link_delay + behind);
        world.later(other, delay, Delivery::Happened(other_link, Happened::Frame(lane, frame)));
        world.later(device, delay, Delivery::Sent(link, lane, length));
    }

    /// The lane for the next data frame: those in use take turns.
    fn next_lane(world: &mut World, end: End, length: usize) -> u8 {
        let wire = world.wires.ends.get_mut(&end).expect("a transport");
        let used = wire.further.iter().filter(|(_, lane)| lane.used).map(|(number, _)| *number);
        let lanes: Vec<u8> = [0].into_iter().chain(used).collect();
        wire.turn = (wire.turn + 1) % lanes.len();
        let (number, other) = (lanes[wire.turn], wire.other);
        if let Some(there) = other.and_then(|other| world.wires.ends.get(&other)).filter(|_| number > 0) {
            assert!(there.further.get(&number).is_some_and(|lane| lane.open), "frames go to open lanes only");
        }
        *world.wires.carried_by.entry(number).or_default() += length as u64;
        number
    }

    pub fn sent(world: &mut World, device: DeviceId, link: LinkId, lane: Lane, length: usize) {
        let Some(wire) = world.wires.ends.get_mut(&(device, link)) else { return };
        let waiting = wire.waiting.entry(lane).or_default();
        *waiting -= length;
        let since = wire.since_drained.entry(lane).or_default();
        if *since >= HIGH_WATER && *waiting <= LOW_WATER {
            *since = 0;
            world.later(device, Duration::ZERO, Delivery::Happened(link, Happened::Drained(lane)));
        }
    }

    pub fn close(world: &mut World, device: DeviceId, link: LinkId) {
        let passes = Self::passes(world, (device, link), false);
        let wire = world.wires.ends.remove(&(device, link));
        if passes
            && let Some((other, other_link)) = wire.and_then(|wire| wire.other)
            && world.wires.ends.remove(&(other, other_link)).is_some()
        {
            let delay = Duration::from_millis(world.weather.link_delay + 1);
            world.later(other, delay, Delivery::Happened(other_link, Happened::Closed(Closed::ByPeer)));
        }
        Self::look(world);
    }

    /// The link of a device that has one.
    pub fn link_of(&self, device: DeviceId) -> LinkId {
        self.ends.keys().find(|(of, _)| *of == device).map(|(_, link)| *link).expect("a link")
    }

    fn describe(world: &mut World, end: End) {
        let address = world.devices[end.0].address;
        let before = world.wires.ends[&end].local.clone();
        let (text, sdp) = Self::description(world, before);
        let wire = world.wires.ends.get_mut(&end).expect("a transport");
        wire.local = Some(text);
        wire.path.described = address;
        Self::tell(world, end, Happened::Described(sdp), Happened::Candidate);
    }

    fn describe_lane(world: &mut World, end: End, number: u8) {
        let address = world.devices[end.0].address;
        let before = world.wires.ends[&end].further[&number].local.clone();
        let (text, sdp) = Self::description(world, before);
        let further = &mut world.wires.ends.get_mut(&end).expect("a transport").further;
        let lane = further.get_mut(&number).expect("a lane");
        lane.local = Some(text);
        lane.path.described = address;
        let described = Happened::Lane(number, LaneNews::Described(sdp));
        let candidate = |candidate| Happened::Lane(number, LaneNews::Candidate(candidate));
        Self::tell(world, end, described, candidate);
    }

    /// A new description, with the certificate of the one before.
    fn description(world: &mut World, before: Option<String>) -> (String, Sdp) {
        let mut fingerprint = [0; 32];
        world.rng.fill_bytes(&mut fingerprint);
        if let Some(before) = before {
            fingerprint = Sdp::parse(&before).expect("a valid description").fingerprint().0;
        }
        let secret = world.rng.next_u32();
        let text = sdp_with(&fingerprint).replace("ice-ufrag:abcd", &format!("ice-ufrag:{secret:08x}"));
        let sdp = Sdp::parse(&text).expect("a valid description");
        (text, sdp)
    }

    fn tell(world: &mut World, end: End, described: Happened, happened: impl Fn(Candidate) -> Happened) {
        let delay = world.delay();
        world.later(end.0, delay, Delivery::Happened(end.1, described));
        for number in 0..3 {
            let text = format!("candidate:{number} 1 udp 2113937151 192.0.2.{number} 50000 typ host");
            let candidate = Candidate::new(text, Some("0".into()), Some(0)).expect("a valid candidate");
            let delay = delay + world.delay();
            world.later(end.0, delay, Delivery::Happened(end.1, happened(candidate)));
        }
    }

    /// The link of a device tells a round trip.
    pub fn measure(world: &mut World, device: DeviceId, rtt_ms: u32) {
        let end = (device, world.wires.link_of(device));
        let path = Path { route: Route::Direct, rtt_ms: Some(rtt_ms) };
        let delay = Duration::from_millis(world.weather.link_delay);
        world.later(end.0, delay, Delivery::Happened(end.1, Happened::Path(path)));
    }

    /// Connects the two ends of a further lane, if their descriptions name each other.
    fn join_lane(world: &mut World, end: End, number: u8) {
        let Some(other) = world.wires.ends[&end].other.filter(|_| !world.wires.deaf_lanes) else { return };
        let lane = |end: &End| world.wires.ends.get(end)?.further.get(&number);
        let (Some(here), Some(there)) = (lane(&end), lane(&other)) else { return };
        if here.local != there.remote || here.remote != there.local {
            return;
        }
        for end in [end, other] {
            let further = &mut world.wires.ends.get_mut(&end).expect("a transport").further;
            let lane = further.get_mut(&number).expect("a lane");
            lane.path.used = lane.path.described;
            if std::mem::replace(&mut lane.open, true) {
                continue;
            }
            let delay = Duration::from_millis(world.weather.link_delay + world.wires.lane_delay);
            let open = Happened::Lane(number, LaneNews::Open);
            world.later(end.0, delay, Delivery::Happened(end.1, open));
        }
        Self::look(world);
    }

    /// Connects the two ends whose descriptions name each other; others find no path, as DTLS has it.
    fn join(world: &mut World, end: End) {
        let wire = &world.wires.ends[&end];
        let (local, remote) = (wire.local.clone(), wire.remote.clone());
        let other = world.wires.ends.iter().find(|(_, wire)| wire.local == remote && wire.remote == local);
        let Some(other) = other.map(|(end, _)| *end).filter(|_| !world.wires.cut) else { return };
        if [end, other].iter().any(|(device, _)| world.devices[*device].away) {
            return;
        }
        for (end, other) in [(end, other), (other, end)] {
            let wire = world.wires.ends.get_mut(&end).expect("a transport");
            wire.path.used = wire.path.described;
            if wire.other.replace(other).is_some() {
                world.wires.restarts += 1;
                continue;
            }
            let delay = Duration::from_millis(world.weather.link_delay);
            world.later(
                end.0,
                delay,
                Delivery::Happened(end.1, Happened::Open { max_frame: world.wires.max_frame }),
            );
        }
        Self::look(world);
    }
}

/// A description as browsers make it, with this fingerprint.
pub fn sdp_with(fingerprint: &[u8; 32]) -> String {
    let hex: Vec<String> = fingerprint.iter().map(|byte| format!("{byte:02X}")).collect();
    format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
         m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n\
         a=ice-pwd:0123456789abcdef01234567\r\na=fingerprint:sha-256 {}\r\na=setup:actpass\r\na=mid:0\r\n\
         a=sctp-port:5000\r\na=max-message-size:262144\r\n",
        hex.join(":")
    )
}
