//! Real Redis servers on free ports – one, a Cluster, a set watched by a Sentinel – for one test, gone with it.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use deadpool_redis::redis::{self, FromRedisValue};
use privydrop_signal::store::redis::{Address, Redis};
use tempfile::TempDir;

use crate::support::PATIENCE;

/// Slots of a Cluster.
const SLOTS: u16 = 16_384;

pub(crate) struct RedisServer {
    /// Where the test asks it.
    port: u16,
    /// Where others do, if it speaks TLS.
    tls_port: Option<u16>,
    process: Child,
    settings: Vec<String>,
    home: TempDir,
}

impl RedisServer {
    pub(crate) fn start() -> Self {
        Self::start_with(&[], None)
    }

    pub(crate) fn start_on(port: u16) -> Self {
        Self::try_start(port, &[], None)
            .expect("somebody has taken the port of a redis-server that is to come back")
    }

    /// Starts it with settings of its own, and a port for TLS as well if there is a certificate.
    fn start_with(settings: &[&str], trust: Option<&Trust>) -> Self {
        until_started(|| Self::try_start(free_port(), settings, trust))
    }

    /// The same at this port; nothing when somebody else had taken one of its ports.
    fn try_start(port: u16, settings: &[&str], trust: Option<&Trust>) -> Option<Self> {
        let (home, port_text) = (tempfile::tempdir().unwrap(), port.to_string());
        let fixed = ["--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
        // A master waits for more replicas before it sends the first one anything: here it has no more.
        let fixed = [&fixed[..], &["--repl-diskless-sync-delay", "0"]].concat();
        let mut settings: Vec<String> = fixed.iter().chain(settings).map(|&word| word.to_owned()).collect();
        let tls_port = trust.map(|_| free_port());
        let is_cluster = settings.iter().any(|word| word == "--cluster-enabled");
        for (name, value) in trust.zip(tls_port).iter().flat_map(|(trust, port)| trust.settings(*port)) {
            settings.extend([format!("--{name}"), value]);
        }
        if is_cluster && trust.is_some() {
            settings.extend(["--tls-cluster", "yes"].map(str::to_owned));
        }
        let process = run(&home, &settings);
        Self { port, tls_port, process, settings, home }.answering()
    }

    /// One that speaks TLS only; the certificate that it shows lies at the path.
    pub(crate) fn start_tls() -> (Self, PathBuf) {
        let trust = Trust::new();
        let server = Self::start_with(&[], Some(&trust));
        // Read at the start: only whoever is to trust it still needs the file.
        let chain = server.home.path().join("chain.pem");
        std::fs::copy(trust.chain(), &chain).unwrap();
        server.close_plain_port();
        (server, chain)
    }

    /// From now on it speaks TLS only.
    fn close_plain_port(&self) {
        self.ask::<()>(&["CONFIG", "SET", "port", "0"]);
    }

    /// Ends it and starts it again at the same place, empty.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.process = run(&self.home, &self.settings);
        within_patience("redis-server answers again", || self.try_ask::<String>(&["PING"]).is_ok());
    }

    /// A Sentinel that watches `master` under the name `main`.
    fn start_sentinel(master: &Self, trust: Option<&Trust>) -> Self {
        until_started(|| Self::try_start_sentinel(master, trust))
    }

    fn try_start_sentinel(master: &Self, trust: Option<&Trust>) -> Option<Self> {
        let (home, port) = (tempfile::tempdir().unwrap(), free_port());
        let file = home.path().join("sentinel.conf");
        let (tls_port, watched) = (trust.map(|_| free_port()), master.tls_port.unwrap_or(master.port));
        let tls =
            trust.zip(tls_port).iter().flat_map(|(trust, port)| trust.settings(*port)).collect::<Vec<_>>();
        let tls: String = tls.iter().map(|(name, value)| format!("{name} {value}\n")).collect();
        let settings = format!(
            "port {port}\nbind 127.0.0.1\n{tls}sentinel monitor main 127.0.0.1 {watched} 1\n\
             sentinel down-after-milliseconds main 300\nsentinel failover-timeout main 3000\n"
        );
        std::fs::write(&file, settings).unwrap();
        let settings = vec![file.display().to_string(), "--sentinel".to_owned()];
        let process = run(&home, &settings);
        Self { port, tls_port, process, settings, home }.answering()
    }

    fn wait_until_it_follows(&self) {
        within_patience("the replica follows", || {
            self.ask::<String>(&["INFO", "replication"]).contains("master_link_status:up")
        });
    }

    /// Waits until it answers, and not somebody else in its place; nothing when it ended instead.
    fn answering(mut self) -> Option<Self> {
        let (me, mut has_ended) = (format!("process_id:{}\r\n", self.process.id()), false);
        within_patience("redis-server answers", || {
            has_ended = self.process.try_wait().unwrap().is_some();
            has_ended || self.try_ask::<String>(&["INFO", "server"]).is_ok_and(|info| info.contains(&me))
        });
        (!has_ended).then_some(self)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Its address for those who speak TLS.
    pub(crate) fn tls_url(&self) -> String {
        format!("rediss://127.0.0.1:{}/", self.tls_port.unwrap())
    }

    /// A store that keeps its cells here.
    pub(crate) async fn store(&self) -> Redis {
        connect(&self.url()).await
    }

    /// Sends one command.
    pub(crate) fn ask<T: FromRedisValue>(&self, command: &[&str]) -> T {
        self.try_ask(command).unwrap()
    }

    fn try_ask<T: FromRedisValue>(&self, command: &[&str]) -> redis::RedisResult<T> {
        let mut connection = redis::Client::open(self.url())?.get_connection()?;
        redis::cmd(command[0]).arg(&command[1..]).query(&mut connection)
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A Cluster of three masters, each with a replica if wanted.
pub(crate) struct RedisCluster {
    pub(crate) nodes: Vec<RedisServer>,
    replicas: Vec<RedisServer>,
    trust: Option<Trust>,
}

impl RedisCluster {
    pub(crate) fn start() -> Self {
        Self::start_with(0, None)
    }

    /// One whose masters have somebody to take their place.
    pub(crate) fn start_with_replicas() -> Self {
        Self::start_with(3, None)
    }

    /// One that speaks TLS only, also among its own.
    pub(crate) fn start_tls() -> Self {
        let cluster = Self::start_with(0, Some(Trust::new()));
        cluster.nodes.iter().for_each(RedisServer::close_plain_port);
        cluster
    }

    fn start_with(replicas: usize, trust: Option<Trust>) -> Self {
        let node = || {
            let bus = free_port().to_string();
            let settings =
                ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", &bus];
            Some((RedisServer::try_start(free_port(), &settings, trust.as_ref())?, bus))
        };
        let (mut nodes, buses): (Vec<_>, Vec<_>) = (0..3 + replicas).map(|_| until_started(node)).unzip();
        let share = SLOTS / 3 + 1;
        for (number, node) in (0_u16..).zip(&nodes[..3]) {
            let (first, last) = (number * share, ((number + 1) * share).min(SLOTS) - 1);
            node.ask::<()>(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
        }
        for (number, (node, bus)) in nodes.iter().zip(&buses).enumerate() {
            node.ask::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
            let port = node.tls_port.unwrap_or(node.port).to_string();
            nodes[0].ask::<()>(&["CLUSTER", "MEET", "127.0.0.1", &port, bus]);
        }
        let replicas = nodes.split_off(3);
        let cluster = Self { nodes, replicas, trust };
        cluster.wait_until_whole();
        for (master, replica) in cluster.nodes.iter().zip(&cluster.replicas) {
            replica.ask::<()>(&["CLUSTER", "REPLICATE", &master.ask::<String>(&["CLUSTER", "MYID"])]);
            replica.wait_until_it_follows();
        }
        cluster
    }

    fn wait_until_whole(&self) {
        let known = format!("cluster_known_nodes:{}", self.nodes.len() + self.replicas.len());
        let is_whole = |node: &RedisServer| {
            let info: String = node.ask(&["CLUSTER", "INFO"]);
            info.contains("cluster_state:ok") && info.contains(&known)
        };
        within_patience("the cluster is whole", || self.nodes.iter().chain(&self.replicas).all(is_whole));
    }

    /// Ends all nodes and starts them again, empty.
    pub(crate) fn restart(&mut self) {
        self.nodes.iter_mut().for_each(RedisServer::kill);
        self.nodes.iter_mut().for_each(RedisServer::restart);
        self.wait_until_whole();
    }

    /// Ends the master that has this key, for good.
    pub(crate) fn kill_master_of(&mut self, key: &str) {
        let master = self.master_of(key);
        self.nodes[master].kill();
    }

    /// Sends one command about this key, which is put behind it.
    pub(crate) fn ask_master_of(&self, key: &str, command: &[&str]) {
        self.nodes[self.master_of(key)].ask::<()>(&[command, &[key]].concat());
    }

    /// A free name for a room that lies at the same master as the only mailbox there is.
    pub(crate) fn room_beside_the_mailbox(&self) -> String {
        let channels = |node: &RedisServer| node.ask::<Vec<String>>(&["PUBSUB", "SHARDCHANNELS"]);
        let mailbox = self.nodes.iter().find_map(|node| channels(node).pop()).unwrap();
        let is_beside =
            |name: &String| self.master_of(&format!("privydrop:room:{name}")) == self.master_of(&mailbox);
        (0..).map(|number| format!("room-{number}")).find(is_beside).unwrap()
    }

    fn master_of(&self, key: &str) -> usize {
        let slot: u16 = self.nodes[0].ask(&["CLUSTER", "KEYSLOT", key]);
        usize::from(slot / (SLOTS / 3 + 1))
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.trust.is_some() { "rediss" } else { "redis" };
        let port = |node: &RedisServer| node.tls_port.unwrap_or(node.port);
        let hosts: Vec<_> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", port(node))).collect();
        format!("{scheme}+cluster://{}", hosts.join(","))
    }

    /// The certificate of one that speaks TLS.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.trust.as_ref().unwrap().chain()
    }

    pub(crate) async fn store(&self) -> Redis {
        connect(&self.url()).await
    }

    /// Forgets everything.
    pub(crate) fn flush(&self) {
        self.nodes.iter().for_each(|node| node.ask(&["FLUSHALL"]));
    }
}

/// A master, its replica, and the Sentinel that puts the one in the place of the other.
pub(crate) struct Watched {
    pub(crate) master: RedisServer,
    pub(crate) replica: RedisServer,
    sentinel: RedisServer,
    trust: Option<Trust>,
}

impl Watched {
    pub(crate) fn start() -> Self {
        Self::start_with(None)
    }

    /// All three speak TLS among themselves, and the two that keep something speak nothing else.
    pub(crate) fn start_tls() -> Self {
        let watched = Self::start_with(Some(Trust::new()));
        [&watched.master, &watched.replica].into_iter().for_each(RedisServer::close_plain_port);
        watched
    }

    fn start_with(trust: Option<Trust>) -> Self {
        let master = RedisServer::start_with(&[], trust.as_ref());
        let port = master.tls_port.unwrap_or(master.port).to_string();
        let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port], trust.as_ref());
        replica.wait_until_it_follows();
        let sentinel = RedisServer::start_sentinel(&master, trust.as_ref());
        within_patience("the sentinel knows the replica", || {
            sentinel.ask::<String>(&["INFO", "sentinel"]).contains("slaves=1")
        });
        Self { master, replica, sentinel, trust }
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.trust.is_some() { "rediss" } else { "redis" };
        let port = self.sentinel.tls_port.unwrap_or(self.sentinel.port);
        format!("{scheme}+sentinel://127.0.0.1:{port}/main")
    }

    /// The certificate of one that speaks TLS.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.trust.as_ref().unwrap().chain()
    }

    pub(crate) async fn store(&self) -> Redis {
        connect(&self.url()).await
    }
}

/// The certificate that all servers of a test show to one another and to their clients.
struct Trust {
    home: TempDir,
}

impl Trust {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        std::fs::write(home.path().join("chain.pem"), made.cert.pem()).unwrap();
        std::fs::write(home.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        Self { home }
    }

    fn chain(&self) -> PathBuf {
        self.home.path().join("chain.pem")
    }

    /// Names and values that make a server speak TLS at this port, and with others of its kind.
    fn settings(&self, port: u16) -> Vec<(&'static str, String)> {
        let (chain, key) = (self.chain().display().to_string(), self.home.path().join("key.pem"));
        vec![
            ("tls-port", port.to_string()),
            ("tls-cert-file", chain.clone()),
            ("tls-key-file", key.display().to_string()),
            ("tls-ca-cert-file", chain),
            ("tls-auth-clients", "no".to_owned()),
            ("tls-replication", "yes".to_owned()),
        ]
    }
}

pub(crate) async fn connect(url: &str) -> Redis {
    let address: Address = url.parse().unwrap();
    Redis::connect(&address).await.unwrap()
}

fn run(home: &TempDir, settings: &[String]) -> Child {
    Command::new("redis-server")
        .args(settings)
        .current_dir(home.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("these tests need redis-server 7 or newer: apt-get install redis-server")
}

/// A port that was free a moment ago may be somebody else's when it is wanted; then others are tried.
fn until_started<T>(start: impl Fn() -> Option<T>) -> T {
    (0..10).find_map(|_| start()).expect("redis-server ends whenever it is started")
}

fn within_patience(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
