//! The server's settings: flags, and for each flag a `PRIVYDROP_…` variable.
//!
//! Only reads and names them; files are opened and networks entered elsewhere.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use ipnet::IpNet;
use privydrop_common::signaling::KNOCK_SECONDS;

use crate::address::ProxyHeader;
use crate::drain::Drain;
use crate::limits::Quota;
use crate::store::redis::Address;

/// Introduces devices to each other and serves the web app. Files, texts and their names never pass through it.
///
/// Without any flag it keeps rooms in memory and listens on this machine only: open the printed address.
/// Browsers need https (or localhost): give --tls-cert and --tls-key, or put a proxy with TLS in front.
#[derive(Debug, Clone, Parser)]
#[command(name = "privydrop-server", version, next_line_help = true)]
pub struct Config {
    /// What to do instead of serving.
    pub action: Option<Action>,

    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "PRIVYDROP_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub listen: SocketAddr,

    /// Keep rooms in Redis 7 or newer, so that several servers share them: redis://[user:password@]host:port/db,
    /// redis+sentinel://[user:password@]host:port,host:port/master/db or redis+cluster://[user:password@]host:port,host:port;
    /// rediss for TLS.
    #[arg(long, env = "PRIVYDROP_REDIS", value_name = "URL", hide_env_values = true)]
    pub redis: Option<Address>,

    /// File with the password for Redis, which then stands in no list of processes.
    #[arg(long, env = "PRIVYDROP_REDIS_PASSWORD_FILE", value_name = "FILE", requires = "redis")]
    pub redis_password_file: Option<PathBuf>,

    /// The address that people open, when it differs from --listen: https://drop.example.
    #[arg(long, env = "PRIVYDROP_PUBLIC_URL", value_name = "URL", value_parser = origin)]
    pub public_url: Option<String>,

    /// STUN servers for clients, separated by commas: stun:stun.example:3478.
    #[arg(long, env = "PRIVYDROP_STUN_URL", value_name = "URL", value_delimiter = ',', value_parser = stun_url)]
    pub stun_url: Vec<String>,

    /// TURN servers for clients, separated by commas: turn:turn.example:3478,turns:turn.example:443?transport=tcp.
    #[arg(
        long,
        env = "PRIVYDROP_TURN_URL",
        value_name = "URL",
        value_delimiter = ',',
        value_parser = turn_url,
        requires = "turn_secret_file"
    )]
    pub turn_url: Vec<String>,

    /// File with the secret shared with the TURN servers (coturn: static-auth-secret).
    #[arg(long, env = "PRIVYDROP_TURN_SECRET_FILE", value_name = "FILE", requires = "turn_url")]
    pub turn_secret_file: Option<PathBuf>,

    /// Networks of your own reverse proxies, separated by commas; only they may name a client's address.
    #[arg(long, env = "PRIVYDROP_TRUSTED_PROXY", value_name = "CIDR", value_delimiter = ',')]
    pub trusted_proxy: Vec<IpNet>,

    /// The header in which those proxies name the client.
    #[arg(long, env = "PRIVYDROP_PROXY_HEADER", value_name = "NAME", default_value = "x-forwarded-for")]
    pub proxy_header: ProxyHeader,

    /// Web pages of other origins that may connect, separated by commas: https://drop.example.
    #[arg(
        long,
        env = "PRIVYDROP_ALLOW_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ',',
        value_parser = origin
    )]
    pub allow_origin: Vec<String>,

    /// Certificate chain in PEM; with it the server speaks https and wss.
    #[arg(long, env = "PRIVYDROP_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Private key in PEM for --tls-cert.
    #[arg(long, env = "PRIVYDROP_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Serve /metrics on this address only, instead of on --listen.
    #[arg(long, env = "PRIVYDROP_METRICS_LISTEN", value_name = "ADDR")]
    pub metrics_listen: Option<SocketAddr>,

    /// File of 32 bytes or more whose content signs tickets. Without it a key is drawn at the start (kept in
    /// Redis if there is one), so tickets end with the process or with Redis.
    #[arg(long, env = "PRIVYDROP_TICKET_KEY_FILE", value_name = "FILE")]
    pub ticket_key_file: Option<PathBuf>,

    /// How to write logs to stderr; RUST_LOG chooses what to write.
    #[arg(long, env = "PRIVYDROP_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// Rooms that one address (IPv6: one /64) may make in a minute.
    #[arg(long, env = "PRIVYDROP_CREATES_PER_MINUTE", value_name = "N", default_value = "60")]
    pub creates_per_minute: NonZeroU32,

    /// Joins without a ticket from one address in a minute.
    #[arg(long, env = "PRIVYDROP_JOINS_PER_MINUTE", value_name = "N", default_value = "120")]
    pub joins_per_minute: NonZeroU32,

    /// Unknown rooms and room names that one address may ask for in a minute.
    #[arg(long, env = "PRIVYDROP_MISSES_PER_MINUTE", value_name = "N", default_value = "30")]
    pub misses_per_minute: NonZeroU32,

    /// KiB that one address may relay in a minute.
    #[arg(long, env = "PRIVYDROP_RELAY_KIB_PER_MINUTE", value_name = "N", default_value = "65536")]
    pub relay_kib_per_minute: NonZeroU32,

    /// Sockets that one address may hold open at this server, and as many connections that are none.
    #[arg(long, env = "PRIVYDROP_SOCKETS_PER_ADDRESS", value_name = "N", default_value = "1000")]
    pub sockets_per_address: NonZeroU32,

    /// Sockets that this server holds open; each takes about 6 KiB, and one of the files it may open (ulimit -n).
    #[arg(long, env = "PRIVYDROP_MAX_SOCKETS", value_name = "N", default_value = "50000")]
    pub max_sockets: NonZeroU32,

    /// Messages a second that one socket may send for long.
    #[arg(long, env = "PRIVYDROP_MESSAGE_RATE", value_name = "N", default_value = "20")]
    pub message_rate: NonZeroU32,

    /// Messages that one socket may send at once.
    #[arg(long, env = "PRIVYDROP_MESSAGE_BURST", value_name = "N", default_value = "60")]
    pub message_burst: NonZeroU32,

    /// Seconds from SIGTERM until sockets are told to move: so long balancers may take to see /readyz.
    #[arg(long, env = "PRIVYDROP_DRAIN_NOTICE_SECONDS", value_name = "N", default_value = "2")]
    pub drain_notice_seconds: f32,

    /// Seconds over which they are then told, one after another.
    #[arg(long, env = "PRIVYDROP_DRAIN_SECONDS", value_name = "N", default_value = "6")]
    pub drain_seconds: f32,

    /// Seconds that a new socket may take to begin to speak TLS, then to ask for its upgrade, and then to say hello.
    #[arg(long, env = "PRIVYDROP_HELLO_SECONDS", value_name = "N", default_value = "5")]
    pub hello_seconds: f32,

    /// Seconds that a knocker may wait for the host.
    #[arg(
        long,
        env = "PRIVYDROP_KNOCK_SECONDS",
        value_name = "N",
        default_value_t = KNOCK_SECONDS as f32,
        hide = true
    )]
    pub knock_seconds: f32,
}

/// What the program does instead of serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Action {
    /// Look whether everything that the settings name works; exit with 1 when something does not.
    Check,
    /// Ask the server that serves at --listen whether it lives; exit with 1 when it does not.
    Health,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// When a socket must have spoken.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Time for hello after the upgrade, and for TLS before it.
    pub hello: Duration,
    /// Time between pings.
    pub ping: Duration,
    /// A socket that was silent for this long is dropped, and one that did not read all that it was sent for this long.
    pub silence: Duration,
    /// A connection that is no socket is dropped when nothing could be sent on it for this long.
    pub visit: Duration,
    /// Time that a knocker waits.
    pub knock: Duration,
    /// How often a socket keeps its room alive in the store.
    pub refresh: Duration,
    /// How often somebody at the door looks whether the host is still on its way.
    pub door: Duration,
    /// How fast a socket may talk.
    pub messages: Quota,
}

impl Config {
    /// When sockets must speak.
    pub fn pace(&self) -> Pace {
        Pace {
            hello: seconds(self.hello_seconds),
            ping: Duration::from_secs(20),
            silence: Duration::from_secs(45),
            // Longer than any answer waits for the store.
            visit: Duration::from_secs(30),
            knock: seconds(self.knock_seconds),
            refresh: Duration::from_secs(60),
            door: Duration::from_secs(5),
            messages: Quota::per_second(self.message_rate, self.message_burst),
        }
    }

    /// How sockets are sent elsewhere before the server stops.
    pub fn drain(&self) -> Drain {
        let bounded = |count, most| seconds(count).min(Duration::from_secs(most));
        Drain { notice: bounded(self.drain_notice_seconds, 5), spread: bounded(self.drain_seconds, 15) }
    }

    /// Whether the server itself speaks TLS.
    pub fn has_tls(&self) -> bool {
        self.tls_cert.is_some()
    }
}

fn seconds(count: f32) -> Duration {
    Duration::try_from_secs_f32(count).unwrap_or(Duration::from_secs(60))
}

/// `scheme://host[:port]`, without a path.
fn origin(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    match text.split_once("://") {
        Some((scheme, host))
            if !scheme.is_empty() && !host.is_empty() && !host.contains(['/', ' ', '?', '#']) =>
        {
            Ok(text.to_owned())
        }
        _ => Err("expected scheme and host, as in https://drop.example".to_owned()),
    }
}

fn stun_url(text: &str) -> Result<String, String> {
    ice_url(text, &["stun:", "stuns:"])
}

fn turn_url(text: &str) -> Result<String, String> {
    ice_url(text, &["turn:", "turns:"])
}

fn ice_url(text: &str, schemes: &[&str]) -> Result<String, String> {
    let text = text.trim();
    if schemes.iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|host| !host.is_empty())) {
        Ok(text.to_owned())
    } else {
        Err(format!("expected {}host[:port]", schemes[0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(flags: &[&str]) -> Result<Config, clap::Error> {
        Config::try_parse_from(["privydrop-server"].iter().chain(flags))
    }

    #[test]
    fn no_flag_is_needed_to_try_it() {
        let config = parse(&[]).unwrap();
        assert_eq!(config.listen, "127.0.0.1:8080".parse().unwrap());
        assert!(config.redis.is_none() && !config.has_tls());
    }

    #[test]
    fn settings_that_only_make_sense_together_are_asked_for_together() {
        assert!(parse(&["--tls-cert", "c.pem"]).is_err());
        assert!(parse(&["--turn-url", "turn:t.example"]).is_err());
        assert!(parse(&["--turn-url", "turn:t.example", "--turn-secret-file", "s"]).is_ok());
    }

    #[test]
    fn addresses_that_cannot_work_are_refused_at_the_start() {
        for wrong in [
            ["--turn-url", "https://t.example"],
            ["--stun-url", "stun:"],
            ["--public-url", "drop.example"],
            ["--allow-origin", "https://drop.example/path"],
            ["--trusted-proxy", "10.0.0.0/33"],
            ["--message-rate", "0"],
        ] {
            assert!(parse(&wrong).is_err(), "{wrong:?}");
        }
    }
}
