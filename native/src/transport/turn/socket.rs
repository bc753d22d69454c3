//! A socket of a link that also reaches TURN servers by streams, under addresses that exist in here only.
//!
//! The stack's TURN client speaks to the address of a datagram's server; datagrams to such an address become messages
//! on a stream, and messages on a stream datagrams from there. Nothing listens on this machine for it, so no other
//! program can take part. It stays a datagram service: what a slow stream has no room for is lost.

use std::io::{self, ErrorKind, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use super::Relays;
use super::frames::Framer;
use super::pace::Pace;
use super::stream;

/// Datagrams that may wait for a stream, in either direction: 1 MiB of the longest.
const MAX_WAITING: usize = 512;

/// A UDP socket, and the streams that were opened through it. They end with it.
#[derive(Debug)]
pub(in crate::transport) struct RelaySocket {
    udp: Arc<dyn AsyncUdpSocket>,
    relays: Arc<Relays>,
    streams: Mutex<Vec<Stream>>,
    incoming: Mutex<mpsc::Receiver<(SocketAddr, Bytes)>>,
    tell: mpsc::Sender<(SocketAddr, Bytes)>,
    /// Whose turn it is to be heard first, so that neither side keeps the other out.
    streams_first: AtomicBool,
    /// Of datagrams to relays; streams have their own.
    pace: Mutex<Pace>,
}

#[derive(Debug)]
struct Stream {
    alias: SocketAddr,
    framer: Framer,
    outgoing: mpsc::Sender<Bytes>,
}

impl RelaySocket {
    pub(in crate::transport) fn new(udp: Arc<dyn AsyncUdpSocket>, relays: Arc<Relays>) -> Self {
        let (tell, incoming) = mpsc::channel(MAX_WAITING);
        let (streams, incoming) = (Mutex::default(), Mutex::new(incoming));
        let (streams_first, pace) = (AtomicBool::new(false), Mutex::new(Pace::new()));
        Self { udp, relays, streams, incoming, tell, streams_first, pace }
    }

    /// Hands a datagram to its stream, which is opened for the first one.
    fn send(&self, alias: SocketAddr, datagram: &[u8]) -> io::Result<()> {
        let mut streams = self.streams.lock();
        let at = match streams.iter().position(|stream| stream.alias == alias) {
            Some(at) => at,
            None => {
                streams.push(self.open(alias)?);
                streams.len() - 1
            }
        };
        let stream = &mut streams[at];
        // Also when the stack only says again what a stream need not hear twice: nothing will answer any more.
        if stream.outgoing.is_closed() {
            return Err(ErrorKind::BrokenPipe.into());
        }
        // Nobody is told of what is not for the server: it was for an address that does not exist.
        let Ok(Some(message)) = stream.framer.frame(datagram) else { return Ok(()) };
        match stream.outgoing.try_send(message) {
            Err(TrySendError::Closed(_)) => Err(ErrorKind::BrokenPipe.into()),
            Ok(()) | Err(TrySendError::Full(_)) => Ok(()),
        }
    }

    fn open(&self, alias: SocketAddr) -> io::Result<Stream> {
        // Every socket of a link would ask for an allocation of its own; a stream finds its own way out, so one does.
        let (server, head_start) = self.relays.claim(alias).ok_or(ErrorKind::AddrInUse)?;
        let (outgoing, waiting) = mpsc::channel(MAX_WAITING);
        tokio::spawn(stream::run(server, alias, head_start, waiting, self.tell.clone()));
        Ok(Stream { alias, framer: Framer::default(), outgoing })
    }

    fn poll_streams(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let (Some(buffer), Some(meta)) = (bufs.first_mut(), meta.first_mut()) else {
            return Poll::Ready(Ok(0));
        };
        while let Poll::Ready(Some((alias, message))) = self.incoming.lock().poll_recv(cx) {
            self.relays.spoke();
            // No datagram that a peer sends is as long; the system would cut it.
            if let Some(place) = buffer.get_mut(..message.len()) {
                place.copy_from_slice(&message);
                *meta = RecvMeta::default();
                (meta.addr, meta.len, meta.stride) = (alias, message.len(), message.len());
                return Poll::Ready(Ok(1));
            }
        }
        Poll::Pending
    }
}

impl AsyncUdpSocket for RelaySocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.udp.local_addr()
    }

    fn max_gso_segments(&self) -> usize {
        self.udp.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.udp.max_gro_segments()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        if !self.relays.knows(transmit.destination) {
            if is_turn(transmit.contents) {
                self.relays.spoke();
            }
            if is_to_be_relayed(transmit.contents) {
                ready!(self.pace.lock().poll(cx, transmit.contents.len()));
            }
            return self.udp.poll_send(cx, transmit);
        }
        self.relays.spoke();
        let length = transmit.contents.len();
        Poll::Ready(self.send(transmit.destination, transmit.contents).map(|()| length))
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let streams_first = self.streams_first.fetch_xor(true, Ordering::Relaxed);
        if streams_first && let Poll::Ready(heard) = self.poll_streams(cx, bufs, meta) {
            return Poll::Ready(heard);
        }
        match self.udp.poll_recv(cx, bufs, meta) {
            Poll::Ready(heard) => {
                // Datagrams that come together are of one kind.
                if bufs.first().is_some_and(|buffer| is_turn(buffer)) {
                    self.relays.spoke();
                }
                Poll::Ready(heard)
            }
            Poll::Pending if streams_first => Poll::Pending,
            Poll::Pending => self.poll_streams(cx, bufs, meta),
        }
    }
}

/// True for what only a TURN server and its client say to each other: a message of a channel, or a STUN message with one of
/// TURN's methods (RFC 8656 §12.4, §17; RFC 8489 §5).
pub(super) fn is_turn(datagram: &[u8]) -> bool {
    match datagram {
        [0x40..=0x4f, ..] => true,
        [high, low, _, _, 0x21, 0x12, 0xa4, 0x42, ..] => {
            // Without the two bits of the class.
            matches!(u16::from_be_bytes([*high, *low]) & !0x0110, 0x0003..=0x0009)
        }
        _ => false,
    }
}

/// True for what a TURN server is to pass on to a peer: a message of a channel, or a Send indication.
fn is_to_be_relayed(datagram: &[u8]) -> bool {
    matches!(datagram, [0x40..=0x4f, ..] | [0x00, 0x16, ..])
}

impl Drop for RelaySocket {
    fn drop(&mut self) {
        for stream in self.streams.lock().drain(..) {
            self.relays.release(stream.alias);
        }
    }
}
