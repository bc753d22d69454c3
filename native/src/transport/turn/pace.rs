//! How fast datagrams go to a TURN server: no faster than one can take them that holds some fifty of them.
//!
//! A relay reads each client's datagrams from a socket with a small buffer (coturn: 64 KiB, which its system counts with
//! all that a datagram takes), and each one that is lost there costs a link up to a second. Looks at lengths only.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Bytes that may go at once.
const AT_ONCE: usize = 24 * 1024;
/// Bytes that may go in each [`TICK`]: 16 MiB a second.
const EACH_TICK: usize = 16 * 1024;
/// No timer is finer.
const TICK: Duration = Duration::from_millis(1);

/// Lets so many bytes pass, and makes whatever comes too early wait.
#[derive(Debug)]
pub(super) struct Pace {
    left: usize,
    since: Instant,
    wait: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { left: AT_ONCE, since: Instant::now(), wait: None }
    }

    /// Ready once a datagram of `length` bytes may go; it is taken for sent then.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, length: usize) -> Poll<()> {
        loop {
            if let Some(wait) = &mut self.wait {
                ready!(wait.as_mut().poll(cx));
                self.wait = None;
            }
            self.refill(Instant::now());
            // One that is longer than all that may go at once goes alone.
            if self.left >= length.min(AT_ONCE) {
                self.left = self.left.saturating_sub(length);
                return Poll::Ready(());
            }
            self.wait = Some(Box::pin(sleep_until(self.since + TICK)));
        }
    }

    fn refill(&mut self, now: Instant) {
        let ticks = (now - self.since).as_micros() / TICK.as_micros();
        let ticks = u32::try_from(ticks).unwrap_or(u32::MAX);
        self.since += TICK * ticks;
        let more = EACH_TICK.saturating_mul(usize::try_from(ticks).unwrap_or(usize::MAX));
        self.left = self.left.saturating_add(more).min(AT_ONCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_more_than_a_relay_holds_goes_at_once_and_all_goes_in_time() {
        let (mut pace, start) = (Pace::new(), Instant::now());
        let mut sent_at = Vec::new();
        for _ in 0..2_000 {
            std::future::poll_fn(|cx| pace.poll(cx, 1_200)).await;
            sent_at.push((Instant::now() - start).as_millis());
        }
        assert_eq!(sent_at.iter().filter(|at| **at == 0).count(), AT_ONCE / 1_200);
        let busiest = sent_at.chunk_by(|a, b| a == b).map(<[_]>::len).max();
        assert!(busiest <= Some(AT_ONCE / 1_200), "{busiest:?}");
        assert!((140..160).contains(sent_at.last().unwrap_or(&0)), "2.4 MB in {:?} ms", sent_at.last());
    }

    #[tokio::test(start_paused = true)]
    async fn a_datagram_longer_than_all_that_may_go_at_once_goes_alone() {
        let (mut pace, start) = (Pace::new(), Instant::now());
        for _ in 0..2 {
            std::future::poll_fn(|cx| pace.poll(cx, 60_000)).await;
        }
        assert_eq!(start.elapsed(), 2 * TICK);
    }
}
