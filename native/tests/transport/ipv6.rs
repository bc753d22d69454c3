//! A link where there is nothing but IPv6, in a network namespace of its own, where a test may have addresses as it likes.

use std::process::Command;

use bytes::Bytes;
use privydrop_common::transport::{Happened, Lane, Route, Step, Transport};
use privydrop_native::transport::WebRtc;
use tokio::runtime::Handle;

use crate::pair::{happened, next_frame, open};

const NAME: &str = "ipv6::a_link_forms_and_carries_frames_where_there_is_nothing_but_ipv6";
const INSIDE: &str = "PRIVYDROP_TEST_NAMESPACE";
/// A private address (RFC 4193) of the one device that every system has: no stack tells peers of `::1`.
const ADDRESS: &str = "fd00:6::1";

fn ip(words: &str) {
    let done = Command::new("ip").args(words.split(' ')).status().unwrap();
    assert!(done.success(), "ip {words}");
}

#[tokio::test]
async fn a_link_forms_and_carries_frames_where_there_is_nothing_but_ipv6() {
    if std::env::var_os(INSIDE).is_none() {
        return test_inside();
    }
    ip("link set lo up");
    // Or it is of no use before the system has looked for somebody else who has it.
    ip(&format!("-6 addr add {ADDRESS}/64 dev lo nodad"));
    ip("-4 addr flush dev lo");
    let rtc = WebRtc::new(Handle::current());
    let (mut caller, mut answerer) = (rtc.connect(&[]), rtc.connect(&[]));
    let mut found = Vec::new();
    let note = |step: Step| {
        match &step {
            Step::Candidate(candidate) => found.push(candidate.as_str().to_owned()),
            Step::Answer(sdp) | Step::Accept(sdp) => {
                let lines = sdp.as_str().lines().filter(|line| line.starts_with("a=candidate:"));
                found.extend(lines.map(str::to_owned));
            }
            _ => {}
        }
        step
    };
    let (_, mut path) = open(&mut caller, &mut answerer, note).await.expect("the links open");
    // The address is the fifth word (RFC 8839 §5.1).
    let addresses: Vec<_> = found.iter().map(|line| line.split(' ').nth(4)).collect();
    assert!(addresses.len() >= 2 && addresses.iter().all(|it| *it == Some(ADDRESS)), "{found:?}");
    for (lane, words) in [(Lane::Control, &b"control"[..]), (Lane::Data, b"data")] {
        caller.send(lane, Bytes::from_static(words));
        assert_eq!(next_frame(&mut answerer).await, (lane, Bytes::from_static(words)));
    }
    while path.is_none() {
        if let Happened::Path(told) = happened(&mut caller).await {
            path = Some(told);
        }
    }
    assert_eq!(path.map(|path| path.route), Some(Route::Lan));
}

#[expect(clippy::print_stdout, reason = "whoever reads the tests' output is told")]
fn test_inside() {
    let mut trial = Command::new("unshare");
    trial.args(["-rn", "ip", "-6", "addr", "add", &format!("{ADDRESS}/64"), "dev", "lo"]);
    if !trial.status().is_ok_and(|status| status.success()) {
        // A test that tried nothing must not count as passed by accident (CONTRIBUTING.md).
        let allowed = std::env::var_os("PRIVYDROP_ALLOW_SKIPS").is_some();
        let why = "this system gives a test no network of its own, or has no IPv6";
        assert!(allowed, "{why}; PRIVYDROP_ALLOW_SKIPS=1 lets the tests that need it be skipped");
        println!("skipped: {why}");
        return;
    }
    let mut inside = Command::new("unshare");
    inside.arg("-rn").arg(std::env::current_exe().unwrap()).args([NAME, "--exact", "--nocapture"]);
    let ended = inside.env(INSIDE, "1").output().unwrap();
    let said = [ended.stdout, ended.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    assert!(ended.status.success() && said[0].contains("1 passed"), "{}", said.concat());
}
