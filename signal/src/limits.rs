//! How often an address may create, join and miss, and how fast a socket may talk.
//!
//! Token buckets, per IPv4 address or IPv6 /64, in this process. Time is passed in. Addresses never leave
//! [`Source`] and are never logged.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use dashmap::DashMap;
use privydrop_common::signaling::Refusal;
use privydrop_common::time::Moment;

use crate::refusal::Refused;

/// Sources that one kind of attempt keeps apart; past this, all others share one bucket.
const MAX_SOURCES: usize = 100_000;

/// Whose attempts are counted together: one IPv4 address, or one IPv6 /64, which one household can fill at will.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        })
    }
}

/// How fast a bucket fills, and how much it holds.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// Attempts that may be made at once.
    pub burst: NonZeroU32,
    /// Milliseconds after which one more attempt may be made.
    pub interval: u64,
}

impl Quota {
    /// `count` attempts a minute, all at once if need be.
    pub fn per_minute(count: NonZeroU32) -> Self {
        Self { burst: count, interval: (60_000 / u64::from(count.get())).max(1) }
    }

    /// `rate` attempts a second for long, `burst` at once.
    pub fn per_second(rate: NonZeroU32, burst: NonZeroU32) -> Self {
        Self { burst, interval: (1000 / u64::from(rate.get())).max(1) }
    }
}

/// The moment at which the bucket will be full again says all about its level.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bucket {
    full_at: u64,
}

impl Bucket {
    /// Milliseconds until an attempt may be made; zero when it may be made now.
    fn wait(self, quota: Quota, now: Moment) -> u64 {
        let missing = self.full_at.saturating_sub(now.as_millis());
        (missing + quota.interval).saturating_sub(u64::from(quota.burst.get()) * quota.interval)
    }

    /// Counts one attempt; false when it is one too many.
    pub fn take(&mut self, quota: Quota, now: Moment) -> bool {
        let allowed = self.wait(quota, now) == 0;
        if allowed {
            self.full_at = self.full_at.max(now.as_millis()) + quota.interval;
        }
        allowed
    }
}

/// The buckets of one kind of attempt.
#[derive(Debug)]
pub struct PerSource {
    quota: Quota,
    buckets: DashMap<Option<Source>, Bucket>,
}

impl PerSource {
    /// One bucket of this size for each source.
    pub fn new(quota: Quota) -> Self {
        Self { quota, buckets: DashMap::new() }
    }

    /// Counts one attempt.
    pub fn take(&self, source: Source, now: Moment) -> Result<(), Refused> {
        let key = self.key(source);
        let taken = self.buckets.entry(key).or_default().take(self.quota, now);
        if taken { Ok(()) } else { self.check(source, now) }
    }

    /// Whether an attempt could be made, without counting one.
    pub fn check(&self, source: Source, now: Moment) -> Result<(), Refused> {
        let key = self.key(source);
        let wait = self.buckets.get(&key).map_or(0, |bucket| bucket.wait(self.quota, now));
        if wait == 0 {
            return Ok(());
        }
        let seconds = u32::try_from(wait.div_ceil(1000)).unwrap_or(u32::MAX);
        Err(Refused { code: Refusal::RateLimited, retry_after: Some(seconds) })
    }

    /// Forgets sources whose bucket is full again. Called now and then.
    pub fn sweep(&self, now: Moment) {
        self.buckets.retain(|_, bucket| bucket.full_at > now.as_millis());
    }

    fn key(&self, source: Source) -> Option<Source> {
        let known = self.buckets.len() < MAX_SOURCES || self.buckets.contains_key(&Some(source));
        known.then_some(source)
    }
}

/// The limits that guard creating and finding rooms.
#[derive(Debug)]
pub struct Limits {
    /// Rooms made.
    pub creates: PerSource,
    /// Knocks.
    pub joins: PerSource,
    /// Rooms asked for that do not exist: what an enumeration needs.
    pub misses: PerSource,
}

impl Limits {
    /// Forgets idle sources in all buckets.
    pub fn sweep(&self, now: Moment) {
        for buckets in [&self.creates, &self.joins, &self.misses] {
            buckets.sweep(now);
        }
    }
}

impl std::fmt::Debug for Source {
    /// An address leads to a person, so it stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Source(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        text.parse::<IpAddr>().unwrap().into()
    }

    fn at(millis: u64) -> Moment {
        Moment::from_millis(millis)
    }

    #[test]
    fn a_household_cannot_escape_its_bucket_by_rotating_within_its_prefix() {
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::9"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("::ffff:192.0.2.7"), source("192.0.2.7"));
    }

    #[test]
    fn the_burst_is_free_and_the_next_attempt_is_told_when_to_come_back() {
        let buckets = PerSource::new(Quota::per_minute(NonZeroU32::new(3).unwrap()));
        for _ in 0..3 {
            assert!(buckets.take(source("192.0.2.1"), at(5)).is_ok());
        }
        let refused = buckets.take(source("192.0.2.1"), at(5)).unwrap_err();
        assert_eq!(refused.retry_after, Some(20));
        assert!(buckets.take(source("192.0.2.2"), at(5)).is_ok(), "another address is not punished");
        assert!(buckets.take(source("192.0.2.1"), at(20_005)).is_ok());
        assert!(buckets.take(source("192.0.2.1"), at(20_005)).is_err());
    }

    #[test]
    fn looking_at_a_bucket_takes_nothing_from_it() {
        let buckets = PerSource::new(Quota::per_minute(NonZeroU32::new(1).unwrap()));
        for _ in 0..3 {
            assert!(buckets.check(source("192.0.2.1"), at(0)).is_ok());
        }
        assert!(buckets.take(source("192.0.2.1"), at(0)).is_ok());
        assert!(buckets.check(source("192.0.2.1"), at(0)).is_err());
    }

    #[test]
    fn a_socket_may_burst_and_then_keeps_its_rate() {
        let quota = Quota::per_second(NonZeroU32::new(20).unwrap(), NonZeroU32::new(60).unwrap());
        let mut bucket = Bucket::default();
        let taken = (0..100).filter(|_| bucket.take(quota, at(0))).count();
        let later = (0..100).filter(|_| bucket.take(quota, at(1000))).count();
        assert_eq!((taken, later), (60, 20));
    }

    #[test]
    fn idle_sources_are_forgotten() {
        let buckets = PerSource::new(Quota::per_minute(NonZeroU32::new(1).unwrap()));
        assert!(buckets.take(source("192.0.2.1"), at(0)).is_ok());
        buckets.sweep(at(59_999));
        assert_eq!(buckets.buckets.len(), 1);
        buckets.sweep(at(60_000));
        assert_eq!(buckets.buckets.len(), 0);
    }
}
