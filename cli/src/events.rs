//! What happened, as facts: the difference between one view and the next.
//!
//! The same events become lines for people and JSON for scripts; docs/CLI.md lists them. Peer text is in here as it
//! came: whoever prints it makes it plain first.

use std::path::{Path, PathBuf};

use privydrop_common::api::{
    ItemKey, ItemKind, ItemState, ItemView, Level, NoticeCode, PeerState, PeerView, Phase, Side, View,
};
use privydrop_common::id::{ItemId, PeerId};
use privydrop_common::transport::Route;
use serde::{Serialize, Serializer};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum Event {
    /// Where this device stands now.
    Phase { phase: Phase },
    /// The room, or its code after it changed.
    Room { room: String, hosting: bool, code: Option<String>, link: Option<String> },
    /// Another member, new or changed.
    Peer {
        peer: PeerId,
        label: String,
        state: PeerState,
        path: Option<Route>,
        /// Data lanes that the bytes are spread over.
        lanes: u8,
        rtt_ms: Option<u32>,
        verified: bool,
        /// Not only another round trip time.
        #[serde(skip)]
        turned: bool,
    },
    /// Another member is not there any more.
    PeerGone { peer: PeerId, label: String },
    /// An item, new or changed.
    Item(Box<Item>),
    /// An item is not on the list any more.
    ItemGone { item: String, name: String },
    /// A text of another member's, new or changed.
    Text { peer: PeerId, text: String },
    /// A message for a person.
    Notice {
        code: NoticeCode,
        level: Level,
        subject: String,
        number: Option<u64>,
        second: Option<u64>,
        message: String,
    },
    /// Something inside a folder is not shared.
    Skipped {
        #[serde(serialize_with = "lossy")]
        path: PathBuf,
        why: String,
    },
    /// An item was not taken, because it exceeds the quota.
    LeftOut { name: String, size: u64 },
    /// Something that was received in part.
    Unfinished { name: String, size: u64, age_seconds: u64, in_use: bool, removed: bool },
    /// The end; nothing follows.
    Exit { code: u8, reason: crate::exit::Exit, message: String },
}

/// An item in an [`Event`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Item {
    pub(crate) item: String,
    pub(crate) name: String,
    pub(crate) kind: ItemKind,
    pub(crate) direction: Direction,
    pub(crate) state: ItemState,
    pub(crate) size: u64,
    pub(crate) files: u32,
    pub(crate) done: u64,
    /// Whole percent.
    pub(crate) progress: u8,
    pub(crate) speed: u64,
    pub(crate) seconds_left: Option<u64>,
    /// While what an earlier run left is read again: whole percent of it.
    pub(crate) checking: Option<u8>,
    pub(crate) hash: Option<String>,
    pub(crate) fetched: u32,
    pub(crate) fetching: u32,
    pub(crate) stopped_by: Option<Side>,
    /// Where it is, once it is complete here.
    #[serde(serialize_with = "lossy_if_any")]
    pub(crate) path: Option<PathBuf>,
    /// Another state than before, not only another progress.
    #[serde(skip)]
    pub(crate) turned: bool,
    #[serde(skip)]
    pub(crate) key: ItemKey,
}

/// Whose item it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Direction {
    /// This device offers it.
    Out,
    /// Another member offers it.
    In,
}

/// The view that was told last.
#[derive(Debug, Default)]
pub(crate) struct News {
    last: View,
    last_notice: Option<u64>,
}

impl News {
    /// What is new in this view. `page` is where links lead, `path_of` where a complete item is.
    pub(crate) fn of(
        &mut self,
        view: &View,
        page: &str,
        path_of: impl Fn(&ItemView) -> Option<PathBuf>,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        if view.phase != self.last.phase {
            events.push(Event::Phase { phase: view.phase });
        }
        self.room(view, page, &mut events);
        self.peers(view, &mut events);
        self.items(view, path_of, &mut events);
        let new = |id: u64| self.last_notice.is_none_or(|last| id > last);
        events.extend(view.notices.iter().filter(|notice| new(notice.id)).map(|notice| Event::Notice {
            code: notice.code,
            level: notice.code.level(),
            subject: notice.subject.clone(),
            number: notice.number,
            second: notice.second,
            message: crate::words::notice(notice),
        }));
        self.last_notice = view.notices.iter().map(|notice| notice.id).max().max(self.last_notice);
        self.last = view.clone();
        events
    }

    fn room(&self, view: &View, page: &str, events: &mut Vec<Event>) {
        let Some(room) = &view.room else { return };
        let told = self.last.room.as_ref();
        if told.is_some_and(|told| told.id == room.id && told.code == room.code && told.link == room.link) {
            return;
        }
        events.push(Event::Room {
            room: room.id.to_string(),
            hosting: room.hosting,
            code: room.code.as_ref().map(ToString::to_string),
            link: room.link.as_ref().map(|link| link.to_url(page)),
        });
    }

    fn peers(&self, view: &View, events: &mut Vec<Event>) {
        let essence = |peer: &PeerView| (peer.state, peer.label.clone(), peer.path.map(|path| path.route));
        for peer in &view.peers {
            let told = self.last.peers.iter().find(|told| told.id == peer.id);
            if told == Some(peer) {
                continue;
            }
            events.push(Event::Peer {
                peer: peer.id,
                label: peer.label.clone(),
                state: peer.state,
                path: peer.path.map(|path| path.route),
                lanes: peer.lanes,
                rtt_ms: peer.path.and_then(|path| path.rtt_ms),
                verified: peer.verified,
                turned: told.is_none_or(|told| essence(told) != essence(peer)),
            });
        }
        let gone = |told: &&PeerView| view.peers.iter().all(|peer| peer.id != told.id);
        events.extend(
            self.last
                .peers
                .iter()
                .filter(gone)
                .map(|told| Event::PeerGone { peer: told.id, label: told.label.clone() }),
        );
    }

    fn items(&self, view: &View, path_of: impl Fn(&ItemView) -> Option<PathBuf>, events: &mut Vec<Event>) {
        for item in &view.items {
            let told = self.last.items.iter().find(|told| told.key == item.key);
            if told == Some(item) {
                continue;
            }
            match (item.key.owner, &item.text) {
                (Some(peer), Some(text)) => events.push(Event::Text { peer, text: text.plain_text() }),
                _ => {
                    let turned = told.is_none_or(|told| {
                        let begins = item.checking.is_some() && told.checking.is_none();
                        told.state != item.state || told.fetched != item.fetched || begins
                    });
                    events.push(Event::Item(Box::new(describe(item, turned, path_of(item)))));
                }
            }
        }
        let gone = |told: &&ItemView| view.items.iter().all(|item| item.key != told.key);
        events.extend(self.last.items.iter().filter(gone).map(|told| Event::ItemGone {
            item: name_of(told.key.item, told.key.owner),
            name: told.name.clone(),
        }));
    }
}

fn describe(item: &ItemView, turned: bool, path: Option<PathBuf>) -> Item {
    Item {
        item: name_of(item.key.item, item.key.owner),
        name: item.name.clone(),
        kind: item.kind,
        direction: if item.key.owner.is_none() { Direction::Out } else { Direction::In },
        state: item.state,
        size: item.size,
        files: item.files,
        done: item.progress.done,
        progress: item.progress.percent(),
        speed: item.progress.speed,
        seconds_left: item.progress.seconds_left,
        checking: item.checking.map(|checking| checking.percent()),
        hash: item.hash.clone(),
        fetched: item.fetched,
        fetching: item.fetching,
        stopped_by: item.stopped_by,
        path,
        turned,
        key: item.key,
    }
}

/// A system's paths need not be text, and JSON has nothing else: what is no text in one is replaced, as everywhere that a
/// person reads it. Serde would refuse, and the whole event would be lost.
fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

fn lossy_if_any<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(serializer)
}

/// One name for an item among all members: its id, and whose it is.
fn name_of(item: ItemId, owner: Option<PeerId>) -> String {
    match owner {
        Some(owner) => format!("{owner}/{item}"),
        None => item.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use privydrop_common::api::{Notice, Progress};

    use super::*;
    use crate::job::tests::{alone, item, peer, with_guest};

    fn names(events: &[Event]) -> Vec<String> {
        let name = |event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned();
        events.iter().map(name).collect()
    }

    #[test]
    fn only_what_is_new_is_told_and_everything_once() {
        let mut news = News::default();
        let mut tell = |view: &View| news.of(view, "https://drop.example/", |_| None);
        assert_eq!(names(&tell(&with_guest())), ["phase", "peer"]);
        assert_eq!(tell(&with_guest()), []);

        let theirs = item(Some(peer()), ItemKind::File, ItemState::Moving);
        let notice = |id| Notice {
            id,
            code: NoticeCode::PeerJoined,
            subject: String::new(),
            number: None,
            second: None,
        };
        let mut view = View { items: vec![theirs], notices: vec![notice(4)], ..with_guest() };
        assert_eq!(names(&tell(&view)), ["item", "notice"]);
        view.items[0].progress = Progress { done: 1, ..Progress::default() };
        let events = tell(&view);
        assert!(matches!(&events[..], [Event::Item(item)] if !item.turned && item.done == 1));
        assert_eq!(names(&tell(&alone())), ["phase", "peer-gone", "item-gone"][1..]);
    }

    #[cfg(unix)]
    #[test]
    fn an_event_about_a_path_that_is_no_text_is_told_all_the_same() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        let path = PathBuf::from(OsStr::from_bytes(b"/in/f\xFFlm"));
        let done = describe(&item(Some(peer()), ItemKind::File, ItemState::Done), true, Some(path.clone()));
        for event in [Event::Skipped { path, why: "a link".into() }, Event::Item(Box::new(done))] {
            let told = serde_json::to_value(&event).unwrap();
            assert_eq!(told["path"], "/in/f\u{FFFD}lm", "{told}");
        }
        let nowhere = describe(&item(None, ItemKind::File, ItemState::Offered), true, None);
        assert!(serde_json::to_value(&nowhere).unwrap()["path"].is_null());
    }
}
