//! Rounds of faults between real programs: what they are made of, and the first of them. `cargo xtask faults` runs as many
//! as one wants to wait for.

use privydrop_e2e::faults::plan::{Fault, Plan, What};
use privydrop_e2e::faults::weather::Weather;
use privydrop_e2e::faults::{self, MAX_RESENT};

/// Rounds whose plans are looked at.
const PLANS: u64 = 100;
/// Rounds that are run, and how many of them at a time.
/// Each of them mostly waits.
const ROUNDS: u64 = 200;
const SIDE_BY_SIDE: usize = 12;

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

#[test]
fn whatever_is_killed_at_whatever_byte_the_right_file_arrives_once_and_nothing_else() {
    let tally = faults::run(0, ROUNDS, SIDE_BY_SIDE, |_, _| {});
    assert!(tally.failed.is_empty(), "{tally}: {:#?}", tally.failed);
    assert_eq!(tally.reports.len() as u64, ROUNDS);
    for bad in [false, true] {
        let mut reports = tally.reports.iter().filter(|report| report.in_bad_weather == bad);
        assert!(reports.any(|report| report.resumed > 0), "in bad weather {bad}: {tally}");
    }
}
