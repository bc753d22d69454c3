//! The program itself: what it prints, how it starts, fails and stops.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use privydrop_common::signaling::{ClientMessage, ServerMessage};

use crate::redis::{RedisCluster, RedisServer, Watched};
use crate::support::{Client, Seat, eventually};

/// The server as a process of its own.
pub(crate) struct Server {
    process: Child,
    url: String,
}

impl Server {
    /// Starts it on a free port and waits for the line that says where it is.
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::start_by(&mut command(&[]), flags)
    }

    /// The same with a clock that is an hour ahead.
    fn start_an_hour_ahead(flags: &[&str]) -> Self {
        let mut ahead = command(&[]);
        // The loader finds its folder of libraries; without the program `faketime` in between, this one's number is that of the server.
        ahead.env("LD_PRELOAD", "/usr/$LIB/faketime/libfaketimeMT.so.1");
        let server = Self::start_by(ahead.env("FAKETIME", "+1h").env("DONT_FAKE_MONOTONIC", "1"), flags);
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", server.process.id())).unwrap();
        assert!(maps.contains("libfaketime"), "its clock is right: install faketime");
        server
    }

    fn start_by(command: &mut Command, flags: &[&str]) -> Self {
        let mut process = command.args(["--listen", "127.0.0.1:0"]).args(flags).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line
            .strip_prefix("PrivyDrop is ready: ")
            .expect("the line that scripts wait for")
            .trim()
            .to_owned();
        Self { process, url }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.url.split_once("://").unwrap().1.parse().unwrap()
    }

    /// Tells it to read its certificate again.
    pub(crate) fn hang_up(&self) {
        self.signal("-HUP");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks it to stop; its exit code and its log.
    fn terminate(&mut self) -> (Option<i32>, String) {
        self.signal("-TERM");
        let mut log = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.process.wait().unwrap().code(), log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_privydrop-server"));
    command.args(flags).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it with settings with which it cannot start.
fn fails_with(flags: &[&str]) -> String {
    let Output { status, stdout, stderr } = command(flags).output().unwrap();
    assert!(!status.success() && stdout.is_empty());
    String::from_utf8(stderr).unwrap()
}

#[tokio::test]
async fn nodes_whose_clocks_differ_share_their_rooms_all_the_same() {
    let redis = RedisServer::start();
    let right = Server::start(&["--redis", &redis.url()]);
    let ahead = Server::start_an_hour_ahead(&["--redis", &redis.url()]);
    for (hosts, guests) in [(&ahead, &right), (&right, &ahead)] {
        let mut host = Client::hello_at(hosts.address()).await.create(None).await;
        let mut guest = Client::hello_at(guests.address()).await;
        let member = guest.knock(&host.room).await;
        assert_eq!(host.client.hear().await, ServerMessage::Knock { member });
        host.client.say(ClientMessage::Admit { member }).await;
        assert_eq!(guest.hear_joined().await.member, member);
        assert!(matches!(host.client.hear().await, ServerMessage::MemberJoined { .. }));
        // A host that was lost a moment ago is waited for.
        let Seat { client, room, ticket, .. } = host;
        drop(client);
        let mut late = Client::hello_at(guests.address()).await;
        late.knock(&room).await;
        Client::hello_at(hosts.address()).await.rejoin(&room, &ticket).await;
    }
}

#[tokio::test]
async fn sigterm_sends_everybody_elsewhere_and_ends_well() {
    let mut server =
        Server::start(&["--log-format", "json", "--drain-notice-seconds", "0", "--drain-seconds", "0"]);
    let host = Client::hello_at(server.address()).await.create(Some("hidden-name")).await;
    let ended = tokio::task::spawn_blocking(move || server.terminate());
    let mut client = host.client;
    assert_eq!(client.hear().await, ServerMessage::Draining);
    client.hear_end().await;
    let (code, log) = ended.await.unwrap();
    assert_eq!(code, Some(0));
    assert!(log.lines().all(|line| line.starts_with('{')), "{log}");
    assert!(!log.contains("hidden-name") && !log.contains(&host.member.to_string()), "{log}");
}

/// A server whose log goes into a file, which can be read while it runs.
fn logs_into(home: &Path, level: &str, flags: &[&str]) -> (Server, impl Fn() -> String + use<>) {
    let path = home.join("log");
    let mut command = command(&[]);
    command.env("RUST_LOG", level).stderr(std::fs::File::create(&path).unwrap());
    (Server::start_by(&mut command, flags), move || std::fs::read_to_string(&path).unwrap())
}

#[tokio::test]
async fn at_no_level_the_log_names_anybody_or_holds_what_people_send() {
    let (home, redis) = (tempfile::tempdir().unwrap(), RedisServer::start());
    let (server, log) = logs_into(home.path(), "trace", &["--redis", &redis.url()]);
    let stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    let own = stream.local_addr().unwrap().to_string();
    let path = format!("ws://{}/ws", server.address());
    let socket = Client::open_over(stream, &path, &[("x-forwarded-for", "203.0.113.77")]).await.unwrap();
    let mut host = socket.greeted().await.create(Some("hidden-name")).await;
    let mut guest = Client::hello_at(server.address()).await;
    let member = guest.knock(&host.room).await;
    assert_eq!(host.client.hear().await, ServerMessage::Knock { member });
    host.client.say(ClientMessage::Admit { member }).await;
    let guest = guest.hear_joined().await;
    host.relay(member, "hidden-letter").await;
    host.client.say_raw("hidden-nonsense").await;
    for header in ["Content-Length: hidden-header", "Host: hidden-host", "X: y"] {
        let stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
        crate::web::ask(stream, "/api/rooms/hidden-name?hidden-question", &[header]).await;
    }
    drop(guest.client);
    let log = log();
    assert!(log.contains("ready"), "{log}");
    let (host_id, guest_id) = (host.member.to_string(), guest.member.to_string());
    for secret in ["hidden", "203.0.113.77", &own, &host_id, &guest_id, host.ticket.as_str()] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[tokio::test]
async fn a_redis_that_answers_and_refuses_is_said_with_its_word() {
    let (home, redis) = (tempfile::tempdir().unwrap(), RedisServer::start());
    let (_server, log) = logs_into(home.path(), "", &["--redis", &redis.url()]);
    let says = async |words: &str| eventually(async || log().contains(words)).await;
    redis.ask::<()>(&["ACL", "SETUSER", "default", "-pexpire", "resetchannels"]);
    redis.ask::<u64>(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    says("refuses a request (NOPERM)").await;
    says("does not give this node's lease").await;
    says("subscription at the room store is lost (NOPERM)").await;
    redis.ask::<()>(&["ACL", "SETUSER", "default", "+pexpire", "allchannels"]);
    says("the room store answers again").await;
    says("lost and made again").await;
}

#[tokio::test]
async fn sigterm_first_tells_balancers_and_whoever_asks_twice_need_not_wait() {
    let server = Server::start(&["--drain-notice-seconds", "5"]);
    let address = server.address();
    let _member = Client::hello_at(address).await.create(None).await;
    let ready = async || {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        crate::web::ask(stream, "/readyz", &[]).await.status
    };
    assert_eq!(ready().await, 200);
    server.signal("-TERM");
    eventually(async || ready().await == 503).await;
    // New ones are still let in: a balancer may not have asked yet.
    Client::hello_at(address).await.create(None).await;
    server.signal("-TERM");
    let mut server = server;
    let code = tokio::task::spawn_blocking(move || server.process.wait().unwrap().code()).await.unwrap();
    assert_eq!(code, Some(0));
}

#[test]
fn help_names_every_setting_and_what_it_is_for() {
    let help = String::from_utf8(command(&["--help"]).output().unwrap().stdout).unwrap();
    for flag in [
        "--listen",
        "--redis",
        "--public-url",
        "--sockets-per-address",
        "--drain-seconds",
        "--redis-password-file",
        "--stun-url",
        "--turn-url",
        "--turn-secret-file",
        "--trusted-proxy",
        "--allow-origin",
        "--tls-cert",
        "--tls-key",
        "--metrics-listen",
        "--ticket-key-file",
        "--log-format",
        "PRIVYDROP_LISTEN",
        "PRIVYDROP_REDIS",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
}

#[test]
fn check_prints_a_line_for_each_finding_and_its_exit_code_says_whether_something_is_wrong() {
    let home = tempfile::tempdir().unwrap();
    let key = home.path().join("key");
    let flags = ["check", "--listen", "127.0.0.1:0", "--ticket-key-file", key.to_str().unwrap()];
    let run = || {
        let Output { status, stdout, .. } = command(&flags).output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap())
    };
    let (code, said) = run();
    assert!(code == Some(1) && said.contains("wrong   settings  --ticket-key-file"), "{said}");
    std::fs::write(&key, "0123456789abcdef0123456789abcdef").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (code, said) = run();
    assert!(code == Some(0) && said.contains("ok      settings  --ticket-key-file"), "{said}");
}

#[test]
fn redis_is_spoken_to_by_tls_if_its_certificate_is_trusted() {
    let (redis, certificate) = RedisServer::start_tls();
    is_used_by_tls_if_trusted(&redis.tls_url(), &certificate);
}

#[test]
fn sentinels_and_the_master_that_they_name_are_spoken_to_by_tls() {
    let watched = Watched::start_tls();
    is_used_by_tls_if_trusted(&watched.url(), &watched.certificate());
}

#[test]
fn all_nodes_of_a_cluster_are_spoken_to_by_tls() {
    let cluster = RedisCluster::start_tls();
    is_used_by_tls_if_trusted(&cluster.url(), &cluster.certificate());
}

/// Cells and messages work with this Redis for whoever trusts its certificate, and nothing does for others.
fn is_used_by_tls_if_trusted(url: &str, certificate: &Path) {
    assert!(url.starts_with("rediss"));
    let check = |trusted: &Path| {
        let mut command = command(&["check", "--listen", "127.0.0.1:0", "--redis", url]);
        let Output { status, stdout, .. } = command.env("SSL_CERT_FILE", trusted).output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap())
    };
    let (code, said) = check(certificate);
    assert!(code == Some(0) && said.contains("ok      redis     messages between servers arrive"), "{said}");
    assert!(said.contains("ok      redis     it keeps and forgets what it is told"), "{said}");
    let (code, said) = check(Path::new("/dev/null"));
    assert!(code == Some(1) && said.contains("wrong   redis"), "{said}");
}

#[test]
fn a_port_in_use_is_said_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = fails_with(&["--listen", &address]);
    assert!(error.contains(&address) && error.contains("Choose another"), "{error}");
}

#[test]
fn a_redis_that_is_not_there_is_said_with_what_to_do() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = fails_with(&["--listen", "127.0.0.1:0", "--redis", &format!("redis://:hunter2@{free}/")]);
    assert!(error.contains("room store") && error.contains("Check that Redis"), "{error}");
    assert!(!error.contains("hunter2"), "a password must not reach the log: {error}");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let (junk, short, missing) =
        (file("junk.pem", "junk"), file("short.key", "abc"), file("x", "") + "-missing");
    let free = ["--listen", "127.0.0.1:0"];
    for flags in [
        ["--tls-cert", &junk, "--tls-key", &junk],
        ["--tls-cert", &missing, "--tls-key", &junk],
        ["--turn-url", "turn:t.example", "--turn-secret-file", &missing],
        ["--ticket-key-file", &short, "--log-format", "text"],
    ] {
        let error = fails_with(&[&free[..], &flags].concat());
        assert!(error.contains(flags[1]) || error.contains(flags[3]), "{error}");
        assert!(error.contains("Check"), "{error}");
    }
}
