//! How often an address may create, join and miss, and how fast a socket may talk.
//!
//! Token buckets, per IPv4 address or IPv6 /64, in this process; what all nodes count together is the store's
//! ([`crate::store::Store::draw`]), under a name that only the nodes can tell from an address. Time is passed in.
//! Addresses never leave [`Source`] and are never logged.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use dashmap::DashMap;
use hmac::{Hmac, KeyInit, Mac};
use privydrop_common::signaling::Refusal;
use privydrop_common::time::Moment;
use sha2::Sha256;

use crate::refusal::Refused;
use crate::store::{Draw, Holder};

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
    /// Microseconds after which one more attempt may be made.
    pub interval: u64,
}

impl Quota {
    /// `count` attempts a minute, all at once if need be.
    pub fn per_minute(count: NonZeroU32) -> Self {
        Self { burst: count, interval: (60_000_000 / u64::from(count.get())).max(1) }
    }

    /// `rate` attempts a second for long, `burst` at once.
    pub fn per_second(rate: NonZeroU32, burst: NonZeroU32) -> Self {
        Self { burst, interval: (1_000_000 / u64::from(rate.get())).max(1) }
    }
}

/// The moment at which the bucket will be full again says all about its level.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bucket {
    full_at: u64,
}

impl Bucket {
    /// Microseconds until so many tokens may be taken; zero when they may be taken now.
    fn wait(self, quota: Quota, tokens: u32, now: Moment) -> u64 {
        let missing = self.full_at.saturating_sub(micros(now));
        (missing + quota.interval * u64::from(tokens))
            .saturating_sub(u64::from(quota.burst.get()) * quota.interval)
    }

    /// Counts one attempt; false when it is one too many.
    pub fn take(&mut self, quota: Quota, now: Moment) -> bool {
        self.take_many(quota, 1, now)
    }

    /// Undoes [`Bucket::take`].
    fn give_back(&mut self, quota: Quota) {
        self.full_at = self.full_at.saturating_sub(quota.interval);
    }

    fn take_many(&mut self, quota: Quota, tokens: u32, now: Moment) -> bool {
        let allowed = self.wait(quota, tokens, now) == 0;
        if allowed {
            self.full_at = self.full_at.max(micros(now)) + quota.interval * u64::from(tokens);
        }
        allowed
    }
}

fn micros(now: Moment) -> u64 {
    now.as_millis().saturating_mul(1000)
}

/// The buckets of one kind of attempt.
#[derive(Debug)]
pub struct PerSource {
    name: &'static str,
    quota: Quota,
    buckets: DashMap<Option<Source>, Bucket>,
}

impl PerSource {
    /// One bucket of this size for each source.
    pub fn new(name: &'static str, quota: Quota) -> Self {
        Self { name, quota, buckets: DashMap::new() }
    }

    /// Counts one attempt.
    pub fn take(&self, source: Source, now: Moment) -> Result<(), Refused> {
        self.take_many(source, 1, now)
    }

    /// Counts so many at once.
    pub fn take_many(&self, source: Source, tokens: u32, now: Moment) -> Result<(), Refused> {
        let mut bucket = self.buckets.entry(self.key(source)).or_default();
        if bucket.take_many(self.quota, tokens, now) {
            return Ok(());
        }
        Err(too_many(bucket.wait(self.quota, tokens, now)))
    }

    /// The attempt that was counted last does not count.
    pub fn give_back(&self, source: Source) {
        if let Some(mut bucket) = self.buckets.get_mut(&self.key(source)) {
            bucket.give_back(self.quota);
        }
    }

    /// What each bucket holds.
    pub fn burst(&self) -> u32 {
        self.quota.burst.get()
    }

    /// What to take from the bucket that all nodes share.
    pub fn draw(&self, tokens: u32) -> Draw {
        Draw { bucket: self.name, quota: self.quota, tokens }
    }

    /// Forgets sources whose bucket is full again. Called now and then.
    pub fn sweep(&self, now: Moment) {
        self.buckets.retain(|_, bucket| bucket.full_at > micros(now));
    }

    fn key(&self, source: Source) -> Option<Source> {
        let known = self.buckets.len() < MAX_SOURCES || self.buckets.contains_key(&Some(source));
        known.then_some(source)
    }
}

/// Too many attempts; after so many microseconds one may be made.
pub fn too_many(wait: u64) -> Refused {
    let seconds = u32::try_from(wait.div_ceil(1_000_000)).unwrap_or(u32::MAX).max(1);
    Refused { code: Refusal::RateLimited, retry_after: Some(seconds) }
}

/// How many sockets each source has open.
#[derive(Debug)]
pub struct OpenSockets {
    most: u32,
    counts: DashMap<Source, u32>,
}

impl OpenSockets {
    /// At most so many of one source.
    pub fn new(most: NonZeroU32) -> Self {
        Self { most: most.get(), counts: DashMap::new() }
    }

    /// One more; false when it is one too many.
    pub fn open(&self, source: Source) -> bool {
        let mut count = self.counts.entry(source).or_default();
        let allowed = *count < self.most;
        *count += u32::from(allowed);
        allowed
    }

    /// One less.
    pub fn close(&self, source: Source) {
        self.counts.remove_if_mut(&source, |_, count| {
            *count = count.saturating_sub(1);
            *count == 0
        });
    }
}

/// The limits that guard creating and finding rooms, and what one source may keep busy.
pub struct Limits {
    /// Rooms made.
    pub creates: PerSource,
    /// Knocks.
    pub joins: PerSource,
    /// Rooms asked for that do not exist: what an enumeration needs.
    pub misses: PerSource,
    /// KiB relayed, on this node.
    pub relayed: PerSource,
    /// Sockets, on this node.
    pub sockets: OpenSockets,
    names: Hmac<Sha256>,
}

impl Limits {
    /// One bucket of each of these sizes for each source. `key` is secret and the same on all nodes.
    pub fn new(
        [creates, joins, misses, relayed]: [Quota; 4],
        sockets: NonZeroU32,
        key: &[u8],
    ) -> Option<Self> {
        let mut names = Hmac::<Sha256>::new_from_slice(key).ok()?;
        names.update(b"privydrop limits 1");
        Some(Self {
            creates: PerSource::new("create", creates),
            joins: PerSource::new("join", joins),
            misses: PerSource::new("miss", misses),
            relayed: PerSource::new("relay", relayed),
            sockets: OpenSockets::new(sockets),
            names,
        })
    }

    /// The name under which all nodes count what this source does; no address can be read from it.
    pub fn holder(&self, source: Source) -> Holder {
        Holder(self.name(source, b""))
    }

    /// The name under which relays count what this source does: another one, for it is told to clients.
    pub fn relay_user(&self, source: Source) -> u64 {
        u64::from_be_bytes(self.name(source, b"relay"))
    }

    fn name<const LENGTH: usize>(&self, Source(address): Source, purpose: &[u8]) -> [u8; LENGTH] {
        let mac = match address {
            IpAddr::V4(v4) => self.names.clone().chain_update(v4.octets()),
            IpAddr::V6(v6) => self.names.clone().chain_update(v6.octets()),
        };
        let bytes = mac.chain_update(purpose).finalize().into_bytes();
        std::array::from_fn(|index| bytes[index])
    }

    /// Forgets idle sources in all buckets.
    pub fn sweep(&self, now: Moment) {
        for buckets in [&self.creates, &self.joins, &self.misses, &self.relayed] {
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
        let buckets = PerSource::new("test", Quota::per_minute(NonZeroU32::new(3).unwrap()));
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
    fn an_attempt_that_does_not_count_may_be_made_again_and_no_more_than_that() {
        let buckets = PerSource::new("test", Quota::per_minute(NonZeroU32::new(2).unwrap()));
        let take = || buckets.take(source("192.0.2.1"), at(0)).is_ok();
        assert!(take() && take() && !take());
        buckets.give_back(source("192.0.2.1"));
        assert!(take() && !take());
        buckets.give_back(source("192.0.2.2"));
        assert!(!take());
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
    fn many_tokens_at_once_are_given_or_refused_as_a_whole() {
        let buckets = PerSource::new("test", Quota::per_minute(NonZeroU32::new(60_000).unwrap()));
        assert!(buckets.take_many(source("192.0.2.1"), 50_000, at(0)).is_ok());
        let refused = buckets.take_many(source("192.0.2.1"), 20_000, at(0)).unwrap_err();
        assert_eq!(refused.retry_after, Some(10));
        assert!(buckets.take_many(source("192.0.2.1"), 10_000, at(0)).is_ok());
    }

    #[test]
    fn a_source_that_closes_a_socket_may_open_another() {
        let sockets = OpenSockets::new(NonZeroU32::new(2).unwrap());
        let [one, other] = [source("192.0.2.1"), source("192.0.2.2")];
        assert!(sockets.open(one) && sockets.open(one) && !sockets.open(one) && sockets.open(other));
        sockets.close(one);
        assert!(sockets.open(one));
        for source in [one, one, other] {
            sockets.close(source);
        }
        assert!(sockets.counts.is_empty());
    }

    #[test]
    fn the_name_that_nodes_share_is_the_same_for_a_household_and_tells_nothing_without_the_key() {
        let limits = |key| {
            let quota = Quota::per_minute(NonZeroU32::MIN);
            Limits::new([quota; 4], NonZeroU32::MIN, key).unwrap()
        };
        let name = |key, address| limits(key).holder(source(address));
        assert_eq!(name(b"key", "2001:db8::1"), name(b"key", "2001:db8::2"));
        assert_ne!(name(b"key", "2001:db8::1"), name(b"key", "2001:db8:1::1"));
        assert_ne!(name(b"key", "2001:db8::1"), name(b"other", "2001:db8::1"));
    }

    #[test]
    fn idle_sources_are_forgotten() {
        let buckets = PerSource::new("test", Quota::per_minute(NonZeroU32::new(1).unwrap()));
        assert!(buckets.take(source("192.0.2.1"), at(0)).is_ok());
        buckets.sweep(at(59_999));
        assert_eq!(buckets.buckets.len(), 1);
        buckets.sweep(at(60_000));
        assert_eq!(buckets.buckets.len(), 0);
    }
}
