//! Rounds of faults between real programs, a number of them that a person can wait for. `cargo xtask faults` does more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use privydrop_e2e::faults::plan::{Fault, Plan, What};
use privydrop_e2e::faults::weather::Weather;
use privydrop_e2e::faults::{self, MAX_RESENT};

/// Rounds at every run of the tests.
const ROUNDS: u64 = 7;
/// Where they begin.
const SEED: u64 = 1;
/// Rounds whose plans are looked at.
const PLANS: u64 = 100;

#[test]
fn whatever_is_killed_and_lost_on_the_way_the_file_arrives_once_and_right() {
    let tally = faults::run(SEED, ROUNDS, 4, |seed, ended| {
        if let Err(wrong) = ended {
            println!("{:#?}\n{wrong}\nagain: {}", Plan::of(seed), faults::again(seed));
        }
    });
    println!("{tally}");
    assert!(tally.failed.is_empty(), "{:#?}", tally.failed);
    let reports = &tally.reports;
    assert_eq!(reports.len() as u64, ROUNDS);
    // What the rounds are for did happen.
    assert!(reports.iter().map(|report| report.terminals_killed).sum::<u32>() > 0);
    assert!(reports.iter().any(|report| report.servers_killed > 0));
    assert!(reports.iter().any(|report| report.stores_killed > 0));
    assert!(reports.iter().any(|report| report.resumed > 0));
}

#[test]
fn a_number_always_means_the_same_round_and_every_fault_occurs_soon() {
    let plans: Vec<Plan> = (0..PLANS).map(Plan::of).collect();
    assert_eq!(plans, (0..PLANS).map(Plan::of).collect::<Vec<_>>());
    let faults: Vec<Fault> = plans.iter().flat_map(|plan| plan.faults.clone()).collect();
    let kinds: [fn(&What) -> bool; 6] = [
        |what| matches!(what, What::KillReceiver),
        |what| matches!(what, What::KillSender),
        |what| matches!(what, What::KillBoth),
        |what| matches!(what, What::KillServer(_)),
        |what| matches!(what, What::KillRedis(_)),
        |what| matches!(what, What::Partition(_)),
    ];
    assert!(kinds.iter().all(|is| faults.iter().filter(|fault| is(&fault.what)).count() >= 5));
    assert!(Weather::ALL.iter().all(|weather| plans.iter().any(|plan| plan.weather == *weather)));
    assert!(plans.iter().any(|plan| plan.size > MAX_RESENT));
}
