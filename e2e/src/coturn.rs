//! A real coturn on its own ports, in its own folder, for one test: a relay that lends itself for a while to whoever
//! has a credential made from its secret. Its clock may be ahead of everybody's.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::PublicKeyData;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::process::{Program, find};
use crate::redis::free_port;

/// How a client reaches the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream inside TLS, with a certificate that only the test vouches for.
    Tls,
}

/// A running coturn; gone when dropped.
#[derive(Debug)]
pub struct Coturn {
    _program: Program,
    port: u16,
    tls_port: u16,
    key_hash: String,
    folder: TempDir,
}

impl Coturn {
    /// Starts it. It relays between programs on this machine, and asks for credentials.
    pub fn start() -> Self {
        Self::start_by(Command::new(find(&["turnserver"])))
    }

    /// The same one day ahead: every credential that the server gives has expired there.
    pub fn start_a_day_ahead() -> Self {
        let mut ahead = Command::new(find(&["faketime"]));
        ahead.args(["-m", "-f", "+1d"]).arg(find(&["turnserver"])).env("DONT_FAKE_MONOTONIC", "1");
        Self::start_by(ahead)
    }

    fn start_by(mut command: Command) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name);
        let names = vec![Ipv4Addr::LOCALHOST.to_string()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        std::fs::write(at("cert.pem"), made.cert.pem()).expect("a file");
        std::fs::write(at("key.pem"), made.signing_key.serialize_pem()).expect("a file");
        std::fs::write(at("secret"), "north").expect("a file");
        std::fs::write(at("other-secret"), "south").expect("a file");
        let [port, tls_port] = [(); 2].map(|()| free_port());
        let settings = format!(
            "listening-ip=127.0.0.1\nrelay-ip=127.0.0.1\nlistening-port={port}\ntls-listening-port={tls_port}\n\
             realm=privydrop.test\nuse-auth-secret\nstatic-auth-secret=north\nallow-loopback-peers\nno-cli\nno-dtls\n\
             cert={}\npkey={}\nuserdb={}\npidfile={}\nlog-file=stdout\nsimple-log\nverbose\n",
            at("cert.pem").display(),
            at("key.pem").display(),
            at("users").display(),
            at("pid").display(),
        );
        std::fs::write(at("settings"), settings).expect("a file");
        command.arg("-c").arg(at("settings"));
        // The listeners for streams open before it.
        let ready = |line: &str| line.contains("UDP listener opened").then_some(());
        let (program, ()) = Program::start(&mut command, ready);
        let key = Sha256::digest(made.signing_key.subject_public_key_info());
        Self { _program: program, port, tls_port, key_hash: STANDARD.encode(key), folder }
    }

    /// Its address for clients that reach it so.
    pub fn url(&self, way: Way) -> String {
        match way {
            Way::Udp => format!("turn:127.0.0.1:{}?transport=udp", self.port),
            Way::Tcp => format!("turn:127.0.0.1:{}?transport=tcp", self.port),
            Way::Tls => format!("turns:127.0.0.1:{}?transport=tcp", self.tls_port),
        }
    }

    /// What the server is told, so that its members may use the relay.
    pub fn for_server(&self, way: Way) -> [OsString; 4] {
        self.with_secret(way, "secret")
    }

    /// Where it takes datagrams.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The same for a relay that is reached by datagrams through something else, at `address`.
    pub fn for_server_at(&self, address: SocketAddr) -> [OsString; 4] {
        let url = format!("turn:{address}?transport=udp");
        ["--turn-url".into(), url.into(), "--turn-secret-file".into(), self.at("secret").into()]
    }

    /// The same with a secret that is not the relay's: it will turn every member away.
    pub fn for_foreign_server(&self, way: Way) -> [OsString; 4] {
        self.with_secret(way, "other-secret")
    }

    /// The certificate of its TLS.
    pub fn certificate(&self) -> PathBuf {
        self.at("cert.pem")
    }

    /// What makes Chromium accept that certificate, and no other that it would not.
    pub fn flag_for_chromium(&self) -> String {
        format!("--ignore-certificate-errors-spki-list={}", self.key_hash)
    }

    fn with_secret(&self, way: Way, file: &str) -> [OsString; 4] {
        ["--turn-url".into(), self.url(way).into(), "--turn-secret-file".into(), self.at(file).into()]
    }

    fn at(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }
}
