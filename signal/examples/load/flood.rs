//! A flood: thousands of idle sockets, a thousand that never read, half-open upgrades, and floods of what is no message.
//! Honest people join meanwhile; how long that takes, and what the server's memory does, is what counts.

use std::io::{Error, Result};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use privydrop_common::signaling::ClientMessage;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, admit, host};
use crate::server::{SOURCES, Server};
use crate::{connect, percentile, print};

const IDLE: usize = 5_000;
const SLOW: usize = 1_000;
const HALF_OPEN: usize = 500;
/// Who floods at once, and how long each pauses after it was cut off.
const FLOODERS: usize = 10;
const PAUSE: Duration = Duration::from_millis(100);
/// Messages that a flooder sends before it reads; the server cuts it off earlier.
const MESSAGES: usize = 200;
/// Honest joins that are timed, in each of so many rooms.
const JOINS: usize = 500;
const ROOMS: usize = 4;
/// How long a slow reader tries to make the server pile up answers.
const FILL: Duration = Duration::from_millis(200);

/// Prints how honest joins fare without and with the flood.
pub(crate) async fn run(program: &str) -> Result<()> {
    // What one socket may send is not out of the way here: it is what cuts floods off.
    let server = Arc::new(Server::start(program, &SOURCES, &[])?);
    server.rest().await?;
    rlimit::increase_nofile_limit(u64::MAX)?;
    let alone = honest_joins(&server).await?;
    let idle = connect(&server, IDLE).await?;
    let slow = slow_readers(&server).await?;
    let half_open = half_open(&server).await?;
    let (before, start) = (server.memory()?, Instant::now());
    let flood = Flood::begin(&server)?;
    let flooded = honest_joins(&server).await?;
    drop(flood);
    let grown = (server.memory()? - before) / 1e6;
    let (alone, flooded) = (percentile(alone, 99), percentile(flooded, 99));
    drop((idle, slow, half_open));
    print(&format!(
        "flood: {IDLE} idle, {SLOW} slow, {HALF_OPEN} half-open, {FLOODERS} flooding: honest joins p99 {flooded:.1} ms, \
         {:.1} times that without ({alone:.1} ms); memory {:.0} MB, {grown:+.1} MB in {:.0} s",
        flooded / alone.max(0.001),
        before / 1e6,
        start.elapsed().as_secs_f64(),
    ))
}

/// In some rooms at once somebody connects, knocks, is let in and leaves, again and again.
async fn honest_joins(server: &Server) -> Result<Vec<Duration>> {
    let rooms = (0..ROOMS).map(async |_| {
        let mut took = Vec::new();
        let (mut host, room) = host(server).await?;
        for _ in 0..JOINS {
            let start = Instant::now();
            let mut guest = Client::connect(server).await?;
            admit(&mut host, &room, &mut guest).await?;
            took.push(start.elapsed());
            guest.say(&ClientMessage::Leave).await?;
            // As often as people do, not as fast as the host's own socket may speak.
            sleep(Duration::from_millis(50)).await;
        }
        Ok::<_, Error>(took)
    });
    Ok(futures_util::future::try_join_all(rooms).await?.concat())
}

/// Sockets that ask and never read an answer.
async fn slow_readers(server: &Server) -> Result<Vec<Client>> {
    let mut slow = connect(server, SLOW).await?;
    for client in &mut slow {
        // The burst that a socket may send is answered with as many refusals, which nobody reads.
        let fill = async {
            for _ in 0..50 {
                client.0.feed(Message::text(r#"{"sharing":{"on":true}}"#)).await?;
            }
            client.0.flush().await
        };
        let _ = timeout(FILL, fill).await;
    }
    Ok(slow)
}

async fn half_open(server: &Server) -> Result<Vec<TcpStream>> {
    let mut streams = Vec::new();
    for _ in 0..HALF_OPEN {
        let mut stream = TcpStream::connect(server.address).await?;
        stream.write_all(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n").await?;
        streams.push(stream);
    }
    Ok(streams)
}

/// Those that flood, until it is dropped. On a thread of their own: what they have to do must not keep honest people waiting.
struct Flood {
    _lasts: oneshot::Sender<()>,
}

impl Flood {
    fn begin(server: &Arc<Server>) -> Result<Self> {
        let (server, (lasts, over)) = (server.clone(), oneshot::channel());
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let flooders = async move {
            tokio::select! {
                _ = futures_util::future::join_all((0..FLOODERS).map(|_| flood(&server))) => {}
                _ = over => {}
            }
        };
        std::thread::spawn(move || runtime.block_on(flooders));
        Ok(Self { _lasts: lasts })
    }
}

/// Sends what is no message until it is cut off, and comes back.
async fn flood(server: &Server) -> Result<()> {
    loop {
        let mut client = Client::connect(server).await?;
        for _ in 0..MESSAGES {
            if client.0.feed(Message::text("[[[[[[[[")).await.is_err() {
                break;
            }
        }
        let _ = client.0.flush().await.map_err(Error::other);
        while let Some(Ok(_)) = client.0.next().await {}
        sleep(PAUSE).await;
    }
}
