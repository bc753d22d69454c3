//! What the device does as a whole for links whose path is silent, and so that none falls silent: is the server still
//! there, do its relays still know this device, did something change that is worth a try.
//!
//! How one link is mended is its own affair (`link/mending.rs`); whom to call anew is decided in `linking`.

use std::time::Duration;

use super::Session;
use super::room::Socket;
use crate::api::{PeerState, Phase};
use crate::host::Errand;
use crate::signaling::{ClientMessage, ICE_SECONDS, IceServer};
use crate::time::Moment;
use crate::transport::Route;

/// The server answers within this time, or its socket is taken for dead.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// The same after a change of address, which hardly any socket survives.
const ANSWER_WHEN_MOVED: Duration = Duration::from_millis(700);
/// A socket that is not open by then is opened anew while members are missing: an attempt that began while the network
/// was away waits ever longer by itself. A network that was slow before has more time, and so have later attempts.
const OPEN_WITHIN: Duration = Duration::from_millis(1_500);
const OPEN_WITHIN_STEP: Duration = Duration::from_millis(500);
const OPEN_WITHIN_MAX: Duration = Duration::from_secs(8);
const HURRIED: u32 = 12;
/// What is asked of a room is answered within this time: a server may have to wait for its store.
const REPLY_WITHIN: Duration = Duration::from_secs(15);
/// A server that has said nothing for so long is asked whether it is there: a page hears no pings, and a socket whose way was
/// forgotten by a router stays open at this end for ever.
const QUIET_FOR: Duration = Duration::from_secs(45);
/// A server that answered is not asked again before.
const ASK_EVERY: Duration = Duration::from_secs(10);
/// When relay credentials are that old, fresh ones are asked for.
const FRESH_FOR: Duration = Duration::from_secs(ICE_SECONDS as u64 * 3 / 4);
/// Wait after asking in vain.
const ASK_AGAIN: Duration = Duration::from_secs(5 * 60);

/// What was asked of the server, and when it is to be asked again.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// By then the server has answered, or its socket has opened.
    alive_by: Option<Moment>,
    /// When the socket that is being opened was begun.
    opening_since: Option<Moment>,
    /// How long it takes when the network is there: the shortest time so far.
    opened_in: Option<Duration>,
    last: Option<Moment>,
    /// When the server has been quiet for long, while this device is in a room.
    quiet_at: Option<Moment>,
    /// When relay credentials are old. Those of links that stand: what is told in between does not renew them.
    refresh_at: Option<Moment>,
    renewing: bool,
}

impl Asking {
    /// The server said something.
    pub(super) fn answered(&mut self, now: Moment) {
        self.alive_by = None;
        self.quiet_at = Some(now + QUIET_FOR);
    }

    /// There is no socket any more.
    pub(super) fn lost(&mut self) {
        self.quiet_at = None;
    }

    /// A socket is being opened.
    pub(super) fn opening(&mut self, now: Moment) {
        self.opening_since = Some(now);
    }

    /// It is open.
    pub(super) fn opened(&mut self, now: Moment) {
        if let Some(took) = self.opening_since.take().map(|since| now - since) {
            self.opened_in = Some(self.opened_in.map_or(took, |before| before.min(took)));
        }
    }

    /// A socket was open before.
    pub(super) fn has_reached(&self) -> bool {
        self.opened_in.is_some()
    }

    /// How long a socket may take to open while somebody is missing, after so many attempts.
    fn open_within(&self, attempts: u32) -> Duration {
        let usual = OPEN_WITHIN.max(self.opened_in.unwrap_or_default() * 3);
        let further = OPEN_WITHIN_STEP * attempts.saturating_sub(HURRIED);
        (usual + further).min(OPEN_WITHIN_MAX)
    }

    /// These servers came with the place in the room.
    pub(super) fn told(&mut self, ice: &[IceServer], now: Moment) {
        if ice.iter().any(|server| server.credential.is_some()) {
            self.refresh_at.get_or_insert(now + FRESH_FOR);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Moment> {
        [self.alive_by, self.quiet_at, self.refresh_at].into_iter().flatten().min()
    }
}

impl Session {
    /// Something changed: what waits is tried now, what is silent is mended now, and after a change of address every link.
    pub(super) fn nudge(&mut self, moved: bool, now: Moment) {
        if self.room.retry_at.is_some() {
            self.room.retry_at = Some(now);
        }
        self.retry_soon(moved, now);
        if moved && self.room.phase == Phase::Reconnecting && self.room.socket == Socket::Opening {
            // Begun on a network that may be gone.
            self.room.asking.alive_by = Some(now);
        } else if moved {
            self.ask_for_ice(ANSWER_WHEN_MOVED, now);
        } else {
            self.look_for_server(now);
        }
    }

    /// Members are called again, and silent links mended, now.
    pub(super) fn retry_soon(&mut self, moved: bool, now: Moment) {
        self.peers.values_mut().for_each(|peer| peer.retry_soon(now));
        self.links.values_mut().for_each(|link| link.mend(moved, now));
    }

    /// Asks the server for something, only to know whether it is there: after a silence or a change of address its socket
    /// may be as dead as the link.
    pub(super) fn look_for_server(&mut self, now: Moment) {
        if self.room.asking.last.is_none_or(|last| last + ASK_EVERY <= now) {
            self.ask_for_ice(ANSWER_WITHIN, now);
        }
    }

    fn ask_for_ice(&mut self, within: Duration, now: Moment) {
        if self.room.phase == Phase::InRoom {
            self.tell_server(&ClientMessage::Ice);
            self.room.asking.last = Some(now);
            self.room.asking.alive_by = Some(now + within);
        }
    }

    /// A socket that is being opened must be open soon if somebody is missing.
    pub(super) fn expect_opening(&mut self, now: Moment) {
        let within = self.room.asking.open_within(self.room.retries);
        self.room.asking.alive_by = self.is_missing_somebody().then_some(now + within);
    }

    /// The server says hello at once, if the socket that has just opened leads anywhere.
    pub(super) fn expect_welcome(&mut self, now: Moment) {
        let within = self.room.asking.open_within(self.room.retries).max(ANSWER_WITHIN);
        self.room.asking.alive_by = Some(now + within);
    }

    /// It answers what was asked of it.
    pub(super) fn expect_answer(&mut self, now: Moment) {
        self.room.asking.alive_by = (self.room.phase != Phase::InRoom).then_some(now + REPLY_WITHIN);
    }

    pub(super) fn handle_asking_timeout(&mut self, now: Moment) {
        let due = |at: &mut Option<Moment>| at.take_if(|at| *at <= now).is_some();
        if due(&mut self.room.asking.alive_by) && self.room.socket != Socket::Closed {
            self.perform(Errand::CloseSignal);
            self.handle_socket_lost(now);
            // A server that takes connections and says nothing is not to get more of them.
            if self.room.retry_at.is_some() && (self.room.retries <= 1 || self.is_missing_somebody()) {
                self.room.retry_at = Some(now);
            }
        }
        if due(&mut self.room.asking.quiet_at) {
            self.ask_for_ice(ANSWER_WITHIN, now);
        }
        if due(&mut self.room.asking.refresh_at) {
            self.room.asking.refresh_at = Some(now + ASK_AGAIN);
            self.room.asking.renewing = true;
            self.ask_for_ice(ANSWER_WITHIN, now);
        }
    }

    /// Fresh servers: links that are made or mended from now on use them, and a path through a relay is made anew before
    /// the relay forgets who this is.
    pub(super) fn handle_ice(&mut self, ice: Vec<IceServer>, now: Moment) {
        let renewing = core::mem::take(&mut self.room.asking.renewing);
        if renewing {
            self.room.asking.refresh_at = None;
        }
        self.room.asking.told(&ice, now);
        for link in self.links.values_mut() {
            let path = self.peers.get(&link.peer).and_then(|peer| peer.path);
            let relayed = path.is_some_and(|path| path.route == Route::Relay);
            link.use_servers(ice.clone(), renewing && relayed, now);
        }
        if let Some(here) = &mut self.room.membership {
            here.ice = ice;
        }
    }

    /// True while a member's link is silent or gone.
    pub(super) fn is_missing_somebody(&self) -> bool {
        self.peers.values().any(|peer| peer.state == PeerState::Lost)
            || self.links.values().any(|link| link.is_silent())
    }
}
