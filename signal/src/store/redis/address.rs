//! Where Redis is: one server, a set that Sentinels watch, or a Cluster. Only reads the setting.
//!
//! Never shows a password: an address prints as its kind only.

use std::str::FromStr;

use deadpool_redis::redis::{ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};

/// The value of `--redis`.
#[derive(Clone)]
pub struct Address {
    pub(super) kind: Kind,
}

#[derive(Clone)]
pub(super) enum Kind {
    /// One server.
    Single(ConnectionInfo),
    /// Whoever is the master of this name.
    Sentinel { sentinels: Vec<ConnectionInfo>, master: String, login: RedisConnectionInfo, tls: bool },
    /// Some of the servers of a Cluster; it tells of the others.
    Cluster(Vec<ConnectionInfo>),
}

/// Why a text is no address of Redis. Says what was expected and nothing of what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// The scheme is none of ours.
    #[error("expected redis://, redis+sentinel:// or redis+cluster:// (rediss… for TLS)")]
    Scheme,
    /// A host, port, database or password cannot be read.
    #[error("expected [user:password@]host:port[,host:port…]; write @ : / in a password as %40 %3A %2F")]
    Hosts,
    /// Sentinels were named, and not what they watch.
    #[error("expected the master's name behind the sentinels: redis+sentinel://host:port,host:port/name")]
    Master,
}

impl Address {
    /// The same with this password.
    pub fn with_password(mut self, password: &str) -> Self {
        let set = |info: ConnectionInfo| {
            let login = info.redis_settings().clone().set_password(password);
            info.set_redis_settings(login)
        };
        self.kind = match self.kind {
            Kind::Single(info) => Kind::Single(set(info)),
            Kind::Sentinel { sentinels, master, login, tls } => {
                Kind::Sentinel { sentinels, master, login: login.set_password(password), tls }
            }
            Kind::Cluster(nodes) => Kind::Cluster(nodes.into_iter().map(set).collect()),
        };
        self
    }

    /// What kind of Redis it is, for people.
    pub fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Single(_) => "a single Redis",
            Kind::Sentinel { .. } => "a Redis watched by Sentinels",
            Kind::Cluster(_) => "a Redis Cluster",
        }
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or(InvalidAddress::Scheme)?;
        let (plain, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        if !matches!(plain, "redis" | "rediss" | "unix" | "redis-unix") {
            return Err(InvalidAddress::Scheme);
        }
        let kind = match kind {
            "" => Kind::Single(info(text)?),
            "sentinel" => sentinel(plain, rest)?,
            "cluster" => Kind::Cluster(parts(plain, rest)?.nodes(true)?),
            _ => return Err(InvalidAddress::Scheme),
        };
        Ok(Self { kind })
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind())
    }
}

/// `[user:password@]host:port,host:port[/path]`.
struct Parts<'a> {
    scheme: &'a str,
    login: &'a str,
    hosts: &'a str,
    path: &'a str,
}

fn parts<'a>(scheme: &'a str, rest: &'a str) -> Result<Parts<'a>, InvalidAddress> {
    if !matches!(scheme, "redis" | "rediss") {
        return Err(InvalidAddress::Scheme);
    }
    let (login, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
    let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
    Ok(Parts { scheme, login, hosts, path })
}

impl Parts<'_> {
    /// One address for each host.
    fn nodes(&self, with_login: bool) -> Result<Vec<ConnectionInfo>, InvalidAddress> {
        let login =
            if with_login && !self.login.is_empty() { format!("{}@", self.login) } else { String::new() };
        let hosts = self.hosts.split(',').map(str::trim).filter(|host| !host.is_empty());
        let nodes: Vec<_> =
            hosts.map(|host| info(&format!("{}://{login}{host}/", self.scheme))).collect::<Result<_, _>>()?;
        if nodes.is_empty() { Err(InvalidAddress::Hosts) } else { Ok(nodes) }
    }
}

fn sentinel(scheme: &str, rest: &str) -> Result<Kind, InvalidAddress> {
    let parts = parts(scheme, rest)?;
    let (master, db) = parts.path.split_once('/').unwrap_or((parts.path, ""));
    if master.is_empty() {
        return Err(InvalidAddress::Master);
    }
    let login = if parts.login.is_empty() { String::new() } else { format!("{}@", parts.login) };
    let login = info(&format!("redis://{login}master/{db}"))?.redis_settings().clone();
    let (master, tls) = (master.to_owned(), scheme == "rediss");
    Ok(Kind::Sentinel { sentinels: parts.nodes(false)?, master, login, tls })
}

fn info(url: &str) -> Result<ConnectionInfo, InvalidAddress> {
    url.into_connection_info().map_err(|_| InvalidAddress::Hosts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Kind, InvalidAddress> {
        text.parse().map(|address: Address| address.kind)
    }

    #[test]
    fn one_server_is_named_as_everywhere() {
        let Ok(Kind::Single(info)) = read("rediss://user:p%40ss@redis.example:6380/2") else { panic!() };
        assert_eq!(info.redis_settings().password(), Some("p@ss"));
        assert_eq!((info.redis_settings().db(), info.addr().to_string()), (2, "redis.example:6380".into()));
    }

    #[test]
    fn sentinels_are_asked_without_the_masters_password() {
        let text = "redis+sentinel://:secret@one:26379,two:26379/main/3";
        let Ok(Kind::Sentinel { sentinels, master, login, tls }) = read(text) else { panic!() };
        assert_eq!((sentinels.len(), master.as_str(), tls), (2, "main", false));
        assert_eq!((login.password(), login.db()), (Some("secret"), 3));
        assert_eq!(sentinels[1].redis_settings().password(), None);
    }

    #[test]
    fn every_node_of_a_cluster_gets_the_password() {
        let address: Address = "redis+cluster://one:7000,two:7001".parse().unwrap();
        let Kind::Cluster(nodes) = address.with_password("from a file").kind else { panic!() };
        let passwords: Vec<_> = nodes.iter().map(|node| node.redis_settings().password()).collect();
        assert_eq!(passwords, [Some("from a file"), Some("from a file")]);
    }

    #[test]
    fn what_is_wrong_is_said_without_what_was_given() {
        for (text, wrong) in [
            ("localhost:6379", InvalidAddress::Scheme),
            ("http://h", InvalidAddress::Scheme),
            ("redis+ring://h", InvalidAddress::Scheme),
            ("redis+sentinel://h:1", InvalidAddress::Master),
            ("redis+cluster://", InvalidAddress::Hosts),
            ("redis+cluster://:secret@h:port", InvalidAddress::Hosts),
        ] {
            assert_eq!(read(text).err(), Some(wrong), "{text}");
        }
        let address: Address = "redis://:secret@h".parse().unwrap();
        assert_eq!(format!("{address:?}"), "a single Redis");
    }
}
