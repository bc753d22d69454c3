//! A hostile signaling server, and hostile peers on links that are up. None is ever accepted; each is told.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod world;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use privydrop_common::api::{ItemState, NoticeCode, PeerState, Phase};
use privydrop_common::code::{Code, Words};
use privydrop_common::handshake::{Caps, Initiator, Kind, PairMessage, Responder, Secret};
use privydrop_common::id::{FileIndex, ItemId, PeerId, RoomId, TransferId};
use privydrop_common::pieces::Value;
use privydrop_common::sdp::Fingerprint;
use privydrop_common::signaling::Body;
use privydrop_common::transport::{Happened, Lane};
use privydrop_common::wire::{Control, Entry, EntryKind, FrameBuilder, ItemSummary, SummaryKind, VERSION};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use world::{Delivery, DeviceId, Server, Weather, World, bytes_of, received, sdp_with};

type Relayed = (PeerId, PeerId, u32, Body);

fn letter(stream: u32, ack: u32, message: &PairMessage) -> Body {
    let mut bytes = [stream.to_be_bytes(), ack.to_be_bytes()].concat();
    bytes.extend(message.encode());
    Body::new(URL_SAFE_NO_PAD.encode(bytes)).unwrap()
}

fn open_letter(body: &Body) -> (u32, Option<PairMessage>) {
    let bytes = URL_SAFE_NO_PAD.decode(body.as_str()).unwrap();
    let stream = u32::from_be_bytes(bytes[..4].try_into().unwrap());
    (stream, PairMessage::decode(&bytes[8..]).ok())
}

/// A host that shares a file, and a second device that has not joined yet.
fn host_and_stranger(seed: u64) -> (World, DeviceId, DeviceId) {
    let mut world = World::new(seed, Weather::FAIR);
    let (host, guest) = (world.device("host"), world.device("guest"));
    world.share_file(host, "file.bin", bytes_of(1, 100_000));
    world.until("the room exists", |world| world.view(host).room.is_some());
    (world, host, guest)
}

fn is_verified(world: &World, device: DeviceId) -> bool {
    world.view(device).peers.iter().any(|peer| peer.verified && peer.state == PeerState::Connected)
}

/// Joins and sees the file arrive: the room still works for honest people.
fn honest_join_works(world: &mut World, host: DeviceId) {
    world.server.tamper = None;
    let honest = world.device("honest");
    let code = world.code(host);
    world.join(honest, &code);
    world.until("the item is seen", |world| !world.items_in(honest).is_empty());
    world.accept_all(honest);
    world.until_done(honest);
}

#[test]
fn a_server_that_answers_in_the_hosts_place_is_taken_for_wrong_words() {
    let (mut world, host, guest) = host_and_stranger(1);
    let room = world.view(host).room.unwrap().id;
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    // It swaps the offer for its own, with its own fingerprint; not knowing the words, it guesses them.
    let guess = Secret::Words(Words::random(&mut rng));
    world.server.tamper = Some(Box::new(move |from, to, seq, body| {
        let (stream, message) = open_letter(body);
        let Some(PairMessage::Hello(hello)) = message else { return Vec::new() };
        let responder = Responder::answer(&room, to, from, &guess, Caps::OURS, &hello, &mut rng).unwrap();
        let (_, reply) = responder.reply(sdp_with(&[9; 32]).as_bytes());
        let _ = seq;
        vec![(to, from, 0, letter(stream, 1, &PairMessage::Reply(reply)))]
    }));
    let code = world.code(host);
    world.join(guest, &code);
    world.until("the guest is told", |world| world.has_notice(guest, NoticeCode::WrongWords));
    assert!(!is_verified(&world, guest) && !is_verified(&world, host));
    honest_join_works(&mut world, host);
}

#[test]
fn a_changed_byte_in_any_letter_never_ends_in_a_link_and_is_told() {
    // Letters of a handshake in order: hello, reply, confirmation, candidates. Every resend is changed as well.
    for victim in 0..4u32 {
        for position in [8, 9, 30, 60, 100, 200] {
            let (mut world, host, guest) = host_and_stranger(u64::from(victim) * 1_000 + position as u64);
            world.server.tamper = Some(Box::new(move |from, to, seq, body| {
                let (_, message) = open_letter(body);
                let which = match message {
                    Some(PairMessage::Hello(_)) => 0,
                    Some(PairMessage::Reply(_)) => 1,
                    Some(PairMessage::Confirm(_)) => 2,
                    Some(PairMessage::Sealed(_)) => 3,
                    _ => 9,
                };
                let mut bytes = URL_SAFE_NO_PAD.decode(body.as_str()).unwrap();
                if which == victim {
                    let at = position.min(bytes.len() - 1);
                    bytes[at] ^= 1;
                }
                vec![(from, to, seq, Body::new(URL_SAFE_NO_PAD.encode(bytes)).unwrap())]
            }));
            let code = world.code(host);
            world.join(guest, &code);
            world.pass(Duration::from_secs(40));
            assert!(
                !is_verified(&world, guest) && !is_verified(&world, host),
                "letter {victim} byte {position}"
            );
            let told = &world.view(guest).notices;
            assert!(!told.is_empty(), "letter {victim} byte {position}: nobody is told");
            assert_ne!(world.phase(guest), Phase::Joining, "nothing is stuck");
            honest_join_works(&mut world, host);
        }
    }
}

#[test]
fn a_server_that_reflects_every_letter_only_makes_noise() {
    let (mut world, host, guest) = host_and_stranger(3);
    world.server.tamper = Some(Box::new(|from, to, seq, body| {
        // Back to its sender under the receiver's name, and on to the receiver.
        vec![(to, from, seq, body.clone()), (from, to, seq, body.clone())]
    }));
    let code = world.code(host);
    world.join(guest, &code);
    world.pass(Duration::from_secs(40));
    // A reflected letter ends the attempt: nobody is taken for somebody because of it, and the guest is told.
    assert!(!is_verified(&world, guest) && !is_verified(&world, host));
    assert!(!world.view(guest).notices.is_empty(), "nobody is told");
    assert_eq!(world.phase(guest), Phase::Idle);
    honest_join_works(&mut world, host);
}

#[test]
fn letters_replayed_within_and_across_sessions_change_nothing_and_are_told() {
    let (mut world, host, guest) = host_and_stranger(4);
    let heard: Rc<RefCell<Vec<Relayed>>> = Rc::default();
    let tape = heard.clone();
    world.server.tamper = Some(Box::new(move |from, to, seq, body| {
        tape.borrow_mut().push((from, to, seq, body.clone()));
        // Each letter comes together with all that were heard before it.
        tape.borrow().iter().rev().take(20).cloned().collect()
    }));
    let code = world.code(host);
    world.join(guest, &code);
    world
        .until("they are linked all the same", |world| is_verified(world, guest) && is_verified(world, host));
    world.until("the item is seen", |world| !world.items_in(guest).is_empty());
    world.accept_all(guest);
    world.until_done(guest);
    // Everything once more, long after: neither link nor room notices.
    let host_id = world.server.peer_of(host);
    for (from, to, seq, body) in heard.borrow().clone() {
        Server::relay(&mut world, from, to, seq, &body);
    }
    world.pass(Duration::from_secs(20));
    assert!(is_verified(&world, guest) && is_verified(&world, host), "host {host_id}");
    world.share_file(host, "later.bin", vec![5; 50]);
    world.until("the link still serves", |world| world.items_in(guest).len() == 2);
    let heard = heard.borrow().clone();
    for (from, to, seq, body) in heard.iter().cycle().take(4_000) {
        Server::relay(&mut world, *from, *to, *seq, body);
    }
    world.until("both are told", |world| {
        [host, guest].iter().all(|device| world.has_notice(*device, NoticeCode::StrayLetters))
    });
}

#[test]
fn letters_from_nobody_are_answered_by_nobody_and_are_told() {
    let (mut world, host, guest) = host_and_stranger(5);
    let code = world.code(host);
    world.join(guest, &code);
    world.until("they are linked", |world| is_verified(world, guest));
    let room = world.view(host).room.unwrap().id;
    let (guest_id, host_id) = (world.server.peer_of(guest), world.server.peer_of(host));
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    // A guest answers only members that it was told of, and only with the room key.
    for _ in 0..100 {
        let nobody = PeerId::random(&mut rng);
        for secret in [
            Secret::Words(Words::random(&mut rng)),
            Secret::Room(privydrop_common::code::RoomKey::random(&mut rng)),
        ] {
            let (_, hello) = Initiator::start(&room, nobody, guest_id, &secret, Caps::OURS, &mut rng);
            let body = letter(rng.next_u32(), 0, &PairMessage::Hello(hello));
            Server::relay(&mut world, nobody, guest_id, 0, &body);
            let (_, hello) = Initiator::start(&room, host_id, guest_id, &secret, Caps::OURS, &mut rng);
            let body = letter(rng.next_u32(), 0, &PairMessage::Hello(hello));
            Server::relay(&mut world, host_id, guest_id, 0, &body);
        }
    }
    world.until("the guest is told", |world| world.has_notice(guest, NoticeCode::StrayLetters));
    world.pass(Duration::from_secs(60));
    assert!(world.server.heard_by_impostors.is_empty(), "the guest answered nobody");
    assert_eq!(world.view(guest).peers.len(), 1);
    assert!(is_verified(&world, guest) && is_verified(&world, host));
}

/// Knocks as an impostor with these words; returns whether the host answered with a provable reply.
fn guess(world: &mut World, room: &RoomId, words: &Words, rng: &mut ChaCha20Rng) -> PeerId {
    let (impostor, host) = Server::impostor_knocks(world, room);
    let (_, hello) = Initiator::start(room, impostor, host, &Secret::Words(words.clone()), Caps::OURS, rng);
    let body = letter(rng.next_u32(), 0, &PairMessage::Hello(hello));
    Server::relay(world, impostor, host, 0, &body);
    impostor
}

#[test]
fn a_server_that_guesses_words_in_parallel_gets_five_answers_before_they_change() {
    let (mut world, host, _) = host_and_stranger(6);
    let room = world.view(host).room.unwrap().id;
    let words = world.view(host).room.unwrap().code.unwrap().words;
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    for _ in 0..50 {
        let wrong = Words::random(&mut rng);
        guess(&mut world, &room, &wrong, &mut rng);
    }
    world.pass(Duration::from_secs(14));
    let replies: std::collections::BTreeSet<PeerId> = world
        .server
        .heard_by_impostors
        .iter()
        .filter(|(_, _, _, body)| matches!(open_letter(body).1, Some(PairMessage::Reply(_))))
        .map(|(_, to, _, _)| *to)
        .collect();
    assert_eq!(replies.len(), 5, "five answered, the others turned away");
    assert!(world.view(host).peers.is_empty(), "knockers are nobody's business");
    world.until("the host is told and the words change", |world| {
        world.has_notice(host, NoticeCode::WordsChanged)
    });
    assert!(world.view(host).room.unwrap().code.unwrap().words != words);
    honest_join_works(&mut world, host);
}

#[test]
fn a_guest_that_knows_the_words_but_sends_two_fingerprints_gets_no_link() {
    let (mut world, host, _) = host_and_stranger(8);
    let Code { room, words } = world.view(host).room.unwrap().code.unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let (impostor, host_id) = Server::impostor_knocks(&mut world, &room);
    let secret = Secret::Words(words);
    let (initiator, hello) = Initiator::start(&room, impostor, host_id, &secret, Caps::OURS, &mut rng);
    assert_eq!(hello.kind, Kind::Words);
    Server::relay(&mut world, impostor, host_id, 0, &letter(77, 0, &PairMessage::Hello(hello)));
    world.until("the host replies", |world| !world.server.heard_by_impostors.is_empty());
    let reply =
        world.server.heard_by_impostors.iter().find_map(|(_, _, _, body)| match open_letter(body).1 {
            Some(PairMessage::Reply(reply)) => Some(reply),
            _ => None,
        });
    let (confirming, _) = initiator.accept(&reply.unwrap()).unwrap();
    let extra = format!("a=fingerprint:sha-256 {}\r\n", Fingerprint([7; 32]));
    let sdp = sdp_with(&[6; 32]).replace("a=setup", &format!("{extra}a=setup"));
    let (_, confirm) = confirming.confirm(sdp.as_bytes());
    Server::relay(&mut world, impostor, host_id, 1, &letter(77, 1, &PairMessage::Confirm(confirm)));
    world.until("the host is told", |world| world.has_notice(host, NoticeCode::PeerViolation));
    assert!(!is_verified(&world, host));
    honest_join_works(&mut world, host);
}

/// What a linked peer may not send; the receiver ends the link, tells, and goes on living.
/// A fetch, variant 7, that names so many runs of files; no constructor makes one that names more than it may.
fn fetch_of_runs(item: ItemId, runs: usize) -> Bytes {
    let runs = (Vec::<u8>::new(), vec![(0_u32, 1_u32); runs]);
    let fetch = postcard::to_stdvec(&(7_u32, TransferId(1), item, runs, 1_u64)).unwrap();
    [&[VERSION], &fetch[..]].concat().into()
}

#[test]
fn a_linked_peer_that_breaks_the_protocol_is_cut_off_and_told() {
    let frame = |transfer, file, offset, payload: &[u8]| {
        let mut builder = FrameBuilder::new(256 * 1024);
        builder.push(TransferId(transfer), FileIndex(file), offset, Some(Value([0; 32])), payload);
        builder.finish()
    };
    let control = |control: &Control| (Lane::Control, control.encode());
    let item = ItemId::random(&mut ChaCha20Rng::seed_from_u64(1));
    let folder = |files, entries| ItemSummary {
        id: item,
        name: "x".into(),
        size: 0,
        kind: SummaryKind::Folder { files, entries },
    };
    let bad: Vec<(&str, (Lane, Bytes))> = vec![
        ("an empty control frame", (Lane::Control, Bytes::new())),
        ("garbage", (Lane::Control, Bytes::from_static(&[VERSION, 255, 255, 255, 255]))),
        ("an empty data frame", (Lane::Data, Bytes::new())),
        ("a fetch that never was", (Lane::Data, frame(4_000_000, 0, 0, &[1]))),
        ("a segment cut short", (Lane::Data, frame(1, 0, 0, &[1; 100]).slice(..60))),
        ("an offset that overflows", (Lane::Data, frame(1, 0, u64::MAX, &[1]))),
        ("a million entries", control(&Control::Offer(folder(10, 1_000_000)))),
        ("more files than entries", control(&Control::Offer(folder(10, 5)))),
        ("a text that is none", control(&Control::Text(Bytes::from_static(b"<img src=x>")))),
        ("a fetch with too many runs", (Lane::Control, fetch_of_runs(item, 3_000))),
    ];
    assert!(matches!(Control::decode(&fetch_of_runs(item, 2_000)), Ok(Control::Fetch { .. })));
    for (what, (lane, bytes)) in bad {
        let (mut world, host, guest) = World::host_and_guest(9, Weather::FAIR, bytes_of(1, 1_000));
        let link = world.wires.link_of(host);
        world.later(host, Duration::ZERO, Delivery::Happened(link, Happened::Frame(lane, bytes)));
        world.until(what, |world| world.has_notice(host, NoticeCode::PeerViolation));
        let _ = guest;
        honest_join_works(&mut world, host);
    }
}

#[test]
fn what_a_member_calls_itself_turns_no_text_and_hides_nothing() {
    let (mut world, host, _) = World::host_and_guest(12, Weather::FAIR, bytes_of(1, 1_000));
    let hello = Control::Introduce { label: "me\u{202e}\u{200b}\u{7}gnp.exe".into() };
    let link = world.wires.link_of(host);
    world.later(
        host,
        Duration::ZERO,
        Delivery::Happened(link, Happened::Frame(Lane::Control, hello.encode())),
    );
    world.until("a new label", |world| world.view(host).peers[0].label == "megnp.exe");
}

#[test]
fn more_bytes_than_granted_or_declared_or_twice_end_the_link() {
    for attack in 0..4 {
        let (mut world, _, guest) = World::host_and_guest(10, Weather::FAIR, bytes_of(1, 3 << 20));
        world.accept_all(guest);
        world.until("the fetch runs", |world| world.item_in(guest).state == ItemState::Moving);
        let transfer = TransferId(world.wires.last_transfer.expect("a fetch was sent"));
        let mut builder = FrameBuilder::new(256 * 1024);
        let payload = vec![0; 10_000];
        match attack {
            0 => builder.push(transfer, FileIndex(0), (3 << 20) - 1, None, &payload),
            1 => builder.push(transfer, FileIndex(1), 0, None, &payload),
            2 => builder.push(transfer, FileIndex(0), (1 << 20) - 1, None, &payload),
            _ => {
                builder.push(transfer, FileIndex(0), (3 << 20) - 20_000, None, &payload);
                builder.push(transfer, FileIndex(0), (3 << 20) - 15_000, None, &payload);
            }
        }
        let link = world.wires.link_of(guest);
        world.later(
            guest,
            Duration::ZERO,
            Delivery::Happened(link, Happened::Frame(Lane::Data, builder.finish())),
        );
        world.until("cut off", |world| world.devices[guest].heard.contains(&NoticeCode::PeerViolation));
        assert_ne!(world.item_in(guest).state, ItemState::Done, "attack {attack}");
    }
}

#[test]
fn frames_before_the_binding_are_never_parsed() {
    for lane in [Lane::Control, Lane::Data] {
        let (mut world, host, guest) = host_and_stranger(11);
        world.wires.bind_with = Some(match lane {
            Lane::Control => (lane, Control::Introduce { label: "x".into() }.encode()),
            Lane::Data => (lane, Bytes::from_static(&[0; 64])),
        });
        let code = world.code(host);
        world.join(guest, &code);
        world.until("told", |world| {
            world.has_notice(host, NoticeCode::PeerRefused)
                || world.has_notice(guest, NoticeCode::PeerRefused)
        });
        assert!(!is_verified(&world, host) && !is_verified(&world, guest));
    }
}

#[test]
fn items_with_harmful_names_are_refused_and_others_still_arrive() {
    let hostile = [
        "..",
        ".",
        "",
        "a/b",
        "a\\b",
        "C:",
        "con",
        "NUL.txt",
        "a\0b",
        "a\u{202e}txt.exe",
        "x ",
        "x.",
        "a:stream",
        "\u{1b}[2J",
        "x.privydrop-part",
    ];
    for name in hostile {
        let (mut world, host, guest) = World::host_and_guest(12, Weather::FAIR, bytes_of(1, 1_000));
        let id = ItemId::random(&mut world.rng);
        let offer = Control::Offer(ItemSummary {
            id,
            name: name.into(),
            size: 1,
            kind: SummaryKind::File { modified: None },
        });
        let link = world.wires.link_of(guest);
        world.later(
            guest,
            Duration::ZERO,
            Delivery::Happened(link, Happened::Frame(Lane::Control, offer.encode())),
        );
        world.until("told", |world| world.has_notice(guest, NoticeCode::UnsafeName));
        assert_eq!(world.items_in(guest).len(), 1, "{name:?} is not listed");
        world.accept_all(guest);
        world.until_done(guest);
        assert_eq!(received(&world, guest).len(), 1);
        let _ = host;
    }
}

#[test]
fn listings_that_contradict_themselves_or_collide_create_nothing() {
    let file = |path: &[&str], size| Entry {
        path: path.iter().map(|part| (*part).to_owned()).collect(),
        kind: EntryKind::File { size, modified: None },
    };
    let listings: Vec<(&str, Vec<Entry>)> = vec![
        ("a path upwards", vec![file(&["..", "x"], 1), file(&["y"], 1)]),
        ("an absolute path", vec![file(&["/etc/passwd"], 1), file(&["y"], 1)]),
        ("a duplicate", vec![file(&["x"], 1), file(&["x"], 1)]),
        ("a case collision", vec![file(&["x"], 1), file(&["X"], 1)]),
        ("a composition collision", vec![file(&["\u{e9}"], 1), file(&["e\u{301}"], 1)]),
        ("a file that is a folder", vec![file(&["x"], 1), file(&["x", "y"], 1)]),
        ("more bytes than declared", vec![file(&["x"], 2), file(&["y"], 1)]),
        ("fewer bytes than declared", vec![file(&["x"], 0), file(&["y"], 1)]),
        ("sizes that overflow", vec![file(&["x"], u64::MAX), file(&["y"], u64::MAX)]),
        ("an empty path", vec![file(&[], 1), file(&["y"], 1)]),
        ("more entries than declared", vec![file(&["x"], 1), file(&["y"], 1), file(&["z"], 0)]),
    ];
    for (what, entries) in listings {
        let (mut world, _, guest) = World::host_and_guest(13, Weather::FAIR, bytes_of(1, 1_000));
        let item = ItemId::random(&mut world.rng);
        let link = world.wires.link_of(guest);
        let say = |world: &mut World, control: &Control| {
            let frame = Happened::Frame(Lane::Control, control.encode());
            world.later(guest, Duration::ZERO, Delivery::Happened(link, frame));
        };
        let kind = SummaryKind::Folder { files: 2, entries: 2 };
        say(&mut world, &Control::Offer(ItemSummary { id: item, name: "tree".into(), size: 2, kind }));
        world.until("listed", |world| world.items_in(guest).len() == 2);
        let key = world.items_in(guest).into_iter().find(|other| other.key.item == item).unwrap().key;
        world.accept(guest, key);
        say(&mut world, &Control::Entries { item, from: 0, entries });
        world.until(what, |world| world.has_notice(guest, NoticeCode::UnsafeName));
        assert!(world.devices[guest].disk.stores.is_empty(), "{what}: nothing is created");
        world.accept_all(guest);
        world.until("the honest item arrives", |world| received(world, guest).contains_key("file.bin"));
    }
}
