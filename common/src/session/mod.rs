//! The machine of machines: one device's room, its links to the other members, and all that moves over them.
//!
//! Give it a [`Report`] or a [`Happened`], then drain [`Session::poll_action`] until it is empty, then wait for the
//! next input: mutate, drain, wait. It never waits by itself, reads no clock, and draws chance only from the seed
//! that it was made with. Its rules are split by what they rule: [`room`](self) (the server), links, sharing,
//! receiving, and the view.

mod allowance;
mod arriving;
mod control;
mod fetching;
mod keepsake;
mod linking;
mod mending;
mod notices;
mod offered;
mod peers;
mod reads;
mod received;
mod receiving;
mod room;
mod sharing;
mod showing;
mod view;
mod wanted;

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::api::{Command, ItemKey, Notice, View};
use crate::few::Few;
use crate::host::{Errand, JobId, PlaceId, Report, StoreId};
use crate::id::{Mark, PeerId, TransferId};
pub use crate::link::LinkId;
use crate::link::{Link, LinkEvent};
use crate::name::Fold;
use crate::signaling::IceServer;
use crate::time::Moment;
use crate::transport::{Happened, Lane, LanePlan, Step};

use allowance::{Allowance, LETTERS, STRAY_LETTERS};
use peers::Peer;
use reads::Reads;
use received::Received;
use room::Room;
use sharing::{Lanes, Shared};
use showing::{Changed, Showing};

/// What a session wants done.
#[derive(Debug)]
pub enum Action {
    /// Make a transport to this peer and keep it under this link's name.
    Connect {
        /// The link's name.
        link: LinkId,
        /// The peer.
        peer: PeerId,
        /// Servers to use.
        ice: Vec<IceServer>,
    },
    /// Pass to the link's transport.
    Negotiate {
        /// Which link.
        link: LinkId,
        /// What to do.
        step: Step,
    },
    /// Pass to the link's transport.
    Send {
        /// Which link.
        link: LinkId,
        /// Which lane.
        lane: Lane,
        /// One message.
        frame: Bytes,
    },
    /// Close the link's transport and forget it.
    Close {
        /// Which link.
        link: LinkId,
    },
    /// Pass to the host.
    Errand(Errand),
}

/// Who asked for a read or write.
#[derive(Debug, Clone, Copy)]
enum JobOwner {
    Read(LinkId, TransferId),
    Write(ItemKey),
}

/// One device in (at most) one room.
#[derive(Debug)]
pub struct Session {
    rng: ChaCha20Rng,
    fold: Fold,
    plan: LanePlan,
    label: String,
    room: Room,
    peers: Few<PeerId, Peer>,
    links: Few<LinkId, Link>,
    lanes: Few<LinkId, Lanes>,
    shared: Vec<Shared>,
    text: crate::text::Document,
    text_order: u64,
    received: Few<ItemKey, Received>,
    /// What is to go on once it is offered again, oldest first, and where to.
    wanted: Vec<(Mark, PlaceId)>,
    stores: Few<StoreId, ItemKey>,
    fetches: Few<TransferId, ItemKey>,
    /// A fetch ended with its link: others that wait may take its turn.
    turn_is_free: bool,
    jobs: HashMap<JobId, JobOwner>,
    reads: Reads,
    notices: VecDeque<Notice>,
    /// Letters that fit nothing; `None` once a person was told of them in this room.
    stray_letters: Option<Allowance>,
    /// What the server takes of ours, and when it takes the next one that waits.
    letters: Allowance,
    letters_at: Option<Moment>,
    counter: u64,
    actions: VecDeque<Action>,
    wake_at: Option<Moment>,
    showing: Showing,
}

impl Session {
    /// An idle session. `seed` must be fresh randomness: every key and secret comes from it. `fold` is the platform's
    /// knowledge of which names are the same: a page has it already and need not load it again.
    pub fn new(seed: [u8; 32], fold: Fold) -> Self {
        Self {
            rng: ChaCha20Rng::from_seed(seed),
            fold,
            plan: LanePlan::ONE,
            label: String::new(),
            room: Room::default(),
            peers: Few::default(),
            links: Few::default(),
            lanes: Few::default(),
            shared: Vec::new(),
            text: crate::text::Document::default(),
            text_order: 0,
            received: Few::default(),
            wanted: Vec::new(),
            stores: Few::default(),
            fetches: Few::default(),
            turn_is_free: false,
            jobs: HashMap::new(),
            reads: Reads::default(),
            notices: VecDeque::new(),
            stray_letters: Some(STRAY_LETTERS),
            letters: LETTERS,
            letters_at: None,
            counter: 0,
            actions: VecDeque::new(),
            wake_at: None,
            showing: Showing::default(),
        }
    }

    /// The same, with more than one data lane to a link where that is faster.
    #[must_use]
    pub fn with_lanes(self, plan: LanePlan) -> Self {
        Self { plan, ..self }
    }

    /// Takes a report of the host's.
    pub fn handle_report(&mut self, report: Report, now: Moment) {
        match report {
            Report::Command(command) => self.handle_command(command, now),
            Report::Signal(event) => self.handle_signal(event, now),
            Report::Woke => self.wake_at = None,
            Report::Read { job, outcome } => self.handle_read(job, &outcome),
            Report::Checking { store, done, total } => self.handle_checking(store, done, total),
            Report::Prepared { store, outcome } => self.handle_prepared(store, outcome, now),
            Report::Written { job, outcome } => self.handle_written(job, outcome, now),
            Report::Committed { store, file: _, outcome } => self.handle_committed(store, outcome, now),
            Report::Finished { store, outcome } => self.handle_finished(store, outcome, now),
        }
        self.settle(now);
    }

    /// Takes what happened on a link's transport; a link that is gone already is ignored.
    pub fn handle_happened(&mut self, link: LinkId, happened: Happened, now: Moment) {
        if let Some(link) = self.links.get_mut(&link) {
            link.handle_happened(happened, now);
        }
        self.settle(now);
    }

    /// Next thing to do. Drain it after every input.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The facts as they are now.
    pub fn view(&self, now: Moment) -> View {
        self.build_view(now)
    }

    fn handle_command(&mut self, command: Command, now: Moment) {
        self.touch(Changed::Facts);
        match command {
            Command::Open { name } => self.open_room(name, now),
            Command::Join(invitation) => self.join_room(invitation, now),
            Command::Return(keepsake) => self.return_to_room(&keepsake, now),
            Command::Leave => self.leave_room(now),
            Command::Share(items) => self.share(items, now),
            Command::SetText(document) => self.set_text(document, now),
            Command::Accept { item, place } => self.accept(item, place, now),
            Command::Forget => self.forget_wanted(),
            Command::GoOn { wanted, place } => self.go_on(wanted, place, now),
            Command::Pause(item) => self.pause(item, now),
            Command::Resume(item) => self.resume(item, now),
            Command::Cancel(item) => self.cancel(item, now),
            Command::Remove(item) => self.remove(item, now),
            Command::Dismiss(id) => self.notices.retain(|notice| notice.id != id),
            Command::Nudge => self.nudge(false, now),
            Command::Moved => self.nudge(true, now),
            Command::Introduce(label) => self.introduce(&label),
        }
    }

    /// After every input: lets everything that is due happen, then says when to be woken and what to show.
    fn settle(&mut self, now: Moment) {
        self.handle_room_timeout(now);
        self.handle_guess_timeout(now);
        let due: Vec<LinkId> = self.due_links(now);
        for id in due {
            if let Some(link) = self.links.get_mut(&id) {
                link.handle_timeout(now);
            }
        }
        while let Some((id, event)) = self.next_link_event(now) {
            self.handle_link_event(id, event, now);
        }
        self.reconcile(now);
        if core::mem::take(&mut self.turn_is_free) {
            self.run_queue(now);
        }
        while let Some((id, event)) = self.next_link_event(now) {
            self.handle_link_event(id, event, now);
        }
        self.pump();
        self.show(now);
        self.ask_to_be_woken();
    }

    fn due_links(&self, now: Moment) -> Vec<LinkId> {
        let due = |link: &Link| link.poll_timeout().is_some_and(|at| at <= now);
        self.links.iter().filter(|(_, link)| due(link)).map(|(id, _)| *id).collect()
    }

    /// Letters go first: they may be a link's last words.
    fn next_link_event(&mut self, now: Moment) -> Option<(LinkId, LinkEvent)> {
        self.post_letters(now);
        self.links.iter_mut().find_map(|(id, link)| Some((*id, link.poll_event()?)))
    }

    fn ask_to_be_woken(&mut self) {
        let links = self.links.values().filter_map(Link::poll_timeout).min();
        let next = [links, self.letters_at, self.room_timeout(), self.peers_timeout(), self.showing.due()]
            .into_iter()
            .flatten()
            .min();
        if let Some(at) = next
            && self.wake_at != Some(at)
        {
            self.wake_at = Some(at);
            self.perform(Errand::WakeAt(at));
        }
    }

    fn show(&mut self, now: Moment) {
        let connecting = self.peers.values().any(Peer::is_arriving)
            || self.links.values().any(|link| link.is_alive() && !link.is_up());
        self.showing.settle(connecting, now);
        if self.showing.due().is_some_and(|due| due <= now) {
            let view = self.build_view(now);
            self.showing.shown(&view, now);
            self.perform(Errand::Show(Box::new(view)));
        }
    }

    fn touch(&mut self, changed: Changed) {
        self.showing.touch(changed);
    }

    fn perform(&mut self, errand: Errand) {
        self.actions.push_back(Action::Errand(errand));
    }

    /// The next number that nothing in this session has had yet.
    fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }
}
