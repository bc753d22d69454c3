use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::sdp::Fingerprint;

const GUEST_PRINT: Fingerprint = Fingerprint([1; 32]);
const HOST_PRINT: Fingerprint = Fingerprint([2; 32]);

/// Everything that shapes one side of a handshake.
#[derive(Clone)]
struct Side {
    room: RoomId,
    me: PeerId,
    peer: PeerId,
    secret: Secret,
    caps: Caps,
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn words(text: &str) -> Secret {
    Secret::Words(text.parse().unwrap())
}

fn guest() -> Side {
    let (me, peer) = ("00000000000000aa".parse().unwrap(), "00000000000000bb".parse().unwrap());
    Side { room: "123456".parse().unwrap(), me, peer, secret: words("acid acorn acre"), caps: Caps::OURS }
}

fn host() -> Side {
    let guest = guest();
    Side { me: guest.peer, peer: guest.me, ..guest }
}

impl Side {
    fn start(&self, seed: u64) -> (Initiator, Hello) {
        Initiator::start(&self.room, self.me, self.peer, &self.secret, self.caps, &mut rng(seed))
    }

    fn reply(&self, hello: &Hello, seed: u64) -> Result<(AwaitingConfirm, Reply), HandshakeError> {
        let Self { room, me, peer, secret, caps } = self;
        Responder::answer(room, *me, *peer, secret, *caps, hello, &mut rng(seed)).map(|r| r.reply(b"offer"))
    }
}

/// Runs all three messages; `None` when either side refuses.
fn shake(guest: &Side, host: &Side) -> Option<(Sealed, Sealed)> {
    let (initiator, hello) = guest.start(1);
    let (awaiting, reply) = host.reply(&hello, 2).ok()?;
    let (confirming, offer) = initiator.accept(&reply).ok()?;
    let (at_guest, confirm) = confirming.confirm(b"answer");
    let (at_host, answer) = awaiting.finish(&confirm).ok()?;
    assert_eq!((&offer[..], &answer[..]), (&b"offer"[..], &b"answer"[..]));
    Some((at_guest, at_host))
}

fn pair() -> (Sealed, Sealed) {
    shake(&guest(), &host()).unwrap()
}

#[test]
fn members_with_the_same_secret_agree_whatever_its_kind() {
    let secrets = [
        words("acid acorn acre"),
        Secret::Link(LinkSecret::random(&mut rng(3))),
        Secret::Room(RoomKey::random(&mut rng(4))),
    ];
    for secret in secrets {
        let (mut at_guest, mut at_host) =
            shake(&Side { secret: secret.clone(), ..guest() }, &Side { secret, ..host() }).unwrap();
        for round in 0..3 {
            let to_host = at_guest.seal(&[round; 100]);
            assert_eq!(at_host.open(&to_host), Ok(vec![round; 100]));
            let to_guest = at_host.seal(&[]);
            assert_eq!(at_guest.open(&to_guest), Ok(vec![]));
        }
        assert_eq!((at_guest.peer_caps(), at_host.peer_caps()), (Caps::OURS, Caps::OURS));
    }
}

#[test]
fn a_guest_with_another_secret_room_or_name_is_refused_before_it_learns_anything() {
    let stranger: PeerId = "00000000000000cc".parse().unwrap();
    let strangers = [
        Side { secret: words("acid acorn acts"), ..guest() },
        Side { room: "123457".parse().unwrap(), ..guest() },
        Side { me: stranger, ..guest() },
        Side { peer: stranger, ..guest() },
    ];
    for side in strangers {
        let (initiator, hello) = side.start(1);
        let (_, reply) = host().reply(&hello, 2).unwrap();
        assert_eq!(initiator.accept(&reply).err(), Some(HandshakeError::WrongSecret));
    }
}

#[test]
fn a_host_refuses_a_confirm_of_another_handshake() {
    let (_, hello) = guest().start(1);
    let (awaiting, _) = host().reply(&hello, 2).unwrap();
    let (initiator, hello) = guest().start(3);
    let (_, reply) = host().reply(&hello, 4).unwrap();
    let (_, confirm) = initiator.accept(&reply).unwrap().0.confirm(b"answer");
    assert_eq!(awaiting.finish(&confirm).err(), Some(HandshakeError::WrongSecret));
}

#[test]
fn another_kind_of_secret_is_refused_also_when_the_hello_lies_about_it() {
    let link = Side { secret: Secret::Link(LinkSecret::random(&mut rng(3))), ..guest() };
    let (initiator, mut hello) = link.start(1);
    assert_eq!(host().reply(&hello, 2).err(), Some(HandshakeError::WrongKind));
    hello.kind = Kind::Words;
    let (_, reply) = host().reply(&hello, 2).unwrap();
    assert_eq!(initiator.accept(&reply).err(), Some(HandshakeError::WrongSecret));
}

#[test]
fn a_low_order_or_malformed_share_is_refused_by_both() {
    let (_, hello) = guest().start(1);
    let (_, reply) = host().reply(&hello, 2).unwrap();
    for share in [[0; 32], [0xff; 32]] {
        let refused = host().reply(&Hello { share, ..hello.clone() }, 2).err();
        assert_eq!(refused, Some(HandshakeError::InvalidShare));
        let refused = guest().start(1).0.accept(&Reply { share, ..reply.clone() }).err();
        assert_eq!(refused, Some(HandshakeError::InvalidShare));
    }
}

#[test]
fn both_sides_know_how_many_lanes_both_serve() {
    for (here, there, both) in [(1, 1, 1), (1, 4, 1), (4, 1, 1), (2, 4, 2), (4, 4, 4), (4, 0, 1)] {
        let (at_guest, at_host) = shake(
            &Side { caps: Caps::serving(here), ..guest() },
            &Side { caps: Caps::serving(there), ..host() },
        )
        .unwrap();
        assert_eq!((at_guest.max_lanes(), at_host.max_lanes()), (both, both), "{here} {there}");
        assert_eq!((at_guest.peer_caps(), at_host.peer_caps()), (Caps::serving(there), Caps::serving(here)));
    }
}

#[test]
fn lowered_capabilities_are_noticed() {
    let lowered = Caps { protocol: 0, ..Caps::OURS };
    let (initiator, hello) = guest().start(1);
    let (_, reply) = host().reply(&Hello { caps: lowered, ..hello.clone() }, 2).unwrap();
    assert_eq!(initiator.accept(&reply).err(), Some(HandshakeError::WrongSecret));
    let (_, reply) = host().reply(&hello, 2).unwrap();
    let refused = guest().start(1).0.accept(&Reply { caps: lowered, ..reply }).err();
    assert_eq!(refused, Some(HandshakeError::WrongSecret));
}

#[test]
fn messages_sent_back_to_their_sender_prove_nothing() {
    let (initiator, hello) = guest().start(1);
    // The guest, made to answer its own hello, cannot convince itself.
    let (_, reflected) = guest().reply(&hello, 2).unwrap();
    assert_eq!(initiator.accept(&reflected).err(), Some(HandshakeError::WrongSecret));

    let (mut at_guest, at_host) = pair();
    let own = at_guest.seal(b"candidate");
    let refused = at_guest.open(&own);
    assert!(refused.is_err(), "{refused:?}");
    let tag = at_host.bind_tag(&HOST_PRINT, &GUEST_PRINT);
    assert!(!at_host.verify_bind(&tag, &HOST_PRINT, &GUEST_PRINT));
}

#[test]
fn a_box_opens_once_and_in_order() {
    let (mut at_guest, mut at_host) = pair();
    let (first, second) = (at_guest.seal(b"first"), at_guest.seal(b"second"));
    assert_eq!(at_host.open(&second), Err(BoxError::OutOfOrder { expected: 1, got: 2 }));
    assert_eq!(at_host.open(&first), Ok(b"first".to_vec()));
    assert_eq!(at_host.open(&first), Err(BoxError::OutOfOrder { expected: 2, got: 1 }));
    assert_eq!(at_host.open(&second), Ok(b"second".to_vec()));
}

#[test]
fn a_box_of_another_pair_does_not_open() {
    let (mut at_guest, _) = pair();
    let (initiator, hello) = guest().start(5);
    let (awaiting, reply) = host().reply(&hello, 6).unwrap();
    let (_, confirm) = initiator.accept(&reply).unwrap().0.confirm(b"answer");
    let (mut at_host, _) = awaiting.finish(&confirm).unwrap();
    assert_eq!(at_host.open(&at_guest.seal(b"candidate")), Err(BoxError::Tampered));
}

#[test]
fn a_replayed_hello_gets_fresh_keys_that_its_replayer_cannot_use() {
    let (initiator, hello) = guest().start(1);
    let (first_wait, first) = host().reply(&hello, 2).unwrap();
    let (second_wait, second) = host().reply(&hello, 3).unwrap();
    assert_ne!((first.share, first.tag), (second.share, second.tag));
    let (_, confirm) = initiator.accept(&first).unwrap().0.confirm(b"answer");
    assert_eq!(second_wait.finish(&confirm).err(), Some(HandshakeError::WrongSecret));
    assert!(first_wait.finish(&confirm).is_ok());
}

#[test]
fn both_sides_bind_the_same_two_certificates_and_no_others() {
    let (at_guest, at_host) = pair();
    let from_guest = at_guest.bind_tag(&GUEST_PRINT, &HOST_PRINT);
    let from_host = at_host.bind_tag(&HOST_PRINT, &GUEST_PRINT);
    assert!(at_host.verify_bind(&from_guest, &HOST_PRINT, &GUEST_PRINT));
    assert!(at_guest.verify_bind(&from_host, &GUEST_PRINT, &HOST_PRINT));
    let swapped = Fingerprint([3; 32]);
    assert!(!at_host.verify_bind(&from_guest, &swapped, &GUEST_PRINT));
    assert!(!at_host.verify_bind(&from_guest, &HOST_PRINT, &swapped));
    assert!(!at_host.verify_bind(&from_guest, &GUEST_PRINT, &HOST_PRINT));
    assert!(!at_host.verify_bind(&from_guest[..31], &HOST_PRINT, &GUEST_PRINT));
    assert!(!at_host.verify_bind(&[], &HOST_PRINT, &GUEST_PRINT));
}

#[test]
fn the_longest_description_fits_the_longest_message_and_body() {
    let (mut at_guest, _) = pair();
    let plain = vec![7; crate::sdp::MAX_SDP + 1024];
    let encoded = PairMessage::Sealed(at_guest.seal(&plain)).encode();
    assert!(encoded.len() <= MAX_MESSAGE);
    assert_eq!(MAX_MESSAGE.div_ceil(3) * 4, crate::signaling::MAX_BODY);
}

#[test]
fn a_message_too_long_of_another_version_or_with_a_tail_is_refused() {
    let bytes = PairMessage::Failed.encode();
    assert_eq!(PairMessage::decode(&bytes), Ok(PairMessage::Failed));
    let tail = [&bytes[..], &[0]].concat();
    assert_eq!(PairMessage::decode(&tail), Err(InvalidPairMessage::Malformed));
    let newer = [&[9], &bytes[1..]].concat();
    assert_eq!(PairMessage::decode(&newer), Err(InvalidPairMessage::Version(9)));
    assert_eq!(PairMessage::decode(&vec![1; MAX_MESSAGE + 1]), Err(InvalidPairMessage::TooLong));
    assert_eq!(PairMessage::decode(&[]), Err(InvalidPairMessage::Malformed));
}

#[test]
fn keys_and_plain_text_do_not_show_in_debug_output() {
    let (at_guest, _) = pair();
    let (initiator, _) = guest().start(1);
    let shown = format!("{at_guest:?} {initiator:?} {:?}", guest().secret);
    assert_eq!(shown, "Sealed(…) Initiator(…) Words(Words(…))");
}

/// Changes one byte of an encoded message; `None` when it is no message any more, or still the same one.
fn tampered(message: &PairMessage, index: prop::sample::Index, flip: u8) -> Option<PairMessage> {
    let mut bytes = message.encode();
    let index = index.index(bytes.len());
    bytes[index] ^= flip;
    PairMessage::decode(&bytes).ok().filter(|changed| changed != message)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_a_message_or_a_typed_error(mut bytes: Vec<u8>) {
        let _ = PairMessage::decode(&bytes);
        bytes.insert(0, 1);
        if let Ok(message) = PairMessage::decode(&bytes) {
            prop_assert_eq!(PairMessage::decode(&message.encode()), Ok(message));
        }
    }

    #[test]
    fn a_changed_byte_in_any_message_is_refused(at: prop::sample::Index, flip in 1u8..) {
        let (initiator, hello) = guest().start(1);
        let (awaiting, reply) = host().reply(&hello, 2).unwrap();
        if let Some(PairMessage::Hello(changed)) = tampered(&PairMessage::Hello(hello.clone()), at, flip) {
            let refused = host().reply(&changed, 2).map_or(true, |(_, reply)| guest().start(1).0.accept(&reply).is_err());
            prop_assert!(refused);
        }
        if let Some(PairMessage::Reply(changed)) = tampered(&PairMessage::Reply(reply.clone()), at, flip) {
            prop_assert!(guest().start(1).0.accept(&changed).is_err());
        }
        let (mut at_guest, confirm) = initiator.accept(&reply).unwrap().0.confirm(b"answer");
        if let Some(PairMessage::Confirm(changed)) = tampered(&PairMessage::Confirm(confirm.clone()), at, flip) {
            let again = host().reply(&hello, 2).unwrap().0;
            prop_assert!(again.finish(&changed).is_err());
        }
        let (mut at_host, _) = awaiting.finish(&confirm).unwrap();
        let candidate = at_guest.seal(b"candidate");
        if let Some(PairMessage::Sealed(changed)) = tampered(&PairMessage::Sealed(candidate.clone()), at, flip) {
            prop_assert!(at_host.open(&changed).is_err());
        }
        prop_assert!(at_host.open(&candidate).is_ok());
    }
}
