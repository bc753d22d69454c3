//! Between a terminal and Chromium, both ways, beside the bare stacks of the two.

use std::path::Path;
use std::time::Instant;

use privydrop_common::api::ItemState;
use privydrop_e2e::browser::{ANYTHING, Browser, Kind};
use privydrop_e2e::fixture::{BIG, Fixture, blake3_of};
use privydrop_e2e::page::Page;
use privydrop_e2e::server::Server;
use privydrop_e2e::terminal::Terminal;
use serde_json::{Value, json};

use crate::meter::Moved;
use crate::options::Options;
use crate::raw::{End, Tuning};
use crate::report::Table;
use crate::{tell, terminals};

/// Bytes of a message of Chromium's, and where its queue is full and has room again: its fastest.
const MESSAGE: u64 = 256 * 1024;
const HIGH: u64 = 512 * 1024;
const LOW: u64 = 256 * 1024;

const OFFER: &str = include_str!("../bench/offer.js");
const ANSWER: &str = include_str!("../bench/answer.js");
const CONNECT: &str = "await window.peer.setRemoteDescription(arguments[0]);";
/// Asks for the bytes, and waits for the last.
const TAKE: &str = "const channel = await window.channel;
    const started = performance.now();
    channel.send('go');
    while (!window.bench.finished) {
        await new Promise(soon => setTimeout(soon, 20));
    }
    return (window.bench.finished - started) / 1000;";
/// Takes directory access away, so that the page keeps what it receives in its fastest place.
const NO_PICKERS: &str = "delete window.showDirectoryPicker; delete window.showSaveFilePicker;";

/// Both ways in turn, each beside its raw channel.
pub(crate) async fn measure(options: &Options, fixture: &mut Fixture, server: &Server, table: &mut Table) {
    let file = fixture.file("for browsers.bin", BIG);
    let page = Page::open(Kind::Chromium, server.address()).await;
    let script = json!({ "source": NO_PICKERS });
    let told = page.browser().driver().cdp().send_raw("Page.addScriptToEvaluateOnNewDocument", script).await;
    told.expect("a script before those of the page");
    let (mut into, mut from) = (Vec::new(), Vec::new());
    for number in 1..=options.rounds {
        let pair = (raw_into(&page, server).await, app_into(&page, &file, server).await);
        tell(number, "raw → browser", BIG, &pair.0);
        tell(number, "terminal → browser", BIG, &pair.1);
        into.push(pair);
        let pair = (raw_from(&page, server).await, app_from(&page, &file, server).await);
        tell(number, "raw ← browser", BIG, &pair.0);
        tell(number, "terminal ← browser", BIG, &pair.1);
        from.push(pair);
    }
    table.add_browser("terminal → Chromium", BIG, &into);
    table.add_browser("Chromium → terminal", BIG, &from);
    page.close(&[ANYTHING]).await;
}

async fn raw_into(page: &Page, server: &Server) -> Moved {
    let browser = empty(page, server).await;
    let mut end = End::start("send", BIG, Tuning::LARGE);
    let answer = browser.run_async(ANSWER, vec![end.hear().await, json!(BIG)]).await;
    end.tell(&answer).await;
    let seconds: Value = browser.run_async(TAKE, vec![]).await;
    only_time(seconds.as_f64().expect("seconds"))
}

async fn raw_from(page: &Page, server: &Server) -> Moved {
    let browser = empty(page, server).await;
    let mut end = End::start("receive", BIG, Tuning::BROWSER);
    let offer = browser.run_async(OFFER, vec![json!(BIG), json!(MESSAGE), json!(HIGH), json!(LOW)]).await;
    end.tell(&offer).await;
    let answer = end.hear().await;
    let _: Value = browser.run_async(CONNECT, vec![answer]).await;
    only_time(end.hear().await["seconds"].as_f64().expect("seconds"))
}

async fn app_into(page: &Page, file: &Path, server: &Server) -> Moved {
    page.go(server.address()).await;
    let name = file.file_name().expect("its name").to_string_lossy();
    let mut terminal = Terminal::start(server, &["send".as_ref(), file.as_ref()], "");
    page.join(terminal.next("room").await["link"].as_str().expect("a link")).await;
    page.item(&name, ItemState::Offered).await;
    let started = Instant::now();
    page.press(&name, "accept").await;
    let done = page.item(&name, ItemState::Done).await;
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(done.hash, blake3_of(file), "what arrived is not what was sent");
    terminal.done().await;
    page.leave().await;
    only_time(seconds)
}

async fn app_from(page: &Page, file: &Path, server: &Server) -> Moved {
    page.go(server.address()).await;
    page.share_files(&[file]).await;
    let moved = terminals::received(server, file, BIG, &page.code().await).await;
    page.leave().await;
    moved
}

/// The browser with a page that does nothing.
async fn empty<'a>(page: &'a Page, server: &Server) -> &'a Browser {
    let address = format!("{}/api/version", server.address());
    page.browser().driver().goto(&address).await.expect("a page without a script");
    page.browser()
}

/// A transfer of which only the time counts.
fn only_time(seconds: f64) -> Moved {
    Moved { size: BIG, seconds, whole: seconds, cpu: [0.0; 2], memory: [0.0; 2] }
}
