//! The program's clock and its one alarm.
//!
//! Never looks at wall time. The alarm wakes the session; it carries no data.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::time::Duration;

use privydrop_common::time::Moment;
use tokio::time::{Instant, Sleep, sleep_until};

/// Clock and alarm of one session.
pub(crate) struct Clock {
    start: Instant,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), alarm: None }
    }

    pub(crate) fn now(&self) -> Moment {
        Moment::from_millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Rings at `moment`, and not at the one asked for before. A moment past all reckoning never comes.
    pub(crate) fn wake_at(&mut self, moment: Moment) {
        let at = self.start.checked_add(Duration::from_millis(moment.as_millis()));
        match (&mut self.alarm, at) {
            (Some(alarm), Some(at)) => alarm.as_mut().reset(at),
            (alarm, at) => *alarm = at.map(|at| Box::pin(sleep_until(at))),
        }
    }

    /// Ready once when the moment asked for has come.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(alarm) = &mut self.alarm else { return Poll::Pending };
        let rung = alarm.as_mut().poll(cx);
        if rung.is_ready() {
            self.alarm = None;
        }
        rung
    }
}

#[cfg(test)]
mod tests {
    use core::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_alarm_rings_once_and_only_at_the_last_moment_asked_for() {
        let mut clock = Clock::new();
        clock.wake_at(Moment::from_millis(50));
        clock.wake_at(Moment::from_millis(u64::MAX));
        clock.wake_at(Moment::from_millis(70));
        poll_fn(|cx| clock.poll(cx)).await;
        assert_eq!(clock.now(), Moment::from_millis(70));
        let again = tokio::time::timeout(Duration::from_secs(3600), poll_fn(|cx| clock.poll(cx)));
        assert!(again.await.is_err());
    }
}
