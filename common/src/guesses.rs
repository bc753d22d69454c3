//! How many guesses at the words the host allows before it shows new ones.
//!
//! Every hello that is answered gives one guess away, so it is counted from that moment on: knocking in parallel,
//! leaving after the reply or staying silent gains nothing. Never looks at secrets or messages, and never counts
//! links or room keys, which cannot be guessed.

use core::time::Duration;

use crate::id::PeerId;
use crate::time::Moment;

/// Guesses that retire the words.
pub const MAX_GUESSES: u8 = 5;
/// Time from an answered hello to a valid confirmation; past it, the guess has failed.
pub const CONFIRM_WITHIN: Duration = Duration::from_secs(15);

/// Pause after words were used up the second time in a row; doubled each further time up to [`PAUSE_MAX`].
const PAUSE_FIRST: Duration = Duration::from_secs(30);
const PAUSE_MAX: Duration = Duration::from_secs(3_600);

/// Why a hello must not be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The words are used up; new ones are due.
    #[error("these words were guessed at too often and are about to change")]
    Exhausted,
    /// The guesses that are left are being made right now: try again in [`CONFIRM_WITHIN`].
    #[error("others are trying these words right now")]
    Busy,
}

/// What a failed guess came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Guesses left before the words change.
    pub tries_left: u8,
    /// The words are used up: show new ones and call [`Guesses::reset`].
    pub retired: bool,
}

/// The host's account of guesses at the words it shows.
#[derive(Debug, Default)]
pub struct Guesses {
    failed: u8,
    /// Times that words were used up since the last right ones.
    retired: u32,
    /// No guess is answered before.
    quiet_until: Moment,
    /// Answered and not yet confirmed; at most [`MAX_GUESSES`], oldest first.
    open: Vec<(PeerId, Moment)>,
}

impl Guesses {
    /// Asks whether to answer a hello from `peer`; if so, the guess is counted as open from now on.
    pub fn allow(&mut self, peer: PeerId, now: Moment) -> Result<(), Denied> {
        if self.tries_left() == 0 {
            return Err(Denied::Exhausted);
        }
        if now < self.quiet_until {
            return Err(Denied::Busy);
        }
        let open = self.open.len();
        if open >= usize::from(self.tries_left()) || self.open.iter().any(|&(other, _)| other == peer) {
            return Err(Denied::Busy);
        }
        self.open.push((peer, now + CONFIRM_WITHIN));
        Ok(())
    }

    /// `peer` proved the words: its guess is not counted, and whoever guessed before is not held against others.
    pub fn confirmed(&mut self, peer: PeerId) {
        self.retired = 0;
        self.open.retain(|&(other, _)| other != peer);
    }

    /// `peer` confirmed wrongly, gave up or left. Counts only if its guess was still open.
    pub fn failed(&mut self, peer: PeerId) -> Verdict {
        self.count_failures(|&(other, _)| other == peer);
        Verdict { tries_left: self.tries_left(), retired: self.tries_left() == 0 }
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Moment> {
        self.open.iter().map(|&(_, deadline)| deadline).min()
    }

    /// Counts the guesses that were not confirmed in time and names who made them.
    pub fn handle_timeout(&mut self, now: Moment) -> Vec<PeerId> {
        self.count_failures(|&(_, deadline)| deadline <= now)
    }

    fn count_failures(&mut self, failed: impl Fn(&(PeerId, Moment)) -> bool) -> Vec<PeerId> {
        let peers: Vec<_> = self.open.extract_if(.., |guess| failed(guess)).map(|(peer, _)| peer).collect();
        self.failed = self.failed.saturating_add(u8::try_from(peers.len()).unwrap_or(u8::MAX));
        peers
    }

    /// Guesses left before the words change; 0 when they must.
    pub fn tries_left(&self) -> u8 {
        MAX_GUESSES.saturating_sub(self.failed)
    }

    /// New words are shown: nothing has been guessed at them. Who made them change twice in a row is slowed: no guess is
    /// answered for a while, twice as long each time, so that guessing on and on gains nothing.
    pub fn reset(&mut self, now: Moment) {
        let pause = match self.retired {
            0 => Duration::ZERO,
            again => (PAUSE_FIRST * 2u32.saturating_pow(again - 1)).min(PAUSE_MAX),
        };
        *self = Self { retired: self.retired.saturating_add(1), quiet_until: now + pause, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn peer(number: u64) -> PeerId {
        format!("{number:016x}").parse().unwrap()
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_millis(seconds * 1000)
    }

    #[test]
    fn five_wrong_guesses_retire_the_words() {
        let mut guesses = Guesses::default();
        for left in (0..MAX_GUESSES).rev() {
            assert_eq!(guesses.allow(peer(1), at(0)), Ok(()));
            assert_eq!(guesses.failed(peer(1)), Verdict { tries_left: left, retired: left == 0 });
        }
        assert_eq!(guesses.allow(peer(1), at(100)), Err(Denied::Exhausted));
        guesses.reset(at(0));
        assert_eq!((guesses.allow(peer(1), at(100)), guesses.tries_left()), (Ok(()), MAX_GUESSES));
    }

    #[test]
    fn knocking_in_parallel_gains_no_guess() {
        let mut guesses = Guesses::default();
        guesses.allow(peer(9), at(0)).unwrap();
        guesses.failed(peer(9));
        let answered = (0..100).filter(|&n| guesses.allow(peer(n), at(1)).is_ok()).count();
        assert_eq!(answered, 4);
        assert_eq!(guesses.allow(peer(200), at(1)), Err(Denied::Busy));
        assert_eq!(guesses.handle_timeout(at(16)).len(), 4);
        assert_eq!((guesses.tries_left(), guesses.poll_timeout()), (0, None));
    }

    #[test]
    fn leaving_after_the_reply_counts_and_silence_counts_in_time() {
        let mut guesses = Guesses::default();
        guesses.allow(peer(1), at(0)).unwrap();
        guesses.allow(peer(2), at(5)).unwrap();
        assert_eq!(guesses.failed(peer(1)).tries_left, 4);
        assert_eq!(guesses.poll_timeout(), Some(at(20)));
        assert_eq!(guesses.handle_timeout(at(19)), []);
        assert_eq!(guesses.handle_timeout(at(20)), [peer(2)]);
        assert_eq!(guesses.tries_left(), 3);
    }

    #[test]
    fn a_right_guess_costs_nothing_and_a_stranger_cannot_fail() {
        let mut guesses = Guesses::default();
        guesses.allow(peer(1), at(0)).unwrap();
        guesses.confirmed(peer(1));
        guesses.failed(peer(1));
        guesses.failed(peer(2));
        assert_eq!((guesses.tries_left(), guesses.handle_timeout(at(99))), (MAX_GUESSES, vec![]));
    }

    #[test]
    fn a_second_hello_waits_for_the_first() {
        let mut guesses = Guesses::default();
        guesses.allow(peer(1), at(0)).unwrap();
        assert_eq!(guesses.allow(peer(1), at(1)), Err(Denied::Busy));
        guesses.failed(peer(1));
        assert_eq!(guesses.allow(peer(1), at(2)), Ok(()));
    }

    proptest! {
        #[test]
        fn whatever_happens_no_more_than_five_wrong_guesses_are_answered(
            steps in prop::collection::vec((0u8..4, 0u64..8, 0u64..10), 0..200),
        ) {
            let (mut guesses, mut now, mut answered, mut right) = (Guesses::default(), 0, 0, 0);
            for (step, who, wait) in steps {
                now += wait;
                match step {
                    0 | 1 => answered += u32::from(guesses.allow(peer(who), at(now)).is_ok()),
                    2 => _ = guesses.failed(peer(who)),
                    _ => {
                        let open = guesses.open.len();
                        guesses.confirmed(peer(who));
                        right += open - guesses.open.len();
                    }
                }
                guesses.handle_timeout(at(now));
                prop_assert!(answered as usize - right <= usize::from(MAX_GUESSES));
            }
        }
    }

    #[test]
    fn words_used_up_again_and_again_are_answered_ever_more_slowly() {
        let mut guesses = Guesses::default();
        let mut now = at(0);
        let mut waits = Vec::new();
        for round in 0..12u64 {
            let mut waited = 0;
            for guess in 0..u64::from(MAX_GUESSES) {
                while guesses.allow(peer(round * 10 + guess), now).is_err() {
                    now = now + Duration::from_secs(1);
                    waited += 1;
                }
                guesses.failed(peer(round * 10 + guess));
            }
            waits.push(waited);
            guesses.reset(now);
        }
        assert_eq!(waits, [0, 0, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]);
        now = now + Duration::from_secs(3_600);
        guesses.allow(peer(1), now).unwrap();
        guesses.confirmed(peer(1));
        guesses.reset(now);
        assert_eq!(guesses.allow(peer(2), now), Ok(()), "right words in between end the slowing");
    }
}
