//! One WebSocket from the upgrade to its end: hello, pings, bounds, and the way to the service and back.
//!
//! Knows when to close and what to say then; knows no rule of a room.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use actix_web::web::Bytes;
use actix_ws::{CloseCode, Message};
use privydrop_common::signaling::{
    ClientMessage, InvalidMessage, Limits as Told, MAX_FRAME, MAX_MEMBERS, PROTOCOL, Refusal, ServerMessage,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};

use crate::config::Pace;
use crate::directory::text;
use crate::limits::{Bucket, Quota, Source};
use crate::outbox::Fate;
use crate::refusal::Refused;
use crate::service::{Client, Service};
use crate::wire::{Event, Wire};

/// While this much waits on the wire nothing more is taken from the outbox, whose bound then counts.
const LOW_WATER: usize = 16 * 1024;

/// How often a socket may ask for ICE servers: a client that mends its links also asks to know that the server is there.
const ICE_QUOTA: Quota = Quota { burst: NonZeroU32::new(6).unwrap(), interval: 5_000 };

/// Serves one WebSocket until it ends.
pub async fn serve<T: AsyncRead + AsyncWrite + Unpin>(
    service: Arc<Service>,
    pace: Arc<Pace>,
    wire: Wire<T>,
    number: u64,
    source: Source,
) {
    service.metrics.connections.inc();
    let outbox = service.directory.open(number, source);
    let client = Client { socket: number, source, outbox, prepaid: AtomicU32::new(0) };
    let mut socket = Socket::new(&service, &pace, client, wire);
    let end = socket.run().await;
    let Socket { client, wire, .. } = socket;
    // Others learn of the loss before the goodbye, which may take seconds.
    Box::pin(service.lost(&client)).await;
    if let End::Close(code) = end {
        wire.close(code).await;
    }
}

/// How a socket ends.
enum End {
    /// With a last word.
    Close(CloseCode),
    /// At once: nobody listens.
    Drop,
}

struct Socket<'a, T> {
    service: &'a Service,
    pace: &'a Pace,
    client: Client,
    wire: Wire<T>,
    rate: Bucket,
    /// How often it asks for ICE servers.
    ice: Bucket,
    greeted: bool,
    heard: Instant,
    alarms: Alarms,
}

/// When something is due although nothing happens.
struct Alarms {
    /// Hello, or after it the next ping.
    next: Instant,
    /// The room must be kept alive.
    refresh: Instant,
    /// The host must have admitted this knocker.
    knock: Option<Instant>,
}

impl Alarms {
    fn soonest(&self) -> Instant {
        self.knock.into_iter().fold(self.next.min(self.refresh), Instant::min)
    }
}

impl<'a, T: AsyncRead + AsyncWrite + Unpin> Socket<'a, T> {
    fn new(service: &'a Service, pace: &'a Pace, client: Client, wire: Wire<T>) -> Self {
        let heard = Instant::now();
        let alarms = Alarms { next: heard + pace.hello, refresh: heard + pace.refresh, knock: None };
        Self {
            service,
            pace,
            client,
            wire,
            rate: Bucket::default(),
            ice: Bucket::default(),
            greeted: false,
            heard,
            alarms,
        }
    }

    async fn run(&mut self) -> End {
        let outbox = self.client.outbox.clone();
        loop {
            while self.wire.unsent() < LOW_WATER
                && let Some(text) = outbox.take()
            {
                self.wire.queue(Message::Text(text));
            }
            match outbox.fate() {
                Fate::Open => {}
                Fate::Closing(code) => {
                    std::iter::from_fn(|| outbox.take())
                        .for_each(|text| self.wire.queue(Message::Text(text)));
                    return End::Close(code);
                }
                Fate::Overflowed => {
                    self.service.metrics.slow_readers.inc();
                    return End::Drop;
                }
            }
            let ended = tokio::select! {
                event = self.wire.event() => self.react(event).await,
                () = outbox.rung() => None,
                () = sleep_until(self.alarms.soonest()) => self.ring().await,
            };
            if let Some(end) = ended {
                return end;
            }
        }
    }

    async fn react(&mut self, event: Event) -> Option<End> {
        match event {
            Event::Flushed => return None,
            Event::Closed => return Some(End::Close(CloseCode::Normal)),
            Event::Gone => return Some(End::Drop),
            Event::Broken(code) => {
                let reason = if code == CloseCode::Size { Refusal::TooLarge } else { Refusal::BadMessage };
                return self.end_with(reason, code);
            }
            Event::Text(_) | Event::Other { .. } => {}
        }
        self.heard = Instant::now();
        if !self.rate.take(self.pace.messages, self.service.uptime()) {
            return self.end_with(Refusal::TooManyMessages, CloseCode::Policy);
        }
        match event {
            Event::Text(text) => self.hear(&text).await,
            Event::Other { binary: true } => self.refuse(Refusal::BadMessage.into()),
            _ => None,
        }
    }

    async fn hear(&mut self, text: &Bytes) -> Option<End> {
        let message = match std::str::from_utf8(text).map(ClientMessage::parse) {
            Ok(Ok(message)) => message,
            Ok(Err(InvalidMessage::TooLarge)) => return self.end_with(Refusal::TooLarge, CloseCode::Size),
            Ok(Err(InvalidMessage::Malformed)) => return self.refuse(Refusal::BadMessage.into()),
            Err(_) => return self.end_with(Refusal::BadMessage, CloseCode::Invalid),
        };
        if !self.greeted {
            return self.greet(&message);
        }
        if message == ClientMessage::Ice && !self.ice.take(ICE_QUOTA, self.service.uptime()) {
            let retry_after = u32::try_from(ICE_QUOTA.interval / 1000).ok();
            return self.refuse(Refused { code: Refusal::RateLimited, retry_after });
        }
        // Boxed, because a future that waits for the store is large and an idle socket must not carry it.
        let joins = matches!(message, ClientMessage::Join { .. });
        let timed = timed_name(&message).map(|name| (name, Instant::now()));
        let result = Box::pin(self.service.handle(&self.client, message)).await;
        if let Some((name, start)) = timed {
            self.service.metrics.request_took(name, start.elapsed());
        }
        if joins && result.is_ok() && self.service.is_knocking(&self.client) {
            let now = Instant::now();
            self.alarms.knock = Some(now + self.pace.knock);
            self.alarms.refresh = now + self.pace.door;
        }
        result.err().and_then(|refused| self.refuse(refused))
    }

    fn greet(&mut self, message: &ClientMessage) -> Option<End> {
        match message {
            ClientMessage::Hello { protocol: PROTOCOL } => {
                self.greeted = true;
                self.alarms.next = Instant::now() + self.pace.ping;
                self.client.outbox.push(text(&welcome(self.pace)));
                None
            }
            ClientMessage::Hello { .. } => self.end_with(Refusal::UnsupportedVersion, CloseCode::Policy),
            _ => self.end_with(Refusal::HelloMissing, CloseCode::Policy),
        }
    }

    /// Something is due.
    async fn ring(&mut self) -> Option<End> {
        let now = Instant::now();
        if self.alarms.next <= now {
            if !self.greeted {
                return self.end_with(Refusal::HelloMissing, CloseCode::Policy);
            }
            if now.duration_since(self.heard) >= self.pace.silence {
                self.service.metrics.silent.inc();
                return Some(End::Drop);
            }
            // One that talks and never reads would keep what waits for it as long as it likes.
            if self.wire.waits_since().is_some_and(|since| now - since >= self.pace.silence) {
                self.service.metrics.slow_readers.inc();
                return Some(End::Drop);
            }
            self.wire.queue(Message::Ping(Bytes::new()));
            let deadline = self.heard + self.pace.silence;
            self.alarms.next = (now + self.pace.ping).min(deadline.max(now + Duration::from_millis(1)));
        }
        if self.alarms.refresh <= now {
            let knocks = self.service.is_knocking(&self.client);
            self.alarms.refresh = now + if knocks { self.pace.door } else { self.pace.refresh };
            Box::pin(self.service.refresh(self.client.socket)).await;
        }
        if self.alarms.knock.is_some_and(|due| due <= now) {
            let is_over = Box::pin(self.service.expire_knock(&self.client)).await;
            self.alarms.knock = (!is_over).then(|| Instant::now() + self.pace.door);
        }
        None
    }

    fn refuse(&self, refused: Refused) -> Option<End> {
        self.service.metrics.refused(refused.code);
        self.client.outbox.release([text(&refused.into())]);
        None
    }

    fn end_with(&self, reason: Refusal, code: CloseCode) -> Option<End> {
        let nothing = self.refuse(reason.into());
        self.client.outbox.close(code);
        nothing
    }
}

/// The requests whose time counts; relays are too many to look at the clock for each.
fn timed_name(message: &ClientMessage) -> Option<&'static str> {
    match message {
        ClientMessage::Create { .. } => Some("create"),
        ClientMessage::Join { ticket: Some(_), .. } => Some("rejoin"),
        ClientMessage::Join { ticket: None, .. } => Some("knock"),
        ClientMessage::Admit { .. } => Some("admit"),
        _ => None,
    }
}

fn welcome(pace: &Pace) -> ServerMessage {
    let whole = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    ServerMessage::Welcome {
        protocol: PROTOCOL,
        server: env!("CARGO_PKG_VERSION").to_owned(),
        limits: Told {
            frame: whole(MAX_FRAME as u64),
            members: whole(MAX_MEMBERS as u64),
            rate: whole((1_000_000 / pace.messages.interval).max(1)),
            burst: pace.messages.burst.get(),
            ping: whole(pace.ping.as_secs()),
        },
    }
}
