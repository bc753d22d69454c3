//! What time it is: since this node's start, and for all nodes together.
//!
//! A node's own clock may be wrong, and may be set while it runs. Nothing that nodes tell each other about depends on it:
//! they share the store's. Read now and then, it goes on by this node's count of seconds in between. Pure, but for that count.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use privydrop_common::time::Moment;

/// A reading that took longer says too little, unless it is the first.
const PROMPT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    /// By how many milliseconds the store's time is ahead of the uptime.
    ahead: AtomicU64,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { started: Instant::now(), ahead: AtomicU64::new(0) }
    }

    /// Time since the start, for what concerns this node alone.
    pub(super) fn uptime(&self) -> Moment {
        Moment::default() + self.started.elapsed()
    }

    /// The time that all nodes share, for what stands in a room's record.
    pub(super) fn shared(&self) -> Moment {
        self.uptime() + Duration::from_millis(self.ahead.load(Ordering::Relaxed))
    }

    /// The store, asked at `asked` of the uptime, said this.
    pub(super) fn set(&self, asked: Moment, said: Moment) {
        let now = self.uptime();
        if now - asked < PROMPT || self.ahead.load(Ordering::Relaxed) == 0 {
            let ahead = said.as_millis().saturating_sub(now.as_millis());
            self.ahead.store(ahead, Ordering::Relaxed);
        }
    }

    /// The time of the world, which a relay compares a credential's with, and by which tickets end. Both last so long that minutes do not
    /// matter.
    pub(super) fn world() -> Moment {
        Moment::default() + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_time_goes_on_from_the_last_reading_that_did_not_take_long() {
        let clock =
            Clock { started: Instant::now().checked_sub(Duration::from_secs(60)).unwrap(), ..Clock::start() };
        let (now, long_ago) = (clock.uptime(), Moment::from_millis(1_000));
        clock.set(long_ago, Moment::from_millis(5_000_000));
        assert!(clock.shared() >= Moment::from_millis(5_000_000), "the first one counts in any case");
        clock.set(long_ago, Moment::from_millis(9_000_000));
        assert!(clock.shared() < Moment::from_millis(9_000_000));
        clock.set(now, Moment::from_millis(7_000_000));
        assert!(clock.shared() >= Moment::from_millis(7_000_000));
    }
}
