//! The task that speaks QUIC for one connection: datagrams in and out, frames in and out.
//!
//! Uses a peer's stream for frames once that peer has said a first, empty one: then it has seen our certificate and
//! takes what we send. Ends the link when QUIC ends after that, for frames are lost with it; before that nobody notices.

use std::collections::VecDeque;
use std::future::pending;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use privydrop_common::sdp::Fingerprint;
use privydrop_common::transport::Closed;
use quinn_proto::{ClientConfig, DatagramEvent, Endpoint, Incoming, ServerConfig, Transmit};
use tokio::time::sleep_until;
use webrtc::runtime::Transmit as Datagrams;

use super::Quic;
use super::identity::Unfit;
use super::live::{Broken, Live};
use super::settings::{self, NAME, STAND_IN};
use super::sift::Batch;
use super::way::{News, Way};
use crate::transport::shared::Shared;
use crate::transport::udp::Udp;

/// How long the called side is tried to reach, and how long a beginning may take there.
const PATIENCE: Duration = Duration::from_millis(2_000);
/// Times that a link begins with QUIC, either side.
const MOST_ATTEMPTS: usize = 4;
/// Batches that leave before anything else gets its turn.
const BATCHES: usize = 16;

/// Which side this is; the one that is the client of DTLS calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Calling,
    Called,
}

/// How the task goes on.
enum Next {
    /// At once.
    Again,
    /// When something happens, or there is room in the socket.
    Wait { is_full: bool },
    /// Not at all.
    Over,
}

/// The QUIC of one connection.
pub(super) struct Carrier {
    way: Arc<Way>,
    shared: Arc<Shared>,
    /// Of the side that calls.
    calling: Option<ClientConfig>,
    endpoint: Endpoint,
    live: Option<Live>,
    attempts: usize,
    /// Longest frame that the peer may send.
    longest: usize,
    window: u32,
    arrived: VecDeque<Batch>,
    out: Vec<u8>,
    /// What of `out` the socket had no room for.
    unsent: Option<Unsent>,
}

struct Unsent {
    size: usize,
    segment: Option<usize>,
}

impl Carrier {
    /// Not begun; the peer must show the certificate `peer`, and send no frame longer than `longest`.
    pub(super) fn new(
        Quic { way, identity }: &Quic,
        (side, peer): (Side, Fingerprint),
        shared: &Arc<Shared>,
        (longest, window): (usize, u32),
    ) -> Result<Self, Unfit> {
        let window = settings::short_window(window);
        let transport = settings::transport(window);
        let (mut calling, mut called) = (None, None);
        match side {
            Side::Calling => {
                let mut config = ClientConfig::new(identity.calling(peer)?);
                config.transport_config(transport);
                calling = Some(config);
            }
            Side::Called => {
                let mut config = ServerConfig::with_crypto(identity.called(peer)?);
                config.transport_config(transport).migration(false).max_incoming(1);
                called = Some(Arc::new(config));
            }
        }
        Ok(Self {
            way: Arc::clone(way),
            shared: Arc::clone(shared),
            calling,
            endpoint: Endpoint::new(settings::endpoint(), called, true, None),
            live: None,
            attempts: 0,
            longest,
            window,
            arrived: VecDeque::new(),
            out: Vec::new(),
            unsent: None,
        })
    }

    /// Runs until the link must end or QUIC is of no use for it.
    pub(super) async fn run(mut self) {
        self.call(now());
        let mut timer = core::pin::pin!(sleep_until(now().into()));
        loop {
            let is_full = match self.turn() {
                Next::Again => {
                    tokio::task::yield_now().await;
                    continue;
                }
                Next::Wait { is_full } => is_full,
                Next::Over => break,
            };
            let deadline = self.deadline();
            if let Some(deadline) = deadline {
                timer.as_mut().reset(deadline.into());
            }
            let takes = self.live.as_ref().is_some_and(Live::takes_frames);
            let socket = if is_full { self.way.socket() } else { None };
            tokio::select! {
                () = self.way.happened() => {}
                () = self.shared.handed(), if takes => {}
                () = room(socket) => {}
                () = timer.as_mut(), if deadline.is_some() => {}
            }
        }
        self.way.leave();
    }

    /// All there is to do now.
    fn turn(&mut self) -> Next {
        let now = now();
        let mut arrived = core::mem::take(&mut self.arrived);
        let news = self.way.take(&mut arrived);
        let came = !arrived.is_empty();
        for batch in arrived.drain(..) {
            self.receive(now, batch);
        }
        self.arrived = arrived;
        self.follow(now, news);
        let done = match &mut self.live {
            Some(live) => {
                live.handle_time(now, came);
                live.perform(&mut self.endpoint, &self.shared, self.window)
            }
            None => return Next::Wait { is_full: false },
        };
        if let Err(broken) = done {
            return self.lose(broken);
        }
        // A relay's path is not QUIC's, and what is under way stays under way: the link comes back over the relay.
        if self.way.is_relayed() {
            return self.lose(Broken::Ended);
        }
        if self.live.as_ref().is_some_and(|live| live.gives_up(PATIENCE).is_some_and(|at| at <= now)) {
            return self.lose(Broken::Ended);
        }
        self.transmit(now)
    }

    /// Begins, if this side is the one to begin.
    fn call(&mut self, now: Instant) {
        let Some(config) = &self.calling else { return };
        if self.live.is_some() || self.attempts >= MOST_ATTEMPTS || !self.way.is_direct() {
            return;
        }
        self.attempts += 1;
        if let Ok((handle, connection)) = self.endpoint.connect(now, config.clone(), STAND_IN, NAME) {
            self.live = Some(Live::new(handle, connection, now, self.longest));
        }
    }

    /// ICE connected again, or over another path.
    fn follow(&mut self, now: Instant, news: News) {
        if news.connected {
            self.call(now);
        }
        let Some(live) = &mut self.live else { return };
        if news.moved {
            live.moved(now);
        }
        if news.connected || news.moved {
            live.nudge(now);
        }
    }

    fn receive(&mut self, now: Instant, Batch { mut bytes, stride }: Batch) {
        while !bytes.is_empty() {
            let datagram = bytes.split_to(stride.min(bytes.len()));
            let mut answer = Vec::new();
            match self.endpoint.handle(now, STAND_IN, None, None, datagram, &mut answer) {
                Some(DatagramEvent::ConnectionEvent(handle, event)) => {
                    if let Some(live) = self.live.as_mut().filter(|live| live.is(handle)) {
                        live.handle_event(event);
                    }
                }
                Some(DatagramEvent::NewConnection(incoming)) => self.accept(now, incoming, &mut answer),
                Some(DatagramEvent::Response(transmit)) => self.answer(&transmit, &answer),
                None => {}
            }
        }
    }

    /// One connection, and few beginnings.
    fn accept(&mut self, now: Instant, incoming: Incoming, answer: &mut Vec<u8>) {
        if self.live.is_some() || self.attempts >= MOST_ATTEMPTS {
            return self.endpoint.ignore(incoming);
        }
        self.attempts += 1;
        match self.endpoint.accept(incoming, now, answer, None) {
            Ok((handle, connection)) => self.live = Some(Live::new(handle, connection, now, self.longest)),
            Err(error) => {
                if let Some(transmit) = error.response {
                    self.answer(&transmit, answer);
                }
            }
        }
    }

    /// Says at once what belongs to no connection, or leaves it.
    fn answer(&self, transmit: &Transmit, answer: &[u8]) {
        if let Some(contents) = answer.get(..transmit.size) {
            let _ = self.send(contents, transmit.segment_size);
        }
    }

    fn transmit(&mut self, now: Instant) -> Next {
        let Some((socket, _)) = self.way.socket() else { return Next::Wait { is_full: false } };
        for _ in 0..BATCHES {
            let unsent = match self.unsent.take() {
                Some(unsent) => unsent,
                None => {
                    let Some(live) = &mut self.live else { return Next::Wait { is_full: false } };
                    self.out.clear();
                    match live.poll_transmit(now, socket.most_at_once(), &mut self.out) {
                        Some(transmit) => Unsent { size: transmit.size, segment: transmit.segment_size },
                        None => return Next::Wait { is_full: false },
                    }
                }
            };
            let contents = self.out.get(..unsent.size).unwrap_or_default();
            if self.send(contents, unsent.segment) == Err(ErrorKind::WouldBlock) {
                self.unsent = Some(unsent);
                return Next::Wait { is_full: true };
            }
        }
        Next::Again
    }

    /// What cannot be sent is lost, as on its way.
    fn send(&self, contents: &[u8], segment_size: Option<usize>) -> Result<(), ErrorKind> {
        let Some((socket, destination)) = self.way.socket() else { return Ok(()) };
        let datagrams = Datagrams { destination, ecn: None, contents, segment_size, src_ip: None };
        socket.try_send(&datagrams).map_err(|error| error.kind())
    }

    /// When to look again, if nothing happens.
    fn deadline(&mut self) -> Option<Instant> {
        let live = self.live.as_mut()?;
        [live.poll_timeout(), live.gives_up(PATIENCE)].into_iter().flatten().min()
    }

    fn lose(&mut self, broken: Broken) -> Next {
        // Its last word, if it has one.
        let _ = self.transmit(now());
        let Some(live) = self.live.take() else { return Next::Over };
        self.unsent = None;
        if broken == Broken::Bound {
            self.shared.close(Closed::Violation);
            return Next::Over;
        }
        if live.is_used() {
            self.shared.close(Closed::NoPath);
            return Next::Over;
        }
        if self.attempts >= MOST_ATTEMPTS { Next::Over } else { Next::Again }
    }
}

/// Waits for room in a socket, if there is one to wait for.
async fn room(socket: Option<(Arc<Udp>, SocketAddr)>) {
    match socket {
        Some((socket, _)) => socket.writable().await,
        None => pending().await,
    }
}

/// As the link's runtime has it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
mod tests;
