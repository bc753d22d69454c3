//! Other programs that move files from terminal to terminal, with servers of their own on this machine.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// What both sides agree on: nobody else is there.
const CODE: &str = "7-measured-here";
/// Longest wait for a server of theirs.
const START: Duration = Duration::from_secs(60);
/// croc splits a transfer over as many ports of its relay, the first of which is for agreeing.
const CROC_PORTS: usize = 5;

/// A program to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Other {
    /// magic-wormhole, straight from one end to the other, which meet by its mailbox.
    Wormhole,
    /// croc without compression, which random bytes only slow down; by its relay.
    Croc,
}

/// Programs that run as long as this lives, in a folder of their own.
struct Servers {
    folder: TempDir,
    running: Vec<Child>,
}

impl Other {
    pub(crate) const ALL: [Self; 2] = [Self::Wormhole, Self::Croc];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wormhole => "magic-wormhole",
            Self::Croc => "croc",
        }
    }

    /// Whether it can be measured.
    pub(crate) fn is_installed(self) -> bool {
        match self {
            Self::Wormhole => wormhole("wormhole").is_file() && wormhole("twist").is_file(),
            Self::Croc => {
                let path = std::env::var_os("PATH").unwrap_or_default();
                std::env::split_paths(&path).any(|folder| folder.join("croc").is_file())
            }
        }
    }

    /// Moves a file; seconds from the start of the receiving program to its end.
    pub(crate) async fn moved(self, file: &Path) -> f64 {
        let servers = Servers { folder: folder_beside(file), running: Vec::new() };
        let into = folder_beside(file);
        let seconds = match self {
            Self::Wormhole => by_wormhole(servers, file, into.path()).await,
            Self::Croc => by_croc(servers, file, into.path()).await,
        };
        let arrived = std::fs::read_dir(into.path()).expect("a folder").flatten().next();
        let length = arrived.and_then(|entry| entry.metadata().ok()).map(|facts| facts.len());
        assert_eq!(length, file.metadata().ok().map(|facts| facts.len()), "{} lost bytes", self.name());
        seconds
    }
}

async fn by_wormhole(mut servers: Servers, file: &Path, into: &Path) -> f64 {
    let ports = free_ports::<2>();
    for (plugin, port) in [("wormhole-mailbox", ports[0]), ("transitrelay", ports[1])] {
        let endpoint = format!("--port=tcp:{port}:interface=127.0.0.1");
        servers.start(Command::new(wormhole("twist")).args([plugin, &endpoint]));
        listening(port).await;
    }
    let end = |action: &str| {
        let mut command = Command::new(wormhole("wormhole"));
        command.args(["--relay-url", &format!("ws://127.0.0.1:{}/v1", ports[0])]);
        command.args(["--transit-helper", &format!("tcp:127.0.0.1:{}", ports[1]), action]);
        command.args(["--hide-progress", "--no-qr"].into_iter().take(if action == "send" { 2 } else { 1 }));
        command
    };
    servers.start(end("send").args(["--code", CODE]).arg(file));
    finished(end("receive").args(["--accept-file", CODE]).current_dir(into)).await
}

async fn by_croc(mut servers: Servers, file: &Path, into: &Path) -> f64 {
    let ports = free_ports::<CROC_PORTS>();
    let list = ports.map(|port| port.to_string()).join(",");
    servers.start(Command::new("croc").args(["relay", "--host", "127.0.0.1", "--ports", &list]));
    for port in ports {
        listening(port).await;
    }
    let relay = format!("127.0.0.1:{}", ports[0]);
    let end = || {
        let mut command = Command::new("croc");
        command.args(["--relay", &relay, "--yes", "--no-compress"]).env("CROC_SECRET", CODE);
        command
    };
    servers.start(end().args(["send", "--no-local"]).arg(file));
    finished(end().arg("--out").arg(into)).await
}

impl Servers {
    fn start(&mut self, command: &mut Command) {
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        self.running.push(command.spawn().expect("an installed program"));
    }
}

/// Runs the receiving end. It may be there before the sending one, and waits then.
async fn finished(command: &mut Command) -> f64 {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let started = Instant::now();
    let end = command.spawn().expect("an installed program").wait_with_output().await.expect("its end");
    assert!(end.status.success(), "{}: {}", end.status, String::from_utf8_lossy(&end.stderr));
    started.elapsed().as_secs_f64()
}

/// A program of magic-wormhole, in the folder that `PRIVYDROP_WORMHOLE` names.
fn wormhole(program: &str) -> PathBuf {
    std::env::var_os("PRIVYDROP_WORMHOLE").map(PathBuf::from).unwrap_or_default().join(program)
}

fn folder_beside(file: &Path) -> TempDir {
    tempfile::tempdir_in(file.parent().expect("a folder")).expect("a temporary folder")
}

/// Ports that nobody listens on; all are taken before any is given back, so that they differ.
fn free_ports<const N: usize>() -> [u16; N] {
    let bound: [TcpListener; N] =
        std::array::from_fn(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"));
    bound.each_ref().map(|listener| listener.local_addr().expect("its port").port())
}

/// Waits until somebody listens on `port`.
async fn listening(port: u16) {
    let deadline = Instant::now() + START;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        assert!(Instant::now() < deadline, "nobody listens on port {port}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
