//! How the WebRTC stack is set up: time limits, sizes, addresses, servers.
//!
//! Never switches the check of certificate fingerprints off, and dials nothing by itself.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use privydrop_common::signaling::IceServer;
use privydrop_common::wire::MAX_FRAME;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::setting_engine::SctpMaxMessageSize;
use rtc::peer_connection::transport::RTCDtlsRole;
use webrtc::peer_connection::{
    RTCConfiguration, RTCConfigurationBuilder, RTCIceServer, SettingEngine, SettingEngineBuilder,
};

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
/// Bytes per lane that the stack takes ahead of the peer's acknowledgement.
pub(super) const SEND_BUFFER: usize = 2 * 1024 * 1024;
/// Messages that a receive window has room for at least, so that one can be on its way while another is put together.
const MESSAGES_PER_WINDOW: u32 = 4;
/// Shortest maximum of a message that is offered: the longest text and the longest page of a listing fit.
const LEAST_MESSAGE: u32 = 192 * 1024;

/// Settings of one link whose peer may have `window` bytes under way.
pub(super) fn engine(window: u32, multicast_dns: bool) -> SettingEngine {
    SettingEngineBuilder::new()
        .with_ice_timeouts(Some(SILENT_AFTER), Some(LOST_AFTER), Some(KEEPALIVE))
        .with_ice_connection_attempts(Some(CHECK_EVERY), Some(CHECKS))
        .with_prflx_acceptance_min_wait(Some(PRFLX_WAIT))
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
        .with_sctp_max_message_size(SctpMaxMessageSize::Bounded(longest_message(window)))
        .build()
}

/// The longest message that is asked for. Browsers send as long ones as they may, and one that fills the whole
/// window leaves the path idle until it is read.
fn longest_message(window: u32) -> u32 {
    let most = u32::try_from(MAX_FRAME).unwrap_or(u32::MAX);
    (window / MESSAGES_PER_WINDOW).clamp(LEAST_MESSAGE, most)
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

/// The servers to use; one that this stack rejects must not cost the links that need none.
pub(super) fn configuration(ice: &[IceServer]) -> RTCConfiguration {
    let servers = ice.iter().flat_map(|server| {
        server.urls.iter().map(|url| RTCIceServer {
            urls: vec![url.clone()],
            username: server.username.clone().unwrap_or_default(),
            credential: server.credential.clone().unwrap_or_default(),
        })
    });
    RTCConfigurationBuilder::new()
        .with_ice_servers(servers.filter(|server| server.urls().is_ok()).collect())
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_leaves_room_for_others_in_the_window() {
        assert_eq!(longest_message(4 * 1024 * 1024) as usize, MAX_FRAME);
        assert_eq!(longest_message(800 * 1024), 200 * 1024);
        assert_eq!(longest_message(256 * 1024), LEAST_MESSAGE);
        assert_eq!(longest_message(0), LEAST_MESSAGE);
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
        let configuration = configuration(&ice);
        let urls: Vec<&str> =
            configuration.ice_servers().iter().flat_map(|server| &server.urls).map(String::as_str).collect();
        assert_eq!(urls, ["stun:192.0.2.1", "turn:192.0.2.1?transport=udp"]);
    }
}
