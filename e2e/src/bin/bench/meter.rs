//! What a transfer costs: time as the receiving page saw it, CPU time of both browsers, memory of both tabs.
//!
//! Looks seldom, so that looking does not slow down what is looked at.

use std::collections::HashMap;
use std::fmt;
use std::fs::read_to_string;
use std::time::{Duration, Instant};

use privydrop_e2e::browser::Browser;
use privydrop_e2e::usage::{TICKS, memory, ticks};
use serde::Deserialize;

use crate::{Ends, tab};

/// Pause between two looks at whether the page is done. Memory is looked at every second time.
const LOOK: Duration = Duration::from_millis(250);
/// Bytes a second below which a transfer is given up.
const SLOWEST: u64 = 1_000_000;

/// One transfer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moved {
    /// Bytes.
    pub size: u64,
    /// From the wish to receive to the last byte in its place, in the page's own clock.
    pub seconds: f64,
    /// CPU time of all processes of the sending browser.
    pub from_cpu: f64,
    /// The same of the receiving browser.
    pub to_cpu: f64,
    /// Highest memory above idle of the sending tab, in bytes.
    pub from_memory: f64,
    /// The same of the receiving tab.
    pub to_memory: f64,
}

/// Both browsers before a transfer.
pub(crate) struct Meter<'a> {
    ends: &'a Ends,
    from: Tab,
    to: Tab,
}

/// The processes that draw one browser's pages and run their scripts.
struct Tab {
    processes: Vec<i32>,
    idle: f64,
    highest: f64,
}

/// What the receiving page has noted, in milliseconds of its own clock.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Noted {
    started: Option<f64>,
    finished: Option<f64>,
    failed: Option<String>,
}

impl<'a> Meter<'a> {
    /// Takes what both tabs use now as idle.
    pub(crate) async fn idle(ends: &'a Ends) -> Self {
        tab::collect_garbage(ends.from.browser()).await;
        tab::collect_garbage(ends.to.browser()).await;
        Self { ends, from: Tab::idle(ends.from.browser()), to: Tab::idle(ends.to.browser()) }
    }

    /// Does `start`, and watches until the receiving page notes in `bench.finished` that `size` bytes are there.
    pub(crate) async fn watch(mut self, size: u64, start: impl Future<Output = ()>) -> Moved {
        let before = self.cpu();
        let deadline = Instant::now() + Duration::from_secs(60 + size / SLOWEST);
        start.await;
        let mut looks = 0_u32;
        let milliseconds = loop {
            tokio::time::sleep(LOOK).await;
            if looks.is_multiple_of(2) {
                self.from.look();
                self.to.look();
            }
            looks += 1;
            let noted = self.ends.to.browser().run("return window.bench", vec![]).await.expect("a page");
            let noted: Noted = serde_json::from_value(noted).unwrap_or_default();
            if let (Some(started), Some(finished)) = (noted.started, noted.finished) {
                break finished - started;
            }
            if noted.failed.is_some() || Instant::now() > deadline {
                let (from, to) = (self.ends.from.look().await, self.ends.to.look().await);
                panic!("a transfer came to no end: {:?}\nfrom: {from:#?}\nto: {to:#?}", noted.failed);
            }
        };
        let after = self.cpu();
        self.from.look();
        self.to.look();
        Moved {
            size,
            seconds: milliseconds / 1000.0,
            from_cpu: spent(&before[0], &after[0]),
            to_cpu: spent(&before[1], &after[1]),
            from_memory: self.from.highest - self.from.idle,
            to_memory: self.to.highest - self.to.idle,
        }
    }

    /// CPU time so far of every process of the two browsers, in ticks.
    fn cpu(&self) -> [HashMap<i32, u64>; 2] {
        let processes = [&self.ends.from, &self.ends.to].map(|page| page.browser().processes());
        processes.map(|ids| ids.into_iter().filter_map(|id| Some((id, ticks(id)?))).collect())
    }
}

impl Moved {
    /// MB per second.
    pub(crate) fn speed(&self) -> f64 {
        self.size as f64 / 1e6 / self.seconds
    }

    /// MB per second of CPU time of both ends.
    pub(crate) fn thrift(&self) -> f64 {
        self.size as f64 / 1e6 / (self.from_cpu + self.to_cpu)
    }
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:6.1} MB/s  {:6.1} MB per CPU-second ({:.1} + {:.1} s)  tabs {:+.0} and {:+.0} MB",
            self.speed(),
            self.thrift(),
            self.from_cpu,
            self.to_cpu,
            self.from_memory / 1e6,
            self.to_memory / 1e6
        )
    }
}

impl Tab {
    fn idle(browser: &Browser) -> Self {
        let mut processes = browser.processes();
        processes.retain(|id| {
            read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.contains("--type=renderer"))
        });
        let mut tab = Self { processes, idle: 0.0, highest: 0.0 };
        tab.look();
        tab.idle = tab.highest;
        tab
    }

    fn look(&mut self) {
        self.highest = self.highest.max(self.processes.iter().filter_map(|id| memory(*id)).sum());
    }
}

/// CPU time between two readings, in seconds. Processes that ended between them are left out.
fn spent(before: &HashMap<i32, u64>, after: &HashMap<i32, u64>) -> f64 {
    let each = after.iter().map(|(id, ticks)| ticks.saturating_sub(before.get(id).copied().unwrap_or(0)));
    each.sum::<u64>() as f64 / TICKS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_that_start_in_between_count_from_zero() {
        let (before, after) = (HashMap::from([(1, 100), (2, 7)]), HashMap::from([(1, 150), (3, 50)]));
        assert!((spent(&before, &after) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn this_process_uses_memory() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(memory(own).unwrap() > 0.0 && ticks(own).is_some());
    }
}
