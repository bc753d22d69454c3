//! Mending a link whose path fell silent: when its ICE is restarted, and which of several restarts a word is about.
//!
//! The side that answered the call makes the offers, as it made the first one; the other side asks for them. Rounds are
//! numbered, so that what is said about a round that was replaced is known. Pure: the words travel in sealed letters,
//! and [`super::Link`] checks the certificates. See docs/PROTOCOL.md §2.

use std::collections::VecDeque;
use std::time::Duration;

use super::inside::Inside;
use super::{Ending, Link, LinkEvent, Stage};
use crate::handshake::MENDS;
use crate::sdp::Sdp;
use crate::signaling::IceServer;
use crate::time::Moment;
use crate::transport::Step;
use crate::wire::Control;

/// A silence that lasts this long after the transport told of it is shown, and a new connection is tried beside the
/// old one. By then some seven seconds have passed; stacks that double their waits would wait ever longer from there.
const SHOWN_AFTER: Duration = Duration::from_millis(2_500);
/// A path that is back has so long to carry something, before a link that was shown as silent is made anew.
const STUCK_AFTER: Duration = Duration::from_millis(150);
/// A link that is silent for so long is over: whoever was there is gone, or comes back by the room key. Stacks whose ICE is
/// restarted again and again never say so themselves.
const OVER_AFTER: Duration = Duration::from_secs(25);
/// Links of one device do not begin all at once.
const SPREAD: Duration = Duration::from_millis(300);
/// Waits from one restart to the next, doubled each time.
const AGAIN_FIRST: Duration = Duration::from_secs(3);
/// With its spread no longer than a relay is asked for an address (9 s in the native stack): the return of the network
/// falls into no gap.
const AGAIN_MAX: Duration = Duration::from_secs(6);
/// Answers that this side is making at once; a peer that offers faster than they are made breaks the protocol.
const MAX_MAKING: usize = 8;

/// While more letters than this wait to be acknowledged no further restart is begun: the peer hears none of it.
const MAX_UNHEARD: usize = 40;

/// The mending of one link.
#[derive(Debug)]
pub(super) struct Mending {
    /// Drawn by chance for this link; spreads its waits.
    chance: u32,
    /// Until the peer has seen what was said since.
    silent_since: Option<Moment>,
    shown: bool,
    /// Silent by the peer's word alone.
    doubted: bool,
    /// By then something must have come over the path that is back.
    carries_by: Option<Moment>,
    /// The transport hears nothing.
    is_broken: bool,
    tries: u32,
    next: Option<Moment>,
    /// The last round begun (side that offers) or heard of.
    round: u32,
    /// The answer to the last round is still due.
    open: bool,
    /// Rounds whose descriptions the transport is making, in order.
    making: VecDeque<u32>,
}

impl Mending {
    pub(super) fn new(chance: u32) -> Self {
        Self {
            chance,
            silent_since: None,
            shown: false,
            doubted: false,
            carries_by: None,
            is_broken: false,
            tries: 0,
            next: None,
            round: 0,
            open: false,
            making: VecDeque::new(),
        }
    }

    /// The last round begun or heard of; 0 when there was none.
    pub(super) fn round(&self) -> u32 {
        self.round
    }

    pub(super) fn is_silent(&self) -> bool {
        self.silent_since.is_some()
    }

    /// Silent for so long that it is shown.
    pub(super) fn is_shown(&self) -> bool {
        self.shown
    }

    /// The transport hears nothing any more.
    pub(super) fn interrupted(&mut self, now: Moment) {
        self.silent_since.get_or_insert(now);
        self.is_broken = true;
        self.doubted = false;
        self.carries_by = None;
        self.wake(now);
    }

    /// The peer restarts, so it hears nothing, or has moved: silent until something comes from it, or it has seen a sign.
    /// False when it was taken for silent before.
    pub(super) fn doubted(&mut self, now: Moment) -> bool {
        self.doubted |= !self.is_silent();
        self.silent_since.get_or_insert(now);
        self.doubted
    }

    /// Something came over it. True when that ends a doubt after it was shown.
    pub(super) fn heard(&mut self) -> bool {
        core::mem::take(&mut self.doubted) && self.seen()
    }

    /// It hears again. That is the path alone: what stacks carry over it may wait for half a minute until they send
    /// again, so that the peer has to be asked whether it sees anything. False when there is no need to.
    pub(super) fn restored(&mut self, now: Moment) -> bool {
        self.is_broken = false;
        self.next = None;
        self.carries_by = self.is_silent().then_some(now + STUCK_AFTER);
        self.is_silent()
    }

    /// True once when nothing has come over a path that is back, and the silence was shown: a new connection is there
    /// before the stacks send again.
    pub(super) fn is_stuck(&mut self, now: Moment) -> bool {
        self.shown && self.carries_by.take_if(|by| *by <= now).is_some()
    }

    /// The peer saw what was said after the path was back: both directions carry. True when the silence was shown.
    pub(super) fn seen(&mut self) -> bool {
        if self.is_broken {
            return false;
        }
        self.silent_since = None;
        self.doubted = false;
        self.carries_by = None;
        core::mem::take(&mut self.shown)
    }

    /// Something changed: try (again) soon.
    pub(super) fn wake(&mut self, now: Moment) {
        self.tries = 0;
        self.next = Some(now + self.spread(SPREAD));
    }

    pub(super) fn poll_timeout(&self) -> Option<Moment> {
        let silent = self.silent_since.map(|since| since + if self.shown { OVER_AFTER } else { SHOWN_AFTER });
        let stuck = self.carries_by.filter(|_| self.shown);
        [silent, self.next, stuck].into_iter().flatten().min()
    }

    /// True once when the silence is to be shown.
    pub(super) fn show(&mut self, now: Moment) -> bool {
        let due = self.silent_since.is_some_and(|since| since + SHOWN_AFTER <= now);
        due && !core::mem::replace(&mut self.shown, true)
    }

    /// True when the silence has lasted too long.
    pub(super) fn is_over(&self, now: Moment) -> bool {
        self.silent_since.is_some_and(|since| since + OVER_AFTER <= now)
    }

    /// True when a restart is due; plans the next one for as long as the silence lasts.
    pub(super) fn is_due(&mut self, now: Moment) -> bool {
        if self.next.take_if(|at| *at <= now).is_none() {
            return false;
        }
        let wait = (AGAIN_FIRST * 2u32.saturating_pow(self.tries.min(8))).min(AGAIN_MAX);
        self.tries += 1;
        let next = now + wait / 2 + self.spread(wait);
        self.next = self.is_broken.then_some(next);
        true
    }

    /// Begins a round: its offer is being made.
    pub(super) fn begin(&mut self) {
        self.round += 1;
        self.open = true;
        self.making.push_back(self.round);
    }

    /// The peer begins a round: its answer is being made. False when it begins too many, or an old one.
    pub(super) fn begun(&mut self, round: u32) -> bool {
        let fits = round > self.round && self.making.len() < MAX_MAKING;
        self.round = round;
        self.making.push_back(round);
        fits
    }

    pub(super) fn is_making(&self) -> bool {
        !self.making.is_empty()
    }

    /// A description was made: of which round.
    pub(super) fn made(&mut self) -> Option<u32> {
        self.making.pop_front()
    }

    /// True when an answer to this round is to be used: the round is the last one, and was not answered yet.
    pub(super) fn takes_answer(&mut self, round: u32) -> bool {
        round == self.round && !self.is_making() && core::mem::take(&mut self.open)
    }

    /// A part of this span, another one each time.
    fn spread(&mut self, span: Duration) -> Duration {
        self.chance = self.chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        span * (self.chance >> 16) / (1 << 16)
    }
}

impl Link {
    /// True while its path is silent.
    pub(crate) fn is_silent(&self) -> bool {
        self.mending.is_silent()
    }

    /// True while it is up and has been silent for so long that it is better made anew.
    pub(crate) fn is_stale(&self) -> bool {
        self.mending.is_shown()
    }

    /// Something changed that may help what is being made or mended, or (`moved`) that may have broken any link.
    pub(crate) fn mend(&mut self, moved: bool, now: Moment) {
        self.mail.resend(now);
        if self.is_up() && (moved || self.mending.is_silent()) {
            self.mending.wake(now);
        }
    }

    /// These servers are to be used from now on; a path through a relay is made anew with them.
    pub(crate) fn use_servers(&mut self, ice: Vec<IceServer>, relayed: bool, now: Moment) {
        if self.has_transport {
            self.events.push_back(LinkEvent::Negotiate(Step::IceServers(ice)));
        }
        if relayed {
            self.mend(true, now);
        }
    }

    /// The peer knows nothing of this link. That is only a hint, which a link that works does not believe.
    pub(crate) fn handle_unknown(&mut self) {
        if self.mending.is_silent() {
            self.end(Ending::NoPath);
        }
    }

    /// Restarts ICE, or has the peer do it.
    pub(super) fn restart(&mut self, now: Moment) {
        self.events.push_back(LinkEvent::Mending);
        if self.mail.waiting() > MAX_UNHEARD {
            return;
        }
        if self.caller {
            return self.send(&Inside::Restart(self.mending.round()), now);
        }
        self.mending.begin();
        self.events.push_back(LinkEvent::Negotiate(Step::Offer));
        self.lanes.restart(&mut self.events);
    }

    /// The transport described the same connection anew: with the certificate that was bound.
    pub(super) fn handle_restarted(&mut self, sdp: Sdp, now: Moment) {
        let Some(round) = self.mending.made() else { return };
        if self.local != Some(sdp.fingerprint()) {
            return self.end(Ending::NoPath);
        }
        self.sent_candidates = 0;
        self.send(&if self.caller { Inside::Answer(round, sdp) } else { Inside::Offer(round, sdp) }, now);
        for candidate in core::mem::take(&mut self.waiting) {
            self.sent_candidates += 1;
            self.send(&Inside::Candidate(candidate), now);
        }
    }

    /// The path is back: does anything come over it?
    pub(super) fn ask_for_sign(&mut self) {
        let Stage::Up(sealed) = &self.stage else { return };
        if sealed.peer_caps().protocol >= MENDS {
            self.say(&Control::Sign);
        } else {
            self.handle_seen();
        }
    }

    pub(super) fn handle_seen(&mut self) {
        if self.mending.seen() {
            self.events.push_back(LinkEvent::Silent(false));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(milliseconds: u64) -> Moment {
        Moment::from_millis(milliseconds)
    }

    proptest! {
        #[test]
        fn a_silence_is_shown_once_and_mended_ever_more_rarely(chance: u32) {
            let mut mending = Mending::new(chance);
            mending.interrupted(at(0));
            let (mut shown, mut tried) = (Vec::new(), Vec::new());
            while let Some(now) = mending.poll_timeout().filter(|due| *due < at(25_000)) {
                prop_assert!(!mending.is_over(now));
                if mending.show(now) {
                    shown.push(now);
                }
                if mending.is_due(now) {
                    tried.push(now);
                }
            }
            prop_assert_eq!(shown, [at(2_500)]);
            prop_assert!(tried[0] <= at(300) && tried[1] <= at(5_000), "{:?}", tried);
            prop_assert!((3..=9).contains(&tried.len()), "{:?}", tried);
            prop_assert!(mending.is_over(at(25_000)) && mending.poll_timeout() == Some(at(25_000)));
            prop_assert!(mending.restored(at(24_900)));
            prop_assert_eq!(mending.poll_timeout(), Some(at(25_000)));
            prop_assert!(mending.is_shown(), "nothing came over it yet");
            prop_assert!(mending.seen() && !mending.is_silent() && !mending.seen());
        }
    }

    #[test]
    fn a_short_silence_is_not_shown() {
        let mut mending = Mending::new(7);
        mending.interrupted(at(0));
        assert!(!mending.show(at(2_499)));
        assert!(mending.restored(at(2_499)) && !mending.seen());
        assert!(!mending.show(at(9_000)) && !mending.is_stuck(at(9_000)));
    }

    #[test]
    fn a_path_that_is_back_and_carries_nothing_is_shown_as_silent() {
        let mut mending = Mending::new(7);
        mending.interrupted(at(0));
        assert!(mending.restored(at(1_000)));
        assert!(mending.show(at(2_500)));
        mending.interrupted(at(3_000));
        assert!(!mending.seen(), "said before the path broke again");
        assert!(mending.restored(at(3_100)) && mending.seen());
        assert!(!mending.restored(at(3_200)), "nothing to ask");
    }

    #[test]
    fn a_path_that_is_back_and_carries_nothing_is_stuck_once_after_a_moment() {
        let mut mending = Mending::new(7);
        mending.interrupted(at(0));
        assert!(
            mending.restored(at(1_000)) && !mending.is_stuck(at(1_150)),
            "not shown: its stacks send soon"
        );
        mending.interrupted(at(2_000));
        assert!(mending.show(at(2_500)) && !mending.is_stuck(at(2_500)), "broken again");
        assert!(mending.restored(at(9_000)) && !mending.is_stuck(at(9_149)));
        assert_eq!(mending.poll_timeout(), Some(at(9_150)));
        assert!(mending.is_stuck(at(9_150)) && !mending.is_stuck(at(9_151)));
        assert!(mending.restored(at(9_400)) && mending.seen() && !mending.is_stuck(at(9_800)));
    }

    #[test]
    fn whoever_is_asked_to_restart_doubts_the_path_until_something_comes_over_it() {
        let mut mending = Mending::new(7);
        assert!(mending.doubted(at(0)) && mending.is_silent());
        assert!(!mending.heard() && !mending.is_silent(), "never shown");
        assert!(mending.doubted(at(1_000)) && mending.show(at(3_500)));
        assert!(mending.heard() && !mending.is_silent());
        assert!(mending.doubted(at(4_000)));
        mending.interrupted(at(5_000));
        assert!(!mending.heard() && mending.is_silent(), "what came before it broke says nothing");
        assert!(!mending.doubted(at(6_000)), "known already");
    }

    #[test]
    fn only_an_answer_to_the_last_round_is_taken_and_only_once() {
        let mut mending = Mending::new(7);
        mending.begin();
        mending.begin();
        assert_eq!(mending.made(), Some(1));
        assert!(!mending.takes_answer(2), "its offer is not made yet");
        assert_eq!(mending.made(), Some(2));
        assert!(!mending.takes_answer(1));
        assert!(mending.takes_answer(2));
        assert!(!mending.takes_answer(2));
    }

    #[test]
    fn a_peer_that_goes_back_or_offers_without_end_is_known() {
        let mut mending = Mending::new(7);
        assert!(mending.begun(2) && !mending.begun(2));
        let mut mending = Mending::new(7);
        assert_eq!((1..100).take_while(|round| mending.begun(*round)).count(), MAX_MAKING);
    }
}
