//! One stream to one TURN server, over TCP or TLS: dials it, carries messages both ways, ends.
//!
//! Dials once. When it ends, the server has given the allocation up, so a new stream is of use only to a new socket, as
//! an ICE restart makes them. Never logs an address or a message.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use super::frames::{MAX_MESSAGE, NotTurn, Splitter};
use crate::tls;

/// Time to reach the server, and with TLS to agree with it.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Time for the last messages, which give the allocation back.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);
/// Bytes that are written at once at most, but for the last message of them.
const WRITE_AT_ONCE: usize = 16 * 1024;
/// From one full write to the next. A relay hands all that it reads on at once, as datagrams to a socket that holds some
/// fifty of them (coturn: 64 KiB); each that is lost there costs a link up to a second.
const PAUSE: Duration = Duration::from_millis(1);
/// Bytes that are read at once at least, where there are as many.
const READ_AT_ONCE: usize = 16 * 1024;
/// Longest message that is passed on: the stack reads datagrams into this many bytes.
const LONGEST: usize = 2_000;

/// A TURN server that is reached by a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    /// Name or address.
    pub(super) host: String,
    pub(super) port: u16,
    /// TLS, with a certificate for `host` that this machine trusts.
    pub(super) secure: bool,
}

/// Why a stream ended; only for logs.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("no answer in time")]
    TimeOut,
    #[error("its name cannot stand in a certificate")]
    Name,
    #[error(transparent)]
    NotTurn(#[from] NotTurn),
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Socket(#[from] io::Error),
}

/// Runs a stream after a `head_start` of others, until either end closes. `alias` is what the server is called inside.
pub(super) async fn run(
    server: Server,
    alias: SocketAddr,
    head_start: Duration,
    outgoing: mpsc::Receiver<Bytes>,
    incoming: mpsc::Sender<(SocketAddr, Bytes)>,
) {
    sleep(head_start).await;
    let ended = match timeout(CONNECT_WITHIN, connect(&server)).await {
        Ok(Ok(stream)) => carry(stream, alias, outgoing, incoming).await,
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Broken::TimeOut),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a stream to a relay ended");
    }
}

/// Either kind of stream.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn connect(server: &Server) -> Result<Box<dyn Stream>, Broken> {
    let stream = TcpStream::connect((server.host.as_str(), server.port)).await?;
    // Datagrams are small, and late ones are lost ones.
    stream.set_nodelay(true)?;
    if !server.secure {
        return Ok(Box::new(stream));
    }
    let name = ServerName::try_from(server.host.clone()).map_err(|_| Broken::Name)?;
    Ok(Box::new(TlsConnector::from(tls::trust().await?).connect(name, stream).await?))
}

async fn carry(
    stream: impl Stream,
    alias: SocketAddr,
    outgoing: mpsc::Receiver<Bytes>,
    incoming: mpsc::Sender<(SocketAddr, Bytes)>,
) -> Result<(), Broken> {
    let (reader, mut writer) = split(stream);
    tokio::select! {
        written = write(&mut writer, outgoing) => written?,
        read = read(reader, alias, incoming) => read?,
    }
    timeout(CLOSE_WITHIN, writer.shutdown()).await.map_err(|_| Broken::TimeOut)??;
    Ok(())
}

/// Writes until nothing more will be said.
async fn write(
    writer: &mut (impl AsyncWrite + Unpin),
    mut outgoing: mpsc::Receiver<Bytes>,
) -> Result<(), Broken> {
    let mut batch = BytesMut::new();
    while let Some(message) = outgoing.recv().await {
        batch.extend_from_slice(&message);
        while batch.len() < WRITE_AT_ONCE
            && let Ok(message) = outgoing.try_recv()
        {
            batch.extend_from_slice(&message);
        }
        let last = outgoing.is_closed() && outgoing.is_empty();
        let written = async {
            writer.write_all(&batch).await?;
            writer.flush().await
        };
        if last {
            timeout(CLOSE_WITHIN, written).await.map_err(|_| Broken::TimeOut)??
        } else {
            written.await?
        };
        if batch.len() >= WRITE_AT_ONCE && !last {
            sleep(PAUSE).await;
        }
        batch.clear();
    }
    Ok(())
}

/// Reads until the server closes. Where nobody takes what it sends, it is not read: the server drops the rest.
async fn read(
    mut reader: impl AsyncRead + Unpin,
    alias: SocketAddr,
    incoming: mpsc::Sender<(SocketAddr, Bytes)>,
) -> Result<(), Broken> {
    let mut splitter = Splitter::default();
    loop {
        while let Some(message) = splitter.next()? {
            if message.len() <= LONGEST && incoming.send((alias, message)).await.is_err() {
                return Ok(());
            }
        }
        // Less than one message is left: that and one reading bound the buffer.
        debug_assert!(splitter.buffer.len() < MAX_MESSAGE);
        splitter.buffer.reserve(READ_AT_ONCE);
        if reader.read_buf(&mut splitter.buffer).await? == 0 {
            return Ok(());
        }
    }
}
