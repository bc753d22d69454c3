//! Nodes whose tasks run only when a test says so, a store that stops where it is told, and people who remember what they heard.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use privydrop_common::id::PeerId;
use privydrop_common::signaling::{ClientMessage, ServerMessage, Ticket};
use tokio::sync::Semaphore;

use super::super::*;
use crate::limits::Quota;
use crate::store::mailbox::{Mail, Mailbox};
use crate::store::memory::Memory;
use crate::store::{Cell, Version};

/// Where a store may stop, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Before a room is read.
    Load,
    /// After it was read.
    Loaded,
    /// Before it is changed.
    Swap,
    /// Before it is kept as it is.
    Keep,
    /// After it was kept.
    Kept,
    /// After something reached another node.
    Published,
}

/// One node's way to the rooms.
pub(super) struct Gated {
    pub(super) store: Arc<Memory>,
    stop: Mutex<Option<Step>>,
    gate: Semaphore,
    /// How long a room was last given to live.
    pub(super) ttl: Mutex<Duration>,
}

impl Gated {
    pub(super) fn stop_at(&self, step: Step) {
        *self.stop.lock().unwrap() = Some(step);
    }

    pub(super) fn go_on(&self) {
        self.gate.add_permits(1);
    }

    pub(super) async fn pass(&self, step: Step, key: Option<&Key>) {
        let is_room = key.is_none_or(|key| matches!(key, Key::Room(_)));
        let stops = is_room && self.stop.lock().unwrap().take_if(|stop| *stop == step).is_some();
        if stops {
            self.gate.acquire().await.unwrap().forget();
        }
    }
}

#[async_trait]
impl Store for Gated {
    async fn load(&self, key: &Key) -> Result<Option<Cell>, StoreError> {
        self.pass(Step::Load, Some(key)).await;
        let loaded = self.store.load(key).await;
        self.pass(Step::Loaded, Some(key)).await;
        loaded
    }

    async fn swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        self.pass(Step::Swap, Some(key)).await;
        let swapped = self.store.swap(key, expected, value, ttl).await;
        if swapped == Ok(true) {
            *self.ttl.lock().unwrap() = ttl;
        }
        swapped
    }

    async fn keep(&self, key: &Key, version: Version, ttl: Duration) -> Result<bool, StoreError> {
        self.pass(Step::Keep, Some(key)).await;
        let kept = self.store.keep(key, version, ttl).await;
        if kept == Ok(true) {
            *self.ttl.lock().unwrap() = ttl;
        }
        self.pass(Step::Kept, Some(key)).await;
        kept
    }

    async fn touch(&self, key: &Key, ttl: Duration) -> Result<bool, StoreError> {
        self.store.touch(key, ttl).await
    }

    async fn remove(&self, key: &Key) -> Result<(), StoreError> {
        self.store.remove(key).await
    }

    async fn publish(&self, node: NodeId, message: &[u8]) -> Result<bool, StoreError> {
        let published = self.store.publish(node, message).await;
        self.pass(Step::Published, None).await;
        published
    }

    async fn subscribe(&self, node: NodeId) -> Result<Mailbox, StoreError> {
        self.store.subscribe(node).await
    }

    async fn time(&self) -> Result<Moment, StoreError> {
        self.store.time().await
    }

    async fn size(&self) -> Result<u64, StoreError> {
        self.store.size().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}

/// Polls until it is done or has nothing left to do by itself.
pub(super) fn run<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Option<F::Output> {
    for _ in 0..32 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(output);
        }
    }
    None
}

/// A node whose tasks run only when a test says so.
pub(super) struct Node {
    pub(super) service: Service,
    pub(super) store: Arc<Gated>,
    mailbox: Mutex<Mailbox>,
}

impl Node {
    pub(super) fn new(memory: &Arc<Memory>, id: u64) -> Self {
        let (stop, gate, ttl) = (Mutex::default(), Semaphore::new(0), Mutex::default());
        let store = Arc::new(Gated { store: memory.clone(), stop, gate, ttl });
        let limits =
            Limits::new([Quota::per_minute(1000.try_into().unwrap()); 4], 1000.try_into().unwrap(), &[7; 32]);
        let tickets = Tickets::new(&[7; 32]).unwrap();
        let service = Service::new(NodeId(id), store.clone(), limits.unwrap(), tickets, Ice::default());
        service.take_lease().now_or_never().unwrap().unwrap();
        let mailbox = memory.subscribe(NodeId(id)).now_or_never().unwrap().unwrap();
        Self { service, store, mailbox: Mutex::new(mailbox) }
    }

    /// What this does, and all that it has to tell other nodes.
    pub(super) fn does<T>(&self, deed: impl Future<Output = T>) -> T {
        let mut both = pin!(async {
            tokio::select! {
                output = deed => output,
                () = self.service.deliver() => panic!("it delivers for ever"),
            }
        });
        run(both.as_mut()).expect("it waits for something")
    }

    /// What came for this node.
    pub(super) fn reads(&self) {
        let mut mailbox = self.mailbox.lock().unwrap();
        while let Some(mail) = mailbox.next().now_or_never() {
            self.service.receive(&mail.unwrap());
        }
    }

    /// What came for this node, unread.
    pub(super) fn mail(&self) -> Vec<Vec<u8>> {
        let mut mailbox = self.mailbox.lock().unwrap();
        let came = std::iter::from_fn(|| mailbox.next().now_or_never()?);
        came.filter_map(|mail| if let Mail::Message(message) = mail { Some(message) } else { None }).collect()
    }

    /// Looks at what it knows to be unsettled.
    pub(super) fn makes_good(&self) {
        let mut both = pin!(async {
            tokio::select! {
                () = self.service.make_good() => {}
                () = self.service.deliver() => {}
            }
        });
        assert!(run(both.as_mut()).is_none());
    }

    pub(super) fn open(&self) -> Person<'_> {
        let source = IpAddr::from([127, 0, 0, 1]).into();
        let socket = rand::random();
        let outbox = self.service.directory.open(socket, source);
        let client = Client { socket, source, outbox, prepaid: AtomicU32::new(0) };
        Person {
            node: self,
            client,
            room: None,
            members: BTreeMap::new(),
            knocks: Vec::new(),
            refused: Vec::new(),
        }
    }
}

/// Somebody with a socket, and what they believe by what they heard.
pub(super) struct Person<'a> {
    pub(super) node: &'a Node,
    pub(super) client: Client,
    pub(super) room: Option<(RoomId, PeerId, Ticket)>,
    /// The others, and whether each shares.
    pub(super) members: BTreeMap<PeerId, bool>,
    pub(super) knocks: Vec<PeerId>,
    pub(super) refused: Vec<Refusal>,
}

impl Person<'_> {
    pub(super) fn asks(&self, message: ClientMessage) -> impl Future<Output = Result<(), Refused>> {
        self.node.service.handle(&self.client, message)
    }

    pub(super) fn says(&mut self, message: ClientMessage) -> Result<(), Refused> {
        let done = self.node.does(self.asks(message));
        self.hears();
        done
    }

    pub(super) fn hears(&mut self) {
        while let Some(text) = self.client.outbox.take() {
            match ServerMessage::parse(&text).unwrap() {
                ServerMessage::Created { member, room, ticket, .. } => {
                    self.room = Some((room, member, ticket));
                    self.members.clear();
                }
                ServerMessage::Joined { member, room, ticket, members, .. } => {
                    self.room = Some((room, member, ticket));
                    self.members = members.into_iter().map(|other| (other.id, other.sharing)).collect();
                }
                ServerMessage::MemberJoined { member } => {
                    self.members.insert(member.id, member.sharing);
                }
                ServerMessage::MemberSharing { member, on } => {
                    self.members.entry(member).and_modify(|sharing| *sharing = on);
                }
                ServerMessage::MemberLeft { member, .. } => {
                    self.members.remove(&member);
                    self.knocks.retain(|other| *other != member);
                }
                ServerMessage::Knock { member } => self.knocks.push(member),
                ServerMessage::Refused { code, .. } => self.refused.push(code),
                _ => {}
            }
        }
    }

    pub(super) fn room(&self) -> RoomId {
        self.room.clone().unwrap().0
    }

    pub(super) fn member(&self) -> PeerId {
        self.node.service.directory.position(self.client.socket).unwrap().member
    }

    pub(super) fn place(&self) -> Place {
        self.node.service.place(self.client.socket)
    }

    pub(super) fn knocks_at(&mut self, room: RoomId) {
        self.says(ClientMessage::Join { room, ticket: None }).unwrap();
    }

    /// How this comes back by a new socket.
    pub(super) fn ticket(&self) -> ClientMessage {
        let (room, _, ticket) = self.room.clone().unwrap();
        ClientMessage::Join { room, ticket: Some(ticket) }
    }

    /// The socket breaks.
    pub(super) fn is_lost(&self) {
        self.node.does(self.node.service.lost(&self.client));
    }

    pub(super) fn look(&self) -> impl Future<Output = ()> {
        self.node.service.renew(self.client.socket)
    }

    pub(super) fn record(&self) -> Option<Room> {
        let key = Key::Room(self.room());
        let cell = self.node.store.store.load(&key).now_or_never().unwrap().unwrap();
        cell.and_then(|cell| decode(&cell.value))
    }

    pub(super) fn forget_room(&self) {
        self.node.store.store.remove(&Key::Room(self.room())).now_or_never().unwrap().unwrap();
    }
}
