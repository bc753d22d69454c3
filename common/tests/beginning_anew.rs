//! Servers that forget everything, sockets that lead nowhere, and paths that are away for long: nobody has to click.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod world;

use std::time::Duration;

use privydrop_common::api::{ItemState, NoticeCode, Phase};
use privydrop_common::transport::LanePlan;
use world::{DeviceId, Server, Weather, Wires, World, bytes_of, received};

const MIB: usize = 1 << 20;
/// Half a mebibyte a moment, so that much is left to move after the server is back.
const STEADY: Weather = Weather { link_delay: 200, ..Weather::FAIR };

fn under_way(seed: u64, mebibytes: usize) -> (World, DeviceId, DeviceId, Vec<u8>) {
    let content = bytes_of(seed, mebibytes * MIB);
    let (mut world, host, guest) = World::pair(seed, STEADY, content.clone(), [LanePlan::ONE; 2]);
    world.accept_all(guest);
    world.until("bytes came", |world| world.item_in(guest).progress.done > 2 << 20);
    (world, host, guest, content)
}

/// Somebody new comes in by the link, and sees what is offered.
fn lets_somebody_in(world: &mut World, link: &str) -> DeviceId {
    let late = world.device("late");
    world.join(late, link);
    world.until("somebody new comes in", |world| !world.items_in(late).is_empty());
    late
}

#[test]
fn a_server_that_forgot_everything_costs_no_link_and_the_host_lets_others_in_again() {
    for seed in 0..8 {
        let (mut world, host, guest, content) = under_way(500 + seed, 24);
        let (wire, link) = (world.wires.link_of(guest), world.link(host));
        Server::restart_with_another_key(&mut world);
        world.until("the host made its room again", |world| world.phase(host) == Phase::InRoom);
        lets_somebody_in(&mut world, &link);
        assert_eq!(world.item_in(guest).state, ItemState::Moving, "it is still under way");
        world.until_done(guest);
        assert_eq!(received(&world, guest)["file.bin"], content);
        assert_eq!(world.wires.link_of(guest), wire);
        assert_eq!(world.link(host), link, "what was given away still opens the room");
    }
}

#[test]
fn who_loses_its_link_after_the_server_forgot_everything_is_let_in_again_and_goes_on() {
    for seed in 0..8 {
        let (mut world, host, guest, content) = under_way(520 + seed, 24);
        Server::restart_with_another_key(&mut world);
        world.until("the host made its room again", |world| world.phase(host) == Phase::InRoom);
        world.wires.cut = true;
        Wires::look(&mut world);
        world.pass(Duration::from_secs(90));
        world.wires.cut = false;
        Wires::look(&mut world);
        world.until_done(guest);
        assert_eq!(received(&world, guest)["file.bin"], content);
        assert!(
            world.devices[guest].heard.contains(&NoticeCode::ItemResumed),
            "by itself, from what was there"
        );
        world.pass(Duration::from_secs(60));
        for device in [host, guest] {
            let peers = world.view(device).peers;
            assert!(matches!(&peers[..], [peer] if peer.verified), "each is there once: {peers:?}");
        }
    }
}

#[test]
fn a_path_that_was_away_for_ten_minutes_is_found_again_within_one() {
    for seed in 0..8 {
        let (mut world, host, guest, content) = under_way(540 + seed, 24);
        world.wires.cut = true;
        Wires::look(&mut world);
        world.pass(Duration::from_secs(600));
        assert!([host, guest].iter().all(|device| world.phase(*device) == Phase::InRoom));
        world.wires.cut = false;
        Wires::look(&mut world);
        let (back, before) = (world.now, world.item_in(guest).progress.done);
        world.until("bytes flow again", |world| world.item_in(guest).progress.done > before);
        assert!(world.now - back <= Duration::from_secs(60), "{:?}", world.now - back);
        world.until_done(guest);
        assert_eq!(received(&world, guest)["file.bin"], content);
    }
}

#[test]
fn a_host_whose_socket_leads_nowhere_finds_out_although_it_hears_no_pings() {
    let mut world = World::new(560, Weather::FAIR);
    let host = world.device("host");
    world.share_file(host, "file.bin", bytes_of(1, MIB));
    world.until("the room exists", |world| world.view(host).room.is_some());
    let link = world.link(host);
    world.pass(Duration::from_secs(300));
    let lost = world.now;
    world.lose_socket(host);
    world.until("the host is back", |world| world.server.has(host));
    assert!(world.now - lost <= Duration::from_secs(48), "{:?}", world.now - lost);
    lets_somebody_in(&mut world, &link);
}

#[test]
fn devices_that_slept_go_on_by_themselves_within_a_minute_of_their_waking() {
    for (seed, span) in (0..).zip([5, 20, 60, 600, 7_200].map(Duration::from_secs)) {
        for sleepers in [&[0][..], &[1], &[0, 1]] {
            let (mut world, host, guest, content) = under_way(580 + seed, 24);
            assert_eq!([host, guest], [0, 1]);
            sleepers.iter().for_each(|device| world.sleep(*device));
            world.pass(span);
            sleepers.iter().for_each(|device| world.wake(*device));
            let (awake, before) = (world.now, world.item_in(guest).progress.done);
            world.until("bytes flow again", |world| world.item_in(guest).progress.done > before);
            assert!(
                world.now - awake <= Duration::from_secs(60),
                "{span:?} {sleepers:?}: {:?}",
                world.now - awake
            );
            world.until_done(guest);
            assert_eq!(received(&world, guest)["file.bin"], content);
        }
    }
}

#[test]
fn a_socket_that_opens_and_says_nothing_is_not_waited_for() {
    let mut world = World::new(570, Weather::FAIR);
    let host = world.device("host");
    world.server.mute = true;
    world.share_file(host, "file.bin", bytes_of(1, MIB));
    world.pass(Duration::from_secs(10));
    assert_eq!(world.phase(host), Phase::Opening);
    world.server.mute = false;
    let back = world.now;
    world.until("the room exists", |world| world.view(host).room.is_some());
    assert!(world.now - back <= Duration::from_secs(20), "{:?}", world.now - back);
}
