//! What processes use, as Linux tells in `/proc`: time of the processor and memory.

use std::fs::read_to_string;

/// Ticks of CPU time in a second, as Linux tells them to programs.
pub const TICKS: f64 = 100.0;

/// CPU time of a process so far, in ticks; nothing when it is gone.
pub fn ticks(id: i32) -> Option<u64> {
    let stat = read_to_string(format!("/proc/{id}/stat")).ok()?;
    // Behind the name, which stands in parentheses: user and system time are the 12th and 13th.
    let (_, facts) = stat.rsplit_once(')')?;
    Some(facts.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum())
}

/// Proportional share of memory of a process in bytes: what it alone has, and its part of what it shares.
pub fn memory(id: i32) -> Option<f64> {
    let rollup = read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? * 1024.0)
}

/// The value in the middle; the mean of both when there are two. 0 of nothing.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    match (values.get(low), values.get(high)) {
        (Some(low), Some(high)) => f64::midpoint(*low, *high),
        _ => 0.0,
    }
}
