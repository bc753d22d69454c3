//! TURN over TCP and TLS, for a stack whose TURN client speaks UDP only (RFC 8656 §3.1).
//!
//! The stack is told of such a server as one that takes datagrams at an address of a range that leads nowhere; the
//! link's sockets carry what is sent there over a stream. Datagrams to a relay are paced, whichever way they take.
//! Knows nothing of allocations and credentials: the stack does.
//!
//! The stack (webrtc 0.21.1) sends what is to be relayed one round of its loop later than the rest, and reads what was
//! relayed one round later: without something that wakes it, an answer through a relay takes up to 0.2 s, and a message
//! that nobody asked for longer. So a link that speaks with a relay gives its stack the rounds that it lacks.

mod frames;
mod pace;
mod socket;
mod stream;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rtc::ice::url::{ProtoType, SchemeType, Url};

pub(super) use self::socket::RelaySocket;
use self::stream::Server;

/// Most servers of one link that are reached by streams.
const MAX_SERVERS: usize = 8;
/// Reserved, and routed by nobody (RFC 1112 §4): the addresses of servers that are reached by streams.
const NOWHERE: [u8; 3] = [240, 0, 0];
/// The port of every such address; any would do.
const PORT: u16 = 3478;
/// How long a stream waits where the same answer may come by UDP, which suits a link better.
const HEAD_START: Duration = Duration::from_millis(250);

/// Rounds of the stack's loop that follow one in which something happened: what came is read in the first, and what is to
/// be said to it is sent in the second.
const ROUNDS: u32 = 2;
/// Times that something may happen without a word to or from a relay before the link counts as one that uses none.
const QUIET: u32 = 64;

/// The relays of one link: those that are reached by streams, and whether any is in use.
#[derive(Debug, Default)]
pub(super) struct Relays {
    known: Mutex<Known>,
    /// Counts down since a relay was last spoken with.
    quiet: AtomicU32,
    /// Rounds that the stack is still to be given.
    rounds: AtomicU32,
}

#[derive(Debug, Default)]
struct Known {
    servers: Vec<Relay>,
    /// A server that takes datagrams is known as well.
    datagrams: bool,
}

#[derive(Debug)]
struct Relay {
    server: Server,
    /// A socket has a stream to it.
    taken: bool,
}

impl Relays {
    /// What to call the server of this URL toward the stack: the URL itself, unless it is a TURN server that is
    /// reached by a stream. `None` when there are too many of those, or the stack could not use it either.
    pub(super) fn for_stack(&self, url: &str) -> Option<String> {
        let Ok(parsed) = Url::parse_url(url) else { return None };
        let mut known = self.known.lock();
        let secure = match (parsed.scheme, parsed.proto) {
            (SchemeType::Turn, ProtoType::Tcp) => false,
            (SchemeType::Turns, ProtoType::Tcp) => true,
            (SchemeType::Turn, _) => {
                known.datagrams = true;
                return Some(url.to_owned());
            }
            // TURN over DTLS (RFC 7350) is spoken by nobody here.
            (SchemeType::Turns, _) => return None,
            _ => return Some(url.to_owned()),
        };
        let server = Server { host: parsed.host, port: parsed.port, secure };
        let at = match known.servers.iter().position(|relay| relay.server == server) {
            Some(at) => at,
            None if known.servers.len() < MAX_SERVERS => {
                known.servers.push(Relay { server, taken: false });
                known.servers.len() - 1
            }
            None => return None,
        };
        Some(format!("turn:{}?transport=udp", alias(at)?))
    }

    /// Something was said to or by a relay.
    fn spoke(&self) {
        self.quiet.store(QUIET, Ordering::Relaxed);
    }

    /// Asked before the stack sleeps: whether it is to go round once more instead. Its loop alone asks.
    pub(super) fn go_round(&self) -> bool {
        let rounds = self.rounds.load(Ordering::Relaxed);
        if rounds > 0 {
            self.rounds.store(rounds - 1, Ordering::Relaxed);
            return true;
        }
        let quiet = self.quiet.load(Ordering::Relaxed);
        if quiet > 0 {
            self.quiet.store(quiet - 1, Ordering::Relaxed);
            self.rounds.store(ROUNDS, Ordering::Relaxed);
        }
        false
    }

    /// Whether datagrams to this address belong on a stream.
    fn knows(&self, address: SocketAddr) -> bool {
        position(address).is_some_and(|at| at < self.known.lock().servers.len())
    }

    /// The server of this address and the time to wait for others, for the one socket that may have a stream to it.
    fn claim(&self, address: SocketAddr) -> Option<(Server, Duration)> {
        let mut known = self.known.lock();
        let head_start = if known.datagrams { HEAD_START } else { Duration::ZERO };
        let relay = known.servers.get_mut(position(address)?).filter(|relay| !relay.taken)?;
        relay.taken = true;
        Some((relay.server.clone(), head_start))
    }

    /// The socket that had the stream is gone.
    fn release(&self, address: SocketAddr) {
        let mut known = self.known.lock();
        if let Some(relay) = position(address).and_then(|at| known.servers.get_mut(at)) {
            relay.taken = false;
        }
    }
}

fn alias(at: usize) -> Option<SocketAddr> {
    let [a, b, c] = NOWHERE;
    Some((Ipv4Addr::new(a, b, c, u8::try_from(at + 1).ok()?), PORT).into())
}

fn position(address: SocketAddr) -> Option<usize> {
    let IpAddr::V4(ip) = address.ip() else { return None };
    let [a, b, c, d] = ip.octets();
    if [a, b, c] != NOWHERE || address.port() != PORT {
        return None;
    }
    usize::from(d).checked_sub(1)
}

#[cfg(test)]
mod tests;
