//! Links between devices: descriptions with real fingerprints, ordered reliable lanes, drained as they deliver.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use privydrop_common::sdp::{Candidate, Sdp};
use privydrop_common::session::LinkId;
use privydrop_common::transport::{Closed, HIGH_WATER, Happened, LOW_WATER, Lane, Step};
use rand_core::Rng;

use privydrop_common::wire::Control;

use super::{Delivery, DeviceId, World};

type End = (DeviceId, LinkId);

#[derive(Default)]
pub struct Wires {
    ends: HashMap<End, Wire>,
    /// While true nothing gets through and new links find no path.
    pub cut: bool,
    /// Bytes that crossed data lanes.
    pub carried: u64,
    /// The last fetch that anybody sent.
    pub last_transfer: Option<u32>,
    /// What is delivered in the place of the next first frame on a control lane.
    pub bind_with: Option<(Lane, Bytes)>,
}

#[derive(Default)]
struct Wire {
    local: Option<String>,
    remote: Option<String>,
    other: Option<End>,
    waiting: HashMap<Lane, usize>,
    since_drained: HashMap<Lane, usize>,
}

impl Wires {
    pub fn connect(&mut self, device: DeviceId, link: LinkId) {
        self.ends.insert((device, link), Wire::default());
    }

    pub fn negotiate(world: &mut World, device: DeviceId, link: LinkId, step: Step) {
        let end = (device, link);
        match step {
            Step::Offer => Self::describe(world, end),
            Step::Answer(offer) => {
                world.wires.ends.get_mut(&end).expect("a transport").remote = Some(offer.as_str().to_owned());
                Self::describe(world, end);
            }
            Step::Accept(answer) => {
                world.wires.ends.get_mut(&end).expect("a transport").remote =
                    Some(answer.as_str().to_owned());
                Self::join(world, end);
            }
            Step::Candidate(_) | Step::IceServers(_) => {}
        }
    }

    /// One lane keeps its order: each frame arrives a fixed delay after the one before it left.
    pub fn send(world: &mut World, device: DeviceId, link: LinkId, lane: Lane, frame: Bytes) {
        let (lane, frame) = world.wires.bind_with.take().unwrap_or((lane, frame));
        let Some(wire) = world.wires.ends.get_mut(&(device, link)) else { return };
        let Some((other, other_link)) = wire.other else { return };
        *wire.waiting.entry(lane).or_default() += frame.len();
        *wire.since_drained.entry(lane).or_default() += frame.len();
        let length = frame.len();
        if let (Lane::Control, Ok(Control::Fetch { transfer, .. })) = (lane, Control::decode(&frame)) {
            world.wires.last_transfer = Some(transfer.0);
        }
        if lane == Lane::Data {
            assert!(
                wire.waiting[&lane] <= LOW_WATER + HIGH_WATER + length,
                "the session respects the high mark"
            );
            world.wires.carried += length as u64;
        }
        if world.wires.cut {
            return;
        }
        let delay = Duration::from_millis(world.weather.link_delay);
        world.later(other, delay, Delivery::Happened(other_link, Happened::Frame(lane, frame)));
        world.later(device, delay, Delivery::Sent(link, lane, length));
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
        let wire = world.wires.ends.remove(&(device, link));
        if let Some((other, other_link)) = wire.and_then(|wire| wire.other)
            && world.wires.ends.remove(&(other, other_link)).is_some()
        {
            let delay = Duration::from_millis(world.weather.link_delay + 1);
            world.later(other, delay, Delivery::Happened(other_link, Happened::Closed(Closed::ByPeer)));
        }
    }

    /// The link of a device that has one.
    pub fn link_of(&self, device: DeviceId) -> LinkId {
        self.ends.keys().find(|(of, _)| *of == device).map(|(_, link)| *link).expect("a link")
    }

    /// Every link breaks, on both ends.
    pub fn break_all(world: &mut World) {
        let ends: Vec<End> = world.wires.ends.keys().copied().collect();
        world.wires.ends.clear();
        let mut ends = ends;
        ends.sort_unstable();
        for (device, link) in ends {
            world.later(device, Duration::ZERO, Delivery::Happened(link, Happened::Closed(Closed::NoPath)));
        }
    }

    fn describe(world: &mut World, end: End) {
        let mut fingerprint = [0; 32];
        world.rng.fill_bytes(&mut fingerprint);
        let text = sdp_with(&fingerprint);
        let wire = world.wires.ends.get_mut(&end).expect("a transport");
        wire.local = Some(text.clone());
        let sdp = Sdp::parse(&text).expect("a valid description");
        let delay = world.delay();
        world.later(end.0, delay, Delivery::Happened(end.1, Happened::Described(sdp)));
        for number in 0..3 {
            let text = format!("candidate:{number} 1 udp 2113937151 192.0.2.{number} 50000 typ host");
            let candidate = Candidate::new(text, Some("0".into()), Some(0)).expect("a valid candidate");
            let delay = delay + world.delay();
            world.later(end.0, delay, Delivery::Happened(end.1, Happened::Candidate(candidate)));
        }
    }

    /// Connects the two ends whose descriptions name each other; others find no path, as DTLS has it.
    fn join(world: &mut World, end: End) {
        let wire = &world.wires.ends[&end];
        let (local, remote) = (wire.local.clone(), wire.remote.clone());
        let other = world.wires.ends.iter().find(|(_, wire)| wire.local == remote && wire.remote == local);
        let Some(other) = other.map(|(end, _)| *end).filter(|_| !world.wires.cut) else { return };
        for (end, other) in [(end, other), (other, end)] {
            world.wires.ends.get_mut(&end).expect("a transport").other = Some(other);
            let delay = Duration::from_millis(world.weather.link_delay);
            world.later(end.0, delay, Delivery::Happened(end.1, Happened::Open { max_frame: 256 * 1024 }));
        }
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
