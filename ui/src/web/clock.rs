//! The page's clock and its one alarm.
//!
//! Never looks at wall time. The alarm wakes the session; it carries no data.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo::timers::callback::Timeout;
use privydrop_common::host::Report;
use privydrop_common::time::Moment;
use web_sys::Performance;

use super::js::count;
use super::mailbox::Mailbox;

/// Clock and alarm; clones are the same ones.
#[derive(Clone)]
pub(super) struct Clock(Rc<Inner>);

struct Inner {
    performance: Option<Performance>,
    mailbox: Mailbox,
    /// The moment that the session asked for.
    wanted: Cell<Option<Moment>>,
    /// The browser's timer and when it fires: never later than `wanted`.
    timer: RefCell<Option<(Moment, Timeout)>>,
}

impl Clock {
    pub(super) fn new(mailbox: Mailbox) -> Self {
        let performance = web_sys::window().and_then(|window| window.performance());
        Self(Rc::new(Inner { performance, mailbox, wanted: Cell::new(None), timer: RefCell::default() }))
    }

    pub(super) fn now(&self) -> Moment {
        Moment::from_millis(self.0.performance.as_ref().map_or(0, |clock| count(clock.now())))
    }

    /// Reports [`Report::Woke`] at `moment`, and not at the one asked for before.
    pub(super) fn wake_at(&self, moment: Moment) {
        self.0.wanted.set(Some(moment));
        // A timer that fires too early is cheaper than a new one each time: the session asks often.
        if self.0.timer.borrow().as_ref().is_none_or(|(fires, _)| *fires > moment) {
            self.arm(moment);
        }
    }

    fn arm(&self, moment: Moment) {
        let wait = moment.since(self.now()).as_millis();
        // Longer waits than a browser's timer can take begin again when it fires.
        let wait = u32::try_from(wait).unwrap_or(u32::MAX).min(i32::MAX.unsigned_abs());
        let clock = Rc::downgrade(&self.0);
        let timer = Timeout::new(wait, move || {
            if let Some(inner) = clock.upgrade() {
                Self(inner).fired();
            }
        });
        *self.0.timer.borrow_mut() = Some((moment, timer));
    }

    fn fired(&self) {
        if let Some((_, timer)) = self.0.timer.take() {
            timer.forget();
        }
        match self.0.wanted.get() {
            Some(wanted) if wanted > self.now() => self.arm(wanted),
            Some(_) => {
                self.0.wanted.set(None);
                self.0.mailbox.outcome(Report::Woke);
            }
            None => {}
        }
    }
}
