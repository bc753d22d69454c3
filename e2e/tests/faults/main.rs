//! What rounds of faults are made of. `cargo xtask faults` runs them, between real programs.

use privydrop_e2e::faults::MAX_RESENT;
use privydrop_e2e::faults::plan::{Fault, Plan, What};
use privydrop_e2e::faults::weather::Weather;

/// Rounds whose plans are looked at.
const PLANS: u64 = 100;

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
