//! How often a peer's calls are answered. Each answer makes a connection, before the caller has proved anything.
//!
//! Counts only; who is called back, and how, is decided in `linking`. Guessed words have their own account.

use std::time::Duration;

use crate::time::Moment;

/// So many at once; an honest caller's last one is the only one that counts.
const AT_ONCE: u32 = 6;
/// After that, one in this time. The caller sends its call again by itself.
const EVERY: Duration = Duration::from_secs(2);

/// The account of one peer.
#[derive(Debug, Default)]
pub(super) struct Calls {
    answered: u32,
    since: Moment,
}

impl Calls {
    /// True when one more is to be answered, which counts it.
    pub(super) fn take(&mut self, now: Moment) -> bool {
        while self.answered > 0 && now - self.since >= EVERY {
            self.answered -= 1;
            self.since = self.since + EVERY;
        }
        if self.answered == 0 {
            self.since = now;
        }
        let may = self.answered < AT_ONCE;
        self.answered += u32::from(may);
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_calls_are_answered_at_once_and_then_one_every_two_seconds() {
        let (mut calls, at) =
            (Calls::default(), |seconds: u64| Moment::from_millis(1_000_000 + seconds * 1000));
        assert_eq!((0..20).filter(|_| calls.take(at(0))).count(), 6);
        assert_eq!([1, 2, 2, 3, 4].map(|second| calls.take(at(second))), [false, true, false, false, true]);
        assert_eq!((0..20).filter(|_| calls.take(at(60))).count(), 6);
    }
}
