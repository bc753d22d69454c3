//! TURN and STUN: a relay is taken with a credential like those that members get, and given back.
//!
//! Also looks at what must not work: a credential that somebody made up, and peers inside our own networks.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use privydrop_common::time::Moment;

use super::Report;
use crate::config::Config;
use crate::server::secret;
use crate::turn::Ice;
use crate::turn::client::{Relay, ServerUrl, TurnError, ask_binding};

/// Peers that nobody should reach through a relay on the open net: this machine, and the cloud's own.
const FORBIDDEN: [&str; 3] = ["127.0.0.1:80", "169.254.169.254:80", "0.0.0.1:80"];
/// Peers that are somebody's home or office network.
const PRIVATE: [&str; 3] = ["10.0.0.1:80", "172.16.0.1:80", "192.168.0.1:80"];
/// What to write into coturn's settings.
const DENY: &str = "see denied-peer-ip in docs/SELF_HOSTING.md";

pub(super) async fn check(config: &Config) -> Report {
    let mut report = Report::new("turn");
    for url in &config.stun_url {
        match url.parse::<ServerUrl>() {
            Ok(server) => match ask_binding(&server).await {
                Ok(()) => report.ok(format!("STUN at {server} answers")),
                Err(error) => report.wrong(format!(
                    "STUN at {server}: {error}. Check that it runs, and that firewalls let UDP through"
                )),
            },
            Err(error) => report.wrong(format!("{url}: {error}")),
        }
    }
    let Some(file) = &config.turn_secret_file else {
        report.warning(
            "no TURN server: people whose networks block direct connections cannot be helped (--turn-url)",
        );
        return report;
    };
    // One that cannot be read is said among the settings.
    let Ok(secret) = secret(file, 1) else { return report };
    for url in &config.turn_url {
        let ice = Ice::new(Vec::new(), vec![url.clone()], Some(&secret));
        let credential = ice.servers(rand::random(), now()).into_iter().next();
        let (Some(credential), Ok(server)) = (credential, url.parse::<ServerUrl>()) else {
            report.wrong(format!("{url} is no address of a TURN server"));
            continue;
        };
        let (username, password) =
            (credential.username.unwrap_or_default(), credential.credential.unwrap_or_default());
        look_at(&server, &username, &password, &mut report).await;
    }
    report
}

async fn look_at(server: &ServerUrl, username: &str, password: &str, report: &mut Report) {
    let mut relay = match Relay::allocate(server, username, password).await {
        Ok(relay) => relay,
        Err(error) => {
            let act = match &error {
                TurnError::Refused { code: 401, .. } => {
                    "Its static-auth-secret and --turn-secret-file must be the same, and the clocks right"
                }
                TurnError::Refused { code: 486, .. } => {
                    "Its quota is used up: raise user-quota or total-quota"
                }
                TurnError::Refused { .. } => "Look into its log",
                _ => {
                    "Check that it runs, its address, its certificate if it is TLS, and the firewalls on the way"
                }
            };
            report.wrong(format!("TURN at {server}: {error}. {act}"));
            return;
        }
    };
    report.ok(format!("TURN at {server} gives a relay at {}", relay.address().ip()));
    for (peers, is_wrong) in [(FORBIDDEN, true), (PRIVATE, false)] {
        let mut reached = Vec::new();
        for peer in peers.iter().filter_map(|peer| peer.parse::<SocketAddr>().ok()) {
            if relay.permit(peer).await.is_ok() {
                reached.push(peer.ip().to_string());
            }
        }
        let reached = reached.join(", ");
        match (reached.is_empty(), is_wrong) {
            (true, true) => report.ok("it does not lead to this machine or the cloud's own addresses"),
            (true, false) => report.ok("it does not lead into private networks"),
            (false, true) => report.wrong(format!("it leads to {reached}, where nobody should get: {DENY}")),
            (false, false) => report.warning(format!(
                "it leads to {reached}: right for a relay inside one network, wrong on the open net: {DENY}"
            )),
        }
    }
    // It would end by itself within ten minutes.
    let _ = relay.release().await;
    if Relay::allocate(server, username, "made up").await.is_ok() {
        report.wrong("it gives relays to anybody: its settings need use-auth-secret");
    }
}

fn now() -> Moment {
    Moment::default() + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
