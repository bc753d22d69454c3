//! The seam to WebRTC: one authenticated link to one peer.
//!
//! A platform implements [`Transport`]; the session tells it what to negotiate and what to send, and hears what
//! happened. A transport never decides whom to trust, never looks into a frame, and never retries by itself.

use core::task::{Context, Poll};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::sdp::{Candidate, Sdp};
use crate::signaling::IceServer;

/// One ordered, reliable, message-framed pipe of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Carries control messages and the binding tag. Data channel id 0, negotiated out of band.
    Control,
    /// Carries data frames. Data channel id 1, negotiated out of band.
    Data,
}

/// What the session asks of a transport while a link is made or mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Create the local offer; answered by [`Happened::Described`].
    Offer,
    /// Apply the peer's offer and create the answer; answered by [`Happened::Described`].
    Answer(Sdp),
    /// Apply the peer's answer.
    Accept(Sdp),
    /// Add a candidate of the peer's. The transport holds it back until a remote description is there.
    Candidate(Candidate),
    /// Use these servers from now on.
    IceServers(Vec<IceServer>),
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
    /// At least [`HIGH_WATER`] bytes were handed to this lane since the last report of this kind, and now at
    /// most [`LOW_WATER`] of them wait. Exactly one such report follows each such amount.
    Drained(Lane),
    /// How the bytes travel, told once connected and again when it changes.
    Path(Path),
    /// The network under the link is silent; it may come back by itself.
    Interrupted,
    /// The network is back.
    Restored,
    /// The link is over; nothing follows.
    Closed(Closed),
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
