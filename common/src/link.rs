//! One attempt to make a link to one peer, and the link that comes of it.
//!
//! Runs the handshake's letters, the sealed description and candidates, and the binding of the connection, in that
//! order; nothing that a peer says is parsed before the binding holds. It never chooses a secret, never counts
//! guesses, and never tries twice: [`crate::session`] does. See docs/PROTOCOL.md §2.

mod event;
mod inside;
mod lanes;
mod mending;

use std::collections::VecDeque;
use std::time::Duration;

use crate::handshake::{
    AwaitingConfirm, Confirming, HandshakeError, Initiator, InvalidPairMessage, Kind, MENDS, PairMessage,
    Responder, Sealed,
};
use crate::id::PeerId;
use crate::mail::{Letter, Mail};
use crate::sdp::{Candidate, Fingerprint, Sdp};
use crate::signaling::Body;
use crate::time::Moment;
use crate::transport::{Closed, Happened, Lane, Step};
use crate::wire::{Control, InvalidFrame, MAX_FRAME, MIN_FRAME};
use bytes::Bytes;

pub use self::event::LinkId;
pub(crate) use self::event::{Ending, LinkEvent};
use self::lanes::Lanes;
use self::mending::Mending;

/// An attempt that is not a bound link by then is given up.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// A person is told that connecting takes long.
const SLOW_AFTER: Duration = Duration::from_secs(8);
/// Time for the binding tag once the lanes are open.
const BIND_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a failed attempt lingers so that the last letters arrive.
const LINGER: Duration = Duration::from_secs(3);

#[derive(Debug)]
enum Stage {
    /// Guest: waits for the reply.
    Calling(Initiator),
    /// Guest: the transport makes the answer.
    Answering(Confirming),
    /// Host: the transport makes the offer.
    Offering(Responder),
    /// Host: waits for the confirmation.
    Awaiting(AwaitingConfirm),
    /// Both: the transport connects.
    Connecting(Sealed),
    /// Lanes are open; the peer's binding tag is due.
    Binding(Sealed),
    /// In use.
    Up(Sealed),
    /// Failed; only letters still go out.
    Denied,
    /// Over.
    Over,
}

/// One attempt, one link.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) peer: PeerId,
    pub(crate) kind: Kind,
    /// True on the side that says hello.
    pub(crate) caller: bool,
    /// Longest frame that the peer takes.
    pub(crate) max_frame: usize,
    stage: Stage,
    lanes: Lanes,
    mending: Mending,
    mail: Mail,
    local: Option<Fingerprint>,
    remote: Option<Fingerprint>,
    /// Local candidates that wait until they can be sealed.
    waiting: Vec<Candidate>,
    sent_candidates: usize,
    taken_candidates: usize,
    has_transport: bool,
    deadline: Option<Moment>,
    slow_at: Option<Moment>,
    ended: bool,
    events: VecDeque<LinkEvent>,
}

impl Link {
    /// Calls a peer.
    pub(crate) fn call(
        peer: PeerId,
        kind: Kind,
        stream: u32,
        initiator: Initiator,
        hello: PairMessage,
        now: Moment,
    ) -> Self {
        let mut link = Self::new(peer, kind, true, stream, Stage::Calling(initiator), now);
        link.mail.send(hello.encode(), now);
        link
    }

    /// Answers a call: `letter` with number `seq` opened the stream.
    pub(crate) fn answer(
        peer: PeerId,
        kind: Kind,
        responder: Responder,
        seq: u32,
        letter: Letter,
        now: Moment,
    ) -> Self {
        let mut link = Self::new(peer, kind, false, letter.stream, Stage::Offering(responder), now);
        // The opening letter's content is the hello that the responder was made from.
        let _hello = link.mail.receive(seq, letter, now);
        link.connect();
        link.events.push_back(LinkEvent::Negotiate(Step::Offer));
        link
    }

    /// Answers a call that cannot be served: says so and lingers.
    pub(crate) fn turn_away(
        peer: PeerId,
        kind: Kind,
        seq: u32,
        letter: Letter,
        tries_left: u8,
        now: Moment,
    ) -> Self {
        let mut link = Self::new(peer, kind, false, letter.stream, Stage::Denied, now);
        let _hello = link.mail.receive(seq, letter, now);
        link.deny(tries_left, now);
        link
    }

    /// Answers a call of another version of the handshake: whatever this version says tells the caller.
    pub(crate) fn other_version(peer: PeerId, seq: u32, letter: Letter, now: Moment) -> Self {
        let mut link = Self::new(peer, Kind::Room, false, letter.stream, Stage::Denied, now);
        let _hello = link.mail.receive(seq, letter, now);
        link.mail.send(PairMessage::Failed.encode(), now);
        link.deadline = Some(now + LINGER);
        link
    }

    fn new(peer: PeerId, kind: Kind, caller: bool, stream: u32, stage: Stage, now: Moment) -> Self {
        Self {
            peer,
            kind,
            caller,
            max_frame: MIN_FRAME,
            stage,
            lanes: Lanes::new(!caller, 1, false),
            mending: Mending::new(stream),
            mail: Mail::new(stream),
            local: None,
            remote: None,
            waiting: Vec::new(),
            sent_candidates: 0,
            taken_candidates: 0,
            has_transport: false,
            deadline: Some(now + CONNECT_TIMEOUT),
            slow_at: Some(now + SLOW_AFTER),
            ended: false,
            events: VecDeque::new(),
        }
    }

    pub(crate) fn stream(&self) -> u32 {
        self.mail.stream()
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.stage, Stage::Up(_))
    }

    /// True while it may still become a link, or is one.
    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self.stage, Stage::Denied | Stage::Over)
    }

    pub(crate) fn has_transport(&self) -> bool {
        self.has_transport
    }

    pub(crate) fn poll_event(&mut self) -> Option<LinkEvent> {
        self.events.pop_front()
    }

    /// True when a letter is to be sent.
    pub(crate) fn has_letters(&self) -> bool {
        self.mail.has_letters()
    }

    /// Next letter to send: sequence number and body.
    pub(crate) fn poll_letter(&mut self) -> Option<(u32, Body)> {
        self.mail.poll_outbox()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Moment> {
        match self.stage {
            // Letters matter until the link stands; afterwards only an acknowledgement may still be due.
            Stage::Over => None,
            _ => {
                let mending = self.mending.poll_timeout().filter(|_| self.is_up());
                let (mail, lanes) = (self.mail.poll_timeout(), self.lanes.poll_timeout());
                [self.deadline, self.slow_at, mail, lanes, mending].into_iter().flatten().min()
            }
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Moment) {
        self.mail.handle_timeout(self.is_up() && !self.mending.is_silent(), now);
        if self.is_up() {
            if self.mending.is_over(now) {
                return self.end(Ending::NoPath);
            }
            if self.mending.show(now) {
                self.events.push_back(LinkEvent::Silent(true));
            }
            if self.mending.is_stuck(now) {
                self.events.push_back(LinkEvent::Stuck);
            }
            if self.mending.is_due(now) {
                self.restart(now);
            }
        }
        self.lanes.handle_timeout(now, &mut self.events);
        if self.slow_at.is_some_and(|at| at <= now) {
            self.slow_at = None;
            self.events.push_back(LinkEvent::Slow);
        }
        if self.deadline.is_some_and(|at| at <= now) {
            let ending = match self.stage {
                Stage::Denied if self.caller => Ending::WrongSecret(None),
                Stage::Calling(_) | Stage::Denied | Stage::Awaiting(_) => Ending::Silence,
                // A tag that does not come says nothing about the peer: the path may have broken since the lanes opened.
                _ => Ending::NoPath,
            };
            self.end(ending);
        }
    }

    /// A letter of this link's stream arrived. False when its content had arrived before.
    pub(crate) fn handle_letter(&mut self, seq: u32, letter: Letter, now: Moment) -> bool {
        let is_new = self.mail.is_new(seq, &letter);
        for content in self.mail.receive(seq, letter, now) {
            match PairMessage::decode(&content) {
                Ok(message) => self.handle_message(message, now),
                Err(InvalidPairMessage::Version(_)) => {
                    self.end(Ending::Version);
                    break;
                }
                Err(_) => {
                    self.end(Ending::Violation);
                    break;
                }
            }
        }
        is_new
    }

    /// The transport reports.
    pub(crate) fn handle_happened(&mut self, happened: Happened, now: Moment) {
        match happened {
            Happened::Described(sdp) => self.handle_described(sdp, now),
            Happened::Candidate(candidate) => self.handle_local_candidate(candidate, now),
            Happened::Open { max_frame } => self.handle_open(max_frame, now),
            Happened::Frame(lane, frame) => self.handle_frame(lane, frame, now),
            Happened::Drained(Lane::Data) => self.events.push_back(LinkEvent::Drained),
            Happened::Drained(Lane::Control) => {}
            Happened::Path(path) => self.events.push_back(LinkEvent::Path(path)),
            Happened::Interrupted => self.mending.interrupted(now),
            Happened::Restored => {
                if self.mending.restored(now) {
                    self.ask_for_sign();
                }
            }
            Happened::Lane(number, news) => {
                if self.lanes.handle_news(number, news, &mut self.events).is_err() {
                    self.end(Ending::NoPath);
                }
            }
            Happened::Closed(why) => {
                self.has_transport = false;
                self.end(match why {
                    Closed::ByPeer => Ending::ByPeer,
                    Closed::NoPath => Ending::NoPath,
                    Closed::BadDescription | Closed::Violation => Ending::Violation,
                });
            }
        }
    }

    /// Sends a control message over a link that is up.
    pub(crate) fn say(&mut self, control: &Control) {
        self.events.push_back(LinkEvent::Send(Lane::Control, control.encode()));
    }

    /// This side has much to receive, and is best off with so many data lanes in all.
    pub(crate) fn want_lanes(&mut self, lanes: u8, now: Moment) {
        self.lanes.want(lanes, now, &mut self.events);
    }

    /// Host: the guest's proof was wrong, or is not taken now; tell it and linger.
    pub(crate) fn deny(&mut self, tries_left: u8, now: Moment) {
        self.mail.send(PairMessage::Denied { tries_left }.encode(), now);
        self.stage = Stage::Denied;
        self.deadline = Some(now + LINGER);
        self.slow_at = None;
    }

    fn handle_message(&mut self, message: PairMessage, now: Moment) {
        let stage = core::mem::replace(&mut self.stage, Stage::Over);
        self.stage = match (stage, message) {
            (Stage::Calling(initiator), PairMessage::Reply(reply)) => match initiator.accept(&reply) {
                Ok((confirming, offer)) => {
                    let Some(sdp) = self.take_description(&offer) else { return };
                    self.connect();
                    self.events.push_back(LinkEvent::Negotiate(Step::Answer(sdp)));
                    Stage::Answering(confirming)
                }
                Err(HandshakeError::WrongSecret) => {
                    // Told in clear, so that the host can count it at once and say how many tries are left.
                    self.mail.send(PairMessage::Failed.encode(), now);
                    self.deadline = Some(now + LINGER);
                    self.slow_at = None;
                    Stage::Denied
                }
                Err(_) => return self.end(Ending::Violation),
            },
            (Stage::Awaiting(awaiting), PairMessage::Confirm(confirm)) => match awaiting.finish(&confirm) {
                Ok((sealed, answer)) => {
                    self.events.push_back(LinkEvent::Proved);
                    let Some(sdp) = self.take_description(&answer) else { return };
                    self.events.push_back(LinkEvent::Negotiate(Step::Accept(sdp)));
                    self.connecting(sealed, now)
                }
                Err(_) => {
                    self.events.push_back(LinkEvent::WrongProof);
                    Stage::Denied
                }
            },
            (Stage::Awaiting(_), PairMessage::Failed) => {
                self.events.push_back(LinkEvent::WrongProof);
                Stage::Denied
            }
            (
                mut stage @ (Stage::Connecting(_) | Stage::Binding(_) | Stage::Up(_)),
                PairMessage::Sealed(sealed_box),
            ) => {
                let up = matches!(stage, Stage::Up(_));
                let (Stage::Connecting(sealed) | Stage::Binding(sealed) | Stage::Up(sealed)) = &mut stage
                else {
                    return;
                };
                let plain = sealed.open(&sealed_box).unwrap_or_default();
                if !self.take_inside(&plain, up, now) {
                    return self.end(Ending::Violation);
                }
                stage
            }
            (Stage::Calling(_), PairMessage::Denied { .. }) => return self.end(Ending::Busy),
            // The host knows the secret, but this call's first attempt broke there, and its hello, sent twice, began another: this
            // confirms the first. It is worth a new call.
            (Stage::Connecting(_), PairMessage::Denied { .. }) if self.caller => {
                return self.end(Ending::ByPeer);
            }
            (Stage::Denied, PairMessage::Denied { tries_left }) if self.caller => {
                return self.end(Ending::WrongSecret(Some(tries_left)));
            }
            (Stage::Denied, _) => Stage::Denied,
            (Stage::Over, _) => Stage::Over,
            _ => return self.end(Ending::Violation),
        };
    }

    fn handle_described(&mut self, sdp: Sdp, now: Moment) {
        let stage = core::mem::replace(&mut self.stage, Stage::Over);
        self.stage = match stage {
            Stage::Offering(responder) => {
                let (awaiting, reply) = responder.reply(sdp.as_str().as_bytes());
                self.mail.send(PairMessage::Reply(reply).encode(), now);
                Stage::Awaiting(awaiting)
            }
            Stage::Answering(confirming) => {
                let (sealed, confirm) = confirming.confirm(sdp.as_str().as_bytes());
                self.mail.send(PairMessage::Confirm(confirm).encode(), now);
                self.connecting(sealed, now)
            }
            Stage::Up(sealed) => {
                self.stage = Stage::Up(sealed);
                return self.handle_restarted(sdp, now);
            }
            other => other,
        };
        self.local = Some(sdp.fingerprint());
    }

    fn take_description(&mut self, bytes: &[u8]) -> Option<Sdp> {
        let sdp = core::str::from_utf8(bytes).ok().and_then(|text| Sdp::parse(text).ok());
        match &sdp {
            Some(sdp) => self.remote = Some(sdp.fingerprint()),
            None => self.end(Ending::Violation),
        }
        sdp
    }

    fn handle_open(&mut self, max_frame: usize, now: Moment) {
        let stage = core::mem::replace(&mut self.stage, Stage::Over);
        let (Stage::Connecting(sealed), Some(local), Some(remote)) = (stage, self.local, self.remote) else {
            return self.end(Ending::Violation);
        };
        self.max_frame = max_frame.clamp(MIN_FRAME, MAX_FRAME);
        let tag = sealed.bind_tag(&local, &remote);
        self.events.push_back(LinkEvent::Send(Lane::Control, Bytes::copy_from_slice(&tag)));
        self.stage = Stage::Binding(sealed);
        self.deadline = Some(now + BIND_TIMEOUT);
    }

    fn handle_frame(&mut self, lane: Lane, frame: Bytes, now: Moment) {
        if self.mending.heard() {
            self.events.push_back(LinkEvent::Silent(false));
        }
        match (&self.stage, lane) {
            (Stage::Up(_), Lane::Control) => match Control::decode(&frame) {
                Ok(control @ (Control::Lanes(_) | Control::Lane { .. })) => self.handle_lanes(control, now),
                Ok(Control::Sign) => self.say(&Control::Seen),
                Ok(Control::Seen) => self.handle_seen(),
                Ok(control) => self.events.push_back(LinkEvent::Control(control)),
                Err(InvalidFrame::Version) => self.end(Ending::Version),
                Err(InvalidFrame::Malformed) => self.end(Ending::Violation),
            },
            (Stage::Up(_), Lane::Data) => self.events.push_back(LinkEvent::Data(frame)),
            (Stage::Binding(sealed), Lane::Control) => {
                let bound = match (&self.local, &self.remote) {
                    (Some(local), Some(remote)) => sealed.verify_bind(&frame, local, remote),
                    _ => false,
                };
                if let Stage::Binding(sealed) = core::mem::replace(&mut self.stage, Stage::Over)
                    && bound
                {
                    let mends = sealed.peer_caps().protocol >= MENDS;
                    self.lanes = Lanes::new(!self.caller, sealed.max_lanes(), mends);
                    self.stage = Stage::Up(sealed);
                    self.deadline = None;
                    self.slow_at = None;
                    self.events.push_back(LinkEvent::Up);
                } else {
                    self.end(Ending::Unproved);
                }
            }
            (Stage::Denied | Stage::Over, _) => {}
            // Anything before the binding ends the link unread.
            _ => self.end(Ending::Unproved),
        }
    }

    /// The peer says something about further lanes.
    fn handle_lanes(&mut self, control: Control, now: Moment) {
        let events = &mut self.events;
        let said = match control {
            Control::Lanes(lanes) => self.lanes.handle_wish(lanes, now, events),
            Control::Lane { number, word } => self.lanes.handle_word(number, word, now, events),
            _ => return,
        };
        if said.is_err() {
            self.end(Ending::Violation);
        } else if self.lanes.has_lost_frames() {
            self.end(Ending::NoPath);
        }
    }

    fn connect(&mut self) {
        self.has_transport = true;
        self.events.push_back(LinkEvent::Connect);
    }

    /// Ends the link once; what was still to be done is dropped, but for letters.
    pub(crate) fn end(&mut self, ending: Ending) {
        self.stage = Stage::Over;
        if !core::mem::replace(&mut self.ended, true) {
            self.deadline = None;
            self.slow_at = None;
            self.events.push_back(LinkEvent::Ended(ending));
        }
    }
}

#[cfg(test)]
mod tests;
