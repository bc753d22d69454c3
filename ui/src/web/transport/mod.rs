//! WebRTC in a browser: one `RTCPeerConnection` with two negotiated data channels, and one more for each further data
//! lane, behind [`Transport`].
//!
//! Copies each frame once between JavaScript and WebAssembly memory. Never trusts a peer with more memory than
//! [`privydrop_common::inbox::MAX_QUEUED`], never logs, and lets no JavaScript exception past: each ends the link, or the
//! lane that is not used yet, with a reason.

mod connection;
mod negotiate;
mod path;
mod teller;

use core::task::{Context, Poll};
use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use privydrop_common::inbox::Inbox;
use privydrop_common::signaling::IceServer;
use privydrop_common::transport::{
    Closed, HIGH_WATER, Happened, LOW_WATER, Lane, LanePlan, LaneStep, MAX_LANES, Step, Transport,
};
use web_sys::{RtcDataChannel, RtcDataChannelState};

use self::connection::Connection;
use self::path::PathWatch;
use self::teller::Teller;

/// Most bytes that may wait in a channel for control messages.
const MAX_UNSENT: usize = 16 << 20;

/// One link in a browser.
pub struct BrowserTransport {
    inbox: Rc<RefCell<Inbox>>,
    ice: Vec<IceServer>,
    first: Option<Connection>,
    path_watch: Option<PathWatch>,
    /// Further lanes, by their numbers.
    further: Vec<(u8, Connection)>,
    /// Bytes handed to each lane since its last [`Happened::Drained`].
    handed: [usize; 2],
}

impl BrowserTransport {
    /// A page is best off with two lanes, unless the path is long: while the threads that serve one connection wait for
    /// each other, the other one's have work. More bring nothing on one machine or network.
    pub fn lanes() -> LanePlan {
        LanePlan::new(MAX_LANES, 2)
    }

    /// A new, idle link without servers; [`Step::IceServers`] gives it some.
    pub fn new() -> Self {
        let inbox = Rc::new(RefCell::new(Inbox::default()));
        let teller = Teller::new(&inbox, 0);
        let first = Connection::new(&[], &[Lane::Control, Lane::Data], &teller).ok();
        if first.is_none() {
            // The browser has no WebRTC, or no more connections to give.
            teller.fail(Closed::NoPath);
        }
        let path = first.as_ref().map(|first| PathWatch::new(first.browsers(), &inbox));
        Self { inbox, ice: Vec::new(), first, path_watch: path, further: Vec::new(), handed: [0; 2] }
    }

    fn negotiate_lane(&mut self, number: u8, step: LaneStep) {
        let step = match step {
            LaneStep::Offer => Step::Offer,
            LaneStep::Answer(offer) => Step::Answer(offer),
            LaneStep::Accept(answer) => Step::Accept(answer),
            LaneStep::Candidate(candidate) => Step::Candidate(candidate),
            LaneStep::Use => return self.make_used(number),
            LaneStep::Forget => return self.further.retain(|(other, _)| *other != number),
        };
        // A lane that is there already is offered again to restart its ICE.
        if matches!(step, Step::Offer | Step::Answer(_)) && self.lane(number).is_none() {
            let teller = Teller::new(&self.inbox, number);
            match Connection::new(&self.ice, &[Lane::Data], &teller) {
                Ok(made) => self.further.push((number, made)),
                Err(_) => teller.fail(Closed::NoPath),
            }
        }
        if let Some(lane) = self.lane(number) {
            lane.negotiate(step);
        }
    }

    fn make_used(&self, number: u8) {
        if let Some(lane) = self.lane(number) {
            lane.make_used();
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 512 KiB")]
        let low = self.low(Lane::Data) as u32;
        self.channels(Lane::Data).for_each(|channel| channel.set_buffered_amount_low_threshold(low));
    }

    /// How little waits in a channel of this lane when it is to be filled again.
    fn low(&self, lane: Lane) -> usize {
        LOW_WATER / self.channels(lane).count().max(1)
    }

    fn lane(&self, number: u8) -> Option<&Connection> {
        self.further.iter().find(|(other, _)| *other == number).map(|(_, lane)| lane)
    }

    /// The channels that a lane's frames may take.
    fn channels(&self, lane: Lane) -> impl Iterator<Item = &RtcDataChannel> {
        let further = self
            .further
            .iter()
            .map(|(_, lane)| lane)
            .filter(move |further| lane == Lane::Data && further.is_used());
        self.first.iter().chain(further).filter_map(move |connection| connection.channel(lane))
    }

    fn drained(&mut self) -> Option<Lane> {
        for lane in [Lane::Control, Lane::Data] {
            // The browser is asked only when there is something to tell: this runs for every frame. A channel that runs
            // dry is filled again however much waits in slower ones; frames go to the freest, so none gets far ahead.
            if self.handed[index(lane)] >= HIGH_WATER
                && self.channels(lane).map(waiting).min().unwrap_or(0) <= self.low(lane)
            {
                self.handed[index(lane)] = 0;
                return Some(lane);
            }
        }
        None
    }
}

impl Transport for BrowserTransport {
    fn negotiate(&mut self, step: Step) {
        match (step, &self.first) {
            (Step::Lane(number, step), _) => self.negotiate_lane(number, step),
            (step, Some(first)) => {
                if let Step::IceServers(ice) = &step {
                    self.ice.clone_from(ice);
                    self.further.iter().for_each(|(_, lane)| lane.negotiate(step.clone()));
                }
                first.negotiate(step);
            }
            _ => {}
        }
    }

    fn send(&mut self, lane: Lane, frame: Bytes) {
        let mut channels = self.channels(lane);
        let Some(mut freest) = channels.next() else { return };
        // Asked only where there is a choice.
        for other in channels {
            if waiting(other) < waiting(freest) {
                freest = other;
            }
        }
        // What is said is short. Who asks for more of it than it takes would have the browser keep the rest.
        if lane == Lane::Control && waiting(freest) > MAX_UNSENT {
            return self.inbox.borrow_mut().close(Closed::Violation);
        }
        if freest.send_with_u8_array(&frame).is_err() {
            let gone =
                matches!(freest.ready_state(), RtcDataChannelState::Closing | RtcDataChannelState::Closed);
            self.inbox.borrow_mut().close(if gone { Closed::ByPeer } else { Closed::Violation });
        }
        self.handed[index(lane)] += frame.len();
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Happened> {
        let is_open = self.inbox.borrow().is_open();
        if is_open && let Some(lane) = self.drained() {
            return Poll::Ready(Happened::Drained(lane));
        }
        self.inbox.borrow_mut().poll(cx)
    }

    fn close(&mut self) {
        (self.first, self.path_watch) = (None, None);
        self.further.clear();
        self.inbox.borrow_mut().end();
    }
}

/// Bytes that wait in a channel.
fn waiting(channel: &RtcDataChannel) -> usize {
    channel.buffered_amount() as usize
}

fn index(lane: Lane) -> usize {
    match lane {
        Lane::Control => 0,
        Lane::Data => 1,
    }
}
