//! How the WebRTC stack is set up: time limits, sizes, addresses, servers.
//!
//! Never switches the check of certificate fingerprints off, and dials nothing by itself.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use privydrop_common::signaling::IceServer;
use privydrop_common::transport::{LanePlan, MAX_LANES};
use privydrop_common::wire::MAX_FRAME;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::RTCIceTransportPolicy;
use rtc::peer_connection::configuration::setting_engine::SctpMaxMessageSize;
use rtc::peer_connection::transport::RTCDtlsRole;
use webrtc::peer_connection::{RTCConfigurationBuilder, RTCIceServer, SettingEngine, SettingEngineBuilder};

use super::turn::Relays;

/// What is the same for all links of a program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setup {
    /// Bytes to ask for as the buffers of each socket.
    pub(super) buffer: usize,
    /// Bytes that a peer may have under way to us.
    pub(super) window: u32,
    /// Peers learn of no address of this device, and nothing goes to them but through a relay.
    pub(super) relay_only: bool,
    /// Frames go over QUIC where they can.
    pub(super) quic: bool,
}

impl Setup {
    /// The longest message that is asked for. Browsers send as long ones as they may, and one that fills the whole
    /// window leaves the path idle until it is read.
    pub(super) fn longest_message(self) -> usize {
        let share = usize::try_from(self.window / MESSAGES_PER_WINDOW).unwrap_or(usize::MAX);
        share.clamp(LEAST_MESSAGE, MOST_MESSAGE)
    }

    /// How many data lanes links have here, and are best off with to receive much: several make up for small windows, and
    /// of two with large ones each has work while the other waits for its peer, which is worth a seventh. More were no
    /// faster.
    pub(super) fn lanes(self) -> LanePlan {
        match self.window {
            LARGE.. => LanePlan::new(MAX_LANES, 2).from(WORTH_A_SECOND),
            _ => LanePlan::new(MAX_LANES, MAX_LANES),
        }
    }
}

/// Bytes of a window from which two connections are enough.
const LARGE: u32 = 1024 * 1024;
/// Bytes from which the second of them is worth what it takes to make it: less is there before it carries anything.
const WORTH_A_SECOND: u64 = 64 * 1024 * 1024;
/// Silence after which a link counts as interrupted.
const SILENT_AFTER: Duration = Duration::from_secs(5);
/// Further silence after which its path counts as lost. Together long enough for a change of networks.
const LOST_AFTER: Duration = Duration::from_secs(25);
/// From one check of an idle path to the next.
const KEEPALIVE: Duration = Duration::from_secs(2);
/// From one check of an untried path to the next.
const CHECK_EVERY: Duration = Duration::from_millis(200);
/// Checks before a path is given up: ten seconds, for the peer's own checks open its firewall only once our
/// description has reached it.
const CHECKS: u16 = 50;
/// How long a path that a check found waits for one that signaling names. A second by default, which a person feels.
const PRFLX_WAIT: Duration = Duration::from_millis(50);
/// Bytes that the stack takes ahead of the peer's acknowledgement on the first connection of a link.
const SEND_BUFFER: usize = 2 * 1024 * 1024;
/// The same on a further lane: twice the usual window of those who want one. More would only fall out of the processor's
/// cache before it is sent.
const LANE_SEND_BUFFER: usize = 512 * 1024;
/// Messages that a receive window has room for at least, so that one can be on its way while another is put together.
const MESSAGES_PER_WINDOW: u32 = 4;
/// The maximum of a peer that offers none (RFC 8841 §6.1).
pub(super) const DEFAULT_MESSAGE: usize = 64 * 1024;
/// Shortest maximum of a message that is offered: the longest text and the longest page of a listing fit.
pub(super) const LEAST_MESSAGE: usize = 192 * 1024;
/// Longest maximum that is offered: a little less than the stack takes, so that one message too long is noticed.
const MOST_MESSAGE: usize = MAX_FRAME - 1024;

/// Bytes that the stack takes ahead of the peer's acknowledgement on the connection of this lane; 0 is the link's own.
pub(super) fn send_buffer(number: u8) -> usize {
    if number == 0 { SEND_BUFFER } else { LANE_SEND_BUFFER }
}

/// Settings of one link.
pub(super) fn engine(Setup { window, relay_only, .. }: Setup, multicast_dns: bool) -> SettingEngine {
    SettingEngineBuilder::new()
        .with_ice_timeouts(Some(SILENT_AFTER), Some(LOST_AFTER), Some(KEEPALIVE))
        .with_ice_connection_attempts(Some(CHECK_EVERY), Some(CHECKS))
        .with_prflx_acceptance_min_wait(Some(PRFLX_WAIT))
        // A relay gives way to a better path for a while, unless there is none to come.
        .with_relay_acceptance_min_wait(relay_only.then_some(Duration::ZERO))
        .with_multicast_dns_mode(if multicast_dns {
            MulticastDnsMode::QueryOnly
        } else {
            MulticastDnsMode::Disabled
        })
        // An ICE restart follows a change of networks: sockets of the old one are of no use.
        .with_discard_local_candidates_during_ice_restart(true)
        // So that an answering side need not fear for the first message: see `super::link::await_first_frame`.
        .with_answering_dtls_role(RTCDtlsRole::Server)
        .with_sctp_max_receive_buffer_size(window)
        // The stack loses longer ones without a word. What is asked for is less: see `super::terms`.
        .with_sctp_max_message_size(SctpMaxMessageSize::Bounded(u32::try_from(MAX_FRAME).unwrap_or(u32::MAX)))
        .build()
}

/// Where to listen: every network there is, read again at each ICE restart, and this machine itself where there is
/// none.
pub(super) fn addresses() -> Vec<SocketAddr> {
    let mut addresses = vec![(Ipv4Addr::UNSPECIFIED, 0).into(), (Ipv6Addr::UNSPECIFIED, 0).into()];
    let networks = rtc::shared::ifaces::ifaces().unwrap_or_default();
    let reaches_out = |address: SocketAddr| !address.ip().is_loopback() && !is_link_local(address);
    if !networks.iter().filter_map(|network| network.addr).any(reaches_out) {
        addresses.push((Ipv4Addr::LOCALHOST, 0).into());
    }
    addresses
}

fn is_link_local(address: SocketAddr) -> bool {
    match address {
        SocketAddr::V4(address) => address.ip().is_link_local(),
        SocketAddr::V6(address) => address.ip().is_unicast_link_local(),
    }
}

/// The servers to use, those that are reached by streams as `relays` calls them; one that this stack rejects must not
/// cost the links that need none.
pub(super) fn configuration(ice: &[IceServer], relays: &Relays, relay_only: bool) -> RTCConfigurationBuilder {
    let servers = ice.iter().flat_map(|server| {
        server.urls.iter().filter_map(|url| relays.for_stack(url)).map(|url| RTCIceServer {
            urls: vec![url],
            username: server.username.clone().unwrap_or_default(),
            credential: server.credential.clone().unwrap_or_default(),
        })
    });
    RTCConfigurationBuilder::new()
        .with_ice_servers(servers.filter(|server| server.urls().is_ok()).collect())
        .with_ice_transport_policy(if relay_only {
            RTCIceTransportPolicy::Relay
        } else {
            RTCIceTransportPolicy::All
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_leaves_room_for_others_in_the_window() {
        let longest = |window| Setup { buffer: 0, window, relay_only: false, quic: false }.longest_message();
        assert_eq!(longest(4 * 1024 * 1024), MOST_MESSAGE);
        assert_eq!(longest(800 * 1024), 200 * 1024);
        assert_eq!(longest(256 * 1024), LEAST_MESSAGE);
        assert_eq!(longest(0), LEAST_MESSAGE);
    }

    #[test]
    fn a_server_that_cannot_be_used_does_not_take_the_others_along() {
        let server = |urls: &[&str], login: Option<&str>| IceServer {
            urls: urls.iter().map(|url| (*url).to_owned()).collect(),
            username: login.map(str::to_owned),
            credential: login.map(str::to_owned),
        };
        let ice = [
            server(&["stun:192.0.2.1", "nonsense"], None),
            server(&["turn:192.0.2.1"], None),
            server(&["turn:192.0.2.1?transport=udp"], Some("secret")),
        ];
        let configuration = configuration(&ice, &Relays::default(), false).build();
        let urls: Vec<&str> =
            configuration.ice_servers().iter().flat_map(|server| &server.urls).map(String::as_str).collect();
        assert_eq!(urls, ["stun:192.0.2.1", "turn:192.0.2.1?transport=udp"]);
    }
}
