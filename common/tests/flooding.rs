//! Peers that passed the handshake and then ask, offer or keep waiting without measure: what they cost is bounded, they are
//! told or cut off, and honest members notice nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod world;

use std::time::Duration;

use privydrop_common::api::{Command, ItemState, NewContent, NewFile, NewItem, NoticeCode};
use privydrop_common::id::{ItemId, TransferId};
use privydrop_common::transport::{Happened, Lane};
use privydrop_common::wire::{
    Control, Entry, EntryKind, Have, ItemSummary, MAX_ITEMS, RefuseFetch, SummaryKind,
};
use world::{Delivery, DeviceId, Weather, World, bytes_of, received};

const SIZE: usize = 3 << 20;

/// Lets a device hear this from the peer of its only link, one word each tenth of a millisecond.
fn hear(world: &mut World, device: DeviceId, words: impl IntoIterator<Item = Control>) {
    let link = world.wires.link_of(device);
    for (number, word) in (0..).zip(words) {
        let frame = Delivery::Happened(link, Happened::Frame(Lane::Control, word.encode()));
        world.later(device, Duration::from_micros(100 * number), frame);
    }
}

/// Joins and has the host's file, whatever another member does.
fn is_served(world: &mut World, host: DeviceId) {
    let honest = world.device("honest");
    let code = world.code(host);
    world.join(honest, &code);
    world.until("the item is seen", |world| !world.items_in(honest).is_empty());
    world.accept_all(honest);
    world.until("it arrives", |world| received(world, honest).contains_key("file.bin"));
}

fn fetch(number: u32, item: ItemId, window: u64) -> Control {
    Control::Fetch { transfer: TransferId(1_000_000 + number), item, have: Have::default(), window }
}

fn file(id: ItemId, name: String) -> ItemSummary {
    ItemSummary { id, name, size: 1, kind: SummaryKind::File { modified: None } }
}

#[test]
fn ten_thousand_fetches_of_one_peer_are_a_few_and_the_others_are_turned_away() {
    let (mut world, host, _) = World::host_and_guest(1, Weather::FAIR, bytes_of(1, SIZE));
    let item = world.item_out(host).key.item;
    hear(&mut world, host, (0..10_000).map(|number| fetch(number, item, 1)));
    world.pass(Duration::from_secs(2));
    assert!((1..=16).contains(&world.item_out(host).fetching), "{}", world.item_out(host).fetching);
    let busy = |answer: &&Control| matches!(answer, Control::Refuse { why: RefuseFetch::Busy, .. });
    assert!(world.wires.answers.iter().filter(busy).count() >= 9_000, "the others are told");
    is_served(&mut world, host);
}

#[test]
fn who_fetches_and_cancels_without_end_keeps_the_disk_no_busier_than_who_fetches() {
    let (mut world, host, _) = World::host_and_guest(9, Weather::FAIR, bytes_of(1, SIZE));
    let item = world.item_out(host).key.item;
    let link = world.wires.link_of(host);
    for number in 0..2_000 {
        for word in [fetch(number, item, u64::MAX), Control::Cancel(TransferId(1_000_000 + number))] {
            let frame = Delivery::Happened(link, Happened::Frame(Lane::Control, word.encode()));
            world.later(host, Duration::ZERO, frame);
        }
    }
    let before = world.devices[host].disk.reads;
    world.pass(Duration::from_micros(1));
    let reads = world.devices[host].disk.reads - before;
    assert!((1..200).contains(&reads), "{reads} reads are under way");
    is_served(&mut world, host);
}

#[test]
fn a_peer_that_grants_nothing_is_sent_nothing_and_holds_nobody_up() {
    let (mut world, host, guest) = World::host_and_guest(2, Weather::FAIR, bytes_of(1, SIZE));
    let item = world.item_out(host).key.item;
    let before: u64 = world.wires.carried_by.values().sum();
    hear(&mut world, host, (0..16).map(|number| fetch(number, item, 0)));
    world.pass(Duration::from_secs(60));
    assert_eq!(world.wires.carried_by.values().sum::<u64>(), before, "not a byte of the file");
    is_served(&mut world, host);
    // When it leaves, nothing is left of what it asked for.
    world.command(guest, Command::Leave);
    world.until("it is gone", |world| world.item_out(host).fetching == 0);
}

#[test]
fn listings_are_sent_as_often_as_they_are_asked_for_and_cost_nothing_to_keep() {
    let (mut world, host, _) = World::host_and_guest(3, Weather::FAIR, bytes_of(1, SIZE));
    let item = world.item_out(host).key.item;
    let nowhere = ItemId::random(&mut world.rng);
    let asked =
        (0..5_000).map(|from| Control::List { item: if from % 2 == 0 { item } else { nowhere }, from });
    hear(&mut world, host, asked);
    world.pass(Duration::from_secs(2));
    let gone = |answer: &&Control| matches!(answer, Control::RefuseList { why: RefuseFetch::Gone, .. });
    let listed = |answer: &&Control| matches!(answer, Control::Entries { .. });
    let answers = &world.wires.answers;
    assert_eq!((answers.iter().filter(listed).count(), answers.iter().filter(gone).count()), (2_500, 2_500));
    is_served(&mut world, host);
}

#[test]
fn what_was_taken_back_is_refused_to_whoever_asks_for_it_all_the_same() {
    let (mut world, host, _) = World::host_and_guest(10, Weather::FAIR, bytes_of(1, SIZE));
    let key = world.item_out(host).key;
    world.command(host, Command::Remove(key));
    hear(&mut world, host, [fetch(1, key.item, u64::MAX), Control::List { item: key.item, from: 0 }]);
    let (carried, reads) = (world.wires.carried, world.devices[host].disk.reads);
    world.pass(Duration::from_secs(2));
    let why = RefuseFetch::Gone;
    let refused = [
        Control::Refuse { transfer: TransferId(1_000_001), why },
        Control::RefuseList { item: key.item, why },
    ];
    assert_eq!(world.wires.answers, refused);
    assert_eq!((world.wires.carried, world.devices[host].disk.reads), (carried, reads), "not a byte of it");
}

#[test]
fn one_item_too_many_ends_the_link_and_is_said() {
    let (mut world, host, guest) = World::host_and_guest(4, Weather::FAIR, bytes_of(1, 1_000));
    let offers: Vec<_> = (0..MAX_ITEMS)
        .map(|number| Control::Offer(file(ItemId::random(&mut world.rng), format!("{number}.txt"))))
        .collect();
    // The guest has one of the host's already.
    hear(&mut world, guest, offers);
    world.until("told", |world| world.has_notice(guest, NoticeCode::PeerViolation));
    assert!(world.items_in(guest).len() <= MAX_ITEMS);
    is_served(&mut world, host);
}

#[test]
fn names_that_harm_are_not_kept_however_many_there_are() {
    let (mut world, host, guest) = World::host_and_guest(5, Weather::FAIR, bytes_of(1, 1_000));
    let offers: Vec<_> = (0..10_000)
        .map(|number| Control::Offer(file(ItemId::random(&mut world.rng), format!("../{number}"))))
        .collect();
    hear(&mut world, guest, offers);
    world.until("told", |world| world.has_notice(guest, NoticeCode::UnsafeName));
    world.pass(Duration::from_secs(2));
    assert_eq!(world.items_in(guest).len(), 1);
    assert!(world.view(guest).notices.len() <= 8, "{}", world.view(guest).notices.len());
    is_served(&mut world, host);
}

#[test]
fn a_path_of_a_hundred_thousand_folders_is_refused_and_nothing_of_it_made() {
    let (mut world, _, guest) = World::host_and_guest(6, Weather::FAIR, bytes_of(1, 1_000));
    let item = ItemId::random(&mut world.rng);
    let kind = SummaryKind::Folder { files: 0, entries: 1 };
    let offer = Control::Offer(ItemSummary { id: item, name: "deep".into(), size: 0, kind });
    hear(&mut world, guest, [offer]);
    world.until("listed", |world| world.items_in(guest).len() == 2);
    let key = world.items_in(guest).into_iter().find(|other| other.key.item == item).unwrap().key;
    world.accept(guest, key);
    let deep = Entry { path: vec!["a".into(); 100_000], kind: EntryKind::Folder };
    hear(&mut world, guest, [Control::Entries { item, from: 0, entries: vec![deep] }]);
    world.until("told", |world| world.has_notice(guest, NoticeCode::UnsafeName));
    assert!(world.devices[guest].disk.stores.is_empty());
}

#[test]
fn credits_that_grant_everything_for_ever_change_nothing_but_the_speed() {
    let (mut world, host, guest) = World::host_and_guest(7, Weather::FAIR, bytes_of(1, SIZE));
    world.accept_all(guest);
    world.until("the fetch runs", |world| world.item_in(guest).state == ItemState::Moving);
    let transfer = TransferId(world.wires.last_transfer.expect("a fetch was sent"));
    let credit = Control::Credit { transfer, granted: u64::MAX, stored: u64::MAX };
    hear(&mut world, host, std::iter::repeat_n(credit, 1_000));
    world.until("it arrives", |world| received(world, guest).contains_key("file.bin"));
    assert!(world.item_out(host).progress.done <= SIZE as u64);
}

#[test]
fn what_is_too_much_to_share_is_said_and_its_files_are_let_go_of() {
    let (mut world, host, _) = World::host_and_guest(11, Weather::FAIR, bytes_of(1, 1_000));
    let folder =
        |files| NewItem { name: "folder".into(), content: NewContent::Folder { files, folders: Vec::new() } };
    let small = world.put(host, bytes_of(2, 10));
    let deep = folder(vec![(vec!["in".to_owned(); 1_000], small)]);
    let whole = world.put(host, bytes_of(3, 10));
    let large = folder(vec![(vec!["large".to_owned()], NewFile { size: u64::MAX, ..whole })]);
    for (item, code) in [(deep, NoticeCode::TooDeep), (large, NoticeCode::TooLarge)] {
        world.command(host, Command::Share(vec![item]));
        world.until("told", |world| world.has_notice(host, code));
    }
    let one = |number: usize| NewItem { name: format!("{number}"), content: NewContent::File(small) };
    world.command(host, Command::Share((1..MAX_ITEMS).map(one).collect()));
    let last = world.put(host, bytes_of(4, 10));
    world.command(
        host,
        Command::Share(vec![NewItem { name: "last".into(), content: NewContent::File(last) }]),
    );
    world.until("told", |world| world.has_notice(host, NoticeCode::TooMany));
    assert_eq!(world.devices[host].disk.sources.len(), 1, "only what is offered can still be read");
}
