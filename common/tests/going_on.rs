//! What an earlier attempt left of an item: gone on with when it is right, never kept when it is not.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod world;

use privydrop_common::api::{Command, NoticeCode};
use world::{DeviceId, Weather, World, bytes_of, received};

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
        world.devices[host].disk.sources.values_mut().for_each(|source| source.clone_from(&content));
    });
    world.until_done(guest);
    assert_eq!(received(&world, guest)["file.bin"], content);
}
