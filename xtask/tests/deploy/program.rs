//! Programs that these tests start, each with a folder of its own; both are gone when dropped. Ends only its own child.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a program may take until it serves: a cold machine with both cores busy is slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program; dropping it ends it.
pub(crate) struct Program(Child);

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).spawn();
        Self(child.unwrap_or_else(|error| panic!("cannot start {:?}: {error}", command.get_program())))
    }

    /// The server's program; `cargo xtask test` says where it is.
    pub(crate) fn server_command() -> Command {
        let named = std::env::var_os("PRIVYDROP_SERVER_PROGRAM").map(PathBuf::from);
        Command::new(named.unwrap_or_else(|| crate::at("target/debug/privydrop-server")))
    }

    /// The server with these words, and the port that it took.
    pub(crate) fn server(words: &[&str]) -> (Self, u16) {
        let mut command = Self::server_command();
        command.args(["--listen", "127.0.0.1:0"]).args(words).env("RUST_LOG", "warn");
        let mut server = Self::start(command.stdout(Stdio::piped()));
        let mut line = String::new();
        BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (server, line.trim().rsplit(':').next().unwrap().parse().expect("the server's port"))
    }

    /// Asks `ready` until it says yes.
    pub(crate) fn wait(&mut self, ready: impl Fn() -> bool) {
        let start = Instant::now();
        while !ready() {
            assert!(self.0.try_wait().unwrap().is_none(), "it ended at once");
            assert!(start.elapsed() < PATIENCE, "it is not ready");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // nginx's workers end with their master only when it is asked, not when it is killed. Servers are not to take their time.
        let _ = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status();
        let start = Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) && start.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder with a certificate for `localhost` in it; gone when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("privydrop-kit-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(&folder.0).unwrap();
        let words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
            -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:localhost";
        let mut openssl = Command::new("openssl");
        openssl.args(words.split_whitespace()).arg("-keyout").arg(folder.at("key.pem"));
        let made = openssl.arg("-out").arg(folder.at("cert.pem")).stderr(Stdio::null()).status();
        assert!(made.expect("openssl").success());
        folder
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        fs::write(self.at(name), content).unwrap();
        self.at(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A port that nobody listens on. These programs take no port 0, so there is a short moment in which another could take it.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A program of Debian's, which may be where only root's search path leads.
pub(crate) fn debian(name: &str) -> Command {
    let places = ["/usr/sbin", "/usr/bin"].map(|place| PathBuf::from(place).join(name));
    Command::new(places.into_iter().find(|path| path.exists()).unwrap_or_else(|| name.into()))
}
