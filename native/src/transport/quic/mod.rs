//! QUIC between two native programs, on the socket and the path of their WebRTC connection: it carries the link's data
//! frames instead of SCTP, several times as fast.
//!
//! Nothing is negotiated: the DTLS client tries, and a peer that does not know it hears a few datagrams that it drops.
//! Never listens anywhere, never goes through a relay, never trusts another certificate than the connection's DTLS does,
//! and never carries what is said on the control lane.

pub(super) mod carrier;
mod congestion;
pub(super) mod frames;
pub(super) mod identity;
mod live;
mod settings;
mod sift;
pub(super) mod way;

use std::future::pending;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use privydrop_common::sdp::{Fingerprint, Sdp};
use tokio::task::JoinSet;
use webrtc::peer_connection::{PeerConnection, RTCIceCandidate, RTCIceCandidateType};

use self::carrier::{Carrier, Side};
use self::identity::Identity;
use self::way::Way;
use super::connection::Events;

/// What a connection has for QUIC.
#[derive(Debug)]
pub(super) struct Quic {
    pub(super) way: Arc<Way>,
    pub(super) identity: Identity,
}

impl Quic {
    /// Nothing where no certificate could be made: the stack makes its own then.
    pub(super) fn new() -> Option<Self> {
        Identity::new().ok().map(|identity| Self { way: Arc::default(), identity })
    }

    /// ICE has chosen this pair.
    pub(super) fn follow(&self, local: &RTCIceCandidate, remote: &RTCIceCandidate) {
        if local.typ == RTCIceCandidateType::Relay {
            return self.way.relayed();
        }
        let address = |ip: &str, port| ip.parse().ok().map(|ip: IpAddr| SocketAddr::new(ip, port));
        let Some(peer) = address(&remote.address, remote.port) else { return };
        // Behind a NAT the socket's own address is the related one.
        let own = [(&local.address, local.port), (&local.related_address, local.related_port)];
        for own in own.into_iter().filter_map(|(ip, port)| address(ip, port)) {
            self.way.chosen(own, peer);
        }
    }
}

/// Carries the link's data frames over QUIC whenever both ends can, for as long as the link lives.
pub(super) async fn run(connection: &dyn PeerConnection, events: &Events) {
    if let Some(quic) = &events.quic {
        quic.way.ready().await;
        if let Some(roles) = roles(connection).await {
            let bounds = (events.terms.longest(), events.setup.window);
            match Carrier::new(quic, roles, &events.shared, bounds) {
                // A task of its own, for the link's has more to do than to wait for datagrams.
                Ok(carrier) => {
                    let mut task = JoinSet::new();
                    task.spawn(carrier.run());
                    task.join_next().await;
                }
                Err(error) => tracing::warn!(%error, "a link goes without QUIC"),
            }
        }
    }
    pending().await
}

/// Which side this is, and the certificate that the peer must show. Both descriptions are there once it is connected.
async fn roles(connection: &dyn PeerConnection) -> Option<(Side, Fingerprint)> {
    let (local, remote) = (connection.local_description().await?, connection.remote_description().await?);
    // As for DTLS (RFC 8842 §5.3): an answer is never undecided.
    let is_called = local.sdp.contains("a=setup:passive") || remote.sdp.contains("a=setup:active");
    let side = if is_called { Side::Called } else { Side::Calling };
    Some((side, Sdp::parse(&remote.sdp).ok()?.fingerprint()))
}
