//! What servers hear from one another, and what `privydrop-server check` hears from relays and reads of their addresses.

/// Pure, and no part of the server's library: compiled in as it stands.
#[path = "../../signal/src/service/envelope.rs"]
mod envelope;

use privydrop_common::signaling::Refusal;
use privydrop_signal::turn::client::ServerUrl;
use privydrop_signal::turn::stun::{self, HEADER, Message, attribute};

use self::envelope::{Effect, Envelope};
use crate::conversation::member;

/// Bytes that a signature adds, and most that a message has behind its header.
const PROOF: usize = 24;
const MOST: usize = 65_532;

/// A parcel from another node.
pub(crate) fn envelopes(bytes: &[u8]) {
    let read: Vec<Option<Envelope>> = Envelope::parse_all(bytes).collect();
    let broken = read.iter().position(Option::is_none);
    assert!(broken.is_none_or(|at| at + 1 == read.len()), "nothing is read behind what is none");
    let whole: Vec<Envelope> = read.into_iter().flatten().collect();
    assert!(whole.iter().map(|envelope| envelope.text.len()).sum::<usize>() <= bytes.len());
    let mut again = Vec::new();
    whole.iter().for_each(|envelope| envelope.write(&mut again));
    assert!(Envelope::parse_all(&again).eq(whole.into_iter().map(Some)));
}

/// A message of a STUN or TURN server.
pub(crate) fn stun_messages(bytes: &[u8]) {
    let Some(message) = Message::parse(bytes) else { return };
    assert_eq!(stun::length(&bytes[..HEADER]), Some(bytes.len() - HEADER));
    if let Some((code, words)) = message.error() {
        assert!(code < 1_000 && !words.contains(char::is_control), "{code} {words:?}");
    }
    for (number, _) in &message.attributes {
        let Some(address) = message.address(*number) else { continue };
        let alone = Message { attributes: Vec::new(), ..message.clone() };
        assert_eq!(alone.with_address(*number, address).address(*number), Some(address));
    }
    assert_eq!(Message::parse(&message.to_bytes(None)).as_ref(), Some(&message));
    if bytes.len() - HEADER + PROOF <= MOST {
        let signed = Message::parse(&message.to_bytes(Some(b"key"))).expect("a signed message");
        let (proof, rest) = signed.attributes.split_last().expect("its proof");
        assert_eq!((proof.0, rest), (attribute::MESSAGE_INTEGRITY, &message.attributes[..]));
    }
}

/// The address of a STUN or TURN server, as `check` reads it from the settings.
pub(crate) fn relay_urls(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(server) = text.parse::<ServerUrl>() else { return };
    let is_secure = text.trim().starts_with("turns:") || text.trim().starts_with("stuns:");
    let shown = server.to_string();
    let (host, way) = shown.rsplit_once(" port ").expect("host, port and way");
    let (port, way) = way.split_once(" by ").expect("port and way");
    assert!(!host.is_empty() && port.parse::<u16>().is_ok() && (way == "TLS") == is_secure, "{shown}");
}

pub(crate) fn envelope_seeds() -> Vec<Vec<u8>> {
    let effects = [Effect::Tell, Effect::Admit(member(2)), Effect::Dismiss(Refusal::Replaced)];
    let envelope = |effect| Envelope {
        socket: 7,
        member: member(1),
        revision: (effect != Effect::Tell).then_some(300),
        effect,
        text: "{}".into(),
    };
    let written = |envelopes: &[Envelope]| {
        let mut bytes = Vec::new();
        envelopes.iter().for_each(|envelope| envelope.write(&mut bytes));
        bytes
    };
    let all = effects.map(envelope);
    all.iter().map(|one| written(std::slice::from_ref(one))).chain([written(&all)]).collect()
}

pub(crate) fn stun_seeds() -> Vec<Vec<u8>> {
    let message = |kind| Message { kind, id: [7; 12], attributes: Vec::new() };
    let relayed = attribute::XOR_RELAYED_ADDRESS;
    vec![
        message(0x0001).to_bytes(None),
        message(0x0113)
            .with(attribute::ERROR_CODE, *b"\0\0\x04\x01Unauthorized")
            .with(attribute::REALM, "turn.example")
            .with(attribute::NONCE, "nonce")
            .to_bytes(None),
        message(0x0103)
            .with_address(relayed, "192.0.2.1:32853".parse().unwrap())
            .with_address(relayed, "[2001:db8::7]:1".parse().unwrap())
            .with(attribute::LIFETIME, [0, 0, 2, 88])
            .to_bytes(Some(b"key")),
        message(0x0017)
            .with_address(attribute::XOR_PEER_ADDRESS, "198.51.100.7:80".parse().unwrap())
            .with(attribute::DATA, [1, 2, 3])
            .to_bytes(None),
    ]
}

pub(crate) fn relay_url_seeds() -> Vec<Vec<u8>> {
    [
        "turn:turn.example",
        "turn:turn.example:80?transport=tcp",
        "turns:turn.example:443?transport=tcp",
        "stun:[2001:db8::1]:1",
        "stuns:192.0.2.1",
        "turns:x?transport=udp",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
