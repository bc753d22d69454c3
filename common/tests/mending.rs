//! Paths that break, sockets that die unseen, programs that are killed: what is mended by itself, and how fast.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod world;

use std::time::Duration;

use privydrop_common::api::{Command, ItemState, NoticeCode, PeerState, Phase};
use privydrop_common::signaling::IceServer;
use privydrop_common::transport::{Happened, LanePlan, Path, Route};
use world::{Delivery, DeviceId, Server, Weather, World, bytes_of, received};

const MIB: usize = 1 << 20;
/// Half a mebibyte a moment, so that there is something left to move after a minute.
const STEADY: Weather = Weather { link_delay: 200, ..Weather::FAIR };

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A transfer of so many mebibytes that is well under way.
fn under_way(seed: u64, mebibytes: usize) -> (World, DeviceId, DeviceId, Vec<u8>) {
    lanes_under_way(seed, mebibytes, LanePlan::ONE)
}

fn lanes_under_way(seed: u64, mebibytes: usize, plan: LanePlan) -> (World, DeviceId, DeviceId, Vec<u8>) {
    let content = bytes_of(seed, mebibytes * MIB);
    let (mut world, host, guest) = World::pair(seed, STEADY, content.clone(), [plan; 2]);
    world.accept_all(guest);
    world.until("bytes came", |world| done(world, guest) > 2 << 20);
    (world, host, guest, content)
}

fn done(world: &World, guest: DeviceId) -> u64 {
    world.items_in(guest).first().map_or(0, |item| item.progress.done)
}

/// How long it takes until further bytes are stored.
fn until_bytes_flow(world: &mut World, guest: DeviceId) -> Duration {
    let (before, start) = (done(world, guest), world.now);
    world.until("bytes flow again", |world| done(world, guest) > before);
    world.now - start
}

/// The same after something that lets arrive what is on its way.
fn until_bytes_flow_again(world: &mut World, guest: DeviceId) -> Duration {
    let on_their_way = Duration::from_millis(600);
    world.pass(on_their_way);
    on_their_way + until_bytes_flow(world, guest)
}

fn is_lost(world: &World, device: DeviceId) -> bool {
    world.view(device).peers.iter().any(|peer| peer.state == PeerState::Lost)
}

/// The transfer ends with equal bytes, and every member is connected.
fn ends_well(mut world: World, devices: [DeviceId; 2], content: &[u8]) -> World {
    world.until_done(devices[1]);
    assert_eq!(received(&world, devices[1])["file.bin"], content);
    for device in devices {
        world.until("all is well", |world| !is_lost(world, device) && world.phase(device) == Phase::InRoom);
    }
    world
}

#[test]
fn a_network_that_is_away_for_five_seconds_is_not_seen() {
    for away in 0..2 {
        let (mut world, host, guest, content) = under_way(201, 24);
        let link = world.wires.link_of(guest);
        world.set_away([host, guest][away], true);
        world.pass(seconds(5));
        world.set_away([host, guest][away], false);
        let waited = until_bytes_flow(&mut world, guest);
        assert!(waited <= seconds(3), "{waited:?}");
        assert_eq!(world.wires.link_of(guest), link);
        let world = ends_well(world, [host, guest], &content);
        for device in [host, guest] {
            let seen = |code| world.devices[device].heard.contains(&code);
            assert!(!seen(NoticeCode::PeerLost) && !seen(NoticeCode::ServerLost));
        }
    }
}

#[test]
fn after_twenty_seconds_bytes_flow_again_two_seconds_after_the_networks_return() {
    // Whenever in its round of attempts a device is when the network returns.
    let waits = |told: bool| -> Vec<Duration> {
        let wait = |seed: u64| {
            let (mut world, host, guest, content) = under_way(210 + seed, 24);
            let away = [host, guest][usize::from(seed.is_multiple_of(2))];
            world.set_away(away, true);
            world.pass(Duration::from_millis(17_000 + 350 * seed));
            assert!(is_lost(&world, host) && is_lost(&world, guest), "it is shown");
            world.set_away(away, false);
            if told {
                world.command(away, Command::Moved);
            }
            let waited = until_bytes_flow(&mut world, guest);
            ends_well(world, [host, guest], &content);
            waited
        };
        let mut waits: Vec<Duration> = (0..16).map(wait).collect();
        waits.sort();
        waits
    };
    let untold = waits(false);
    assert!(untold[8] <= seconds(2) && untold[15] <= seconds(4), "{untold:?}");
    let told = waits(true);
    assert!(told[8] <= Duration::from_millis(1_500) && told[15] <= seconds(3), "{told:?}");
}

#[test]
fn behind_relays_bytes_flow_as_soon_although_everything_begun_meanwhile_is_lost() {
    let wait = |seed: u64| {
        let (mut world, host, guest, content) = under_way(350 + seed, 24);
        (world.wires.relayed, world.wires.cut) = (true, true);
        world::Wires::look(&mut world);
        world.pass(Duration::from_millis(17_000 + 350 * seed));
        world.wires.cut = false;
        world::Wires::look(&mut world);
        let waited = until_bytes_flow(&mut world, guest);
        ends_well(world, [host, guest], &content);
        waited
    };
    let mut waits: Vec<Duration> = (0..16).map(wait).collect();
    waits.sort();
    // A path takes up to two seconds to be found again.
    assert!(waits[8] <= Duration::from_millis(2_500) && waits[15] <= seconds(4), "{waits:?}");
}

#[test]
fn after_a_minute_a_new_connection_is_made_with_the_room_key() {
    for seed in 0..4 {
        let (mut world, host, guest, content) = under_way(230 + seed, 24);
        let away = [host, guest][usize::from(seed.is_multiple_of(2))];
        let link = world.wires.link_of(guest);
        world.set_away(away, true);
        world.pass(seconds(60));
        world.set_away(away, false);
        let waited = until_bytes_flow(&mut world, guest);
        assert!(waited <= seconds(5), "seed {seed}: {waited:?}");
        assert_ne!(world.wires.link_of(guest), link);
        ends_well(world, [host, guest], &content);
    }
}

#[test]
fn a_change_of_address_that_is_told_is_mended_on_the_same_link_within_five_seconds() {
    for seed in 0..4 {
        let (mut world, host, guest, content) = under_way(240 + seed, 24);
        let moves = [host, guest][usize::from(seed.is_multiple_of(2))];
        let link = world.wires.link_of(guest);
        world.move_device(moves);
        world.command(moves, Command::Moved);
        let waited = until_bytes_flow_again(&mut world, guest);
        assert!(waited <= seconds(5), "seed {seed}: {waited:?}");
        assert_eq!(world.wires.link_of(guest), link);
        assert!(world.wires.restarts >= 2);
        ends_well(world, [host, guest], &content);
    }
}

#[test]
fn a_change_of_address_that_nobody_tells_is_found_out_by_the_silence() {
    for seed in 0..4 {
        let (mut world, host, guest, content) = under_way(250 + seed, 24);
        world.move_device([host, guest][usize::from(seed.is_multiple_of(2))]);
        let waited = until_bytes_flow_again(&mut world, guest);
        assert!(waited <= seconds(12), "seed {seed}: {waited:?}");
        ends_well(world, [host, guest], &content);
    }
}

#[test]
fn every_lane_is_mended_with_the_link() {
    let (mut world, host, guest, content) = lanes_under_way(260, 40, LanePlan::new(4, 4));
    world.until("all lanes are in use", |world| world.view(guest).peers[0].lanes == 4);
    let link = world.wires.link_of(guest);
    world.move_device(guest);
    world.command(guest, Command::Moved);
    let carried = |world: &World| world.wires.carried_by.get(&3).copied().unwrap_or(0);
    let before = carried(&world);
    until_bytes_flow_again(&mut world, guest);
    world.until("the last lane carries again", |world| carried(world) > before);
    assert_eq!(world.wires.link_of(guest), link);
    ends_well(world, [host, guest], &content);
}

#[test]
fn bytes_go_on_without_a_server_when_the_network_comes_back_by_itself() {
    let (mut world, host, guest, content) = under_way(270, 24);
    for device in [host, guest] {
        world.devices[device].online = false;
        Server::cut(&mut world, device);
    }
    world.set_away(guest, true);
    world.pass(seconds(8));
    world.set_away(guest, false);
    world.until("the transfer ends without a server", |world| world.item_in(guest).state == ItemState::Done);
    assert_eq!(received(&world, guest)["file.bin"], content);
    assert!(world.has_notice(guest, NoticeCode::ServerLost));
}

#[test]
fn a_server_that_begins_anew_costs_no_byte_and_no_member() {
    let (mut world, host, guest, content) = under_way(271, 24);
    Server::restart(&mut world);
    until_bytes_flow(&mut world, guest);
    let mut world = ends_well(world, [host, guest], &content);
    assert!(world.view(host).peers.iter().all(|peer| peer.verified));
    let late = world.device("late");
    let code = world.code(host);
    world.join(late, &code);
    world.until("somebody new comes in", |world| !world.items_in(late).is_empty());
}

#[test]
fn a_server_that_begins_anew_while_somebody_comes_in_does_not_keep_them_out() {
    let mut kept_out = 0;
    for moment in 0..40 {
        let (mut world, host, guest, content) = under_way(280 + moment, 4);
        world.until_done(guest);
        assert_eq!(received(&world, guest)["file.bin"], content);
        let late = world.device("late");
        let invitation = if moment % 2 == 0 { world.link(host) } else { world.code(host) };
        world.join(late, &invitation);
        world.pass(Duration::from_millis(50 + moment * 10));
        Server::restart(&mut world);
        world.until("it is decided", |world| [Phase::InRoom, Phase::Idle].contains(&world.phase(late)));
        // Words that were said already are a guess, which is the person's to make again.
        if world.phase(late) != Phase::InRoom {
            assert!(
                moment % 2 == 1 && world.has_notice(late, NoticeCode::ServerUnreachable),
                "{moment}: {:?}",
                world.devices[late].heard
            );
            kept_out += 1;
            world.join(late, &invitation);
        }
        world.until("somebody new comes in", |world| !world.items_in(late).is_empty());
    }
    assert!(kept_out < 20, "{kept_out}");
}

#[test]
fn a_peer_that_was_killed_and_began_anew_is_not_waited_for() {
    for kill_host in [true, false] {
        let (mut world, host, guest, _) = under_way(272, 24);
        let killed = if kill_host { host } else { guest };
        let keepsake = world.view(killed).room.unwrap().keepsake.unwrap();
        world.crash(killed);
        world.command(killed, Command::Return(keepsake));
        let start = world.now;
        world.until("they meet again", |world| {
            let met = |device: DeviceId| {
                let peers = world.view(device).peers;
                peers.iter().any(|peer| peer.state == PeerState::Connected && peer.verified)
            };
            met(killed) && met(host) && met(guest)
        });
        assert!(world.now - start <= seconds(10), "{:?}", world.now - start);
    }
}

fn turn(credential: &str) -> Vec<IceServer> {
    vec![IceServer {
        urls: vec!["turn:turn.example".to_owned()],
        username: Some("name".to_owned()),
        credential: Some(credential.to_owned()),
    }]
}

/// A room whose server lends relay credentials; the link's path is `route`.
fn relayed(route: Route, is_old: bool) -> (World, DeviceId, DeviceId) {
    let (mut world, host) = (World::new(280, Weather::FAIR), 0);
    world.server.ice = turn("first");
    world.server.is_old = is_old;
    assert_eq!(world.device("host"), host);
    let guest = world.device("guest");
    world.share_file(host, "file.bin", vec![1; 10]);
    world.until("the room exists", |world| world.view(host).room.is_some());
    let code = world.code(host);
    world.join(guest, &code);
    world.until("the guest sees the item", |world| !world.items_in(guest).is_empty());
    tell_paths(&mut world, [host, guest], route);
    (world, host, guest)
}

/// The transports say which way their link takes.
fn tell_paths(world: &mut World, devices: [DeviceId; 2], route: Route) {
    for device in devices {
        let path = Happened::Path(Path { route, rtt_ms: None });
        let link = world.wires.link_of(device);
        world.later(device, Duration::ZERO, Delivery::Happened(link, path));
    }
}

#[test]
fn relay_credentials_are_fetched_again_before_they_end_and_only_a_relayed_path_is_made_anew() {
    for (route, restarted) in [(Route::Relay, true), (Route::Direct, false)] {
        let (mut world, host, guest) = relayed(route, false);
        world.server.ice = turn("second");
        world.pass(seconds(40 * 60));
        assert_eq!(world.wires.restarts, 0, "being asked whether it is there changes nothing");
        world.pass(seconds(20 * 60));
        let restarts = world.wires.restarts;
        assert_eq!(restarts > 0, restarted);
        let servers = world.wires.servers.clone();
        assert!([host, guest].iter().all(|device| servers[device] == turn("second")), "{servers:?}");
        tell_paths(&mut world, [host, guest], route);
        world.pass(seconds(60 * 60));
        assert_eq!(world.wires.restarts > restarts, restarted, "and again in the next hour");
        world.accept_all(guest);
        world.until_done(guest);
    }
}

#[test]
fn a_server_that_knows_of_no_fresh_credentials_is_asked_now_and_then_and_all_goes_on() {
    let (mut world, host, guest) = relayed(Route::Relay, true);
    world.pass(seconds(2 * 60 * 60));
    // Each asks every 45 s whether it is there, and every five minutes for credentials.
    let most = 2 * 2 * 60 * 60 * (300 + 45) / (300 * 45);
    assert!((10..=most).contains(&world.server.asked_for_ice), "{}", world.server.asked_for_ice);
    assert!([host, guest].iter().all(|device| world.phase(*device) == Phase::InRoom));
    world.accept_all(guest);
    world.until_done(guest);
}

#[test]
fn mending_in_vain_costs_few_letters() {
    let (mut world, host, guest, _) = under_way(290, 24);
    // Their paths are silent, and the server works: nothing that is tried helps.
    world.wires.cut = true;
    world::Wires::look(&mut world);
    let before = world.server.letters;
    world.pass(seconds(30));
    let letters = world.server.letters - before;
    assert!(
        letters < 30 * 20,
        "{letters} letters of two devices in 30 s: less than half of what one may send"
    );
    world.wires.cut = false;
    world::Wires::look(&mut world);
    until_bytes_flow(&mut world, guest);
    assert!(!is_lost(&world, host));
}
