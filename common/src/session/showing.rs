//! When the next view is due: what changed is shown at once, how far things are only now and then.
//!
//! Draws nothing and knows no view. No more than ten views a second are due on average, and no more than [`BURST`] at once.

use core::time::Duration;

use crate::api::View;
use crate::time::Moment;

/// Views that differ only in how far something is come at most this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);
/// The same while a transfer moves that takes [`LONG`] or more. Drawing four times a second costs a page as much as
/// hashing the bytes, and of a long transfer nobody sees the difference: what is left is told in whole seconds anyway.
const LONG_PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// From its first byte to its last.
const LONG: Duration = Duration::from_secs(4);
/// Views come no more often than this on average.
const EVERY: Duration = Duration::from_millis(100);
/// So many may come at once. Joining has about as many steps, and ends with what the person came for.
const BURST: u32 = 5;
/// What changes in one go comes in several messages, and is drawn once.
const TOGETHER: Duration = Duration::from_millis(10);
/// The same while a member is being connected: a page that draws each step keeps the next one waiting, and nobody reads
/// what is gone a moment later.
const WHILE_CONNECTING: Duration = Duration::from_millis(250);
/// Once it is connected, so long for what it shares, which is on its way by then: the list is drawn with the member.
const AT_ITS_END: Duration = Duration::from_millis(20);

/// How much of the view changed since it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Changed {
    Nothing,
    Progress,
    Facts,
}

/// What is not shown yet, and when there was something to show.
#[derive(Debug)]
pub(super) struct Showing {
    changed: Changed,
    /// When the facts changed that are not shown yet, and how long others may join them.
    since: Option<(Moment, Duration)>,
    /// A member was being connected after the last input.
    connecting: bool,
    /// The last view.
    shown: Option<Moment>,
    /// By then all that were shown would have come, one [`EVERY`].
    settled: Moment,
    /// Since when bytes have been on their way without a break.
    busy_since: Option<Moment>,
    progress_every: Duration,
}

impl Default for Showing {
    /// Nothing was shown, and there is something to show.
    fn default() -> Self {
        Self {
            changed: Changed::Facts,
            since: Some((Moment::default(), Duration::ZERO)),
            connecting: false,
            shown: None,
            settled: Moment::default(),
            busy_since: None,
            progress_every: PROGRESS_EVERY,
        }
    }
}

impl Showing {
    /// Something changed.
    pub(super) fn touch(&mut self, changed: Changed) {
        self.changed = self.changed.max(changed);
    }

    /// After every input: is a member being connected?
    pub(super) fn settle(&mut self, connecting: bool, now: Moment) {
        let was_connecting = core::mem::replace(&mut self.connecting, connecting);
        if self.changed == Changed::Facts {
            let (since, wait) = self.since.unwrap_or((now, TOGETHER));
            self.since = Some(match (was_connecting, connecting) {
                (_, true) => (since, WHILE_CONNECTING),
                (true, false) => (now, AT_ITS_END),
                (false, false) => (since, wait),
            });
        }
    }

    /// When to show a view; a moment that has passed means now, `None` that there is nothing to show.
    pub(super) fn due(&self) -> Option<Moment> {
        match self.changed {
            Changed::Nothing => None,
            Changed::Progress => Some(self.shown.map_or(Moment::default(), |at| at + self.progress_every)),
            Changed::Facts => {
                let allowed = Moment::default()
                    + (self.settled - Moment::default()).saturating_sub(EVERY * (BURST - 1));
                self.since.map(|(since, wait)| allowed.max(since + wait))
            }
        }
    }

    /// This view is shown.
    pub(super) fn shown(&mut self, view: &View, now: Moment) {
        self.shown = Some(now);
        self.since = None;
        self.settled = self.settled.max(now) + EVERY;
        // Bytes that move change their speed also when none arrive.
        self.changed = if view.busy { Changed::Progress } else { Changed::Nothing };
        self.busy_since = view.busy.then(|| self.busy_since.unwrap_or(now));
        let so_far = self.busy_since.map_or(Duration::ZERO, |since| now - since);
        let left = view.total.seconds_left.map_or(Duration::ZERO, Duration::from_secs);
        self.progress_every =
            if so_far.saturating_add(left) >= LONG { LONG_PROGRESS_EVERY } else { PROGRESS_EVERY };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Progress;

    fn at(milliseconds: u64) -> Moment {
        Moment::default() + Duration::from_millis(milliseconds)
    }

    fn change(showing: &mut Showing, connecting: bool, now: Moment) {
        showing.touch(Changed::Facts);
        showing.settle(connecting, now);
    }

    /// A view of bytes on their way, or of none.
    fn view(seconds_left: Option<u64>) -> View {
        let total = Progress { seconds_left, ..Progress::default() };
        View { busy: seconds_left.is_some(), total, ..View::default() }
    }

    /// Shows every view that is due up to `end`, each with what is left then; tells when they came.
    fn run(showing: &mut Showing, end: Moment, left: impl Fn(Moment) -> Option<u64>) -> Vec<Moment> {
        let mut shown = Vec::new();
        while let Some(due) = showing.due().filter(|due| *due <= end) {
            showing.shown(&view(left(due)), due);
            shown.push(due);
        }
        shown
    }

    #[test]
    fn a_few_changes_are_shown_at_once_also_right_after_progress() {
        let mut showing = Showing::default();
        showing.shown(&view(Some(1)), at(0));
        showing.shown(&view(Some(1)), at(250));
        assert_eq!(showing.due(), Some(at(500)));
        for now in [251, 261, 271, 281] {
            change(&mut showing, false, at(now));
            assert_eq!(showing.due(), Some(at(now + 10)));
            showing.shown(&view(Some(1)), at(now + 10));
        }
        for later in [350, 450] {
            change(&mut showing, false, at(later - 50));
            assert_eq!(showing.due(), Some(at(later)), "enough for now");
            showing.shown(&view(Some(1)), at(later));
        }
    }

    #[test]
    fn what_changes_together_is_shown_together() {
        let mut showing = Showing::default();
        showing.shown(&view(None), at(0));
        change(&mut showing, false, at(1_000));
        change(&mut showing, false, at(1_009));
        assert_eq!(showing.due(), Some(at(1_010)));
        showing.shown(&view(None), at(1_010));
        assert_eq!(showing.due(), None);
    }

    #[test]
    fn the_steps_of_connecting_are_shown_by_their_end_and_otherwise_late() {
        let mut showing = Showing::default();
        showing.shown(&view(None), at(0));
        change(&mut showing, true, at(1_000));
        assert_eq!(showing.due(), Some(at(1_250)));
        change(&mut showing, false, at(1_100));
        change(&mut showing, false, at(1_115));
        assert_eq!(showing.due(), Some(at(1_120)), "the member is there, and what it shares");
        showing.shown(&view(None), at(1_120));
        change(&mut showing, false, at(1_130));
        assert_eq!(showing.due(), Some(at(1_140)));
    }

    #[test]
    fn no_more_than_ten_views_a_second_are_due_however_much_changes() {
        let mut showing = Showing::default();
        let mut shown = 0;
        for now in (0..10_000).map(at) {
            change(&mut showing, false, now);
            if showing.due().is_some_and(|due| due <= now) {
                showing.shown(&view(None), now);
                shown += 1;
            }
        }
        assert!((100..100 + BURST).contains(&shown), "{shown}");
    }

    #[test]
    fn a_short_transfer_is_shown_four_times_a_second_and_a_long_one_once() {
        let seconds = |total: u64| move |now: Moment| Some((at(total * 1000) - now).as_secs());
        assert_eq!(run(&mut Showing::default(), at(2_000), seconds(2)).len(), 9);
        // To its end, where fewer and fewer seconds are left.
        assert_eq!(run(&mut Showing::default(), at(8_000), seconds(8)).len(), 9);
    }

    #[test]
    fn what_rests_is_not_shown_again() {
        let mut showing = Showing::default();
        assert_eq!(run(&mut showing, at(10_000), |_| None).len(), 1);
        assert_eq!(showing.due(), None);
    }
}
