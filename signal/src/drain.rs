//! How a server stops without losing anybody: first balancers hear of it, then sockets, one after another, then the
//! world. Whoever waits at a door may finish. Always over within 30 seconds.

use std::time::Duration;

use rand::seq::SliceRandom;
use tokio::time::{Instant, sleep, sleep_until};

use crate::directory::{Directory, Role};

/// How long knockers may take to be let in, counted from the first farewell.
const KNOCKERS: Duration = Duration::from_secs(15);
/// How often it is looked whether they were.
const LOOK: Duration = Duration::from_millis(50);

/// How sockets are sent elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct Drain {
    /// Time for balancers to see that the server is not ready any more.
    pub notice: Duration,
    /// Time over which sockets are told, so that they do not all arrive elsewhere at once.
    pub spread: Duration,
}

impl Drain {
    /// Waits until the notice is over, also when nobody is here: whoever a balancer still sends must find a server.
    pub async fn give_notice(self) {
        sleep(self.notice).await;
    }

    /// Says farewell to every socket. New ones must not come any more.
    pub async fn farewell(self, directory: &Directory) {
        let (start, mut sockets) = (Instant::now(), directory.open_sockets());
        sockets.shuffle(&mut rand::rng());
        let turn = self.spread / u32::try_from(sockets.len()).unwrap_or(u32::MAX).max(1);
        let mut waiting = Vec::new();
        for (number, socket) in (0..).zip(sockets) {
            sleep_until(start + turn * number).await;
            match is_knocking(directory, socket) {
                true => waiting.push(socket),
                false => directory.farewell(socket),
            }
        }
        while !waiting.is_empty() && start.elapsed() < KNOCKERS {
            sleep(LOOK).await;
            waiting.retain(|socket| {
                let stays = is_knocking(directory, *socket);
                if !stays {
                    directory.farewell(*socket);
                }
                stays
            });
        }
        directory.open_sockets().into_iter().for_each(|socket| directory.farewell(socket));
    }
}

fn is_knocking(directory: &Directory, socket: u64) -> bool {
    directory.position(socket).is_some_and(|position| position.role == Role::Knocker)
}
