//! One item of another member's: what it is, and how far this device is with it. Moves nothing by itself.

use crate::api::{ItemState, Progress, Side};
use crate::catalog::TheirItem;
use crate::host::{Kept, PlaceId, StoreId};
use crate::id::{Mark, TransferId};
use crate::link::LinkId;
use crate::rate::Rate;
use crate::text::Document;
use crate::time::Moment;
use crate::transfer::Incoming;

/// An item of another member's, and how it fares here.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) order: u64,
    /// The link that it was last offered on.
    pub(super) link: LinkId,
    pub(super) content: Content,
    pub(super) state: ItemState,
    pub(super) stopped_by: Option<Side>,
    pub(super) rate: Rate,
    pub(super) hash: Option<String>,
    pub(super) kept: Option<Kept>,
    pub(super) store: Option<StoreId>,
    pub(super) place: Option<PlaceId>,
    pub(super) step: Step,
    pub(super) incoming: Option<Incoming>,
    /// What an earlier attempt left is read again, so far.
    pub(super) checking: Option<Progress>,
    pub(super) paused_here: bool,
    pub(super) paused_there: bool,
    /// It is here by this fetch, which its sharer was told then, and may not have heard.
    pub(super) told: Option<(TransferId, Moment)>,
}

/// What is offered.
#[derive(Debug)]
pub(super) enum Content {
    /// A file or folder, and what tells it again.
    Item(Box<TheirItem>, Mark),
    /// A text, here already.
    Text(Document),
}

/// How far an accepted item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Not accepted, or over.
    Rest,
    /// Waits for its turn or for the link.
    Queued,
    /// Its listing is on the way.
    Listing,
    /// The host makes room.
    Preparing,
    /// The store is ready, but no fetch runs.
    Ready,
    /// A fetch runs.
    Fetching,
    /// The host puts the last things in place.
    Finishing,
}

impl Received {
    pub(super) fn new(order: u64, link: LinkId, content: Content) -> Self {
        let state = if matches!(content, Content::Text(_)) { ItemState::Done } else { ItemState::Offered };
        Self {
            order,
            link,
            content,
            state,
            stopped_by: None,
            rate: Rate::default(),
            hash: None,
            kept: None,
            store: None,
            place: None,
            step: Step::Rest,
            incoming: None,
            checking: None,
            paused_here: false,
            paused_there: false,
            told: None,
        }
    }

    pub(super) fn name(&self) -> String {
        match &self.content {
            Content::Item(item, _) => item.name.to_string(),
            Content::Text(_) => String::new(),
        }
    }

    /// How much of it is stored, in percent.
    pub(super) fn percent(&self) -> u64 {
        let (Content::Item(item, _), Some(incoming)) = (&self.content, &self.incoming) else { return 0 };
        incoming.stored().saturating_mul(100) / item.summary.size.max(1)
    }

    /// What tells it again after a restart, and where it goes, while it is to go on by itself.
    pub(super) fn wanted(&self) -> Option<(Mark, PlaceId)> {
        match (&self.content, self.place) {
            (Content::Item(_, mark), Some(place)) if self.step != Step::Rest && !self.paused_here => {
                Some((*mark, place))
            }
            _ => None,
        }
    }

    /// It takes one of the places for what runs at once.
    pub(super) fn is_running(&self) -> bool {
        !matches!(self.step, Step::Rest | Step::Queued | Step::Ready) && !self.is_paused()
    }

    /// True when all of it is verified and only the host has something left to do: whoever shared it may go.
    pub(super) fn is_whole(&self) -> bool {
        let verified = self.incoming.as_ref().is_some_and(Incoming::is_verified);
        self.step == Step::Finishing || (matches!(self.step, Step::Fetching | Step::Ready) && verified)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused_here || self.paused_there
    }

    /// Derives the state that shells see from the step and who paused.
    pub(super) fn update_state(&mut self) {
        self.state = match self.step {
            Step::Rest => return,
            _ if self.is_paused() => ItemState::Paused,
            Step::Queued | Step::Listing | Step::Preparing | Step::Ready => ItemState::Waiting,
            Step::Fetching if self.incoming.as_ref().is_some_and(Incoming::is_stored) => ItemState::Verifying,
            Step::Fetching => ItemState::Moving,
            Step::Finishing => ItemState::Verifying,
        };
    }
}
