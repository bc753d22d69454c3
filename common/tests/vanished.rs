//! Members who vanish without a word, and words that get lost with a link: nobody else waits for them, and what was meant
//! holds over the next link.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod world;

use std::time::Duration;

use privydrop_common::api::{Command, ItemState, ItemView, NoticeCode, PeerState};
use world::{DeviceId, Weather, Wires, World, bytes_of, received};

const MIB: usize = 1 << 20;

/// The guest's host of its item puts the last things in place.
fn until_finishing(world: &mut World, guest: DeviceId) {
    world
        .until("all is there", |world| world.devices[guest].disk.stores.values().any(|store| store.finished));
}

#[test]
fn a_room_that_many_vanished_from_lets_more_in() {
    let (mut world, host, _) = World::host_and_guest(71, Weather::FAIR, bytes_of(1, 1_000));
    let link = world.link(host);
    for number in 0..40 {
        let guest = world.device(&format!("guest {number}"));
        world.join(guest, &link);
        world.until("it sees the item", |world| !world.items_in(guest).is_empty());
        world.crash(guest);
        world.pass(Duration::from_secs(30));
    }
}

#[test]
fn each_sharer_has_a_turn_whatever_another_ones_items_take() {
    let (mut world, host, guest) = World::host_and_guest(77, Weather::FAIR, bytes_of(1, 3 * MIB));
    let other = world.device("other");
    let code = world.code(host);
    world.join(other, &code);
    for number in 0..6 {
        world.share_file(other, &format!("{number}.bin"), bytes_of(number, 40 * MIB));
    }
    world.until("the guest sees all", |world| world.items_in(guest).len() == 7);
    let items = |world: &World, state: ItemState| {
        let others = |item: &&ItemView| item.name != "file.bin" && item.state == state;
        world.items_in(guest).iter().filter(others).count()
    };
    for item in world.items_in(guest).iter().filter(|item| item.name != "file.bin") {
        world.accept(guest, item.key);
    }
    world.until("four of them move", |world| items(world, ItemState::Moving) == 4);
    world.accept_all(guest);
    world.until("the host's item is here", |world| received(world, guest).contains_key("file.bin"));
    assert_eq!((items(&world, ItemState::Moving), items(&world, ItemState::Waiting)), (4, 2));
}

#[test]
fn what_one_sharer_left_unfinished_keeps_nobody_elses_items_waiting() {
    let (mut world, host, guest) = World::host_and_guest(72, Weather::FAIR, bytes_of(1, 3 * MIB));
    let other = world.device("other");
    let code = world.code(host);
    world.join(other, &code);
    for number in 0..4 {
        world.share_file(other, &format!("{number}.bin"), bytes_of(number, 40 * MIB));
    }
    world.until("the guest sees all", |world| world.items_in(guest).len() == 5);
    let of_other: Vec<_> = world.items_in(guest).into_iter().filter(|item| item.name != "file.bin").collect();
    of_other.iter().for_each(|item| world.accept(guest, item.key));
    let moves =
        |world: &World| world.items_in(guest).iter().filter(|item| item.progress.done > 0).count() == 4;
    world.until("all four move", moves);
    world.crash(other);
    world.accept_all(guest);
    world.until("the host's item is here", |world| received(world, guest).contains_key("file.bin"));
}

#[test]
fn a_sharer_whose_link_broke_in_the_last_moment_hears_that_all_is_here() {
    let (mut world, host, guest) = World::host_and_guest(73, Weather::FAIR, bytes_of(1, 3 * MIB));
    world.accept_all(guest);
    until_finishing(&mut world, guest);
    Wires::break_all(&mut world);
    world.until("it is here", |world| world.item_in(guest).state == ItemState::Done);
    world.until("the sharer knows", |world| world.item_out(host).fetched == 1);
    assert_eq!((world.item_out(host).fetching, world.item_out(host).state), (0, ItemState::Done));
    world.pass(Duration::from_secs(5));
    Wires::break_all(&mut world);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.item_out(host).fetched, 1, "it is said once");
}

#[test]
fn a_sharer_who_was_told_in_the_moment_the_network_went_hears_it_when_it_is_back() {
    let (mut world, host, guest) = World::host_and_guest(78, Weather::FAIR, bytes_of(1, 3 * MIB));
    world.accept_all(guest);
    until_finishing(&mut world, guest);
    world.set_away(guest, true);
    world.until("it is here", |world| world.item_in(guest).state == ItemState::Done);
    assert_eq!(world.view(guest).peers[0].state, PeerState::Connected, "nobody has noticed");
    world.pass(Duration::from_secs(600));
    assert_eq!(world.item_out(host).fetched, 0);
    world.set_away(guest, false);
    world.until("the sharer knows", |world| world.item_out(host).fetched == 1);
}

#[test]
fn a_sharer_who_heard_it_and_hears_it_again_over_the_next_link_counts_once() {
    let (mut world, host, guest) = World::host_and_guest(79, Weather::FAIR, bytes_of(1, 3 * MIB));
    world.accept_all(guest);
    world.until("the sharer knows", |world| world.item_out(host).fetched == 1);
    let told = |world: &World| {
        world.view(host).notices.iter().filter(|notice| notice.code == NoticeCode::ItemSent).count()
    };
    for _ in 0..3 {
        Wires::break_all(&mut world);
        world.pass(Duration::from_secs(20));
        assert_eq!(world.view(guest).peers[0].state, PeerState::Connected);
        assert_eq!((world.item_out(host).fetched, world.item_out(host).fetching, told(&world)), (1, 0, 1));
    }
}

#[test]
fn who_cancels_in_the_last_moment_does_not_leave_the_sharer_waiting() {
    let (mut world, host, guest) = World::host_and_guest(74, Weather::FAIR, bytes_of(1, 3 * MIB));
    world.accept_all(guest);
    until_finishing(&mut world, guest);
    let key = world.item_in(guest).key;
    world.command(guest, Command::Cancel(key));
    world.until("the sharer knows", |world| world.item_out(host).fetching == 0);
    assert!(world.has_notice(host, NoticeCode::CancelledThere));
}

#[test]
fn a_sharers_pause_holds_over_a_new_link_until_it_is_ended() {
    let content = bytes_of(1, 40 * MIB);
    let (mut world, host, guest) = World::host_and_guest(75, Weather::FAIR, content.clone());
    world.accept_all(guest);
    world.until("bytes came", |world| world.item_in(guest).progress.done > 4 << 20);
    let own = world.item_out(host).key;
    world.command(host, Command::Pause(own));
    let paused = |world: &World| {
        [world.item_in(guest).state, world.item_out(host).state]
            .iter()
            .all(|state| *state == ItemState::Paused)
    };
    world.until("both show it", paused);
    Wires::break_all(&mut world);
    world.pass(Duration::from_secs(5));
    world.until("both show it again", paused);
    let before = world.item_in(guest).progress.done;
    world.pass(Duration::from_secs(60));
    assert_eq!(world.item_in(guest).progress.done, before, "nothing moves while paused");
    world.command(host, Command::Resume(own));
    world.until_done(guest);
    assert_eq!(received(&world, guest)["file.bin"], content);
}

#[test]
fn a_sharer_of_many_items_who_began_anew_offers_them_all_again() {
    let (mut world, host, guest) = World::host_and_guest(76, Weather::FAIR, bytes_of(1, 1_000));
    let share = |world: &mut World| {
        for number in 0..300 {
            world.share_file(host, &format!("{number}.bin"), vec![1]);
        }
    };
    share(&mut world);
    world.until("all are seen", |world| world.items_in(guest).len() == 301);
    let keepsake = world.view(host).room.unwrap().keepsake.unwrap();
    world.restart(host);
    share(&mut world);
    world.command(host, Command::Return(keepsake));
    world.until("the new ones are seen", |world| world.items_in(guest).len() == 300);
    assert!(!world.has_notice(guest, NoticeCode::PeerViolation));
}
