//! What waits to go to other nodes, put together into parcels: while one is on its way to a node, everything else for that
//! node gathers in the next. One message through the store then carries many, and costs little more than one.
//!
//! Keeps the order of what is for one node. Never holds more than its bound: whoever brings something waits for room.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use privydrop_common::id::PeerId;
use tokio::sync::{Notify, oneshot};

use super::envelope::Envelope;
use crate::rooms::NodeId;
use crate::store::StoreError;

/// A parcel that has so many bytes takes no more; the longest envelope may come on top.
const PARCEL: usize = 32 * 1024;
/// While so many bytes wait for one node, nothing more is taken for it.
const MOST: usize = 1024 * 1024;

/// Whether a node got something; false when nobody reads its mailbox.
pub(super) type Outcome = Result<bool, StoreError>;

/// Who wants to know what became of an envelope.
#[derive(Debug)]
pub(super) enum Origin {
    /// Somebody who waits.
    Waits(oneshot::Sender<Outcome>),
    /// The socket of a letter for this member: it hears only if there is nobody to read it.
    Letter(u64, PeerId),
}

/// Envelopes that travel together.
#[derive(Debug, Default)]
pub(super) struct Parcel {
    pub(super) bytes: Vec<u8>,
    pub(super) origins: Vec<Origin>,
}

/// Everything that waits.
#[derive(Debug, Default)]
pub(super) struct Post {
    desk: Mutex<Desk>,
    /// Rung when a node has something and none of its parcels is on its way.
    bell: Notify,
    /// Rung when there is room again.
    room: Notify,
}

#[derive(Debug, Default)]
struct Desk {
    /// Nodes for which something waits or is on its way.
    queues: HashMap<NodeId, Queue>,
    /// Those of them whose next parcel may go.
    ready: VecDeque<NodeId>,
}

#[derive(Debug, Default)]
struct Queue {
    parcels: VecDeque<Parcel>,
    bytes: usize,
}

impl Post {
    /// Puts an envelope into the next parcel for a node; waits while too much is waiting for it.
    pub(super) async fn put(&self, node: NodeId, envelope: &Envelope, origin: Origin) {
        loop {
            let mut room = std::pin::pin!(self.room.notified());
            // From here on a call is not missed.
            room.as_mut().enable();
            if self.has_room(node) {
                break;
            }
            room.await;
        }
        // Others may have come in between: the bound is exceeded by what one socket says at most, each.
        let is_first = self.desk().put(node, envelope, origin);
        if is_first {
            self.bell.notify_one();
        }
    }

    /// The next parcel that may go, and where to. The caller says [`Post::arrived`] afterwards. For one caller only.
    pub(super) async fn next(&self) -> (NodeId, Parcel) {
        loop {
            if let Some(next) = self.desk().next() {
                self.room.notify_waiters();
                return next;
            }
            self.bell.notified().await;
        }
    }

    /// The last parcel for this node is not on its way any more.
    pub(super) fn arrived(&self, node: NodeId) {
        if self.desk().arrived(node) {
            self.bell.notify_one();
        }
    }

    fn has_room(&self, node: NodeId) -> bool {
        self.desk().queues.get(&node).is_none_or(|queue| queue.bytes < MOST)
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// True when it may go at once.
    fn put(&mut self, node: NodeId, envelope: &Envelope, origin: Origin) -> bool {
        let is_first = !self.queues.contains_key(&node);
        let queue = self.queues.entry(node).or_default();
        if queue.parcels.back().is_none_or(|parcel| parcel.bytes.len() >= PARCEL) {
            queue.parcels.push_back(Parcel::default());
        }
        if let Some(parcel) = queue.parcels.back_mut() {
            let before = parcel.bytes.len();
            envelope.write(&mut parcel.bytes);
            parcel.origins.push(origin);
            queue.bytes += parcel.bytes.len() - before;
        }
        if is_first {
            self.ready.push_back(node);
        }
        is_first
    }

    fn next(&mut self) -> Option<(NodeId, Parcel)> {
        let node = self.ready.pop_front()?;
        let queue = self.queues.get_mut(&node)?;
        let parcel = queue.parcels.pop_front()?;
        queue.bytes -= parcel.bytes.len();
        Some((node, parcel))
    }

    /// True when there is more for this node.
    fn arrived(&mut self, node: NodeId) -> bool {
        let has_more = self.queues.get(&node).is_some_and(|queue| !queue.parcels.is_empty());
        match has_more {
            true => self.ready.push_back(node),
            // Whatever comes next is the first again.
            false => drop(self.queues.remove(&node)),
        }
        has_more
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::service::envelope::Effect;

    const NODE: NodeId = NodeId(1);

    fn envelope(socket: u64, length: usize) -> Envelope {
        let member = "0123456789abcdef".parse().unwrap();
        Envelope { socket, member, effect: Effect::Tell, text: "x".repeat(length).into(), revision: None }
    }

    fn put(post: &Post, node: NodeId, envelope: &Envelope) -> bool {
        post.put(node, envelope, Origin::Letter(0, envelope.member)).now_or_never().is_some()
    }

    fn sockets(parcel: &Parcel) -> Vec<u64> {
        Envelope::parse_all(&parcel.bytes).map(|envelope| envelope.unwrap().socket).collect()
    }

    #[test]
    fn what_comes_while_a_parcel_is_on_its_way_goes_in_the_next_one_in_order() {
        let post = Post::default();
        assert!(post.next().now_or_never().is_none());
        (1..=3).for_each(|socket| assert!(put(&post, NODE, &envelope(socket, 10))));
        let (node, parcel) = post.next().now_or_never().unwrap();
        assert_eq!((node, sockets(&parcel), parcel.origins.len()), (NODE, vec![1, 2, 3], 3));
        (4..=5).for_each(|socket| assert!(put(&post, NODE, &envelope(socket, 10))));
        assert!(post.next().now_or_never().is_none(), "one at a time");
        post.arrived(NODE);
        assert_eq!(sockets(&post.next().now_or_never().unwrap().1), [4, 5]);
        post.arrived(NODE);
        assert!(post.desk().queues.is_empty());
    }

    #[test]
    fn nodes_do_not_wait_for_one_another() {
        let post = Post::default();
        assert!(put(&post, NODE, &envelope(1, 10)) && put(&post, NodeId(2), &envelope(2, 10)));
        assert_eq!(post.next().now_or_never().unwrap().0, NODE);
        assert_eq!(post.next().now_or_never().unwrap().0, NodeId(2));
    }

    #[test]
    fn a_parcel_has_its_bound_and_so_has_all_that_waits_for_a_node() {
        let post = Post::default();
        let mut count = 0;
        while put(&post, NODE, &envelope(count, 24 * 1024)) {
            count += 1;
        }
        assert!(post.desk().queues[&NODE].bytes < MOST + 25 * 1024);
        let (_, parcel) = post.next().now_or_never().unwrap();
        assert!(parcel.bytes.len() < PARCEL + 25 * 1024);
        assert!(put(&post, NODE, &envelope(count, 10)), "there is room again");
        assert!(put(&post, NodeId(2), &envelope(count, 10)), "others have their own");
    }
}
