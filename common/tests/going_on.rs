//! What an earlier attempt left of an item: gone on with when it is right, never kept when it is not.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod world;

use std::time::Duration;

use privydrop_common::api::{Command, ItemState, Keepsake, MAX_WANTED, NoticeCode};
use privydrop_common::host::{PlaceId, StoreFault};
use privydrop_common::id::{Mark, TransferId};
use privydrop_common::transport::{Happened, Lane};
use privydrop_common::wire::{Control, RefuseFetch};
use world::{Delivery, DeviceId, Weather, World, bytes_of, received};

const MIB: usize = 1 << 20;

/// Host and guest leave while the guest has about a half; the guest meets it again and accepts. Tells what was carried
/// until they left.
fn cut_off_and_meet_again(
    world: &mut World,
    host: DeviceId,
    guest: DeviceId,
    between: impl FnOnce(&mut World),
) -> u64 {
    world.accept_all(guest);
    world.until("bytes came", |world| world.item_in(guest).progress.done > 16 << 20);
    world.command(guest, Command::Leave);
    world.command(host, Command::Leave);
    let carried = world.wires.carried;
    between(world);
    world.command(host, Command::Open { name: None });
    world.until("the room exists", |world| world.view(host).room.is_some());
    let code = world.code(host);
    world.join(guest, &code);
    world.until("the item is there", |world| !world.items_in(guest).is_empty());
    world.accept_all(guest);
    carried
}

#[test]
fn what_an_earlier_attempt_left_is_gone_on_with_in_another_room() {
    let content = bytes_of(1, 32 * MIB);
    let (mut world, host, guest) = World::host_and_guest(41, Weather::FAIR, content.clone());
    let carried = cut_off_and_meet_again(&mut world, host, guest, |_| {});
    world.until("it goes on", |world| world.has_notice(guest, NoticeCode::ItemResumed));
    assert!(world.item_in(guest).progress.done > 16 << 20);
    world.until_done(guest);
    assert_eq!(received(&world, guest)["file.bin"], content);
    assert!(world.wires.carried - carried < 17 << 20, "only the rest is sent");
    assert!(world.devices[guest].disk.suspended.is_empty());
}

#[test]
fn what_was_left_of_another_content_of_the_same_name_size_and_time_is_never_kept() {
    let (mut world, host, guest) = World::host_and_guest(42, Weather::FAIR, bytes_of(1, 32 * MIB));
    let content = bytes_of(2, 32 * MIB);
    cut_off_and_meet_again(&mut world, host, guest, |world| {
        world.devices[host].disk.sources.values_mut().for_each(|source| *source = content.clone().into());
    });
    world.until_done(guest);
    assert_eq!(received(&world, guest)["file.bin"], content);
}

/// A host and a guest that has about a half of 32 MiB, none of it fetched twice so far.
fn half_way(seed: u64) -> (World, DeviceId, DeviceId) {
    let (mut world, host, guest) = World::host_and_guest(seed, Weather::FAIR, bytes_of(1, 32 * MIB));
    world.accept_all(guest);
    world.until("bytes came", |world| world.item_in(guest).progress.done > 16 << 20);
    (world, host, guest)
}

fn keepsake(world: &World, device: DeviceId) -> Keepsake {
    let room = world.view(device).room.unwrap();
    let keepsake = room.keepsake.unwrap();
    assert_eq!(keepsake.room(), Some(room.id));
    keepsake
}

/// The guest is started anew with what its shell kept, and comes back by `way`.
fn restart_guest(world: &mut World, guest: DeviceId, way: impl FnOnce(&mut World)) {
    let wanted = world.view(guest).wanted;
    world.restart(guest);
    world.command(guest, Command::GoOn { wanted, place: PlaceId(1) });
    way(world);
}

/// The host is started anew and comes back into its room, with nothing to offer.
fn restart_host(world: &mut World, host: DeviceId) {
    let keepsake = keepsake(world, host);
    world.restart(host);
    world.command(host, Command::Return(keepsake));
    world.until("the host is back", |world| world.view(host).room.is_some());
}

/// The guest has all of it, by itself, and no more than the second half was sent again.
fn goes_on(world: &mut World, guest: DeviceId, carried: u64) {
    world.until("it goes on", |world| world.devices[guest].heard.contains(&NoticeCode::ItemResumed));
    world.until_done(guest);
    assert_eq!(received(world, guest)["file.bin"], bytes_of(1, 32 * MIB));
    assert!(world.wires.carried - carried < 17 << 20, "only the rest is sent");
    assert_eq!(world.view(guest).wanted, []);
}

#[test]
fn a_receiver_that_was_killed_goes_on_by_itself_when_it_opens_the_link_again() {
    let (mut world, host, guest) = half_way(43);
    let (carried, link) = (world.wires.carried, world.link(host));
    restart_guest(&mut world, guest, |world| world.join(guest, &link));
    goes_on(&mut world, guest, carried);
}

#[test]
fn a_receiver_that_was_loaded_again_goes_on_by_itself_in_its_old_place() {
    let (mut world, _, guest) = half_way(44);
    let (carried, keepsake) = (world.wires.carried, keepsake(&world, guest));
    restart_guest(&mut world, guest, |world| world.command(guest, Command::Return(keepsake)));
    goes_on(&mut world, guest, carried);
}

#[test]
fn while_what_is_there_is_read_again_it_is_said_how_far_that_is() {
    let (mut world, host, guest) = half_way(54);
    let (carried, link) = (world.wires.carried, world.link(host));
    restart_guest(&mut world, guest, |world| world.join(guest, &link));
    let checking = |world: &World| world.items_in(guest).first().and_then(|item| item.checking);
    world.until("it is read again", |world| checking(world).is_some());
    let half = checking(&world).unwrap();
    assert_eq!((half.percent(), world.item_in(guest).state), (50, ItemState::Waiting));
    assert_eq!(world.item_in(guest).progress.done, 0, "nothing counts before all of it was read");
    world.until("it is done with that", |world| checking(world).is_none());
    goes_on(&mut world, guest, carried);
}

#[test]
fn what_is_wanted_is_taken_too_when_it_was_offered_before_that_was_said() {
    let (mut world, host, guest) = half_way(45);
    let (carried, link) = (world.wires.carried, world.link(host));
    let wanted = world.view(guest).wanted;
    world.restart(guest);
    world.join(guest, &link);
    world.until("the item is there", |world| !world.items_in(guest).is_empty());
    assert_eq!(world.item_in(guest).state, ItemState::Offered);
    world.command(guest, Command::GoOn { wanted, place: PlaceId(1) });
    goes_on(&mut world, guest, carried);
}

#[test]
fn a_sharer_that_was_started_anew_is_gone_on_with_once_it_offers_the_same_again() {
    let (mut world, host, guest) = half_way(46);
    world.share_file(host, "untaken.bin", bytes_of(2, MIB));
    world.until("both are offered", |world| world.items_in(guest).len() == 2);
    let (carried, link) = (world.wires.carried, world.link(host));
    restart_host(&mut world, host);
    assert_eq!(world.link(host), link);
    world.until("it is said", |world| world.has_notice(guest, NoticeCode::ItemAwaited));
    assert!(world.items_in(guest).is_empty(), "nothing is on the list that cannot be had");
    assert_eq!(world.view(guest).wanted.len(), 1);
    world.share_file(host, "file.bin", bytes_of(1, 32 * MIB));
    goes_on(&mut world, guest, carried);
    assert!(!world.has_notice(guest, NoticeCode::ItemAwaited));
}

#[test]
fn both_ends_started_anew_at_once_go_on() {
    let (mut world, host, guest) = half_way(47);
    let (carried, keepsake) = (world.wires.carried, keepsake(&world, guest));
    restart_guest(&mut world, guest, |world| world.command(guest, Command::Return(keepsake)));
    restart_host(&mut world, host);
    world.share_file(host, "file.bin", bytes_of(1, 32 * MIB));
    goes_on(&mut world, guest, carried);
}

#[test]
fn what_comes_under_the_same_name_size_and_time_with_another_content_begins_anew() {
    let (mut world, host, guest) = half_way(48);
    restart_host(&mut world, host);
    let other = bytes_of(3, 32 * MIB);
    world.share_file(host, "file.bin", other.clone());
    world.until("it is taken", |world| !world.items_in(guest).is_empty());
    world.until_done(guest);
    assert_eq!(received(&world, guest)["file.bin"], other);
}

#[test]
fn nobody_else_and_nothing_else_is_taken_without_a_word() {
    let (mut world, host, guest) = half_way(49);
    let link = world.link(host);
    restart_host(&mut world, host);
    restart_guest(&mut world, guest, |world| world.join(guest, &link));
    world.until("the guest is in", |world| world.view(guest).peers.iter().any(|peer| peer.verified));
    let third = world.device("third");
    world.join(third, &link);
    world.until("the third is in", |world| world.view(third).peers.iter().any(|peer| peer.verified));
    world.share_file(third, "file.bin", bytes_of(1, 32 * MIB));
    world.share_file(host, "file.bin", bytes_of(1, 32 * MIB - 1));
    world.share_file(host, "File.bin", bytes_of(1, 32 * MIB));
    world.until("all are offered", |world| world.items_in(guest).len() == 3);
    assert!(world.items_in(guest).iter().all(|item| item.state == ItemState::Offered));
    assert_eq!(world.view(guest).wanted.len(), 1, "it still waits for its sharer");
}

#[test]
fn what_came_before_a_place_took_no_more_is_gone_on_with_once_it_does_and_is_accepted() {
    let full = StoreFault::Full { needed: 32 << 20 };
    let no_space = StoreFault::NoSpace { needed: 16 << 20, free: 10 };
    let faults = [
        (full, NoticeCode::PlaceFull),
        (no_space, NoticeCode::NoSpace),
        (StoreFault::Unwritable, NoticeCode::PlaceUnwritable),
    ];
    for (seed, (fault, code)) in (53..).zip(faults) {
        let (mut world, host, guest) = half_way(seed);
        // It fails on its way, and then before it goes on: neither costs what is there.
        for again in [false, true] {
            world.devices[guest].disk.fault = Some(fault);
            if again {
                world.accept_all(guest);
            }
            world.until("it is said", |world| world.has_notice(guest, code));
            assert_eq!(world.item_in(guest).state, ItemState::Failed);
            let is_told = |world: &World| world.item_out(host).state == ItemState::Cancelled;
            world.until("its sharer is told", is_told);
            assert_eq!(world.view(guest).wanted, [], "it waits for a person");
            assert_eq!(world.devices[guest].disk.suspended.len(), 1, "what came of it is kept");
            world.devices[guest].heard.clear();
            let notices = world.view(guest).notices;
            notices.iter().for_each(|notice| world.command(guest, Command::Dismiss(notice.id)));
            world.until("nothing is said", |world| world.view(guest).notices.is_empty());
        }
        let carried = world.wires.carried;
        world.devices[guest].disk.fault = None;
        world.accept_all(guest);
        goes_on(&mut world, guest, carried);
    }
}

/// The host takes its item back, and the guest hears of it.
fn take_back(world: &mut World, host: DeviceId, guest: DeviceId) {
    let item = world.item_out(host).key;
    world.command(host, Command::Remove(item));
    world.until("it is off the list", |world| world.items_in(guest).is_empty());
    assert_eq!(world.devices[guest].disk.suspended.len(), 1, "what came of it is kept");
}

/// The host offers the same again, and the guest accepts it.
fn offer_again(world: &mut World, host: DeviceId, guest: DeviceId) {
    world.share_file(host, "file.bin", bytes_of(1, 32 * MIB));
    world.until("it is offered again", |world| !world.items_in(guest).is_empty());
    assert_eq!(world.item_in(guest).state, ItemState::Offered);
    world.accept_all(guest);
}

#[test]
fn what_was_refused_because_it_is_gone_goes_on_once_the_same_is_offered_and_accepted_again() {
    let (mut world, host, guest) = half_way(52);
    let carried = world.wires.carried;
    take_back(&mut world, host, guest);
    world.until("it is said", |world| world.devices[guest].heard.contains(&NoticeCode::ItemGone));
    assert_eq!(world.view(guest).wanted, [], "nobody is to take by itself what was taken back");
    offer_again(&mut world, host, guest);
    goes_on(&mut world, guest, carried);
}

#[test]
fn what_was_taken_back_before_it_went_on_is_kept_as_well() {
    let (mut world, host, guest) = World::host_and_guest(53, Weather::FAIR, bytes_of(1, 32 * MIB));
    let carried = cut_off_and_meet_again(&mut world, host, guest, |_| {});
    // So that no fetch runs which the sharer could refuse.
    let item = world.item_in(guest).key;
    world.command(guest, Command::Pause(item));
    world.until("what is there was looked at", |world| world.has_notice(guest, NoticeCode::ItemResumed));
    take_back(&mut world, host, guest);
    offer_again(&mut world, host, guest);
    world.until_done(guest);
    assert_eq!(received(&world, guest)["file.bin"], bytes_of(1, 32 * MIB));
    assert!(world.wires.carried - carried < 17 << 20, "only the rest is sent");
}

#[test]
fn what_is_verified_is_finished_also_when_its_sharer_takes_it_back() {
    let (mut world, _, guest) = World::host_and_guest(55, Weather::FAIR, bytes_of(1, MIB));
    world.accept_all(guest);
    world.until("all of it is there", |world| world.item_in(guest).state == ItemState::Verifying);
    let (link, item) = (world.wires.link_of(guest), world.item_in(guest).key.item);
    let transfer = TransferId(world.wires.last_transfer.unwrap());
    for said in [Control::Refuse { transfer, why: RefuseFetch::Gone }, Control::Withdraw(item)] {
        let frame = Happened::Frame(Lane::Control, said.encode());
        world.later(guest, Duration::ZERO, Delivery::Happened(link, frame));
    }
    world.until_done(guest);
    assert_eq!(received(&world, guest)["file.bin"], bytes_of(1, MIB));
}

#[test]
fn what_a_person_stopped_or_has_is_not_wanted() {
    let (mut world, _, guest) = half_way(50);
    let item = world.item_in(guest).key;
    assert_eq!(world.view(guest).wanted.len(), 1);
    world.command(guest, Command::Pause(item));
    assert_eq!(world.view(guest).wanted, []);
    world.command(guest, Command::Resume(item));
    assert_eq!(world.view(guest).wanted.len(), 1);
    world.command(guest, Command::Cancel(item));
    assert_eq!(world.view(guest).wanted, []);
    assert_eq!(Keepsake("of nothing".into()).room(), None);
    world.accept(guest, item);
    world.until_done(guest);
    assert_eq!(world.view(guest).wanted, []);
}

#[test]
fn what_a_person_wants_no_more_after_leaving_waits_to_be_accepted_when_it_is_offered_again() {
    let (mut world, _, guest) = half_way(56);
    let keepsake = keepsake(&world, guest);
    world.command(guest, Command::Leave);
    world.until("it may come again", |world| world.view(guest).wanted.len() == 1);
    world.command(guest, Command::Forget);
    world.until("it is forgotten", |world| world.view(guest).wanted.is_empty());
    world.command(guest, Command::Return(keepsake));
    world.until("it is offered", |world| {
        world.items_in(guest).iter().any(|item| item.state == ItemState::Offered)
    });
    world.pass(Duration::from_secs(2));
    assert_eq!(world.item_in(guest).state, ItemState::Offered);
}

#[test]
fn no_more_is_remembered_than_can_be() {
    let mut world = World::new(51, Weather::FAIR);
    let device = world.device("one");
    let mark = |number: usize| format!("{number:032x}").parse::<Mark>().unwrap();
    let wanted: Vec<Mark> = (0..MAX_WANTED + 9).map(mark).collect();
    for _ in 0..2 {
        world.command(device, Command::GoOn { wanted: wanted.clone(), place: PlaceId(1) });
        assert_eq!(world.view(device).wanted.len(), MAX_WANTED);
    }
}
