//! The sockets that WebRTC runs on: as large buffers as the system grants, ways to relays that UDP does not reach, and
//! name lookups that end.
//!
//! Knows nothing of what the datagrams carry: what is not the stack's is parted from it in `quic` (RFC 9443).

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::SockRef;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime, TokioRuntime,
};

use super::quic::way::{Sharing, Way};
use super::turn::{RelaySocket, Relays};
use super::udp::Udp;

/// Bytes asked for in each direction. With the 208 KiB that systems give unasked, a burst overflows the buffer and
/// every loss costs a second.
pub(super) const WANTED_BUFFER: usize = 4 * 1024 * 1024;
/// What is counted on where a system tells nothing, or less.
const LEAST_BUFFER: usize = 256 * 1024;
/// Longest wait for a server's address. The stack stands still meanwhile, so a dead resolver must not cost the link.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Bytes that a peer may have under way to us: no more than the socket can hold, from what this system grants to
/// those who ask for `buffer`.
pub(super) fn receive_window(buffer: usize) -> u32 {
    let granted = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok().and_then(|socket| enlarge(&socket, buffer));
    let window = granted.unwrap_or(LEAST_BUFFER).clamp(LEAST_BUFFER, WANTED_BUFFER);
    u32::try_from(window).unwrap_or(u32::MAX)
}

/// Asks for buffers of this size; tells the receive buffer that was granted, in bytes of payload.
fn enlarge(socket: &UdpSocket, buffer: usize) -> Option<usize> {
    let socket = SockRef::from(socket);
    // A system may refuse what is above its limit or cut it: either way it is read back.
    let _ = socket.set_recv_buffer_size(buffer);
    let _ = socket.set_send_buffer_size(buffer);
    let told = socket.recv_buffer_size().ok()?;
    // Linux tells twice what it granted, for its own bookkeeping (man 7 socket, SO_RCVBUF).
    Some(if cfg!(any(target_os = "linux", target_os = "android")) { told / 2 } else { told })
}

/// Tokio, with larger socket buffers, streams to relays, and its own clock. One for each link.
#[derive(Debug)]
pub(super) struct LinkRuntime {
    relays: Arc<Relays>,
    /// What sockets share with QUIC, if the link speaks it.
    way: Option<Arc<Way>>,
    /// Bytes to ask for as the buffers of each socket.
    buffer: usize,
}

impl LinkRuntime {
    pub(super) fn new(relays: &Arc<Relays>, way: Option<Arc<Way>>, buffer: usize) -> Self {
        Self { relays: Arc::clone(relays), way, buffer }
    }
}

impl Runtime for LinkRuntime {
    fn spawn(&self, future: Pending<'static, ()>) -> Box<dyn JoinHandle> {
        TokioRuntime.spawn(future)
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        enlarge(&socket, self.buffer);
        let udp = Arc::new(Udp::new(socket)?);
        let stack =
            Arc::new(RelaySocket::new(Arc::clone(&udp) as Arc<dyn AsyncUdpSocket>, Arc::clone(&self.relays)));
        Ok(match &self.way {
            Some(way) => Arc::new(Sharing::new(stack, udp, Arc::clone(way))),
            None => stack,
        })
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        TokioRuntime.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(&'a self, to: SocketAddr) -> Pending<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        TokioRuntime.connect_tcp(to)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            let found = tokio::time::timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host(host)).await??;
            Ok(found.collect())
        })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    /// The stack's loop sleeps until a moment, which is never whole milliseconds away; all others in it sleep for some.
    fn sleep(&self, duration: Duration) -> Pending<'static, ()> {
        let is_loop = !duration.subsec_nanos().is_multiple_of(1_000_000);
        if is_loop && self.relays.go_round() {
            return Box::pin(std::future::ready(()));
        }
        TokioRuntime.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        TokioRuntime.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        TokioRuntime.block_on(future);
    }

    fn yield_now(&self) -> Pending<'static, ()> {
        TokioRuntime.yield_now()
    }

    fn name(&self) -> &'static str {
        TokioRuntime.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_may_send_as_much_as_the_socket_holds_and_never_more_than_was_asked_for() {
        let window = receive_window(WANTED_BUFFER) as usize;
        assert!((LEAST_BUFFER..=WANTED_BUFFER).contains(&window), "{window}");
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let granted = enlarge(&socket, WANTED_BUFFER).unwrap();
        assert!(window <= granted.max(LEAST_BUFFER), "{window} of {granted}");
    }
}
