//! What all nodes share through the store besides rooms: since when the store forgot nothing, and the keys that sign tickets.
//!
//! There is one key, unless nodes began while a store that was emptied had not got it back: then each node takes the
//! tickets of all. A key from a file is never put there, and nodes that have one
//! take no other.

use privydrop_common::time::Moment;
use serde::{Deserialize, Serialize};

use crate::store::{Cell, Key, Store, StoreError};
use crate::ticket;

/// Most keys that are shared; a node that would be one more is understood by itself alone.
const MAX_KEYS: usize = 8;

/// The content of the one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shared {
    /// When a node found it missing: the store was new, or had lost what it had. Milliseconds of the store's time.
    since: u64,
    /// The first one is what a new node signs with.
    pub keys: Vec<[u8; 32]>,
}

impl Shared {
    /// Since when the store forgot nothing, in its own time.
    pub(crate) fn since(&self) -> Moment {
        Moment::from_millis(self.since)
    }
}

/// Finds what is shared, and puts it there if nobody has: without keys, or with `drawn` where there is none yet.
pub(crate) async fn join(store: &dyn Store, drawn: Option<[u8; 32]>) -> Result<Shared, StoreError> {
    share(store, |keys| match drawn {
        Some(drawn) if keys.is_empty() => keys.push(drawn),
        _ => {}
    })
    .await
}

/// Keeps it there, with this node's own key among the others.
pub(crate) async fn keep(store: &dyn Store, own: Option<[u8; 32]>) -> Result<Shared, StoreError> {
    share(store, |keys| match own {
        Some(own) if !keys.contains(&own) && keys.len() < MAX_KEYS => keys.push(own),
        _ => {}
    })
    .await
}

async fn share(store: &dyn Store, add: impl Fn(&mut Vec<[u8; 32]>)) -> Result<Shared, StoreError> {
    loop {
        let cell = store.load(&Key::Shared).await?;
        let known = cell.as_ref().and_then(decode);
        let mut shared = match &known {
            Some(known) => known.clone(),
            None => Shared { since: store.time().await?.as_millis(), keys: Vec::new() },
        };
        add(&mut shared.keys);
        let is_kept = if known.as_ref() == Some(&shared) {
            store.touch(&Key::Shared, ticket::LIFE).await?
        } else {
            let value = serde_json::to_vec(&shared).map_err(|_| StoreError::Unavailable)?;
            store.swap(&Key::Shared, cell.map(|cell| cell.version), &value, ticket::LIFE).await?
        };
        if is_kept {
            return Ok(shared);
        }
    }
}

/// What another version put there is as good as nothing.
fn decode(cell: &Cell) -> Option<Shared> {
    let shared: Shared = serde_json::from_slice(&cell.value).ok()?;
    (shared.keys.len() <= MAX_KEYS).then_some(shared)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::Memory;

    #[tokio::test]
    async fn the_first_nodes_key_is_everybodys() {
        let store = Memory::default();
        let first = join(&store, Some([1; 32])).await.unwrap();
        let second = join(&store, Some([2; 32])).await.unwrap();
        assert_eq!((first.keys.clone(), first), (vec![[1; 32]], second));
    }

    #[tokio::test]
    async fn keys_of_nodes_that_found_an_empty_store_come_together() {
        let store = Memory::default();
        join(&store, Some([1; 32])).await.unwrap();
        store.remove(&Key::Shared).await.unwrap();
        join(&store, Some([2; 32])).await.unwrap();
        keep(&store, Some([1; 32])).await.unwrap();
        assert_eq!(keep(&store, Some([2; 32])).await.unwrap().keys, [[2; 32], [1; 32]]);
        for number in 3..20 {
            keep(&store, Some([number; 32])).await.unwrap();
        }
        assert_eq!(keep(&store, None).await.unwrap().keys.len(), MAX_KEYS);
    }

    #[tokio::test]
    async fn a_key_from_a_file_stays_out_and_what_is_unreadable_is_replaced() {
        let store = Memory::default();
        assert_eq!(join(&store, None).await.unwrap().keys, <[[u8; 32]; 0]>::default());
        let cell = store.load(&Key::Shared).await.unwrap().unwrap();
        assert!(store.swap(&Key::Shared, Some(cell.version), b"old", ticket::LIFE).await.unwrap());
        assert_eq!(join(&store, Some([3; 32])).await.unwrap().keys, [[3; 32]]);
    }
}
