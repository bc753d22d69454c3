//! How often something is put up with from others: some at once, and then one in each span of time.
//!
//! Counts only; what is counted, and what follows when it is too much, is said where it is used.

use std::time::Duration;

use crate::signaling::Limits;
use crate::time::Moment;

/// A peer's calls that are answered. Each answer makes a connection, before the caller has proved anything; an honest
/// caller's last call is the only one that counts, and it is sent again by itself.
pub(super) const CALLS: Allowance = Allowance::new(6, Duration::from_secs(2));

/// Letters that fit nothing here. Honest ones come when a member sends again what had arrived, or what belongs to a link that
/// this side gave up: some to each link, all at once when a device begins anew.
pub(super) const STRAY_LETTERS: Allowance = Allowance::new(256, Duration::from_millis(250));

/// Letters before the server has said how many it takes.
pub(super) const LETTERS: Allowance = Allowance::new(30, Duration::from_millis(70));

/// An account.
#[derive(Debug, Clone)]
pub(super) struct Allowance {
    at_once: u32,
    every: Duration,
    used: u32,
    since: Moment,
}

impl Allowance {
    /// Letters that a server takes: half of what it takes at once and three quarters of what it takes for long. The rest is
    /// for other messages, and for a network that brings late what was sent in time.
    pub(super) fn of_letters(limits: &Limits) -> Self {
        // Moments are whole milliseconds.
        let every = 4_000 / limits.rate.max(1).saturating_mul(3) + 1;
        Self::new(limits.burst.div_ceil(2), Duration::from_millis(every.into()))
    }

    const fn new(at_once: u32, every: Duration) -> Self {
        Self { at_once, every, used: 0, since: Moment::from_millis(0) }
    }

    /// When one more is within bounds again.
    pub(super) fn next(&self) -> Moment {
        self.since + self.every
    }

    /// True when one more is within bounds, which counts it.
    pub(super) fn take(&mut self, now: Moment) -> bool {
        while self.used > 0 && now - self.since >= self.every {
            self.used -= 1;
            self.since = self.since + self.every;
        }
        if self.used == 0 {
            self.since = now;
        }
        let may = self.used < self.at_once;
        self.used += u32::from(may);
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_calls_are_answered_at_once_and_then_one_every_two_seconds() {
        let (mut calls, at) = (CALLS, |seconds: u64| Moment::from_millis(1_000_000 + seconds * 1000));
        assert_eq!((0..20).filter(|_| calls.take(at(0))).count(), 6);
        assert_eq!([1, 2, 2, 3, 4].map(|second| calls.take(at(second))), [false, true, false, false, true]);
        assert_eq!((0..20).filter(|_| calls.take(at(60))).count(), 6);
    }
}
