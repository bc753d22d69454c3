//! Where members on other nodes were found a moment ago, so that not every relay loads its room.
//!
//! A route is the answer of the room's rule for one sender and one receiver. It may be wrong for a moment after the
//! receiver moved: the letter is lost then, and sent again by the sender's device.

use std::time::{Duration, Instant};

use dashmap::DashMap;
use privydrop_common::id::PeerId;

use crate::rooms::Place;

/// How long a route is believed.
const TRUST: Duration = Duration::from_secs(1);
/// Most routes that are kept; past this, relays load their room.
const MOST: usize = 65_536;

/// The routes of this node's sockets.
#[derive(Debug, Default)]
pub(super) struct Routes(DashMap<(u64, PeerId), (Place, Instant)>);

impl Routes {
    /// Where this socket's letters to `to` went lately.
    pub(super) fn get(&self, socket: u64, to: PeerId) -> Option<Place> {
        let route = self.0.get(&(socket, to))?;
        (route.1.elapsed() < TRUST).then_some(route.0)
    }

    pub(super) fn keep(&self, socket: u64, to: PeerId, place: Place) {
        if self.0.len() < MOST {
            self.0.insert((socket, to), (place, Instant::now()));
        }
    }

    pub(super) fn forget(&self, socket: u64, to: PeerId) {
        self.0.remove(&(socket, to));
    }

    /// Forgets what is not believed any more.
    pub(super) fn sweep(&self) {
        self.0.retain(|_, (_, found)| found.elapsed() < TRUST);
    }
}
