//! The steps of negotiation, one after the other.
//!
//! Applies what the session gives it and nothing else; never makes an offer by itself, and never lets a candidate
//! make the stack dial.

use privydrop_common::sdp::{Candidate, Sdp};
use privydrop_common::transport::Step;
use rtc::peer_connection::configuration::RTCOfferOptions;
use tokio::sync::mpsc;
use webrtc::peer_connection::{PeerConnection, RTCIceCandidateInit, RTCSessionDescription};

use super::connection::Events;
use super::settings;

/// Most steps that wait, candidates that wait for a description not counted.
pub(super) const MAX_STEPS: usize = 256;

/// The description cannot be used. The stack's reason is dropped: it may quote addresses.
pub(super) struct Unusable;

impl From<webrtc::error::Error> for Unusable {
    fn from(_: webrtc::error::Error) -> Self {
        Self
    }
}

/// Carries out steps in the order given, until there are no more or one fails.
pub(super) async fn run(
    connection: &dyn PeerConnection,
    events: &Events,
    mut steps: mpsc::Receiver<Step>,
) -> Result<(), Unusable> {
    let mut negotiation = Negotiation { connection, events, early: Vec::new() };
    while let Some(step) = steps.recv().await {
        negotiation.perform(step).await?;
    }
    Ok(())
}

struct Negotiation<'a> {
    connection: &'a dyn PeerConnection,
    events: &'a Events,
    /// Candidates that came before the description that they belong to.
    early: Vec<Candidate>,
}

impl Negotiation<'_> {
    async fn perform(&mut self, step: Step) -> Result<(), Unusable> {
        match step {
            Step::Offer => {
                let ice_restart = self.connection.remote_description().await.is_some();
                let offer = self.connection.create_offer(Some(RTCOfferOptions { ice_restart })).await?;
                self.describe(offer).await
            }
            Step::Answer(offer) => {
                self.accept(RTCSessionDescription::offer(self.events.terms.for_stack(offer.as_str()))?)
                    .await?;
                let answer = self.connection.create_answer(None).await?;
                self.describe(answer).await
            }
            Step::Accept(answer) => {
                self.accept(RTCSessionDescription::answer(self.events.terms.for_stack(answer.as_str()))?)
                    .await
            }
            Step::Candidate(candidate) if self.connection.remote_description().await.is_none() => {
                if self.early.len() >= MAX_STEPS {
                    return Err(Unusable);
                }
                self.early.push(candidate);
                Ok(())
            }
            Step::Candidate(candidate) => {
                self.add(&candidate).await;
                Ok(())
            }
            Step::IceServers(servers) => {
                // A stack that does not take them goes on with those it has.
                let Events { relays, setup, .. } = self.events;
                let servers = settings::configuration(&servers, relays, setup.relay_only).build();
                let _ = self.connection.set_configuration(servers).await;
                Ok(())
            }
            // Not this connection's.
            Step::Lane(..) => Ok(()),
        }
    }

    async fn describe(&self, description: RTCSessionDescription) -> Result<(), Unusable> {
        self.connection.set_local_description(description).await?;
        let description = self.connection.local_description().await.ok_or(Unusable)?;
        let sdp = Sdp::parse(&self.events.terms.for_peer(&description.sdp)).map_err(|_| Unusable)?;
        self.events.shared.described(self.events.number, sdp);
        Ok(())
    }

    async fn accept(&mut self, description: RTCSessionDescription) -> Result<(), Unusable> {
        self.connection.set_remote_description(description).await?;
        for candidate in core::mem::take(&mut self.early) {
            self.add(&candidate).await;
        }
        Ok(())
    }

    /// One that cannot be read, or belongs to a description that has been replaced meanwhile, costs only itself.
    async fn add(&self, candidate: &Candidate) {
        if is_tcp(candidate.as_str()) {
            return;
        }
        let init = RTCIceCandidateInit {
            candidate: candidate.as_str().to_owned(),
            sdp_mid: candidate.mid().map(str::to_owned),
            sdp_mline_index: candidate.line_index(),
            ..RTCIceCandidateInit::default()
        };
        let _ = self.connection.add_ice_candidate(init).await;
    }
}

/// This stack dials a TCP candidate at once, before any check: a peer must not choose where it connects to. Nothing
/// is lost, for no browser listens on TCP. The transport is the third word (RFC 8839 §5.1).
fn is_tcp(candidate: &str) -> bool {
    candidate.split_whitespace().nth(2).is_some_and(|transport| !transport.eq_ignore_ascii_case("udp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_that_would_be_dialled_is_told_from_others() {
        assert!(is_tcp("candidate:1 1 tcp 1518280447 192.0.2.1 80 typ host tcptype passive"));
        assert!(is_tcp("candidate:1 1 TCP 1518280447 192.0.2.1 9 typ host tcptype active"));
        assert!(is_tcp("1 1 ssltcp 1 192.0.2.1 443 typ host"));
        assert!(!is_tcp("candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host"));
        assert!(!is_tcp("candidate:1 1 UDP 2130706431 192.0.2.1 5000 typ host"));
        assert!(!is_tcp(""));
    }
}
