//! The way that QUIC shares with the WebRTC stack: its sockets, and the pair of addresses that ICE chose among them.
//!
//! Learns the pair from where the stack's own DTLS goes, and from what the stack tells after a change; so QUIC goes along. Takes datagrams from there
//! alone; never more than [`MAX_WAITING`]. What does not fit is lost, and
//! QUIC sends it again.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSliceMut};
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use tokio::sync::Notify;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use super::sift::{Batch, is_dtls, sift};
use crate::transport::udp::Udp;

/// Bytes of datagrams that wait for QUIC: what a large socket buffer holds.
const MAX_WAITING: usize = 4 * 1024 * 1024;
/// Counted for each batch on top of its bytes, so that short ones are not free.
const BATCH_COST: usize = 128;

/// What the sockets of one connection and its QUIC share.
#[derive(Debug, Default)]
pub(in crate::transport) struct Way {
    state: Mutex<State>,
    /// Rings when something happened.
    bell: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// All sockets there are.
    sockets: Vec<Weak<Udp>>,
    pair: Pair,
    /// Nobody takes datagrams any more.
    is_left: bool,
    waiting: VecDeque<Batch>,
    cost: usize,
    news: News,
}

/// Where the stack's DTLS goes.
#[derive(Debug, Default)]
enum Pair {
    /// Nowhere yet.
    #[default]
    Unknown,
    /// By this socket to this address.
    Direct(Weak<Udp>, SocketAddr),
    /// Through a relay.
    Relayed,
}

/// What happened since it was asked for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct News {
    /// ICE and DTLS connected, for the first time or again.
    pub(super) connected: bool,
    /// The pair is another one.
    pub(super) moved: bool,
}

impl Way {
    /// ICE and DTLS are connected, for the first time or again.
    pub(in crate::transport) fn connected(&self) {
        self.state.lock().news.connected = true;
        self.bell.notify_one();
    }

    /// The stack's path leads from this address, of a socket or not, to that one.
    pub(in crate::transport) fn chosen(&self, from: SocketAddr, peer: SocketAddr) {
        let sockets = self.state.lock().sockets.clone();
        let is_it = |socket: &Arc<Udp>| socket.local_addr().is_ok_and(|own| is_same(own, from));
        if let Some(socket) = sockets.iter().filter_map(Weak::upgrade).find(is_it) {
            self.leads_to(&socket, peer);
        }
    }

    /// The stack's path goes through a relay.
    pub(in crate::transport) fn relayed(&self) {
        let mut state = self.state.lock();
        if !matches!(state.pair, Pair::Relayed) {
            state.set(Pair::Relayed);
            self.bell.notify_one();
        }
    }

    /// Waits for the first connection. What comes early is kept.
    pub(super) async fn ready(&self) {
        while !self.state.lock().news.connected {
            self.bell.notified().await;
        }
    }

    /// Takes no datagrams any more.
    pub(super) fn leave(&self) {
        let mut state = self.state.lock();
        state.is_left = true;
        (state.waiting, state.cost) = (VecDeque::new(), 0);
    }

    /// What happened, and the datagrams that came, into `batches`, which is empty.
    pub(super) fn take(&self, batches: &mut VecDeque<Batch>) -> News {
        let mut state = self.state.lock();
        core::mem::swap(&mut state.waiting, batches);
        state.cost = 0;
        core::mem::take(&mut state.news)
    }

    /// Waits until something happens.
    pub(super) async fn happened(&self) {
        self.bell.notified().await;
    }

    /// True while the path needs no relay at this end.
    pub(super) fn is_direct(&self) -> bool {
        matches!(self.state.lock().pair, Pair::Direct(..))
    }

    /// True once the path needs a relay at this end.
    pub(super) fn is_relayed(&self) -> bool {
        matches!(self.state.lock().pair, Pair::Relayed)
    }

    /// The socket that leads to the peer, if one does.
    pub(super) fn socket(&self) -> Option<(Arc<Udp>, SocketAddr)> {
        match &self.state.lock().pair {
            Pair::Direct(socket, peer) => Some((socket.upgrade()?, *peer)),
            Pair::Unknown | Pair::Relayed => None,
        }
    }

    /// A socket more; those of an earlier round of ICE are gone.
    fn adds(&self, socket: &Arc<Udp>) {
        let sockets = &mut self.state.lock().sockets;
        sockets.retain(|socket| socket.strong_count() > 0);
        sockets.push(Arc::downgrade(socket));
    }

    /// The stack sends this.
    fn sends(&self, socket: &Arc<Udp>, transmit: &Transmit<'_>) {
        match transmit.contents {
            // A message of a TURN channel, to its server: four bytes, and what it passes on (RFC 8656 §12.4).
            [0x40..=0x4f, _, _, _, rest @ ..] if is_dtls(rest) => self.relayed(),
            datagram if is_dtls(datagram) => self.leads_to(socket, transmit.destination),
            _ => {}
        }
    }

    fn leads_to(&self, socket: &Arc<Udp>, peer: SocketAddr) {
        let mut state = self.state.lock();
        if !state.pair.is(socket, peer) {
            state.set(Pair::Direct(Arc::downgrade(socket), peer));
            self.bell.notify_one();
        }
    }

    /// Takes what is for QUIC out of what came from `from`; tells how much is left.
    fn takes(&self, socket: &Arc<Udp>, from: SocketAddr, buffer: &mut [u8], stride: usize) -> usize {
        let mut state = self.state.lock();
        if state.is_left || !state.pair.is(socket, from) {
            return buffer.len();
        }
        let (kept, batch) = sift(buffer, stride);
        if let Some(batch) = batch {
            let cost = batch.bytes.len() + BATCH_COST;
            if state.cost + cost <= MAX_WAITING {
                state.cost += cost;
                state.waiting.push_back(batch);
                self.bell.notify_one();
            }
        }
        kept
    }
}

impl State {
    fn set(&mut self, pair: Pair) {
        self.pair = pair;
        self.news.moved = true;
    }
}

impl Pair {
    /// Without what only this machine knows of an address.
    fn is(&self, by: &Arc<Udp>, to: SocketAddr) -> bool {
        matches!(self, Self::Direct(socket, peer)
            if socket.as_ptr() == Arc::as_ptr(by) && is_same(*peer, to))
    }
}

fn is_same(one: SocketAddr, other: SocketAddr) -> bool {
    (one.ip(), one.port()) == (other.ip(), other.port())
}

/// A socket of the stack's that leaves to QUIC what is QUIC's.
#[derive(Debug)]
pub(in crate::transport) struct Sharing {
    /// As the stack sees it.
    stack: Arc<dyn AsyncUdpSocket>,
    /// As the system sees it.
    udp: Arc<Udp>,
    way: Arc<Way>,
}

impl Sharing {
    pub(in crate::transport) fn new(stack: Arc<dyn AsyncUdpSocket>, udp: Arc<Udp>, way: Arc<Way>) -> Self {
        way.adds(&udp);
        Self { stack, udp, way }
    }
}

impl AsyncUdpSocket for Sharing {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stack.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        self.way.sends(&self.udp, transmit);
        self.stack.poll_send(cx, transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let ([buffer, ..], [meta, ..]) = (buffers, meta) else {
            return Poll::Ready(Err(ErrorKind::InvalidInput.into()));
        };
        // One after the other: what is left of each must stay where it is.
        loop {
            let one = (core::slice::from_mut(buffer), core::slice::from_mut(meta));
            let count = ready!(self.stack.poll_recv(cx, one.0, one.1))?;
            let Some(came) = buffer.get_mut(..meta.len).filter(|_| count > 0) else {
                return Poll::Ready(Ok(count));
            };
            let had = came.len();
            meta.len = self.way.takes(&self.udp, meta.addr, came, meta.stride);
            if meta.len > 0 || had == 0 {
                return Poll::Ready(Ok(count));
            }
        }
    }

    fn max_gso_segments(&self) -> usize {
        self.stack.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.stack.max_gro_segments()
    }
}
