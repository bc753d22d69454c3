//! Load figures of the signaling server: bytes per idle socket, joins and relays per second and per core-second.
//!
//! `cargo run --release -p privydrop-signal --example load -- PATH-TO-privydrop-server [--redis URL]` starts that
//! program on a free loopback port with its rate limits out of the way, loads it for a bounded time and prints
//! one line per figure. Never touches another machine. Only the server's own CPU time counts as its cores.

use std::io::{BufRead, BufReader, Error, ErrorKind, Result, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use privydrop_common::id::PeerId;
use privydrop_common::signaling::{Body, ClientMessage, ServerMessage};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// Sockets that sit idle, kept below the usual limit of 1,024 open files a process.
const IDLE: usize = 900;
/// Pairs that load the server at once.
const PAIRS: usize = 16;
/// How long each load lasts.
const SPAN: Duration = Duration::from_secs(5);
/// Characters of a relayed body: a session description is about this long.
const BODY: usize = 2000;
/// Relays under way in each pair.
const WINDOW: usize = 32;
/// Ticks of CPU time in a second, as Linux tells them to programs.
const TICKS: f64 = 100.0;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().ok_or_else(|| wrong("usage: load PATH-TO-privydrop-server [flags]"))?;
    let server = Server::start(&program, arguments)?;
    server.rest().await?;
    idle(&server).await?;
    joins(&server).await?;
    relays(&server).await
}

/// The server as a child process, ended with this one.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(program: &str, flags: impl Iterator<Item = String>) -> Result<Self> {
        let unlimited =
            ["creates-per-minute", "joins-per-minute", "misses-per-minute", "message-rate", "message-burst"];
        let mut process = Command::new(program)
            .args(["--listen", "127.0.0.1:0"])
            .args(unlimited.iter().flat_map(|limit| [format!("--{limit}"), "1000000".to_owned()]))
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = process.stdout.take().ok_or_else(|| wrong("the server has no stdout"))?;
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().rsplit_once("://").and_then(|(_, address)| address.parse().ok());
        Ok(Self { process, address: address.ok_or_else(|| wrong("the server did not say where it is"))? })
    }

    /// Waits until it has compressed the web app and rests.
    async fn rest(&self) -> Result<()> {
        for _ in 0..240 {
            let before = self.cpu()?;
            sleep(Duration::from_millis(500)).await;
            if self.cpu()? - before < 0.02 {
                return Ok(());
            }
        }
        Err(wrong("the server is busy by itself"))
    }

    /// Resident memory in bytes.
    fn memory(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib =
            line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<f64>().ok());
        kib.map(|kib| kib * 1024.0).ok_or_else(|| wrong("no VmRSS"))
    }

    /// CPU time used so far, in seconds.
    fn cpu(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
        Ok(ticks.sum::<f64>() / TICKS)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Client(WebSocketStream<TcpStream>);

impl Client {
    async fn connect(server: &Server) -> Result<Self> {
        let stream = TcpStream::connect(server.address).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://{}/ws", server.address);
        let (socket, _) = client_async(url, stream).await.map_err(Error::other)?;
        let mut client = Self(socket);
        client.say(&ClientMessage::Hello { protocol: 1 }).await?;
        client.hear().await?;
        Ok(client)
    }

    async fn say(&mut self, message: &ClientMessage) -> Result<()> {
        self.0.send(Message::text(message.to_text())).await.map_err(Error::other)
    }

    async fn hear(&mut self) -> Result<ServerMessage> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return ServerMessage::parse(&text).map_err(Error::other),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Error::other(error)),
                None => return Err(ErrorKind::UnexpectedEof.into()),
            }
        }
    }
}

async fn idle(server: &Server) -> Result<()> {
    // Buffers that the first connections leave behind are not counted.
    for _ in 0..100 {
        Client::connect(server).await?;
    }
    let before = server.memory()?;
    let mut clients = Vec::with_capacity(IDLE);
    for _ in 0..IDLE {
        clients.push(Client::connect(server).await?);
    }
    let each = (server.memory()? - before) / clients.len() as f64;
    print(&format!("memory per idle socket: {:.1} KB ({IDLE} sockets)", each / 1000.0))
}

/// Members that leave and come back with their tickets, as fast as they can, each in a room of its own.
async fn joins(server: &Server) -> Result<()> {
    let load = (0..PAIRS).map(async |_| {
        let mut client = Client::connect(server).await?;
        client.say(&ClientMessage::Create { name: None, ticket: None }).await?;
        let ServerMessage::Created { room, ticket, .. } = client.hear().await? else {
            return Err(wrong("no room was made"));
        };
        let start = Instant::now();
        let mut count = 0_usize;
        while start.elapsed() < SPAN {
            client.say(&ClientMessage::Leave).await?;
            client.say(&ClientMessage::Join { room: room.clone(), ticket: Some(ticket.clone()) }).await?;
            match client.hear().await? {
                ServerMessage::Joined { .. } => count += 1,
                other => return Err(wrong(&format!("{other:?}"))),
            }
        }
        Ok(count)
    });
    measure(server, "joins (leave and come back by ticket)", load).await
}

async fn relays(server: &Server) -> Result<()> {
    let body = Body::new("x".repeat(BODY)).map_err(Error::other)?;
    let load = (0..PAIRS).map(async |_| {
        let (mut host, mut guest, to) = pair(server).await?;
        let frame = Message::text(ClientMessage::Relay { to, seq: 0, body: body.clone() }.to_text());
        let start = Instant::now();
        let (mut sent, mut heard) = (0_usize, 0_usize);
        while start.elapsed() < SPAN || heard < sent {
            if start.elapsed() < SPAN {
                for _ in sent - heard..WINDOW {
                    host.0.feed(frame.clone()).await.map_err(Error::other)?;
                    sent += 1;
                }
                host.0.flush().await.map_err(Error::other)?;
            }
            // Not parsed: what the client costs is not the server's.
            match guest.0.next().await {
                Some(Ok(Message::Text(_))) => heard += 1,
                Some(Ok(_)) => {}
                _ => return Err(ErrorKind::UnexpectedEof.into()),
            }
        }
        Ok(heard)
    });
    measure(server, &format!("relays of {BODY} characters"), load).await
}

/// A host and a guest that it admitted.
async fn pair(server: &Server) -> Result<(Client, Client, PeerId)> {
    let (mut host, mut guest) = (Client::connect(server).await?, Client::connect(server).await?);
    host.say(&ClientMessage::Create { name: None, ticket: None }).await?;
    let ServerMessage::Created { room, .. } = host.hear().await? else {
        return Err(wrong("no room was made"));
    };
    guest.say(&ClientMessage::Join { room, ticket: None }).await?;
    let ServerMessage::Knock { member } = host.hear().await? else { return Err(wrong("nobody knocked")) };
    host.say(&ClientMessage::Admit { member }).await?;
    host.hear().await?;
    for _ in ["knocking", "joined"] {
        guest.hear().await?;
    }
    Ok((host, guest, member))
}

async fn measure(
    server: &Server,
    what: &str,
    load: impl Iterator<Item: Future<Output = Result<usize>>>,
) -> Result<()> {
    let (cpu, start) = (server.cpu()?, Instant::now());
    let counts = futures_util::future::try_join_all(load).await?;
    let (cpu, seconds) = (server.cpu()? - cpu, start.elapsed().as_secs_f64());
    let count = counts.iter().sum::<usize>() as f64;
    let (rate, per_core) = (count / seconds, count / cpu.max(0.01));
    print(&format!("{what}: {rate:.0} /s, {per_core:.0} per core-second ({:.2} cores used)", cpu / seconds))
}

fn print(line: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{line}")
}

fn wrong(text: &str) -> Error {
    Error::other(text.to_owned())
}
