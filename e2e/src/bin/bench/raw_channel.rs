//! The bar: one data channel at its best settings, between pages that do nothing else.
//!
//! Bytes come from one buffer and are only counted where they arrive; nothing is read, hashed or stored.

use serde_json::{Value, json};

use crate::far::Far;
use crate::meter::{Meter, Moved};
use crate::{Ends, Way, tab};

/// Bytes of one message, the most that Chromium takes.
const MESSAGE: u64 = 256 * 1024;
/// Sending stops when this many bytes wait, and goes on when [`LOW`] are left.
const HIGH: u64 = 512 * 1024;
const LOW: u64 = 256 * 1024;

/// Makes the connection and its channel; its description, once all candidates are in it.
const OFFER: &str = include_str!("offer.js");
/// Answers a description, and counts what comes.
const ANSWER: &str = include_str!("answer.js");
/// Takes the answer.
const CONNECT: &str = "await window.peer.setRemoteDescription(arguments[0]);";
/// Waits for the channel, and tells in which state it and its connection are. Chromium sometimes says that it is open
/// while its state is still `connecting`.
const OPENED: &str = "const channel = await window.channel;
    while (channel.readyState === 'connecting') {
        await new Promise(soon => setTimeout(soon, 10));
    }
    return [channel.readyState, window.peer.connectionState, window.peer.iceConnectionState];";
/// Asks for the bytes.
const BEGIN: &str = "const channel = await window.channel;
    window.bench.started = performance.now();
    channel.send('go');";
/// Connections that may break off before a byte has moved.
const MAX_BROKEN: usize = 3;

/// Moves `size` bytes. Time runs from the receiver's wish to the last byte that it has counted.
pub(crate) async fn moved(ends: &Ends, size: u64, way: &Way<'_>) -> Moved {
    let empty = format!("{}/api/version", way.server().address());
    let (from, to) = (ends.from.browser(), ends.to.browser());
    let configuration = match way {
        Way::Near(_) => json!({}),
        Way::Far(_) => Far::configuration(from).await,
    };
    for browser in [from, to] {
        tab::renew(browser, &[]).await;
        tab::forget(browser, way.server().address()).await;
        browser.driver().goto(&empty).await.expect("a page without a script");
    }
    let meter = Meter::idle(ends).await;
    connect(ends, size, &configuration).await;
    let begin = async {
        let _: Value = to.run_async(BEGIN, vec![]).await;
    };
    meter.watch(size, begin).await
}

/// Makes the connection. One that breaks off at once is made anew, and said, rather than ending a run of an hour.
async fn connect(ends: &Ends, size: u64, configuration: &Value) {
    let (from, to) = (ends.from.browser(), ends.to.browser());
    for _ in 0..MAX_BROKEN {
        let how = vec![json!(size), json!(MESSAGE), json!(HIGH), json!(LOW), configuration.clone()];
        let offer = from.run_async(OFFER, how).await;
        let answer = to.run_async(ANSWER, vec![offer, json!(size), configuration.clone()]).await;
        from.run_async(CONNECT, vec![answer]).await;
        let states = to.run_async(OPENED, vec![]).await;
        if states[0] == "open" {
            return;
        }
        println!("the raw channel broke off before its first byte and is made again: {states}");
    }
    panic!("no raw channel stayed open");
}
