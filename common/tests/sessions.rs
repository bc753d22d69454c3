//! Two or more sessions in a virtual world: what people do, in fair weather and in storms.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod world;

use std::time::Duration;

use privydrop_common::api::{Command, ItemState, NewContent, NewItem, NoticeCode, PeerState, Phase, Side};
use privydrop_common::text::Document;
use world::{Server, Weather, Wires, World, bytes_of, received};

const MIB: usize = 1 << 20;

#[test]
fn a_file_arrives_with_the_hash_that_b3sum_would_print() {
    let content = bytes_of(1, 5 * MIB + 12_345);
    let (mut world, host, guest) = World::host_and_guest(1, Weather::FAIR, content.clone());
    world.accept_all(guest);
    world.until_done(guest);
    let hash = blake3::hash(&content).to_string();
    assert_eq!(world.item_in(guest).hash, Some(hash.clone()));
    assert_eq!(received(&world, guest)["file.bin"], content);
    world.until("the sharer knows", |world| world.item_out(host).fetched == 1);
    assert_eq!((world.item_out(host).state, world.item_out(host).hash), (ItemState::Done, Some(hash)));
}

#[test]
fn files_of_every_awkward_size_arrive_whole() {
    for (seed, size) in [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB - 1].into_iter().enumerate() {
        let content = bytes_of(9, size);
        let (mut world, _, guest) = World::host_and_guest(seed as u64, Weather::FAIR, content.clone());
        world.accept_all(guest);
        world.until_done(guest);
        assert_eq!(received(&world, guest)["file.bin"], content, "{size} bytes");
        assert_eq!(world.item_in(guest).hash, Some(blake3::hash(&content).to_string()), "{size} bytes");
    }
}

#[test]
fn a_room_is_joined_and_a_file_arrives_through_storms() {
    for seed in 0..40 {
        let content = bytes_of(seed, 2 * MIB + 77);
        let (mut world, _, guest) = World::host_and_guest(seed, Weather::STORM, content.clone());
        world.accept_all(guest);
        world.until_done(guest);
        assert_eq!(received(&world, guest)["file.bin"], content);
    }
}

#[test]
fn a_link_opens_the_room_as_the_code_does() {
    let mut world = World::new(3, Weather::FAIR);
    let (host, guest) = (world.device("host"), world.device("guest"));
    world.command(host, Command::Open { name: Some("my-room".parse().unwrap()) });
    world.until("the room exists", |world| world.view(host).room.is_some());
    let link = world.link(host);
    assert!(link.starts_with("my-room."));
    world.join(guest, &link);
    world.until("both are connected and verified", |world| {
        [host, guest].iter().all(|device| {
            let peers = world.view(*device).peers;
            peers.len() == 1 && peers[0].state == PeerState::Connected && peers[0].verified
        })
    });
    world.until("each knows what the other is called", |world| {
        world.view(guest).peers[0].label == "host" && world.view(host).peers[0].label == "guest"
    });
}

#[test]
fn a_folder_of_a_thousand_small_files_keeps_its_tree() {
    let mut world = World::new(4, Weather::FAIR);
    let (host, guest) = (world.device("host"), world.device("guest"));
    let files: Vec<_> = (0..1_000u64)
        .map(|number| {
            let size = usize::try_from(number * 7 % 5_000).unwrap();
            let file = world.put(host, bytes_of(number, size));
            (vec![format!("sub {}", number % 10), format!("файл-{number}.txt")], file)
        })
        .collect();
    let folders = vec![vec!["empty".to_owned(), "deeper".to_owned()]];
    let item = NewItem { name: "tree".into(), content: NewContent::Folder { files, folders } };
    world.command(host, Command::Share(vec![item]));
    world.until("the room exists", |world| world.view(host).room.is_some());
    let code = world.code(host);
    world.join(guest, &code);
    world.until("the item is seen", |world| !world.items_in(guest).is_empty());
    assert_eq!(world.item_in(guest).files, 1_000);
    world.accept_all(guest);
    world.until_done(guest);
    let tree = received(&world, guest);
    assert!(tree.contains_key("tree/empty/deeper/"));
    for number in 0..1_000u64 {
        let path = format!("tree/sub {}/файл-{number}.txt", number % 10);
        let size = usize::try_from(number * 7 % 5_000).unwrap();
        assert_eq!(tree[&path], bytes_of(number, size), "{path}");
    }
    world.until("the sharer knows", |world| world.item_out(host).fetched == 1);
    assert_eq!(world.item_out(host).hash, world.item_in(guest).hash);
}

#[test]
fn an_empty_folder_arrives_as_an_empty_folder() {
    let mut world = World::new(5, Weather::FAIR);
    let (host, guest) = (world.device("host"), world.device("guest"));
    let content = NewContent::Folder { files: Vec::new(), folders: Vec::new() };
    world.command(host, Command::Share(vec![NewItem { name: "void".into(), content }]));
    world.until("the room exists", |world| world.view(host).room.is_some());
    let code = world.code(host);
    world.join(guest, &code);
    world.until("the item is seen", |world| !world.items_in(guest).is_empty());
    world.accept_all(guest);
    world.until_done(guest);
    assert!(received(&world, guest).contains_key("void/"));
}

#[test]
fn guests_share_with_the_host_and_with_each_other() {
    let (mut world, host, first) = World::host_and_guest(6, Weather::FAIR, bytes_of(1, 1_000));
    let second = world.device("second");
    let code = world.code(host);
    world.join(second, &code);
    world.until("a late joiner sees what is offered", |world| world.items_in(second).len() == 1);
    world.share_file(first, "from-guest.bin", bytes_of(2, 300_000));
    world.until("all see it", |world| world.items_in(second).len() == 2 && world.items_in(host).len() == 1);
    world.accept_all(host);
    world.accept_all(second);
    world.until_done(host);
    world.until_done(second);
    assert_eq!(received(&world, second)["from-guest.bin"], bytes_of(2, 300_000));
    assert_eq!(received(&world, host)["from-guest.bin"], bytes_of(2, 300_000));
}

#[test]
fn text_syncs_both_ways_and_clearing_it_clears_it() {
    let (mut world, host, guest) = World::host_and_guest(7, Weather::FAIR, Vec::new());
    let says = |world: &World, device, text: &str| {
        let texts = world.items_in(device).into_iter().filter_map(|item| item.text);
        texts.map(|document| document.plain_text()).any(|shown| shown.trim() == text)
    };
    for (from, to, text) in [(host, guest, "grüße 你好"), (guest, host, "answer"), (host, guest, "changed")]
    {
        world.command(from, Command::SetText(Document::from_plain(text).unwrap()));
        world.until("the text is there", |world| says(world, to, text));
    }
    world.command(host, Command::SetText(Document::default()));
    world.until("the text is gone", |world| world.items_in(guest).iter().all(|item| item.text.is_none()));
    assert!(says(&world, host, "answer"));
}

#[test]
fn wrong_words_are_counted_told_to_both_and_retired_after_five() {
    let (mut world, host, _) = World::host_and_guest(8, Weather::FAIR, vec![1]);
    let room = world.view(host).room.unwrap().id;
    let (first_code, link) = (world.code(host), world.link(host));
    for left in (0..5u64).rev() {
        let intruder = world.device("intruder");
        world.join(intruder, &format!("{room}-acid-acorn-acre"));
        world.until("the intruder is told", |world| world.has_notice(intruder, NoticeCode::WrongWords));
        let notices = world.view(intruder).notices;
        assert_eq!(notices.last().unwrap().number, Some(left));
        assert_eq!(world.phase(intruder), Phase::Idle);
        if left > 0 {
            assert!(world.has_notice(host, NoticeCode::SomebodyGuessed));
            assert_eq!(world.view(host).room.unwrap().tries_left, u8::try_from(left).unwrap());
        }
    }
    assert!(world.has_notice(host, NoticeCode::WordsChanged));
    assert_ne!(world.code(host), first_code);
    assert_eq!(world.link(host), link);
    let (late, later) = (world.device("late"), world.device("later"));
    world.join(late, &first_code);
    world.until("the old words are wrong now", |world| world.has_notice(late, NoticeCode::WrongWords));
    world.join(later, &link);
    world.until("the link still opens", |world| world.phase(later) == Phase::InRoom);
}

#[test]
fn a_wrong_link_is_refused_without_costing_a_guess() {
    let (mut world, host, _) = World::host_and_guest(9, Weather::FAIR, vec![1]);
    let room = world.view(host).room.unwrap().id;
    let intruder = world.device("intruder");
    world.join(intruder, &format!("{room}.AAAAAAAAAAAAAAAAAAAAAA"));
    world.until("told", |world| world.has_notice(intruder, NoticeCode::WrongLink));
    assert_eq!(world.view(host).room.unwrap().tries_left, 5);
}

#[test]
fn unknown_rooms_taken_names_and_a_dead_server_end_in_words_and_an_idle_state() {
    let mut world = World::new(10, Weather::FAIR);
    let (one, two) = (world.device("one"), world.device("two"));
    world.join(one, "nowhere-acid-acorn-acre");
    world.until("told", |world| world.has_notice(one, NoticeCode::RoomUnknown));
    assert_eq!(world.phase(one), Phase::Idle);
    world.command(one, Command::Open { name: Some("wished".parse().unwrap()) });
    world.until("opened", |world| world.phase(one) == Phase::InRoom);
    world.command(two, Command::Open { name: Some("wished".parse().unwrap()) });
    world.until("told", |world| world.has_notice(two, NoticeCode::RoomTaken));
    assert_eq!((world.phase(two), world.phase(one)), (Phase::Idle, Phase::InRoom));
    world.devices[two].online = false;
    world.join(two, "wished-acid-acorn-acre");
    world.until("told", |world| world.has_notice(two, NoticeCode::ServerUnreachable));
    assert_eq!(world.phase(two), Phase::Idle);
}

#[test]
fn either_side_pauses_and_the_other_is_told() {
    let (mut world, host, guest) = World::host_and_guest(11, Weather::FAIR, bytes_of(1, 64 * MIB));
    world.accept_all(guest);
    world.until("some bytes came", |world| world.item_in(guest).progress.done > 4 << 20);
    let (their, own) = (world.item_in(guest).key, world.item_out(host).key);
    for (device, other, key) in [(guest, host, their), (host, guest, own)] {
        world.command(device, Command::Pause(key));
        world.until("both show it", |world| {
            world.item_in(guest).state == ItemState::Paused && world.item_out(host).state == ItemState::Paused
        });
        assert!(
            world.devices[other]
                .session
                .view(world.now)
                .notices
                .iter()
                .any(|n| n.code == NoticeCode::PausedThere)
        );
        world.pass(Duration::from_secs(5));
        let before = world.item_in(guest).progress.done;
        world.pass(Duration::from_secs(60));
        assert_eq!(world.item_in(guest).progress.done, before, "nothing moves while paused");
        world.command(device, Command::Resume(key));
        world.until("bytes flow again", |world| world.item_in(guest).progress.done > before);
    }
    world.until_done(guest);
}

#[test]
fn either_side_cancels_and_the_item_can_be_taken_again() {
    let content = bytes_of(1, 16 * MIB);
    let (mut world, host, guest) = World::host_and_guest(12, Weather::FAIR, content.clone());
    for round in 0..2 {
        world.accept_all(guest);
        world.until("some bytes came", |world| world.item_in(guest).progress.done > 1 << 20);
        let (device, key) =
            if round == 0 { (guest, world.item_in(guest).key) } else { (host, world.item_out(host).key) };
        world.command(device, Command::Cancel(key));
        world.until("both show it", |world| {
            world.item_in(guest).state == ItemState::Cancelled
                && world.item_out(host).state == ItemState::Cancelled
        });
        let by = if round == 0 { (Side::Here, Side::There) } else { (Side::There, Side::Here) };
        assert_eq!(world.item_in(guest).stopped_by, Some(by.0));
        assert_eq!(world.item_out(host).stopped_by, Some(by.1));
        assert!(world.devices[guest].disk.stores.is_empty(), "nothing half done is kept");
    }
    world.accept_all(guest);
    world.until_done(guest);
    assert_eq!(received(&world, guest)["file.bin"], content);
}

#[test]
fn a_removed_item_is_taken_off_the_list_and_its_fetch_ends() {
    let (mut world, host, guest) = World::host_and_guest(13, Weather::FAIR, bytes_of(1, 16 * MIB));
    world.accept_all(guest);
    world.until("some bytes came", |world| world.item_in(guest).progress.done > 1 << 20);
    let key = world.item_out(host).key;
    world.command(host, Command::Remove(key));
    world.until("it is gone", |world| world.items_in(guest).is_empty());
    assert!(
        world.devices[guest].heard.contains(&NoticeCode::ItemGone)
            || world.has_notice(guest, NoticeCode::ItemGone)
    );
    assert!(world.devices[guest].disk.stores.is_empty());
    assert!(world.devices[host].disk.sources.is_empty(), "the source is released");
}

#[test]
fn a_transfer_goes_on_by_itself_after_every_link_broke() {
    let content = bytes_of(1, 40 * MIB);
    let (mut world, _, guest) = World::host_and_guest(14, Weather::FAIR, content.clone());
    world.accept_all(guest);
    for part in 1..4u64 {
        world.until("bytes came", |world| world.item_in(guest).progress.done > part * (9 << 20));
        Wires::break_all(&mut world);
    }
    world.until_done(guest);
    assert_eq!(received(&world, guest)["file.bin"], content);
    assert!(world.wires.carried < (40 + 3 * 9) << 20, "only what was not stored is sent again");
}

#[test]
fn bytes_go_on_while_the_server_is_away_and_the_room_is_found_again() {
    let content = bytes_of(1, 40 * MIB);
    let (mut world, host, guest) = World::host_and_guest(15, Weather::FAIR, content.clone());
    world.accept_all(guest);
    world.until("bytes came", |world| world.item_in(guest).progress.done > 1 << 20);
    for device in [host, guest] {
        world.devices[device].online = false;
        Server::cut(&mut world, device);
    }
    world.until("the transfer ends without a server", |world| world.item_in(guest).state == ItemState::Done);
    assert_eq!(world.phase(guest), Phase::Reconnecting);
    assert!(world.has_notice(guest, NoticeCode::ServerLost));
    for device in [host, guest] {
        world.devices[device].online = true;
        world.command(device, Command::Nudge);
    }
    world.until("both are back", |world| {
        [host, guest].iter().all(|device| world.phase(*device) == Phase::InRoom)
    });
    world.share_file(host, "another.bin", bytes_of(3, 1_000));
    world.until("the link still serves", |world| world.items_in(guest).len() == 2);
}

#[test]
fn both_leave_mid_transfer_and_meet_again_at_once() {
    let (mut world, host, guest) = World::host_and_guest(16, Weather::FAIR, bytes_of(1, 32 * MIB));
    for _ in 0..3 {
        world.until("the item is there", |world| !world.items_in(guest).is_empty());
        world.accept_all(guest);
        world.until("bytes came", |world| world.item_in(guest).progress.done > 1 << 20);
        world.command(guest, Command::Leave);
        world.command(host, Command::Leave);
        for device in [host, guest] {
            let view = world.view(device);
            assert_eq!((view.phase, view.peers.len(), view.busy), (Phase::Idle, 0, false));
        }
        assert!(world.devices[guest].disk.stores.is_empty());
        world.command(host, Command::Open { name: None });
        world.until("the room exists", |world| world.view(host).room.is_some());
        let code = world.code(host);
        world.join(guest, &code);
    }
    world.until("the item is there", |world| !world.items_in(guest).is_empty());
    world.accept_all(guest);
    world.until_done(guest);
}

#[test]
fn a_guest_who_leaves_is_told_to_the_host_and_nothing_stale_stays() {
    let (mut world, host, guest) = World::host_and_guest(17, Weather::FAIR, bytes_of(1, 8 * MIB));
    world.share_file(guest, "theirs.bin", vec![1, 2, 3]);
    world.until("the host sees it", |world| !world.items_in(host).is_empty());
    world.command(guest, Command::Leave);
    world.until("the host is told", |world| world.has_notice(host, NoticeCode::PeerLeft));
    assert!(world.view(host).peers.is_empty() && world.items_in(host).is_empty());
    assert_eq!(world.view(host).phase, Phase::InRoom);
}

#[test]
fn what_is_whole_stays_when_the_sharer_leaves_before_it_has_its_name() {
    let content = bytes_of(2, 3 * MIB);
    let (mut world, host, guest) = World::host_and_guest(32, Weather::FAIR, content.clone());
    world.accept_all(guest);
    world.until("all is there", |world| world.item_in(guest).state == ItemState::Verifying);
    assert_eq!(world.item_out(host).fetched, 0, "the sharer is told no earlier than it is true");
    world.command(host, Command::Leave);
    world.until("the host has left", |world| world.has_notice(guest, NoticeCode::PeerLeft));
    world.until("it is complete", |world| world.items_in(guest)[0].state == ItemState::Done);
    assert_eq!(received(&world, guest)["file.bin"], content);
}

#[test]
fn a_remembered_room_is_returned_to_by_host_and_guest() {
    let (mut world, host, guest) = World::host_and_guest(18, Weather::FAIR, bytes_of(1, 1_000));
    let keepsakes: Vec<_> =
        [host, guest].iter().map(|device| world.view(*device).room.unwrap().keepsake.unwrap()).collect();
    let link = world.link(host);
    for device in [guest, host] {
        world.command(device, Command::Leave);
    }
    let (host, guest) = (world.device("host again"), world.device("guest again"));
    for (device, keepsake) in [host, guest].into_iter().zip(keepsakes) {
        world.command(device, Command::Return(keepsake));
    }
    world.share_file(host, "again.bin", vec![7; 10]);
    world.until("the item is there", |world| !world.items_in(guest).is_empty());
    assert_eq!(world.link(host), link, "the link that was sent once goes on working");
    world.accept_all(guest);
    world.until_done(guest);
}

#[test]
fn a_spoiled_piece_is_fetched_again_and_a_spoiling_disk_is_given_up() {
    let content = bytes_of(1, 6 * MIB);
    let (mut world, _, guest) = World::host_and_guest(19, Weather::FAIR, content.clone());
    world.devices[guest].disk.spoil = 3;
    world.accept_all(guest);
    world.until_done(guest);
    assert_eq!(received(&world, guest)["file.bin"], content);
    assert!(world.has_notice(guest, NoticeCode::PieceFailed));
    let (mut world, _, guest) = World::host_and_guest(20, Weather::FAIR, content);
    world.devices[guest].disk.spoil = u32::MAX;
    world.accept_all(guest);
    world.until("given up", |world| world.item_in(guest).state == ItemState::Failed);
    assert!(world.has_notice(guest, NoticeCode::ItemCorrupt));
    assert!(world.devices[guest].disk.stores.is_empty());
}

#[test]
fn no_space_and_changed_sources_are_said_and_nothing_wrong_is_kept() {
    let (mut world, _, guest) = World::host_and_guest(21, Weather::FAIR, bytes_of(1, MIB));
    world.devices[guest].disk.free = Some(10);
    world.accept_all(guest);
    world.until("told", |world| world.has_notice(guest, NoticeCode::NoSpace));
    let notice = world.view(guest).notices.pop().unwrap();
    assert_eq!((notice.number, notice.second), (Some(1 << 20), Some(10)));

    let (mut world, host, guest) = World::host_and_guest(22, Weather::FAIR, bytes_of(1, 32 * MIB));
    world.accept_all(guest);
    world.until("bytes came", |world| world.item_in(guest).progress.done > 1 << 20);
    for source in world.devices[host].disk.sources.values_mut() {
        *source = source.iter().copied().chain([0]).collect();
    }
    world.until("both are told", |world| {
        [host, guest].iter().all(|device| world.has_notice(*device, NoticeCode::SourceChanged))
    });
    assert_eq!(world.item_in(guest).state, ItemState::Failed);
    assert!(world.devices[guest].disk.stores.is_empty());
}

#[test]
fn three_files_at_once_all_arrive() {
    let (mut world, host, guest) = World::host_and_guest(23, Weather::FAIR, bytes_of(1, 3 * MIB));
    world.share_file(host, "two.bin", bytes_of(2, 4 * MIB));
    world.share_file(host, "three.bin", bytes_of(3, 5 * MIB));
    world.until("all are offered", |world| world.items_in(guest).len() == 3);
    world.accept_all(guest);
    world.until_done(guest);
    let files = received(&world, guest);
    for (name, seed, size) in [("file.bin", 1, 3), ("two.bin", 2, 4), ("three.bin", 3, 5)] {
        assert_eq!(files[name], bytes_of(seed, size * MIB), "{name}");
    }
    let speeds: Vec<u64> = world.items_in(guest).iter().map(|item| item.progress.speed).collect();
    assert_eq!(speeds, [0; 3], "what is done does not move");
}

#[test]
fn removing_a_received_item_frees_our_storage_and_never_touches_the_persons_place() {
    for in_storage in [true, false] {
        let (mut world, _, guest) = World::host_and_guest(24, Weather::FAIR, bytes_of(1, 1_000));
        world.devices[guest].disk.in_storage = in_storage;
        world.accept_all(guest);
        world.until_done(guest);
        let key = world.item_in(guest).key;
        world.command(guest, Command::Remove(key));
        assert!(world.items_in(guest).is_empty());
        assert_eq!(world.devices[guest].disk.stores.is_empty(), in_storage);
    }
}

#[test]
fn a_long_transfer_is_shown_once_a_second_to_its_end() {
    let (mut world, _, guest) = World::host_and_guest(31, Weather::SLOW, bytes_of(31, 16 * MIB));
    world.accept_all(guest);
    world.until("half a minute is left", |world| {
        world.item_in(guest).progress.seconds_left.is_some_and(|seconds| (10..30).contains(&seconds))
    });
    let shown = world.shown(guest);
    world.pass(Duration::from_secs(5));
    let slow = world.shown(guest) - shown;
    assert!((4..=6).contains(&slow), "{slow} views in 5 s");
    world.until("the end is near", |world| {
        world.item_in(guest).progress.seconds_left.is_some_and(|seconds| seconds < 4)
    });
    let shown = world.shown(guest);
    world.pass(Duration::from_secs(2));
    let late = world.shown(guest) - shown;
    assert!((1..=3).contains(&late), "{late} views in 2 s");
}

#[test]
fn a_device_that_lost_its_server_and_its_links_waits_without_waking_itself() {
    let (mut world, host, guest) = World::host_and_guest(32, Weather::FAIR, bytes_of(32, 2 * MIB));
    for device in [host, guest] {
        world.devices[device].online = false;
        Server::cut(&mut world, device);
    }
    Wires::break_all(&mut world);
    world.pass(Duration::from_secs(60));
    for device in [host, guest] {
        world.devices[device].online = true;
        world.command(device, Command::Nudge);
    }
    world.accept_all(guest);
    world.until_done(guest);
    assert_eq!(received(&world, guest)["file.bin"], bytes_of(32, 2 * MIB));
}
