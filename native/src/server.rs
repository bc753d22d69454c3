//! Where a signaling server is, as people write it.
//!
//! Knows addresses only; connects to nothing.

use core::fmt;
use core::str::FromStr;
use std::net::IpAddr;

use url::{Host, Url};

/// Why a text is not a server's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a server's address is like https://drop.example")]
pub struct InvalidServer;

/// A server's address: `https`, or `http` where somebody wrote so or the server is on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server(Url);

impl Server {
    /// The address of the page that links lead to; ends with a slash.
    pub fn page(&self) -> &str {
        self.0.as_str()
    }

    /// Whether what the server is told travels in the clear. What members say to each other never does.
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// The address of its WebSocket.
    pub(crate) fn socket(&self) -> String {
        format!("{}ws", self.page().replacen("http", "ws", 1))
    }
}

impl FromStr for Server {
    type Err = InvalidServer;

    /// Reads an address with or without `https://`; a query and a fragment, as links have one, are left out.
    fn from_str(text: &str) -> Result<Self, InvalidServer> {
        let text = text.trim();
        let parse = |text: &str| Url::parse(text).map_err(|_| InvalidServer);
        let mut url = if text.contains("://") { parse(text)? } else { parse(&format!("https://{text}"))? };
        if !text.contains("://") && url.host().is_some_and(|host| is_this_machine(&host)) {
            url = parse(&format!("http://{text}"))?;
        }
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !is_anonymous {
            return Err(InvalidServer);
        }
        url.set_query(None);
        url.set_fragment(None);
        // One slash at the end, whatever was written: the same server is always written the same.
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(Self(url))
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.page().trim_end_matches('/'))
    }
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => IpAddr::from(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::from(*address).is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_as_private_as_the_address_says() {
        for (text, page, socket) in [
            ("https://drop.example", "https://drop.example/", "wss://drop.example/ws"),
            ("drop.example:8443", "https://drop.example:8443/", "wss://drop.example:8443/ws"),
            ("http://nas.lan/drop", "http://nas.lan/drop/", "ws://nas.lan/drop/ws"),
            ("http://nas.lan/drop///", "http://nas.lan/drop/", "ws://nas.lan/drop/ws"),
            ("https://drop.example//", "https://drop.example/", "wss://drop.example/ws"),
            (r"drop.example\drop\\", "https://drop.example/drop/", "wss://drop.example/drop/ws"),
            ("localhost:8080", "http://localhost:8080/", "ws://localhost:8080/ws"),
            ("[::1]:8080", "http://[::1]:8080/", "ws://[::1]:8080/ws"),
            ("https://drop.example/#123456.secret", "https://drop.example/", "wss://drop.example/ws"),
        ] {
            let server: Server = text.parse().unwrap();
            assert_eq!((server.page(), server.socket().as_str()), (page, socket), "{text}");
        }
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for text in
            ["", "ftp://drop.example", "https://", "https://me:word@drop.example", "javascript:alert(1)"]
        {
            assert_eq!(text.parse::<Server>(), Err(InvalidServer), "{text}");
        }
    }
}
