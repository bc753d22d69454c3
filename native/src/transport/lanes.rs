//! The further data lanes of a link, each a connection of its own on a task of its own.
//!
//! They take frames from the link's one queue and put frames into its one inbox. Which there are, and when one is
//! used, the session says; nothing here makes one by itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use privydrop_common::signaling::IceServer;
use privydrop_common::transport::{Closed, Happened, Lane, LaneNews, LaneStep, Step};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::connection::{Events, LAST_MESSAGES, StackResult, channel, connect, receive, send};
use super::negotiate::{self, MAX_STEPS};
use super::settings::Setup;
use super::shared::Shared;

/// The further lanes of one link.
pub(super) struct Lanes {
    shared: Arc<Shared>,
    setup: Setup,
    ice: Vec<IceServer>,
    made: Vec<Made>,
    tasks: JoinSet<()>,
}

/// A lane that has a task.
struct Made {
    number: u8,
    /// Its task ends once this is gone.
    steps: mpsc::Sender<Step>,
    used: Arc<Notify>,
}

/// Why a lane's task is over.
enum Over {
    /// The session, or the link's end, has it so.
    Told,
    /// It ended by itself.
    Ended(Closed),
}

impl Lanes {
    /// None yet; those to come will use these servers.
    pub(super) fn new(shared: &Arc<Shared>, setup: Setup, ice: Vec<IceServer>) -> Self {
        Self { shared: Arc::clone(shared), setup, ice, made: Vec::new(), tasks: JoinSet::new() }
    }

    /// Does what the session asks, for as long as the link lives.
    pub(super) async fn run(&mut self, mut steps: mpsc::Receiver<Step>) {
        while let Some(step) = steps.recv().await {
            while self.tasks.try_join_next().is_some() {}
            match step {
                Step::Lane(number, step) => self.perform(number, step),
                Step::IceServers(ice) => self.use_servers(ice),
                _ => {}
            }
        }
    }

    /// Ends all lanes and waits until they are gone.
    pub(super) async fn end(mut self) {
        self.made.clear();
        while self.tasks.join_next().await.is_some() {}
    }

    fn perform(&mut self, number: u8, step: LaneStep) {
        let step = match step {
            // One QUIC has no use for others.
            LaneStep::Offer if self.shared.is_handed_over() && !self.is_made(number) => {
                return self.shared.news(Happened::Lane(number, LaneNews::Failed));
            }
            LaneStep::Offer => {
                self.make_once(number);
                Step::Offer
            }
            LaneStep::Answer(offer) => {
                self.make_once(number);
                Step::Answer(offer)
            }
            LaneStep::Accept(answer) => Step::Accept(answer),
            LaneStep::Candidate(candidate) => Step::Candidate(candidate),
            LaneStep::Use => {
                self.made.iter().filter(|made| made.number == number).for_each(|made| made.used.notify_one());
                return;
            }
            LaneStep::Forget => return self.made.retain(|made| made.number != number),
        };
        self.made.iter().filter(|made| made.number == number).for_each(|made| self.tell(made, step.clone()));
    }

    /// Lanes that are, and those to come, use these servers from now on.
    fn use_servers(&mut self, ice: Vec<IceServer>) {
        self.made.iter().for_each(|made| self.tell(made, Step::IceServers(ice.clone())));
        self.ice = ice;
    }

    fn tell(&self, made: &Made, step: Step) {
        if let Err(TrySendError::Full(_)) = made.steps.try_send(step) {
            self.shared.close(Closed::BadDescription);
        }
    }

    fn is_made(&self, number: u8) -> bool {
        self.made.iter().any(|made| made.number == number)
    }

    /// A lane that has a task is offered again to restart its ICE.
    fn make_once(&mut self, number: u8) {
        if self.is_made(number) {
            return;
        }
        let ((steps, waiting), used) = (mpsc::channel(MAX_STEPS), Arc::new(Notify::new()));
        self.made.push(Made { number, steps, used: Arc::clone(&used) });
        let events = Events::new(&self.shared, number, self.setup);
        self.tasks.spawn(run(events, self.ice.clone(), waiting, used));
    }
}

/// Runs one lane to its end, and tells of it if nobody asked for it.
async fn run(events: Arc<Events>, ice: Vec<IceServer>, steps: mpsc::Receiver<Step>, used: Arc<Notify>) {
    let why = match lane(&events, &ice, steps, &used).await {
        Ok(Over::Told) => return,
        Ok(Over::Ended(why)) => why,
        Err(_) => Closed::NoPath,
    };
    if events.in_use.load(Ordering::Relaxed) {
        // A peer that ends the link ends its lanes as well: its last words on the first connection come first.
        sleep(LAST_MESSAGES).await;
        events.shared.close(why);
    } else {
        events.shared.news(Happened::Lane(events.number, LaneNews::Failed));
    }
}

async fn lane(
    events: &Arc<Events>,
    ice: &[IceServer],
    steps: mpsc::Receiver<Step>,
    used: &Notify,
) -> StackResult<Over> {
    let connection = connect(ice, events).await?;
    let data = channel(&*connection, Lane::Data).await;
    let served = async {
        let (data, small) = (data?, Notify::new());
        let open = || {
            // Frames are made for the first connection, and any of them may come this way.
            if events.terms.max_frame() < events.shared.max_frame() {
                return small.notify_one();
            }
            events.shared.news(Happened::Lane(events.number, LaneNews::Open));
        };
        let sending = async {
            used.notified().await;
            events.in_use.store(true, Ordering::Relaxed);
            send(Lane::Data, &*data, &events.shared).await;
        };
        tokio::select! {
            // What the stack cannot use costs the lane only.
            done = negotiate::run(&*connection, events, steps) => {
                Ok(if done.is_ok() { Over::Told } else { Over::Ended(Closed::BadDescription) })
            }
            why = receive(events, Lane::Data, &*data, open) => Ok(Over::Ended(why)),
            () = sending => Ok(Over::Told),
            () = events.failed.notified() => Ok(Over::Ended(Closed::NoPath)),
            () = small.notified() => Ok(Over::Ended(Closed::BadDescription)),
        }
    };
    let served = served.await;
    // Or the stack's own task would go on for ever.
    connection.close().await.and(served)
}
