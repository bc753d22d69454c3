//! What the two ends of a link tell each other in sealed boxes: candidates, and restarts of ICE.
//!
//! Nobody but the peer can read or write one, so a box that says what its sender may not say ends the link.

use serde::{Deserialize, Serialize};

use super::{Link, LinkEvent, Stage};
use crate::handshake::{PairMessage, Sealed};
use crate::mail::Mail;
use crate::sdp::{Candidate, MAX_CANDIDATES, Sdp};
use crate::time::Moment;
use crate::transport::Step;

/// What travels inside a sealed box.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Inside {
    Candidate(Candidate),
    /// Restarts ICE: the number of the restart, and the new offer. By the side that answered the call.
    Offer(u32, Sdp),
    /// The answer to it.
    Answer(u32, Sdp),
    /// Asks for a restart. By the side that called; with the number of the last one that it heard of.
    Restart(u32),
}

impl Link {
    /// From here on candidates can be sealed: sends those that waited.
    pub(super) fn connecting(&mut self, mut sealed: Sealed, now: Moment) -> Stage {
        for candidate in core::mem::take(&mut self.waiting) {
            Self::seal(&mut self.mail, &mut sealed, &Inside::Candidate(candidate), now);
        }
        Stage::Connecting(sealed)
    }

    pub(super) fn handle_local_candidate(&mut self, candidate: Candidate, now: Moment) {
        if self.sent_candidates + self.waiting.len() >= MAX_CANDIDATES {
            return;
        }
        match &self.stage {
            Stage::Up(_) if self.mending.is_making() => self.waiting.push(candidate),
            // One that is found after the binding brings nothing new, unless ICE was restarted.
            Stage::Up(_) if self.mending.round() == 0 => {}
            Stage::Offering(_) | Stage::Awaiting(_) | Stage::Answering(_) => self.waiting.push(candidate),
            _ => {
                self.sent_candidates += 1;
                self.send(&Inside::Candidate(candidate), now);
            }
        }
    }

    /// Sends something sealed, once there are keys for it.
    pub(super) fn send(&mut self, inside: &Inside, now: Moment) {
        // A letter that is dropped would leave a gap in the boxes' numbers.
        if !self.mail.is_full()
            && let Stage::Connecting(sealed) | Stage::Binding(sealed) | Stage::Up(sealed) = &mut self.stage
        {
            Self::seal(&mut self.mail, sealed, inside, now);
        }
    }

    fn seal(mail: &mut Mail, sealed: &mut Sealed, inside: &Inside, now: Moment) {
        let plain = postcard::to_allocvec(inside).unwrap_or_default();
        mail.send(PairMessage::Sealed(sealed.seal(&plain)).encode(), now);
    }

    /// What a box held; false when it is nothing that the peer may say now.
    pub(super) fn take_inside(&mut self, plain: &[u8], up: bool, now: Moment) -> bool {
        let Ok((inside, [])) = postcard::take_from_bytes(plain) else { return false };
        match inside {
            Inside::Candidate(candidate) => {
                self.taken_candidates += 1;
                // One that comes after the binding brings nothing new, unless ICE was restarted.
                if !up || self.mending.round() > 0 {
                    self.events.push_back(LinkEvent::Negotiate(Step::Candidate(candidate)));
                }
                self.taken_candidates <= MAX_CANDIDATES
            }
            Inside::Offer(round, sdp) => {
                let fits = up && self.caller && self.is_bound(&sdp) && self.mending.begun(round);
                if fits {
                    self.taken_candidates = 0;
                    self.events.push_back(LinkEvent::Negotiate(Step::Answer(sdp)));
                    // A transport that is restarted in time never says that it heard nothing.
                    if self.mending.doubted(now) {
                        self.ask_for_sign();
                    }
                }
                fits
            }
            Inside::Answer(round, sdp) => {
                let fits = up && !self.caller && self.is_bound(&sdp);
                if fits && self.mending.takes_answer(round) {
                    self.taken_candidates = 0;
                    self.events.push_back(LinkEvent::Negotiate(Step::Accept(sdp)));
                }
                fits
            }
            Inside::Restart(heard) => {
                // Who has not heard of the last one asks for what is on its way already.
                if heard == self.mending.round() {
                    self.mending.wake(now);
                }
                up && !self.caller
            }
        }
    }

    /// True for a new description of the connection that was bound.
    fn is_bound(&self, sdp: &Sdp) -> bool {
        self.remote == Some(sdp.fingerprint())
    }
}
