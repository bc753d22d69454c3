//! The real `privydrop-server`, on its own port, for one test.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::process::Program;
use crate::redis::Redis;

/// Longest time until a server can serve.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server.
#[derive(Debug)]
pub struct Server {
    program: Program,
    address: String,
    /// The words of its command line, but for where it listens.
    words: Vec<OsString>,
    // Ends after the server that relies on it.
    redis: Option<Redis>,
}

/// Where the server keeps its rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rooms {
    /// In its own memory.
    Memory,
    /// In a Redis that is started along.
    Redis,
}

impl Server {
    /// Starts a server that keeps its rooms in `rooms`.
    pub fn start(rooms: Rooms) -> Self {
        Self::start_with(rooms, &[])
    }

    /// Starts a server with more `words` on its command line.
    pub fn start_with(rooms: Rooms, words: &[&OsStr]) -> Self {
        let redis = (rooms == Rooms::Redis).then(Redis::start);
        let mut words: Vec<OsString> = words.iter().map(OsString::from).collect();
        if let Some(redis) = &redis {
            words.extend(["--redis".into(), redis.url().into()]);
        }
        let (program, address) = begin("127.0.0.1:0", &words);
        Self { program, address, words, redis }
    }

    /// Starts it again at the same address; ends it first if need be.
    pub fn restart(&mut self) {
        self.program.end();
        let place = self.address.split_once("://").map_or("", |(_, place)| place);
        (self.program, self.address) = begin(place, &self.words);
    }

    /// Waits until it says that it can serve, as after its store came back.
    pub fn until_ready(&self) {
        let place = self.address.split_once("://").map_or("", |(_, place)| place);
        let is_ready = || -> std::io::Result<bool> {
            let mut stream = TcpStream::connect(place)?;
            stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer.starts_with("HTTP/1.1 200"))
        };
        let start = Instant::now();
        while !is_ready().unwrap_or(false) {
            assert!(start.elapsed() < PATIENCE, "the server does not become ready");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The store that was started along. Panics when there is none.
    pub fn redis(&mut self) -> &mut Redis {
        self.redis.as_mut().expect("a server that keeps its rooms in Redis")
    }

    /// Its address, such as `http://127.0.0.1:40123`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends it while pages still rely on it.
    pub fn stop(&mut self) {
        self.program.end();
    }

    /// Asks it to leave as whoever runs it does (SIGTERM), and waits until it has. Panics when it does not end well.
    pub fn retire(&mut self) {
        self.program.terminate();
    }
}

fn begin(place: &str, words: &[OsString]) -> (Program, String) {
    let ready =
        |line: &str| Some(line.split_once("PrivyDrop is ready: ")?.1.trim().trim_end_matches('/').to_owned());
    Program::start(Command::new(program()).args(["--listen", place]).args(words), ready)
}

/// The program: the one named by `PRIVYDROP_SERVER_PROGRAM`, or the one that was built along with the tests.
pub(crate) fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("PRIVYDROP_SERVER_PROGRAM") {
        return named.into();
    }
    let own = std::env::current_exe().expect("the test program's path");
    let built = own.ancestors().nth(2).expect("the target folder").join("privydrop-server");
    assert!(built.exists(), "{} is not built; use `cargo xtask e2e`", built.display());
    built
}
