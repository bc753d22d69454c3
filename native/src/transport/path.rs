//! How the bytes of a link travel, read from the stack's statistics.
//!
//! Looks once connected and then every ten seconds, and tells QUIC; never in the way of data.

use std::time::Duration;

use privydrop_common::path::{End, is_news, milliseconds, route};
use privydrop_common::transport::{Happened, Path};
use tokio::time::{Instant, timeout};
use webrtc::peer_connection::{PeerConnection, RTCIceCandidate, StatsSelector};

use super::connection::Events;

/// From one look to the next.
const EVERY: Duration = Duration::from_secs(10);

/// Watches the path of one link.
pub(super) async fn watch(connection: &dyn PeerConnection, events: &Events) {
    let (shared, connected, mut told) = (&events.shared, &events.connected, None);
    connected.notified().await;
    loop {
        if let Some(path) = path(connection, events).await
            && is_news(told, path)
        {
            told = Some(path);
            shared.news(Happened::Path(path));
        }
        let _ = timeout(EVERY, connected.notified()).await;
    }
}

async fn path(connection: &dyn PeerConnection, events: &Events) -> Option<Path> {
    let ice = connection.sctp().await?.transport().ice_transport();
    let pair = ice.get_selected_candidate_pair().await.ok()??;
    let (local, remote) = (pair.local(), pair.remote());
    if let Some(quic) = &events.quic {
        quic.follow(local, remote);
    }
    Some(Path { route: route(&end(local), &end(remote)), rtt_ms: rtt(connection).await })
}

async fn rtt(connection: &dyn PeerConnection) -> Option<u32> {
    let report = connection.get_stats(Instant::now().into_std(), StatsSelector::None).await;
    let selected = &report.transport()?.selected_candidate_pair_id;
    let pair = report.candidate_pairs().find(|pair| pair.stats.id == *selected)?;
    // Zero stands for a round trip that was not measured.
    (pair.responses_received > 0).then_some(pair.current_round_trip_time).and_then(milliseconds)
}

fn end(candidate: &RTCIceCandidate) -> End {
    End { kind: candidate.typ.to_string(), address: candidate.address.clone() }
}
