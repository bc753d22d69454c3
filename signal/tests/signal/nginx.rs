//! Behind a real nginx that speaks TLS, with the settings that the documents show.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use privydrop_common::signaling::{ClientMessage, Refusal, ServerMessage};
use privydrop_signal::server::Running;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::Error;

use crate::redis::free_port;
use crate::support::{Client, eventually, server};
use crate::tls::{Files, connect, connect_from};
use crate::web::ask;

/// Shows itself under this address to those behind it. Clients come from others.
const PROXY: &str = "127.0.0.1/32";
/// Where clients come from, if it does not matter.
const CLIENT: [u8; 4] = [127, 0, 0, 2];

struct Nginx {
    process: Child,
    port: u16,
    certificate: CertificateDer<'static>,
    _files: Files,
    _home: TempDir,
}

impl Nginx {
    /// One that passes everything on to this server.
    async fn before(server: &Running) -> Self {
        Self::start(&[server.address]).await
    }

    async fn start(servers: &[SocketAddr]) -> Self {
        let (home, files, port) = (tempfile::tempdir().unwrap(), Files::new(), free_port());
        let certificate = files.renew();
        let upstream: String = servers.iter().map(|address| format!("server {address};")).collect();
        let settings = format!(
            "daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log;\n\
             events {{ worker_connections 256; }}\n\
             http {{\n\
               access_log off; client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;\n\
               fastcgi_temp_path {home}/fastcgi; uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;\n\
               map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}\n\
               upstream privydrop {{ {upstream} }}\n\
               server {{\n\
                 listen 127.0.0.1:{port} ssl; ssl_certificate {chain}; ssl_certificate_key {key};\n\
                 location / {{\n\
                   proxy_pass http://privydrop; proxy_http_version 1.1; proxy_set_header Host $host;\n\
                   proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;\n\
                   proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
                   proxy_read_timeout 90s; proxy_next_upstream error timeout http_503;\n\
                 }}\n\
               }}\n\
             }}\n",
            home = home.path().display(),
            chain = files.chain().display(),
            key = files.key().display(),
        );
        let file = home.path().join("nginx.conf");
        std::fs::write(&file, settings).unwrap();
        let process = Command::new(program())
            .arg("-c")
            .arg(&file)
            .arg("-p")
            .arg(home.path())
            .stderr(Stdio::null())
            .spawn()
            .expect("these tests need nginx: apt-get install nginx-light");
        let nginx = Self { process, port, certificate, _files: files, _home: home };
        eventually(async || connect(nginx.address(), &nginx.certificate).await.is_ok()).await;
        nginx
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    async fn open(&self, from: [u8; 4], headers: &[(&'static str, &str)]) -> Result<Client, Error> {
        let stream = connect_from(from.into(), self.address(), &self.certificate).await.unwrap();
        Client::open_over(stream, "wss://localhost/ws", headers).await
    }

    async fn hello(&self, from: [u8; 4], headers: &[(&'static str, &str)]) -> Client {
        let mut client = self.open(from, headers).await.unwrap();
        client.say(ClientMessage::Hello { protocol: 1 }).await;
        assert!(matches!(client.hear().await, ServerMessage::Welcome { .. }));
        client
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its worker ends with it: killed at once, it would be left behind.
        let _ = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

/// Debian keeps it where only administrators look.
fn program() -> &'static str {
    if Path::new("/usr/sbin/nginx").exists() { "/usr/sbin/nginx" } else { "nginx" }
}

async fn create(mut client: Client) -> Option<Refusal> {
    client.say(ClientMessage::Create { name: None, ticket: None }).await;
    match client.hear().await {
        ServerMessage::Created { .. } => None,
        ServerMessage::Refused { code, .. } => Some(code),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn people_meet_through_a_proxy_with_tls_and_its_page_may_connect() {
    let server = server(&["--trusted-proxy", PROXY, "--public-url", "https://localhost"]).await;
    let nginx = Nginx::before(&server).await;
    let page = [("origin", "https://localhost")];
    let mut host = nginx.hello(CLIENT, &page).await.create(None).await;
    let mut guest = nginx.hello(CLIENT, &page).await;
    let member = guest.knock(&host.room).await;
    assert_eq!(host.client.hear().await, ServerMessage::Knock { member });
    host.client.say(ClientMessage::Admit { member }).await;
    assert_eq!(guest.hear_joined().await.member, member);
    let refused = nginx.open(CLIENT, &[("origin", "https://evil.example")]).await.err();
    assert!(matches!(refused, Some(Error::Http(answer)) if answer.status() == 403));
    let stream = connect(nginx.address(), &nginx.certificate).await.unwrap();
    let answer = ask(stream, "/readyz", &[]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.to_ascii_lowercase().contains("strict-transport-security"));
}

#[tokio::test]
async fn an_address_is_taken_from_the_trusted_hop_only_and_what_clients_write_is_ignored() {
    let server = server(&["--trusted-proxy", PROXY, "--creates-per-minute", "1"]).await;
    let nginx = Nginx::before(&server).await;
    // Whatever a client claims, nginx writes behind it where it really came from.
    let claims: [&[(&str, &str)]; 5] = [
        &[],
        &[("x-forwarded-for", "192.0.2.1")],
        &[("x-forwarded-for", "192.0.2.2, 127.0.0.1"), ("x-real-ip", "192.0.2.3")],
        &[("forwarded", "for=192.0.2.4")],
        &[("x-forwarded-for", "127.0.0.3")],
    ];
    let mut refusals = Vec::new();
    for claim in claims {
        refusals.push(create(nginx.hello(CLIENT, claim).await).await);
    }
    assert_eq!(refusals[0], None);
    assert_eq!(refusals[1..], [Some(Refusal::RateLimited); 4]);
    assert_eq!(
        create(nginx.hello([127, 0, 0, 3], &[]).await).await,
        None,
        "another address has its own limit"
    );
}

#[tokio::test]
async fn when_a_node_drains_the_proxy_sends_new_people_to_the_next() {
    let (one, other) = (server(&[]).await, server(&[]).await);
    let nginx = Nginx::start(&[one.address, other.address]).await;
    let address = one.address;
    one.stop().await;
    assert!(Client::try_hello_at(address).await.is_none());
    for _ in 0..4 {
        nginx.hello(CLIENT, &[]).await;
    }
}
