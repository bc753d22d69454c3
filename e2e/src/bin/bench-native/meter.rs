//! What a transfer costs: time, CPU time of both processes, memory of both above what they used before.
//!
//! Looks seldom, so that looking does not slow down what is looked at.

use std::fmt;
use std::time::{Duration, Instant};

use privydrop_e2e::usage::{TICKS, memory, ticks};

/// From one look at memory to the next.
const LOOK: Duration = Duration::from_millis(100);

/// One transfer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moved {
    /// Bytes.
    pub size: u64,
    /// From the wish to receive to the last byte in its place.
    pub seconds: f64,
    /// From the start of the receiving program to its end; 0 where no program was started for it.
    pub whole: f64,
    /// CPU time of the sending and the receiving process.
    pub cpu: [f64; 2],
    /// Highest memory above idle of both, in bytes.
    pub memory: [f64; 2],
}

/// Both processes before a transfer.
pub(crate) struct Meter {
    ids: [i32; 2],
    started: Instant,
    before: [u64; 2],
    idle: [f64; 2],
}

impl Meter {
    /// Takes what both use now as idle, and begins.
    pub(crate) fn begin(ids: [i32; 2]) -> Self {
        let idle = ids.map(|id| memory(id).unwrap_or_default());
        let before = ids.map(|id| ticks(id).unwrap_or_default());
        Self { ids, started: Instant::now(), before, idle }
    }

    /// Watches both until `end`, which tells how many seconds it took if it knows better.
    pub(crate) async fn watch(self, size: u64, end: impl Future<Output = Option<f64>>) -> Moved {
        let mut highest = self.idle;
        let look = async {
            loop {
                for (highest, id) in highest.iter_mut().zip(self.ids) {
                    *highest = highest.max(memory(id).unwrap_or_default());
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let told = tokio::select! {
            () = look => None,
            told = end => told,
        };
        let seconds = told.unwrap_or_else(|| self.started.elapsed().as_secs_f64());
        let after = self.ids.map(|id| ticks(id).unwrap_or_default());
        let spent = |end: usize| after[end].saturating_sub(self.before[end]) as f64 / TICKS;
        let memory = [highest[0] - self.idle[0], highest[1] - self.idle[1]];
        Moved { size, seconds, whole: 0.0, cpu: [spent(0), spent(1)], memory }
    }
}

impl Moved {
    /// MB per second.
    pub(crate) fn speed(&self) -> f64 {
        self.size as f64 / 1e6 / self.seconds
    }

    /// MB per second of CPU time of both ends.
    pub(crate) fn thrift(&self) -> f64 {
        self.size as f64 / 1e6 / self.cpu.iter().sum::<f64>().max(1.0 / TICKS)
    }
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:6.1} MB/s", self.speed())?;
        // A browser is many processes, none of which is watched.
        if self.cpu.contains(&0.0) {
            return Ok(());
        }
        write!(
            f,
            "  {:6.1} MB per CPU-second ({:.1} + {:.1} s)  memory {:+.0} and {:+.0} MB",
            self.thrift(),
            self.cpu[0],
            self.cpu[1],
            self.memory[0] / 1e6,
            self.memory[1] / 1e6
        )
    }
}
