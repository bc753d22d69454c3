//! One WebSocket on a raw connection: whole text messages in, messages out, both bounded.
//!
//! Keeps no buffer while idle, which is what makes an idle socket cheap: the usual stack keeps two of 8 KiB
//! for every connection. Knows nothing of the protocol above; framing itself is actix-http's codec.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_codec::{Decoder, Encoder};
use actix_http::ws::{Codec, Frame};
use actix_web::web::{Bytes, BytesMut};
use actix_ws::{CloseCode, CloseReason, Item, Message, ProtocolError};
use privydrop_common::signaling::MAX_FRAME;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout};

/// While this much is unsent nothing more is read: a peer that only talks cannot make us pile up answers.
const HIGH_WATER: usize = 64 * 1024;
/// What one read takes at most.
const READ: usize = 8 * 1024;
/// How long the peer may take to hear the last word, and how much it may still say meanwhile.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 4 * 1024 * 1024;

/// What happened on the wire.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole text message; not yet checked to be UTF-8.
    Text(Bytes),
    /// A part of a message, a ping, a pong or a binary message: counts, says nothing.
    Other {
        /// Whether it was a binary message, which this protocol does not have.
        binary: bool,
    },
    /// Everything that was queued is on its way.
    Flushed,
    /// The peer broke a rule of WebSocket or a bound.
    Broken(CloseCode),
    /// The peer said goodbye.
    Closed,
    /// The connection is gone.
    Gone,
}

/// A WebSocket over `T`.
pub struct Wire<T> {
    io: T,
    codec: Codec,
    incoming: BytesMut,
    outgoing: BytesMut,
    /// Since when something waits in `outgoing`, while something does.
    waits_since: Instant,
    message: Option<BytesMut>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Wire<T> {
    /// Takes over after the handshake; `incoming` is what the peer sent right behind it.
    pub fn new(io: T, incoming: BytesMut) -> Self {
        let codec = Codec::new().max_size(MAX_FRAME);
        let incoming = if incoming.is_empty() { BytesMut::new() } else { incoming };
        Self { io, codec, incoming, outgoing: BytesMut::new(), waits_since: Instant::now(), message: None }
    }

    /// Bytes that wait to be sent.
    pub fn unsent(&self) -> usize {
        self.outgoing.len()
    }

    /// Since when the peer has not read everything that it was sent.
    pub fn waits_since(&self) -> Option<Instant> {
        (!self.outgoing.is_empty()).then_some(self.waits_since)
    }

    /// Queues a message. The caller keeps [`Wire::unsent`] within bounds.
    pub fn queue(&mut self, message: Message) {
        if self.outgoing.is_empty() {
            self.waits_since = Instant::now();
        }
        // Fails only for continuation frames out of order, which are never sent.
        let _ = self.codec.encode(message, &mut self.outgoing);
    }

    /// Writes what is queued and reads, until something happens. May be dropped and called again at any time.
    pub async fn event(&mut self) -> Event {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Says why, and waits a little for the peer to have heard it.
    pub async fn close(mut self, code: CloseCode) {
        self.queue(Message::Close(Some(CloseReason::from(code))));
        let _ = timeout(LINGER, poll_fn(|cx| self.poll_close(cx))).await;
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if !self.outgoing.is_empty() {
            match self.poll_write(cx) {
                Poll::Ready(Ok(())) => return Poll::Ready(Event::Flushed),
                Poll::Ready(Err(())) => return Poll::Ready(Event::Gone),
                Poll::Pending if self.outgoing.len() > HIGH_WATER => return Poll::Pending,
                Poll::Pending => {}
            }
        }
        loop {
            match self.codec.decode(&mut self.incoming) {
                Ok(Some(frame)) => return Poll::Ready(self.accept(frame)),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Event::Broken(code_for(&error))),
            }
            if self.incoming.is_empty() {
                self.incoming = BytesMut::new();
            }
            if ready!(self.poll_read(cx)).is_none() {
                return Poll::Ready(Event::Gone);
            }
        }
    }

    /// Puts fragments together; the whole is bounded like a single frame.
    fn accept(&mut self, frame: Frame) -> Event {
        match frame {
            Frame::Text(text) => Event::Text(text),
            Frame::Continuation(Item::FirstText(part)) => {
                self.message = Some(BytesMut::from(part));
                Event::Other { binary: false }
            }
            Frame::Continuation(Item::Continue(part)) => self.append(&part, false),
            Frame::Continuation(Item::Last(part)) => self.append(&part, true),
            Frame::Continuation(Item::FirstBinary(_)) => Event::Broken(CloseCode::Unsupported),
            Frame::Binary(_) => Event::Other { binary: true },
            Frame::Ping(echo) => {
                self.queue(Message::Pong(echo));
                Event::Other { binary: false }
            }
            Frame::Pong(_) => Event::Other { binary: false },
            Frame::Close(_) => Event::Closed,
        }
    }

    fn append(&mut self, part: &[u8], last: bool) -> Event {
        let Some(message) = &mut self.message else { return Event::Broken(CloseCode::Protocol) };
        if message.len() + part.len() > MAX_FRAME {
            return Event::Broken(CloseCode::Size);
        }
        message.extend_from_slice(part);
        match self.message.take_if(|_| last) {
            Some(message) => Event::Text(message.freeze()),
            None => Event::Other { binary: false },
        }
    }

    /// Reads once into a buffer that lives only as long as the read; the number of bytes, or `None` at the end.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<usize>> {
        let mut space = [0; READ];
        let mut buffer = ReadBuf::new(&mut space);
        let result = ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer));
        let bytes = buffer.filled();
        if result.is_err() || bytes.is_empty() {
            return Poll::Ready(None);
        }
        self.incoming.extend_from_slice(bytes);
        Poll::Ready(Some(bytes.len()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        while !self.outgoing.is_empty() {
            match ready!(Pin::new(&mut self.io).poll_write(cx, &self.outgoing)) {
                Ok(written) if written > 0 => drop(self.outgoing.split_to(written)),
                _ => return Poll::Ready(Err(())),
            }
        }
        self.outgoing = BytesMut::new();
        Pin::new(&mut self.io).poll_flush(cx).map_err(drop)
    }

    /// Sends the rest, ends our direction, then reads on until the peer ends its own: closing with unread
    /// bytes would reset the connection and throw away what we said last.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut heard = 0;
        if ready!(self.poll_write(cx)).is_err() || ready!(Pin::new(&mut self.io).poll_shutdown(cx)).is_err() {
            return Poll::Ready(());
        }
        while let Some(bytes) = ready!(self.poll_read(cx)) {
            self.incoming = BytesMut::new();
            heard += bytes;
            if heard > LINGER_BYTES {
                break;
            }
        }
        Poll::Ready(())
    }
}

fn code_for(error: &ProtocolError) -> CloseCode {
    match error {
        ProtocolError::Overflow => CloseCode::Size,
        _ => CloseCode::Protocol,
    }
}
