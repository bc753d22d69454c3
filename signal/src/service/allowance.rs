//! How often a client may try: this node's own buckets first, then those that all nodes share.
//!
//! A flood is refused here without asking the store; when the store is away, this node's count alone decides.

use std::sync::atomic::Ordering;

use super::{Client, Service};
use crate::limits::{PerSource, Source, too_many};
use crate::refusal::Refused;

/// KiB that a socket takes in advance, of a large enough bucket.
const ADVANCE: u32 = 64;

impl Service {
    /// Counts one attempt of `taken`, if an attempt of each of `looked` would be allowed too.
    pub(super) async fn allow(
        &self,
        source: Source,
        taken: &PerSource,
        looked: &[&PerSource],
    ) -> Result<(), Refused> {
        let now = self.uptime();
        for buckets in looked {
            buckets.check(source, now)?;
        }
        taken.take(source, now)?;
        let draws: Vec<_> = looked.iter().map(|buckets| buckets.draw(0)).chain([taken.draw(1)]).collect();
        match self.timed(self.store.draw(&self.limits.holder(source), &draws)).await {
            Ok(wait) if wait.is_zero() => Ok(()),
            Ok(wait) => Err(too_many(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX))),
            Err(_) => {
                self.metrics.limits_alone.inc();
                Ok(())
            }
        }
    }

    /// Counts relayed characters: on this node only, because asking the store for each would cost more than the
    /// relay. A socket takes some in advance, so that all of one source do not meet at its bucket for each message.
    pub(super) fn allow_relay(&self, client: &Client, characters: usize) -> Result<(), Refused> {
        let kib = u32::try_from(characters.div_ceil(1024)).unwrap_or(u32::MAX);
        let prepaid = client.prepaid.load(Ordering::Relaxed);
        if let Some(rest) = prepaid.checked_sub(kib) {
            client.prepaid.store(rest, Ordering::Relaxed);
            return Ok(());
        }
        let buckets = &self.limits.relayed;
        let advance = ADVANCE.min(buckets.burst() / 16);
        buckets.take_many(client.source, (kib - prepaid).saturating_add(advance), self.uptime())?;
        client.prepaid.store(advance, Ordering::Relaxed);
        Ok(())
    }
}
