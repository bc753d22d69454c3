//! What going on costs: from the network's return, or a page's reload, to the first bytes, what travels again after a kill,
//! and what the journal and the hashing take from the transfers that nothing happens to.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use privydrop_common::api::ItemState;
use privydrop_common::pieces::{piece_count, piece_range, value_of};
use privydrop_e2e::browser::{ANYTHING, Kind};
use privydrop_e2e::coturn::Coturn;
use privydrop_e2e::faults::plan::{Fault, Plan, What};
use privydrop_e2e::faults::{self, weather};
use privydrop_e2e::fixture::{BIG, Fixture};
use privydrop_e2e::page::Page;
use privydrop_e2e::server::{Rooms, Server};
use privydrop_e2e::terminal::Terminal;
use tokio::time::sleep;

use crate::meter::Moved;
use crate::options::Options;
use crate::report::Table;
use crate::{tell, terminals};

const MIB: u64 = 1 << 20;
/// How long the network is away.
const AWAY: Duration = Duration::from_secs(20);
/// Bytes that arrive before it goes away; and those after its return that are more than words about links.
const BEFORE: u64 = 8 * MIB;
const FLOWING: u64 = MIB / 2;
/// Bytes of the file that goes through a relay while the network goes away: more than can arrive meanwhile.
const LONG: u64 = 4 << 30;
/// Bytes of the file whose receiver is killed: a piece is a percent of it, and percents are told. And within which of them that
/// happens: early, for what arrived is counted with all headers, a tenth more than there is of the file.
const KILLED: u64 = 100 * MIB;
const KILLED_WITHIN: u64 = 24 * MIB;
/// Percent of a page's file after which it is loaded again: where there is as much to read again as to receive.
const RELOADED_AT: u8 = 50;
/// Pause between two looks at a page.
const LOOK: Duration = Duration::from_millis(50);
/// Kills a round.
const KILLS: u64 = 5;

/// All of them.
pub(crate) async fn measure(options: &Options, fixture: &mut Fixture, file: &Path, table: &mut Table) {
    let long = file.with_file_name("long.bin");
    std::fs::File::create(&long).and_then(|file| file.set_len(LONG)).expect("room for no bytes");
    let mut drops = Vec::new();
    for number in 1..=options.rounds {
        let seconds = back_after_a_drop(&long).await;
        println!("round {number}  bytes flow {seconds:.2} s after the network is back");
        drops.push(seconds);
    }
    table.add_drop(AWAY.as_secs(), &drops);

    let mut reloads = Vec::new();
    let big = fixture.file("for a page.bin", BIG);
    let server = Server::start(Rooms::Memory);
    let page = Page::open_without_folders(Kind::Chromium, server.address()).await;
    page.before_each_page(include_str!("first_bytes.js")).await;
    for number in 1..=options.rounds {
        let seconds = back_after_a_reload(&page, &big, &server).await;
        println!("round {number}  bytes flow {seconds:.2} s after a page is loaded again");
        reloads.push(seconds);
    }
    table.add_reload(&reloads);
    page.close(&[ANYTHING]).await;

    let kills: Vec<Plan> = (1..=options.rounds as u64 * KILLS).map(killed).collect();
    // The rounds have a runtime of their own.
    let reports = std::thread::spawn(move || faults::reports(&kills)).join().expect("rounds that end well");
    let resent: Vec<u64> = reports.iter().flat_map(|report| report.resent.iter().copied()).collect();
    let again: Vec<u64> = reports.iter().flat_map(|report| report.fetched_again.iter().copied()).collect();
    println!("sent again after each kill: {resent:?} bytes, of which the disk had {again:?}");
    table.add_resent(&again, &resent);

    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        let without = terminals::moved_without_journal(&server, file, options.size).await;
        let with = terminals::moved(&server, file, options.size, None).await;
        tell(number, "without a journal", options.size, &without);
        tell(number, "PrivyDrop", options.size, &with);
        rounds.push((without, with));
    }
    let hashing = hashing(fixture.file("to be hashed.bin", 64 * MIB).as_path());
    table.add_journal(options.size, &rounds);
    let cpu = |(_, with): &(Moved, Moved)| with.cpu.iter().sum::<f64>();
    table.add_hashing(options.size, hashing, rounds.iter().map(cpu));
}

/// Seconds from the return of the network until bytes flow again between two terminals behind a relay.
async fn back_after_a_drop(file: &Path) -> f64 {
    let relay = Coturn::start();
    let path = weather::Path::start(relay.address()).await.expect("a port for the path");
    let words = relay.for_server_at(path.address());
    let words: Vec<_> = words.iter().map(|word| &**word).collect();
    let server = Server::start_with(Rooms::Memory, &words);
    let inbox = tempfile::tempdir_in(file.parent().expect("a folder")).expect("a temporary folder");
    let send = ["--relay-only".as_ref(), "send".as_ref(), file.as_os_str()];
    let mut sender = Terminal::start(&server, &send, "");
    let link = sender.next("room").await["link"].as_str().expect("a link").to_owned();
    let receive = ["--relay-only", "receive", "--into"].map(AsRef::as_ref);
    let receive = [&receive[..], &[inbox.path().as_os_str()]].concat();
    let mut receiver = Terminal::start(&server, &receive, &link);
    let measure = async {
        path.arrival(BEFORE).await;
        path.lose(u32::MAX);
        sleep(AWAY).await;
        let (before, back) = (path.arrived(), Instant::now());
        path.lose(0);
        path.arrival(before + FLOWING).await;
        back.elapsed().as_secs_f64()
    };
    // Who is not listened to stops at a full pipe.
    let listen = async {
        loop {
            let event = tokio::select! {
                event = sender.event() => event,
                event = receiver.event() => event,
            };
            event.expect("both stay until the file is there");
        }
    };
    tokio::select! {
        seconds = measure => seconds,
        () = listen => unreachable!("it listens without an end"),
    }
}

/// Seconds from the wish to load a page again, which has half of what a terminal sends, until more of it comes.
async fn back_after_a_reload(page: &Page, file: &Path, server: &Server) -> f64 {
    page.go(server.address()).await;
    let name = file.file_name().expect("its name").to_string_lossy();
    let mut terminal = Terminal::start(server, &["send".as_ref(), file.as_ref()], "");
    page.join(terminal.next("room").await["link"].as_str().expect("a link")).await;
    page.item(&name, ItemState::Offered).await;
    page.press(&name, "accept").await;
    page.moved_past(&name, RELOADED_AT).await;
    // The page tells progress once a second, bytes come at once: they are noted where they arrive.
    let started = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is set").as_secs_f64();
    page.reload().await;
    page.resumed().await;
    let arrived = loop {
        let noted = page.browser().run("return window.firstBytes", vec![]).await.expect("a page");
        if let Some(noted) = noted.as_f64() {
            break noted / 1000.0;
        }
        sleep(LOOK).await;
    };
    let seconds = arrived - started;
    page.item(&name, ItemState::Done).await;
    terminal.done().await;
    page.leave().await;
    seconds
}

/// A round in which nothing happens but that the receiver is killed.
fn killed(number: u64) -> Plan {
    // Spread evenly, on no boundary of anything.
    let at = MIB + number * 5_000_011 % KILLED_WITHIN;
    let faults = vec![Fault { at, what: What::KillReceiver }];
    Plan { seed: number, size: KILLED, weather: weather::Weather::CLEAR, faults }
}

/// CPU-seconds that hashing takes an end, for each byte.
fn hashing(file: &Path) -> f64 {
    let content = std::fs::read(file).expect("the file");
    let size = content.len() as u64;
    let started = Instant::now();
    for piece in 0..piece_count(size) {
        let (at, length) = piece_range(size, piece);
        let (at, length) = (usize::try_from(at), usize::try_from(length));
        let (Ok(at), Ok(length)) = (at, length) else { continue };
        std::hint::black_box(value_of(size, piece, [&content[at..at + length]]));
    }
    started.elapsed().as_secs_f64() / size as f64
}
