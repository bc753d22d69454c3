//! What happens in a round: all of it follows from the round's number.
//!
//! Pure. Numbers that follow each other make rounds that have nothing in common.

use privydrop_common::journal::MIN_TOTAL;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::weather::Weather;

const MIB: u64 = 1 << 20;
/// One round in so many moves a file that is larger than what may travel again after a kill.
const LARGE_EVERY: u64 = 25;

/// One round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The number that it follows from.
    pub seed: u64,
    /// Bytes of the file.
    pub size: u64,
    /// What happens to datagrams all the time.
    pub weather: Weather,
    /// What happens once, in order.
    pub faults: Vec<Fault>,
}

/// Something that happens once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Bytes that the terminals have received in this round when it happens.
    pub at: u64,
    /// What it is.
    pub what: What,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The receiver is killed, and started again at once.
    KillReceiver,
    /// The sender is killed. The receiver is stopped as by a person, for the sender makes another room; both start again.
    KillSender,
    /// Both are killed in the same moment, and start again.
    KillBoth,
    /// The server is killed, and started again after so many bytes more, or at once if nothing moves.
    KillServer(u64),
    /// The same with the store that it keeps rooms in, which forgets all of them.
    KillRedis(u64),
    /// So many datagrams are lost one after the other.
    Partition(u32),
}

impl Plan {
    /// The round of this number.
    pub fn of(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut below = |bound: u64| random.next_u64() % bound.max(1);
        let large = seed.is_multiple_of(LARGE_EVERY);
        let weather = match below(6) {
            _ if large => Weather::CLEAR,
            0 => Weather::RAIN,
            1 => Weather::WIND,
            2 => Weather::STORM,
            _ => Weather::CLEAR,
        };
        // Long paths with loss are slow, and so is this stack where much comes out of order.
        let size = match weather {
            _ if large => 80 * MIB + below(80 * MIB),
            Weather::CLEAR => 1 + below(24 * MIB),
            Weather::STORM => 1 + below(MIB / 16),
            // Now and then one of some pieces, so that there is something to go on from.
            _ if below(3) == 0 => MIN_TOTAL + below(4 * MIB),
            _ => 1 + below(MIB / 2),
        };
        let mut faults: Vec<Fault> = (0..=below(2))
            .map(|_| {
                // Also before the first byte and after the last one.
                let at = below(size + size / 8 + 20_000);
                let what = match below(8) {
                    0 | 1 => What::KillReceiver,
                    2 | 3 => What::KillSender,
                    4 => What::KillBoth,
                    5 => What::KillServer(below(size / 2)),
                    6 => What::KillRedis(below(size / 2)),
                    _ => What::Partition(u32::try_from(10 + below(120)).unwrap_or(10)),
                };
                Fault { at, what }
            })
            .collect();
        faults.sort_by_key(|fault| fault.at);
        Self { seed, size, weather, faults }
    }
}
