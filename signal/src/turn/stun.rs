//! Messages of STUN and TURN (RFC 8489, 8656), as far as a check of a TURN server needs them.
//!
//! Only turns messages into bytes and back; sends nothing. Any bytes are a message or `None`, never a panic.

use std::net::{IpAddr, SocketAddr};

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;

/// Says that it is STUN.
const COOKIE: u32 = 0x2112_A442;
/// Bytes before the attributes.
pub const HEADER: usize = 20;
/// Bytes of the proof that ends a signed message, with its own header.
const PROOF: usize = 24;

/// Numbers of attributes.
pub mod attribute {
    #![allow(missing_docs, reason = "the names are those of the RFCs")]
    pub const USERNAME: u16 = 0x0006;
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const LIFETIME: u16 = 0x000D;
    pub const XOR_PEER_ADDRESS: u16 = 0x0012;
    pub const DATA: u16 = 0x0013;
    pub const REALM: u16 = 0x0014;
    pub const NONCE: u16 = 0x0015;
    pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    pub const REQUESTED_TRANSPORT: u16 = 0x0019;
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Class and method.
    pub kind: u16,
    /// Joins an answer to its request.
    pub id: [u8; 12],
    /// In order.
    pub attributes: Vec<(u16, Vec<u8>)>,
}

impl Message {
    /// A message without attributes, with an id of its own.
    pub fn new(kind: u16) -> Self {
        Self { kind, id: rand::random(), attributes: Vec::new() }
    }

    /// The same with one more attribute.
    #[must_use]
    pub fn with(mut self, attribute: u16, value: impl Into<Vec<u8>>) -> Self {
        self.attributes.push((attribute, value.into()));
        self
    }

    /// The same with one more address.
    #[must_use]
    pub fn with_address(self, attribute: u16, address: SocketAddr) -> Self {
        let mask = self.mask();
        let mut value = vec![0, if address.is_ipv4() { 1 } else { 2 }];
        let port = address.port().to_be_bytes();
        let ip = match address.ip() {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        value.extend(port.iter().zip(&mask).map(|(byte, mask)| byte ^ mask));
        value.extend(ip.iter().zip(&mask).map(|(byte, mask)| byte ^ mask));
        self.with(attribute, value)
    }

    /// The first attribute of this number.
    pub fn get(&self, attribute: u16) -> Option<&[u8]> {
        let found = self.attributes.iter().find(|(number, _)| *number == attribute)?;
        Some(&found.1)
    }

    /// The address in this attribute.
    pub fn address(&self, attribute: u16) -> Option<SocketAddr> {
        let value = self.get(attribute)?;
        let mask = self.mask();
        let unmasked: Vec<u8> = value.get(4..)?.iter().zip(&mask).map(|(byte, mask)| byte ^ mask).collect();
        let port = u16::from_be_bytes([value[2] ^ mask[0], value[3] ^ mask[1]]);
        let ip: IpAddr = match value[1] {
            1 => <[u8; 4]>::try_from(unmasked).ok()?.into(),
            2 => <[u8; 16]>::try_from(unmasked).ok()?.into(),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }

    /// Why a request was refused: the number and the words.
    pub fn error(&self) -> Option<(u16, String)> {
        let value = self.get(attribute::ERROR_CODE)?;
        let (class, number) = (value.get(2)? & 7, value.get(3)?);
        let words =
            String::from_utf8_lossy(&value[4..]).chars().filter(|letter| !letter.is_control()).collect();
        Some((u16::from(class) * 100 + u16::from(*number), words))
    }

    /// The bytes that travel; with a key they are signed.
    pub fn to_bytes(&self, key: Option<&[u8]>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend(self.kind.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(COOKIE.to_be_bytes());
        bytes.extend(self.id);
        for (number, value) in &self.attributes {
            push(&mut bytes, *number, value);
        }
        // The length counts the proof already when the proof is made.
        let proof = if key.is_some() { PROOF } else { 0 };
        let length = u16::try_from(bytes.len() - HEADER + proof).unwrap_or(u16::MAX);
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        if let Some(mac) = key.and_then(|key| Hmac::<Sha1>::new_from_slice(key).ok()) {
            let proof = mac.chain_update(&bytes).finalize().into_bytes();
            push(&mut bytes, attribute::MESSAGE_INTEGRITY, &proof);
        }
        bytes
    }

    /// Reads one whole message.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (header, mut rest) = bytes.split_at_checked(HEADER)?;
        if length(header)? != bytes.len() - HEADER {
            return None;
        }
        let (kind, id) = (u16::from_be_bytes([header[0], header[1]]), header[8..].try_into().ok()?);
        let mut attributes = Vec::new();
        while !rest.is_empty() {
            let (head, tail) = rest.split_at_checked(4)?;
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let value = tail.get(..length)?;
            attributes.push((u16::from_be_bytes([head[0], head[1]]), value.to_vec()));
            rest = tail.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Some(Self { kind, id, attributes })
    }

    fn mask(&self) -> [u8; 16] {
        let mut mask = [0; 16];
        mask[..4].copy_from_slice(&COOKIE.to_be_bytes());
        mask[4..].copy_from_slice(&self.id);
        mask
    }
}

/// Bytes that follow this header; `None` when it is not STUN's.
pub fn length(header: &[u8]) -> Option<usize> {
    let header: &[u8; HEADER] = header.try_into().ok()?;
    let is_stun = header[0] < 0x40 && header[4..8] == COOKIE.to_be_bytes();
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    (is_stun && length.is_multiple_of(4)).then_some(length)
}

/// The key that signs with a user's name and password.
pub fn long_term_key(username: &str, realm: &str, password: &str) -> Vec<u8> {
    Md5::digest(format!("{username}:{realm}:{password}")).to_vec()
}

fn push(bytes: &mut Vec<u8>, number: u16, value: &[u8]) {
    bytes.extend(number.to_be_bytes());
    bytes.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 5769, 2.4: a request with long-term authentication.
    #[test]
    fn a_signed_request_is_the_one_of_the_standard() {
        let id = [0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29, 0xda, 0x41, 0x2e];
        let user = "\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}";
        let message = Message { kind: 1, id, attributes: Vec::new() }
            .with(attribute::USERNAME, user)
            .with(attribute::NONCE, "f//499k954d6OL34oL9FSTvy64sA")
            .with(attribute::REALM, "example.org");
        let bytes = message.to_bytes(Some(&long_term_key(user, "example.org", "TheMatrIX")));
        let proof = [
            0xf6, 0x70, 0x24, 0x65, 0x6d, 0xd6, 0x4a, 0x3e, 0x02, 0xb8, 0xe0, 0x71, 0x2e, 0x85, 0xc9, 0xa2,
            0x8c, 0xa8, 0x96, 0x66,
        ];
        assert_eq!(bytes[bytes.len() - 20..], proof);
        assert_eq!(Message::parse(&bytes).unwrap().attributes.len(), 4);
    }

    #[test]
    fn an_address_is_read_as_it_was_written() {
        for address in ["192.0.2.1:32853", "[2001:db8::7]:1"] {
            let address: SocketAddr = address.parse().unwrap();
            let message = Message::new(1).with_address(attribute::XOR_PEER_ADDRESS, address);
            let read = Message::parse(&message.to_bytes(None)).unwrap();
            assert_eq!(read.address(attribute::XOR_PEER_ADDRESS), Some(address));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_none(tail in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = Message::new(0x0113).to_bytes(None);
            bytes.extend(&tail);
            let length = u16::try_from(tail.len()).unwrap();
            bytes[2..4].copy_from_slice(&length.to_be_bytes());
            for bytes in [&bytes[..], &tail] {
                if let Some(message) = Message::parse(bytes) {
                    let _ = message.error();
                    for (number, _) in message.attributes.clone() {
                        let _ = message.address(number);
                    }
                }
            }
        }
    }
}
