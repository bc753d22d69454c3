//! How much heap something takes at its peak.

use std::sync::{Mutex, PoisonError};

use peak_alloc::PeakAlloc;

/// The heap is counted for the whole process, so only one thing is measured at a time.
static ONE: Mutex<()> = Mutex::new(());

/// Runs `act`; bytes that were taken beyond what was taken before.
pub(crate) fn taken(heap: &PeakAlloc, act: impl FnOnce()) -> usize {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = heap.current_usage();
    heap.reset_peak_usage();
    act();
    heap.peak_usage().saturating_sub(before)
}
