//! Settings that fit together, secrets that can be read, ports that are free or this server's own. Changes nothing.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Report;
use super::running::{Unwell, ask_health, ask_metrics};
use crate::config::Config;
use crate::server::{MIN_TICKET_KEY, secret};

/// Files that the server opens beside its sockets.
const OTHER_FILES: u64 = 100;

pub(super) async fn check(config: &Config) -> Report {
    let mut report = Report::new("settings");
    ports(config, &mut report).await;
    people(config, &mut report);
    proxies(config, &mut report);
    secrets(config, &mut report);
    files(config, &mut report);
    report
}

async fn ports(config: &Config, report: &mut Report) {
    port("--listen", config.listen, ask_health(config), report).await;
    if let Some(address) = config.metrics_listen {
        port("--metrics-listen", address, ask_metrics(address), report).await;
    }
}

/// A port that is free, or one at which this server answers already; `ask` finds out.
async fn port(
    flag: &str,
    address: SocketAddr,
    ask: impl Future<Output = Result<(), Unwell>>,
    report: &mut Report,
) {
    match TcpListener::bind(address) {
        Ok(_) => report.ok(format!("{flag} {address} is free")),
        Err(reason) if reason.kind() == ErrorKind::AddrInUse => match ask.await {
            Ok(()) => report.ok(format!("{flag} {address}: the server runs there and is well")),
            Err(unwell) => report.wrong(format!(
                "{flag} {address} is taken, and {unwell}: choose another port, or stop the program that uses it"
            )),
        },
        Err(reason) => report.warning(format!(
            "{flag} {address} cannot be taken ({reason}): check as the user that the server runs as, on its machine"
        )),
    }
}

fn people(config: &Config, report: &mut Report) {
    match config.public_url.as_deref() {
        Some(url) if url.starts_with("https://") => report.ok(format!("people open {url}")),
        Some(url) => report.warning(format!(
            "people open {url}: browsers keep features back without https; put TLS in front or give --tls-cert and --tls-key"
        )),
        None if config.has_tls() || config.listen.ip().is_loopback() => {}
        None => report.warning(
            "no --public-url and no TLS: browsers on other machines keep features back without https",
        ),
    }
}

fn proxies(config: &Config, report: &mut Report) {
    let everybody = config.trusted_proxy.iter().find(|network| network.prefix_len() == 0);
    if let Some(network) = everybody {
        report.wrong(format!(
            "--trusted-proxy {network} lets everybody choose an address; name the networks of your proxies only"
        ));
    }
    let https_elsewhere =
        !config.has_tls() && config.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
    if https_elsewhere && config.trusted_proxy.is_empty() {
        report.wrong(
            "https ends at a proxy, and no --trusted-proxy names it: all people would share one address and its limits",
        );
    }
}

fn secrets(config: &Config, report: &mut Report) {
    for (flag, file, least) in [
        ("--ticket-key-file", &config.ticket_key_file, MIN_TICKET_KEY),
        ("--turn-secret-file", &config.turn_secret_file, 1),
        ("--redis-password-file", &config.redis_password_file, 1),
    ] {
        let Some(file) = file else { continue };
        match secret(file, least) {
            Err(error) => report.wrong(format!("{flag}: {error}")),
            Ok(_) if is_open(file) => report.warning(format!(
                "{flag} {} can be read by everybody on this machine: chmod o-rwx",
                file.display()
            )),
            Ok(_) => report.ok(format!("{flag} can be read")),
        }
    }
    if config.ticket_key_file.is_none() {
        match config.redis {
            Some(_) => report.ok("tickets are signed with a key that is kept in Redis"),
            None => report.warning(
                "without --ticket-key-file nobody can go back to a room after a restart of the server",
            ),
        }
    }
}

fn is_open(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

fn files(config: &Config, report: &mut Report) {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let most = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    let needed = u64::from(config.max_sockets.get()) + OTHER_FILES;
    if let Some(most) = most.filter(|most| *most < needed) {
        report.warning(format!(
            "this process may open {most} files, --max-sockets needs {needed}: raise it (ulimit -n, LimitNOFILE=) or lower --max-sockets"
        ));
    }
}
