//! Many guests at once: coming in together, receiving together, coming back together.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod world;

use std::time::Duration;

use privydrop_common::transport::LanePlan;
use world::{DeviceId, Weather, World, bytes_of, received};

const MIB: usize = 1 << 20;
/// Half a mebibyte a moment, so that there is something left to move after a minute.
const STEADY: Weather = Weather { link_delay: 200, ..Weather::FAIR };

fn done(world: &World, guest: DeviceId) -> u64 {
    world.items_in(guest).first().map_or(0, |item| item.progress.done)
}

#[test]
fn a_crowd_that_opens_the_link_at_once_gets_in() {
    for seed in 40..46 {
        let (mut world, host, _) = World::host_and_guest(seed, STEADY, bytes_of(1, 1_000));
        let link = world.link(host);
        let crowd: Vec<_> = (2..16).map(|number| world.device(&format!("guest {number}"))).collect();
        crowd.iter().for_each(|guest| world.join(*guest, &link));
        world.until("all are in", |world| crowd.iter().all(|guest| world.items_in(*guest).len() == 1));
        assert_eq!(world.server.cut_off, 0, "seed {seed}");
    }
}

#[test]
fn for_receivers_that_move_together_a_file_is_read_once_and_for_one_that_comes_later_again() {
    let (mut world, host, first) = World::host_and_guest(24, Weather::FAIR, bytes_of(1, 20 * MIB));
    let guests = [first, world.device("second"), world.device("third")];
    let code = world.code(host);
    guests[1..].iter().for_each(|guest| world.join(*guest, &code));
    world.until("all see it", |world| guests.iter().all(|guest| world.items_in(*guest).len() == 1));
    guests[..2].iter().for_each(|guest| world.accept_all(*guest));
    guests[..2].iter().for_each(|guest| world.until_done(*guest));
    // The first one may have begun alone.
    let reads = world.devices[host].disk.reads;
    assert!((20..=24).contains(&reads), "{reads}");
    world.accept_all(guests[2]);
    world.until_done(guests[2]);
    assert_eq!(world.devices[host].disk.reads - reads, 20);
    assert!(guests.iter().all(|guest| received(&world, *guest)["file.bin"] == bytes_of(1, 20 * MIB)));
}

#[test]
fn a_host_with_a_full_room_is_back_with_everybody_and_says_no_more_than_the_server_lets_it() {
    for away in [5, 20, 60] {
        let content = bytes_of(1, 24 * MIB);
        let (mut world, host, first) = World::pair(40 + away, STEADY, content.clone(), [LanePlan::ONE; 2]);
        let link = world.link(host);
        let mut guests = vec![first];
        for number in 2..16 {
            let guest = world.device(&format!("guest {number}"));
            world.join(guest, &link);
            world.until("it is there", |world| world.items_in(guest).len() == 1);
            guests.push(guest);
        }
        guests.iter().for_each(|guest| world.accept_all(*guest));
        world.until("all receive", |world| guests.iter().all(|guest| done(world, *guest) > 2 << 20));
        world.set_away(host, true);
        world.pass(Duration::from_secs(away));
        world.set_away(host, false);
        let (before, start): (Vec<u64>, _) =
            (guests.iter().map(|guest| done(&world, *guest)).collect(), world.now);
        for (guest, before) in guests.iter().zip(&before) {
            world.until("bytes flow again", |world| done(world, *guest) > *before);
        }
        let waited = world.now - start;
        assert!(waited <= Duration::from_secs(8), "after {away} s: {waited:?}");
        guests.iter().for_each(|guest| world.until_done(*guest));
        assert!(guests.iter().all(|guest| received(&world, *guest)["file.bin"] == content));
        assert_eq!(world.server.cut_off, 0, "after {away} s");
    }
}
