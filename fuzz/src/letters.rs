//! What two members say to each other through the server: letters, the handshake in them, descriptions in that.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use privydrop_common::code::{LinkSecret, RoomKey};
use privydrop_common::handshake::{Caps, Initiator, MAX_MESSAGE, PairMessage, Responder, Secret};
use privydrop_common::mail::{Letter, MAX_WAITING, Mail};
use privydrop_common::sdp::{Candidate, Fingerprint, MAX_CANDIDATE, MAX_MID, MAX_SDP, Sdp};
use privydrop_common::signaling::{Body, MAX_BODY};
use privydrop_common::time::Moment;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::conversation::{member, room};

/// Letters that one input brings, at most: each may cause all that wait to be sent again.
const MAX_LETTERS: usize = 512;

/// Letters of one stream, each behind its number and its length, given to one who also writes.
pub(crate) fn letters(bytes: &[u8]) {
    let mut mail = Mail::new(1);
    let (mut rest, mut now, mut read) = (bytes, 0, 0usize);
    for _ in 0..MAX_LETTERS {
        let Some((&[seq, hurry, high, low], after)) = rest.split_first_chunk() else { break };
        let length = usize::from(u16::from_be_bytes([high, low])).min(after.len());
        let (content, after) = after.split_at(length);
        rest = after;
        now += u64::from(hurry) * 10;
        let moment = Moment::from_millis(now);
        let encoded = URL_SAFE_NO_PAD.encode(content);
        if let Ok(body) = Body::new(encoded.clone()) {
            match Letter::parse(&body) {
                Some(letter) => {
                    assert_eq!(letter.to_body(), Some(body));
                    let ready = mail.receive(u32::from(seq), letter, moment);
                    assert!(ready.iter().all(|content| !content.is_empty()));
                    read += ready.len();
                }
                None => assert!(content.len() < 8),
            }
        } else {
            assert!(encoded.len() > MAX_BODY);
        }
        mail.send(vec![seq], moment);
        mail.handle_timeout(false, moment);
        // Everything unacknowledged once, and one acknowledgement.
        let posted = std::iter::from_fn(|| mail.poll_outbox()).count();
        assert!(posted <= MAX_WAITING + 2, "{posted}");
    }
    // Numbers are bytes here, and each counts once.
    assert!(read <= 256);
    // As text of a frame, which need not be base64 of anything.
    if let Some(letter) = str::from_utf8(bytes).ok().and_then(|text| Body::new(text.to_owned()).ok()) {
        let _ = Letter::parse(&letter);
    }
}

/// Messages of the handshake, and what they do to one who waits for them.
pub(crate) fn pair_messages(bytes: &[u8]) {
    let Ok(message) = PairMessage::decode(bytes) else { return };
    assert!(bytes.len() <= MAX_MESSAGE);
    let encoded = message.encode();
    assert!(encoded.len() <= bytes.len(), "what is written again is no longer");
    assert_eq!(PairMessage::decode(&encoded).as_ref(), Ok(&message));
    let (guest, mut rng) = (guest(9), ChaCha20Rng::from_seed([8; 32]));
    match message {
        PairMessage::Hello(hello) => {
            let answered =
                Responder::answer(&room(), member(1), member(2), &secret(1), Caps::OURS, &hello, &mut rng);
            if let Ok(responder) = answered {
                let (_, reply) = responder.reply(b"offer");
                // Without the secret nobody gets further.
                assert!(guest.accept(&reply).is_err());
            }
        }
        PairMessage::Reply(reply) => assert!(guest.accept(&reply).is_err()),
        _ => {}
    }
}

fn secret(number: u8) -> Secret {
    Secret::Link(LinkSecret::random(&mut ChaCha20Rng::from_seed([number; 32])))
}

fn guest(number: u8) -> Initiator {
    let mut rng = ChaCha20Rng::from_seed([number; 32]);
    Initiator::start(&room(), member(2), member(1), &secret(number), Caps::OURS, &mut rng).0
}

/// Session descriptions at the gate.
pub(crate) fn descriptions(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(sdp) = Sdp::parse(text) else { return };
    assert!(text.len() <= MAX_SDP && sdp.as_str() == text);
    let found: Vec<Fingerprint> = text
        .split(['\r', '\n'])
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            let name = name.to_ascii_lowercase();
            (name.starts_with("a=")
                && name.contains("fingerprint")
                && name.trim_end().ends_with("fingerprint"))
            .then(|| value.split(' ').nth(1).and_then(|hex| hex.parse().ok()))
            .flatten()
        })
        .collect();
    assert!(found.contains(&sdp.fingerprint()) && found.iter().all(|one| *one == sdp.fingerprint()));
    let media = |line: &&str| line.starts_with("m=");
    assert_eq!(text.split(['\r', '\n']).filter(media).count(), 1);
    assert!(!text.contains(|c: char| c.is_control() && !matches!(c, '\r' | '\n')));
    let encoded = postcard::to_allocvec(&sdp).unwrap();
    assert_eq!(postcard::from_bytes::<Sdp>(&encoded).as_ref(), Ok(&sdp));
}

/// Candidates as they come out of a box.
pub(crate) fn candidates(bytes: &[u8]) {
    let Ok((candidate, rest)) = postcard::take_from_bytes::<Candidate>(bytes) else { return };
    let mid = candidate.mid().unwrap_or_default();
    assert!(candidate.as_str().len() <= MAX_CANDIDATE && mid.len() <= MAX_MID);
    assert!(!candidate.as_str().contains(char::is_control) && !mid.contains(char::is_control));
    let encoded = postcard::to_allocvec(&candidate).unwrap();
    assert!(encoded.len() <= bytes.len() - rest.len());
    assert_eq!(postcard::from_bytes::<Candidate>(&encoded).as_ref(), Ok(&candidate));
}

pub(crate) fn letter_seeds() -> Vec<Vec<u8>> {
    // Two ends that write to each other, one letter of which is late.
    let (mut here, now) = (Mail::new(1), Moment::from_millis(0));
    (0..4).for_each(|number| here.send(vec![number; 5], now));
    let mut posts: Vec<_> = std::iter::from_fn(|| here.poll_outbox()).collect();
    posts.swap(1, 2);
    let mut all = Vec::new();
    for (seq, body) in posts {
        let letter = URL_SAFE_NO_PAD.decode(body.as_str()).unwrap();
        let length = u16::try_from(letter.len()).unwrap().to_be_bytes();
        all.extend([&[u8::try_from(seq).unwrap(), 40][..], &length, &letter].concat());
    }
    let bare = [0, 255, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2].to_vec();
    vec![[&all[..], &bare].concat(), bare]
}

pub(crate) fn pair_seeds() -> Vec<Vec<u8>> {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let key = Secret::Room(RoomKey::random(&mut rng));
    let caps = Caps::serving(4);
    let (initiator, hello) = Initiator::start(&room(), member(2), member(1), &key, caps, &mut rng);
    let responder = Responder::answer(&room(), member(1), member(2), &key, caps, &hello, &mut rng).unwrap();
    let (_, reply) = responder.reply(b"offer");
    let (confirming, _) = initiator.accept(&reply).unwrap();
    let (mut sealed, confirm) = confirming.confirm(b"answer");
    let messages = [
        PairMessage::Hello(hello),
        PairMessage::Reply(reply),
        PairMessage::Confirm(confirm),
        PairMessage::Sealed(sealed.seal(b"candidate")),
        PairMessage::Failed,
        PairMessage::Denied { tries_left: 3 },
    ];
    messages.iter().map(PairMessage::encode).collect()
}

pub(crate) const DESCRIPTION: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 \
    00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\na=max-message-size:262144\r\n";

pub(crate) const CANDIDATE: &str = "candidate:1 1 udp 1 192.0.2.1 1 typ host";

pub(crate) fn description_seeds() -> Vec<Vec<u8>> {
    let twice = format!("{DESCRIPTION}a=fingerprint:sha-1 00:11\r\n");
    [DESCRIPTION, &DESCRIPTION.replace('\r', ""), &twice].map(|text| text.as_bytes().to_vec()).to_vec()
}

pub(crate) fn candidate_seeds() -> Vec<Vec<u8>> {
    let new = |line: &str, mid: Option<&str>, index| {
        Candidate::new(line.to_owned(), mid.map(str::to_owned), index).unwrap()
    };
    let all = [new(CANDIDATE, Some("0"), Some(0)), new("", None, None)];
    all.iter().map(|candidate| postcard::to_allocvec(candidate).unwrap()).collect()
}
