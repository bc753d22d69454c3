//! Mailboxes in Redis: publish and subscribe, sharded in a Cluster.
//!
//! A mailbox proves itself: every few seconds it sends itself an empty message. One that does not arrive, like
//! a connection that breaks, makes a new subscription, and the reader hears of the gap. Never repeats a message.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_redis::cluster::{ClusterClientBuilder, ClusterConnection};
use deadpool_redis::redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use deadpool_redis::redis::{
    self, Client, Cmd, ProtocolVersion, PushInfo, PushKind, RedisResult, TlsMode, Value, aio::PubSub,
};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::address::{Address, Kind};
use super::line::{PATIENCE, reason};
use super::{Redis, inbox_name};
use crate::rooms::NodeId;
use crate::store::mailbox::Postbox;

/// Pause before a lost subscription is made again.
const RESUBSCRIBE: Duration = Duration::from_millis(500);
/// How often a mailbox sends itself a proof; two that do not arrive make a new subscription.
const PROOF: Duration = Duration::from_secs(5);
/// What a Cluster's connection may have read ahead of the mailbox.
const AHEAD: usize = 256;

/// One subscription.
pub(super) enum Subscription {
    Server(PubSub),
    Cluster {
        /// Dropping it ends the subscription.
        _connection: ClusterConnection,
        /// `None` when something is wrong with the subscription.
        messages: mpsc::Receiver<Option<Vec<u8>>>,
        /// Whether one did not fit.
        lost: Arc<AtomicBool>,
    },
}

impl Subscription {
    pub(super) async fn open(address: &Address, node: NodeId) -> RedisResult<Self> {
        timeout(PATIENCE, Self::make(address, node))
            .await
            .unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))
    }

    async fn make(address: &Address, node: NodeId) -> RedisResult<Self> {
        let client = match &address.kind {
            Kind::Single(info) => Client::open(info.clone())?,
            Kind::Sentinel { sentinels, master, login, tls } => {
                let info = SentinelNodeConnectionInfo::default().set_redis_connection_info(login.clone());
                let info = if *tls { info.set_tls_mode(TlsMode::Secure) } else { info };
                let kind = SentinelServerType::Master;
                SentinelClient::build(sentinels.clone(), master.clone(), Some(info), kind)?
                    .async_get_client()
                    .await?
            }
            Kind::Cluster(nodes) => return Self::sharded(nodes, node).await,
        };
        let mut subscription = client.get_async_pubsub().await?;
        subscription.subscribe(inbox_name(node)).await?;
        Ok(Self::Server(subscription))
    }

    async fn sharded(nodes: &[redis::ConnectionInfo], node: NodeId) -> RedisResult<Self> {
        let (sender, messages) = mpsc::channel(AHEAD);
        let lost = Arc::new(AtomicBool::new(false));
        let noted = lost.clone();
        let push = move |push: PushInfo| {
            let message = match push.kind {
                PushKind::SMessage => payload(push),
                PushKind::Disconnection | PushKind::SUnsubscribe => None,
                _ => return Ok(()),
            };
            // The connection goes on whatever it is told here.
            sender.try_send(message).map_err(|_| noted.store(true, Ordering::Release))
        };
        let nodes = nodes.iter().map(|info| {
            let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
            info.clone().set_redis_settings(settings)
        });
        let client = ClusterClientBuilder::new(nodes)
            .use_protocol(ProtocolVersion::RESP3)
            .push_sender(push)
            .build()?;
        let mut connection = client.get_async_connection().await?;
        connection.ssubscribe(inbox_name(node)).await?;
        Ok(Self::Cluster { _connection: connection, messages, lost })
    }

    /// Passes messages on until something is wrong with the subscription or nobody reads the mailbox.
    async fn forward(&mut self, store: &Redis, node: NodeId, mailbox: &Postbox) {
        let (mut proofs, mut unproven) = (interval(PROOF), 0);
        proofs.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let message = tokio::select! {
                () = mailbox.closed() => return,
                message = self.next() => message,
                _ = proofs.tick() => {
                    if unproven == 2 {
                        return;
                    }
                    unproven += 1;
                    tokio::spawn(prove(store.clone(), node));
                    continue;
                }
            };
            match message {
                Some(message) if message.is_empty() => unproven = 0,
                Some(message) => drop(mailbox.post(message)),
                None => return,
            }
        }
    }

    async fn next(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Server(subscription) => {
                subscription.on_message().next().await.map(|message| message.get_payload_bytes().to_vec())
            }
            // One that did not fit ends the subscription: a new one is made, and the reader hears of the gap.
            Self::Cluster { lost, .. } if lost.load(Ordering::Acquire) => None,
            Self::Cluster { messages, .. } => messages.recv().await.flatten(),
        }
    }
}

/// The command that puts a message into a mailbox.
pub(super) fn publish(address: &Address, node: NodeId, message: &[u8]) -> Cmd {
    let name = if matches!(address.kind, Kind::Cluster(_)) { "SPUBLISH" } else { "PUBLISH" };
    let mut command = redis::cmd(name);
    command.arg(inbox_name(node)).arg(message);
    command
}

/// Moves messages into the mailbox until its reader is gone; subscribes again whenever Redis was away.
pub(super) async fn keep(store: Redis, node: NodeId, mut subscription: Subscription, mailbox: Postbox) {
    loop {
        subscription.forward(&store, node, &mailbox).await;
        mailbox.broke();
        let mut is_told = false;
        subscription = loop {
            if mailbox.is_closed() {
                return;
            }
            match Subscription::open(&store.address, node).await {
                Ok(subscription) => break subscription,
                Err(error) => {
                    if !is_told {
                        let reason = reason(&error);
                        tracing::warn!(
                            "the subscription at the room store is lost ({reason}): nothing comes from other servers; trying again"
                        );
                    }
                    is_told = true;
                    sleep(RESUBSCRIBE).await;
                }
            }
        };
        tracing::warn!("the subscription at the room store was lost and made again");
        mailbox.missed();
    }
}

/// Sends a mailbox its proof.
async fn prove(store: Redis, node: NodeId) {
    let _ = store.line.ask::<u64>(&publish(&store.address, node, b""), false).await;
}

/// What was published; the rest names the channel.
fn payload(push: PushInfo) -> Option<Vec<u8>> {
    match push.data.into_iter().nth(1) {
        Some(Value::BulkString(bytes)) => Some(bytes),
        _ => None,
    }
}
