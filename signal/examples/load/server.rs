//! The programs under load – the server, Redis – as child processes, and what they cost.

use std::io::{BufRead, BufReader, Result};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::wrong;

/// Ticks of CPU time in a second, as Linux tells them to programs.
const TICKS: f64 = 100.0;

/// Limits that would be in the way of a load from one address.
pub(crate) const SOURCES: [&str; 5] = [
    "creates-per-minute",
    "joins-per-minute",
    "misses-per-minute",
    "sockets-per-address",
    "relay-kib-per-minute",
];
/// Limits of a single socket.
pub(crate) const SOCKETS: [&str; 2] = ["message-rate", "message-burst"];

/// The server as a child process, ended with this one.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts it on a free loopback port, with these limits out of the way.
    pub(crate) fn start(program: &str, unlimited: &[&str], flags: &[&str]) -> Result<Self> {
        let mut process = Command::new(program)
            .args(["--listen", "127.0.0.1:0"])
            .args(unlimited.iter().flat_map(|limit| [format!("--{limit}"), "100000000".to_owned()]))
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = process.stdout.take().ok_or_else(|| wrong("the server has no stdout"))?;
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().rsplit_once("://").and_then(|(_, address)| address.parse().ok());
        Ok(Self { process, address: address.ok_or_else(|| wrong("the server did not say where it is"))? })
    }

    /// Waits until it has compressed the web app and rests.
    pub(crate) async fn rest(&self) -> Result<()> {
        for _ in 0..240 {
            let before = self.cpu()?;
            sleep(Duration::from_millis(500)).await;
            if self.cpu()? - before < 0.02 {
                return Ok(());
            }
        }
        Err(wrong("the server is busy by itself"))
    }

    /// Resident memory in bytes.
    pub(crate) fn memory(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib =
            line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<f64>().ok());
        kib.map(|kib| kib * 1024.0).ok_or_else(|| wrong("no VmRSS"))
    }

    /// CPU time used so far, in seconds.
    pub(crate) fn cpu(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
        Ok(ticks.sum::<f64>() / TICKS)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A Redis for the load alone.
pub(crate) struct Redis {
    process: Child,
    pub(crate) url: String,
}

impl Redis {
    /// Starts it; `None` where it is not installed.
    pub(crate) async fn start() -> Result<Option<Self>> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let settings = format!("--port {port} --bind 127.0.0.1 --save  --appendonly no");
        let started = Command::new("redis-server").args(settings.split(' ')).stdout(Stdio::null()).spawn();
        let Ok(process) = started else { return Ok(None) };
        let redis = Self { process, url: format!("redis://127.0.0.1:{port}/") };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Ok(Some(redis));
            }
            sleep(Duration::from_millis(20)).await;
        }
        Err(wrong("Redis does not start"))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
