//! The seam to WebRTC: one authenticated link to one peer.
//!
//! A platform implements [`Transport`]; the session tells it what to negotiate and what to send, and hears what
//! happened. A transport never decides whom to trust, never looks into a frame, and never retries by itself.

use core::task::{Context, Poll};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::sdp::{Candidate, Sdp};
use crate::signaling::IceServer;

/// Most data lanes of a link: each costs both ends a connection.
pub const MAX_LANES: u8 = 4;

/// Round trip in milliseconds from which a path is long: one connection leaves it idle, whatever its socket holds. Its
/// congestion window grows by the round trip and starts over at each loss.
const LONG: u32 = 10;

/// Bytes still to come from which further lanes are worth their connections.
const MUCH: u64 = 8 * 1024 * 1024;

/// How many data lanes a device has for a link, and how many it is best off with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LanePlan {
    serves: u8,
    wants: u8,
    from: u64,
}

impl LanePlan {
    /// One lane, as where the platform makes no others.
    pub const ONE: Self = Self { serves: 1, wants: 1, from: MUCH };

    /// Serves up to `serves` lanes to whoever wants them, and wants `wants` of them itself to receive much over a short
    /// path. Both are kept between 1 and [`MAX_LANES`].
    pub fn new(serves: u8, wants: u8) -> Self {
        let serves = serves.clamp(1, MAX_LANES);
        Self { serves, wants: wants.clamp(1, serves), from: MUCH }
    }

    /// The same, where one lane is so good that others are worth it over a short path only from so many bytes.
    #[must_use]
    pub fn from(self, bytes: u64) -> Self {
        Self { from: bytes.max(MUCH), ..self }
    }

    /// Most lanes that are served.
    pub fn serves(self) -> u8 {
        self.serves
    }

    /// Lanes that are wanted to receive `missing` bytes over this path: all there are where it is long.
    pub fn wants(self, path: Option<Path>, missing: u64) -> u8 {
        let is_long = path.and_then(|path| path.rtt_ms).is_some_and(|rtt| rtt >= LONG);
        match is_long {
            true if missing >= MUCH => self.serves,
            false if missing >= self.from => self.wants,
            _ => 1,
        }
    }
}

/// One ordered, reliable, message-framed pipe of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Carries control messages and the binding tag. Data channel id 0, negotiated out of band.
    Control,
    /// Carries data frames. Data channel id 1, negotiated out of band. While further lanes are in use ([`LaneStep`]),
    /// each frame takes whichever is free, and a platform may come to move them faster than by a channel: frames arrive
    /// whole, once, and in any order.
    Data,
}

/// What the session asks of a transport while a link is made or mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Create the local offer, which restarts ICE on a connection that stands; answered by [`Happened::Described`].
    Offer,
    /// Apply the peer's offer and create the answer; answered by [`Happened::Described`].
    Answer(Sdp),
    /// Apply the peer's answer.
    Accept(Sdp),
    /// Add a candidate of the peer's. The transport holds it back until a remote description is there.
    Candidate(Candidate),
    /// Use these servers from now on.
    IceServers(Vec<IceServer>),
    /// The same for a further data lane, by its number: 1 to [`MAX_LANES`] − 1.
    Lane(u8, LaneStep),
}

/// What the session asks about a further data lane: one on a connection of its own, with data channel id 1 and no
/// other, and with the settings of the first. Its number is used once in a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaneStep {
    /// Make its connection, or restart the ICE of the one that it has, and create the local offer; answered by
    /// [`LaneNews::Described`].
    Offer,
    /// Make its connection unless it has one, apply the peer's offer and create the answer; answered by
    /// [`LaneNews::Described`].
    Answer(Sdp),
    /// Apply the peer's answer.
    Accept(Sdp),
    /// Add a candidate of the peer's; held back until a remote description is there.
    Candidate(Candidate),
    /// The peer has it open as well: send on it from now on. From now on its end is the link's.
    Use,
    /// Forget it, whatever has become of it. Nothing more is told of it.
    Forget,
}

/// What a transport reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// The local description (offer or answer), already set locally; trickling goes on.
    Described(Sdp),
    /// A local candidate.
    Candidate(Candidate),
    /// Both lanes are open; no data frame may be longer than `max_frame` bytes (at most [`crate::wire::MAX_FRAME`]).
    Open {
        /// The negotiated maximum message size in bytes, or a little less where that suits the platform better.
        max_frame: usize,
    },
    /// One whole message arrived. Never reported before `Open`: what comes earlier is held back.
    Frame(Lane, Bytes),
    /// At least [`HIGH_WATER`] bytes were handed to this lane since the last report of this kind, and now at most
    /// [`LOW_WATER`] of them wait, or at most its share in one of several channels that each have a queue of their own.
    /// Exactly one such report follows each such amount.
    Drained(Lane),
    /// How the bytes travel, told once connected and again when it changes.
    Path(Path),
    /// The network under the link is silent; it may come back by itself.
    Interrupted,
    /// The network is back.
    Restored,
    /// Of a further data lane, by its number.
    Lane(u8, LaneNews),
    /// The link is over; nothing follows.
    Closed(Closed),
}

/// What a transport reports of a further data lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaneNews {
    /// The local description (offer or answer), already set locally; trickling goes on.
    Described(Sdp),
    /// A local candidate.
    Candidate(Candidate),
    /// It is open at this end: frames that arrive on it are taken, and none are sent before [`LaneStep::Use`].
    Open,
    /// It cannot be made, or ended before it was used; nothing more is told of it.
    Failed,
}

/// Why a link ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The peer closed it, or its program went away.
    ByPeer,
    /// No path between the two networks was found, or it was lost for good.
    NoPath,
    /// A description or candidate was not usable.
    BadDescription,
    /// The peer broke a bound of the transport: an unexpected channel, or more bytes than it was granted.
    Violation,
}

/// How two devices reach each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// Host candidates on both sides: the same network.
    Lan,
    /// Through NATs, without a relay.
    Direct,
    /// Through a TURN server.
    Relay,
}

/// The path in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path {
    /// The kind of path.
    pub route: Route,
    /// Round trip in milliseconds, if it was measured.
    pub rtt_ms: Option<u32>,
}

/// The session stops handing data to a lane once this many bytes were handed over since the last
/// [`Happened::Drained`]. The fastest setting measured between browsers whose pages also read, hash and store: a bare
/// channel is best with half of both marks, but a page that hashes a piece meanwhile would let it run dry.
pub const HIGH_WATER: usize = 1024 * 1024;
/// A lane reports [`Happened::Drained`] once at most this many bytes wait.
pub const LOW_WATER: usize = 512 * 1024;

/// One WebRTC link to one peer.
pub trait Transport {
    /// Does one step of negotiation.
    fn negotiate(&mut self, step: Step);

    /// Hands one message to a lane. Cannot fail: a dead link says so once, by [`Happened::Closed`].
    fn send(&mut self, lane: Lane, frame: Bytes);

    /// Next thing that happened. Wakes the task when there is one; bounded inside.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Happened>;

    /// Ends the link and frees what it holds. Messages already handed over may be lost.
    fn close(&mut self);
}
