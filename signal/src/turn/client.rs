//! A client of a TURN server, for checks: takes a relay, permits a peer, sends and hears a datagram.
//!
//! No part of what people use: their devices bring their own. Every wait has an end.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::stun::{HEADER, Message, attribute, length, long_term_key};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// After this a datagram is sent again.
const AGAIN: Duration = Duration::from_millis(500);
/// Longest datagram that is read.
const DATAGRAM: usize = 2048;

const ALLOCATE: u16 = 0x0003;
const REFRESH: u16 = 0x0004;
const CREATE_PERMISSION: u16 = 0x0008;
const BINDING: u16 = 0x0001;
const SEND: u16 = 0x0016;
const DATA: u16 = 0x0017;
const SUCCESS: u16 = 0x0100;
/// UDP, as a relay's protocol.
const UDP: [u8; 4] = [17, 0, 0, 0];

/// Why a TURN server did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// It cannot be reached, or not by TLS.
    #[error("it cannot be reached ({0})")]
    Unreachable(#[from] std::io::Error),
    /// Nothing came back in time.
    #[error("it does not answer")]
    Silent,
    /// It refused, by the number and words of the RFCs.
    #[error("it refuses: {code} {words}")]
    Refused {
        /// 401: the credential is not accepted; 403: the peer is forbidden.
        code: u16,
        /// As it says.
        words: String,
    },
    /// It speaks something else.
    #[error("what answers there is no TURN server")]
    Foreign,
}

/// `stun:`, `turn:` or `turns:` host, port and way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    host: String,
    port: u16,
    way: Way,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Udp,
    Tcp,
    Tls,
}

/// Why a text is no address of a STUN or TURN server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected stun:, turn: or turns:, a host, and perhaps a port and ?transport=udp or tcp")]
pub struct InvalidUrl;

impl FromStr for ServerUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let (scheme, rest) = text.trim().split_once(':').ok_or(InvalidUrl)?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let is_secure = match scheme {
            "turn" | "stun" => false,
            "turns" | "stuns" => true,
            _ => return Err(InvalidUrl),
        };
        let way = match (is_secure, query) {
            (false, "" | "transport=udp") => Way::Udp,
            (false, "transport=tcp") => Way::Tcp,
            (true, "" | "transport=tcp") => Way::Tls,
            _ => return Err(InvalidUrl),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, port.parse().map_err(|_| InvalidUrl)?)
            }
            _ => (place, if is_secure { 5349 } else { 3478 }),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() { Err(InvalidUrl) } else { Ok(Self { host, port, way }) }
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way {
            Way::Udp => "UDP",
            Way::Tcp => "TCP",
            Way::Tls => "TLS",
        };
        write!(f, "{} port {} by {way}", self.host, self.port)
    }
}

/// Anything that bytes flow through.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

enum Wire {
    Datagrams(UdpSocket),
    Stream(Box<dyn Stream>),
}

/// A relay that a TURN server holds for us.
pub struct Relay {
    wire: Wire,
    username: String,
    realm: Vec<u8>,
    nonce: Vec<u8>,
    key: Vec<u8>,
    address: SocketAddr,
}

/// Asks a STUN server for nothing but an answer.
pub async fn ask_binding(server: &ServerUrl) -> Result<(), TurnError> {
    let mut wire = Wire::connect(server).await?;
    accepted(wire.ask(&Message::new(BINDING), None).await?).map(drop)
}

impl Relay {
    /// Takes a relay with this credential.
    pub async fn allocate(server: &ServerUrl, username: &str, credential: &str) -> Result<Self, TurnError> {
        let mut wire = Wire::connect(server).await?;
        let request = || Message::new(ALLOCATE).with(attribute::REQUESTED_TRANSPORT, UDP);
        let challenge = wire.ask(&request(), None).await?;
        let (Some(realm), Some(nonce)) = (challenge.get(attribute::REALM), challenge.get(attribute::NONCE))
        else {
            // It gives to anybody, or it is none.
            return Err(accepted(challenge).err().unwrap_or(TurnError::Foreign));
        };
        let mut relay = Self {
            wire,
            username: username.to_owned(),
            realm: realm.to_vec(),
            nonce: nonce.to_vec(),
            key: long_term_key(username, &String::from_utf8_lossy(realm), credential),
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
        };
        let answer = relay.ask(request()).await?;
        relay.address = answer.address(attribute::XOR_RELAYED_ADDRESS).ok_or(TurnError::Foreign)?;
        Ok(relay)
    }

    /// Where peers reach the relay.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets a peer through.
    pub async fn permit(&mut self, peer: SocketAddr) -> Result<(), TurnError> {
        let request = Message::new(CREATE_PERMISSION).with_address(attribute::XOR_PEER_ADDRESS, peer);
        self.ask(request).await.map(drop)
    }

    /// Sends a datagram to a peer through the relay.
    pub async fn send(&mut self, peer: SocketAddr, data: &[u8]) -> Result<(), TurnError> {
        let message =
            Message::new(SEND).with_address(attribute::XOR_PEER_ADDRESS, peer).with(attribute::DATA, data);
        self.wire.send(&message.to_bytes(None)).await
    }

    /// The next datagram that came through the relay, and from whom.
    pub async fn receive(&mut self) -> Result<(SocketAddr, Vec<u8>), TurnError> {
        loop {
            let message = timeout(PATIENCE, self.wire.hear()).await.map_err(|_| TurnError::Silent)??;
            if message.kind == DATA
                && let (Some(peer), Some(data)) =
                    (message.address(attribute::XOR_PEER_ADDRESS), message.get(attribute::DATA))
            {
                return Ok((peer, data.to_vec()));
            }
        }
    }

    /// Gives the relay back.
    pub async fn release(mut self) -> Result<(), TurnError> {
        self.ask(Message::new(REFRESH).with(attribute::LIFETIME, [0; 4])).await.map(drop)
    }

    async fn ask(&mut self, request: Message) -> Result<Message, TurnError> {
        let request = request
            .with(attribute::USERNAME, self.username.as_bytes())
            .with(attribute::REALM, self.realm.clone())
            .with(attribute::NONCE, self.nonce.clone());
        accepted(self.wire.ask(&request, Some(&self.key)).await?)
    }
}

fn accepted(answer: Message) -> Result<Message, TurnError> {
    if answer.kind & SUCCESS == SUCCESS && answer.kind & 0x0010 == 0 {
        return Ok(answer);
    }
    let (code, words) = answer.error().ok_or(TurnError::Foreign)?;
    Err(TurnError::Refused { code, words })
}

impl Wire {
    async fn connect(server: &ServerUrl) -> Result<Self, TurnError> {
        let connected = timeout(PATIENCE, Self::reach(server)).await;
        connected
            .unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut)))
            .map_err(Into::into)
    }

    async fn reach(server: &ServerUrl) -> std::io::Result<Self> {
        let place = (server.host.as_str(), server.port);
        if server.way == Way::Udp {
            let target = lookup_host(place).await?.next().ok_or(std::io::ErrorKind::NotFound)?;
            let any: IpAddr =
                if target.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
            let socket = UdpSocket::bind((any, 0)).await?;
            socket.connect(target).await?;
            return Ok(Self::Datagrams(socket));
        }
        let stream = TcpStream::connect(place).await?;
        if server.way == Way::Tcp {
            return Ok(Self::Stream(Box::new(stream)));
        }
        let name = ServerName::try_from(server.host.clone()).map_err(std::io::Error::other)?;
        let stream = trust()?.connect(name, stream).await?;
        Ok(Self::Stream(Box::new(stream)))
    }

    async fn ask(&mut self, request: &Message, key: Option<&[u8]>) -> Result<Message, TurnError> {
        let bytes = request.to_bytes(key);
        // A stream loses nothing, and a wait that was cut short may have taken half a message.
        let wait = if matches!(self, Self::Datagrams(_)) { AGAIN } else { PATIENCE };
        let exchange = async {
            loop {
                self.send(&bytes).await?;
                let answer = async {
                    loop {
                        let message = self.hear().await?;
                        if message.id == request.id {
                            return Ok(message);
                        }
                    }
                };
                if let Ok(answer) = timeout(wait, answer).await {
                    return answer;
                }
            }
        };
        timeout(PATIENCE, exchange).await.unwrap_or(Err(TurnError::Silent))
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), TurnError> {
        match self {
            Self::Datagrams(socket) => drop(socket.send(bytes).await?),
            Self::Stream(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await?;
            }
        }
        Ok(())
    }

    async fn hear(&mut self) -> Result<Message, TurnError> {
        let bytes = match self {
            Self::Datagrams(socket) => {
                let mut bytes = vec![0; DATAGRAM];
                let length = socket.recv(&mut bytes).await?;
                bytes.truncate(length);
                bytes
            }
            Self::Stream(stream) => {
                let mut bytes = vec![0; HEADER];
                stream.read_exact(&mut bytes).await?;
                let length = length(&bytes).ok_or(TurnError::Foreign)?;
                bytes.resize(HEADER + length, 0);
                stream.read_exact(&mut bytes[HEADER..]).await?;
                bytes
            }
        };
        Message::parse(&bytes).ok_or(TurnError::Foreign)
    }
}

/// Trusts whom this machine trusts.
fn trust() -> std::io::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?;
    Ok(TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_host_port_and_way() {
        for (text, shown) in [
            ("turn:turn.example", "turn.example port 3478 by UDP"),
            ("turn:turn.example:80?transport=tcp", "turn.example port 80 by TCP"),
            ("turns:turn.example:443?transport=tcp", "turn.example port 443 by TLS"),
            ("stun:[2001:db8::1]:1", "2001:db8::1 port 1 by UDP"),
            ("stun:[2001:db8::1]", "2001:db8::1 port 3478 by UDP"),
        ] {
            assert_eq!(text.parse::<ServerUrl>().unwrap().to_string(), shown);
        }
        for wrong in ["turn:", "https://x", "turn:x:port", "turns:x?transport=udp"] {
            assert_eq!(wrong.parse::<ServerUrl>(), Err(InvalidUrl), "{wrong}");
        }
    }
}
