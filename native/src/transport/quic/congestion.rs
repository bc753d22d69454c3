//! Which congestion control a path gets: CUBIC where it is short, BBR where it is long.
//!
//! Over a long path each loss takes from CUBIC what it needs many round trips to win back; over a short one BBR knows
//! the round trip too badly to fill it. Decides once for each path, by its first acknowledgements.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn_proto::RttEstimator;
use quinn_proto::congestion::{BbrConfig, Controller, ControllerFactory, CubicConfig};

/// Shortest round trip of a path that is long.
const LONG: Duration = Duration::from_millis(5);
/// Acknowledged packets that it is told by. The fastest of them counts: others were acknowledged late.
const LOOKS: u32 = 32;

/// Makes one controller for each path.
#[derive(Debug, Default)]
pub(super) struct ByLength;

impl ControllerFactory for ByLength {
    fn build(self: Arc<Self>, now: Instant, mtu: u16) -> Box<dyn Controller> {
        let inner = Arc::new(CubicConfig::default()).build(now, mtu);
        Box::new(Chosen { inner, mtu, looks: 0, fastest: Duration::MAX })
    }
}

/// The one in charge, and what is known until it is decided.
struct Chosen {
    inner: Box<dyn Controller>,
    mtu: u16,
    looks: u32,
    fastest: Duration,
}

impl Chosen {
    /// A packet was acknowledged after so long.
    fn look(&mut self, now: Instant, took: Duration) {
        if self.looks == LOOKS {
            return;
        }
        self.looks += 1;
        self.fastest = self.fastest.min(took);
        if self.looks == LOOKS && self.fastest >= LONG {
            self.inner = Arc::new(BbrConfig::default()).build(now, self.mtu);
        }
    }
}

impl Controller for Chosen {
    fn on_sent(&mut self, now: Instant, bytes: u64, last_packet_number: u64) {
        self.inner.on_sent(now, bytes, last_packet_number);
    }

    fn on_ack(&mut self, now: Instant, sent: Instant, bytes: u64, app_limited: bool, rtt: &RttEstimator) {
        self.look(now, now.saturating_duration_since(sent));
        self.inner.on_ack(now, sent, bytes, app_limited, rtt);
    }

    fn on_end_acks(&mut self, now: Instant, in_flight: u64, app_limited: bool, largest: Option<u64>) {
        self.inner.on_end_acks(now, in_flight, app_limited, largest);
    }

    fn on_congestion_event(&mut self, now: Instant, sent: Instant, is_persistent: bool, lost_bytes: u64) {
        self.inner.on_congestion_event(now, sent, is_persistent, lost_bytes);
    }

    fn on_mtu_update(&mut self, mtu: u16) {
        self.mtu = mtu;
        self.inner.on_mtu_update(mtu);
    }

    fn window(&self) -> u64 {
        self.inner.window()
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(Self { inner: self.inner.clone_box(), ..*self })
    }

    fn initial_window(&self) -> u64 {
        self.inner.initial_window()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self.inner.into_any()
    }
}

#[cfg(test)]
mod tests {
    use quinn_proto::congestion::{Bbr, Cubic};

    use super::*;

    /// Who is in charge of a path whose packets are acknowledged after so long each, and later after `late`.
    fn in_charge(first: &[Duration], late: Duration) -> Box<dyn Any> {
        let now = Instant::now();
        let inner = Arc::new(CubicConfig::default()).build(now, 1_200);
        let mut chosen = Chosen { inner, mtu: 1_200, looks: 0, fastest: Duration::MAX };
        first.iter().for_each(|took| chosen.look(now, *took));
        (0..2 * LOOKS).for_each(|_| chosen.look(now, late));
        Box::new(chosen).into_any()
    }

    #[test]
    fn a_long_path_gets_bbr_and_a_short_one_cubic_also_when_something_was_late_there() {
        let (short, long) = (Duration::from_micros(300), Duration::from_millis(20));
        assert!(in_charge(&[], long).is::<Bbr>());
        assert!(in_charge(&[], short).is::<Cubic>());
        assert!(in_charge(&[long, short], long).is::<Cubic>());
        assert!(in_charge(&[long; LOOKS as usize], short).is::<Bbr>(), "it is decided once");
    }
}
