//! Real Redis servers on free ports – one, a Cluster, a set watched by a Sentinel – for one test, gone with it.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use deadpool_redis::redis::{self, FromRedisValue};
use privydrop_signal::store::redis::{Address, Redis};
use tempfile::TempDir;

use crate::support::PATIENCE;

/// Slots of a Cluster.
const SLOTS: u16 = 16_384;

pub(crate) struct RedisServer {
    port: u16,
    process: Child,
    settings: Vec<String>,
    home: TempDir,
}

impl RedisServer {
    pub(crate) fn start() -> Self {
        Self::start_on(free_port())
    }

    pub(crate) fn start_on(port: u16) -> Self {
        Self::start_with(port, &[])
    }

    /// Starts it with settings of its own.
    fn start_with(port: u16, settings: &[&str]) -> Self {
        let (home, port_text) = (tempfile::tempdir().unwrap(), port.to_string());
        let fixed = ["--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
        let settings: Vec<String> = fixed.iter().chain(settings).map(|&word| word.to_owned()).collect();
        let process = run(&home, &settings);
        Self { port, process, settings, home }.answering()
    }

    /// One that speaks TLS only; the certificate that it shows lies at the path.
    pub(crate) fn start_tls() -> (Self, std::path::PathBuf) {
        let (home, port) = (tempfile::tempdir().unwrap(), free_port());
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let (chain, key) = (home.path().join("chain.pem"), home.path().join("key.pem"));
        std::fs::write(&chain, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let port_text = port.to_string();
        let settings =
            ["--port", "0", "--tls-port", &port_text, "--bind", "127.0.0.1", "--tls-auth-clients", "no"];
        let files =
            ["--tls-cert-file", "chain.pem", "--tls-key-file", "key.pem", "--tls-ca-cert-file", "chain.pem"];
        let settings: Vec<String> = settings.iter().chain(&files).map(|&word| word.to_owned()).collect();
        let process = run(&home, &settings);
        let server = Self { port, process, settings, home };
        within_patience("redis-server listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        (server, chain)
    }

    /// Ends it and starts it again at the same place, empty.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.process = run(&self.home, &self.settings);
        within_patience("redis-server answers again", || self.try_ask::<String>(&["PING"]).is_ok());
    }

    /// A Sentinel that watches `master` under the name `main`.
    fn start_sentinel(master: &Self) -> Self {
        let (home, port) = (tempfile::tempdir().unwrap(), free_port());
        let file = home.path().join("sentinel.conf");
        let watched = master.port;
        let settings = format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {watched} 1\n\
             sentinel down-after-milliseconds main 300\nsentinel failover-timeout main 3000\n"
        );
        std::fs::write(&file, settings).unwrap();
        let settings = vec![file.display().to_string(), "--sentinel".to_owned()];
        let process = run(&home, &settings);
        Self { port, process, settings, home }.answering()
    }

    fn answering(self) -> Self {
        within_patience("redis-server answers", || self.try_ask::<String>(&["PING"]).is_ok());
        self
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
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

/// A Cluster of three masters.
pub(crate) struct RedisCluster {
    pub(crate) nodes: Vec<RedisServer>,
}

impl RedisCluster {
    pub(crate) fn start() -> Self {
        let buses = [free_port(), free_port(), free_port()].map(|port| port.to_string());
        let node = |bus: &String| {
            let settings =
                ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", bus];
            RedisServer::start_with(free_port(), &settings)
        };
        let nodes: Vec<_> = buses.iter().map(node).collect();
        let share = SLOTS / 3 + 1;
        for (number, node) in (0_u16..).zip(&nodes) {
            let (first, last) = (number * share, ((number + 1) * share).min(SLOTS) - 1);
            node.ask::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
            node.ask::<()>(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
        }
        for (node, bus) in nodes.iter().zip(&buses) {
            nodes[0].ask::<()>(&["CLUSTER", "MEET", "127.0.0.1", &node.port.to_string(), bus]);
        }
        let cluster = Self { nodes };
        cluster.wait_until_whole();
        cluster
    }

    fn wait_until_whole(&self) {
        let is_whole = |node: &RedisServer| {
            let info: String = node.ask(&["CLUSTER", "INFO"]);
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        };
        within_patience("the cluster is whole", || self.nodes.iter().all(is_whole));
    }

    /// Ends all nodes and starts them again, empty.
    pub(crate) fn restart(&mut self) {
        self.nodes.iter_mut().for_each(RedisServer::kill);
        self.nodes.iter_mut().for_each(RedisServer::restart);
        self.wait_until_whole();
    }

    pub(crate) fn url(&self) -> String {
        let hosts: Vec<_> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+cluster://{}", hosts.join(","))
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
}

impl Watched {
    pub(crate) fn start() -> Self {
        let master = RedisServer::start();
        let port = master.port.to_string();
        let replica = RedisServer::start_with(free_port(), &["--replicaof", "127.0.0.1", &port]);
        within_patience("the replica follows", || {
            replica.ask::<String>(&["INFO", "replication"]).contains("master_link_status:up")
        });
        let sentinel = RedisServer::start_sentinel(&master);
        within_patience("the sentinel knows the replica", || {
            sentinel.ask::<String>(&["INFO", "sentinel"]).contains("slaves=1")
        });
        Self { master, replica, sentinel }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+sentinel://127.0.0.1:{}/main", self.sentinel.port)
    }

    pub(crate) async fn store(&self) -> Redis {
        connect(&self.url()).await
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
