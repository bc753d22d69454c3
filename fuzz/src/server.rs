//! What the server reads besides messages: its settings, headers of requests, tickets, records of its store.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use clap::Parser;
use privydrop_common::signaling::Ticket;
use privydrop_common::time::Moment;
use privydrop_signal::address::{Proxies, ProxyHeader};
use privydrop_signal::config::Config;
use privydrop_signal::origin::Origins;
use privydrop_signal::rooms::{NodeId, Notice, Place, Room, What};
use privydrop_signal::ticket::Tickets;

use crate::conversation::{member, room, server_messages_of_each_kind};

const NOW: Moment = Moment::from_millis(1_000_000);

/// The words of a command line, one a line.
pub(crate) fn settings(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    // What explains itself is not parsed.
    if text.lines().any(|word| word.starts_with("--he") || word.starts_with("-h")) {
        return;
    }
    let words = ["privydrop-server"].into_iter().chain(text.split('\n').filter(|word| !word.is_empty()));
    let Ok(config) = Config::try_parse_from(words) else { return };
    let origins = config.public_url.iter().chain(&config.allow_origin);
    for origin in origins {
        let (scheme, host) = origin.split_once("://").expect("a scheme");
        assert!(!scheme.is_empty() && !host.is_empty() && !host.contains(['/', '?', '#', ' ']));
    }
    assert!(config.stun_url.iter().all(|url| url.starts_with("stun:") || url.starts_with("stuns:")));
    assert!(config.turn_url.iter().all(|url| url.starts_with("turn:") || url.starts_with("turns:")));
    assert!(config.turn_url.is_empty() == config.turn_secret_file.is_none());
    assert!(config.tls_cert.is_some() == config.tls_key.is_some());
    let pace = config.pace();
    // No moment lies beyond what time can be counted in.
    for wait in [pace.hello, pace.knock] {
        assert!(std::time::Instant::now().checked_add(wait).is_some(), "{wait:?}");
    }
}

/// The first line is the host that was asked, each further one an origin that the browser named.
pub(crate) fn origins(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let mut lines = text.split('\n');
    let (host, named): (_, Vec<&str>) = (lines.next().unwrap_or_default(), lines.collect());
    let mut headers = HeaderMap::new();
    for (name, value) in [(HOST, host)].into_iter().chain(named.iter().map(|origin| (ORIGIN, *origin))) {
        let Ok(value) = HeaderValue::from_str(value) else { return };
        headers.append(name, value);
    }
    let allowed = Origins::new(["https://drop.example".to_owned()]).allow(&headers);
    let [origin] = named[..] else { return assert_eq!(allowed, named.is_empty()) };
    if !allowed {
        return;
    }
    let origin = origin.trim_end_matches('/').to_ascii_lowercase();
    let (scheme, place) = origin.split_once("://").expect("a scheme");
    let own = |host: &str| host.trim_end_matches('/').to_ascii_lowercase();
    let name = place.rsplit_once(':').map_or(place, |(name, _)| name);
    let is_same = [place, name].iter().any(|place| {
        [own(host), own(host.rsplit_once(':').map_or(host, |(name, _)| name))].contains(&(*place).to_owned())
    });
    let is_known = matches!(name, "localhost" | "tauri.localhost" | "drop.example");
    assert!(matches!(scheme, "http" | "https" | "tauri") && (is_same || is_known), "{origin} at {host}");
}

/// What a stranger writes in front of the hop that a trusted proxy added: it counts for nothing.
pub(crate) fn proxies(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let client: IpAddr = "203.0.113.9".parse().unwrap();
    let (proxy, stranger) = ("10.0.0.1", "198.51.100.7");
    let cases = [
        (ProxyHeader::XForwardedFor, "x-forwarded-for", "203.0.113.9, 10.0.0.7"),
        (ProxyHeader::Forwarded, "forwarded", "for=203.0.113.9;proto=https, for=10.0.0.7"),
    ];
    for (header, name, added) in cases {
        let proxies = Proxies { trusted: vec!["10.0.0.0/8".parse().unwrap()], header };
        let asked = |peer: &str, lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(HeaderName::from_static(name), HeaderValue::from_str(line).ok()?);
            }
            Some(proxies.client(Some(SocketAddr::new(peer.parse().unwrap(), 1)), &headers))
        };
        let Some(told) = asked(proxy, &[text]) else { return };
        assert_eq!(asked(proxy, &[text, added]), Some(client), "{text:?}");
        assert_eq!(asked(proxy, &[&format!("{text}, {added}")]), Some(client), "{text:?}");
        assert_eq!(asked(stranger, &[text]), stranger.parse().ok());
        assert_eq!(told, told.to_canonical());
    }
}

/// A ticket that a client shows.
pub(crate) fn tickets(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(ticket) = Ticket::new(text.to_owned()) else { return };
    assert_eq!(ticket.as_str(), text);
    let tickets = Tickets::new(&[1; 32]).expect("a key");
    let real = tickets.issue(&room(), member(1), member(2), NOW).expect("a ticket");
    assert_eq!(tickets.check(&ticket, NOW).is_some(), ticket == real);
    assert_eq!(Tickets::new(&[2; 32]).expect("a key").check(&ticket, NOW), None);
}

/// A room's record, or a message of another node.
pub(crate) fn records(bytes: &[u8]) {
    if let Ok(notice) = serde_json::from_slice::<Notice>(bytes) {
        let again = serde_json::to_vec(&notice).unwrap();
        assert_eq!(serde_json::from_slice::<Notice>(&again).unwrap(), notice);
    }
    let Ok(mut room) = serde_json::from_slice::<Room>(bytes) else { return };
    let again = serde_json::to_vec(&room).unwrap();
    assert_eq!(serde_json::from_slice::<Room>(&again).unwrap(), room);
    // Whatever it says, the rules go on from there.
    let place = Place { node: NodeId(1), socket: 9 };
    let _ = room.tidy(NOW, |place| place.socket.is_multiple_of(2));
    let _ = room.knock(member(200), place, NOW);
    let _ = room.admit(room.host(), member(200));
    if room.enter(member(201), place).is_ok() {
        assert_eq!(room.place_of(member(201)), Some(place));
    }
    let _ = room.lose(member(201), place, NOW);
}

pub(crate) fn setting_seeds() -> Vec<Vec<u8>> {
    [
        "--listen\n[::]:8443\n--tls-cert\nc.pem\n--tls-key\nk.pem",
        "--public-url=https://drop.example\n--allow-origin=https://a.example,http://b.example:8080/",
        "--stun-url\nstun:s.example:3478\n--turn-url\nturn:t.example,turns:t.example:443?transport=tcp\n--turn-secret-file\ns",
        "--trusted-proxy\n10.0.0.0/8,fd00::/8\n--proxy-header\nforwarded\n--message-rate\n1\n--hello-seconds\n0.5",
        "--knock-seconds\n1e30\n--redis\nredis://user:password@host:6379/1\n--log-format\njson\n--metrics-listen\n127.0.0.1:0",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

pub(crate) fn origin_seeds() -> Vec<Vec<u8>> {
    [
        "drop.lan:8080\nhttp://drop.lan:8080",
        "backend\nHTTPS://Drop.Example:443",
        "a\ntauri://localhost",
        "drop.lan\nhttp://localhost:1.evil.example",
        "a",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

pub(crate) fn proxy_seeds() -> Vec<Vec<u8>> {
    [
        "6.6.6.6, [2001:db8::1]:443",
        "for=6.6.6.6, For=\"[2001:db8::7]:80\";proto=https",
        "nonsense",
        "for=\"a",
        "::ffff:10.0.0.1",
        "\u{e9}",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

pub(crate) fn ticket_seeds() -> Vec<Vec<u8>> {
    let issued =
        |key| Tickets::new(&[key; 32]).and_then(|tickets| tickets.issue(&room(), member(1), member(2), NOW));
    [issued(1), issued(3)].into_iter().flatten().map(|ticket| ticket.as_str().as_bytes().to_vec()).collect()
}

pub(crate) fn record_seeds() -> Vec<Vec<u8>> {
    let place = |socket| Place { node: NodeId(1), socket };
    let mut room = Room::new(member(1));
    let _ = room.enter(member(1), place(1));
    let _ = room.knock(member(2), place(2), NOW);
    let _ = room.admit(member(1), member(2));
    let _ = room.knock(member(3), place(3), NOW);
    let _ = room.lose(member(2), place(2), NOW);
    let tell = server_messages_of_each_kind().pop().map(What::Tell);
    let notices = [tell, Some(What::Admitted)].into_iter().flatten();
    let notices = notices.map(|what| Notice { member: member(1), place: place(1), what });
    [serde_json::to_vec(&room)]
        .into_iter()
        .chain(notices.map(|notice| serde_json::to_vec(&notice)))
        .flatten()
        .collect()
}
