//! The few threads that touch the disk and hash.
//!
//! Knows no files. Jobs begin in the order given and run side by side; what has to wait for something else does so
//! before it comes here. A thread that has nothing to do sleeps: it never looks around for work, which the others need
//! the processors for.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread;

use parking_lot::{Condvar, Mutex};
use tokio_util::task::TaskTracker;

/// Fewest threads: two that wait for a disk must not keep the others from it.
const MIN_THREADS: usize = 3;
/// Most threads: more only disturb each other, and hashing alone is faster than any network.
const MAX_THREADS: usize = 8;

type Job = Box<dyn FnOnce() + Send>;

/// A bounded number of threads. Its queue is as long as the errands that the session waits for.
pub(crate) struct Workers {
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// There is something to do, or nothing will follow.
    news: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// Threads that sleep and were not woken.
    asleep: usize,
    closed: bool,
}

impl Workers {
    /// Starts the threads. `tasks` counts the jobs that are not done.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub(crate) fn start(tasks: TaskTracker) -> io::Result<Self> {
        let processors = thread::available_parallelism().map_or(MIN_THREADS, usize::from);
        let workers = Self { shared: Arc::default(), tasks };
        for number in 0..processors.clamp(MIN_THREADS, MAX_THREADS) {
            let shared = Arc::clone(&workers.shared);
            thread::Builder::new().name(format!("privydrop-disk-{number}")).spawn(move || shared.work())?;
        }
        Ok(workers)
    }

    pub(crate) fn spawn(&self, job: impl FnOnce() + Send + 'static) {
        let unfinished = self.tasks.token();
        let job = move || {
            job();
            drop(unfinished);
        };
        let mut queue = self.shared.queue.lock();
        queue.jobs.push_back(Box::new(job));
        if queue.asleep > 0 {
            queue.asleep -= 1;
            drop(queue);
            self.shared.news.notify_one();
        }
    }
}

impl Drop for Workers {
    /// Nothing more is taken; what waits is still done.
    fn drop(&mut self) {
        self.shared.queue.lock().closed = true;
        self.shared.news.notify_all();
    }
}

impl Shared {
    fn work(&self) {
        let mut queue = self.queue.lock();
        loop {
            match queue.jobs.pop_front() {
                Some(job) => {
                    drop(queue);
                    job();
                    queue = self.queue.lock();
                }
                None if queue.closed => return,
                None => {
                    queue.asleep += 1;
                    self.news.wait(&mut queue);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn jobs_run_side_by_side_and_all_that_were_given_are_done_though_the_workers_are_dropped() {
        let workers = Workers::start(TaskTracker::new()).unwrap();
        let (meet, met) = mpsc::sync_channel(0);
        let (tell, told) = mpsc::channel();
        // Neither of the two ends before the other has begun.
        workers.spawn(move || meet.send(()).unwrap());
        workers.spawn(move || met.recv().unwrap());
        for number in 0..1000 {
            let tell = tell.clone();
            workers.spawn(move || tell.send(number).unwrap());
        }
        drop((workers, tell));
        let mut numbers: Vec<i32> = told.iter().collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
    }
}
