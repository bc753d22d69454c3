//! How the bytes of a link travel, judged from the two ends of the candidate pair in use.
//!
//! Reads no statistics itself: the platforms do, in the terms of their WebRTC stack.

use core::net::IpAddr;

use crate::transport::{Path, Route};

/// One end of the candidate pair in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// `host`, `srflx`, `prflx` or `relay` (RFC 8839 §5.1).
    pub kind: String,
    /// Empty where a browser hides it.
    pub address: String,
}

impl End {
    /// True for an address that means something within one network only. Browsers hide none but such.
    fn is_local(&self) -> bool {
        let address = self.address.trim_matches(['[', ']']);
        address.is_empty()
            || address.ends_with(".local")
            || address.parse().is_ok_and(|address| match address {
                IpAddr::V4(address) => {
                    address.is_private() || address.is_link_local() || address.is_loopback()
                }
                IpAddr::V6(address) => {
                    address.is_unique_local() || address.is_unicast_link_local() || address.is_loopback()
                }
            })
    }
}

/// The route between two ends.
///
/// A peer-reflexive end is what a check met before the candidate itself arrived by signaling; next to a host end
/// it tells of the same network when no translation to a public address happened on the way. Two of them meet when
/// both sides checked that early. One that has the very address of the host end at its other side is on the same machine,
/// whatever that address is; two that share an address may be any two of thousands behind it.
pub fn route(local: &End, remote: &End) -> Route {
    match (local.kind.as_str(), remote.kind.as_str()) {
        ("relay", _) | (_, "relay") => Route::Relay,
        ("host", "host") => Route::Lan,
        ("host", "prflx") | ("prflx", "host") if local.address == remote.address => Route::Lan,
        ("host" | "prflx", "host" | "prflx") if local.is_local() && remote.is_local() => Route::Lan,
        _ => Route::Direct,
    }
}

/// True when a person would want to know: the first path, another route, or a round trip that is off by a quarter
/// and 5 ms.
pub fn is_news(told: Option<Path>, now: Path) -> bool {
    let Some(told) = told else { return true };
    let far = match (told.rtt_ms, now.rtt_ms) {
        (Some(told), Some(now)) => told.abs_diff(now) > (told / 4).max(5),
        (told, now) => told.is_some() != now.is_some(),
    };
    told.route != now.route || far
}

/// Whole milliseconds of a round trip that statistics give in seconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub fn milliseconds(seconds: f64) -> Option<u32> {
    (seconds >= 0.0).then(|| (seconds * 1000.0).round() as u32)
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
        let public = || end("host", "203.0.113.5");
        for (remote, expected) in [
            (end("prflx", "203.0.113.5"), Route::Lan),
            (end("prflx", "203.0.113.6"), Route::Direct),
            (end("srflx", "203.0.113.5"), Route::Direct),
        ] {
            assert_eq!(route(&public(), &remote), expected, "{} {}", remote.kind, remote.address);
            assert_eq!(route(&remote, &public()), expected, "{} {}", remote.kind, remote.address);
        }
        assert_eq!(route(&end("prflx", "203.0.113.5"), &end("prflx", "203.0.113.5")), Route::Direct);
        assert_eq!(route(&end("prflx", "10.0.0.2"), &end("prflx", "10.0.0.3")), Route::Lan);
        assert_eq!(route(&end("prflx", "203.0.113.5"), &end("prflx", "10.0.0.3")), Route::Direct);
    }

    #[test]
    fn a_jitter_of_the_round_trip_is_no_news() {
        let path = |rtt_ms| Path { route: Route::Direct, rtt_ms };
        assert!(is_news(None, path(None)));
        assert!(!is_news(Some(path(Some(20))), path(Some(25))));
        assert!(!is_news(Some(path(Some(200))), path(Some(240))));
        assert!(is_news(Some(path(Some(20))), path(Some(30))));
        assert!(is_news(Some(path(None)), path(Some(30))));
        assert!(is_news(Some(path(Some(20))), Path { route: Route::Relay, rtt_ms: Some(20) }));
    }

    #[test]
    fn a_round_trip_is_whole_milliseconds_or_unknown() {
        assert_eq!(milliseconds(0.0424), Some(42));
        assert_eq!(milliseconds(f64::NAN), None);
        assert_eq!(milliseconds(-1.0), None);
    }
}
