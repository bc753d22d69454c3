//! Rounds of faults: two real terminals, a real server, a real Redis and a real relay, with bad weather between them and
//! kills at bytes that a seed chooses. What arrives must be what was sent, and nothing may be lost.
//!
//! Everything about a round follows from its number ([`plan`]), but for what the system's scheduler decides. Nothing here
//! looks at a clock to decide what happens: kills, restarts and partitions are due after so many bytes.

pub mod plan;
mod round;
mod site;
pub mod weather;

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

pub use round::Report;

/// Bytes that may travel again after a kill.
pub const MAX_RESENT: u64 = 64 << 20;

/// How a number of rounds went.
#[derive(Debug, Default)]
pub struct Tally {
    /// What each round that ended well tells, in the order of their ends.
    pub reports: Vec<Report>,
    /// Seeds of rounds that went wrong, and what was wrong.
    pub failed: Vec<(u64, String)>,
}

/// Runs `rounds` rounds, the first of which has the number `seed`, `side_by_side` at a time, each row in a thread of its
/// own with its own server, Redis and relay. `told` hears of each round as it ends.
pub fn run(
    seed: u64,
    rounds: u64,
    side_by_side: usize,
    told: impl Fn(u64, Result<&Report, &str>) + Sync,
) -> Tally {
    let (next, tally) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..side_by_side.max(1) {
            scope.spawn(|| row(seed, rounds, &next, &tally, &told));
        }
    });
    tally.into_inner().unwrap_or_default()
}

/// One round after the other, until all are taken.
fn row(
    seed: u64,
    rounds: u64,
    next: &AtomicU64,
    tally: &Mutex<Tally>,
    told: &(impl Fn(u64, Result<&Report, &str>) + Sync),
) {
    let mut site = None;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= rounds {
            return;
        }
        let seed = seed.wrapping_add(number);
        // A round that went wrong may leave anything behind, so the next one gets a new place.
        let here = site.take().unwrap_or_else(site::Site::new);
        let ended =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| here.round(&plan::Plan::of(seed))));
        let Ok(mut tally) = tally.lock() else { return };
        match ended {
            Ok((report, here)) => {
                told(seed, Ok(&report));
                tally.reports.push(report);
                site = Some(here);
            }
            Err(panic) => {
                let words = panic.downcast_ref::<String>().cloned();
                let words = words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()));
                let words = words.unwrap_or_default();
                told(seed, Err(&words));
                tally.failed.push((seed, words));
            }
        }
    }
}

/// Runs these rounds, one after the other. Panics when one goes wrong. Not inside of a runtime.
pub fn reports(plans: &[plan::Plan]) -> Vec<Report> {
    let mut site = site::Site::new();
    let mut reports = Vec::new();
    for plan in plans {
        let (report, here) = site.round(plan);
        reports.push(report);
        site = here;
    }
    reports
}

impl fmt::Display for Tally {
    /// What was done, and how much of it travelled again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |of: fn(&Report) -> u32| self.reports.iter().map(of).sum::<u32>();
        let mut resent: Vec<u64> =
            self.reports.iter().flat_map(|report| report.resent.iter().copied()).collect();
        resent.sort_unstable();
        let mebibytes = |bytes: Option<&u64>| bytes.map_or(0.0, |bytes| *bytes as f64 / 1_048_576.0);
        write!(
            f,
            "{} rounds: {} terminals killed, {} servers, {} stores, {} partitions; {} went on from what was there; \
             {} found no server and were started again; sent again after a kill: median {:.1} MiB, at most {:.1} MiB; {} failed",
            self.reports.len() + self.failed.len(),
            count(|report| report.terminals_killed),
            count(|report| report.servers_killed),
            count(|report| report.stores_killed),
            count(|report| report.partitions),
            count(|report| report.resumed),
            count(|report| report.gave_up),
            mebibytes(resent.get(resent.len() / 2)),
            mebibytes(resent.last()),
            self.failed.len(),
        )
    }
}

/// How to run one round again.
pub fn again(seed: u64) -> String {
    format!("cargo xtask faults --rounds 1 --seed {seed}")
}
