//! What waits to be polled from a link, in the order that [`crate::transport`] promises.
//!
//! Every platform's transport puts its events in here. Knows no WebRTC stack. Holds frames back until the link is
//! open, ends with exactly one [`Happened::Closed`], and never holds more than [`MAX_QUEUED`].

use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;

use bytes::Bytes;

use crate::transport::{Closed, Happened, Lane};

/// Most bytes of frames that wait. The session grants far less, so whoever gets here ignores what it was granted.
pub const MAX_QUEUED: usize = 64 * 1024 * 1024;
/// Counted for each frame on top of its bytes, so that empty ones are not free.
const FRAME_COST: usize = 1024;
/// Most reports other than frames that wait: descriptions, candidates, changes of state.
const MAX_NEWS: usize = 1024;

/// The queue between a link's events and its session.
#[derive(Debug, Default)]
pub struct Inbox {
    news: VecDeque<Happened>,
    frames: VecDeque<(Lane, Bytes)>,
    queued: usize,
    state: State,
    silent: bool,
    waker: Option<Waker>,
}

#[derive(Debug, Default, PartialEq)]
enum State {
    #[default]
    Opening,
    Open,
    /// Over, and what is queued is still told.
    Closing(Closed),
    /// Nothing follows.
    Ended,
}

impl Inbox {
    /// True from the opening to the end.
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Both lanes are open; what came before is told from now on.
    pub fn open(&mut self, max_frame: usize) {
        if self.state == State::Opening {
            self.state = State::Open;
            self.news(Happened::Open { max_frame });
        }
    }

    /// A whole message arrived. More of them than [`MAX_QUEUED`] end the link.
    pub fn frame(&mut self, lane: Lane, frame: Bytes) {
        if !matches!(self.state, State::Opening | State::Open) {
            return;
        }
        self.queued += frame.len() + FRAME_COST;
        if self.queued > MAX_QUEUED {
            return self.close(Closed::Violation);
        }
        self.frames.push_back((lane, frame));
        self.wake();
    }

    /// Anything that is neither a frame, the opening, silence nor the end.
    pub fn news(&mut self, news: Happened) {
        if !matches!(self.state, State::Opening | State::Open) {
            return;
        }
        if self.news.len() >= MAX_NEWS {
            return self.close(Closed::Violation);
        }
        self.news.push_back(news);
        self.wake();
    }

    /// The network fell silent; told once.
    pub fn interrupted(&mut self) {
        if !core::mem::replace(&mut self.silent, true) {
            self.news(Happened::Interrupted);
        }
    }

    /// Connected, for the first time or again.
    pub fn restored(&mut self) {
        if core::mem::take(&mut self.silent) {
            self.news(Happened::Restored);
        }
    }

    /// The link is over. What a peer sent before it closed is still told; what a violator sent is not.
    pub fn close(&mut self, why: Closed) {
        if !matches!(self.state, State::Opening | State::Open) {
            return;
        }
        if why != Closed::ByPeer || self.state == State::Opening {
            self.frames.clear();
        }
        self.state = State::Closing(why);
        self.wake();
    }

    /// Forgets everything; nothing is told any more.
    pub fn end(&mut self) {
        *self = Self { state: State::Ended, ..Self::default() };
    }

    /// Wakes whoever polls: there may be something to tell that is not in here.
    pub fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// The next thing to tell; remembers whom to wake when there is none.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Happened> {
        if let Some(news) = self.news.pop_front() {
            return Poll::Ready(news);
        }
        if self.state != State::Opening
            && let Some((lane, frame)) = self.frames.pop_front()
        {
            self.queued -= frame.len() + FRAME_COST;
            return Poll::Ready(Happened::Frame(lane, frame));
        }
        if let State::Closing(why) = self.state {
            self.end();
            return Poll::Ready(Happened::Closed(why));
        }
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(inbox: &mut Inbox) -> Vec<Happened> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut told = Vec::new();
        while let Poll::Ready(happened) = inbox.poll(&mut cx) {
            told.push(happened);
        }
        told
    }

    fn frame(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn a_frame_that_overtakes_the_opening_waits_for_it() {
        let mut inbox = Inbox::default();
        inbox.frame(Lane::Control, frame("early"));
        assert_eq!(all(&mut inbox), []);
        inbox.open(7);
        inbox.open(8);
        let told = [Happened::Open { max_frame: 7 }, Happened::Frame(Lane::Control, frame("early"))];
        assert_eq!(all(&mut inbox), told);
    }

    #[test]
    fn what_came_before_the_end_is_told_and_nothing_after_it() {
        let mut inbox = Inbox::default();
        inbox.open(7);
        inbox.frame(Lane::Data, frame("last"));
        inbox.close(Closed::ByPeer);
        inbox.close(Closed::NoPath);
        inbox.frame(Lane::Data, frame("late"));
        inbox.interrupted();
        let told = [
            Happened::Open { max_frame: 7 },
            Happened::Frame(Lane::Data, frame("last")),
            Happened::Closed(Closed::ByPeer),
        ];
        assert_eq!(all(&mut inbox), told);
        inbox.open(7);
        assert_eq!(all(&mut inbox), []);
    }

    #[test]
    fn a_peer_that_floods_is_cut_off_with_either_full_or_empty_frames() {
        for (frame, most) in
            [(Bytes::from(vec![0; 256 * 1024]), 256), (Bytes::new(), MAX_QUEUED / FRAME_COST)]
        {
            let mut inbox = Inbox::default();
            inbox.open(7);
            (0..=most).for_each(|_| inbox.frame(Lane::Data, frame.clone()));
            assert_eq!(all(&mut inbox).last(), Some(&Happened::Closed(Closed::Violation)));
        }
    }

    #[test]
    fn silence_is_told_once_and_its_end_only_after_it() {
        let mut inbox = Inbox::default();
        inbox.restored();
        inbox.interrupted();
        inbox.interrupted();
        inbox.restored();
        inbox.restored();
        assert_eq!(all(&mut inbox), [Happened::Interrupted, Happened::Restored]);
    }
}
