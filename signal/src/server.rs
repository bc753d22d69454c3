//! Puts the parts together, starts them, and stops them without hurry or loss.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use actix_server::ServerHandle;
use actix_web::http::header::HeaderMap;
use actix_web::web::Data;
use futures_util::future::join_all;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::address::Proxies;
use crate::config::{Config, Pace};
use crate::drain::Drain;
use crate::house;
use crate::limits::{Limits, Quota, Source};
use crate::listen::{listen, main_server, metrics_server, run};
use crate::origin::Origins;
use crate::rooms::NodeId;
use crate::service::Service;
use crate::shared;
use crate::store::memory::Memory;
use crate::store::redis::{Address, Redis};
use crate::store::{Key, Store, StoreError};
use crate::ticket::Tickets;
use crate::tls::{self, Certificate, TlsError};
use crate::turn::Ice;
use crate::visit::Visitors;
use crate::web_app::WebApp;

/// How long the last sockets and requests may take when the server stops.
pub(crate) const FAREWELL: Duration = Duration::from_secs(3);
/// How long the store may take to forget a node that stops: all that stopping takes is 30 seconds.
const LEASE_PATIENCE: Duration = Duration::from_secs(2);
/// Shortest ticket key and TURN secret file, in bytes.
pub(crate) const MIN_TICKET_KEY: usize = 32;

/// What every request can reach.
pub struct App {
    /// Rooms and clients.
    pub service: Arc<Service>,
    /// The files for browsers.
    pub web_app: WebApp,
    /// Who may open a socket.
    pub origins: Origins,
    /// When sockets must speak.
    pub pace: Arc<Pace>,
    /// Whether people come by https: to this server, or to the address that they open.
    pub is_https: bool,
    /// Connections that are no sockets yet.
    pub visitors: Visitors,
    /// Sockets that may be open at once.
    pub max_sockets: usize,
    /// Whether the main port serves metrics.
    pub metrics_here: bool,
    proxies: Proxies,
    /// Whether the server is about to stop, and balancers are to hear of it.
    leaving: AtomicBool,
    /// Whether it takes no new sockets any more.
    draining: AtomicBool,
    sockets: AtomicU64,
}

/// Why the server did not start. Each says what happened, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not this machine's.
    #[error(
        "cannot listen on {address}: {reason}. Choose another address or port, or stop the program that uses it"
    )]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// What the system says.
        reason: std::io::Error,
    },
    /// Redis does not answer.
    #[error(
        "cannot use the room store: {0}. Check that Redis 7 or newer runs at --redis and lets this server in"
    )]
    Redis(#[from] deadpool_redis::redis::RedisError),
    /// The store stopped answering during the start.
    #[error("cannot prepare the room store: {0}. Check its memory limit and its permissions")]
    Store(#[from] StoreError),
    /// A certificate or key is unusable.
    #[error("cannot speak TLS: {0}. Check --tls-cert and --tls-key: PEM files that belong together")]
    Tls(#[from] TlsError),
    /// A secret file cannot be read or is too short.
    #[error("cannot use the secret in {file}: {reason}. Check the path, the permissions and the content")]
    Secret {
        /// As configured.
        file: String,
        /// Why.
        reason: String,
    },
}

impl App {
    /// A number for a new socket.
    pub fn next_socket(&self) -> u64 {
        self.sockets.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether the server is about to stop.
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// Whether new sockets must go elsewhere.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whose attempts a request counts among.
    pub fn source(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Source {
        self.proxies.client(peer, headers).into()
    }

    /// Whose connection it is; nobody's, if it brings requests of many.
    pub(crate) fn visitor(&self, peer: Option<SocketAddr>) -> Option<Source> {
        let address = peer?.ip().to_canonical();
        (!self.proxies.trusts(address)).then(|| address.into())
    }
}

/// A server that runs.
pub struct Running {
    /// The address to open in a browser.
    pub url: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where metrics are, when they have their own port.
    pub metrics: Option<SocketAddr>,
    app: Data<App>,
    servers: Vec<ServerHandle>,
    tasks: Vec<JoinHandle<()>>,
    /// Brings messages to other nodes, also the last ones.
    delivery: JoinHandle<()>,
}

/// Starts a server with its own store.
pub async fn start(config: &Config) -> Result<Running, StartError> {
    let store: Arc<dyn Store> = match redis_address(config)? {
        Some(address) => Arc::new(Redis::connect(&address).await?),
        None => Arc::new(Memory::default()),
    };
    start_with(config, store, config.pace()).await
}

/// Starts a server on a given store, which other servers may share, and at a given pace.
pub async fn start_with(config: &Config, store: Arc<dyn Store>, pace: Pace) -> Result<Running, StartError> {
    let node = NodeId(rand::random());
    let file = config.ticket_key_file.as_deref().map(|file| secret(file, MIN_TICKET_KEY)).transpose()?;
    let drawn = file.is_none().then(rand::random);
    let shared = shared::join(&*store, drawn).await?;
    // With a key from a file, whoever writes into the store signs no ticket.
    let own = shared.keys.first().copied().filter(|_| file.is_none());
    let key = file.or(own.map(Vec::from)).ok_or(StoreError::Unavailable)?;
    let tickets = Tickets::new(&key).ok_or(StoreError::Unavailable)?;
    let secret = config.turn_secret_file.as_deref().map(|file| secret(file, 1)).transpose()?;
    let ice = Ice::new(config.stun_url.clone(), config.turn_url.clone(), secret.as_deref());
    let limits = limits(config, &key).ok_or(StoreError::Unavailable)?;
    let service = Arc::new(Service::new(node, store.clone(), limits, tickets, ice));
    let app = Data::new(App {
        service: service.clone(),
        web_app: WebApp::load(),
        origins: Origins::new(config.allow_origin.iter().chain(&config.public_url).cloned()),
        pace: Arc::new(pace),
        is_https: config.has_tls() || config.public_url.as_ref().is_some_and(|url| url.starts_with("https:")),
        visitors: Visitors::new(config),
        max_sockets: usize::try_from(config.max_sockets.get()).unwrap_or(usize::MAX),
        metrics_here: config.metrics_listen.is_none(),
        proxies: Proxies { trusted: config.trusted_proxy.clone(), header: config.proxy_header },
        leaving: AtomicBool::new(false),
        draining: AtomicBool::new(false),
        sockets: AtomicU64::new(0),
    });

    let certificate = match (&config.tls_cert, &config.tls_key) {
        (Some(chain), Some(key)) => Some(Arc::new(Certificate::load(chain, key)?)),
        _ => None,
    };
    let tls = certificate.clone().map(tls::config).transpose()?.map(Arc::new);
    // Whoever comes is in a room of a node that lives and is told of it: before that, others would find them lost.
    let mut inbox = store.subscribe(node).await?;
    service.read_clock().await?;
    service.take_lease().await?;
    if own.is_some() {
        service.accept_tickets(&shared.keys);
    }
    if config.redis.is_some() || config.ticket_key_file.is_some() {
        service.doubt_store_since(shared.since());
    }
    let (listener, address) = listen(config.listen)?;
    let mut servers = vec![run(main_server(listener, &app, tls)?)];
    let mut metrics = None;
    if let Some(wished) = config.metrics_listen {
        let (listener, address) = listen(wished)?;
        servers.push(run(metrics_server(listener, &app)?));
        metrics = Some(address);
    }
    let (receiver, healer, bringer) = (service.clone(), service.clone(), service.clone());
    let delivery = tokio::spawn(async move { bringer.deliver().await });
    let tasks = vec![
        tokio::spawn(async move {
            while let Some(mail) = inbox.next().await {
                receiver.receive(&mail);
            }
        }),
        tokio::spawn(async move { healer.make_good().await }),
        tokio::spawn(house::settle_debts(service.clone())),
        tokio::spawn(house::sweep(service.clone())),
        tokio::spawn(house::keep_alive(service, own)),
        tokio::spawn(house::renew_certificate(certificate)),
    ];
    let scheme = if config.has_tls() { "https" } else { "http" };
    let url = config.public_url.clone().unwrap_or_else(|| format!("{scheme}://{}", reachable(address)));
    Ok(Running { url, address, metrics, app, servers, tasks, delivery })
}

impl Running {
    /// Whether the web app was built into this server.
    pub fn has_web_app(&self) -> bool {
        self.app.web_app.is_built()
    }

    /// Tells everybody at once to connect elsewhere, lets them go, and stops.
    pub async fn stop(self) {
        self.drain(Drain { notice: Duration::ZERO, spread: Duration::ZERO }).await;
    }

    /// Sends everybody elsewhere without hurry, and stops.
    pub async fn drain(self, drain: Drain) {
        let service = &self.app.service;
        self.app.leaving.store(true, Ordering::Relaxed);
        drain.give_notice().await;
        self.app.draining.store(true, Ordering::Relaxed);
        drain.farewell(&service.directory).await;
        let deadline = Instant::now() + FAREWELL;
        while service.directory.sockets() > 0 && Instant::now() < deadline {
            sleep(Duration::from_millis(10)).await;
        }
        for task in &self.tasks {
            task.abort();
        }
        // Its lease would end by itself; without it others see at once that nobody is here.
        let _ = timeout(LEASE_PATIENCE, service.store.remove(&Key::Node(service.node))).await;
        join_all(self.servers.iter().map(|server| server.stop(true))).await;
        self.delivery.abort();
    }
}

fn limits(config: &Config, key: &[u8]) -> Option<Limits> {
    let quotas = [
        config.creates_per_minute,
        config.joins_per_minute,
        config.misses_per_minute,
        config.relay_kib_per_minute,
    ];
    Limits::new(quotas.map(Quota::per_minute), config.sockets_per_address, key)
}

/// Where Redis is, with the password from its file.
pub(crate) fn redis_address(config: &Config) -> Result<Option<Address>, StartError> {
    let Some(address) = config.redis.clone() else { return Ok(None) };
    let Some(file) = &config.redis_password_file else { return Ok(Some(address)) };
    let password = secret(file, 1)?;
    let password = String::from_utf8(password).map_err(|_| StartError::Secret {
        file: file.display().to_string(),
        reason: "it is not text".to_owned(),
    })?;
    Ok(Some(address.with_password(&password)))
}

/// An address that a browser on this machine can open.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The content of a secret file.
pub(crate) fn secret(file: &Path, at_least: usize) -> Result<Vec<u8>, StartError> {
    let unusable = |reason| StartError::Secret { file: file.display().to_string(), reason };
    let content = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
    let content = content.trim_ascii();
    if content.len() < at_least {
        return Err(unusable(format!("it has {} bytes, at least {at_least} are needed", content.len())));
    }
    Ok(content.to_vec())
}
