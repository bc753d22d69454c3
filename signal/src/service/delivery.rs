//! From this node to sockets, its own and those of other nodes.
//!
//! What is for another node goes into the [`Post`](super::post::Post), and from there, parcel by parcel, into that node's
//! mailbox. A parcel is never sent twice: what may have got lost, [`super::healing`] or the devices make good.

use bytestring::ByteString;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use privydrop_common::id::{PeerId, RoomId};
use privydrop_common::signaling::{Refusal, ServerMessage};
use tokio::sync::oneshot;

use super::post::{Origin, Outcome, Parcel};
use super::{Effect, Envelope, Service};
use crate::directory::{Told, text};
use crate::refusal::Refused;
use crate::rooms::NodeId;
use crate::store::StoreError;

/// Letters that nobody was there to read: whose socket, and for whom.
type Returned = Vec<(u64, PeerId)>;

impl Service {
    /// Delivers to a socket of this or another node; false when it is certainly gone.
    pub(super) async fn send(&self, node: NodeId, envelope: Envelope) -> Outcome {
        if node == self.node {
            return Ok(self.hand_over(envelope));
        }
        self.metrics.forwarded.inc();
        let (told, outcome) = oneshot::channel();
        self.post.put(node, &envelope, Origin::Waits(told)).await;
        // Nobody delivers any more: the server is about to end.
        outcome.await.unwrap_or(Err(StoreError::Unavailable))
    }

    /// Sends a letter of this socket on to another node, and does not wait until it is there.
    pub(super) async fn post_letter(&self, node: NodeId, envelope: &Envelope, socket: u64, to: PeerId) {
        self.metrics.forwarded.inc();
        self.post.put(node, envelope, Origin::Letter(socket, to)).await;
    }

    pub(super) fn hand_over(&self, envelope: Envelope) -> bool {
        let Envelope { socket, member, effect, text, revision } = envelope;
        match effect {
            Effect::Tell => match self.directory.tell_news(socket, member, text, revision) {
                Told::Yes => true,
                Told::TooEarly | Told::TooLate => {
                    self.healing.look_soon(socket);
                    true
                }
                Told::Nobody => false,
            },
            Effect::Admit(host) => {
                let joined = self.with_own_ice(socket, text);
                self.directory.admit(socket, member, host, joined, revision.unwrap_or_default())
            }
            Effect::Dismiss(reason) => self.directory.dismiss(socket, member, reason, text),
        }
    }

    /// The news that somebody was let in, with relays in the name of whoever is behind this socket.
    fn with_own_ice(&self, socket: u64, joined: ByteString) -> ByteString {
        match ServerMessage::parse(&joined) {
            Ok(ServerMessage::Joined { member, room, host, members, ticket, .. }) => {
                let ice = self.ice_for(socket);
                text(&ServerMessage::Joined { member, room, host, members, ticket, ice })
            }
            _ => joined,
        }
    }

    /// Brings parcels to their nodes. Runs until it is dropped; without it nothing reaches another node.
    pub async fn deliver(&self) {
        let (mut on_their_way, mut returning) = (FuturesUnordered::new(), FuturesUnordered::new());
        loop {
            tokio::select! {
                (node, parcel) = self.post.next() => on_their_way.push(self.bring(node, parcel)),
                Some(returned) = on_their_way.next() => {
                    if !returned.is_empty() {
                        returning.push(self.return_to_senders(returned));
                    }
                }
                Some(()) = returning.next() => {}
            }
        }
    }

    /// Brings one parcel; the letters that nobody was there to read.
    async fn bring(&self, node: NodeId, parcel: Parcel) -> Returned {
        let outcome = self.timed(self.store.publish(node, &parcel.bytes)).await;
        self.post.arrived(node);
        if outcome == Ok(false) {
            self.leases.distrust(node);
        }
        let mut returned = Vec::new();
        for origin in parcel.origins {
            match origin {
                // Whoever waited may be gone.
                Origin::Waits(told) => drop(told.send(outcome)),
                Origin::Letter(socket, to) if outcome == Ok(false) => returned.push((socket, to)),
                // One that may not have arrived is sent again by the sender's device.
                Origin::Letter(..) => {}
            }
        }
        returned.sort_unstable();
        returned.dedup();
        returned
    }

    async fn return_to_senders(&self, returned: Returned) {
        for (socket, to) in returned {
            let Some(position) = self.directory.position(socket) else { continue };
            if let Err(refused) = self.nobody_there(socket, &position.room, to).await {
                self.metrics.refused(refused.code);
                self.directory.tell(socket, position.member, text(&refused.into()));
            }
        }
    }

    /// The receiver's node or socket is gone: looking at the room again finds who is lost and tells the others.
    pub(super) async fn nobody_there(&self, socket: u64, room: &RoomId, to: PeerId) -> Result<(), Refused> {
        self.routes.forget(socket, to);
        self.change_known(room, |_, _| Vec::new()).await?;
        Err(Refusal::PeerUnknown.into())
    }
}
