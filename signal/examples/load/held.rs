//! Twenty thousand sockets at once, and whether each of them is alive. Where a process may not open so many files, two nodes
//! behind one Redis hold them, and at the other end as many processes like this one.

use std::io::{BufRead, BufReader, Error, Result, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::client::Client;
use crate::server::{Redis, Server};
use crate::{IDLE, OTHER_FILES, SIDE_BY_SIDE, files, print, started, warm, wrong};

/// The word by which this program is told to be the other end of sockets, and nothing else.
pub(crate) const HOLD: &str = "--hold";
/// How long an answer to a ping may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the line begins that says how many are held.
const HELD: &str = "sockets held";

/// Says how many of these, at one node, are alive.
pub(crate) async fn by_one_node(sockets: Vec<Client>) -> Result<()> {
    print(&format!("{HELD}: {} alive, by one node", alive(sockets).await))
}

/// Has two nodes hold them, unless one could.
pub(crate) async fn by_two_nodes(program: &str, redis: &Redis) -> Result<()> {
    let most = files()?.saturating_sub(OTHER_FILES);
    if most >= IDLE {
        return Ok(());
    }
    let each = most.min(IDLE / 2);
    let flags = ["--redis", &redis.url];
    let nodes = [started(program, &flags).await?, started(program, &flags).await?];
    for node in &nodes {
        warm(node).await?;
    }
    let memory = || nodes.iter().map(Server::memory).sum::<Result<f64>>();
    let before = memory()?;
    let mut holders = Vec::new();
    for node in &nodes {
        holders.push(Holder::start(node.address, each)?);
    }
    let counts: Vec<usize> = holders.iter_mut().map(Holder::hear).collect::<Result<_>>()?;
    let grown = memory()? - before;
    // All are there before the first one is asked.
    let alive: usize = holders.into_iter().map(Holder::ask).sum::<Result<_>>()?;
    let count: usize = counts.iter().sum();
    print(&format!(
        "{HELD}: {alive} alive of {count}, by two nodes behind one Redis, {:.1} KB each",
        grown / count.max(1) as f64 / 1000.0
    ))
}

/// Is the other end of so many sockets at this address, as [`Holder`] wants it.
pub(crate) async fn hold(address: &str, count: &str) -> Result<()> {
    files()?;
    let address: SocketAddr = address.parse().map_err(Error::other)?;
    let count: usize = count.parse().map_err(Error::other)?;
    let sockets = futures_util::stream::iter(0..count).map(|_| Client::connect_to(address));
    let connected: Vec<_> = sockets.buffer_unordered(SIDE_BY_SIDE).collect().await;
    let sockets: Vec<_> = connected.into_iter().filter_map(Result::ok).collect();
    print(&sockets.len().to_string())?;
    std::io::stdin().lock().read_line(&mut String::new())?;
    print(&alive(sockets).await.to_string())
}

/// How many of these answer.
async fn alive(sockets: Vec<Client>) -> usize {
    let answers = futures_util::stream::iter(sockets).map(async |socket| {
        let answer = timeout(PATIENCE, answers(socket)).await;
        answer.is_ok_and(|answers| answers)
    });
    answers.buffer_unordered(SIDE_BY_SIDE).filter(|answers| std::future::ready(*answers)).count().await
}

async fn answers(Client(mut socket): Client) -> bool {
    let asked = Bytes::from_static(b"alive?");
    if socket.send(Message::Ping(asked.clone())).await.is_err() {
        return false;
    }
    while let Some(Ok(message)) = socket.next().await {
        if message == Message::Pong(asked.clone()) {
            return true;
        }
    }
    false
}

/// A process of this program that holds the other ends, ended with this one.
struct Holder {
    process: Child,
    asked: ChildStdin,
    said: BufReader<ChildStdout>,
}

impl Holder {
    fn start(address: SocketAddr, count: usize) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args([HOLD, &address.to_string(), &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        match (process.stdin.take(), process.stdout.take()) {
            (Some(asked), Some(said)) => Ok(Self { process, asked, said: BufReader::new(said) }),
            _ => Err(wrong("a process that holds sockets has no ends")),
        }
    }

    /// How many it holds; later, how many of them are alive.
    fn hear(&mut self) -> Result<usize> {
        let mut line = String::new();
        self.said.read_line(&mut line)?;
        line.trim().parse().map_err(Error::other)
    }

    /// How many of them are alive.
    fn ask(mut self) -> Result<usize> {
        writeln!(self.asked)?;
        self.hear()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
