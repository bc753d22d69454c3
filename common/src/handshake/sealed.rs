//! Keys of a finished exchange, the boxes sealed with them, and the tag that binds the pair's certificates.
//!
//! A box opens once, in order, and only on the side it was sealed for. Nothing here picks a secret or draws a
//! random number: every key comes from the exchange, every nonce is a counter.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::message::{Caps, Tag};
use crate::code::redacted;
use crate::sdp::Fingerprint;

/// SHA-512 over all that was said in the exchange.
pub(super) type Transcript = [u8; 64];

/// The two sides of a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Sent the hello.
    Guest,
    /// Answered it.
    Host,
}

impl Role {
    pub(super) fn letter(self) -> u8 {
        match self {
            Self::Guest => b'G',
            Self::Host => b'H',
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Guest => Self::Host,
            Self::Host => Self::Guest,
        }
    }
}

type Key = Zeroizing<[u8; 32]>;

/// Everything derived from one exchange.
pub(super) struct Keys {
    transcript: Transcript,
    tag_guest: Key,
    tag_host: Key,
    from_guest: Key,
    from_host: Key,
    bind: Key,
}

impl Keys {
    /// `None` never happens: 32 bytes are a valid length for HKDF-SHA-512.
    pub(super) fn derive(exchanged: &[u8], transcript: Transcript) -> Option<Self> {
        let extracted = Hkdf::<Sha512>::new(Some(&transcript), exchanged);
        let key = |label: &str| {
            let mut key = Zeroizing::new([0; 32]);
            extracted.expand_multi_info(&[b"privydrop/1 ", label.as_bytes()], &mut *key).ok()?;
            Some(key)
        };
        Some(Self {
            transcript,
            tag_guest: key("tag G")?,
            tag_host: key("tag H")?,
            from_guest: key("box GH")?,
            from_host: key("box HG")?,
            bind: key("bind")?,
        })
    }

    /// What `role` shows to prove that it holds the same keys.
    pub(super) fn tag(&self, role: Role) -> Tag {
        let key = match role {
            Role::Guest => &self.tag_guest,
            Role::Host => &self.tag_host,
        };
        mac(key, &[&self.transcript])
    }

    pub(super) fn proves(&self, role: Role, tag: &Tag) -> bool {
        self.tag(role).ct_eq(tag).into()
    }
}

/// HMAC-SHA-256. A key of 32 bytes always fits; it is padded to the block here, as HMAC itself would.
fn mac(key: &Key, parts: &[&[u8]]) -> Tag {
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(&**key);
    let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// Something sealed for the other side of the pair.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedBox {
    number: u64,
    sealed: Vec<u8>,
}

redacted!(SealedBox, Sealed);

/// Why a box was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BoxError {
    /// Not the next one: sent again, left out, or out of order.
    #[error("message {got} came where {expected} was due")]
    OutOfOrder {
        /// Number of the next box.
        expected: u64,
        /// Number of this one.
        got: u64,
    },
    /// Changed on the way, or not sealed by the other side.
    #[error("a message was changed on the way")]
    Tampered,
}

/// A proven pair: seals what goes to the peer, opens what comes from it, and binds the connection's certificates.
pub struct Sealed {
    keys: Keys,
    role: Role,
    caps: Caps,
    peer_caps: Caps,
    sent: u64,
    received: u64,
}

impl Sealed {
    pub(super) fn new(keys: Keys, role: Role, caps: Caps, peer_caps: Caps) -> Self {
        Self { keys, role, caps, peer_caps, sent: 0, received: 0 }
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(super) fn caps(&self) -> Caps {
        self.caps
    }

    /// What the peer can do, as it said in the handshake.
    pub fn peer_caps(&self) -> Caps {
        self.peer_caps
    }

    /// Most data lanes that both sides serve, as each said in the handshake; at least one.
    pub fn max_lanes(&self) -> u8 {
        self.caps.max_lanes.min(self.peer_caps.max_lanes).max(1)
    }

    /// Seals the next message. One that makes [`super::PairMessage`] longer than [`super::MAX_MESSAGE`] would be
    /// refused by the peer.
    pub fn seal(&mut self, plain: &[u8]) -> SealedBox {
        let number = self.sent;
        self.sent += 1;
        let (cipher, nonce, header) = self.cipher(self.role, number);
        // Fails only beyond 256 GiB; an empty box is refused by the peer.
        let sealed = cipher.encrypt(&nonce, Payload { msg: plain, aad: &header }).unwrap_or_default();
        SealedBox { number, sealed }
    }

    /// Opens the peer's next message.
    ///
    /// # Errors
    /// A box out of order or changed is refused and alters nothing: the box that was due still opens.
    pub fn open(&mut self, sealed: &SealedBox) -> Result<Vec<u8>, BoxError> {
        if sealed.number != self.received {
            return Err(BoxError::OutOfOrder { expected: self.received, got: sealed.number });
        }
        let (cipher, nonce, header) = self.cipher(self.role.other(), sealed.number);
        let payload = Payload { msg: &sealed.sealed, aad: &header };
        let plain = cipher.decrypt(&nonce, payload).map_err(|_| BoxError::Tampered)?;
        self.received += 1;
        Ok(plain)
    }

    /// Cipher, nonce and associated data of the box with this number from `sender`.
    fn cipher(&self, sender: Role, number: u64) -> (ChaCha20Poly1305, Nonce, Vec<u8>) {
        let key = match sender {
            Role::Guest => &self.keys.from_guest,
            Role::Host => &self.keys.from_host,
        };
        let mut nonce = Nonce::default();
        nonce[4..].copy_from_slice(&number.to_be_bytes());
        let header = [&self.keys.transcript[..], &[sender.letter()], &number.to_be_bytes()].concat();
        (ChaCha20Poly1305::new((&**key).into()), nonce, header)
    }

    /// The first frame on the control lane: proves that this side of the handshake holds this connection's
    /// certificates, the one it shows and the one it sees.
    pub fn bind_tag(&self, local: &Fingerprint, remote: &Fingerprint) -> [u8; 32] {
        self.bind(self.role, local, remote)
    }

    /// Checks the peer's first frame against the certificates of this connection, as seen from here.
    pub fn verify_bind(&self, tag: &[u8], local: &Fingerprint, remote: &Fingerprint) -> bool {
        self.bind(self.role.other(), local, remote).ct_eq(tag).into()
    }

    fn bind(&self, sender: Role, local: &Fingerprint, remote: &Fingerprint) -> Tag {
        let (guest, host) = match self.role {
            Role::Guest => (local, remote),
            Role::Host => (remote, local),
        };
        mac(&self.keys.bind, &[&[sender.letter()], &self.keys.transcript, &guest.0, &host.0])
    }
}
