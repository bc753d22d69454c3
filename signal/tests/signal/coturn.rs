//! A real coturn on free ports, for one test, gone with it.

use std::net::{TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};

use privydrop_common::time::Moment;
use privydrop_signal::turn::Ice;
use privydrop_signal::turn::client::{Relay, TurnError, ask_binding};
use tempfile::TempDir;

use crate::support::eventually;

/// What it shares with a server.
pub(crate) const SECRET: &str = "north";

/// What is shipped; what it denies is tried.
const SHIPPED: &str = include_str!("../../../deploy/coturn/turnserver.conf");

pub(crate) struct Coturn {
    process: Child,
    port: u16,
    home: TempDir,
}

impl Coturn {
    /// One that leads to this machine itself, which a test needs.
    pub(crate) async fn open() -> Self {
        Self::start("relay-ip=127.0.0.1\nallow-loopback-peers\n".to_owned()).await
    }

    /// One that leads nowhere inside. With `more` settings.
    pub(crate) async fn closed(more: &str) -> Self {
        let denied = SHIPPED.lines().filter(|line| line.starts_with("denied-peer-ip="));
        Self::start(denied.chain([more]).map(|line| format!("{line}\n")).collect()).await
    }

    async fn start(more: String) -> Self {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        let port = free_port();
        let settings = format!(
            "listening-ip=127.0.0.1\nlistening-port={port}\nrealm=privydrop.test\n\
             use-auth-secret\nstatic-auth-secret={SECRET}\nno-cli\nno-tls\nno-dtls\nuserdb={}\npidfile={}\n\
             log-file=stdout\n{more}",
            at("users").display(),
            at("pid").display(),
        );
        std::fs::write(at("settings"), settings).unwrap();
        std::fs::write(at("secret"), SECRET).unwrap();
        let process = Command::new("turnserver")
            .arg("-c")
            .arg(at("settings"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("these tests need coturn: apt-get install coturn");
        let coturn = Self { process, port, home };
        eventually(async || ask_binding(&coturn.url().parse().unwrap()).await.is_ok()).await;
        coturn
    }

    pub(crate) fn url(&self) -> String {
        format!("turn:127.0.0.1:{}", self.port)
    }

    pub(crate) fn secret_file(&self) -> String {
        self.home.path().join("secret").display().to_string()
    }

    /// Takes a relay with what a server that knows `secret` hands out at `now`.
    pub(crate) async fn relay(&self, way: &str, secret: &str, now: Moment) -> Result<Relay, TurnError> {
        let ice = Ice::new(Vec::new(), vec![self.url()], Some(secret.as_bytes()));
        let server = ice.servers(1, now).remove(0);
        let (username, credential) = (server.username.unwrap(), server.credential.unwrap());
        self.relay_with(way, &username, &credential).await
    }

    pub(crate) async fn relay_with(
        &self,
        way: &str,
        username: &str,
        credential: &str,
    ) -> Result<Relay, TurnError> {
        let url = format!("{}?transport={way}", self.url());
        Relay::allocate(&url.parse().unwrap(), username, credential).await
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Free for datagrams and for streams.
fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
