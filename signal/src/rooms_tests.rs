use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const HOST: u64 = 0;

fn id(number: u64) -> PeerId {
    format!("{number:016x}").parse().unwrap()
}

fn place(socket: u64) -> Place {
    Place { node: NodeId(1), socket }
}

fn at(seconds: u64) -> Moment {
    Moment::from_millis(seconds * 1000)
}

/// A room with its host, and `guests` members with ids and sockets from 1.
fn room_with(guests: u64) -> Room {
    let mut room = Room::new(id(HOST));
    room.enter(id(HOST), place(HOST)).unwrap();
    for guest in 1..=guests {
        room.enter(id(guest), place(guest)).unwrap();
    }
    room
}

fn told(notices: &[Notice]) -> Vec<(PeerId, &What)> {
    notices.iter().map(|notice| (notice.member, &notice.what)).collect()
}

fn left(member: u64, lost: bool) -> What {
    What::Tell(ServerMessage::MemberLeft { member: id(member), lost })
}

fn knocked(member: u64) -> What {
    What::Tell(ServerMessage::Knock { member: id(member) })
}

/// Whoever changes this form lets servers of both versions read both for the time of one version: what a server cannot read is as good
/// as no room to it.
#[test]
fn a_record_has_the_form_that_servers_of_the_previous_version_know() {
    let mut room = room_with(2);
    room.share(id(1), true).unwrap();
    room.lose(id(2), place(2), at(7));
    room.knock(id(3), place(3), at(9)).unwrap();
    let record = concat!(
        r#"{"host":"0000000000000000","used":true,"seats":["#,
        r#"{"id":"0000000000000000","sharing":false,"presence":{"Here":{"node":1,"socket":0}}},"#,
        r#"{"id":"0000000000000001","sharing":true,"presence":{"Here":{"node":1,"socket":1}}},"#,
        r#"{"id":"0000000000000002","sharing":false,"presence":{"Lost":7000}}],"#,
        r#""knockers":[{"id":"0000000000000003","place":{"node":1,"socket":3},"since":9000}]}"#
    );
    assert_eq!(serde_json::from_str::<Room>(record).unwrap(), room, "without a revision");
    room.revise(None, at(11));
    // What they do not know they leave out.
    let record = format!("{},\"revision\":11000}}", record.strip_suffix('}').unwrap());
    assert_eq!(serde_json::to_string(&room).unwrap(), record);
    assert_eq!(serde_json::from_str::<Room>(&record).unwrap(), room);
}

#[test]
fn a_revision_grows_with_every_change_and_after_the_store_forgot_the_room() {
    let mut room = room_with(1);
    room.revise(None, at(9));
    let mut later = room.clone();
    later.revise(Some(&room), at(9));
    let mut forgotten = Room::restored(id(HOST), at(10));
    forgotten.revise(None, at(10));
    assert_eq!([room, later, forgotten].map(|room| room.revision()), [9000, 9001, 10_000]);
}

#[test]
fn a_room_holds_sixteen_members_and_keeps_the_hosts_place() {
    let mut room = room_with(15);
    assert_eq!(room.enter(id(16), place(16)), Err(Refusal::RoomFull));
    assert_eq!(room.knock(id(17), place(17), at(0)), Err(Refusal::RoomFull));
    room.leave(id(HOST), place(HOST));
    assert_eq!(room.enter(id(16), place(16)), Err(Refusal::RoomFull), "the host may come back");
    assert!(room.enter(id(HOST), place(99)).is_ok());
}

#[test]
fn eight_wait_at_the_door_and_the_ninth_is_told_to_come_back() {
    let mut room = room_with(0);
    for knocker in 1..=8 {
        room.knock(id(knocker), place(knocker), at(0)).unwrap();
    }
    assert_eq!(room.knock(id(9), place(9), at(0)), Err(Refusal::RoomBusy));
}

#[test]
fn who_knocks_while_the_host_changes_its_socket_waits_and_is_heard() {
    let mut room = room_with(1);
    room.knock(id(2), place(2), at(0)).unwrap();
    let notices = room.lose(id(HOST), place(HOST), at(1));
    assert_eq!(told(&notices), [(id(1), &left(HOST, true))]);
    assert_eq!(room.knock(id(3), place(3), at(10)), Ok(vec![]), "nobody is here to be told");
    room.enter(id(HOST), place(9)).unwrap();
    assert_eq!(room.waiting().collect::<Vec<_>>(), [id(2), id(3)]);
    assert_eq!(room.route(id(3), id(HOST)), Ok(place(9)));
}

#[test]
fn nobody_is_let_in_while_the_host_is_away() {
    let dismissed = |knocker| (id(knocker), &What::Dismissed(Refusal::HostAway));
    let mut room = room_with(1);
    room.knock(id(2), place(2), at(0)).unwrap();
    room.lose(id(HOST), place(HOST), at(1));
    assert_eq!(told(&room.tidy(at(11), |_| true)), [dismissed(2)]);
    assert_eq!(room.knock(id(3), place(3), at(11)), Err(Refusal::HostAway));

    let mut room = room_with(1);
    room.knock(id(2), place(2), at(0)).unwrap();
    assert_eq!(told(&room.leave(id(HOST), place(HOST))), [(id(1), &left(HOST, false)), dismissed(2)]);
    assert_eq!(room.knock(id(3), place(3), at(1)), Err(Refusal::HostAway), "it said that it leaves");
}

#[test]
fn a_knock_that_nobody_answers_ends_also_while_the_host_is_on_its_way() {
    let mut room = room_with(0);
    room.knock(id(2), place(2), at(0)).unwrap();
    room.lose(id(HOST), place(HOST), at(1));
    let notices = room.expire_knock(id(2), place(2));
    assert_eq!(told(&notices), [(id(2), &What::Dismissed(Refusal::KnockExpired))]);
}

#[test]
fn only_the_host_admits_and_only_who_knocks() {
    let mut room = room_with(1);
    room.knock(id(2), place(2), at(0)).unwrap();
    assert_eq!(room.admit(id(1), id(2)), Err(Refusal::NotHost));
    assert_eq!(room.admit(id(2), id(2)), Err(Refusal::NotMember));
    assert_eq!(room.admit(id(HOST), id(5)), Err(Refusal::PeerUnknown));
    assert!(room.admit(id(HOST), id(2)).unwrap().iter().any(|notice| notice.what == What::Admitted));
    assert_eq!(room.admit(id(HOST), id(2)), Ok(vec![]), "again changes nothing");
}

#[test]
fn a_knocker_reaches_the_host_and_nobody_else() {
    let mut room = room_with(1);
    room.knock(id(2), place(2), at(0)).unwrap();
    room.knock(id(3), place(3), at(0)).unwrap();
    assert_eq!(room.route(id(2), id(HOST)), Ok(place(HOST)));
    assert_eq!(room.route(id(HOST), id(2)), Ok(place(2)));
    for (from, to) in [(2, 1), (1, 2), (2, 3)] {
        assert_eq!(room.route(id(from), id(to)), Err(Refusal::PeerUnknown), "{from} to {to}");
    }
    assert_eq!(room.route(id(9), id(HOST)), Err(Refusal::NotMember));
    assert_eq!(room.share(id(2), true), Err(Refusal::NotMember));
}

#[test]
fn a_second_socket_of_a_member_takes_its_place_and_the_first_cannot_disturb_it() {
    let mut room = room_with(1);
    let notices = room.enter(id(1), place(7)).unwrap();
    assert_eq!((notices[0].place, &notices[0].what), (place(1), &What::Dismissed(Refusal::Replaced)));
    assert_eq!(room.lose(id(1), place(1), at(1)), vec![]);
    assert_eq!(room.leave(id(1), place(1)), vec![]);
    assert_eq!(room.place_of(id(1)), Some(place(7)));
}

#[test]
fn who_comes_again_by_the_same_socket_does_not_lose_it() {
    let mut room = room_with(2);
    let notices = room.enter(id(1), room.place_of(id(1)).unwrap()).unwrap();
    assert!(notices.iter().all(|notice| matches!(notice.what, What::Tell(_))), "{notices:?}");
}

#[test]
fn a_lost_member_keeps_its_place_for_the_grace_and_no_longer() {
    let mut room = room_with(15);
    room.lose(id(1), place(1), at(10));
    assert_eq!(room.others(id(HOST)).len(), 14, "it does not count as present");
    room.tidy(at(129), |_| true);
    assert_eq!(room.enter(id(99), place(99)), Err(Refusal::RoomFull), "but its place is kept");
    room.tidy(at(130), |_| true);
    assert!(room.enter(id(99), place(99)).is_ok());
}

#[test]
fn members_of_a_crashed_node_are_no_ghosts() {
    let mut room = room_with(1);
    let elsewhere = Place { node: NodeId(2), socket: 1 };
    room.enter(id(5), elsewhere).unwrap();
    room.knock(id(6), elsewhere, at(0)).unwrap();
    let notices = room.tidy(at(1), |place| place.node == NodeId(1));
    assert_eq!(
        told(&notices),
        [(id(HOST), &left(6, true)), (id(HOST), &left(5, true)), (id(1), &left(5, true))]
    );
    assert_eq!((room.place_of(id(5)), room.waiting().count()), (None, 0));
}

#[test]
fn a_room_that_was_only_made_ends_soon_and_a_used_one_after_a_day() {
    assert_eq!(room_with(0).ttl(), UNUSED_TTL);
    assert_eq!(room_with(1).ttl(), USED_TTL);
    assert_eq!(Room::restored(id(HOST), at(0)).ttl(), USED_TTL);
}

#[test]
fn who_knocks_at_a_room_that_came_back_before_its_host_waits_for_it_as_long_as_the_way_back_takes() {
    let mut room = Room::restored(id(HOST), at(0));
    room.enter(id(1), place(1)).unwrap();
    assert_eq!(room.others(id(1)), [], "it is not there");
    assert_eq!(room.knock(id(5), place(5), at(1)), Ok(vec![]));
    room.enter(id(HOST), place(HOST)).unwrap();
    assert_eq!(room.waiting().collect::<Vec<_>>(), [id(5)]);
    let mut room = Room::restored(id(HOST), at(0));
    assert_eq!(room.knock(id(5), place(5), at(0) + RETURN), Err(Refusal::HostAway));
}

#[test]
fn a_knock_that_was_forgotten_is_put_back_and_one_that_was_not_changes_nothing() {
    let mut room = room_with(1);
    assert_eq!(told(&room.knock(id(5), place(5), at(1)).unwrap()), [(id(HOST), &knocked(5))]);
    let before = room.clone();
    for (member, place) in [(5, place(5)), (1, place(1))] {
        assert_eq!(room.knock(id(member), place, at(9)), Ok(vec![]));
        assert_eq!(room, before, "who waits goes on waiting, and whoever was let in is in");
    }
    room.leave(id(HOST), place(HOST));
    assert_eq!(room.knock(id(6), place(6), at(9)), Err(Refusal::HostAway));
}

#[test]
fn who_was_let_in_and_then_taken_for_lost_has_its_seat_again_by_knocking_again() {
    let mut room = room_with(0);
    room.knock(id(5), place(5), at(0)).unwrap();
    room.admit(id(HOST), id(5)).unwrap();
    room.lose(id(5), place(5), at(1));
    room.knock(id(5), place(5), at(2)).unwrap();
    assert_eq!((room.place_of(id(5)), room.waiting().count()), (Some(place(5)), 0));
}

#[test]
fn ids_grow_when_a_tenth_of_them_is_in_use() {
    assert_eq!([0, 99_999, 100_000, 999_999, 1_000_000].map(digits_for), [6, 6, 7, 7, 8]);
}

/// What happens in a random walk; numbers are member ids.
#[derive(Debug, Clone)]
enum Step {
    Enter(u64),
    Knock,
    Admit(u64, u64),
    Share(u64, bool),
    Leave(u64),
    Lose(u64),
    LoseOldSocket(u64),
    Expire(u64),
    KnockAgain(u64),
    Crash,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0_u64..24;
    prop_oneof![
        4 => who.clone().prop_map(Step::Enter),
        4 => Just(Step::Knock),
        4 => (prop_oneof![3 => Just(HOST), 1 => who.clone()], 100_u64..130).prop_map(|(by, who)| Step::Admit(by, who)),
        1 => (who.clone(), any::<bool>()).prop_map(|(who, on)| Step::Share(who, on)),
        1 => who.clone().prop_map(Step::Leave),
        1 => who.clone().prop_map(Step::Lose),
        1 => who.clone().prop_map(Step::LoseOldSocket),
        1 => (100_u64..130).prop_map(Step::Expire),
        1 => (100_u64..130).prop_map(Step::KnockAgain),
        1 => Just(Step::Crash),
        1 => (1_u64..100).prop_map(Step::Wait),
    ]
}

/// Who is connected, kept independently of the room: members and knockers with their sockets.
#[derive(Default)]
struct Connected {
    members: HashMap<PeerId, Place>,
    knockers: HashMap<PeerId, Place>,
}

impl Connected {
    fn place_of(&self, member: PeerId) -> Option<Place> {
        self.members.get(&member).or_else(|| self.knockers.get(&member)).copied()
    }

    /// Somebody is gone. When the host is gone for good, nobody waits.
    fn gone(&mut self, member: PeerId, left: bool) {
        let was_member = self.members.remove(&member).is_some();
        self.knockers.remove(&member);
        if left && was_member && member == id(HOST) {
            self.knockers.clear();
        }
    }
}

struct Walk {
    room: Room,
    connected: Connected,
    now: u64,
    host_lost: u64,
    sockets: u64,
    knocks: u64,
}

impl Walk {
    fn new() -> Self {
        let room = Room::new(id(HOST));
        Self { room, connected: Connected::default(), now: 0, host_lost: 0, sockets: 0, knocks: 100 }
    }

    /// A socket on one of two nodes; the second one crashes now and then.
    fn new_place(&mut self) -> Place {
        self.sockets += 1;
        Place { node: NodeId(self.sockets % 2), socket: self.sockets }
    }

    fn take(&mut self, step: Step) -> Vec<Notice> {
        let now = at(self.now);
        match step {
            Step::Enter(who) => {
                let place = self.new_place();
                let entered = self.room.enter(id(who), place);
                if entered.is_ok() {
                    self.connected.members.insert(id(who), place);
                }
                entered.unwrap_or_default()
            }
            Step::Knock => {
                let (place, who) = (self.new_place(), id(self.knocks));
                self.knocks += 1;
                let knocked = self.room.knock(who, place, now);
                if knocked.is_ok() {
                    self.connected.knockers.insert(who, place);
                }
                knocked.unwrap_or_default()
            }
            Step::Admit(by, who) => {
                let admitted = self.room.admit(id(by), id(who));
                if admitted.is_ok()
                    && let Some(place) = self.connected.knockers.remove(&id(who))
                {
                    self.connected.members.insert(id(who), place);
                }
                admitted.unwrap_or_default()
            }
            Step::Share(who, on) => self.room.share(id(who), on).unwrap_or_default(),
            Step::Leave(who) => {
                let Some(place) = self.connected.place_of(id(who)) else { return vec![] };
                self.connected.gone(id(who), true);
                self.room.leave(id(who), place)
            }
            Step::Lose(who) => {
                let Some(place) = self.connected.place_of(id(who)) else { return vec![] };
                self.lose(id(who));
                self.room.lose(id(who), place, now)
            }
            Step::LoseOldSocket(who) => {
                let place = self.new_place();
                self.room.lose(id(who), place, now)
            }
            Step::Expire(who) => {
                let Some(place) = self.connected.knockers.remove(&id(who)) else { return vec![] };
                self.room.expire_knock(id(who), place)
            }
            Step::KnockAgain(who) => {
                let Some(place) = self.connected.place_of(id(who)) else { return vec![] };
                let before = self.room.clone();
                let notices = self.room.knock(id(who), place, now).unwrap();
                assert_eq!(self.room, before, "nothing was forgotten");
                notices
            }
            Step::Crash => {
                let crashed = |place: &Place| place.node == NodeId(0);
                let members = self.connected.members.iter().filter(|(_, place)| crashed(place));
                let ghosts: Vec<_> = members.map(|(member, _)| *member).collect();
                self.connected.knockers.retain(|_, place| !crashed(place));
                ghosts.into_iter().for_each(|ghost| self.lose(ghost));
                self.room.tidy(now, |place| place.node != NodeId(0))
            }
            Step::Wait(seconds) => {
                self.now += seconds;
                let (now, room) = (at(self.now), &self.room);
                self.connected.knockers.retain(|member, _| {
                    let mut waiting = room.knockers.iter().filter(|knocker| knocker.id == *member);
                    waiting.any(|knocker| now - Moment::from_millis(knocker.since) < KNOCK_LIMIT)
                });
                let host_is_away = !self.connected.members.contains_key(&id(HOST));
                if host_is_away && self.now - self.host_lost >= RETURN.as_secs() {
                    self.connected.knockers.clear();
                }
                self.room.tidy(at(self.now), |_| true)
            }
        }
    }

    fn lose(&mut self, member: PeerId) {
        if member == id(HOST) && self.connected.members.contains_key(&member) {
            self.host_lost = self.now;
        }
        self.connected.gone(member, false);
    }

    fn check(&self, notices: &[Notice], before: &Room) {
        let (room, connected) = (&self.room, &self.connected);
        assert!(room.seats.len() <= MAX_MEMBERS && room.knockers.len() <= MAX_KNOCKERS);
        assert!(room.knockers.is_empty() || room.has_host(at(self.now)), "knockers without a host");
        let present: HashMap<_, _> = room.present().map(|(seat, place)| (seat.id, place)).collect();
        assert_eq!(present, connected.members, "nobody is a ghost, nobody is forgotten");
        let waiting: HashMap<_, _> =
            room.knockers.iter().map(|knocker| (knocker.id, knocker.place)).collect();
        assert_eq!(waiting, connected.knockers);
        for notice in notices {
            let (to, place) = (notice.member, notice.place);
            match notice.what {
                What::Tell(_) => assert_eq!(room.place_of(to), Some(place), "told somebody who is not there"),
                What::Admitted => assert_eq!(room.place_of(to), Some(place)),
                What::Dismissed(_) => {
                    let was_there = before.place_of(to) == Some(place)
                        || before.knockers.iter().any(|knocker| (knocker.id, knocker.place) == (to, place));
                    assert!(was_there, "dismissed somebody who was not there");
                }
            }
        }
        self.check_routes();
    }

    /// A relay passes exactly between members, and between the host and a knocker.
    fn check_routes(&self) {
        let connected = self.connected.members.keys().chain(self.connected.knockers.keys()).copied();
        let everybody = connected.chain([id(999)]);
        for (from, to) in everybody.clone().flat_map(|from| everybody.clone().map(move |to| (from, to))) {
            let member = |who: &PeerId| self.connected.members.contains_key(who);
            let knocker = |who: &PeerId| self.connected.knockers.contains_key(who);
            let may = (member(&from) && member(&to))
                || (from == id(HOST) && member(&from) && knocker(&to))
                || (knocker(&from) && to == id(HOST) && member(&to));
            assert_eq!(self.room.route(from, to).is_ok(), may, "{from} to {to}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_people_come_and_go_the_room_stays_true(steps in prop::collection::vec(step(), 1..120)) {
        let mut walk = Walk::new();
        for step in steps {
            let before = walk.room.clone();
            let notices = walk.take(step);
            walk.check(&notices, &before);
        }
    }

    #[test]
    fn a_record_survives_the_store(steps in prop::collection::vec(step(), 1..50)) {
        let mut walk = Walk::new();
        steps.into_iter().for_each(|step| drop(walk.take(step)));
        let record = serde_json::to_vec(&walk.room).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Room>(&record).unwrap(), walk.room);
    }
}
