//! Load figures of the signaling server: bytes per idle socket, how many it holds, joins and relays per second and per core-second, in
//! memory and with Redis, on one node and across two, with many rooms, and under a flood.
//!
//! `cargo run --release -p privydrop-signal --example load -- PATH-TO-privydrop-server [memory|redis|flood|growth]…`
//! starts that program (and redis-server) on free loopback ports with its rate limits out of the way, loads it for a
//! bounded time and prints one line per figure. Never touches another machine. Only the servers' own CPU time counts
//! as their cores.

mod client;
mod flood;
mod held;
mod server;

use std::collections::VecDeque;
use std::io::{Error, ErrorKind, Result, Write};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use privydrop_common::signaling::{Body, ClientMessage, ServerMessage};
use tokio_tungstenite::tungstenite::Message;

use self::client::{Client, pair};
use self::server::{Redis, SOCKETS, SOURCES, Server};

/// Sockets that are held at once: at one node if a process may open so many files, else at two.
const IDLE: usize = 20_000;
/// Files beside them.
const OTHER_FILES: usize = 600;
/// Sockets that are opened side by side.
const SIDE_BY_SIDE: usize = 64;
/// Pairs that load the server at once.
const PAIRS: usize = 16;
/// How long each load lasts.
const SPAN: Duration = Duration::from_secs(5);
/// Characters of a relayed body: a session description is about this long.
const BODY: usize = 2000;
/// Rooms of others, if this process may open so many files, and members of a room, beside which growth is measured.
const OTHER_ROOMS: [usize; 4] = [0, 1_000, 4_000, 16_000];
const MEMBERS: [usize; 4] = [2, 5, 10, 15];
/// Messages of a join and a leave, whatever the room: hello, join, admit and leave, and what is answered to the four. Beside
/// them each member hears of both.
const MESSAGES: usize = 8;
/// Relays under way in each pair, and in each pair across nodes, where the time that each takes counts too.
const WINDOW: usize = 32;
const WINDOW_ACROSS: usize = 8;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().ok_or_else(|| wrong("usage: load PATH-TO-privydrop-server [part…]"))?;
    let parts: Vec<String> = arguments.collect();
    if let (held::HOLD, [address, count]) = (&*program, &*parts) {
        return held::hold(address, count).await;
    }
    let wants = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    if wants("memory") {
        let server = started(&program, &[]).await?;
        idle(&server).await?;
        let server = started(&program, &[]).await?;
        joins("joins", &server).await?;
        relays("relays", &[&server, &server], PAIRS, WINDOW).await?;
    }
    if wants("growth") {
        growth(&program).await?;
    }
    if wants("redis") {
        with_redis(&program).await?;
    }
    if wants("flood") {
        flood::run(&program).await?;
    }
    Ok(())
}

async fn with_redis(program: &str) -> Result<()> {
    let Some(redis) = Redis::start().await? else {
        return print("Redis: redis-server is not installed, its figures are left out");
    };
    held::by_two_nodes(program, &redis).await?;
    let flags = ["--redis", &redis.url];
    let (near, far) = (started(program, &flags).await?, started(program, &flags).await?);
    joins("Redis, joins", &near).await?;
    relays("Redis, relays", &[&near, &near], PAIRS, WINDOW).await?;
    relays("Redis, across two nodes, relays", &[&near, &far], PAIRS, WINDOW_ACROSS).await
}

/// The same relays beside more and more rooms of others, and in rooms with more and more members.
async fn growth(program: &str) -> Result<()> {
    let files = files()?;
    let server = started(program, &[]).await?;
    let mut rooms = Vec::new();
    for count in OTHER_ROOMS.into_iter().filter(|count| count + OTHER_FILES < files) {
        while rooms.len() < count {
            rooms.push(client::host(&server).await?);
        }
        let what = format!("growth: beside {count} rooms, relays");
        relays(&what, &[&server, &server], PAIRS, WINDOW).await?;
    }
    for members in MEMBERS {
        let (mut host, room) = client::host(&server).await?;
        let mut others = Vec::new();
        for _ in 1..members {
            let mut guest = Client::connect(&server).await?;
            client::admit(&mut host, &room, &mut guest).await?;
            others.push(guest);
        }
        let (start, used, mut count) = (Instant::now(), server.cpu()?, 0_usize);
        while start.elapsed() < SPAN {
            let mut guest = Client::connect(&server).await?;
            client::admit(&mut host, &room, &mut guest).await?;
            guest.say(&ClientMessage::Leave).await?;
            // Everybody hears of everybody: reading it is part of the load.
            for other in &mut others {
                other.hear_until_left().await?;
            }
            count += 1;
        }
        let per_join = (server.cpu()? - used) / count.max(1) as f64 * 1e6;
        let per_message = per_join / (MESSAGES + 2 * members) as f64;
        print(&format!(
            "growth: joins in a room of {members} members: {per_join:.0} µs of a core each, {per_message:.1} µs for each message"
        ))?;
    }
    Ok(())
}

/// How many files this process may open, after asking for more.
fn files() -> Result<usize> {
    usize::try_from(rlimit::increase_nofile_limit(u64::MAX)?).map_err(Error::other)
}

async fn started(program: &str, flags: &[&str]) -> Result<Server> {
    let server = Server::start(program, &[&SOURCES[..], &SOCKETS].concat(), flags)?;
    server.rest().await?;
    Ok(server)
}

async fn idle(server: &Server) -> Result<()> {
    let count = IDLE.min(files()?.saturating_sub(OTHER_FILES));
    warm(server).await?;
    let before = server.memory()?;
    let clients = connect(server, count).await?;
    let each = (server.memory()? - before) / clients.len() as f64;
    print(&format!("memory per idle socket: {:.1} KB ({count} sockets)", each / 1000.0))?;
    // Where one node cannot hold all, two are asked.
    if count == IDLE { held::by_one_node(clients).await } else { Ok(()) }
}

/// Buffers that the first connections leave behind are not counted.
async fn warm(server: &Server) -> Result<()> {
    for _ in 0..100 {
        Client::connect(server).await?;
    }
    Ok(())
}

/// So many sockets that said hello.
async fn connect(server: &Server, count: usize) -> Result<Vec<Client>> {
    let sockets = futures_util::stream::iter(0..count).map(|_| Client::connect(server));
    let connected: Vec<_> = sockets.buffer_unordered(SIDE_BY_SIDE).collect().await;
    connected.into_iter().collect()
}

/// Members that leave and come back with their tickets, as fast as they can, each in a room of its own.
async fn joins(what: &str, server: &Server) -> Result<()> {
    let load = (0..PAIRS).map(async |_| {
        let mut client = Client::connect(server).await?;
        client.say(&ClientMessage::Create { name: None, ticket: None }).await?;
        let ServerMessage::Created { room, ticket, .. } = client.hear().await? else {
            return Err(wrong("no room was made"));
        };
        let start = Instant::now();
        let mut took = Vec::new();
        while start.elapsed() < SPAN {
            let sent = Instant::now();
            client.say(&ClientMessage::Leave).await?;
            client.say(&ClientMessage::Join { room: room.clone(), ticket: Some(ticket.clone()) }).await?;
            match client.hear().await? {
                ServerMessage::Joined { .. } => took.push(sent.elapsed()),
                other => return Err(wrong(&format!("{other:?}"))),
            }
        }
        Ok(took)
    });
    measure(&[server], &format!("{what} (leave and come back by ticket)"), load).await
}

/// Members that talk as fast as they can, each pair in a room of its own: the hosts at the first node, the guests at
/// the second.
async fn relays(what: &str, [near, far]: &[&Server; 2], pairs: usize, window: usize) -> Result<()> {
    let body = Body::new("x".repeat(BODY)).map_err(Error::other)?;
    let mut ready = Vec::new();
    for _ in 0..pairs {
        ready.push(pair(near, far).await?);
    }
    let load = ready.into_iter().map(async |(mut host, mut guest, to)| {
        let frame = Message::text(ClientMessage::Relay { to, seq: 0, body: body.clone() }.to_text());
        let (start, mut under_way, mut took) = (Instant::now(), VecDeque::new(), Vec::new());
        while start.elapsed() < SPAN || !under_way.is_empty() {
            if start.elapsed() < SPAN {
                while under_way.len() < window.max(1) {
                    host.0.feed(frame.clone()).await.map_err(Error::other)?;
                    under_way.push_back(Instant::now());
                }
                host.0.flush().await.map_err(Error::other)?;
            }
            // Not parsed: what the client costs is not the server's.
            match guest.0.next().await {
                Some(Ok(Message::Text(_))) => took.extend(under_way.pop_front().map(|sent| sent.elapsed())),
                Some(Ok(_)) => {}
                _ => return Err(ErrorKind::UnexpectedEof.into()),
            }
        }
        Ok(took)
    });
    let servers = if std::ptr::eq(*near, *far) { vec![*near] } else { vec![*near, *far] };
    measure(&servers, &format!("{what} of {BODY} characters"), load).await
}

async fn measure(
    servers: &[&Server],
    what: &str,
    load: impl Iterator<Item: Future<Output = Result<Vec<Duration>>>>,
) -> Result<()> {
    let used = || servers.iter().map(|server| server.cpu()).sum::<Result<f64>>();
    let (cpu, start) = (used()?, Instant::now());
    let took = futures_util::future::try_join_all(load).await?.concat();
    let (cpu, seconds) = (used()? - cpu, start.elapsed().as_secs_f64());
    let count = took.len() as f64;
    let (rate, per_core) = (count / seconds, count / cpu.max(0.01));
    print(&format!(
        "{what}: {rate:.0} /s, {per_core:.0} per core-second ({:.2} cores used), p99 {:.1} ms",
        cpu / seconds,
        percentile(took, 99)
    ))
}

/// In milliseconds.
fn percentile(mut took: Vec<Duration>, percent: usize) -> f64 {
    took.sort_unstable();
    let at = (took.len() * percent / 100).min(took.len().saturating_sub(1));
    took.get(at).map_or(0.0, |took| took.as_secs_f64() * 1000.0)
}

fn print(line: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{line}")
}

fn wrong(text: &str) -> Error {
    Error::other(text.to_owned())
}
