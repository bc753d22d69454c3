//! A connection until it is a socket: counted, also for its address, and cut off when nothing can be sent on it for long.
//!
//! HTTP's own deadlines end with the head of the first request: whoever asks for a page and does not read it, or begins a
//! second request and does not end it, would hold a connection as long as it likes. Knows nothing of HTTP.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::Protocol;
use actix_http::error::DispatchError;
use actix_web::web::Data;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::Config;
use crate::limits::{OpenSockets, Source};
use crate::server::App;

/// Fewest that one address may have: a browser alone opens six.
const FEWEST: NonZeroU32 = NonZeroU32::new(16).unwrap();

/// How many connections are no sockets yet, or never will be.
#[derive(Debug)]
pub struct Visitors {
    all: AtomicUsize,
    most: usize,
    sources: OpenSockets,
}

impl Visitors {
    /// As many of one address as it may have sockets, and in all a quarter of what may be sockets.
    pub fn new(config: &Config) -> Self {
        let of_sockets =
            usize::try_from(config.max_sockets.get().div_ceil(4).max(FEWEST.get())).unwrap_or(usize::MAX);
        Self {
            all: AtomicUsize::new(0),
            most: of_sockets,
            sources: OpenSockets::new(config.sockets_per_address.max(FEWEST)),
        }
    }

    /// How many there may be.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// One more; why not, if it is one too many. Those of our own proxies have no source.
    fn enter(&self, source: Option<Source>) -> Result<(), &'static str> {
        if self.all.fetch_add(1, Ordering::Relaxed) >= self.most {
            self.all.fetch_sub(1, Ordering::Relaxed);
            return Err("full");
        }
        if source.is_some_and(|source| !self.sources.open(source)) {
            self.all.fetch_sub(1, Ordering::Relaxed);
            return Err("address");
        }
        Ok(())
    }

    fn leave(&self, source: Option<Source>) {
        self.all.fetch_sub(1, Ordering::Relaxed);
        if let Some(source) = source {
            self.sources.close(source);
        }
    }
}

/// The stream of such a connection.
pub struct Visit<T> {
    io: T,
    /// Elsewhere, so that nothing of it stays in what serves a socket.
    stay: Box<Stay>,
}

/// What one that became a socket needs no more.
struct Stay {
    _seat: Seat,
    patience: Duration,
    /// Rings when nothing was sent for so long.
    alarm: Pin<Box<Sleep>>,
}

/// Counts among the visitors for as long as it lives.
struct Seat(Data<App>, Option<Source>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.visitors.leave(self.1);
    }
}

/// What HTTP takes over.
pub(crate) type Visitor<T> = (Visit<T>, Protocol, Option<SocketAddr>);

/// Lets a connection in.
pub(crate) async fn plain(app: Data<App>, io: TcpStream) -> Result<Visitor<TcpStream>, DispatchError> {
    let (seat, peer) = sit(app, &io)?;
    Ok((Visit::new(io, seat), Protocol::Http1, peer))
}

/// Lets a connection in that is to speak TLS, once it does. The time for that is that for hello.
pub(crate) async fn secure(
    app: Data<App>,
    tls: TlsAcceptor,
    io: TcpStream,
) -> Result<Visitor<TlsStream<TcpStream>>, DispatchError> {
    let hello = app.pace.hello;
    let (seat, peer) = sit(app, &io)?;
    let io = timeout(hello, tls.accept(io)).await.map_err(io::Error::from)??;
    Ok((Visit::new(io, seat), Protocol::Http1, peer))
}

fn sit(app: Data<App>, io: &TcpStream) -> io::Result<(Seat, Option<SocketAddr>)> {
    io.set_nodelay(true)?;
    let peer = io.peer_addr().ok();
    let source = app.visitor(peer);
    if let Err(reason) = app.visitors.enter(source) {
        app.service.metrics.turned_away(reason);
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok((Seat(app, source), peer))
}

impl<T> Visit<T> {
    fn new(io: T, seat: Seat) -> Self {
        let patience = seat.0.pace.visit;
        let stay = Stay { _seat: seat, patience, alarm: Box::pin(sleep(patience)) };
        Self { io, stay: Box::new(stay) }
    }

    /// The stream alone: it is a socket from now on.
    pub fn into_inner(self) -> T {
        self.io
    }
}

impl Stay {
    /// The end, when nothing was sent for too long.
    fn poll_end<R>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        self.alarm.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    fn sent(&mut self) {
        self.alarm.as_mut().reset(Instant::now() + self.patience);
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Visit<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.io).poll_read(cx, buffer) {
            Poll::Pending => self.stay.poll_end(cx),
            ready => ready,
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Visit<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.io).poll_write(cx, bytes) {
            Poll::Pending => self.stay.poll_end(cx),
            ready => {
                self.stay.sent();
                ready
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Pending => self.stay.poll_end(cx),
            ready => ready,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.io).poll_shutdown(cx) {
            Poll::Pending => self.stay.poll_end(cx),
            ready => ready,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn visitors_are_counted_by_address_but_for_those_of_our_own_proxies_and_in_all() {
        let flags = ["privydrop-server", "--sockets-per-address", "20", "--max-sockets", "200"];
        let visitors = Visitors::new(&Config::parse_from(flags));
        let source = Some(Source::from(std::net::IpAddr::from([192, 0, 2, 1])));
        (0..20).for_each(|_| assert_eq!(visitors.enter(source), Ok(())));
        assert_eq!(visitors.enter(source), Err("address"));
        (0..30).for_each(|_| assert_eq!(visitors.enter(None), Ok(())));
        assert_eq!([None, source].map(|source| visitors.enter(source)), [Err("full"); 2]);
        visitors.leave(source);
        assert_eq!(visitors.enter(source), Ok(()));
    }
}
