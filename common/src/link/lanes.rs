//! The further data lanes of one link: who offers them, what may be said about them and when, which are forgotten.
//!
//! Everything is said on the control channel of a link that is up, so it is as authentic as the link: a lane's
//! description names the only certificate that its connection may show. Pure; it moves no frame and makes no
//! connection. See docs/PROTOCOL.md §3.

use std::collections::VecDeque;
use std::time::Duration;

use super::LinkEvent;
use crate::few::Few;
use crate::sdp::{Candidate, Fingerprint, MAX_CANDIDATES, Sdp};
use crate::time::Moment;
use crate::transport::{Lane, LaneNews, LaneStep, MAX_LANES, Step};
use crate::wire::{Control, LaneWord};

/// A lane that is not in use by then is forgotten; the link goes on with those that are.
const LANE_TIMEOUT: Duration = Duration::from_secs(15);

/// Why what a peer says about a lane ends the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LaneRefusal {
    /// More lanes than both sides said in the handshake that they serve.
    #[error("the peer speaks of a lane that was not agreed on")]
    NotAgreed,
    /// Not the peer's to say, or not now.
    #[error("the peer says about a lane what is not its turn to say")]
    OutOfTurn,
    /// More candidates than one connection may have.
    #[error("the peer names too many candidates for a lane")]
    TooMany,
    /// A lane that is offered again must keep its certificate.
    #[error("the peer names another certificate for a lane")]
    OtherCertificate,
}

/// A lane that was in use has ended, and frames with it: so the link is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The transport makes the own description.
    Describing,
    /// The peer's answer is due.
    Offered,
    /// Both descriptions are known.
    Connecting,
    /// Open at both ends.
    Used,
    Forgotten,
}

/// One further lane.
#[derive(Debug)]
struct Further {
    stage: Stage,
    /// Open at this end, and said so.
    here: bool,
    /// The peer says that it is open there.
    there: bool,
    /// The certificates that its first descriptions named.
    local: Option<Fingerprint>,
    remote: Option<Fingerprint>,
    /// In use, and its ICE is being restarted: how far that is.
    again: Option<Stage>,
    /// Own candidates that wait for the description that they belong to.
    early: Vec<Candidate>,
    sent_candidates: usize,
    taken_candidates: usize,
    deadline: Moment,
}

/// All further lanes of one link.
#[derive(Debug)]
pub(super) struct Lanes {
    /// This side answered the call: it offers lanes, as it offered the first connection.
    offers: bool,
    /// Lanes in all that both sides serve.
    agreed: u8,
    /// Lanes in all that were asked for.
    wanted: u8,
    /// Both sides know what a lane that is offered again means.
    mends: bool,
    further: Few<u8, Further>,
}

type Events = VecDeque<LinkEvent>;

impl Lanes {
    /// No further lanes yet, and at most `agreed` in all. `mends` when the peer knows how lanes are mended.
    pub(super) fn new(offers: bool, agreed: u8, mends: bool) -> Self {
        Self { offers, agreed: agreed.min(MAX_LANES), wanted: 1, mends, further: Few::default() }
    }

    /// The link's path is being mended: so are those of the lanes in use, by the side that offered them. What is said
    /// about it waits on the control channel until that gets through.
    pub(super) fn restart(&mut self, events: &mut Events) {
        let offers = self.offers && self.mends;
        for (number, lane) in self.further.iter_mut().filter(|(_, lane)| offers && lane.is_well()) {
            lane.begin_again();
            negotiate(events, *number, LaneStep::Offer);
        }
    }

    /// This side has much to receive and is best off with so many lanes in all.
    pub(super) fn want(&mut self, lanes: u8, now: Moment, events: &mut Events) {
        let lanes = lanes.min(self.agreed);
        if lanes <= self.wanted {
            return;
        }
        if self.offers {
            self.offer(lanes, now, events);
        } else {
            self.wanted = lanes;
            say(events, &Control::Lanes(lanes));
        }
    }

    /// The peer asks for so many lanes in all.
    pub(super) fn handle_wish(
        &mut self,
        lanes: u8,
        now: Moment,
        events: &mut Events,
    ) -> Result<(), LaneRefusal> {
        if lanes > self.agreed {
            return Err(LaneRefusal::NotAgreed);
        }
        if !self.offers {
            return Err(LaneRefusal::OutOfTurn);
        }
        self.offer(lanes, now, events);
        Ok(())
    }

    /// The peer says something about a lane.
    pub(super) fn handle_word(
        &mut self,
        number: u8,
        word: LaneWord,
        now: Moment,
        events: &mut Events,
    ) -> Result<(), LaneRefusal> {
        if number == 0 || number >= self.agreed {
            return Err(LaneRefusal::NotAgreed);
        }
        let offers = self.offers;
        let Some(lane) = self.further.get_mut(&number) else {
            let LaneWord::Offer(offer) = word else { return Err(LaneRefusal::OutOfTurn) };
            if offers {
                return Err(LaneRefusal::OutOfTurn);
            }
            let remote = Some(offer.fingerprint());
            self.further.insert(number, Further { remote, ..Further::new(now) });
            negotiate(events, number, LaneStep::Answer(offer));
            return Ok(());
        };
        match (lane.stage, word) {
            (Stage::Offered, LaneWord::Answer(answer)) => {
                lane.stage = Stage::Connecting;
                lane.remote = Some(answer.fingerprint());
                negotiate(events, number, LaneStep::Accept(answer));
            }
            (Stage::Used, LaneWord::Offer(sdp) | LaneWord::Answer(sdp))
                if lane.remote != Some(sdp.fingerprint()) =>
            {
                return Err(LaneRefusal::OtherCertificate);
            }
            (Stage::Used, LaneWord::Offer(offer)) if !offers && lane.is_well() => {
                lane.begin_again();
                negotiate(events, number, LaneStep::Answer(offer));
            }
            (Stage::Used, LaneWord::Answer(answer)) if lane.again == Some(Stage::Offered) => {
                lane.again = None;
                negotiate(events, number, LaneStep::Accept(answer));
            }
            // Nobody has anything to say about an offer that was not made yet.
            (Stage::Describing, _) if offers => return Err(LaneRefusal::OutOfTurn),
            (_, LaneWord::Candidate(candidate)) => {
                lane.taken_candidates += 1;
                if lane.taken_candidates > MAX_CANDIDATES {
                    return Err(LaneRefusal::TooMany);
                }
                if lane.stage != Stage::Forgotten {
                    negotiate(events, number, LaneStep::Candidate(candidate));
                }
            }
            (Stage::Connecting | Stage::Forgotten, LaneWord::Open) if !lane.there => {
                lane.there = true;
                self.use_if_open(number, events);
            }
            // What was said before the peer forgot it as well.
            (Stage::Forgotten, LaneWord::Answer(_)) if offers => {}
            _ => return Err(LaneRefusal::OutOfTurn),
        }
        Ok(())
    }

    /// The transport reports of a lane.
    pub(super) fn handle_news(
        &mut self,
        number: u8,
        news: LaneNews,
        events: &mut Events,
    ) -> Result<(), Lost> {
        let offers = self.offers;
        let Some(lane) = self.further.get_mut(&number).filter(|lane| lane.stage != Stage::Forgotten) else {
            return Ok(());
        };
        match news {
            LaneNews::Described(sdp) => return lane.described(number, sdp, offers, events),
            LaneNews::Candidate(candidate) => lane.found(number, candidate, events),
            LaneNews::Open if !lane.here => {
                lane.here = true;
                say(events, &Control::Lane { number, word: LaneWord::Open });
                self.use_if_open(number, events);
            }
            LaneNews::Open => {}
            LaneNews::Failed if lane.stage == Stage::Used => return Err(Lost),
            LaneNews::Failed => lane.stage = Stage::Forgotten,
        }
        Ok(())
    }

    pub(super) fn poll_timeout(&self) -> Option<Moment> {
        self.further.values().filter(|lane| lane.is_being_made()).map(|lane| lane.deadline).min()
    }

    /// Forgets lanes that take too long.
    pub(super) fn handle_timeout(&mut self, now: Moment, events: &mut Events) {
        for (number, lane) in self.further.iter_mut() {
            if lane.is_being_made() && lane.deadline <= now {
                lane.stage = Stage::Forgotten;
                negotiate(events, *number, LaneStep::Forget);
            }
        }
    }

    /// True when the peer may have sent frames on a lane that this end had forgotten already.
    pub(super) fn has_lost_frames(&self) -> bool {
        self.further.values().any(|lane| lane.stage == Stage::Forgotten && lane.here && lane.there)
    }

    fn offer(&mut self, lanes: u8, now: Moment, events: &mut Events) {
        for number in self.wanted..lanes {
            self.further.insert(number, Further::new(now));
            negotiate(events, number, LaneStep::Offer);
        }
        self.wanted = self.wanted.max(lanes);
    }

    fn use_if_open(&mut self, number: u8, events: &mut Events) {
        let Some(lane) = self.further.get_mut(&number) else { return };
        if lane.stage == Stage::Connecting && lane.here && lane.there {
            lane.stage = Stage::Used;
            negotiate(events, number, LaneStep::Use);
            let used = self.further.values().filter(|lane| lane.stage == Stage::Used).count();
            events.push_back(LinkEvent::Lanes(u8::try_from(used + 1).unwrap_or(MAX_LANES)));
        }
    }
}

impl Further {
    fn new(now: Moment) -> Self {
        Self {
            stage: Stage::Describing,
            here: false,
            there: false,
            local: None,
            remote: None,
            again: None,
            early: Vec::new(),
            sent_candidates: 0,
            taken_candidates: 0,
            deadline: now + LANE_TIMEOUT,
        }
    }

    fn is_being_made(&self) -> bool {
        !matches!(self.stage, Stage::Used | Stage::Forgotten)
    }

    /// In use, and nothing is being done about it.
    fn is_well(&self) -> bool {
        self.stage == Stage::Used && self.again.is_none()
    }

    fn is_describing(&self) -> bool {
        self.stage == Stage::Describing || self.again == Some(Stage::Describing)
    }

    fn begin_again(&mut self) {
        self.again = Some(Stage::Describing);
        self.sent_candidates = 0;
        self.taken_candidates = 0;
    }

    fn described(&mut self, number: u8, sdp: Sdp, offers: bool, events: &mut Events) -> Result<(), Lost> {
        match self.stage {
            Stage::Describing => self.stage = if offers { Stage::Offered } else { Stage::Connecting },
            Stage::Used if self.is_describing() && self.local == Some(sdp.fingerprint()) => {
                self.again = offers.then_some(Stage::Offered);
            }
            Stage::Used => return Err(Lost),
            _ => return Ok(()),
        }
        self.local = Some(sdp.fingerprint());
        let word = if offers { LaneWord::Offer(sdp) } else { LaneWord::Answer(sdp) };
        say(events, &Control::Lane { number, word });
        for candidate in core::mem::take(&mut self.early) {
            say(events, &Control::Lane { number, word: LaneWord::Candidate(candidate) });
        }
        Ok(())
    }

    fn found(&mut self, number: u8, candidate: Candidate, events: &mut Events) {
        if self.sent_candidates >= MAX_CANDIDATES {
            return;
        }
        self.sent_candidates += 1;
        if self.is_describing() {
            return self.early.push(candidate);
        }
        say(events, &Control::Lane { number, word: LaneWord::Candidate(candidate) });
    }
}

fn say(events: &mut Events, control: &Control) {
    events.push_back(LinkEvent::Send(Lane::Control, control.encode()));
}

fn negotiate(events: &mut Events, number: u8, step: LaneStep) {
    events.push_back(LinkEvent::Negotiate(Step::Lane(number, step)));
}

#[cfg(test)]
mod tests;
