//! Whether what is missing in the store is over, or whether the store only forgot it.
//!
//! A store that was emptied, or restarted without its data, gets everything back from the nodes: first their leases, then the
//! rooms of whoever is connected. Until then nothing follows from what it does not have. Pure: the moment is passed in.

use std::time::Duration;

use privydrop_common::time::Moment;

use super::leases::LEASE;
use crate::rooms::RETURN;

/// When the store was last found to have forgotten something.
#[derive(Debug, Default)]
pub(super) struct Doubt(Option<Moment>);

impl Doubt {
    /// The store forgot, or may have: what this node had put there is gone, or the way to it broke.
    pub(super) fn raise(&mut self, now: Moment) {
        self.0 = Some(now);
    }

    /// Whether a node whose lease is missing may be alive: it has the time of one lease to say so again.
    pub(super) fn spares_nodes(&self, now: Moment) -> bool {
        self.is_younger_than(LEASE, now)
    }

    /// Whether a room that is missing may be on its way back: it has the time that a host's way to another node takes.
    pub(super) fn spares_rooms(&self, now: Moment) -> bool {
        self.is_younger_than(RETURN, now)
    }

    fn is_younger_than(&self, span: Duration, now: Moment) -> bool {
        self.0.is_some_and(|since| now - since < span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_millis(seconds * 1000)
    }

    #[test]
    fn a_store_that_never_forgot_is_believed() {
        let doubt = Doubt::default();
        assert!(!doubt.spares_nodes(at(0)) && !doubt.spares_rooms(at(0)));
    }

    #[test]
    fn nodes_have_one_lease_to_say_that_they_live_and_rooms_have_their_hosts_way_back() {
        let mut doubt = Doubt::default();
        doubt.raise(at(100));
        let spared = |seconds| (doubt.spares_nodes(at(seconds)), doubt.spares_rooms(at(seconds)));
        assert_eq!(
            [100, 109, 110, 129, 130].map(spared),
            [(true, true), (true, true), (true, false), (true, false), (false, false)]
        );
    }

    #[test]
    fn a_store_that_forgets_again_is_doubted_anew() {
        let mut doubt = Doubt::default();
        doubt.raise(at(100));
        doubt.raise(at(125));
        assert!(doubt.spares_nodes(at(154)) && doubt.spares_rooms(at(134)));
    }
}
