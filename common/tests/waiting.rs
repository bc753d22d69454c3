//! What somebody who waits is told, and when: hints, time-outs with their reasons, and whatever a server has against it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod world;

use std::time::Duration;

use privydrop_common::api::{Command, NoticeCode, Phase};
use privydrop_common::signaling::Refusal;
use privydrop_common::time::Moment;
use world::{DeviceId, Weather, World, bytes_of};

/// A host that shares a file, somebody who has not joined yet, and the link.
fn host_and_newcomer(seed: u64) -> (World, DeviceId, DeviceId, String) {
    let mut world = World::new(seed, Weather::FAIR);
    let (host, guest) = (world.device("host"), world.device("guest"));
    world.share_file(host, "file.bin", bytes_of(1, 100_000));
    world.until("the room exists", |world| world.view(host).room.is_some());
    let link = world.link(host);
    (world, host, guest, link)
}

/// Nothing is said of it a moment before so many seconds after `start`, and it stands there a moment after.
fn is_told_after(world: &mut World, device: DeviceId, code: NoticeCode, start: Moment, seconds: u64) {
    let moment = Duration::from_millis(200);
    let at = start + Duration::from_secs(seconds);
    world.pass(at - world.now - moment);
    assert!(!world.has_notice(device, code), "{code:?} before {seconds} s");
    world.pass(2 * moment);
    assert!(world.has_notice(device, code), "{:?} at {seconds} s", world.view(device).notices);
}

/// It is over, with this reason and no other word, and a second try works.
fn is_over(world: &mut World, guest: DeviceId, code: NoticeCode, link: &str) {
    assert_eq!(world.phase(guest), Phase::Idle);
    let codes: Vec<_> = world.view(guest).notices.iter().map(|notice| notice.code).collect();
    assert_eq!(codes, [code]);
    world.join(guest, link);
    world.until("the second try works", |world| !world.items_in(guest).is_empty());
    assert!(!world.has_notice(guest, code), "the message is gone");
}

#[test]
fn a_server_that_answers_nobody_is_slow_after_three_seconds_and_given_up_after_fifteen() {
    let (mut world, _, guest, link) = host_and_newcomer(1);
    world.server.mute = true;
    let start = world.now;
    world.join(guest, &link);
    is_told_after(&mut world, guest, NoticeCode::JoinSlow, start, 3);
    assert_eq!(world.phase(guest), Phase::Joining);
    is_told_after(&mut world, guest, NoticeCode::ServerUnreachable, start, 15);
    world.server.mute = false;
    is_over(&mut world, guest, NoticeCode::ServerUnreachable, &link);
}

#[test]
fn a_host_that_does_not_answer_is_slow_after_three_seconds_and_given_up_after_fifteen() {
    let (mut world, host, guest, link) = host_and_newcomer(2);
    world.set_away(host, true);
    let start = world.now;
    world.join(guest, &link);
    is_told_after(&mut world, guest, NoticeCode::JoinSlow, start, 3);
    is_told_after(&mut world, guest, NoticeCode::NoAnswer, start, 15);
    world.set_away(host, false);
    world.command(host, Command::Moved);
    world.pass(Duration::from_secs(5));
    is_over(&mut world, guest, NoticeCode::NoAnswer, &link);
}

#[test]
fn a_path_that_is_not_found_is_slow_after_eight_seconds_and_said_to_be_missing_after_fifteen() {
    let (mut world, _, guest, link) = host_and_newcomer(3);
    world.wires.cut = true;
    let start = world.now;
    world.join(guest, &link);
    is_told_after(&mut world, guest, NoticeCode::ConnectSlow, start, 8);
    is_told_after(&mut world, guest, NoticeCode::ConnectFailed, start, 15);
    // It proved that it may come in, and is called for as long as both are there.
    assert_eq!(world.phase(guest), Phase::InRoom);
    world.wires.cut = false;
    world.until("they meet", |world| !world.items_in(guest).is_empty());
    assert!(!world.has_notice(guest, NoticeCode::ConnectFailed), "the message is gone");
}

#[test]
fn who_takes_a_slow_join_back_is_told_nothing_more_of_it() {
    let (mut world, _, guest, link) = host_and_newcomer(4);
    world.server.mute = true;
    let start = world.now;
    world.join(guest, &link);
    is_told_after(&mut world, guest, NoticeCode::JoinSlow, start, 3);
    world.command(guest, Command::Leave);
    assert_eq!((world.phase(guest), world.view(guest).notices), (Phase::Idle, vec![]));
}

#[test]
fn whatever_the_server_has_against_a_newcomer_is_said_and_the_next_try_works() {
    let said = [
        (Refusal::RoomUnknown, NoticeCode::RoomUnknown),
        (Refusal::RoomFull, NoticeCode::RoomFull),
        (Refusal::RoomBusy, NoticeCode::RoomBusy),
        (Refusal::HostAway, NoticeCode::HostAway),
        (Refusal::RateLimited, NoticeCode::RateLimited),
        (Refusal::KnockExpired, NoticeCode::NoAnswer),
        (Refusal::StoreUnavailable, NoticeCode::ServerTrouble),
        (Refusal::UnsupportedVersion, NoticeCode::ServerVersion),
    ];
    for (refusal, code) in said {
        let (mut world, _, guest, link) = host_and_newcomer(5);
        world.server.refuses = Some(refusal);
        world.join(guest, &link);
        world.until("it is refused", |world| world.has_notice(guest, code));
        world.server.refuses = None;
        is_over(&mut world, guest, code, &link);
    }
}

#[test]
fn whatever_the_server_has_against_who_shares_is_said_and_what_was_shared_stays_listed() {
    let said = [
        (Refusal::RoomTaken, NoticeCode::RoomTaken),
        (Refusal::RateLimited, NoticeCode::RateLimited),
        (Refusal::StoreFull, NoticeCode::ServerTrouble),
        (Refusal::StoreUnavailable, NoticeCode::ServerTrouble),
    ];
    for (refusal, code) in said {
        let mut world = World::new(6, Weather::FAIR);
        let host = world.device("host");
        world.server.refuses = Some(refusal);
        world.share_file(host, "file.bin", bytes_of(1, 1_000));
        world.until("it is refused", |world| world.has_notice(host, code));
        assert_eq!((world.phase(host), world.view(host).items.len()), (Phase::Idle, 1));
        world.server.refuses = None;
        world.command(host, Command::Open { name: None });
        world.until("the second try works", |world| world.view(host).room.is_some());
    }
}
