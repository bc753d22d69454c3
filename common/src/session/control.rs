//! Takes what a member says on its link to the room of the session that it is about. Decides nothing itself.

use super::Session;
use super::received::Step;
use crate::api::ItemKey;
use crate::id::PeerId;
use crate::link::LinkId;
use crate::time::Moment;
use crate::wire::Control;

impl Session {
    /// Something said on a link that is up.
    pub(super) fn handle_control(&mut self, link: LinkId, peer: PeerId, control: Control, now: Moment) {
        match control {
            Control::Introduce { label } => self.handle_introduction(peer, &label),
            Control::RoomKey(key) => self.handle_room_key(peer, key),
            Control::Offer(summary) => self.handle_offer(link, peer, summary, now),
            Control::Withdraw(item) => self.handle_withdraw(ItemKey { owner: Some(peer), item }, now),
            Control::Text(bytes) => self.handle_text(link, peer, &bytes, now),
            Control::List { item, from } => self.handle_list(link, item, from),
            Control::Entries { item, from, entries } => self.handle_entries(peer, item, from, entries, now),
            Control::Fetch { transfer, item, have, window } => {
                self.handle_fetch(link, transfer, item, &have, window);
            }
            Control::Credit { transfer, granted, stored } => {
                self.handle_credit(link, transfer, granted, stored, now)
            }
            Control::Pause(transfer) | Control::Resume(transfer) => {
                let pause = matches!(control, Control::Pause(_));
                if !self.handle_pause_own(link, transfer, pause) {
                    self.handle_pause(peer, transfer, pause, now);
                }
            }
            Control::Cancel(transfer) => {
                if !self.handle_cancel_own(link, transfer) {
                    self.handle_cancel(peer, transfer, now);
                }
            }
            Control::Refuse { transfer, why } => {
                if let Some(key) = self.fetch_of(peer, transfer) {
                    self.handle_refusal(key, why, now);
                }
            }
            Control::RefuseList { item, why } => {
                let key = ItemKey { owner: Some(peer), item };
                if self.received.get(&key).is_some_and(|received| received.step == Step::Listing) {
                    self.handle_refusal(key, why, now);
                }
            }
            Control::Again { transfer, file, piece } => self.handle_again(link, transfer, file, piece),
            Control::Received(transfer) => self.handle_received(link, peer, transfer),
            Control::Bye => self.part_from(peer, now),
            // The link's own.
            Control::Lanes(_) | Control::Lane { .. } | Control::Sign | Control::Seen => {}
        }
    }
}
