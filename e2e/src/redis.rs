//! A real Redis on its own port, in its own folder, for one test.

use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::process::{Program, find};

/// Below what Linux gives to connections (`net.ipv4.ip_local_port_range`).
const PORTS: Range<u16> = 10_000..32_000;
const PORTS_WIDTH: u64 = (PORTS.end - PORTS.start) as u64;
const MAX_TRIES: usize = 1_000;

/// A running Redis; gone with its data when dropped.
#[derive(Debug)]
pub struct Redis {
    program: Program,
    port: u16,
    folder: TempDir,
}

impl Redis {
    /// Starts it, with nothing kept on disk.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let program = begin(port, folder.path());
        Self { program, port, folder }
    }

    /// Its address for clients.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Sends one command, whose words have no blanks; the first line of the answer as Redis writes it: `:1`, `+OK`.
    pub fn ask(&self, command: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("a running Redis");
        stream.write_all(format!("{command}\r\n").as_bytes()).expect("a running Redis");
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("an answer");
        line.trim_end().to_owned()
    }

    /// Stops it while its clients still rely on it.
    pub fn stop(&mut self) {
        self.program.end();
    }

    /// Starts it again at the same address, with nothing in it; ends it first if need be.
    pub fn restart(&mut self) {
        self.program.end();
        self.program = begin(self.port, self.folder.path());
    }
}

fn begin(port: u16, folder: &Path) -> Program {
    let mut command = Command::new(find(&["redis-server"]));
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()]);
    let ready = |line: &str| line.contains("Ready to accept connections").then_some(());
    Program::start(command.arg("--dir").arg(folder), ready).0
}

/// A port that nobody listens on. Not one of those that the system gives to connections: a server that is started again wants
/// it back, and a connection may have taken it meanwhile.
pub(crate) fn free_port() -> u16 {
    let chance = RandomState::new();
    let candidates = (0_u64..).map(|number| PORTS.start + (chance.hash_one(number) % PORTS_WIDTH) as u16);
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    candidates.take(MAX_TRIES).find(is_free).expect("a free port")
}
