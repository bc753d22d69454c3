//! Looks at rooms that cross what people do in the same moment, on one node or on several, in each order that matters.
//!
//! Nothing runs side by side here: a store stops at the step that a test names, and the test goes on with somebody else.

mod staged;

use std::pin::pin;

use futures_util::FutureExt;
use privydrop_common::signaling::ClientMessage;

use self::staged::{Node, Person, Step, run};
use super::*;
use crate::outbox::Fate;
use crate::rooms::USED_TTL;

fn host(node: &Node) -> Person<'_> {
    let mut host = node.open();
    host.says(ClientMessage::Create { name: Some("our-room".parse().unwrap()), ticket: None }).unwrap();
    host
}

/// Somebody whom this host let in, at any node.
fn guest<'a>(host: &mut Person<'_>, node: &'a Node) -> Person<'a> {
    let mut guest = node.open();
    guest.knocks_at(host.room());
    host.node.reads();
    host.says(ClientMessage::Admit { member: guest.member() }).unwrap();
    node.reads();
    guest.hears();
    host.node.reads();
    host.hears();
    assert!(guest.room.is_some() && host.members.contains_key(&guest.member()));
    guest
}

fn alone() -> Node {
    Node::new(&Arc::default(), 1)
}

#[test]
fn who_comes_by_ticket_while_the_node_looks_at_its_rooms_is_not_replaced_by_itself() {
    let node = alone();
    let mut host = host(&node);
    let guest = guest(&mut host, &node);
    guest.is_lost();
    let mut back = node.open();
    node.store.stop_at(Step::Load);
    let mut comes = Box::pin(node.service.handle(&back.client, guest.ticket()));
    assert!(run(comes.as_mut()).is_none());
    node.does(back.look());
    node.store.go_on();
    assert_eq!(run(comes.as_mut()), Some(Ok(())));
    drop(comes);
    back.hears();
    host.hears();
    assert_eq!((back.client.outbox.fate(), &*back.refused), (Fate::Open, &[][..]));
    let member = back.member();
    assert!(back.members.contains_key(&host.member()) && host.members.contains_key(&member));
    // What it may have missed while it came is looked for once it is there.
    node.does(node.service.settle_debts());
    node.makes_good();
    assert!(back.client.outbox.take().is_some_and(|text| text.contains("joined")));
}

#[test]
fn who_makes_a_room_while_the_node_looks_at_its_rooms_has_it() {
    let node = alone();
    let mut host = node.open();
    node.store.stop_at(Step::Swap);
    let wish = ClientMessage::Create { name: Some("our-room".parse().unwrap()), ticket: None };
    let mut makes = Box::pin(node.service.handle(&host.client, wish));
    assert!(run(makes.as_mut()).is_none());
    node.does(host.look());
    node.store.go_on();
    assert_eq!(run(makes.as_mut()), Some(Ok(())));
    drop(makes);
    host.hears();
    assert_eq!((host.room().as_str(), &*host.refused), ("our-room", &[][..]));
}

/// The store forgot the room; while the node puts this person back, they go.
fn goes_while_being_put_back(goes: impl FnOnce(&Person<'_>)) {
    let node = alone();
    let mut host = host(&node);
    let guest = guest(&mut host, &node);
    let member = guest.member();
    guest.forget_room();
    node.does(host.look());
    node.store.stop_at(Step::Swap);
    let mut look = Box::pin(guest.look());
    assert!(run(look.as_mut()).is_none());
    goes(&guest);
    node.store.go_on();
    assert!(run(look.as_mut()).is_some());
    host.hears();
    assert_eq!(guest.record().unwrap().place_of(member), None);
    assert!(!host.members.contains_key(&member));
}

#[test]
fn who_leaves_or_is_lost_while_being_put_back_is_not_in_the_room() {
    goes_while_being_put_back(|guest| guest.node.does(guest.asks(ClientMessage::Leave)).unwrap());
    goes_while_being_put_back(|guest| guest.is_lost());
}

/// A host, and somebody at the door whose knock the store forgot.
fn at_a_door(node: &Node) -> (Person<'_>, Person<'_>) {
    let (mut host, mut knocker) = (host(node), node.open());
    knocker.knocks_at(host.room());
    host.forget_room();
    node.does(host.look());
    host.hears();
    host.knocks.clear();
    (host, knocker)
}

fn is_sent_away(mut host: Person<'_>, mut knocker: Person<'_>) {
    host.hears();
    knocker.hears();
    assert_eq!((host.record().unwrap().waiting().count(), &*host.knocks), (0, &[][..]));
    assert_eq!(knocker.refused, [Refusal::KnockExpired]);
}

#[test]
fn a_knock_that_ends_while_it_is_put_back_is_not_at_the_door() {
    let node = alone();
    let (host, knocker) = at_a_door(&node);
    node.store.stop_at(Step::Swap);
    let mut look = Box::pin(knocker.look());
    assert!(run(look.as_mut()).is_none());
    assert!(node.does(node.service.expire_knock(&knocker.client)));
    node.store.go_on();
    assert!(run(look.as_mut()).is_some());
    drop(look);
    is_sent_away(host, knocker);
}

#[test]
fn a_knock_that_is_put_back_while_it_ends_is_not_at_the_door() {
    for step in [Step::Keep, Step::Kept] {
        let node = alone();
        let (host, knocker) = at_a_door(&node);
        node.store.stop_at(step);
        let mut end = Box::pin(node.service.expire_knock(&knocker.client));
        assert!(run(end.as_mut()).is_none());
        node.does(knocker.look());
        node.store.go_on();
        assert_eq!(run(end.as_mut()), Some(true));
        drop(end);
        is_sent_away(host, knocker);
    }
}

#[test]
fn who_is_sent_away_by_an_old_look_does_not_stay_at_the_door_that_a_newer_one_found_open() {
    let memory = Arc::default();
    let (near, far) = (Node::new(&memory, 1), Node::new(&memory, 2));
    let mut host = host(&near);
    let mut knocker = far.open();
    knocker.knocks_at(host.room());
    near.reads();
    host.says(ClientMessage::Leave).unwrap();
    // That the door was closed is on its way still.
    far.store.stop_at(Step::Loaded);
    let mut old = Box::pin(knocker.look());
    assert!(run(old.as_mut()).is_none());
    let mut back = near.open();
    let take_again = host.ticket();
    back.says(take_again).unwrap();
    far.does(knocker.look());
    far.store.go_on();
    assert!(far.does(old.map(|()| true)));
    near.reads();
    back.hears();
    knocker.hears();
    assert_eq!(knocker.refused, [Refusal::HostAway]);
    assert_eq!((back.record().unwrap().waiting().count(), &*back.knocks), (0, &[][..]));
}

/// Nothing had to be mended here: whoever puts a member back by an old view fails to swap it in, and sees who is there.
#[test]
fn a_host_that_moves_while_its_old_node_puts_it_back_is_where_it_went() {
    for step in [Step::Load, Step::Loaded, Step::Swap] {
        let memory = Arc::default();
        let (near, far) = (Node::new(&memory, 1), Node::new(&memory, 2));
        let mut old = host(&near);
        old.forget_room();
        near.store.stop_at(step);
        let mut look = Box::pin(old.look());
        assert!(run(look.as_mut()).is_none());
        let mut moved = far.open();
        moved.says(old.ticket()).unwrap();
        near.store.go_on();
        assert!(near.does(look.map(|()| true)));
        near.reads();
        far.reads();
        old.hears();
        assert_eq!((&*old.refused, &*moved.refused), (&[Refusal::Replaced][..], &[][..]), "{step:?}");
        assert_eq!(old.record().unwrap().place_of(moved.member()), Some(moved.place()));
    }
}

/// Nothing had to be mended here either.
#[test]
fn two_nodes_that_look_at_a_forgotten_room_at_once_put_everybody_back() {
    for step in [Step::Load, Step::Loaded, Step::Swap] {
        let memory = Arc::default();
        let (near, far) = (Node::new(&memory, 1), Node::new(&memory, 2));
        let mut host = host(&near);
        let mut guest = guest(&mut host, &far);
        host.forget_room();
        far.store.stop_at(step);
        let mut look = Box::pin(guest.look());
        assert!(run(look.as_mut()).is_none());
        near.does(host.look());
        far.store.go_on();
        assert!(far.does(look.map(|()| true)));
        near.reads();
        far.reads();
        host.hears();
        guest.hears();
        for person in [&host, &guest] {
            assert_eq!(host.record().unwrap().place_of(person.member()), Some(person.place()), "{step:?}");
        }
        assert!(host.members.contains_key(&guest.member()) && guest.members.contains_key(&host.member()));
    }
}

/// Near is a host, far are a knocker and a member who is away; what the knocker believes when the news of its admission
/// come last, after those of the member's return.
fn admission_is_late(between: impl FnOnce(&Person<'_>), is_believed: bool) {
    let memory = Arc::default();
    let (near, far) = (Node::new(&memory, 1), Node::new(&memory, 2));
    let mut host = host(&near);
    let member = guest(&mut host, &far);
    member.is_lost();
    let mut knocker = far.open();
    knocker.knocks_at(host.room());
    near.reads();
    let admit = ClientMessage::Admit { member: knocker.member() };
    let mut admits = Box::pin(near.service.handle(&host.client, admit));
    assert!(run(admits.as_mut()).is_none(), "it is on its way");
    between(&knocker);
    let mut back = far.open();
    back.says(member.ticket()).unwrap();
    knocker.hears();
    assert_eq!(knocker.members.contains_key(&back.member()), is_believed);
    near.does(admits).unwrap();
    far.reads();
    far.makes_good();
    knocker.hears();
    let others: Vec<_> = knocker.members.into_keys().collect();
    let mut expected = [host.member(), back.member()];
    expected.sort_unstable();
    assert_eq!(others, expected);
}

#[test]
fn news_that_overtake_an_admission_are_not_lost_to_whoever_was_admitted() {
    admission_is_late(|_| {}, false);
}

#[test]
fn an_admission_that_a_look_found_first_does_not_take_back_what_was_said_since() {
    admission_is_late(|knocker| knocker.node.does(knocker.look()), true);
}

#[test]
fn what_a_newcomer_does_at_once_does_not_reach_others_before_the_news_of_it() {
    let memory = Arc::default();
    let [near, far, third] = [1, 2, 3].map(|id| Node::new(&memory, id));
    let mut host = host(&near);
    let mut other = guest(&mut host, &third);
    let mut newcomer = far.open();
    newcomer.knocks_at(host.room());
    near.reads();
    // It is let in, and nobody knows yet whether it heard of it.
    near.store.stop_at(Step::Published);
    let admit = ClientMessage::Admit { member: newcomer.member() };
    let mut admits = pin!(async {
        tokio::select! {
            done = near.service.handle(&host.client, admit) => done,
            () = near.service.deliver() => panic!("it delivers for ever"),
        }
    });
    assert!(run(admits.as_mut()).is_none());
    far.reads();
    newcomer.says(ClientMessage::Sharing { on: true }).unwrap();
    third.reads();
    near.store.go_on();
    assert_eq!(run(admits.as_mut()), Some(Ok(())));
    third.reads();
    other.hears();
    assert_eq!(other.members.get(&newcomer.member()), Some(&true));
}

#[test]
fn a_look_that_crosses_an_admission_does_not_shorten_the_life_of_the_room() {
    let node = alone();
    let mut host = host(&node);
    let mut knocker = node.open();
    knocker.knocks_at(host.room());
    node.store.stop_at(Step::Keep);
    let mut look = Box::pin(host.look());
    assert!(run(look.as_mut()).is_none());
    let admit = ClientMessage::Admit { member: knocker.member() };
    node.does(host.asks(admit)).unwrap();
    node.store.go_on();
    assert!(run(look.as_mut()).is_some());
    drop(look);
    host.hears();
    assert_eq!(*node.store.ttl.lock().unwrap(), USED_TTL);
    assert!(host.members.contains_key(&knocker.member()));
}

/// News of a member from two nodes, of which the first to change the room is the last to say so.
#[test]
fn news_that_are_overtaken_by_newer_ones_are_not_what_is_believed_in_the_end() {
    let memory = Arc::default();
    let [first, second, third] = [1, 2, 3].map(|id| Node::new(&memory, id));
    let mut host = host(&first);
    let guest = guest(&mut host, &second);
    let member = guest.member();
    let mut goes = Box::pin(second.service.lost(&guest.client));
    assert!(run(goes.as_mut()).is_none(), "nobody delivers what the second node has to say");
    let mut back = third.open();
    back.says(guest.ticket()).unwrap();
    first.reads();
    host.hears();
    assert!(host.members.contains_key(&member));
    second.does(goes);
    first.reads();
    host.hears();
    first.makes_good();
    host.hears();
    assert!(host.members.contains_key(&member), "it is there, whatever was said late");
}

/// Whether a node that says this in its lease is sent revisions.
fn is_sent_revisions(lease: Option<&[u8]>) -> bool {
    let memory = Arc::default();
    let [first, second] = [1, 2].map(|id| Node::new(&memory, id));
    if let Some(lease) = lease {
        let key = Key::Node(NodeId(2));
        memory.remove(&key).now_or_never().unwrap().unwrap();
        assert_eq!(memory.swap(&key, None, lease, USED_TTL).now_or_never().unwrap(), Ok(true));
    }
    let mut host = host(&first);
    let _guest = guest(&mut host, &second);
    host.says(ClientMessage::Sharing { on: true }).unwrap();
    let news: Vec<_> =
        second.mail().iter().map(|mail| Envelope::parse_all(mail).next().unwrap().unwrap()).collect();
    assert_eq!(news.len(), 1);
    news[0].revision.is_some()
}

#[test]
fn a_node_of_the_previous_version_is_sent_nothing_that_it_does_not_read() {
    assert!(is_sent_revisions(None));
    assert!(!is_sent_revisions(Some(b"alive")));
}
