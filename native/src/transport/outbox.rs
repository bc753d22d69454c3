//! Frames on their way from the session to the WebRTC stack, with the back-pressure that the contract promises.
//!
//! Knows no stack. Takes nothing before the link is open, no frame longer than the peer takes, and never holds more
//! than [`MAX_UNSENT`] bytes of a lane.

use std::collections::VecDeque;

use bytes::Bytes;
use privydrop_common::transport::{HIGH_WATER, LOW_WATER, Lane};

/// Most bytes of one lane that wait. The session stays far below on the data lane; what it says on the control lane
/// is bounded by what there is to say.
const MAX_UNSENT: usize = 16 * 1024 * 1024;
/// Counted for each frame on top of its bytes, so that empty ones are not free.
const FRAME_COST: usize = 64;

/// A frame that cannot be sent: the link is not open, or the frame or all that wait are too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unsendable;

/// Both lanes of a link.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    lanes: [Queue; 2],
    /// Zero until the link is open.
    max_frame: usize,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Bytes>,
    /// Bytes handed over that the stack has not taken; the one it is being given counts.
    waiting: usize,
    cost: usize,
    /// Bytes handed over since the last report that the lane drained.
    handed: usize,
}

impl Outbox {
    pub(super) fn open(&mut self, max_frame: usize) {
        self.max_frame = max_frame;
    }

    /// Longest frame that is taken; zero until the link is open.
    pub(super) fn max_frame(&self) -> usize {
        self.max_frame
    }

    pub(super) fn push(&mut self, lane: Lane, frame: Bytes) -> Result<(), Unsendable> {
        let queue = &mut self.lanes[index(lane)];
        let cost = queue.cost + frame.len() + FRAME_COST;
        if self.max_frame == 0 || frame.len() > self.max_frame || cost > MAX_UNSENT {
            return Err(Unsendable);
        }
        queue.cost = cost;
        queue.waiting += frame.len();
        queue.handed += frame.len();
        queue.frames.push_back(frame);
        Ok(())
    }

    /// The next frame of a lane; it waits until [`Outbox::taken`].
    pub(super) fn pop(&mut self, lane: Lane) -> Option<Bytes> {
        self.lanes[index(lane)].frames.pop_front()
    }

    /// The stack has taken a frame of this length; true when that drained the lane.
    pub(super) fn taken(&mut self, lane: Lane, length: usize) -> bool {
        let queue = &mut self.lanes[index(lane)];
        queue.waiting -= length;
        queue.cost -= length + FRAME_COST;
        queue.is_drained()
    }

    /// A lane that drained and was not reported yet.
    pub(super) fn drained(&mut self) -> Option<Lane> {
        let lane =
            [Lane::Control, Lane::Data].into_iter().find(|lane| self.lanes[index(*lane)].is_drained())?;
        self.lanes[index(lane)].handed = 0;
        Some(lane)
    }
}

impl Queue {
    fn is_drained(&self) -> bool {
        self.handed >= HIGH_WATER && self.waiting <= LOW_WATER
    }
}

/// Where a lane is in an array of both.
pub(super) fn index(lane: Lane) -> usize {
    match lane {
        Lane::Control => 0,
        Lane::Data => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: usize = 64 * 1024;

    fn open() -> Outbox {
        let mut outbox = Outbox::default();
        outbox.open(FRAME);
        outbox
    }

    fn push(outbox: &mut Outbox, lane: Lane, bytes: usize) {
        for _ in 0..bytes / FRAME {
            outbox.push(lane, Bytes::from(vec![0; FRAME])).unwrap();
        }
    }

    /// Hands frames to the stack; tells how many until the lane drained.
    fn take_until_drained(outbox: &mut Outbox, lane: Lane) -> usize {
        let mut taken = 0;
        while let Some(frame) = outbox.pop(lane) {
            taken += 1;
            if outbox.taken(lane, frame.len()) {
                break;
            }
        }
        taken
    }

    #[test]
    fn a_lane_drains_once_for_each_full_amount_and_only_at_the_low_mark() {
        let mut outbox = open();
        for _ in 0..3 {
            push(&mut outbox, Lane::Data, HIGH_WATER);
            assert_eq!(outbox.drained(), None);
            assert_eq!(take_until_drained(&mut outbox, Lane::Data), (HIGH_WATER - LOW_WATER) / FRAME);
            assert_eq!(outbox.drained(), Some(Lane::Data));
            assert_eq!(outbox.drained(), None);
            while take_until_drained(&mut outbox, Lane::Data) > 0 {}
            assert_eq!(outbox.drained(), None);
        }
    }

    #[test]
    fn less_than_a_full_amount_is_never_reported() {
        let mut outbox = open();
        push(&mut outbox, Lane::Data, HIGH_WATER - FRAME);
        while take_until_drained(&mut outbox, Lane::Data) > 0 {}
        assert_eq!(outbox.drained(), None);
        push(&mut outbox, Lane::Data, FRAME);
        assert_eq!(outbox.drained(), Some(Lane::Data));
    }

    #[test]
    fn lanes_drain_each_for_itself() {
        let mut outbox = open();
        push(&mut outbox, Lane::Data, HIGH_WATER);
        push(&mut outbox, Lane::Control, HIGH_WATER);
        take_until_drained(&mut outbox, Lane::Control);
        assert_eq!((outbox.drained(), outbox.drained()), (Some(Lane::Control), None));
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.push(Lane::Control, Bytes::new()), Err(Unsendable), "not open");
        outbox.open(FRAME);
        assert_eq!(outbox.push(Lane::Data, Bytes::from(vec![0; FRAME + 1])), Err(Unsendable), "too long");
        let frame = Bytes::from(vec![0; FRAME]);
        let taken = (0..).take_while(|_| outbox.push(Lane::Control, frame.clone()).is_ok()).count();
        assert!(taken < MAX_UNSENT / FRAME && taken > MAX_UNSENT / FRAME / 2);
        assert_eq!(outbox.push(Lane::Data, frame), Ok(()), "the other lane has its own room");
    }
}
