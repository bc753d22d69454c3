//! One UDP socket of a link, which the WebRTC stack and QUIC send by.
//!
//! Knows nothing of what the datagrams carry. Only the stack reads, and only the stack waits by polling: the system's
//! readiness wakes one poller for each direction.

use std::fmt;
use std::io::{self, ErrorKind, IoSliceMut};
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use tokio::io::Interest;
use tokio::net::UdpSocket;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit, UdpSockRef, UdpSocketState};

/// Datagrams that the stack hands to the system at once. It would hand over 65,535 bytes, which with their header are too
/// many for the system: it refuses the whole batch, and the loss of fifty datagrams in a row costs a second each time.
/// Fifty of its longest, 1,225 bytes, stay below.
const MAX_BATCH: usize = 50;

/// A socket that sends and takes several datagrams at once where the system does.
pub(super) struct Udp {
    io: UdpSocket,
    batches: UdpSocketState,
}

impl Udp {
    pub(super) fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let io = UdpSocket::from_std(socket)?;
        let batches = UdpSocketState::new(UdpSockRef::from(&io))?;
        Ok(Self { io, batches })
    }

    /// Sends now or not at all; `WouldBlock` when the system has no room.
    pub(super) fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.io.try_io(Interest::WRITABLE, || self.batches.try_send(UdpSockRef::from(&self.io), transmit))
    }

    /// Waits until the system has room. Any number may wait so, beside the one that polls.
    pub(super) async fn writable(&self) {
        let _ = self.io.writable().await;
    }

    /// Datagrams that the system takes at once, in at most 65,507 bytes with IPv4.
    pub(super) fn most_at_once(&self) -> usize {
        self.batches.max_gso_segments()
    }
}

impl fmt::Debug for Udp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Udp").finish_non_exhaustive()
    }
}

impl AsyncUdpSocket for Udp {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.io.poll_send_ready(cx))?;
            match self.try_send(transmit) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                sent => return Poll::Ready(sent.map(|()| transmit.contents.len())),
            }
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.io.poll_recv_ready(cx))?;
            let taken = self
                .io
                .try_io(Interest::READABLE, || self.batches.recv(UdpSockRef::from(&self.io), buffers, meta));
            match taken {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(count) => {
                    // Whoever takes batches apart steps by it, also through an empty datagram.
                    meta.iter_mut().take(count).for_each(|meta| meta.stride = meta.stride.max(1));
                    return Poll::Ready(Ok(count));
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn max_gso_segments(&self) -> usize {
        self.most_at_once().min(MAX_BATCH)
    }

    fn max_gro_segments(&self) -> usize {
        self.batches.gro_segments()
    }
}
