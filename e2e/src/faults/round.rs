//! One round: a file on its way from one terminal to another, and what happens to them meanwhile.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use privydrop_common::journal::MIN_TOTAL;
use privydrop_common::name::PART_SUFFIX;
use serde_json::Value;
use tokio::time::sleep;

use super::MAX_RESENT;
use super::plan::{Fault, Plan, What};
use super::weather::{Path, Weather};
use crate::fixture::{Fixture, blake3_of};
use crate::server::Server;
use crate::terminal::Terminal;

/// The file's name.
const NAME: &str = "film.bin";
/// A server that is down comes back when nothing has moved for so long, although too few bytes have.
const IDLE: Duration = Duration::from_millis(500);
/// Starts of a terminal in one round, at most: more than faults can cause.
const MAX_STARTS: u32 = 16;

/// What a round tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Bytes of the file.
    pub size: u64,
    /// Datagrams were lost, late or doubled all the time.
    pub in_bad_weather: bool,
    /// Terminals that were killed.
    pub terminals_killed: u32,
    /// Servers that were killed.
    pub servers_killed: u32,
    /// Stores that were killed.
    pub stores_killed: u32,
    /// Partitions of the path.
    pub partitions: u32,
    /// Receivers that went on from what was there.
    pub resumed: u32,
    /// Terminals that ended by themselves before all was there, and were started again as they asked for.
    pub gave_up: u32,
    /// For each kill of a terminal after which there was something left to do, the bytes that had reached it and were
    /// not there any more. Headers and what the path doubled are counted in: it is an upper bound.
    pub resent: Vec<u64>,
    /// For each of these, the bytes that it had on the disk and the next one had to fetch again.
    pub fetched_again: Vec<u64>,
}

pub(super) struct Round<'a> {
    plan: &'a Plan,
    path: &'a Path,
    server: &'a mut Server,
    source: PathBuf,
    hash: String,
    inbox: tempfile::TempDir,
    _fixture: Fixture,
    report: Report,
    /// What is still to happen, the next one last.
    faults: Vec<Fault>,
    /// Bytes after which the server, and the store, come back.
    server_back: Option<u64>,
    store_back: Option<u64>,
    starts: u32,
    /// Bytes of the file that the present receiver began with, and those that had arrived when it began.
    began_with: u64,
    began_at: u64,
    /// Set while a killed receiver's successor has not said what it begins with: bytes that its predecessor had.
    had: Option<u64>,
    /// The same of bytes that the disk has.
    stored: u64,
    /// The successor told how much there is. Whether that is what it began with, its next word says.
    moves: bool,
}

/// The two programs.
struct Pair {
    sender: Terminal,
    receiver: Terminal,
    link: String,
}

/// What comes next.
enum Next {
    OfReceiver(Option<Value>),
    OfSender(Option<Value>),
    Due,
    Idle,
}

impl<'a> Round<'a> {
    pub(super) fn new(plan: &'a Plan, path: &'a Path, server: &'a mut Server) -> Self {
        let mut fixture = Fixture::new(plan.seed);
        let source = fixture.file(NAME, plan.size);
        let mut faults = plan.faults.clone();
        faults.reverse();
        Self {
            plan,
            path,
            server,
            hash: blake3_of(&source),
            source,
            inbox: tempfile::tempdir().expect("a temporary folder"),
            _fixture: fixture,
            report: Report {
                size: plan.size,
                in_bad_weather: plan.weather != Weather::CLEAR,
                ..Report::default()
            },
            faults,
            server_back: None,
            store_back: None,
            starts: 0,
            began_with: 0,
            began_at: 0,
            had: None,
            stored: 0,
            moves: false,
        }
    }

    /// Lets it all happen until the file is there. Panics when it is wrong, or never comes.
    pub(super) async fn run(mut self) -> Report {
        self.path.change(self.plan.weather, self.plan.seed);
        let mut pair = self.start_both().await;
        loop {
            match self.next(&mut pair).await {
                Next::Due => {
                    if let Some(back) = self.due_back() {
                        self.bring_back(back);
                    } else if let Some(fault) = self.faults.pop() {
                        match self.happen(fault.what, pair).await {
                            Some(going_on) => pair = going_on,
                            None => break,
                        }
                    }
                }
                Next::Idle => self.bring_all_back(),
                Next::OfReceiver(Some(event)) => {
                    self.note(&event);
                    if event["event"] == "item" && event["state"] == "done" {
                        assert_eq!(event["hash"], self.hash, "the receiver's hash");
                        break;
                    }
                }
                Next::OfReceiver(None) => {
                    // It said why, and what to do about it: the same again.
                    if self.has_arrived() {
                        break;
                    }
                    self.gave_up();
                    let Pair { sender, receiver, link } = pair;
                    self.lost(receiver, false).await;
                    pair = self.receive_again(sender, link).await;
                }
                Next::OfSender(Some(_)) => {}
                Next::OfSender(None) => {
                    if self.has_arrived() {
                        break;
                    }
                    self.gave_up();
                    self.stop_receiver(pair.receiver).await;
                    if self.has_arrived() {
                        break;
                    }
                    pair = self.start_both().await;
                }
            }
        }
        self.bring_all_back();
        self.check();
        self.report
    }

    async fn next(&self, pair: &mut Pair) -> Next {
        let fault = self.faults.last().map(|fault| fault.at);
        let due = [fault, self.server_back, self.store_back].into_iter().flatten().min();
        let down = self.server_back.is_some() || self.store_back.is_some();
        tokio::select! {
            biased;
            () = self.path.arrival(due.unwrap_or(u64::MAX)), if due.is_some() => Next::Due,
            event = pair.receiver.event() => Next::OfReceiver(event),
            event = pair.sender.event() => Next::OfSender(event),
            () = self.idle(), if down => Next::Idle,
        }
    }

    /// Ends when nothing has moved for a while.
    async fn idle(&self) {
        let mut before = self.path.arrived();
        loop {
            sleep(IDLE).await;
            let now = self.path.arrived();
            // Checks of an idle path are a few hundred bytes.
            if now < before + 4_096 {
                return;
            }
            before = now;
        }
    }

    /// Does it; nothing when the file was there by then.
    async fn happen(&mut self, what: What, pair: Pair) -> Option<Pair> {
        match what {
            What::KillReceiver => {
                self.report.terminals_killed += 1;
                self.lost(pair.receiver, true).await;
                if self.has_arrived() {
                    return None;
                }
                Some(self.receive_again(pair.sender, pair.link).await)
            }
            What::KillSender => {
                self.report.terminals_killed += 1;
                pair.sender.kill().await;
                self.stop_receiver(pair.receiver).await;
                if self.has_arrived() {
                    return None;
                }
                Some(self.start_both().await)
            }
            What::KillBoth => {
                self.report.terminals_killed += 2;
                pair.sender.kill().await;
                self.lost(pair.receiver, true).await;
                if self.has_arrived() {
                    return None;
                }
                Some(self.start_both().await)
            }
            What::KillServer(for_bytes) => {
                self.report.servers_killed += 1;
                self.server.stop();
                self.server_back = Some(self.path.arrived() + for_bytes);
                Some(pair)
            }
            What::KillRedis(for_bytes) => {
                self.report.stores_killed += 1;
                self.server.redis().stop();
                self.store_back = Some(self.path.arrived() + for_bytes);
                Some(pair)
            }
            What::Partition(datagrams) => {
                self.report.partitions += 1;
                self.path.lose(datagrams);
                Some(pair)
            }
        }
    }

    /// Which of those that are down has been so for long enough: the store comes first.
    fn due_back(&self) -> Option<Back> {
        let arrived = self.path.arrived();
        let is_due = |at: Option<u64>| at.is_some_and(|at| at <= arrived);
        match () {
            () if is_due(self.store_back) => Some(Back::Store),
            () if is_due(self.server_back) => Some(Back::Server),
            () => None,
        }
    }

    fn bring_back(&mut self, back: Back) {
        match back {
            Back::Store if self.store_back.take().is_some() => self.server.redis().restart(),
            // It does not start without its store.
            Back::Server if self.server_back.take().is_some() => {
                self.bring_back(Back::Store);
                self.server.restart();
            }
            _ => {}
        }
    }

    fn bring_all_back(&mut self) {
        self.bring_back(Back::Store);
        self.bring_back(Back::Server);
    }

    fn gave_up(&mut self) {
        self.report.gave_up += 1;
        // A person starts it again when the server is there again.
        self.bring_all_back();
        self.server.until_ready();
    }

    async fn start_both(&mut self) -> Pair {
        loop {
            let source = self.source.clone();
            let mut sender = self.start(&["send".as_ref(), source.as_os_str()], "");
            if let Some(room) = sender.find("room").await {
                let link = room["link"].as_str().expect("a link").to_owned();
                return self.receive_again(sender, link).await;
            }
            self.gave_up();
        }
    }

    async fn receive_again(&mut self, sender: Terminal, link: String) -> Pair {
        (self.began_at, self.began_with, self.moves) = (self.path.arrived(), 0, false);
        let inbox = self.inbox.path().as_os_str().to_owned();
        let receiver = self.start(&["receive".as_ref(), "--into".as_ref(), &inbox], &link);
        Pair { sender, receiver, link }
    }

    fn start(&mut self, words: &[&OsStr], secret: &str) -> Terminal {
        self.starts += 1;
        assert!(self.starts <= 2 * MAX_STARTS, "terminals are started again and again: {:#?}", self.report);
        Terminal::start(self.server, &[&["--relay-only".as_ref()], words].concat(), secret)
    }

    /// The receiver ends by a signal that a person gives.
    async fn stop_receiver(&mut self, receiver: Terminal) {
        receiver.interrupt();
        self.lost(receiver, false).await;
    }

    /// The receiver is gone, by a kill or after its last words.
    async fn lost(&mut self, receiver: Terminal, kill: bool) {
        if kill {
            receiver.kill().await;
        } else {
            let mut receiver = receiver;
            while let Some(event) = receiver.event().await {
                self.note(&event);
            }
        }
        let reached = self.began_with + (self.path.arrived() - self.began_at);
        self.had = Some(self.had.unwrap_or(0).max(reached.min(self.plan.size)));
        let unfinished = self.inbox.path().join(format!("{NAME}{PART_SUFFIX}"));
        self.stored = fs::metadata(unfinished).map_or(0, |file| file.blocks() * 512).min(self.plan.size);
    }

    /// What a receiver says of where it begins.
    fn note(&mut self, event: &Value) {
        let resumed = event["code"] == "item-resumed";
        if resumed {
            let percent = event["number"].as_u64().expect("a number");
            self.began_with = self.began_with.max(self.plan.size * percent / 100);
            self.report.resumed += 1;
        }
        let done = event["done"].as_u64().unwrap_or_default();
        let moves = event["event"] == "item" && event["state"] == "moving" && done != 0;
        if moves && self.had.is_some() && !self.moves {
            // It may say how much there is before it says what of that it began with: at least what cannot have come since.
            let came = self.path.arrived() - self.began_at;
            self.began_with = self.began_with.max(done.saturating_sub(came));
            self.moves = true;
            return;
        }
        if (resumed || self.moves)
            && let Some(had) = self.had.take()
        {
            self.moves = false;
            let resent = had.saturating_sub(self.began_with);
            assert!(resent <= MAX_RESENT, "{resent} bytes are sent again: {:#?}", self.report);
            self.report.resent.push(resent);
            self.report.fetched_again.push(self.stored.saturating_sub(self.began_with));
        }
    }

    /// True once the file stands under its name.
    fn has_arrived(&self) -> bool {
        self.inbox.path().join(NAME).exists()
    }

    /// What is there is the file and nothing else: whole, right, once.
    fn check(&self) {
        let names = || fs::read_dir(self.inbox.path()).expect("the inbox").flatten();
        let names: Vec<String> =
            names().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        // Of what is too small for a journal, a killed receiver leaves its unfinished file behind.
        let is_left_behind = |name: &String| {
            self.plan.size < MIN_TOTAL && self.report.terminals_killed > 0 && name.ends_with(PART_SUFFIX)
        };
        let names: Vec<String> = names.into_iter().filter(|name| !is_left_behind(name)).collect();
        assert_eq!(names, [NAME], "the inbox after {:#?}", self.report);
        assert_eq!(blake3_of(&self.inbox.path().join(NAME)), self.hash, "what arrived is not what was sent");
        // Whoever starts finds no server; nothing else is a reason to end before all is there.
        let was_down = self.report.servers_killed + self.report.stores_killed > 0;
        assert!(self.report.gave_up == 0 || was_down, "somebody gave up in {:#?}", self.report);
    }
}

/// What is down and comes back.
#[derive(Clone, Copy)]
enum Back {
    Store,
    Server,
}
