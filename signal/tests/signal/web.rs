//! What the server answers without a socket.

use privydrop_signal::server::Running;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Client, server};

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

pub(crate) async fn get(server: &Running, path: &str, headers: &[&str]) -> Answer {
    ask(TcpStream::connect(server.address).await.unwrap(), path, headers).await
}

pub(crate) async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    path: &str,
    headers: &[&str],
) -> Answer {
    let extra: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let request = format!("GET {path} HTTP/1.1\r\nHost: drop.lan\r\nConnection: close\r\n{extra}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

#[tokio::test]
async fn a_room_name_is_free_until_somebody_takes_it() {
    let server = server(&[]).await;
    let free = get(&server, "/api/rooms/our-room", &[]).await;
    assert_eq!((free.status, free.body.contains(r#""free":true"#)), (200, true));
    let _owner = Client::hello(&server).await.create(Some("our-room")).await;
    let taken = get(&server, "/api/rooms/Our-Room", &[]).await;
    assert!(
        taken.body.contains(r#""free":false"#) && taken.body.contains(r#""name":"our-room""#),
        "{}",
        taken.body
    );
}

#[tokio::test]
async fn what_is_no_room_name_is_a_bad_request() {
    let server = server(&[]).await;
    for name in ["ab", "a_b", "room:%7Bx%7D", "abc%0Adef", "%2e%2e%2f", "-abc", "abc%00"] {
        assert_eq!(get(&server, &format!("/api/rooms/{name}"), &[]).await.status, 400, "{name}");
    }
}

#[tokio::test]
async fn asking_for_names_is_limited_like_guessing_rooms() {
    let server = server(&["--misses-per-minute", "2"]).await;
    for _ in 0..2 {
        assert_eq!(get(&server, "/api/rooms/some-name", &[]).await.status, 200);
    }
    let limited = get(&server, "/api/rooms/some-name", &[]).await;
    assert_eq!(limited.status, 429);
    assert!(limited.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
}

#[tokio::test]
async fn every_answer_carries_the_policy_and_no_unsafe_inline() {
    let server = server(&[]).await;
    for path in ["/", "/healthz", "/no-such-page", "/api/version"] {
        let answer = get(&server, path, &[]).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'"),
            "{path}: {policy}"
        );
        assert!(policy.contains("connect-src 'self' ws://drop.lan wss://drop.lan;"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"), "{policy}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(answer.header("strict-transport-security"), "", "only over TLS");
    }
}

#[tokio::test]
async fn unknown_pages_are_not_found_and_paths_do_not_lead_out() {
    let server = server(&[]).await;
    for path in
        ["/no-such-page", "/../Cargo.toml", "/%2e%2e/Cargo.toml", "//etc/passwd", "/api/rooms", "/ws/x"]
    {
        assert_eq!(get(&server, path, &[]).await.status, 404, "{path}");
    }
    assert_eq!(get(&server, "/ws", &[]).await.status, 404, "a page is not a socket");
}

#[tokio::test]
async fn the_server_says_its_version_that_it_lives_and_that_it_is_ready() {
    let server = server(&[]).await;
    assert!(get(&server, "/api/version", &[]).await.body.contains(r#""protocol":1"#));
    assert_eq!(get(&server, "/healthz", &[]).await.status, 200);
    assert_eq!(get(&server, "/readyz", &[]).await.status, 200);
}

#[tokio::test]
async fn metrics_count_without_naming_anybody() {
    let server = server(&[]).await;
    let mut host = Client::hello(&server).await.create(Some("secret-name")).await;
    let guest = host.admit_from(&server).await;
    let text = get(&server, "/metrics", &[]).await.body;
    for line in [
        "privydrop_sockets 2",
        "privydrop_members 2",
        "privydrop_creates_total 1",
        "privydrop_knocks_total 1",
        "privydrop_store_up 1",
        "privydrop_draining 0",
        r#"privydrop_request_latency_seconds_count{request="knock"} 1"#,
        "privydrop_store_latency_seconds_bucket",
    ] {
        assert!(text.contains(line), "{line} is missing in {text}");
    }
    for secret in
        ["secret-name".to_owned(), host.member.to_string(), guest.member.to_string(), "127.0.0.1".to_owned()]
    {
        assert!(!text.contains(&secret), "{secret}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn metrics_may_have_a_port_of_their_own() {
    let server = server(&["--metrics-listen", "127.0.0.1:0"]).await;
    assert_eq!(get(&server, "/metrics", &[]).await.status, 404);
    let own = TcpStream::connect(server.metrics.unwrap()).await.unwrap();
    assert!(ask(own, "/metrics", &[]).await.body.contains("privydrop_sockets"));
}
