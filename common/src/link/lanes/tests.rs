use super::*;

const START: Moment = Moment::from_millis(1_000);

fn later(seconds: u64) -> Moment {
    START + Duration::from_secs(seconds)
}

fn sdp(byte: u8) -> Sdp {
    let print = vec![format!("{byte:02X}"); 32].join(":");
    Sdp::parse(&format!(
        "v=0\r\na=fingerprint:sha-256 {print}\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    ))
    .unwrap()
}

fn candidate() -> Candidate {
    Candidate::new("candidate:1 1 udp 1 192.0.2.1 1 typ host".to_owned(), None, Some(0)).unwrap()
}

/// One end: its rules, and what they led to.
struct End {
    lanes: Lanes,
    events: Events,
}

/// What an end did, told apart from what it said.
#[derive(Debug, Default, PartialEq)]
struct Did {
    said: Vec<Control>,
    steps: Vec<(u8, LaneStep)>,
    used: Option<u8>,
}

impl End {
    fn new(offers: bool, agreed: u8) -> Self {
        Self { lanes: Lanes::new(offers, agreed, true), events: Events::new() }
    }

    fn want(&mut self, lanes: u8) -> Did {
        self.lanes.want(lanes, START, &mut self.events);
        self.did()
    }

    fn hear(&mut self, control: Control) -> Result<Did, LaneRefusal> {
        match control {
            Control::Lanes(lanes) => self.lanes.handle_wish(lanes, START, &mut self.events)?,
            Control::Lane { number, word } => {
                self.lanes.handle_word(number, word, START, &mut self.events)?;
            }
            other => panic!("{other:?}"),
        }
        Ok(self.did())
    }

    fn word(&mut self, number: u8, word: LaneWord) -> Result<Did, LaneRefusal> {
        self.hear(Control::Lane { number, word })
    }

    fn news(&mut self, number: u8, news: LaneNews) -> Result<Did, Lost> {
        self.lanes.handle_news(number, news, &mut self.events)?;
        Ok(self.did())
    }

    fn did(&mut self) -> Did {
        let mut did = Did::default();
        for event in self.events.drain(..) {
            match event {
                LinkEvent::Send(Lane::Control, frame) => did.said.push(Control::decode(&frame).unwrap()),
                LinkEvent::Negotiate(Step::Lane(number, step)) => did.steps.push((number, step)),
                LinkEvent::Lanes(lanes) => did.used = Some(lanes),
                other => panic!("{other:?}"),
            }
        }
        did
    }
}

fn said(number: u8, word: LaneWord) -> Did {
    Did { said: vec![Control::Lane { number, word }], ..Did::default() }
}

fn step(number: u8, step: LaneStep) -> Did {
    Did { steps: vec![(number, step)], ..Did::default() }
}

/// Both ends with lane 1 described to each other.
fn connecting() -> (End, End) {
    let (mut caller, mut answerer) = (End::new(false, 2), End::new(true, 2));
    answerer.want(2);
    answerer.news(1, LaneNews::Described(sdp(1))).unwrap();
    caller.word(1, LaneWord::Offer(sdp(1))).unwrap();
    caller.news(1, LaneNews::Described(sdp(2))).unwrap();
    answerer.word(1, LaneWord::Answer(sdp(2))).unwrap();
    (caller, answerer)
}

#[test]
fn the_side_that_called_asks_and_the_other_offers_as_many_as_both_serve() {
    let (mut caller, mut answerer) = (End::new(false, 3), End::new(true, 3));
    assert_eq!(caller.want(4).said, [Control::Lanes(3)]);
    assert_eq!(caller.want(4), Did::default(), "asked once");
    let did = answerer.hear(Control::Lanes(3)).unwrap();
    assert_eq!(did.steps, [(1, LaneStep::Offer), (2, LaneStep::Offer)]);
    assert_eq!(answerer.hear(Control::Lanes(3)), Ok(Did::default()));
    assert_eq!(answerer.want(3), Did::default(), "they are there already");
}

#[test]
fn nothing_is_said_to_a_side_that_serves_one_lane() {
    for offers in [false, true] {
        assert_eq!(End::new(offers, 1).want(4), Did::default());
        assert_eq!(End::new(offers, 3).want(1), Did::default());
    }
}

#[test]
fn a_lane_is_used_once_both_ends_know_that_it_is_open_at_both() {
    let (mut caller, mut answerer) = connecting();
    assert_eq!(answerer.news(1, LaneNews::Open), Ok(said(1, LaneWord::Open)));
    assert_eq!(caller.word(1, LaneWord::Open), Ok(Did::default()), "not open here yet");
    let did = caller.news(1, LaneNews::Open).unwrap();
    assert_eq!(
        (did.said, did.steps, did.used),
        (said(1, LaneWord::Open).said, vec![(1, LaneStep::Use)], Some(2))
    );
    let did = answerer.word(1, LaneWord::Open).unwrap();
    assert_eq!((did.steps, did.used), (vec![(1, LaneStep::Use)], Some(2)));
    assert_eq!((caller.lanes.poll_timeout(), answerer.lanes.poll_timeout()), (None, None));
}

#[test]
fn descriptions_and_candidates_are_passed_on_and_a_candidate_waits_for_its_description() {
    let (mut caller, mut answerer) = (End::new(false, 4), End::new(true, 4));
    assert_eq!(answerer.want(2), step(1, LaneStep::Offer));
    assert_eq!(answerer.news(1, LaneNews::Candidate(candidate())), Ok(Did::default()));
    let did = answerer.news(1, LaneNews::Described(sdp(1))).unwrap();
    let word = |word| Control::Lane { number: 1, word };
    assert_eq!(did.said, [word(LaneWord::Offer(sdp(1))), word(LaneWord::Candidate(candidate()))]);
    assert_eq!(caller.word(1, LaneWord::Offer(sdp(1))), Ok(step(1, LaneStep::Answer(sdp(1)))));
    assert_eq!(
        caller.word(1, LaneWord::Candidate(candidate())),
        Ok(step(1, LaneStep::Candidate(candidate())))
    );
    assert_eq!(caller.news(1, LaneNews::Described(sdp(2))), Ok(said(1, LaneWord::Answer(sdp(2)))));
    assert_eq!(
        caller.news(1, LaneNews::Candidate(candidate())),
        Ok(said(1, LaneWord::Candidate(candidate())))
    );
    assert_eq!(answerer.word(1, LaneWord::Answer(sdp(2))), Ok(step(1, LaneStep::Accept(sdp(2)))));
}

#[test]
fn a_lane_that_does_not_open_in_time_is_forgotten_and_what_is_still_said_of_it_is_passed_over() {
    let (mut caller, mut answerer) = connecting();
    assert_eq!(answerer.lanes.poll_timeout(), Some(later(15)));
    for end in [&mut caller, &mut answerer] {
        end.lanes.handle_timeout(later(15), &mut Events::new());
        assert_eq!(end.lanes.poll_timeout(), None);
        assert_eq!(end.word(1, LaneWord::Candidate(candidate())), Ok(Did::default()));
        assert_eq!(end.word(1, LaneWord::Open), Ok(Did::default()));
        assert_eq!(end.news(1, LaneNews::Open), Ok(Did::default()));
        assert_eq!(end.news(1, LaneNews::Failed), Ok(Did::default()));
        assert!(!end.lanes.has_lost_frames());
    }
    assert_eq!(answerer.word(1, LaneWord::Answer(sdp(2))), Ok(Did::default()));
    // Not tried again: its number is used up.
    assert_eq!(answerer.want(2), Did::default());
}

#[test]
fn a_lane_that_ends_before_it_is_used_is_forgotten_and_one_in_use_takes_the_link_along() {
    let (mut caller, mut answerer) = connecting();
    assert_eq!(caller.news(1, LaneNews::Failed), Ok(Did::default()));
    assert_eq!(caller.lanes.poll_timeout(), None);
    answerer.news(1, LaneNews::Open).unwrap();
    answerer.word(1, LaneWord::Open).unwrap();
    assert_eq!(answerer.news(1, LaneNews::Failed), Err(Lost));
}

#[test]
fn frames_on_a_lane_that_was_open_here_and_forgotten_too_early_are_known_to_be_lost() {
    let (_, mut answerer) = connecting();
    answerer.news(1, LaneNews::Open).unwrap();
    answerer.lanes.handle_timeout(later(15), &mut Events::new());
    assert!(!answerer.lanes.has_lost_frames());
    answerer.word(1, LaneWord::Open).unwrap();
    assert!(answerer.lanes.has_lost_frames(), "the peer may have sent by now");
}

#[test]
fn a_peer_that_says_more_than_was_agreed_or_out_of_turn_is_refused_with_the_reason() {
    use LaneRefusal::{NotAgreed, OutOfTurn, TooMany};
    let offer = || LaneWord::Offer(sdp(1));
    let answer = || LaneWord::Answer(sdp(1));
    let caller = || End::new(false, 2);
    let answerer = || End::new(true, 2);
    // One lane: nothing about others.
    assert_eq!(End::new(false, 1).word(1, offer()), Err(NotAgreed));
    assert_eq!(End::new(true, 1).hear(Control::Lanes(2)), Err(NotAgreed));
    // More than agreed.
    assert_eq!(answerer().hear(Control::Lanes(3)), Err(NotAgreed));
    assert_eq!(caller().word(2, offer()), Err(NotAgreed));
    assert_eq!(caller().word(0, offer()), Err(NotAgreed));
    // The other side's part.
    assert_eq!(caller().hear(Control::Lanes(2)), Err(OutOfTurn));
    assert_eq!(answerer().word(1, offer()), Err(OutOfTurn));
    // Nothing was offered.
    for word in [answer(), LaneWord::Candidate(candidate()), LaneWord::Open] {
        assert_eq!(caller().word(1, word.clone()), Err(OutOfTurn));
        assert_eq!(answerer().word(1, word.clone()), Err(OutOfTurn));
        let mut describing = answerer();
        describing.want(2);
        assert_eq!(describing.word(1, word), Err(OutOfTurn), "the offer is not made yet");
    }
    // Twice.
    let (mut caller, mut answerer) = connecting();
    assert_eq!(caller.word(1, offer()), Err(OutOfTurn));
    assert_eq!(caller.word(1, answer()), Err(OutOfTurn));
    assert_eq!(answerer.word(1, answer()), Err(OutOfTurn));
    answerer.word(1, LaneWord::Open).unwrap();
    assert_eq!(answerer.word(1, LaneWord::Open), Err(OutOfTurn));
    for _ in 0..MAX_CANDIDATES {
        caller.word(1, LaneWord::Candidate(candidate())).unwrap();
    }
    assert_eq!(caller.word(1, LaneWord::Candidate(candidate())), Err(TooMany));
}

#[test]
fn no_more_candidates_are_told_than_a_peer_takes() {
    let (mut caller, _) = connecting();
    let told = (0..2 * MAX_CANDIDATES).map(|_| caller.news(1, LaneNews::Candidate(candidate())).unwrap());
    assert_eq!(told.filter(|did| *did != Did::default()).count(), MAX_CANDIDATES);
}

/// Both ends with lane 1 in use.
fn used() -> (End, End) {
    let (mut caller, mut answerer) = connecting();
    for end in [&mut caller, &mut answerer] {
        end.news(1, LaneNews::Open).unwrap();
        end.word(1, LaneWord::Open).unwrap();
    }
    (caller, answerer)
}

fn restart(end: &mut End) -> Did {
    end.lanes.restart(&mut end.events);
    end.did()
}

#[test]
fn a_lane_in_use_is_offered_again_by_the_side_that_offered_it_and_stays_in_use() {
    let (mut caller, mut answerer) = used();
    assert_eq!(restart(&mut caller), Did::default(), "not its part");
    assert_eq!(restart(&mut answerer), step(1, LaneStep::Offer));
    assert_eq!(restart(&mut answerer), Did::default(), "one at a time");
    assert_eq!(answerer.news(1, LaneNews::Candidate(candidate())), Ok(Did::default()), "waits for the offer");
    let did = answerer.news(1, LaneNews::Described(sdp(1))).unwrap();
    let word = |word| Control::Lane { number: 1, word };
    assert_eq!(did.said, [word(LaneWord::Offer(sdp(1))), word(LaneWord::Candidate(candidate()))]);
    assert_eq!(caller.word(1, LaneWord::Offer(sdp(1))), Ok(step(1, LaneStep::Answer(sdp(1)))));
    assert_eq!(
        caller.word(1, LaneWord::Candidate(candidate())),
        Ok(step(1, LaneStep::Candidate(candidate())))
    );
    assert_eq!(caller.news(1, LaneNews::Described(sdp(2))), Ok(said(1, LaneWord::Answer(sdp(2)))));
    assert_eq!(answerer.word(1, LaneWord::Answer(sdp(2))), Ok(step(1, LaneStep::Accept(sdp(2)))));
    assert_eq!(restart(&mut answerer), step(1, LaneStep::Offer), "and again");
    assert!(!answerer.lanes.has_lost_frames() && !caller.lanes.has_lost_frames());
}

#[test]
fn a_lane_that_is_offered_again_keeps_the_certificates_of_both_ends() {
    let (mut caller, mut answerer) = used();
    assert_eq!(caller.word(1, LaneWord::Offer(sdp(9))), Err(LaneRefusal::OtherCertificate));
    restart(&mut answerer);
    assert_eq!(answerer.news(1, LaneNews::Described(sdp(9))), Err(Lost));
    let (_, mut answerer) = used();
    restart(&mut answerer);
    answerer.news(1, LaneNews::Described(sdp(1))).unwrap();
    assert_eq!(answerer.word(1, LaneWord::Answer(sdp(9))), Err(LaneRefusal::OtherCertificate));
}

#[test]
fn only_who_offered_a_lane_offers_it_again_and_only_an_open_offer_is_answered() {
    let (mut caller, mut answerer) = used();
    assert_eq!(answerer.word(1, LaneWord::Offer(sdp(2))), Err(LaneRefusal::OutOfTurn));
    assert_eq!(answerer.word(1, LaneWord::Answer(sdp(2))), Err(LaneRefusal::OutOfTurn));
    assert_eq!(caller.word(1, LaneWord::Answer(sdp(1))), Err(LaneRefusal::OutOfTurn));
    caller.word(1, LaneWord::Offer(sdp(1))).unwrap();
    assert_eq!(
        caller.word(1, LaneWord::Offer(sdp(1))),
        Err(LaneRefusal::OutOfTurn),
        "before it was answered"
    );
}

#[test]
fn nothing_is_offered_again_to_a_side_that_does_not_know_of_it() {
    let (_, mut answerer) = used();
    answerer.lanes.mends = false;
    assert_eq!(restart(&mut answerer), Did::default());
}
