//! What the session's handle and the link's tasks share: an inbox, an outbox, a bell for each lane, and one for QUIC.
//!
//! Held locked for moments only, never across an await.

use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;
use privydrop_common::inbox::Inbox;
use privydrop_common::sdp::{Candidate, Sdp};
use privydrop_common::transport::{Closed, Happened, Lane, LaneNews};
use tokio::sync::Notify;

use super::outbox::{Outbox, index};

/// Both directions of one link.
#[derive(Debug, Default)]
pub(super) struct Shared {
    boxes: Mutex<Boxes>,
    /// Rings when a lane has something to send.
    bells: [Notify; 2],
    /// Rings when a frame has come.
    heard: Notify,
    /// Rings when the link is open.
    opened: Notify,
    /// Rings when QUIC has something to send.
    handed: Notify,
    /// Frames that came and went over QUIC.
    carried: [AtomicU64; 2],
}

#[derive(Debug, Default)]
struct Boxes {
    inbox: Inbox,
    outbox: Outbox,
    /// Connections that are silent, a bit each: the link is when one is.
    silent: u32,
    /// Data frames go over QUIC, and over no data channel any more.
    is_handed_over: bool,
}

/// The session's side.
impl Shared {
    pub(super) fn send(&self, lane: Lane, frame: Bytes) {
        let mut boxes = self.boxes.lock();
        // What is said to a link that is over is lost, as its end tells.
        match boxes.outbox.push(lane, frame) {
            Ok(()) if lane == Lane::Data && boxes.is_handed_over => self.handed.notify_one(),
            Ok(()) => self.bells[index(lane)].notify_one(),
            Err(_) => boxes.inbox.close(Closed::Violation),
        }
    }

    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Happened> {
        let mut boxes = self.boxes.lock();
        if boxes.inbox.is_open()
            && let Some(lane) = boxes.outbox.drained()
        {
            return Poll::Ready(Happened::Drained(lane));
        }
        boxes.inbox.poll(cx)
    }

    /// Nothing is told any more.
    pub(super) fn end(&self) {
        self.boxes.lock().inbox.end();
    }
}

/// The tasks' side. Connections are told apart by the number of the data lane that they carry; 0 is the link's own.
impl Shared {
    pub(super) fn news(&self, news: Happened) {
        self.boxes.lock().inbox.news(news);
    }

    pub(super) fn described(&self, number: u8, sdp: Sdp) {
        self.news(match number {
            0 => Happened::Described(sdp),
            _ => Happened::Lane(number, LaneNews::Described(sdp)),
        });
    }

    pub(super) fn candidate(&self, number: u8, candidate: Candidate) {
        self.news(match number {
            0 => Happened::Candidate(candidate),
            _ => Happened::Lane(number, LaneNews::Candidate(candidate)),
        });
    }

    pub(super) fn frame(&self, lane: Lane, frame: Bytes) {
        self.boxes.lock().inbox.frame(lane, frame);
        self.heard.notify_one();
    }

    /// No message is longer than `max_frame` bytes, and no data frame than `data_frame`.
    pub(super) fn open(&self, max_frame: usize, data_frame: usize) {
        let mut boxes = self.boxes.lock();
        boxes.outbox.open(max_frame);
        boxes.inbox.open(data_frame);
        self.opened.notify_one();
    }

    /// Longest frame that is sent on the link.
    pub(super) fn max_frame(&self) -> usize {
        self.boxes.lock().outbox.max_frame()
    }

    pub(super) fn interrupted(&self, number: u8) {
        let mut boxes = self.boxes.lock();
        boxes.silent |= 1 << number;
        boxes.inbox.interrupted();
    }

    pub(super) fn restored(&self, number: u8) {
        let mut boxes = self.boxes.lock();
        boxes.silent &= !(1 << number);
        if boxes.silent == 0 {
            boxes.inbox.restored();
        }
    }

    pub(super) fn close(&self, why: Closed) {
        self.boxes.lock().inbox.close(why);
    }

    /// Waits for the link to open.
    pub(super) async fn opened(&self) {
        self.opened.notified().await;
    }

    /// Waits for the peer's first frame.
    pub(super) async fn heard(&self) {
        self.heard.notified().await;
    }

    /// The next frame for a data channel, as soon as there is one.
    pub(super) async fn next(&self, lane: Lane) -> Bytes {
        loop {
            if let Some(frame) = self.pop_unless_handed_over(lane) {
                return frame;
            }
            self.bells[index(lane)].notified().await;
        }
    }

    /// The next frame to send, if there is one.
    pub(super) fn pop(&self, lane: Lane) -> Option<Bytes> {
        self.boxes.lock().outbox.pop(lane)
    }

    fn pop_unless_handed_over(&self, lane: Lane) -> Option<Bytes> {
        let mut boxes = self.boxes.lock();
        if lane == Lane::Data && boxes.is_handed_over { None } else { boxes.outbox.pop(lane) }
    }

    /// From now on data frames go over QUIC. What a data channel was given still goes its way.
    pub(super) fn hand_over(&self) {
        self.boxes.lock().is_handed_over = true;
        self.handed.notify_one();
    }

    /// True once data frames go over QUIC.
    pub(super) fn is_handed_over(&self) -> bool {
        self.boxes.lock().is_handed_over
    }

    /// Waits until there may be a frame for QUIC.
    pub(super) async fn handed(&self) {
        self.handed.notified().await;
    }

    /// The next frame for QUIC, if there is one.
    pub(super) fn hand(&self) -> Option<Bytes> {
        let frame = self.pop(Lane::Data)?;
        self.carried[1].fetch_add(1, Ordering::Relaxed);
        Some(frame)
    }

    /// A data frame came over QUIC.
    pub(super) fn carry(&self, frame: Bytes) {
        self.carried[0].fetch_add(1, Ordering::Relaxed);
        self.frame(Lane::Data, frame);
    }

    /// Frames that came and went over QUIC.
    pub(super) fn carried(&self) -> [u64; 2] {
        self.carried.each_ref().map(|count| count.load(Ordering::Relaxed))
    }

    /// The stack has taken a frame of this length.
    pub(super) fn taken(&self, lane: Lane, length: usize) {
        let mut boxes = self.boxes.lock();
        if boxes.outbox.taken(lane, length) {
            boxes.inbox.wake();
        }
    }
}
