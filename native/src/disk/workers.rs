//! The few threads that touch the disk and hash.
//!
//! Knows no files. Jobs begin in the order given and run side by side; what has to wait for something else does so
//! before it comes here.

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio_util::task::TaskTracker;

/// Fewest threads: two that wait for a disk must not keep the others from it.
const MIN_THREADS: usize = 3;
/// Most threads: more only disturb each other, and hashing alone is faster than any network.
const MAX_THREADS: usize = 8;

/// A bounded number of threads. Its queue is as long as the errands that the session waits for.
pub(crate) struct Workers {
    pool: ThreadPool,
    tasks: TaskTracker,
}

impl Workers {
    /// Starts the threads. `tasks` counts the jobs that are not done.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub(crate) fn start(tasks: TaskTracker) -> Result<Self, ThreadPoolBuildError> {
        let processors = std::thread::available_parallelism().map_or(MIN_THREADS, usize::from);
        let pool = ThreadPoolBuilder::new()
            .num_threads(processors.clamp(MIN_THREADS, MAX_THREADS))
            .thread_name(|number| format!("privydrop-disk-{number}"))
            .build()?;
        Ok(Self { pool, tasks })
    }

    pub(crate) fn spawn(&self, job: impl FnOnce() + Send + 'static) {
        let unfinished = self.tasks.token();
        self.pool.spawn_fifo(move || {
            job();
            drop(unfinished);
        });
    }
}
