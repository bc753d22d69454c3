//! How the bytes of a link travel, read from the browser's statistics.
//!
//! Looks once connected and then every ten seconds; never in the way of data.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gloo::events::EventListener;
use gloo::timers::callback::Interval;
use js_sys::{Object, Reflect};
use privydrop_common::inbox::Inbox;
use privydrop_common::path::{End, is_news, milliseconds, route};
use privydrop_common::transport::{Happened, Path};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{RtcPeerConnection, RtcPeerConnectionState, RtcStatsReport};

/// Milliseconds from one look to the next.
const EVERY: u32 = 10_000;

/// Watches the path of one link until it is dropped.
pub(super) struct PathWatch {
    _listener: EventListener,
}

struct Watched {
    connection: RtcPeerConnection,
    inbox: Rc<RefCell<Inbox>>,
    told: Cell<Option<Path>>,
    timer: RefCell<Option<Interval>>,
}

impl PathWatch {
    /// Watches this connection, the link's first.
    pub(super) fn new(connection: &RtcPeerConnection, inbox: &Rc<RefCell<Inbox>>) -> Self {
        let watched = Rc::new(Watched {
            connection: connection.clone(),
            inbox: Rc::clone(inbox),
            told: Cell::new(None),
            timer: RefCell::default(),
        });
        let listener = EventListener::new(connection, "connectionstatechange", move |_| {
            if watched.connection.connection_state() == RtcPeerConnectionState::Connected {
                watched.look();
            }
        });
        Self { _listener: listener }
    }
}

impl Watched {
    /// Looks now, and from now on.
    fn look(self: &Rc<Self>) {
        self.look_once();
        let watched = Rc::downgrade(self);
        self.timer.borrow_mut().get_or_insert_with(|| {
            Interval::new(EVERY, move || {
                if let Some(watched) = watched.upgrade() {
                    watched.look_once();
                }
            })
        });
    }

    fn look_once(self: &Rc<Self>) {
        let (statistics, watched) = (self.connection.get_stats(), Rc::downgrade(self));
        spawn_local(async move {
            if let Ok(report) = statistics.await {
                tell(&watched, report.unchecked_ref());
            }
        });
    }
}

fn tell(watched: &Weak<Watched>, report: &RtcStatsReport) {
    let (Some(watched), Some(path)) = (watched.upgrade(), path(report)) else { return };
    if is_news(watched.told.get(), path) {
        watched.told.set(Some(path));
        watched.inbox.borrow_mut().news(Happened::Path(path));
    }
}

fn path(report: &RtcStatsReport) -> Option<Path> {
    let pair = selected_pair(report)?;
    let end = |id| report.get(&text(&pair, id)?).map(|candidate| end_of(&candidate));
    let route = route(&end("localCandidateId")?, &end("remoteCandidateId")?);
    let rtt_ms = Reflect::get(&pair, &"currentRoundTripTime".into()).ok().and_then(|rtt| rtt.as_f64());
    Some(Path { route, rtt_ms: rtt_ms.and_then(milliseconds) })
}

/// The pair in use: named by the transport's statistics, or marked as selected where there are none (Firefox).
fn selected_pair(report: &RtcStatsReport) -> Option<Object> {
    let mut marked = None;
    for entry in report.values().into_iter().filter_map(Result::ok) {
        let entry: Object = entry.unchecked_into();
        match text(&entry, "type").as_deref() {
            Some("transport") => {
                if let Some(pair) = text(&entry, "selectedCandidatePairId").and_then(|id| report.get(&id)) {
                    return Some(pair);
                }
            }
            Some("candidate-pair") => {
                let is = |name: &str| Reflect::get(&entry, &name.into()).is_ok_and(|value| value.is_truthy());
                let succeeded = text(&entry, "state").as_deref() == Some("succeeded");
                if is("selected") || (marked.is_none() && is("nominated") && succeeded) {
                    marked = Some(entry);
                }
            }
            _ => {}
        }
    }
    marked
}

fn text(entry: &Object, name: &str) -> Option<String> {
    Reflect::get(entry, &JsValue::from_str(name)).ok()?.as_string()
}

fn end_of(candidate: &Object) -> End {
    let kind = text(candidate, "candidateType").unwrap_or_default();
    let address = text(candidate, "address").or_else(|| text(candidate, "ip")).unwrap_or_default();
    End { kind, address }
}
