//! The server speaking TLS by itself, and taking a new certificate while it runs.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{eventually, server};
use crate::web::ask;

/// A certificate's files, which can be replaced.
pub(crate) struct Files {
    home: TempDir,
}

impl Files {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn chain(&self) -> PathBuf {
        self.home.path().join("chain.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.home.path().join("key.pem")
    }

    /// Puts a new certificate there.
    pub(crate) fn renew(&self) -> CertificateDer<'static> {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(self.chain(), cert.pem()).unwrap();
        std::fs::write(self.key(), signing_key.serialize_pem()).unwrap();
        cert.der().clone()
    }

    pub(crate) fn flags(&self) -> [String; 4] {
        let text = |path: PathBuf| path.display().to_string();
        ["--tls-cert".into(), text(self.chain()), "--tls-key".into(), text(self.key())]
    }
}

/// Connects, trusting this certificate only.
pub(crate) async fn connect(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
) -> std::io::Result<TlsStream<TcpStream>> {
    connect_from([127, 0, 0, 1].into(), address, trusted).await
}

/// The same as one of this machine's addresses: all of 127.0.0.0/8 are.
pub(crate) async fn connect_from(
    from: IpAddr,
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let connector = TlsConnector::from(Arc::new(client.with_root_certificates(roots).with_no_client_auth()));
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let stream = socket.connect(address).await?;
    connector.connect(ServerName::try_from("localhost").unwrap(), stream).await
}

#[tokio::test]
async fn with_a_certificate_the_server_speaks_https_and_says_so() {
    let files = Files::new();
    let certificate = files.renew();
    let flags = files.flags();
    let server = server(&flags.each_ref().map(String::as_str)).await;
    assert!(server.url.starts_with("https://"));
    let answer = ask(connect(server.address, &certificate).await.unwrap(), "/healthz", &[]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.to_ascii_lowercase().contains("strict-transport-security: max-age="));
}

#[tokio::test]
async fn nobody_waits_for_those_who_never_begin_to_speak_tls() {
    let files = Files::new();
    let certificate = files.renew();
    let mut flags = files.flags().to_vec();
    flags.extend(["--hello-seconds", "600", "--sockets-per-address", "50000"].map(str::to_owned));
    let server = server(&flags.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut silent = Vec::new();
    // More than the 256 that a thread of the server would wait for, where there are few threads.
    for _ in 0..256 * std::thread::available_parallelism().unwrap().get().min(8) + 16 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    let answer = ask(connect(server.address, &certificate).await.unwrap(), "/healthz", &[]).await;
    assert_eq!(answer.status, 200);
    let nothing = silent[0].try_read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(nothing, Err(std::io::ErrorKind::WouldBlock), "none had to end first");
}

#[tokio::test]
async fn behind_a_proxy_with_https_the_pages_say_so_too() {
    let answer = async |flags: &[&str]| crate::web::get(&server(flags).await, "/healthz", &[]).await.head;
    let told = |head: String| head.to_ascii_lowercase().contains("strict-transport-security");
    assert!(told(answer(&["--public-url", "https://drop.example"]).await));
    assert!(!told(answer(&["--public-url", "http://drop.lan"]).await));
    assert!(!told(answer(&[]).await));
}

#[test]
fn new_files_are_taken_and_bad_ones_leave_the_old_in_use() {
    let files = Files::new();
    let first = files.renew();
    let certificate = privydrop_signal::tls::Certificate::load(&files.chain(), &files.key()).unwrap();
    assert!(!certificate.look_again().unwrap(), "nothing changed");
    assert_eq!(certificate.chain(), std::slice::from_ref(&first));
    // A chain without its key, as while the files are being replaced.
    std::fs::write(files.key(), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert!(certificate.look_again().is_err());
    assert!(!certificate.look_again().unwrap(), "it is told once");
    std::fs::write(files.chain(), "junk").unwrap();
    assert!(certificate.look_again().is_err());
    assert_eq!(certificate.chain(), [first]);
    let next = files.renew();
    assert!(certificate.look_again().unwrap());
    assert_eq!(certificate.chain(), [next]);
}

#[tokio::test]
async fn a_running_server_takes_a_new_certificate_when_it_is_told_and_open_sockets_stay() {
    let files = Files::new();
    let first = files.renew();
    let flags = files.flags();
    let server = crate::process::Server::start(&flags.each_ref().map(String::as_str));
    let mut open = connect(server.address(), &first).await.unwrap();
    let next = files.renew();
    server.hang_up();
    eventually(async || connect(server.address(), &next).await.is_ok()).await;
    assert!(connect(server.address(), &first).await.is_err());
    assert_eq!(ask(&mut open, "/healthz", &[]).await.status, 200);
}
