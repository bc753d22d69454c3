//! How the bytes of a link travel, read from the browser's statistics.
//!
//! Looks once connected and then every ten seconds; never in the way of data.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gloo::timers::callback::Interval;
use js_sys::{Object, Reflect};
use privydrop_common::transport::{Happened, Path, Route};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{RtcPeerConnection, RtcStatsReport};

use super::inbox::Inbox;

/// Milliseconds from one look to the next.
const EVERY: u32 = 10_000;

/// Watches the path of one link while it lives.
pub(super) struct PathWatch {
    connection: RtcPeerConnection,
    inbox: Rc<RefCell<Inbox>>,
    told: Cell<Option<Path>>,
    timer: RefCell<Option<Interval>>,
}

impl PathWatch {
    pub(super) fn new(connection: RtcPeerConnection, inbox: Rc<RefCell<Inbox>>) -> Self {
        Self { connection, inbox, told: Cell::new(None), timer: RefCell::default() }
    }

    /// Looks now, and from now on.
    pub(super) fn look(self: &Rc<Self>) {
        self.look_once();
        let watch = Rc::downgrade(self);
        self.timer.borrow_mut().get_or_insert_with(|| {
            Interval::new(EVERY, move || {
                if let Some(watch) = watch.upgrade() {
                    watch.look_once();
                }
            })
        });
    }

    fn look_once(self: &Rc<Self>) {
        let (statistics, watch) = (self.connection.get_stats(), Rc::downgrade(self));
        spawn_local(async move {
            if let Ok(report) = statistics.await {
                tell(&watch, report.unchecked_ref());
            }
        });
    }
}

fn tell(watch: &Weak<PathWatch>, report: &RtcStatsReport) {
    let (Some(watch), Some(path)) = (watch.upgrade(), path(report)) else { return };
    if watch.told.get().is_none_or(|told| differs(told, path)) {
        watch.told.set(Some(path));
        watch.inbox.borrow_mut().news(Happened::Path(path));
    }
}

/// True when a person would want to know: another route, or a round trip that is off by a quarter and 5 ms.
fn differs(told: Path, now: Path) -> bool {
    let far = match (told.rtt_ms, now.rtt_ms) {
        (Some(told), Some(now)) => told.abs_diff(now) > (told / 4).max(5),
        (told, now) => told.is_some() != now.is_some(),
    };
    told.route != now.route || far
}

fn path(report: &RtcStatsReport) -> Option<Path> {
    let pair = selected_pair(report)?;
    let end = |id| report.get(&text(&pair, id)?).map(|candidate| End::new(&candidate));
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

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn milliseconds(seconds: f64) -> Option<u32> {
    (seconds >= 0.0).then(|| (seconds * 1000.0).round() as u32)
}

/// One end of the pair in use.
struct End {
    kind: String,
    /// Empty where the browser hides it.
    address: String,
}

impl End {
    fn new(candidate: &Object) -> Self {
        let kind = text(candidate, "candidateType").unwrap_or_default();
        let address = text(candidate, "address").or_else(|| text(candidate, "ip")).unwrap_or_default();
        Self { kind, address }
    }

    /// True for an address that means something within one network only. Browsers hide none but such.
    fn is_local(&self) -> bool {
        let address = self.address.trim_matches(['[', ']']);
        address.is_empty()
            || address.ends_with(".local")
            || address.parse().is_ok_and(|address| match address {
                core::net::IpAddr::V4(address) => {
                    address.is_private() || address.is_link_local() || address.is_loopback()
                }
                core::net::IpAddr::V6(address) => {
                    address.is_unique_local() || address.is_unicast_link_local() || address.is_loopback()
                }
            })
    }
}

/// A peer-reflexive end is what a check met before the candidate itself arrived by signaling; next to a host end
/// it tells of the same network when no translation to a public address happened on the way.
fn route(local: &End, remote: &End) -> Route {
    match (local.kind.as_str(), remote.kind.as_str()) {
        ("relay", _) | (_, "relay") => Route::Relay,
        ("host", "host") => Route::Lan,
        ("host", "prflx") | ("prflx", "host") if local.is_local() && remote.is_local() => Route::Lan,
        _ => Route::Direct,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(kind: &str, address: &str) -> End {
        End { kind: kind.into(), address: address.into() }
    }

    #[test]
    fn the_route_follows_from_the_two_ends() {
        let home = || end("host", "192.168.1.7");
        for (remote, expected) in [
            (end("host", ""), Route::Lan),
            (end("host", "2001:db8::1"), Route::Lan),
            (end("prflx", "192.168.1.9"), Route::Lan),
            (end("prflx", "fe80::1"), Route::Lan),
            (end("prflx", "0e5c1f0a.local"), Route::Lan),
            (end("prflx", "203.0.113.5"), Route::Direct),
            (end("srflx", "203.0.113.5"), Route::Direct),
            (end("relay", "198.51.100.1"), Route::Relay),
        ] {
            assert_eq!(route(&home(), &remote), expected, "{} {}", remote.kind, remote.address);
            assert_eq!(route(&remote, &home()), expected, "{} {}", remote.kind, remote.address);
        }
    }

    #[test]
    fn a_jitter_of_the_round_trip_is_not_told() {
        let path = |rtt_ms| Path { route: Route::Direct, rtt_ms };
        assert!(!differs(path(Some(20)), path(Some(25))));
        assert!(!differs(path(Some(200)), path(Some(240))));
        assert!(differs(path(Some(20)), path(Some(30))));
        assert!(differs(path(None), path(Some(30))));
        assert!(differs(path(Some(20)), Path { route: Route::Relay, rtt_ms: Some(20) }));
    }

    #[test]
    fn a_round_trip_is_whole_milliseconds_or_unknown() {
        assert_eq!(milliseconds(0.0424), Some(42));
        assert_eq!(milliseconds(f64::NAN), None);
        assert_eq!(milliseconds(-1.0), None);
    }
}
