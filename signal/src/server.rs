//! Puts the parts together, starts them, and stops them without hurry or loss.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use actix_http::HttpService;
use actix_server::{Server, ServerBuilder, ServerHandle};
use actix_service::{fn_service, map_config};
use actix_web::dev::{AppConfig, Service as _};
use actix_web::http::header::HeaderMap;
use actix_web::web::Data;
use privydrop_common::signaling::ServerMessage;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::address::Proxies;
use crate::config::{Config, Pace};
use crate::http::{harden, metrics_routes, routes};
use crate::limits::{Limits, PerSource, Quota, Source};
use crate::origin::Origins;
use crate::rooms::NodeId;
use crate::service::Service;
use crate::store::memory::Memory;
use crate::store::redis::Redis;
use crate::store::{Key, Store, StoreError};
use crate::ticket::{self, Tickets};
use crate::tls::{self, TlsError};
use crate::turn::Ice;
use crate::upgrade::upgrade;
use crate::web_app::WebApp;

/// How long a node counts as alive without saying so again.
const LEASE: Duration = Duration::from_secs(30);
/// How often a node says that it is alive, and cleans up.
const HOUSEKEEPING: Duration = Duration::from_secs(10);
/// How long sockets may take to hear that the server stops.
const FAREWELL: Duration = Duration::from_secs(3);
/// Shortest ticket key and TURN secret file, in bytes.
const MIN_TICKET_KEY: usize = 32;

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
    /// Whether this server itself speaks TLS.
    pub has_tls: bool,
    /// Whether the main port serves metrics.
    pub metrics_here: bool,
    proxies: Proxies,
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
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whose attempts a request counts among.
    pub fn source(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Source {
        self.proxies.client(peer, headers).into()
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
}

/// Starts a server with its own store.
pub async fn start(config: &Config) -> Result<Running, StartError> {
    let store: Arc<dyn Store> = match &config.redis {
        Some(url) => Arc::new(Redis::connect(url).await?),
        None => Arc::new(Memory::default()),
    };
    start_with(config, store, config.pace()).await
}

/// Starts a server on a given store, which other servers may share, and at a given pace.
pub async fn start_with(config: &Config, store: Arc<dyn Store>, pace: Pace) -> Result<Running, StartError> {
    let node = NodeId(rand::random());
    let key = ticket_key(config, &*store).await?;
    let tickets = Tickets::new(&key).ok_or(StoreError::Unavailable)?;
    let secret = config.turn_secret_file.as_deref().map(|file| secret(file, 1)).transpose()?;
    let ice = Ice::new(config.stun_url.clone(), config.turn_url.clone(), secret.as_deref());
    let service = Arc::new(Service::new(node, store.clone(), limits(config), tickets, ice));
    let app = Data::new(App {
        service: service.clone(),
        web_app: WebApp::load(),
        origins: Origins::new(config.allow_origin.iter().chain(&config.public_url).cloned()),
        pace: Arc::new(pace),
        has_tls: config.has_tls(),
        metrics_here: config.metrics_listen.is_none(),
        proxies: Proxies { trusted: config.trusted_proxy.clone(), header: config.proxy_header },
        draining: AtomicBool::new(false),
        sockets: AtomicU64::new(0),
    });
    std::thread::spawn(app.web_app.compressor());

    let tls = match (&config.tls_cert, &config.tls_key) {
        (Some(certificate), Some(key)) => Some(tls::load(certificate, key)?),
        _ => None,
    };
    let (listener, address) = listen(config.listen)?;
    let mut servers = vec![run(main_server(listener, &app, tls)?)];
    let mut metrics = None;
    if let Some(wished) = config.metrics_listen {
        let (listener, address) = listen(wished)?;
        servers.push(run(metrics_server(listener, &app)?));
        metrics = Some(address);
    }

    let mut inbox = store.subscribe(node).await?;
    hold_lease(&*store, node).await?;
    let receiver = service.clone();
    let tasks = vec![
        tokio::spawn(async move {
            while let Some(message) = inbox.recv().await {
                receiver.receive(&message);
            }
        }),
        tokio::spawn(keep_house(service, config.ticket_key_file.is_none().then_some(key))),
    ];
    let scheme = if config.has_tls() { "https" } else { "http" };
    let url = config.public_url.clone().unwrap_or_else(|| format!("{scheme}://{}", reachable(address)));
    Ok(Running { url, address, metrics, app, servers, tasks })
}

impl Running {
    /// Whether the web app was built into this server.
    pub fn has_web_app(&self) -> bool {
        self.app.web_app.is_built()
    }

    /// Tells every socket to connect elsewhere, lets them go, and stops.
    pub async fn stop(self) {
        self.app.draining.store(true, Ordering::Relaxed);
        let service = &self.app.service;
        service.directory.farewell(&ServerMessage::Draining);
        let deadline = Instant::now() + FAREWELL;
        while service.directory.sockets() > 0 && Instant::now() < deadline {
            sleep(Duration::from_millis(10)).await;
        }
        // Its lease would end by itself; without it others see at once that nobody is here.
        let _ = service.store.remove(&Key::Node(service.node)).await;
        for server in &self.servers {
            server.stop(true).await;
        }
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn limits(config: &Config) -> Limits {
    let per_minute = |count| PerSource::new(Quota::per_minute(count));
    Limits {
        creates: per_minute(config.creates_per_minute),
        joins: per_minute(config.joins_per_minute),
        misses: per_minute(config.misses_per_minute),
    }
}

fn listen(wished: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |reason| StartError::Listen { address: wished, reason };
    let listener = TcpListener::bind(wished).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// An address that a browser on this machine can open.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn main_server(
    listener: TcpListener,
    app: &Data<App>,
    tls: Option<rustls::ServerConfig>,
) -> Result<ServerBuilder, StartError> {
    let (app, builder) = (app.clone(), builder());
    let address = listener.local_addr();
    let signal = builder.graceful_shutdown_signal();
    macro_rules! http {
        () => {{
            let (signal, hardened, sockets) = (signal.clone(), app.clone(), app.clone());
            let pages = actix_web::App::new().configure(routes(&app)).wrap_fn(move |request, next| {
                let (app, headers) = (hardened.clone(), request.headers().clone());
                let answer = next.call(request);
                async move {
                    let mut answer = answer.await?;
                    harden(&app, &headers, answer.headers_mut());
                    Ok(answer)
                }
            });
            HttpService::build()
                .graceful_shutdown_signal(move || {
                    let signal = signal.clone();
                    async move { signal.notified().await }
                })
                .tcp_nodelay(true)
                .upgrade(fn_service(move |(request, http)| upgrade(sockets.clone(), request, http)))
                .finish(map_config(pages, |()| AppConfig::default()))
        }};
    }
    let result = match tls {
        None => builder.listen("http", listener, move || http!().tcp()),
        Some(tls) => builder.listen("https", listener, move || http!().rustls_0_23(tls.clone())),
    };
    result.map_err(|reason| not_listening(address, reason))
}

fn metrics_server(listener: TcpListener, app: &Data<App>) -> Result<ServerBuilder, StartError> {
    let app = app.clone();
    let address = listener.local_addr();
    let result = builder().workers(1).listen("metrics", listener, move || {
        let pages = actix_web::App::new().app_data(app.clone()).configure(metrics_routes);
        HttpService::build().finish(map_config(pages, |()| AppConfig::default())).tcp()
    });
    result.map_err(|reason| not_listening(address, reason))
}

fn not_listening(address: std::io::Result<SocketAddr>, reason: std::io::Error) -> StartError {
    StartError::Listen { address: address.unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0))), reason }
}

fn builder() -> ServerBuilder {
    Server::build().disable_signals().shutdown_timeout(FAREWELL.as_secs())
}

/// Starts the builder's threads; the handle stops them.
fn run(builder: ServerBuilder) -> ServerHandle {
    let server = builder.run();
    let handle = server.handle();
    tokio::spawn(server);
    handle
}

/// The key that all nodes sign with: from the file, or the one that the first node put into the store.
async fn ticket_key(config: &Config, store: &dyn Store) -> Result<Vec<u8>, StartError> {
    if let Some(file) = &config.ticket_key_file {
        return secret(file, MIN_TICKET_KEY);
    }
    let drawn: [u8; 32] = rand::random();
    loop {
        if let Some(cell) = store.load(&Key::TicketKey).await? {
            return Ok(cell.value);
        }
        if store.swap(&Key::TicketKey, None, &drawn, ticket::LIFE).await? {
            return Ok(drawn.to_vec());
        }
    }
}

fn secret(file: &Path, at_least: usize) -> Result<Vec<u8>, StartError> {
    let unusable = |reason| StartError::Secret { file: file.display().to_string(), reason };
    let content = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
    let content = content.trim_ascii();
    if content.len() < at_least {
        return Err(unusable(format!("it has {} bytes, at least {at_least} are needed", content.len())));
    }
    Ok(content.to_vec())
}

/// Says that the node is alive; whether the store knew it before.
async fn hold_lease(store: &dyn Store, node: NodeId) -> Result<bool, StoreError> {
    let key = Key::Node(node);
    let known = store.touch(&key, LEASE).await?;
    if !known {
        store.swap(&key, None, b"alive", LEASE).await?;
    }
    Ok(known)
}

/// Says again and again that this node is alive, gives a store that forgot it the ticket key, and sweeps.
async fn keep_house(service: Arc<Service>, shared_key: Option<Vec<u8>>) {
    let mut turns = interval(HOUSEKEEPING);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let store = &*service.store;
        match hold_lease(store, service.node).await {
            Ok(true) => {}
            // It forgot the node, so it forgot rooms, or let others believe that their members here are lost.
            Ok(false) => service.refresh_all().await,
            Err(_) => tracing::warn!("the room store did not take this node's lease; trying again"),
        }
        if let Some(key) = &shared_key
            && store.touch(&Key::TicketKey, ticket::LIFE).await == Ok(false)
        {
            let _ = store.swap(&Key::TicketKey, None, key, ticket::LIFE).await;
        }
        service.limits.sweep(service.uptime());
        store.sweep();
    }
}
