//! How QUIC is set up: windows, sizes, time limits, and what a peer may not do at all.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use quinn_proto::{EndpointConfig, MtuDiscoveryConfig, TransportConfig, VarInt};

use super::congestion::ByLength;

/// What QUIC takes for the peer's address (RFC 3849): the true one is ICE's business and may change at any moment.
pub(super) const STAND_IN: SocketAddr =
    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 443);
/// A name that QUIC asks for and nobody is told.
pub(super) const NAME: &str = "peer.invalid";

/// Round trip that is taken for granted before one was measured: it says when the first words are said again.
const FIRST_RTT: Duration = Duration::from_millis(100);
/// Longest datagram that is tried: what networks with the longest frames take, with IPv6. A machine that talks to itself
/// takes longer ones, and gains nothing by them.
const LONGEST_DATAGRAM: u16 = 8_952;
/// Bytes of a batch that leaves at once.
const MOST_AT_ONCE: usize = 65_000;
/// Bytes that wait for the peer to have them.
const SEND_WINDOW: u64 = 4 * 1024 * 1024;
/// Bytes that a peer may have under way over a short path: more would wait in the socket, and fall out of the processor's
/// cache there.
const SHORT_WINDOW: u32 = 1024 * 1024;
/// The same over a long path, whatever the socket holds. A peer that sends nothing but single bytes with holes between them
/// makes this end keep some thirty times as much.
pub(super) const LONG_WINDOW: u32 = 4 * 1024 * 1024;

/// Datagrams of this length that leave at once, where the system takes so many.
pub(super) fn at_once(length: usize, system: usize) -> usize {
    (MOST_AT_ONCE / length.max(1)).clamp(1, system.max(1))
}

/// Bytes that a peer may have under way over a short path to a socket that holds so many.
pub(super) fn short_window(socket: u32) -> u32 {
    socket.min(SHORT_WINDOW)
}

/// Of this end; the WebRTC stack's buffers take longer datagrams than any that is tried.
pub(super) fn endpoint() -> Arc<EndpointConfig> {
    let mut config = EndpointConfig::default();
    // Datagrams are told from others by that bit (RFC 9443 §3).
    config.grease_quic_bit(false);
    let _ = config.max_udp_payload_size(LONGEST_DATAGRAM);
    Arc::new(config)
}

/// For a connection whose peer may have `window` bytes under way to it.
pub(super) fn transport(window: u32) -> Arc<TransportConfig> {
    let mut discovery = MtuDiscoveryConfig::default();
    discovery.upper_bound(LONGEST_DATAGRAM);
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(1))
        .datagram_receive_buffer_size(None)
        // ICE says when a peer is gone.
        .max_idle_timeout(None)
        .keep_alive_interval(None)
        .stream_receive_window(VarInt::from_u32(LONG_WINDOW))
        .receive_window(VarInt::from_u32(window))
        .send_window(SEND_WINDOW)
        .initial_rtt(FIRST_RTT)
        .allow_spin(false)
        .congestion_controller_factory(Arc::new(ByLength))
        .mtu_discovery_config(Some(discovery));
    Arc::new(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_at_once_is_never_nothing_and_never_more_than_the_system_takes() {
        assert_eq!(at_once(1_452, 64), 44);
        assert_eq!(at_once(1_452, 10), 10);
        assert_eq!(at_once(usize::from(LONGEST_DATAGRAM), 64), 7);
        assert_eq!((at_once(0, 0), at_once(usize::MAX, 64)), (1, 1));
    }
}
