//! Whose request it is, behind any number of proxies.
//!
//! A proxy header is believed only when it comes from a configured proxy, and only its rightmost hop that is
//! not itself such a proxy: everything to the left of it was written by the client.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::HeaderMap;
use clap::ValueEnum;
use ipnet::IpNet;

/// The header in which the proxies name the client. Only one is ever read, or a client could write the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProxyHeader {
    /// The list of addresses that most proxies append to.
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

/// The proxies that are believed.
#[derive(Debug, Clone)]
pub struct Proxies {
    /// Networks that the proxies stand in.
    pub trusted: Vec<IpNet>,
    /// Where they write.
    pub header: ProxyHeader,
}

impl Proxies {
    /// The address that the request came from. Without a peer (never over TCP) it is the unspecified one.
    pub fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> IpAddr {
        let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip().to_canonical());
        if !self.trusts(peer) {
            return peer;
        }
        let mut client = peer;
        for hop in self.hops(headers).iter().rev() {
            // A hop that is not an address was not written by one of our proxies: the last good one counts.
            let Some(address) = hop_address(hop) else { break };
            client = address;
            if !self.trusts(client) {
                break;
            }
        }
        client
    }

    /// Whether it is one of ours.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// The hops as written, nearest last.
    fn hops(&self, headers: &HeaderMap) -> Vec<String> {
        let name = match self.header {
            ProxyHeader::XForwardedFor => "x-forwarded-for",
            ProxyHeader::Forwarded => "forwarded",
        };
        // Bytes that are no text spoil their own entry only: a stranger may have written them in front of a proxy's.
        let lines: Vec<_> =
            headers.get_all(name).map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
        let entries = lines.iter().flat_map(|line| line.split(','));
        match self.header {
            ProxyHeader::XForwardedFor => entries.map(|entry| entry.trim().to_owned()).collect(),
            ProxyHeader::Forwarded => entries.map(forwarded_for).collect(),
        }
    }
}

/// The value of `for=` in one element of `Forwarded`.
fn forwarded_for(element: &str) -> String {
    let parameters = element.split(';').filter_map(|parameter| parameter.trim().split_once('='));
    let mut named = parameters.filter(|(name, _)| name.eq_ignore_ascii_case("for"));
    named.next().map_or(String::new(), |(_, value)| value.trim_matches('"').to_owned())
}

/// Reads `1.2.3.4`, `1.2.3.4:5`, `::1`, `[::1]` and `[::1]:5`.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let with_port = || hop.parse::<SocketAddr>().map(|address| address.ip());
    bare.parse::<IpAddr>().or_else(|_| with_port()).ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn client(header: ProxyHeader, peer: &str, name: &'static str, lines: &[&str]) -> String {
        let trusted = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(line).unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 1);
        Proxies { trusted, header }.client(Some(peer), &headers).to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_its_address() {
        let spoofed = client(ProxyHeader::XForwardedFor, "192.0.2.1", "x-forwarded-for", &["203.0.113.9"]);
        assert_eq!(spoofed, "192.0.2.1");
    }

    #[test]
    fn the_rightmost_hop_that_is_no_proxy_counts() {
        let xff = |lines: &[&str]| client(ProxyHeader::XForwardedFor, "10.0.0.1", "x-forwarded-for", lines);
        assert_eq!(xff(&["6.6.6.6, 203.0.113.9, 10.0.0.7"]), "203.0.113.9");
        assert_eq!(xff(&["6.6.6.6", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(xff(&["6.6.6.6, [2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(xff(&["6.6.6.6, nonsense, 10.0.0.7"]), "10.0.0.7");
        assert_eq!(xff(&["\u{e9}, 203.0.113.9, 10.0.0.7"]), "203.0.113.9");
        assert_eq!(xff(&[]), "10.0.0.1");
    }

    #[test]
    fn the_standard_header_is_read_only_when_it_is_the_configured_one() {
        let lines = ["for=6.6.6.6, For=\"[2001:db8::7]:80\";proto=https"];
        assert_eq!(client(ProxyHeader::Forwarded, "fd00::1", "forwarded", &lines), "2001:db8::7");
        assert_eq!(client(ProxyHeader::XForwardedFor, "fd00::1", "forwarded", &lines), "fd00::1");
    }
}
