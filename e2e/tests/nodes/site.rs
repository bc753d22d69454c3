//! The place of these tests: Redis, three nodes, a balancer, and terminals that know the balancer's address only.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use privydrop_e2e::fixture::{Fixture, blake3_of};
use privydrop_e2e::redis::Redis;
use privydrop_e2e::server::{Rooms, Server};
use privydrop_e2e::terminal::Terminal;
use serde_json::Value;
use tempfile::TempDir;

use crate::balancer::Balancer;

/// How many nodes there are.
const NODES: usize = 3;

/// More bytes than a receiver asks for ahead, 8 MiB, and its sender's sockets hold.
const ON_ITS_WAY: u64 = 16 << 20;

/// Everything that stays while terminals come and go.
pub(crate) struct Site {
    pub(crate) balancer: Balancer,
    pub(crate) nodes: Vec<Server>,
    pub(crate) redis: Redis,
    fixture: Fixture,
    /// The ticket key, and what is received.
    folder: TempDir,
    inboxes: AtomicUsize,
}

/// Somebody who shares a file.
pub(crate) struct Sharer {
    pub(crate) terminal: Terminal,
    pub(crate) file: PathBuf,
    pub(crate) link: String,
    pub(crate) room: String,
}

/// Somebody who receives it.
pub(crate) struct Receiver {
    pub(crate) terminal: Terminal,
    wanted: PathBuf,
    inbox: PathBuf,
}

impl Site {
    pub(crate) fn start() -> Self {
        let (redis, folder) = (Redis::start(), tempfile::tempdir().unwrap());
        let key = folder.path().join("ticket-key");
        std::fs::write(&key, [b'k'; 32]).unwrap();
        let mut words: Vec<OsString> = vec!["--redis".into(), redis.url().into()];
        words.extend(["--ticket-key-file".into(), key.into()]);
        // A balancer here asks nobody whether he is ready.
        let drain = [("--drain-notice-seconds", "0"), ("--drain-seconds", "1")];
        let limits = ["--creates-per-minute", "--joins-per-minute"].map(|limit| (limit, "100000"));
        words.extend(drain.iter().chain(&limits).flat_map(|(flag, value)| [flag.into(), value.into()]));
        let words: Vec<&OsStr> = words.iter().map(OsString::as_os_str).collect();
        let nodes: Vec<_> = (0..NODES).map(|_| Server::start_with(Rooms::Memory, &words)).collect();
        let balancer = Balancer::start(nodes.iter().map(Server::address));
        Self { balancer, nodes, redis, fixture: Fixture::new(11), folder, inboxes: AtomicUsize::new(0) }
    }

    /// Shares a file of so many bytes, for everybody who comes.
    pub(crate) async fn share(&mut self, name: &str, size: u64) -> Sharer {
        let file = self.fixture.file(name, size);
        Sharer::start(&self.balancer.address(), file).await
    }

    /// Begins to receive it.
    pub(crate) fn receive(&self, from: &Sharer) -> Receiver {
        let number = self.inboxes.fetch_add(1, Ordering::Relaxed);
        let inbox = self.folder.path().join(format!("inbox-{number}"));
        Receiver::start(&self.balancer.address(), from, inbox)
    }
}

impl Sharer {
    /// Shares this file for everybody who comes.
    pub(crate) async fn start(server: &str, file: PathBuf) -> Self {
        let words = ["send".as_ref(), "--stay".as_ref(), file.as_os_str()];
        let mut terminal = Terminal::start_at(server, &words, "", &[]);
        let said = terminal.next("room").await;
        let text = |name: &str| said[name].as_str().unwrap().to_owned();
        Self { terminal, file, link: text("link"), room: text("room") }
    }
}

impl Receiver {
    /// Begins to receive what is shared into this folder.
    pub(crate) fn start(server: &str, from: &Sharer, inbox: PathBuf) -> Self {
        let words = ["receive".as_ref(), "--into".as_ref(), inbox.as_os_str()];
        let terminal = Terminal::start_at(server, &words, &from.link, &[]);
        Self { terminal, wanted: from.file.clone(), inbox }
    }

    /// Waits until some of it is there.
    pub(crate) async fn moves(&mut self) {
        while !self.has_some().await {}
    }

    /// Sees more of it reach the disk than can have been on its way before, or all that there is. What it says may be of before.
    pub(crate) async fn moves_on(&mut self) {
        let before = self.stored();
        while self.stored() < before + ON_ITS_WAY && !self.is_whole() {
            self.has_some().await;
        }
    }

    /// Hears how it is; true when some of it is there.
    async fn has_some(&mut self) -> bool {
        let item = self.terminal.next("item").await;
        match item["state"].as_str().unwrap() {
            "offered" | "waiting" => false,
            "moving" => item["done"].as_u64().unwrap() > 0,
            "verifying" | "done" => true,
            state => panic!("it should be on its way, and is {state}"),
        }
    }

    /// It has its own name.
    fn is_whole(&self) -> bool {
        self.inbox.join(self.wanted.file_name().unwrap()).exists()
    }

    /// Bytes of it that the disk has.
    fn stored(&self) -> u64 {
        let files = std::fs::read_dir(&self.inbox).into_iter().flatten().flatten();
        files.map(|file| file.metadata().map_or(0, |about| about.blocks() * 512)).sum()
    }

    /// Waits until all of it is there and right; everything that was said.
    pub(crate) async fn gets_it(self) -> Vec<Value> {
        let said = self.terminal.done().await;
        let stored = self.inbox.join(self.wanted.file_name().unwrap());
        assert_eq!(blake3_of(&stored), blake3_of(&self.wanted), "{said:#?}");
        std::fs::remove_file(stored).unwrap();
        said
    }
}

/// Nothing began anew. A link that falls silent because the machine is busy is mended, and is none of the servers' business.
pub(crate) fn assert_undisturbed(said: &[Value]) {
    let began_anew = |event: &Value| event["code"] == "item-resumed";
    assert!(!said.iter().any(began_anew), "{said:#?}");
}

/// Waits until it says that it is in its room again.
pub(crate) async fn comes_back(terminal: &mut Terminal) {
    let is_back = |said: &[Value]| {
        let mut phases = said.iter().filter(|event| event["event"] == "phase").map(|event| &event["phase"]);
        phases.any(|phase| phase == "reconnecting") && phases.any(|phase| phase == "in-room")
    };
    while !is_back(terminal.said()) {
        terminal.event().await.expect("it ended outside of its room");
    }
}
