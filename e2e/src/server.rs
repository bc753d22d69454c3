//! The real `privydrop-server`, on its own port, for one test.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use crate::process::Program;
use crate::redis::Redis;

/// A running server.
#[derive(Debug)]
pub struct Server {
    program: Program,
    address: String,
    // Ends after the server that relies on it.
    _redis: Option<Redis>,
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
        let mut command = Command::new(program());
        command.args(["--listen", "127.0.0.1:0"]).args(words);
        if let Some(redis) = &redis {
            command.args(["--redis", &redis.url()]);
        }
        let ready = |line: &str| {
            Some(line.split_once("PrivyDrop is ready: ")?.1.trim().trim_end_matches('/').to_owned())
        };
        let (program, address) = Program::start(&mut command, ready);
        Self { program, address, _redis: redis }
    }

    /// Its address, such as `http://127.0.0.1:40123`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends it while pages still rely on it.
    pub fn stop(&mut self) {
        self.program.end();
    }
}

/// The program: the one named by `PRIVYDROP_SERVER`, or the one that was built along with the tests.
pub(crate) fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("PRIVYDROP_SERVER") {
        return named.into();
    }
    let own = std::env::current_exe().expect("the test program's path");
    let built = own.ancestors().nth(2).expect("the target folder").join("privydrop-server");
    assert!(built.exists(), "{} is not built; use `cargo xtask e2e`", built.display());
    built
}
