//! Where the events of one connection go: to the link's inbox, as what they mean for the link.
//!
//! What ends the first connection, or a lane in use, ends the link; a lane that is not used yet only fails. Decides
//! nothing else.

use std::cell::{Cell, RefCell, RefMut};
use std::rc::Rc;

use gloo::timers::callback::Timeout;
use privydrop_common::inbox::Inbox;
use privydrop_common::sdp::{Candidate, Sdp};
use privydrop_common::transport::{Closed, Happened, LaneNews};

/// Milliseconds for a peer's last words on the first connection, when it is a further one that ends first.
const LAST_WORDS: u32 = 50;

/// Tells of one connection.
#[derive(Clone)]
pub(super) struct Teller {
    inbox: Rc<RefCell<Inbox>>,
    /// 0 is the link's first connection.
    lane: u8,
    used: Rc<Cell<bool>>,
}

impl Teller {
    pub(super) fn new(inbox: &Rc<RefCell<Inbox>>, lane: u8) -> Self {
        Self { inbox: Rc::clone(inbox), lane, used: Rc::default() }
    }

    pub(super) fn inbox(&self) -> RefMut<'_, Inbox> {
        self.inbox.borrow_mut()
    }

    pub(super) fn make_used(&self) {
        self.used.set(true);
    }

    pub(super) fn is_used(&self) -> bool {
        self.used.get()
    }

    pub(super) fn described(&self, sdp: Sdp) {
        match self.lane {
            0 => self.inbox().news(Happened::Described(sdp)),
            _ => self.tell(LaneNews::Described(sdp)),
        }
    }

    pub(super) fn candidate(&self, candidate: Candidate) {
        match self.lane {
            0 => self.inbox().news(Happened::Candidate(candidate)),
            _ => self.tell(LaneNews::Candidate(candidate)),
        }
    }

    /// All channels are open. The two ends of a further lane are those of the first connection, and so is `max_frame`.
    pub(super) fn open(&self, max_frame: usize) {
        match self.lane {
            0 => self.inbox().open(max_frame),
            _ => self.tell(LaneNews::Open),
        }
    }

    /// The network is silent, or back.
    pub(super) fn silent(&self, silent: bool) {
        if self.lane == 0 {
            let mut inbox = self.inbox();
            if silent { inbox.interrupted() } else { inbox.restored() }
        }
    }

    /// The connection is over.
    pub(super) fn fail(&self, why: Closed) {
        match self.lane {
            0 => self.inbox().close(why),
            _ if self.is_used() => {
                let inbox = Rc::clone(&self.inbox);
                Timeout::new(LAST_WORDS, move || inbox.borrow_mut().close(why)).forget();
            }
            _ => self.tell(LaneNews::Failed),
        }
    }

    fn tell(&self, news: LaneNews) {
        self.inbox().news(Happened::Lane(self.lane, news));
    }
}
