//! STUN and TURN servers for clients, with credentials that soon end (coturn's REST scheme).
//!
//! Handing them out needs no TURN server, only the secret that both sides know; [`client`] talks to one, for checks.

pub mod client;
pub mod stun;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use privydrop_common::signaling::{ICE_SECONDS, IceServer};
use privydrop_common::time::Moment;
use sha1::Sha1;

/// How long a TURN credential opens new relays; those in use go on.
const LIFE: Duration = Duration::from_secs(ICE_SECONDS as u64);

/// The ICE servers that members are told of.
#[derive(Clone, Default)]
pub struct Ice {
    stun: Vec<String>,
    turn: Option<(Vec<String>, Hmac<Sha1>)>,
}

impl Ice {
    /// `secret` is the one in coturn's `static-auth-secret`; without it no TURN server is handed out.
    pub fn new(stun: Vec<String>, turn: Vec<String>, secret: Option<&[u8]>) -> Self {
        let key = secret.and_then(|secret| Hmac::<Sha1>::new_from_slice(secret).ok());
        Self { stun, turn: key.filter(|_| !turn.is_empty()).map(|key| (turn, key)) }
    }

    /// Whether there is a TURN server, and so credentials that end.
    pub fn has_turn(&self) -> bool {
        self.turn.is_some()
    }

    /// The servers for one user, whose relays the TURN server counts together. `now` is wall time: the TURN server compares it
    /// with its own.
    pub fn servers(&self, user: u64, now: Moment) -> Vec<IceServer> {
        let stun = (!self.stun.is_empty()).then(|| IceServer {
            urls: self.stun.clone(),
            username: None,
            credential: None,
        });
        let turn = self.turn.as_ref().map(|(urls, key)| {
            let username = format!("{}:{user:016x}", (now + LIFE).as_millis() / 1000);
            let credential = STANDARD.encode(key.clone().chain_update(&username).finalize().into_bytes());
            IceServer { urls: urls.clone(), username: Some(username), credential: Some(credential) }
        });
        stun.into_iter().chain(turn).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_credential_is_the_one_that_coturn_computes() {
        let ice = Ice::new(vec![], vec!["turn:turn.example:3478".into()], Some(b"north"));
        let servers = ice.servers(0x0123_4567_89ab_cdef, Moment::from_millis(1_700_000_000_000));
        // printf '1700003600:0123456789abcdef' | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(servers[0].username.as_deref(), Some("1700003600:0123456789abcdef"));
        assert_eq!(servers[0].credential.as_deref(), Some("bngP3/mBcA7mmNEkXzWoYpHypng="));
    }

    #[test]
    fn without_a_secret_no_turn_server_is_handed_out() {
        let ice = Ice::new(vec!["stun:stun.example".into()], vec!["turn:turn.example".into()], None);
        let servers = ice.servers(1, Moment::default());
        assert_eq!(servers.len(), 1);
        assert_eq!(servers[0].urls, ["stun:stun.example"]);
    }
}
