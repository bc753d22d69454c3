//! Sharing files, folders or a text: done when somebody has everything.
//!
//! Pure. Does not know what is shared, only how much of it.

use std::time::Duration;

use privydrop_common::api::{ItemKind, ItemState, ItemView, NoticeCode, PeerState, Phase, View};

use crate::exit::Exit;
use crate::job::{Job, NOBODY_THERE, Step, Verdict, broken_off, is_connected, out_of_reach};
use crate::words;

/// Nobody says that a text arrived: it travels as soon as there is a connection, and has this long.
const TEXT_TRAVELS: Duration = Duration::from_secs(2);
/// A connection that broke before may be mended; who left on purpose is gone from the list at once.
const MENDED_WITHIN: Duration = Duration::from_secs(20);
/// Others are told why they will not get something, and leave when they know; who does not has this long.
const REFUSAL_TRAVELS: Duration = Duration::from_secs(10);

/// Sharing.
#[derive(Debug)]
pub(crate) struct Send {
    stay: bool,
    /// In somebody else's room, so that there is somebody to reach.
    is_guest: bool,
    connected: bool,
    is_text: bool,
}

impl Send {
    pub(crate) fn new(stay: bool, is_guest: bool) -> Self {
        Self { stay, is_guest, connected: false, is_text: false }
    }

    fn verdict(&mut self, view: &View) -> Verdict {
        if let Some(exit) = broken_off(view, self.stay) {
            return Verdict::Over(exit);
        }
        if view.notices.iter().any(|notice| is_refusal(notice.code)) {
            return Verdict::Over(Exit::Incomplete);
        }
        self.connected |= is_connected(view);
        self.is_text |= view.items.iter().any(|item| item.key.owner.is_none() && item.kind == ItemKind::Text);
        let own: Vec<&ItemView> = view.items.iter().filter(|item| item.key.owner.is_none()).collect();
        if self.stay {
            return Verdict::GoOn;
        }
        if own.is_empty() || !own.iter().all(|item| self.is_over(item)) {
            return if self.is_guest { whom_a_guest_reaches(view) } else { Verdict::GoOn };
        }
        if own.iter().any(|item| item.state == ItemState::Failed) {
            return if is_connected(view) {
                Verdict::Settled(Exit::Incomplete, REFUSAL_TRAVELS)
            } else {
                Verdict::Over(Exit::Incomplete)
            };
        }
        let may_be_back = || view.peers.iter().any(|peer| peer.state != PeerState::Refused);
        if self.is_text && !is_connected(view) && may_be_back() {
            return Verdict::Settled(Exit::Incomplete, MENDED_WITHIN);
        }
        Verdict::Settled(Exit::Done, if self.is_text { TEXT_TRAVELS } else { Duration::ZERO })
    }

    fn is_over(&self, item: &ItemView) -> bool {
        match item.kind {
            ItemKind::Text => self.connected,
            _ => item.fetching == 0 && (item.fetched > 0 || item.state == ItemState::Failed),
        }
    }
}

impl Job for Send {
    fn step(&mut self, view: &View) -> Step {
        Step { verdict: self.verdict(view), ..Step::default() }
    }

    fn how_to_go_on(&self) -> &'static str {
        words::SEND_AGAIN
    }

    fn last_words(&self, exit: Exit) -> &'static str {
        if exit == Exit::Done && self.is_text { words::TEXT_SENT } else { words::end(exit) }
    }
}

/// A guest came for those who were there: unlike a host it waits for nobody new once all of them have left.
fn whom_a_guest_reaches(view: &View) -> Verdict {
    let nobody = view.phase == Phase::InRoom && view.peers.is_empty();
    let nobody = nobody.then_some(Verdict::Settled(Exit::Incomplete, NOBODY_THERE));
    out_of_reach(view).or(nobody).unwrap_or_default()
}

/// The session will not offer what we gave it.
fn is_refusal(code: NoticeCode) -> bool {
    matches!(code, NoticeCode::TooMany | NoticeCode::TooLarge | NoticeCode::TooDeep | NoticeCode::TextTooLong)
}

#[cfg(test)]
mod tests {
    use privydrop_common::api::Notice;

    use super::*;
    use crate::job::tests::{alone, item, with_guest};

    fn own(state: ItemState, fetching: u32, fetched: u32) -> ItemView {
        ItemView { fetching, fetched, ..item(None, ItemKind::File, state) }
    }

    #[test]
    fn done_when_a_guest_has_everything_and_not_before() {
        let mut job = Send::new(false, false);
        for (items, over) in [
            (vec![own(ItemState::Offered, 0, 0)], false),
            (vec![own(ItemState::Done, 0, 1), own(ItemState::Moving, 1, 0)], false),
            (vec![own(ItemState::Done, 0, 1), own(ItemState::Cancelled, 0, 0)], false),
            (vec![own(ItemState::Done, 0, 1), own(ItemState::Done, 0, 2)], true),
        ] {
            let expected = if over { Verdict::Settled(Exit::Done, Duration::ZERO) } else { Verdict::GoOn };
            assert_eq!(job.step(&View { items, ..with_guest() }).verdict, expected);
        }
    }

    #[test]
    fn one_that_stays_is_never_done() {
        let view = View { items: vec![own(ItemState::Done, 0, 1)], ..with_guest() };
        assert_eq!(Send::new(true, false).step(&view).verdict, Verdict::GoOn);
    }

    #[test]
    fn a_guest_whom_the_host_keeps_out_is_done_when_all_has_arrived_and_goes_on_when_it_stays() {
        let mut refused = with_guest();
        (refused.peers[0].host, refused.peers[0].state) = (true, PeerState::Refused);
        let verdict = |stay, fetched| {
            let view = View { items: vec![own(ItemState::Done, 0, fetched)], ..refused.clone() };
            Send::new(stay, true).step(&view).verdict
        };
        assert_eq!(verdict(false, 0), Verdict::Over(Exit::NotLetIn));
        assert_eq!(verdict(false, 1), Verdict::Settled(Exit::Done, Duration::ZERO));
        assert_eq!(verdict(true, 0), Verdict::GoOn);
    }

    #[test]
    fn a_guest_ends_a_while_after_everybody_left_and_a_host_waits_for_the_next() {
        let items = vec![own(ItemState::Moving, 1, 0)];
        let waiting = vec![own(ItemState::Offered, 0, 0)];
        let verdict = |job: &mut Send, items: &[ItemView], view| {
            job.step(&View { items: items.to_vec(), ..view }).verdict
        };
        let nobody = Verdict::Settled(Exit::Incomplete, NOBODY_THERE);
        let joining = View { phase: Phase::Joining, ..View::default() };
        let mut guest = Send::new(false, true);
        for (items, view, expected) in [
            (&waiting, joining, Verdict::GoOn),
            (&items, with_guest(), Verdict::GoOn),
            (&waiting, alone(), nobody),
            (&items, with_guest(), Verdict::GoOn),
            (&waiting, alone(), nobody),
        ] {
            assert_eq!(verdict(&mut guest, items, view), expected);
        }
        for mut goes_on in [Send::new(false, false), Send::new(true, true)] {
            assert_eq!(verdict(&mut goes_on, &items, with_guest()), Verdict::GoOn);
            assert_eq!(verdict(&mut goes_on, &waiting, alone()), Verdict::GoOn);
        }
    }

    #[test]
    fn a_file_that_changed_is_not_done_and_the_others_hear_why() {
        let (mut job, items) = (Send::new(false, false), vec![own(ItemState::Failed, 0, 0)]);
        let verdict = job.step(&View { items: items.clone(), ..with_guest() }).verdict;
        assert_eq!(verdict, Verdict::Settled(Exit::Incomplete, REFUSAL_TRAVELS));
        assert_eq!(job.step(&View { items, ..alone() }).verdict, Verdict::Over(Exit::Incomplete));
    }

    #[test]
    fn a_text_is_done_once_somebody_was_connected() {
        let (mut job, items) =
            (Send::new(false, false), vec![item(None, ItemKind::Text, ItemState::Offered)]);
        assert_eq!(job.step(&View { items: items.clone(), ..alone() }).verdict, Verdict::GoOn);
        for view in [with_guest(), alone()] {
            let verdict = job.step(&View { items: items.clone(), ..view }).verdict;
            assert_eq!(verdict, Verdict::Settled(Exit::Done, TEXT_TRAVELS));
        }
    }

    #[test]
    fn a_text_whose_connection_breaks_on_its_way_is_not_sent_unless_it_comes_back_or_the_other_left() {
        let (mut job, items) =
            (Send::new(false, false), vec![item(None, ItemKind::Text, ItemState::Offered)]);
        let mut lost = with_guest();
        lost.peers[0].state = PeerState::Lost;
        let broken = Verdict::Settled(Exit::Incomplete, MENDED_WITHIN);
        let sent = Verdict::Settled(Exit::Done, TEXT_TRAVELS);
        for (view, verdict) in [
            (with_guest(), sent),
            (lost.clone(), broken),
            (with_guest(), sent),
            (lost, broken),
            (alone(), sent),
        ] {
            assert_eq!(job.step(&View { items: items.clone(), ..view }).verdict, verdict);
        }
        assert_eq!(job.last_words(Exit::Done), words::TEXT_SENT);
    }

    #[test]
    fn a_server_out_of_reach_ends_it_unless_it_stays() {
        let notice = Notice {
            id: 1,
            code: NoticeCode::ServerUnreachable,
            subject: String::new(),
            number: None,
            second: None,
        };
        let view = View { phase: Phase::Opening, notices: vec![notice], ..View::default() };
        assert_eq!(Send::new(false, false).step(&view).verdict, Verdict::Over(Exit::Server));
        assert_eq!(Send::new(true, false).step(&view).verdict, Verdict::GoOn);
    }
}
