//! What a run of the program is after: looks at each view, says what to do, and knows when it is done.
//!
//! Pure: waits for nothing and prints nothing.

use std::time::Duration;

use privydrop_common::api::{Command, NoticeCode, PeerState, Phase, View};

use crate::events::Event;
use crate::exit::Exit;
use crate::words;

/// The session tries again by itself; after this long nobody waits any more.
const NO_CONNECTION: Duration = Duration::from_secs(45);
/// Somebody who left may be back.
pub(crate) const NOBODY_THERE: Duration = Duration::from_secs(20);

/// What follows from a view.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Step {
    pub(crate) commands: Vec<Command>,
    /// What the views do not tell.
    pub(crate) remarks: Vec<Event>,
    pub(crate) verdict: Verdict,
}

/// Whether the run is over.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) enum Verdict {
    /// There is something to wait for.
    #[default]
    GoOn,
    /// Over, unless the verdict changes within this time. With [`Exit::Done`] also as soon as the others have left:
    /// until then the last words to them may be on their way.
    Settled(Exit, Duration),
    /// Over now.
    Over(Exit),
}

/// One run's purpose.
pub(crate) trait Job {
    /// Looks at the newest view.
    fn step(&mut self, view: &View) -> Step;

    /// What to tell a person who interrupts: how to go on.
    fn how_to_go_on(&self) -> &'static str;

    /// The last line of a run that nobody interrupted.
    fn last_words(&self, exit: Exit) -> &'static str {
        words::end(exit)
    }
}

/// True once the session took the first command: it has a room to make or enter, or said why not.
pub(crate) fn has_begun(view: &View) -> bool {
    view.phase != Phase::Idle || !view.notices.is_empty()
}

/// Why the run ends though nobody asked for it.
pub(crate) fn broken_off(view: &View, stay: bool) -> Option<Exit> {
    let has = |code| view.notices.iter().any(|notice| notice.code == code);
    let unreachable = view.phase == Phase::Opening && has(NoticeCode::ServerUnreachable);
    if view.phase == Phase::Idle && has_begun(view) {
        Some(Exit::of_last_alert(view).unwrap_or(Exit::Incomplete))
    } else {
        (unreachable && !stay).then_some(Exit::Server)
    }
}

/// Why a guest that nobody is connected to will not go on. One guest who is kept out says nothing of the others: it may
/// be that one who is damaged or of another version.
pub(crate) fn out_of_reach(view: &View) -> Option<Verdict> {
    if is_connected(view) {
        return None;
    }
    let failed = view.notices.iter().any(|notice| notice.code == NoticeCode::ConnectFailed);
    if view.peers.iter().any(|peer| peer.host && peer.state == PeerState::Refused) {
        Some(Verdict::Over(Exit::NotLetIn))
    } else {
        failed.then_some(Verdict::Settled(Exit::NotConnected, NO_CONNECTION))
    }
}

/// True when somebody else is connected and has proved the room's secret.
pub(crate) fn is_connected(view: &View) -> bool {
    view.peers.iter().any(|peer| peer.state == PeerState::Connected && peer.verified)
}

#[cfg(test)]
pub(crate) mod tests {
    //! Views to try jobs on.

    use privydrop_common::api::{ItemKey, ItemKind, ItemState, ItemView, PeerView};
    use privydrop_common::id::{ItemId, PeerId};

    use super::*;

    pub(crate) fn peer() -> PeerId {
        "00000000000000aa".parse().unwrap()
    }

    pub(crate) fn id(number: u8) -> ItemId {
        format!("{number:032x}").parse().unwrap()
    }

    /// In a room with nobody else.
    pub(crate) fn alone() -> View {
        View { phase: Phase::InRoom, ..View::default() }
    }

    /// In a room with one other, connected.
    pub(crate) fn with_guest() -> View {
        let peer = PeerView {
            id: peer(),
            label: "Browser".into(),
            state: PeerState::Connected,
            path: None,
            lanes: 1,
            verified: true,
            host: false,
        };
        View { peers: vec![peer], ..alone() }
    }

    pub(crate) fn item(owner: Option<PeerId>, kind: ItemKind, state: ItemState) -> ItemView {
        let key = ItemKey { owner, item: id(1) };
        ItemView { state, files: 1, ..ItemView::offered(key, kind, "film.mkv".into(), 1) }
    }

    #[test]
    fn one_guest_who_is_kept_out_ends_nothing_and_a_host_who_keeps_us_out_does_unless_another_serves_us() {
        let other = |host, state| {
            let mut view = with_guest();
            let peer = view.peers.remove(0);
            PeerView { id: "00000000000000bb".parse().unwrap(), host, state, ..peer }
        };
        let mut view = with_guest();
        view.peers.push(other(false, PeerState::Refused));
        assert_eq!(out_of_reach(&view), None);
        view.peers[0].state = PeerState::Connecting;
        assert_eq!(out_of_reach(&view), None, "the host may yet let us in");
        view.peers[1].host = true;
        assert_eq!(out_of_reach(&view), Some(Verdict::Over(Exit::NotLetIn)));
        view.peers[0].state = PeerState::Connected;
        assert_eq!(out_of_reach(&view), None);
    }

    #[test]
    fn a_room_that_ends_by_itself_breaks_it_off_and_an_idle_start_does_not() {
        assert_eq!(broken_off(&View::default(), false), None);
        assert_eq!(broken_off(&alone(), false), None);
    }
}
