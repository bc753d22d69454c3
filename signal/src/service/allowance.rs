//! How often a client may try: this node's own buckets first, then those that all nodes share.
//!
//! A flood is refused here without asking the store; when the store is away, this node's count alone decides.

use std::sync::atomic::Ordering;

use super::{Client, Service};
use crate::limits::{PerSource, Source, too_many};
use crate::refusal::Refused;
use crate::store::Draw;

/// KiB that a socket takes in advance, of a large enough bucket.
const ADVANCE: u32 = 64;

impl Service {
    /// Counts one attempt.
    pub(super) async fn allow(&self, source: Source, taken: &PerSource) -> Result<(), Refused> {
        taken.take(source, self.uptime())?;
        self.draw(source, &[taken.draw(1)]).await
    }

    /// Counts one attempt that may turn out to be a guess.
    pub(super) async fn allow_guess(&self, source: Source, taken: &PerSource) -> Result<Guess<'_>, Refused> {
        let misses = &self.limits.misses;
        misses.take(source, self.uptime())?;
        let guess = Guess { service: self, source, has_missed: false };
        taken.take(source, self.uptime())?;
        self.draw(source, &[misses.draw(0), taken.draw(1)]).await?;
        Ok(guess)
    }

    async fn draw(&self, source: Source, draws: &[Draw]) -> Result<(), Refused> {
        match self.timed(self.store.draw(&self.limits.holder(source), draws)).await {
            Ok(wait) if wait.is_zero() => Ok(()),
            Ok(wait) => Err(too_many(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX))),
            Err(_) => {
                self.metrics.limits_alone.inc();
                Ok(())
            }
        }
    }

    /// Counts relayed characters. A socket takes some in advance: asking the store for each message would cost more than the
    /// relay, and all of one source would meet at its bucket.
    pub(super) async fn allow_relay(&self, client: &Client, characters: usize) -> Result<(), Refused> {
        let kib = u32::try_from(characters.div_ceil(1024)).unwrap_or(u32::MAX);
        let prepaid = client.prepaid.load(Ordering::Relaxed);
        if let Some(rest) = prepaid.checked_sub(kib) {
            client.prepaid.store(rest, Ordering::Relaxed);
            return Ok(());
        }
        let buckets = &self.limits.relayed;
        let advance = ADVANCE.min(buckets.burst() / 16);
        let taken = (kib - prepaid).saturating_add(advance);
        buckets.take_many(client.source, taken, self.uptime())?;
        self.draw(client.source, &[buckets.draw(taken)]).await?;
        client.prepaid.store(advance, Ordering::Relaxed);
        Ok(())
    }
}

/// An attempt that is counted as a miss here until it is known to be none: so many at once are no more than one by one. Among
/// all nodes it counts only when it has missed, or each would ask the store once more.
pub(super) struct Guess<'a> {
    service: &'a Service,
    source: Source,
    has_missed: bool,
}

impl Guess<'_> {
    /// There is no such thing.
    pub(super) async fn missed(mut self) -> Result<(), Refused> {
        self.has_missed = true;
        self.service.draw(self.source, &[self.service.limits.misses.draw(1)]).await
    }
}

impl Drop for Guess<'_> {
    fn drop(&mut self) {
        if !self.has_missed {
            self.service.limits.misses.give_back(self.source);
        }
    }
}
