//! Links that stripe over several lanes, in a virtual world: opened when there is much to receive, late, never, lost.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod world;

use std::time::Duration;

use privydrop_common::api::{Command, NoticeCode, PeerState};
use privydrop_common::sdp::Sdp;
use privydrop_common::text::Document;
use privydrop_common::transport::{Happened, Lane, LanePlan, MAX_LANES};
use privydrop_common::wire::{Control, LaneWord};
use world::{Delivery, DeviceId, Weather, Wires, World, bytes_of, received, sdp_with};

const MIB: usize = 1 << 20;
/// Enough to want lanes, and over before they are open.
const ENOUGH: usize = 8 * MIB;
/// Enough to be under way still when they are open.
const MUCH: usize = 24 * MIB;
/// All but the first.
const FURTHER: u32 = MAX_LANES as u32 - 1;

fn all() -> LanePlan {
    LanePlan::new(MAX_LANES, MAX_LANES)
}

/// Serves others as many lanes as they want, and wants one.
fn obliging() -> LanePlan {
    LanePlan::new(MAX_LANES, 1)
}

fn pair(seed: u64, size: usize, plans: [LanePlan; 2]) -> (World, DeviceId, DeviceId) {
    World::pair(seed, Weather::FAIR, bytes_of(seed, size), plans)
}

fn lanes_of(world: &World, device: DeviceId) -> u8 {
    world.view(device).peers[0].lanes
}

/// The file of a pair that was made with the same seed.
fn arrives(world: &mut World, seed: u64, guest: DeviceId) {
    world.until_done(guest);
    let got = &received(world, guest)["file.bin"];
    assert!(*got == bytes_of(seed, got.len()), "the bytes of another file");
    assert_eq!(world.item_in(guest).hash, Some(blake3::hash(got).to_string()));
}

#[test]
fn much_arrives_over_as_many_lanes_as_the_receiver_wants_and_both_serve() {
    let plan = |serves| LanePlan::new(serves, serves);
    for (seed, (host, guest, used)) in (0..).zip([
        (all(), all(), MAX_LANES),
        (obliging(), all(), MAX_LANES),
        (plan(2), all(), 2),
        (all(), plan(3), 3),
    ]) {
        let (mut world, host, guest) = pair(seed, MUCH, [host, guest]);
        world.accept_all(guest);
        arrives(&mut world, seed, guest);
        assert_eq!((lanes_of(&world, host), lanes_of(&world, guest)), (used, used));
        let carried: Vec<u8> = world.wires.carried_by.keys().copied().collect();
        assert_eq!(carried, (0..used).collect::<Vec<u8>>(), "each lane carried bytes");
    }
}

#[test]
fn a_host_that_receives_much_from_a_guest_opens_lanes_as_well() {
    let (mut world, host, guest) = World::pair(1, Weather::FAIR, vec![1], [all(), obliging()]);
    world.share_file(guest, "from guest.bin", bytes_of(2, MUCH));
    world.until("the host sees it", |world| !world.items_in(host).is_empty());
    world.accept_all(host);
    world.until_done(host);
    assert_eq!(received(&world, host)["from guest.bin"], bytes_of(2, MUCH));
    assert_eq!((lanes_of(&world, host), world.wires.offered), (MAX_LANES, FURTHER));
}

#[test]
fn both_sides_that_want_lanes_at_once_get_them_once() {
    let (mut world, host, guest) = pair(3, MUCH, [all(), all()]);
    world.share_file(guest, "back.bin", bytes_of(4, MUCH));
    world.until("the host sees it", |world| !world.items_in(host).is_empty());
    world.accept_all(host);
    world.accept_all(guest);
    world.until_done(host);
    arrives(&mut world, 3, guest);
    assert_eq!((lanes_of(&world, host), world.wires.offered), (MAX_LANES, FURTHER));
}

#[test]
fn little_things_texts_and_sides_that_serve_one_lane_open_none() {
    let little = World::pair(1, Weather::FAIR, bytes_of(1, ENOUGH - 1), [all(), all()]);
    let served_one = pair(2, ENOUGH, [LanePlan::ONE, all()]);
    let serves_one = pair(3, ENOUGH, [all(), LanePlan::ONE]);
    let wants_one = pair(4, ENOUGH, [all(), obliging()]);
    for (mut world, host, guest) in [little, served_one, serves_one, wants_one] {
        world.command(host, Command::SetText(Document::from_plain("text").unwrap()));
        world.until("the text is there", |world| world.items_in(guest).len() == 2);
        let file = world.items_in(guest).into_iter().find(|item| item.text.is_none()).unwrap();
        world.accept(guest, file.key);
        world.until("it is received", |world| received(world, guest).contains_key("file.bin"));
        assert_eq!((world.wires.offered, lanes_of(&world, guest)), (0, 1));
    }
}

#[test]
fn a_long_path_is_worth_all_lanes_to_whoever_wants_one_on_a_short_one() {
    for (rtt_ms, used) in [(9, 1), (10, MAX_LANES), (300, MAX_LANES)] {
        let (mut world, host, guest) = pair(9, MUCH, [obliging(), obliging()]);
        Wires::measure(&mut world, guest, rtt_ms);
        world.accept_all(guest);
        arrives(&mut world, 9, guest);
        assert_eq!((lanes_of(&world, host), lanes_of(&world, guest)), (used, used), "{rtt_ms} ms");
    }
}

#[test]
fn where_one_lane_is_good_others_are_worth_it_only_for_more_or_over_a_long_path() {
    let from = |bytes: usize| all().from(bytes as u64);
    for (plan, rtt_ms, used) in
        [(from(MUCH + 1), 9, 1), (from(MUCH), 9, MAX_LANES), (from(MUCH + 1), 10, MAX_LANES)]
    {
        let (mut world, host, guest) = pair(13, MUCH, [obliging(), plan]);
        Wires::measure(&mut world, guest, rtt_ms);
        world.accept_all(guest);
        arrives(&mut world, 13, guest);
        assert_eq!(lanes_of(&world, host), used, "{plan:?}, {rtt_ms} ms");
    }
}

#[test]
fn a_path_that_turns_out_to_be_long_under_way_gets_its_lanes_then() {
    let (mut world, host, guest) = pair(10, 2 * MUCH, [obliging(), obliging()]);
    world.accept_all(guest);
    world.until("bytes flow over the first", |world| world.wires.carried > 4 * MIB as u64);
    Wires::measure(&mut world, guest, 40);
    arrives(&mut world, 10, guest);
    assert_eq!((lanes_of(&world, host), lanes_of(&world, guest)), (MAX_LANES, MAX_LANES));
}

#[test]
fn frames_that_overtake_each_other_on_different_lanes_arrive_whole() {
    for seed in 0..4 {
        let (mut world, _, guest) = pair(seed, MUCH, [all(), all()]);
        world.wires.lane_spread = 7 + 80 * seed;
        world.accept_all(guest);
        arrives(&mut world, seed, guest);
        assert_eq!(lanes_of(&world, guest), MAX_LANES);
    }
}

#[test]
fn lanes_that_open_late_join_a_transfer_that_is_under_way() {
    let (mut world, _, guest) = pair(5, MUCH, [all(), all()]);
    world.wires.lane_delay = 25;
    world.accept_all(guest);
    world.until("bytes flow over the first", |world| world.wires.carried > 4 * MIB as u64);
    assert_eq!(lanes_of(&world, guest), 1);
    arrives(&mut world, 5, guest);
    assert_eq!((lanes_of(&world, guest), world.wires.carried_by.len()), (MAX_LANES, MAX_LANES.into()));
}

#[test]
fn lanes_that_never_open_are_forgotten_and_cost_nothing_but_themselves() {
    let (mut world, host, guest) = pair(6, ENOUGH, [all(), all()]);
    world.wires.deaf_lanes = true;
    world.accept_all(guest);
    arrives(&mut world, 6, guest);
    world.pass(Duration::from_secs(20));
    assert_eq!((lanes_of(&world, host), lanes_of(&world, guest), world.wires.offered), (1, 1, FURTHER));
    assert_eq!(world.view(guest).peers[0].state, PeerState::Connected);
    assert!(!world.has_notice(guest, NoticeCode::PeerLost));
    // Nor are they tried again over the same link.
    world.wires.deaf_lanes = false;
    world.share_file(host, "second.bin", bytes_of(7, ENOUGH));
    world.until("it is offered", |world| world.items_in(guest).len() == 2);
    world.accept_all(guest);
    world.until("both are there", |world| received(world, guest).len() == 2);
    assert_eq!(world.wires.offered, FURTHER);
}

#[test]
fn lanes_that_open_around_the_moment_when_they_are_given_up_harm_nobody() {
    for lane_delay in (14_940..15_010).step_by(5) {
        let (mut world, host, guest) = pair(8, ENOUGH, [all(), all()]);
        world.wires.lane_delay = lane_delay;
        world.accept_all(guest);
        arrives(&mut world, 8, guest);
        world.pass(Duration::from_secs(40));
        // An end that forgot what the other uses has lost frames: then the link is made again.
        for device in [host, guest] {
            assert_eq!(world.view(device).peers[0].state, PeerState::Connected, "{lane_delay}");
            assert!(!world.has_notice(device, NoticeCode::PeerViolation), "{lane_delay}");
        }
        assert_eq!(lanes_of(&world, host), lanes_of(&world, guest), "{lane_delay}");
        world.share_file(host, "second.bin", bytes_of(7, 100_000));
        world.until("it is offered", |world| world.items_in(guest).len() == 2);
        world.accept_all(guest);
        world.until("both are there", |world| received(world, guest).len() == 2);
    }
}

#[test]
fn a_lane_in_use_that_is_lost_ends_the_link_and_the_fetch_goes_on_over_the_next() {
    for number in 1..MAX_LANES {
        let seed = u64::from(number);
        let (mut world, _, guest) = pair(seed, MUCH, [all(), all()]);
        world.accept_all(guest);
        let carries =
            |world: &World| world.wires.carried_by.get(&number).is_some_and(|bytes| *bytes > MIB as u64);
        world.until("the lane carries", carries);
        Wires::break_lane(&mut world, number);
        world.until("the guest hears", |world| lanes_of(world, guest) == 1);
        arrives(&mut world, seed, guest);
        assert_eq!(lanes_of(&world, guest), MAX_LANES, "the new link has lanes as well");
        assert!(world.wires.carried < (MUCH + 20 * MIB) as u64, "what was held did not come again");
    }
}

#[test]
fn a_lane_that_breaks_before_it_is_used_leaves_the_link_alone() {
    let (mut world, _, guest) = pair(9, ENOUGH, [all(), all()]);
    world.wires.lane_delay = 2_000;
    world.accept_all(guest);
    world.until("lanes are being made", |world| world.wires.offered == FURTHER);
    world.pass(Duration::from_millis(100));
    Wires::break_lane(&mut world, 2);
    arrives(&mut world, 9, guest);
    world.pass(Duration::from_secs(5));
    assert_eq!(lanes_of(&world, guest), MAX_LANES - 1);
}

#[test]
fn after_a_break_of_everything_lanes_are_opened_again() {
    let (mut world, _, guest) = pair(10, MUCH, [all(), all()]);
    world.accept_all(guest);
    world.until("half is there", |world| world.wires.carried > MUCH as u64 / 2);
    Wires::break_all(&mut world);
    arrives(&mut world, 10, guest);
    assert_eq!((lanes_of(&world, guest), world.wires.offered), (MAX_LANES, 2 * FURTHER));
}

/// Delivers something to the guest as if the host had said it.
fn slip(world: &mut World, to: DeviceId, control: &Control) {
    let link = world.wires.link_of(to);
    let frame = Happened::Frame(Lane::Control, control.encode());
    world.later(to, Duration::ZERO, Delivery::Happened(link, frame));
}

#[test]
fn a_peer_that_speaks_of_lanes_that_were_not_agreed_on_is_cut_off_and_told() {
    let offer = || LaneWord::Offer(Sdp::parse(&sdp_with(&[7; 32])).unwrap());
    let lane = |number, word| Control::Lane { number, word };
    let two = LanePlan::new(2, 2);
    let cases = [
        // To a side that serves one lane.
        (LanePlan::ONE, 1, lane(1, offer())),
        (LanePlan::ONE, 0, Control::Lanes(2)),
        // More than agreed.
        (two, 1, lane(2, offer())),
        (two, 0, Control::Lanes(3)),
        // The other side's part, or nothing that was begun.
        (two, 0, lane(1, offer())),
        (two, 1, Control::Lanes(2)),
        (two, 1, lane(1, LaneWord::Open)),
    ];
    for (seed, (plan, to, control)) in (0..).zip(cases) {
        let (mut world, host, guest) = World::pair(seed, Weather::FAIR, vec![1], [plan, plan]);
        let device = [host, guest][to];
        slip(&mut world, device, &control);
        world.until("it is told", |world| world.has_notice(device, NoticeCode::PeerViolation));
        assert_eq!(world.wires.offered, 0);
    }
}

#[test]
fn a_description_of_a_lane_that_the_gate_refuses_ends_the_link() {
    let (mut world, _, guest) = World::pair(1, Weather::FAIR, vec![1], [all(), all()]);
    // A description with two fingerprints, in the shape of an offer of lane 1.
    let one = Control::Lane { number: 1, word: LaneWord::Offer(Sdp::parse(&sdp_with(&[7; 32])).unwrap()) };
    let second =
        sdp_with(&[8; 32]).lines().find(|line| line.starts_with("a=fingerprint")).unwrap().to_owned();
    let text = format!("{}{second}\r\n", sdp_with(&[7; 32]));
    let mut forged = one.encode()[..3].to_vec();
    forged.push(0);
    forged.extend(postcard::to_allocvec(&text).unwrap());
    let honest = [&one.encode()[..3], &[0], &postcard::to_allocvec(&sdp_with(&[7; 32])).unwrap()].concat();
    assert_eq!(Control::decode(&honest), Ok(one), "the shape is right");
    let link = world.wires.link_of(guest);
    let frame = Happened::Frame(Lane::Control, forged.into());
    world.later(guest, Duration::ZERO, Delivery::Happened(link, frame));
    world.until("it is told", |world| world.has_notice(guest, NoticeCode::PeerViolation));
}
