use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::inside::Inside;
use super::*;
use crate::handshake::{Caps, Secret};
use crate::id::RoomId;
use crate::sdp::MAX_CANDIDATES;

const NOW: Moment = Moment::from_millis(1_000);
const CALLER: usize = 0;
const ANSWERER: usize = 1;

fn peers() -> [PeerId; 2] {
    ["00000000000000aa".parse().unwrap(), "00000000000000bb".parse().unwrap()]
}

/// A description that names the certificate of this byte.
fn sdp(byte: u8) -> Sdp {
    let print = vec![format!("{byte:02X}"); 32].join(":");
    Sdp::parse(&format!(
        "v=0\r\na=fingerprint:sha-256 {print}\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    ))
    .unwrap()
}

/// Both ends of one link; each has the certificate of its number. What they tell each other arrives at once.
struct Pair {
    links: [Link; 2],
    /// What the transport of each was told since the link is up.
    steps: [Vec<Step>; 2],
    endings: [Option<Ending>; 2],
}

impl Pair {
    /// A link that is up.
    fn up() -> Self {
        let mut pair = Self::connecting();
        for end in [CALLER, ANSWERER] {
            pair.links[end].handle_happened(Happened::Open { max_frame: MAX_FRAME }, NOW);
        }
        pair.run();
        assert!(pair.links.iter().all(Link::is_up));
        pair.steps = Default::default();
        pair
    }

    /// Both have the other's description, and no lane is open yet.
    fn connecting() -> Self {
        let room: RoomId = "123456".parse().unwrap();
        let secret = Secret::Words("acid acorn acre".parse().unwrap());
        let [guest, host] = peers();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (initiator, hello) = Initiator::start(&room, guest, host, &secret, Caps::OURS, &mut rng);
        let first = PairMessage::Hello(hello.clone());
        let mut caller = Link::call(host, Kind::Words, 7, initiator, first, NOW);
        let Some((seq, body)) = caller.poll_letter() else { panic!("no hello") };
        let letter = Letter::parse(&body).unwrap();
        let responder = Responder::answer(&room, host, guest, &secret, Caps::OURS, &hello, &mut rng).unwrap();
        let answerer = Link::answer(guest, Kind::Words, responder, seq, letter, NOW);

        let mut pair =
            Self { links: [caller, answerer], steps: Default::default(), endings: Default::default() };
        pair.run();
        pair.happens(ANSWERER, Happened::Described(sdp(1)));
        pair.happens(CALLER, Happened::Described(sdp(0)));
        pair
    }

    fn happens(&mut self, end: usize, happened: Happened) {
        self.links[end].handle_happened(happened, NOW);
        self.run();
    }

    /// One end says something, whatever its own rules are.
    fn says(&mut self, end: usize, inside: &Inside) {
        self.links[end].send(inside, NOW);
        self.run();
    }

    fn restarts(&mut self, end: usize) {
        self.links[end].restart(NOW);
        self.run();
    }

    /// Carries everything to the other end until both are quiet.
    fn run(&mut self) {
        loop {
            let mut ends = [CALLER, ANSWERER].into_iter();
            if let Some((end, (seq, body))) =
                ends.clone().find_map(|end| Some((end, self.links[end].poll_letter()?)))
            {
                self.links[1 - end].handle_letter(seq, Letter::parse(&body).unwrap(), NOW);
                continue;
            }
            let Some((end, event)) = ends.find_map(|end| Some((end, self.links[end].poll_event()?))) else {
                return;
            };
            let other = &mut self.links[1 - end];
            match event {
                LinkEvent::Send(lane, frame) => other.handle_happened(Happened::Frame(lane, frame), NOW),
                LinkEvent::Negotiate(step) => self.steps[end].push(step),
                LinkEvent::Ended(ending) => self.endings[end] = Some(ending),
                _ => {}
            }
        }
    }
}

#[test]
fn a_restart_is_described_by_both_ends_with_the_certificates_that_were_bound() {
    for asks in [CALLER, ANSWERER] {
        let mut pair = Pair::up();
        pair.links[ANSWERER].mending.interrupted(NOW);
        pair.restarts(asks);
        if asks == CALLER {
            let due = pair.links[ANSWERER].poll_timeout().unwrap();
            pair.links[ANSWERER].handle_timeout(due);
            pair.run();
        }
        assert_eq!(pair.steps, [vec![], vec![Step::Offer]]);
        pair.happens(ANSWERER, Happened::Described(sdp(1)));
        assert_eq!(pair.steps[CALLER], [Step::Answer(sdp(1))]);
        pair.happens(CALLER, Happened::Described(sdp(0)));
        assert_eq!(pair.steps[ANSWERER], [Step::Offer, Step::Accept(sdp(0))]);
        assert_eq!(pair.endings, [None, None]);
    }
}

#[test]
fn an_offer_of_a_restart_that_names_another_certificate_ends_the_link_and_never_reaches_the_transport() {
    let mut pair = Pair::up();
    pair.says(ANSWERER, &Inside::Offer(1, sdp(9)));
    assert_eq!((pair.endings[CALLER], &pair.steps[CALLER]), (Some(Ending::Violation), &vec![]));
}

#[test]
fn an_answer_to_a_restart_that_names_another_certificate_ends_the_link_and_never_reaches_the_transport() {
    let mut pair = Pair::up();
    pair.restarts(ANSWERER);
    pair.happens(ANSWERER, Happened::Described(sdp(1)));
    pair.says(CALLER, &Inside::Answer(1, sdp(9)));
    assert_eq!(
        (pair.endings[ANSWERER], &pair.steps[ANSWERER]),
        (Some(Ending::Violation), &vec![Step::Offer])
    );
}

#[test]
fn a_certificate_of_this_end_that_is_not_the_bound_one_is_not_told_and_the_link_is_made_anew() {
    for end in [CALLER, ANSWERER] {
        let mut pair = Pair::up();
        pair.restarts(ANSWERER);
        if end == CALLER {
            pair.happens(ANSWERER, Happened::Described(sdp(1)));
        }
        pair.happens(end, Happened::Described(sdp(9)));
        assert_eq!(pair.endings[end], Some(Ending::NoPath));
        assert!(!format!("{:?}", pair.steps[1 - end]).contains("09:09"));
    }
}

#[test]
fn a_binding_tag_that_does_not_come_is_a_broken_path_and_a_wrong_one_is_a_peer_without_proof() {
    for wrong in [false, true] {
        let mut pair = Pair::connecting();
        let link = &mut pair.links[CALLER];
        link.handle_happened(Happened::Open { max_frame: MAX_FRAME }, NOW);
        if wrong {
            link.handle_happened(Happened::Frame(Lane::Control, Bytes::from_static(&[0; 32])), NOW);
        }
        link.handle_timeout(NOW + BIND_TIMEOUT);
        let ended = core::iter::from_fn(|| link.poll_event())
            .find_map(|event| if let LinkEvent::Ended(ending) = event { Some(ending) } else { None });
        assert_eq!(ended, Some(if wrong { Ending::Unproved } else { Ending::NoPath }));
    }
}

#[test]
fn who_speaks_in_the_other_ends_place_breaks_the_protocol() {
    let mut pair = Pair::up();
    pair.says(CALLER, &Inside::Offer(1, sdp(0)));
    assert_eq!(pair.endings[ANSWERER], Some(Ending::Violation));
    for inside in [Inside::Answer(0, sdp(1)), Inside::Restart(0)] {
        let mut pair = Pair::up();
        pair.says(ANSWERER, &inside);
        assert_eq!(pair.endings[CALLER], Some(Ending::Violation), "{inside:?}");
    }
}

#[test]
fn more_candidates_than_any_device_has_end_the_link_and_no_more_of_them_reach_the_transport() {
    let mut pair = Pair::connecting();
    for port in 0..10_000_u32 {
        let line = format!("candidate:1 1 udp 1 192.0.2.1 {} typ host", 1_024 + port);
        pair.says(CALLER, &Inside::Candidate(Candidate::new(line, None, Some(0)).unwrap()));
    }
    assert_eq!(pair.endings[ANSWERER], Some(Ending::Violation));
    let told = pair.steps[ANSWERER].iter().filter(|step| matches!(step, Step::Candidate(_))).count();
    assert!((1..=MAX_CANDIDATES + 1).contains(&told), "{told}");
}
