//! WebSocket frames as the server reads them from a connection.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use actix_web::web::BytesMut;
use privydrop_common::signaling::MAX_FRAME;
use privydrop_signal::wire::{Event, Wire};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that brings `incoming` in reads of `step` bytes and takes what is written, or no more of it.
struct Connection<'a> {
    incoming: &'a [u8],
    step: usize,
    takes: bool,
}

impl AsyncRead for Connection<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (now, later) = self.incoming.split_at(self.step.min(self.incoming.len()).min(buffer.remaining()));
        buffer.put_slice(now);
        self.incoming = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.takes { Poll::Ready(Ok(bytes.len())) } else { Poll::Pending }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The first byte says how the rest is read: as the bytes of a connection, or as messages to be put into frames.
pub(crate) fn web_sockets(bytes: &[u8]) {
    let Some((&how, rest)) = bytes.split_first() else { return };
    let step = usize::from(how >> 1) * 7 + 1;
    if how % 2 == 0 {
        let at_once = read(rest, usize::MAX, true);
        assert_eq!(read(rest, step, true), at_once, "however it is cut");
        // Whoever takes no answers is not read from for ever.
        read(rest, usize::MAX, false);
        return;
    }
    let (mut stream, mut sent) = (Vec::new(), Vec::new());
    for message in rest.split(|byte| *byte == 0).filter(|message| !message.is_empty()).take(64) {
        let message = &message[..message.len().min(MAX_FRAME)];
        let parts: Vec<&[u8]> = message.chunks(usize::from(message[0]) + 1).collect();
        for (number, part) in parts.iter().enumerate() {
            let (opcode, last) = (if number == 0 { 1 } else { 0 }, number + 1 == parts.len());
            frame(&mut stream, opcode, last, part);
            // Between the parts of a message there may be others.
            frame(&mut stream, 9, true, b"ping");
        }
        sent.push(message.to_vec());
    }
    let (read, _) = read(&stream, step, true);
    assert!(read == sent, "every message arrives as it was sent");
}

/// One frame of a client's (RFC 6455 §5.2).
fn frame(stream: &mut Vec<u8>, opcode: u8, last: bool, payload: &[u8]) {
    const MASK: [u8; 4] = [1, 2, 3, 4];
    stream.push(opcode | if last { 0x80 } else { 0 });
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..126), _) => stream.push(0x80 | length),
        (_, Ok(length)) => {
            stream.push(0x80 | 126);
            stream.extend(length.to_be_bytes());
        }
        _ => {
            stream.push(0x80 | 127);
            stream.extend((payload.len() as u64).to_be_bytes());
        }
    }
    stream.extend(MASK);
    stream.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

/// The texts in a stream, and what ended it.
fn read(incoming: &[u8], step: usize, takes: bool) -> (Vec<Vec<u8>>, Option<Event>) {
    let mut wire = Wire::new(Connection { incoming, step, takes }, BytesMut::new());
    let mut texts = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    loop {
        let event = pin!(wire.event()).as_mut().poll(&mut context);
        // Above this nothing more is read, and one read brings no more answers than it has bytes.
        assert!(wire.unsent() <= 64 * 1024 + 3 * MAX_FRAME);
        match event {
            Poll::Ready(Event::Text(text)) => {
                assert!(text.len() <= MAX_FRAME);
                texts.push(text.to_vec());
            }
            Poll::Ready(Event::Other { .. } | Event::Flushed) => {}
            Poll::Ready(last) => return (texts, Some(last)),
            Poll::Pending => {
                assert!(!takes, "it waits for nothing");
                return (texts, None);
            }
        }
    }
}

pub(crate) fn web_socket_seeds() -> Vec<Vec<u8>> {
    let mut frames = vec![8];
    frame(&mut frames, 1, true, b"\"leave\"");
    frame(&mut frames, 9, true, b"ping");
    frame(&mut frames, 1, false, b"\"lea");
    frame(&mut frames, 0, true, b"ve\"");
    frame(&mut frames, 2, true, b"binary");
    frame(&mut frames, 8, true, &1000u16.to_be_bytes());
    vec![frames, b"\x09\"leave\"\0\x02{\"hello\":{\"protocol\":1}}".to_vec(), b"\xff~a message".to_vec()]
}
