//! One fetch of one item over one link: the sharer's half and the receiver's half.
//!
//! The receiver drives: it says what it holds and how many bytes it can take; the sharer never sends more. Neither
//! half knows a link, a name or a path; [`crate::session`] connects them to both.

mod incoming;
mod outgoing;
#[cfg(test)]
mod tests;

pub(crate) use incoming::{Incoming, IncomingEvent, Outcome};
pub(crate) use outgoing::{Outgoing, OutgoingEvent, SharedFile};

/// Payload bytes that a receiver grants beyond what it has stored. Bounds its memory, and the sharer's unverified
/// bytes after a crash; large enough for 100 MB/s at 80 ms round trip.
pub(crate) const WINDOW: u64 = 8 << 20;

/// The window for an item whose largest piece is this long: two pieces at least, so that one can travel while
/// the other is checked.
pub(crate) fn window_for(largest_piece: u64) -> u64 {
    WINDOW.max(largest_piece.saturating_mul(2))
}
