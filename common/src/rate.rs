//! Speed and time left, from how many bytes were done when.
//!
//! Looks back some seconds, so that one slow or fast moment does not make the number jump.

use std::collections::VecDeque;
use std::time::Duration;

use crate::api::Progress;
use crate::time::Moment;

/// How far back the average looks.
const SPAN: Duration = Duration::from_secs(4);
/// Samples closer together than this are merged, which bounds their number.
const SPACING: Duration = Duration::from_millis(250);

/// Bytes done over the last seconds of one transfer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rate {
    samples: VecDeque<(Moment, u64)>,
}

impl Rate {
    /// Notes that `done` bytes are done now.
    pub(crate) fn note(&mut self, done: u64, now: Moment) {
        while self.samples.len() > 1 && self.samples.front().is_some_and(|(at, _)| now - *at > SPAN) {
            self.samples.pop_front();
        }
        // The newest sample moves along until it is far enough from the one before it.
        let newest = self.samples.len().wrapping_sub(1);
        let close = |(a, b): (&(Moment, u64), &(Moment, u64))| b.0 - a.0 < SPACING;
        if self.samples.get(newest.wrapping_sub(1)).zip(self.samples.get(newest)).is_some_and(close) {
            self.samples.pop_back();
        }
        self.samples.push_back((now, done));
    }

    /// Forgets the past, as after a pause.
    pub(crate) fn restart(&mut self) {
        self.samples.clear();
    }

    /// The facts to show.
    pub(crate) fn progress(&self, done: u64, total: u64, now: Moment) -> Progress {
        let speed = self.samples.front().map_or(0, |(at, bytes)| {
            let milliseconds = u64::try_from((now - *at).as_millis()).unwrap_or(u64::MAX);
            done.saturating_sub(*bytes).saturating_mul(1_000) / milliseconds.max(1)
        });
        let seconds_left = (speed > 0).then(|| total.saturating_sub(done).div_ceil(speed.max(1)));
        Progress { done, total, speed, seconds_left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_flow_shows_its_speed_and_the_time_left() {
        let mut rate = Rate::default();
        for tick in 0..100u64 {
            rate.note(tick * 1_000, Moment::from_millis(tick * 100));
        }
        let progress = rate.progress(99_000, 199_000, Moment::from_millis(9_900));
        assert_eq!((progress.speed, progress.seconds_left), (10_000, Some(10)));
        assert!(rate.samples.len() < 20);
    }

    #[test]
    fn nothing_moving_has_no_time_left() {
        let progress = Rate::default().progress(0, 100, Moment::from_millis(5));
        assert_eq!((progress.speed, progress.seconds_left), (0, None));
    }
}
