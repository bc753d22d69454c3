//! One QUIC connection, begun or established: its two streams, its timers, its window.
//!
//! Sends and receives no datagram itself.

use std::time::{Duration, Instant};

use bytes::Bytes;
use privydrop_common::transport::Lane;
use quinn_proto::{
    Connection, ConnectionEvent, ConnectionHandle, Dir, Endpoint, Event, ReadError, StreamEvent, StreamId,
    Transmit, VarInt, WriteError,
};

use super::frames::{Frames, head};
use super::settings::{self, LONG_WINDOW};
use crate::transport::shared::Shared;

/// Longest wait before what nobody acknowledged is said again. QUIC doubles its waits without an end, and a path that is
/// back must carry something at once.
const NUDGE: Duration = Duration::from_secs(1);
/// Shortest round trip of a path that counts as long: what is under way is on the wire then, not in the socket.
const LONG: Duration = Duration::from_millis(2);

/// A connection, begun or established.
pub(super) struct Live {
    handle: ConnectionHandle,
    connection: Connection,
    began: Instant,
    /// Something came, or was done about nothing coming.
    calm: Instant,
    /// Our stream, once established.
    outgoing: Option<StreamId>,
    /// The peer's.
    incoming: Option<StreamId>,
    /// The peer takes frames, and may send some.
    is_used: bool,
    has_long_window: bool,
    frames: Frames,
    sending: Option<Sending>,
}

/// A frame on its way into our stream, behind its length.
struct Sending {
    /// What was written of them is taken away.
    parts: [Bytes; 2],
    /// Nothing for the first, which is none of the link's.
    length: Option<usize>,
}

/// The connection cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// It ended.
    Ended,
    /// The peer broke a bound.
    Bound,
}

impl Live {
    pub(super) fn new(
        handle: ConnectionHandle,
        connection: Connection,
        now: Instant,
        longest: usize,
    ) -> Self {
        Self {
            handle,
            connection,
            began: now,
            calm: now,
            outgoing: None,
            incoming: None,
            is_used: false,
            has_long_window: false,
            frames: Frames::new(longest),
            sending: None,
        }
    }

    /// True if it is this one.
    pub(super) fn is(&self, handle: ConnectionHandle) -> bool {
        self.handle == handle
    }

    /// The peer takes frames, and may have sent some.
    pub(super) fn is_used(&self) -> bool {
        self.is_used
    }

    /// True while it waits for the link's next frame.
    pub(super) fn takes_frames(&self) -> bool {
        self.is_used && self.sending.is_none()
    }

    /// When it is given up, unless it is used by then.
    pub(super) fn gives_up(&self, after: Duration) -> Option<Instant> {
        (!self.is_used).then_some(self.began + after)
    }

    /// The peer said something.
    pub(super) fn handle_event(&mut self, event: ConnectionEvent) {
        self.connection.handle_event(event);
    }

    /// What is to be sent now, as several datagrams if the system takes `most` at once.
    pub(super) fn poll_transmit(&mut self, now: Instant, most: usize, out: &mut Vec<u8>) -> Option<Transmit> {
        let length = usize::from(self.connection.current_mtu());
        self.connection.poll_transmit(now, settings::at_once(length, most), out)
    }

    /// When to call [`Live::handle_time`] if nothing happens.
    pub(super) fn poll_timeout(&mut self) -> Option<Instant> {
        self.connection.poll_timeout().map(|at| at.min(self.calm + NUDGE))
    }

    /// Something came, if `came`, and time passed.
    pub(super) fn handle_time(&mut self, now: Instant, came: bool) {
        if came {
            self.calm = now;
        }
        match self.connection.poll_timeout() {
            Some(at) if at <= now => self.connection.handle_timeout(now),
            Some(_) if self.calm + NUDGE <= now => self.nudge(now),
            _ => {}
        }
    }

    /// What was known of the path is known no more.
    pub(super) fn moved(&mut self, now: Instant) {
        if self.is_used {
            self.connection.path_changed(now);
        }
    }

    /// Says again at once what nobody acknowledged.
    pub(super) fn nudge(&mut self, now: Instant) {
        self.calm = now;
        if let Some(at) = self.connection.poll_timeout() {
            self.connection.handle_timeout(at.max(now));
        }
    }

    /// Does what there is to do: events, and frames in and out.
    pub(super) fn perform(
        &mut self,
        endpoint: &mut Endpoint,
        shared: &Shared,
        window: u32,
    ) -> Result<(), Broken> {
        while let Some(event) = self.connection.poll() {
            match event {
                Event::Connected => {
                    let stream = self.connection.streams().open(Dir::Uni).ok_or(Broken::Bound)?;
                    self.outgoing = Some(stream);
                    self.sending = Sending::new(Bytes::new(), None);
                }
                Event::ConnectionLost { .. } => {
                    // Why is the peer's to say, and so in no log.
                    tracing::warn!(is_used = self.is_used, "a link's QUIC ended");
                    return Err(Broken::Ended);
                }
                Event::Stream(StreamEvent::Opened { dir: Dir::Uni }) => {
                    self.incoming = self.connection.streams().accept(Dir::Uni);
                    self.read(shared)?;
                }
                Event::Stream(StreamEvent::Readable { id }) if Some(id) == self.incoming => {
                    self.read(shared)?;
                }
                Event::Stream(StreamEvent::Stopped { .. }) => return Err(Broken::Ended),
                _ => {}
            }
        }
        while let Some(event) = self.connection.poll_endpoint_events() {
            if let Some(event) = endpoint.handle_event(self.handle, event) {
                self.connection.handle_event(event);
            }
        }
        self.widen(window);
        self.write(shared)
    }

    /// Over a long path a peer may have more under way than the socket holds, for it comes little by little.
    fn widen(&mut self, window: u32) {
        let is_long = self.connection.min_rtt() >= LONG;
        if self.is_used && is_long != self.has_long_window {
            self.has_long_window = is_long;
            let window = if is_long { LONG_WINDOW } else { window };
            self.connection.set_receive_window(VarInt::from_u32(window));
        }
    }

    fn read(&mut self, shared: &Shared) -> Result<(), Broken> {
        let Some(id) = self.incoming else { return Ok(()) };
        let (frames, is_used) = (&mut self.frames, &mut self.is_used);
        let mut stream = self.connection.recv_stream(id);
        let mut chunks = stream.read(true).map_err(|_| Broken::Ended)?;
        loop {
            match chunks.next(usize::MAX) {
                Ok(Some(chunk)) => {
                    let whole = |frame: Bytes| {
                        if core::mem::replace(is_used, true) {
                            shared.carry(frame);
                        } else {
                            shared.hand_over();
                        }
                    };
                    frames.take(chunk.bytes, whole).map_err(|_| Broken::Bound)?;
                }
                Ok(None) => return Err(Broken::Ended),
                Err(ReadError::Blocked) => break,
                Err(ReadError::Reset(_)) => return Err(Broken::Ended),
            }
        }
        let _ = chunks.finalize();
        Ok(())
    }

    fn write(&mut self, shared: &Shared) -> Result<(), Broken> {
        let Some(id) = self.outgoing else { return Ok(()) };
        loop {
            if self.sending.is_none() && self.is_used {
                self.sending = shared.hand().and_then(|frame| {
                    let length = frame.len();
                    Sending::new(frame, Some(length))
                });
            }
            let Some(sending) = &mut self.sending else { return Ok(()) };
            match self.connection.send_stream(id).write_chunks(&mut sending.parts) {
                Ok(_) => {}
                Err(WriteError::Blocked) => return Ok(()),
                Err(WriteError::Stopped(_) | WriteError::ClosedStream) => return Err(Broken::Ended),
            }
            if sending.parts.iter().all(Bytes::is_empty) {
                if let Some(length) = sending.length {
                    shared.taken(Lane::Data, length);
                }
                self.sending = None;
            }
        }
    }
}

impl Sending {
    fn new(frame: Bytes, length: Option<usize>) -> Option<Self> {
        let head = head(frame.len()).ok()?;
        Some(Self { parts: [Bytes::copy_from_slice(&head), frame], length })
    }
}
