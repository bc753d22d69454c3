//! Receiving: takes everything that is offered, and is done when all of it is verified and stored.
//!
//! Pure. Stores nothing itself; what exceeds the quota is left out and said to be.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use privydrop_common::api::{Command, ItemKey, ItemKind, ItemState, ItemView, Level, View};
use privydrop_common::host::PlaceId;

use crate::events::Event;
use crate::exit::Exit;
use crate::job::{Job, NOBODY_THERE, Step, Verdict, broken_off, is_connected, out_of_reach};
use crate::words;

/// A sharer may offer more right after the last thing it offered.
const NOTHING_MORE: Duration = Duration::from_secs(1);
/// Whole items that one who stays keeps on the session's list; past so many the oldest go. Their files stay.
const MAX_LISTED: usize = 100;
/// Items whose fate one who stays remembers; past so many only of those that may be offered again, or are listed.
const MAX_SEEN: usize = 4096;

/// A sharer that began anew, like a page that was loaded again, has nothing to offer until somebody picks it again. As long as
/// the server keeps a place for one that is away.
const PICKED_AGAIN: Duration = Duration::from_secs(120);

/// Receiving.
#[derive(Debug)]
pub(crate) struct Receive {
    place: PlaceId,
    stay: bool,
    /// Bytes that may still be accepted.
    quota: Option<u64>,
    /// What of it went to items that are not here yet.
    charged: BTreeMap<ItemKey, u64>,
    seen: BTreeMap<ItemKey, Fate>,
    connected: bool,
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Taken,
    LeftOut,
    Received,
    /// With what that means for the run, when it was said why.
    Failed(Option<Exit>),
    /// It was taken, and is not offered any more.
    Gone,
}

impl Receive {
    pub(crate) fn new(place: PlaceId, stay: bool, quota: Option<u64>) -> Self {
        Self { place, stay, quota, charged: BTreeMap::new(), seen: BTreeMap::new(), connected: false }
    }

    /// Notes what became of what was there before.
    fn follow(&mut self, view: &View) {
        let is_there = |key: &ItemKey| view.items.iter().any(|item| item.key == *key);
        for (key, fate) in &mut self.seen {
            if *fate == Fate::Taken && !is_there(key) {
                *fate = Fate::Gone;
            }
        }
        for item in offered(view) {
            let fate = match item.state {
                ItemState::Done => Fate::Received,
                ItemState::Failed | ItemState::Cancelled => Fate::Failed(self.reason(item, view)),
                ItemState::Offered => continue,
                _ if self.seen.contains_key(&item.key) => continue,
                _ => Fate::Taken,
            };
            if self.seen.insert(item.key, fate).is_none() && item.kind != ItemKind::Text {
                self.take_place_of_one_gone(item.key);
            }
            match fate {
                // What is here has used its part of the quota up, what failed has not.
                Fate::Received => _ = self.charged.remove(&item.key),
                Fate::Failed(_) => {
                    let back = self.charged.remove(&item.key).unwrap_or_default();
                    self.quota = self.quota.map(|left| left.saturating_add(back));
                }
                _ => {}
            }
        }
        self.forget(view);
    }

    /// One who stays for weeks does not remember all that ever came.
    fn forget(&mut self, view: &View) {
        let listed: BTreeSet<ItemKey> = view.items.iter().map(|item| item.key).collect();
        let is_here = |key: &ItemKey| view.peers.iter().any(|peer| Some(peer.id) == key.owner);
        if self.stay && self.seen.len() > MAX_SEEN {
            self.seen.retain(|key, _| listed.contains(key) || is_here(key));
        }
        if self.stay && self.seen.len() > MAX_SEEN {
            self.seen.retain(|key, _| listed.contains(key));
        }
        self.charged.retain(|key, _| self.seen.contains_key(key));
    }

    /// Remembered, for messages are few and the next ones take its place.
    fn reason(&self, item: &ItemView, view: &View) -> Option<Exit> {
        let said = view.notices.iter().rev();
        let mut said = said.filter(|said| said.code.level() == Level::Alert && said.subject == item.name);
        said.next().map(|said| Exit::of(said.code)).or_else(|| match self.seen.get(&item.key) {
            Some(Fate::Failed(before)) => *before,
            _ => None,
        })
    }

    /// The session goes on by itself with what a sharer that was started anew offers again: under another key it is what
    /// is gone.
    fn take_place_of_one_gone(&mut self, key: ItemKey) {
        let gone = self.seen.iter().find(|(_, fate)| **fate == Fate::Gone).map(|(key, _)| *key);
        if let Some(gone) = gone {
            self.seen.remove(&gone);
            if let Some(charged) = self.charged.remove(&gone) {
                self.charged.insert(key, charged);
            }
        }
    }

    /// Takes what is new.
    fn take(&mut self, view: &View) -> (Vec<Command>, Vec<Event>) {
        let (mut commands, mut remarks) = (Vec::new(), Vec::new());
        for item in offered(view).filter(|item| item.state == ItemState::Offered) {
            if self.seen.contains_key(&item.key) {
                continue;
            }
            if self.quota.is_some_and(|left| item.size > left) {
                self.seen.insert(item.key, Fate::LeftOut);
                remarks.push(Event::LeftOut { name: item.name.clone(), size: item.size });
                continue;
            }
            if let Some(left) = &mut self.quota {
                *left -= item.size;
                self.charged.insert(item.key, item.size);
            }
            self.seen.insert(item.key, Fate::Taken);
            commands.push(Command::Accept { item: item.key, place: self.place });
        }
        (commands, remarks)
    }

    /// One who stays for weeks does not carry all that ever came. What is taken off the list is not taken again: it was seen.
    fn tidy(&self, view: &View) -> Option<Command> {
        let whole =
            || offered(view).filter(|item| item.state == ItemState::Done && item.kind != ItemKind::Text);
        let oldest = whole().next().filter(|_| self.stay && whole().count() > MAX_LISTED);
        oldest.map(|item| Command::Remove(item.key))
    }

    fn verdict(&self, view: &View) -> Verdict {
        if let Some(exit) = broken_off(view, self.stay) {
            // What is complete stays so when the room ends afterwards.
            return Verdict::Over(if self.all(Fate::Received) { Exit::Done } else { exit });
        }
        if self.stay || self.seen.values().any(|fate| *fate == Fate::Taken) {
            return Verdict::GoOn;
        }
        if self.all(Fate::Received) {
            Verdict::Settled(Exit::Done, NOTHING_MORE)
        } else if !self.seen.is_empty() {
            let mut reasons = self.seen.values().filter_map(|fate| match fate {
                Fate::Failed(reason) => *reason,
                _ => None,
            });
            let reason = reasons.next().or_else(|| Exit::of_last_alert(view));
            let exit = reason.unwrap_or(Exit::Incomplete);
            Verdict::Settled(exit, if self.is_awaited(view) { PICKED_AGAIN } else { NOTHING_MORE })
        } else if let Some(verdict) = out_of_reach(view) {
            verdict
        } else if self.connected && view.peers.is_empty() {
            Verdict::Settled(Exit::Incomplete, NOBODY_THERE)
        } else {
            Verdict::GoOn
        }
    }

    /// True when something goes on by itself as soon as it is shared again, and its sharer is still there.
    fn is_awaited(&self, view: &View) -> bool {
        let is_there = |key: &ItemKey| view.peers.iter().any(|peer| Some(peer.id) == key.owner);
        let mut gone = self.seen.iter().filter(|(_, fate)| **fate == Fate::Gone);
        !view.wanted.is_empty() && gone.any(|(key, _)| is_there(key))
    }

    fn all(&self, fate: Fate) -> bool {
        !self.seen.is_empty() && self.seen.values().all(|other| *other == fate)
    }
}

impl Job for Receive {
    fn step(&mut self, view: &View) -> Step {
        self.connected |= is_connected(view);
        self.follow(view);
        let (mut commands, remarks) = self.take(view);
        commands.extend(self.tidy(view));
        Step { commands, remarks, verdict: self.verdict(view) }
    }

    fn how_to_go_on(&self) -> &'static str {
        if self.stay { words::STAY_AGAIN } else { words::RECEIVE_AGAIN }
    }
}

/// What others offer; a text is here with its offer.
fn offered(view: &View) -> impl Iterator<Item = &ItemView> {
    view.items
        .iter()
        .filter(|item| item.key.owner.is_some() && (item.kind != ItemKind::Text || item.text.is_some()))
}

#[cfg(test)]
mod tests {
    use privydrop_common::api::{Notice, NoticeCode};
    use privydrop_common::id::ItemId;
    use privydrop_common::text::Document;

    use super::*;
    use crate::job::tests::{alone, item, peer, with_guest};

    const PLACE: PlaceId = PlaceId(3);

    fn theirs(state: ItemState, size: u64) -> ItemView {
        ItemView { size, ..item(Some(peer()), ItemKind::File, state) }
    }

    fn view(items: Vec<ItemView>) -> View {
        View { items, ..with_guest() }
    }

    #[test]
    fn everything_is_taken_once_and_done_when_all_is_stored() {
        let mut job = Receive::new(PLACE, false, None);
        assert_eq!(job.step(&view(Vec::new())), Step::default());
        let offered = theirs(ItemState::Offered, 5);
        let step = job.step(&view(vec![offered.clone()]));
        assert_eq!(step.commands, [Command::Accept { item: offered.key, place: PLACE }]);
        assert_eq!((job.step(&view(vec![offered])).commands, step.verdict), (Vec::new(), Verdict::GoOn));
        let done = job.step(&view(vec![theirs(ItemState::Done, 5)]));
        assert_eq!(done.verdict, Verdict::Settled(Exit::Done, NOTHING_MORE));
    }

    #[test]
    fn a_sharer_that_leaves_before_the_end_leaves_it_incomplete() {
        let mut job = Receive::new(PLACE, false, None);
        job.step(&view(vec![theirs(ItemState::Offered, 5)]));
        assert_eq!(job.step(&alone()).verdict, Verdict::Settled(Exit::Incomplete, NOTHING_MORE));
        job.step(&view(vec![theirs(ItemState::Done, 5)]));
        assert_eq!(
            job.step(&alone()).verdict,
            Verdict::Settled(Exit::Done, NOTHING_MORE),
            "what is here stays"
        );
    }

    #[test]
    fn what_a_sharer_offers_anew_after_its_restart_is_waited_for_in_place_of_what_it_offered_before() {
        let mut job = Receive::new(PLACE, false, None);
        job.step(&view(vec![theirs(ItemState::Offered, 5)]));
        let again = |state| {
            let key = ItemKey { owner: Some(peer()), item: crate::job::tests::id(2) };
            ItemView { key, ..theirs(state, 5) }
        };
        let step = job.step(&view(vec![again(ItemState::Waiting)]));
        assert_eq!((step.commands, step.verdict), (Vec::new(), Verdict::GoOn));
        let done = job.step(&view(vec![again(ItemState::Done)]));
        assert_eq!(done.verdict, Verdict::Settled(Exit::Done, NOTHING_MORE));
    }

    #[test]
    fn what_a_sharer_has_to_pick_again_is_waited_for_as_long_as_it_is_there() {
        let mut job = Receive::new(PLACE, false, None);
        job.step(&view(vec![theirs(ItemState::Offered, 5)]));
        let wanted = vec!["000102030405060708090a0b0c0d0e0f".parse().unwrap()];
        let mut verdict = |view| job.step(&View { wanted: wanted.clone(), ..view }).verdict;
        assert_eq!(verdict(with_guest()), Verdict::Settled(Exit::Incomplete, PICKED_AGAIN));
        let text = item(Some(peer()), ItemKind::Text, ItemState::Done);
        let text = ItemView {
            key: ItemKey { item: ItemId::TEXT, ..text.key },
            text: Document::from_plain("soon").ok(),
            ..text
        };
        assert_eq!(verdict(view(vec![text])), Verdict::Settled(Exit::Incomplete, PICKED_AGAIN));
        assert_eq!(verdict(alone()), Verdict::Settled(Exit::Incomplete, NOTHING_MORE));
        let taken_back = job.step(&with_guest()).verdict;
        assert_eq!(taken_back, Verdict::Settled(Exit::Incomplete, NOTHING_MORE));
    }

    fn numbered(number: u8, state: ItemState, size: u64) -> ItemView {
        let key = ItemKey { owner: Some(peer()), item: crate::job::tests::id(number) };
        ItemView { key, ..theirs(state, size) }
    }

    #[test]
    fn what_exceeds_the_quota_together_with_what_came_before_is_left_out_and_said() {
        let mut job = Receive::new(PLACE, true, Some(8));
        let first = numbered(1, ItemState::Offered, 5);
        let step = job.step(&view(vec![first.clone(), numbered(2, ItemState::Offered, 5)]));
        assert_eq!(step.commands, [Command::Accept { item: first.key, place: PLACE }]);
        assert!(matches!(&step.remarks[..], [Event::LeftOut { size: 5, .. }]));
        let later = vec![numbered(1, ItemState::Done, 5), numbered(3, ItemState::Offered, 5)];
        assert_eq!(job.step(&view(later)).commands, [], "what is here has used it up");
    }

    #[test]
    fn the_quota_of_what_failed_is_there_for_what_comes_next() {
        let mut job = Receive::new(PLACE, true, Some(8));
        job.step(&view(vec![numbered(1, ItemState::Offered, 5)]));
        let failed = numbered(1, ItemState::Failed, 5);
        for _ in 0..2 {
            assert_eq!(job.step(&view(vec![failed.clone()])).commands, []);
        }
        let step = job.step(&view(vec![failed, numbered(2, ItemState::Offered, 8)]));
        assert_eq!((step.commands.len(), step.remarks), (1, Vec::new()));
        let step = job.step(&view(vec![numbered(3, ItemState::Offered, 1)]));
        assert!(step.commands.is_empty(), "no more than was taken came back");
    }

    #[test]
    fn one_that_stays_remembers_what_may_come_again_and_not_all_that_ever_came() {
        let mut job = Receive::new(PLACE, true, None);
        let item_of = |owner: u64, item: u64| {
            let key = ItemKey {
                owner: format!("{owner:016x}").parse().ok(),
                item: format!("{item:032x}").parse().unwrap(),
            };
            ItemView { key, ..theirs(ItemState::Done, 5) }
        };
        let here = u64::from_str_radix(&peer().to_string(), 16).unwrap();
        job.step(&view(vec![item_of(here, 1)]));
        for guest in 1..=60 {
            job.step(&view((0..100).map(|number| item_of(guest, number)).collect()));
        }
        assert!(job.seen.len() <= MAX_SEEN, "{}", job.seen.len());
        let again = ItemView { state: ItemState::Offered, ..item_of(here, 1) };
        assert_eq!(job.step(&view(vec![again])).commands, [], "its sharer is still there");
        for number in 0..60 {
            job.step(&view((0..100).map(|item| item_of(here, 100 * number + item)).collect()));
        }
        assert!(job.seen.len() <= MAX_SEEN, "{}", job.seen.len());
    }

    #[test]
    fn one_that_stays_goes_on_after_everything() {
        let mut job = Receive::new(PLACE, true, None);
        assert_eq!(job.step(&view(vec![theirs(ItemState::Done, 5)])).verdict, Verdict::GoOn);
    }

    #[test]
    fn one_that_stays_lists_the_newest_and_takes_nothing_twice() {
        let all: Vec<ItemView> = (0..=100).map(|number| numbered(number, ItemState::Done, 5)).collect();
        let mut job = Receive::new(PLACE, true, None);
        assert_eq!(job.step(&view(all[1..].to_vec())).commands, []);
        assert_eq!(job.step(&view(all.clone())).commands, [Command::Remove(all[0].key)]);
        let again = ItemView { state: ItemState::Offered, ..all[0].clone() };
        assert_eq!(job.step(&view(vec![again])).commands, []);
        assert_eq!(Receive::new(PLACE, false, None).step(&view(all)).commands, []);
    }

    #[test]
    fn the_reason_for_a_failure_is_remembered_when_later_messages_have_taken_its_place() {
        let mut job = Receive::new(PLACE, false, None);
        let failed = theirs(ItemState::Failed, 5);
        let notice = |id, code| Notice { id, code, subject: failed.name.clone(), number: None, second: None };
        let mut verdict = |notices| job.step(&View { notices, ..view(vec![failed.clone()]) }).verdict;
        let full = Verdict::Settled(Exit::NotStored, NOTHING_MORE);
        assert_eq!(verdict(vec![notice(1, NoticeCode::PlaceFull)]), full);
        assert_eq!(verdict(vec![notice(2, NoticeCode::ItemReceived)]), full);
    }

    #[test]
    fn the_reason_for_a_failure_is_the_exit_code() {
        let mut job = Receive::new(PLACE, false, None);
        let code = NoticeCode::NoSpace;
        let notices = vec![Notice { id: 1, code, subject: String::new(), number: Some(2), second: Some(1) }];
        let view = View { notices, ..view(vec![theirs(ItemState::Failed, 5)]) };
        assert_eq!(job.step(&view).verdict, Verdict::Settled(Exit::NotStored, NOTHING_MORE));
    }
}
