//! Every look of the page without a session: `?state=NAME` picks a view (`unfinished`: an idle page that keeps something),
//! `?theme=` and `?lang=` the rest.
//!
//! For screenshots and for working on the style sheet. Built with the feature `gallery` only; never shipped.

use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};
use gloo::timers::callback::Timeout;
use privydrop_common::api::{
    Command, ItemKey, ItemKind, ItemState, ItemView, Keepsake, Notice, NoticeCode, PeerState, PeerView,
    Phase, Progress, RoomView, Side, View,
};
use privydrop_common::code::{Code, Link};
use privydrop_common::host::{Kept, PlaceId, StoreId};
use privydrop_common::id::{ItemId, PeerId, RoomId};
use privydrop_common::text::{Block, Document, Level, Rgb, Run, Style};
use privydrop_common::transport::{Path, Route};

use super::{Backend, NoAnswer, NoPlace, Storage};

struct Gallery;

impl Backend for Gallery {
    fn command(&self, _: Command) {}
    fn share_files(&self, _: Vec<web_sys::File>) {}
    fn share_drop(&self, _: web_sys::DataTransfer) {}
    fn choose_place(&self) -> LocalBoxFuture<'static, Result<PlaceId, NoPlace>> {
        ready(Err(NoPlace::NotChosen)).boxed_local()
    }
    fn storage(&self) -> Storage {
        Storage::Private
    }
    fn save(&self, _: StoreId) {}
    fn unfinished(&self, clear: bool) -> LocalBoxFuture<'static, u64> {
        let some = !clear && asked("state").is_some_and(|name| name == "unfinished");
        ready(if some { 1_310_000_000 } else { 0 }).boxed_local()
    }
    fn room_is_free(&self, name: RoomId) -> LocalBoxFuture<'static, Result<bool, NoAnswer>> {
        ready(Ok(!name.as_str().starts_with("taken"))).boxed_local()
    }
}

/// Makes the page's language and colours those of the address, before the page reads them.
pub fn prepare() {
    for (parameter, key) in [("lang", "privydrop.language"), ("theme", "privydrop.theme")] {
        if let Some(value) = asked(parameter)
            && let Ok(Some(storage)) = gloo::utils::window().local_storage()
        {
            let _ = storage.set_item(key, &value);
        }
    }
}

/// Shows the view that the address asks for, for good.
pub fn start(on_view: impl Fn(View) + 'static) -> Rc<dyn Backend> {
    let view = asked("state").and_then(|name| scene(&name)).unwrap_or_default();
    Timeout::new(0, move || on_view(view)).forget();
    Rc::new(Gallery)
}

fn asked(parameter: &str) -> Option<String> {
    let query = gloo::utils::window().location().search().ok()?;
    let pairs = query.trim_start_matches('?').split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(name, _)| *name == parameter).map(|(_, value)| value.to_owned())
}

fn scene(name: &str) -> Option<View> {
    let hosting = || room(true);
    Some(match name {
        "opening" => View { phase: Phase::Opening, ..View::default() },
        "hosting" => View {
            phase: Phase::InRoom,
            room: hosting(),
            items: vec![out("holiday photos", ItemKind::Folder, 1_250_000_000)],
            ..View::default()
        },
        "joining" => View {
            phase: Phase::Joining,
            room: room(false).map(|room| RoomView { keepsake: None, ..room }),
            notices: vec![notice(1, NoticeCode::JoinSlow, "")],
            ..View::default()
        },
        "waiting" => View {
            phase: Phase::InRoom,
            room: room(false),
            peers: vec![peer(1, PeerState::Connecting)],
            ..View::default()
        },
        "offered" => View {
            phase: Phase::InRoom,
            room: room(false),
            peers: vec![peer(1, PeerState::Connected)],
            items: received(),
            ..View::default()
        },
        "moving" => moving(),
        "sending" => sending(),
        "done" => done(),
        "alerts" => View {
            notices: vec![
                notice(1, NoticeCode::WrongWords, ""),
                notice(2, NoticeCode::NoSpace, "holiday photos.zip"),
                notice(3, NoticeCode::PeerLeft, "Firefox on Linux"),
            ],
            ..View::default()
        },
        "hosting-alerts" => View {
            phase: Phase::Reconnecting,
            room: hosting().map(|room| RoomView { tries_left: 2, ..room }),
            peers: vec![
                peer(1, PeerState::Lost),
                PeerView { verified: false, ..peer(2, PeerState::Refused) },
            ],
            notices: vec![
                notice(1, NoticeCode::WordsChanged, ""),
                notice(2, NoticeCode::SomebodyGuessed, ""),
                notice(3, NoticeCode::ServerLost, ""),
            ],
            items: vec![out("minutes.pdf", ItemKind::File, 482_000)],
            ..View::default()
        },
        "text" => View {
            phase: Phase::InRoom,
            room: room(false),
            peers: vec![peer(1, PeerState::Connected)],
            items: vec![text()],
            ..View::default()
        },
        _ => return None,
    })
}

fn room(hosting: bool) -> Option<RoomView> {
    let code: Code = "482913-acid-acorn-acre".parse().ok()?;
    let link: Link = "482913.n3Jv8cVZQ0mY2xW7dTq4bA".parse().ok()?;
    let keepsake = Some(Keepsake("gallery".into()));
    Some(RoomView {
        id: code.room.clone(),
        hosting,
        code: hosting.then_some(code),
        link: Some(link),
        keepsake,
        tries_left: 5,
    })
}

fn peer(number: u64, state: PeerState) -> PeerView {
    let route = [Route::Lan, Route::Relay, Route::Direct][usize::try_from(number).unwrap_or(0) % 3];
    let connected = state == PeerState::Connected;
    PeerView {
        id: id(number),
        label: ["Safari on iPhone", "Firefox on Linux", "Chrome on Android"]
            [usize::try_from(number).unwrap_or(0) % 3]
            .into(),
        state,
        path: connected.then_some(Path { route, rtt_ms: Some(3 + 20 * u32::try_from(number).unwrap_or(0)) }),
        lanes: 1,
        verified: connected,
        host: number == 1,
    }
}

fn id(number: u64) -> PeerId {
    format!("{number:016x}").parse().unwrap_or_else(|_| unreachable!("sixteen digits"))
}

fn out(name: &str, kind: ItemKind, size: u64) -> ItemView {
    let number = name.bytes().fold(size, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let item: ItemId = format!("{number:032x}").parse().unwrap_or_else(|_| unreachable!("thirty-two digits"));
    ItemView {
        files: if kind == ItemKind::Folder { 342 } else { 1 },
        progress: Progress { total: size, ..Progress::default() },
        ..ItemView::offered(ItemKey { owner: None, item }, kind, name.into(), size)
    }
}

fn of(owner: u64, item: ItemView) -> ItemView {
    ItemView { key: ItemKey { owner: Some(id(owner)), ..item.key }, ..item }
}

fn at(percent: u64, speed: u64, state: ItemState, item: ItemView) -> ItemView {
    let done = item.size / 100 * percent;
    let seconds_left = (item.size - done).checked_div(speed);
    ItemView { state, progress: Progress { done, total: item.size, speed, seconds_left }, ..item }
}

fn received() -> Vec<ItemView> {
    let long = "Protocol of the extraordinary meeting of the members, second version with all the annexes (final).pdf";
    [
        ("holiday photos", ItemKind::Folder, 1_250_000_000),
        (long, ItemKind::File, 4_820_000),
        ("会议记录.docx", ItemKind::File, 88_000),
    ]
    .map(|(name, kind, size)| of(1, out(name, kind, size)))
    .into()
}

fn moving() -> View {
    let [photos, minutes, notes] = received().try_into().unwrap_or_else(|_| unreachable!("three items"));
    let items = vec![
        at(42, 21_800_000, ItemState::Moving, photos),
        at(71, 3_100_000, ItemState::Moving, minutes),
        ItemView { stopped_by: Some(Side::There), ..at(35, 0, ItemState::Paused, notes) },
        at(0, 0, ItemState::Waiting, of(1, out("backup.tar.zst", ItemKind::File, 9_000_000_000))),
        at(100, 0, ItemState::Verifying, of(1, out("film.mkv", ItemKind::File, 700_000_000))),
    ];
    let total =
        Progress { done: 530_000_000, total: 1_255_000_000, speed: 24_900_000, seconds_left: Some(29) };
    View {
        phase: Phase::InRoom,
        room: room(false),
        peers: vec![peer(1, PeerState::Connected)],
        items,
        total,
        busy: true,
        ..View::default()
    }
}

fn sending() -> View {
    let photos = ItemView {
        fetching: 2,
        fetched: 1,
        ..at(42, 21_800_000, ItemState::Moving, out("holiday photos", ItemKind::Folder, 1_250_000_000))
    };
    let items = vec![
        photos,
        ItemView { fetched: 3, ..out("minutes.pdf", ItemKind::File, 482_000) },
        of(2, out("reply.txt", ItemKind::File, 1_200)),
    ];
    let total =
        Progress { done: 530_000_000, total: 1_255_000_000, speed: 24_900_000, seconds_left: Some(29) };
    let peers = vec![
        PeerView { host: false, ..peer(1, PeerState::Connected) },
        peer(2, PeerState::Connected),
        peer(3, PeerState::Connecting),
    ];
    View {
        phase: Phase::InRoom,
        room: room(true),
        peers,
        items,
        total,
        notices: vec![notice(1, NoticeCode::PeerJoined, "Chrome on Android")],
        ..View::default()
    }
}

fn done() -> View {
    let finished = |item: ItemView, kept| ItemView {
        state: ItemState::Done,
        kept: Some(kept),
        store: Some(StoreId(1)),
        hash: Some("af1349b9".repeat(8)),
        ..item
    };
    let [photos, minutes, notes] = received().try_into().unwrap_or_else(|_| unreachable!("three items"));
    let items = vec![
        finished(photos, Kept::InStorage),
        finished(minutes, Kept::InPlace),
        ItemView { state: ItemState::Failed, ..notes },
        ItemView {
            state: ItemState::Cancelled,
            stopped_by: Some(Side::Here),
            ..of(1, out("film.mkv", ItemKind::File, 700_000_000))
        },
    ];
    let notices = vec![notice(1, NoticeCode::ItemReceived, "holiday photos")];
    View {
        phase: Phase::InRoom,
        room: room(false),
        peers: vec![peer(1, PeerState::Connected)],
        items,
        notices,
        ..View::default()
    }
}

fn text() -> ItemView {
    let run = |text: &str, style: Style| Run { text: text.into(), style };
    let plain = |text: &str| run(text, Style::default());
    let blocks = vec![
        Block::Paragraph { level: Some(Level::Two), runs: vec![plain("Meeting on Thursday")] },
        Block::Paragraph {
            level: None,
            runs: vec![
                plain("Please bring "),
                run("the signed papers", Style { bold: true, ..Style::default() }),
                plain(" and look at "),
                run(
                    "the agenda",
                    Style { link: "https://example.org/agenda".parse().ok(), ..Style::default() },
                ),
                plain(" before. "),
                run(
                    "Don’t be late!",
                    Style { colour: Some(Rgb(200, 30, 30)), italic: true, ..Style::default() },
                ),
            ],
        },
        Block::List {
            ordered: false,
            items: vec![
                vec![plain("你好，世界")],
                vec![plain("Grüße aus Köln")],
                vec![run("cargo xtask run", Style { code: true, ..Style::default() })],
            ],
        },
        Block::Code { text: "fn main() {\n    println!(\"hello\");\n}".into() },
    ];
    let text = Document::new(blocks).ok();
    ItemView { state: ItemState::Done, text, ..of(1, out("", ItemKind::Text, 214)) }
}

fn notice(id: u64, code: NoticeCode, subject: &str) -> Notice {
    Notice {
        id,
        code,
        subject: subject.into(),
        number: Some(4_000_000_000).filter(|_| code == NoticeCode::NoSpace).or(Some(3)),
        second: Some(1_200_000_000),
    }
}
