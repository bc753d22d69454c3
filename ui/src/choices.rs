//! What a person can do with an item now: the rule behind every button on the list.
//!
//! Pure; it neither draws the buttons nor carries out what they say.

use privydrop_common::api::{ItemKey, ItemKind, ItemState, ItemView, Side, View};
use privydrop_common::host::{Kept, StoreId};

use crate::backend::IN_APP;

/// What makes sense for an item; only these have a button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Choices {
    /// Take it.
    pub accept: bool,
    /// It was tried before.
    pub again: bool,
    /// Save what was received.
    pub save: Option<StoreId>,
    /// Show what was received where it is.
    pub reveal: Option<StoreId>,
    /// Hold it.
    pub pause: bool,
    /// Let it go on.
    pub resume: bool,
    /// Stop it.
    pub cancel: bool,
    /// Offer it no more, or take it off the list.
    pub remove: bool,
}

impl Choices {
    /// What makes sense for this item.
    pub fn of(item: &ItemView) -> Self {
        use ItemState::{Cancelled, Done, Failed, Moving, Paused, Verifying, Waiting};
        let own = item.key.owner.is_none();
        let under_way = matches!(item.state, Waiting | Moving | Paused | Verifying);
        let is_at = |kept| !own && item.state == Done && item.kept == Some(kept);
        Self {
            accept: is_takeable(item),
            again: matches!(item.state, Failed | Cancelled),
            save: item.store.filter(|_| is_at(Kept::InStorage)),
            reveal: item.store.filter(|_| IN_APP && is_at(Kept::InPlace)),
            pause: matches!(item.state, Waiting | Moving),
            // What the other side holds, only the other side lets go.
            resume: item.state == Paused && item.stopped_by != Some(Side::There),
            cancel: under_way,
            remove: own || !under_way,
        }
    }
}

/// True for what another member offers and this device has not taken. A text comes by itself.
pub fn is_takeable(item: &ItemView) -> bool {
    let untaken = matches!(item.state, ItemState::Offered | ItemState::Failed | ItemState::Cancelled);
    item.key.owner.is_some() && item.kind != ItemKind::Text && untaken
}

/// What “accept all” takes: all that is offered and was not given up or stopped before.
pub fn offered(view: &View) -> Vec<ItemKey> {
    let fresh = |item: &&ItemView| is_takeable(item) && item.state == ItemState::Offered;
    view.items.iter().filter(fresh).map(|item| item.key).collect()
}

/// What was received into the browser's own storage and can be saved.
pub fn savable(view: &View) -> impl Iterator<Item = StoreId> {
    view.items.iter().filter_map(|item| Choices::of(item).save)
}

#[cfg(test)]
mod tests {
    use privydrop_common::id::{ItemId, PeerId};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    fn item(own: bool, state: ItemState) -> ItemView {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let owner = (!own).then(|| PeerId::random(&mut rng));
        let key = ItemKey { owner, item: ItemId::random(&mut rng) };
        ItemView { state, files: 1, ..ItemView::offered(key, ItemKind::File, "a.txt".into(), 1) }
    }

    #[test]
    fn what_another_offers_can_be_taken_and_tried_again() {
        assert!(Choices::of(&item(false, ItemState::Offered)).accept);
        let failed = Choices::of(&item(false, ItemState::Failed));
        assert!(failed.accept && failed.again && failed.remove);
        assert!(!Choices::of(&item(true, ItemState::Offered)).accept);
    }

    #[test]
    fn a_text_needs_no_accepting() {
        let text = ItemView { kind: ItemKind::Text, ..item(false, ItemState::Offered) };
        assert!(!Choices::of(&text).accept);
    }

    #[test]
    fn what_the_other_side_paused_only_the_other_side_resumes() {
        let paused = |by| ItemView { stopped_by: Some(by), ..item(false, ItemState::Paused) };
        assert!(Choices::of(&paused(Side::Here)).resume);
        assert!(!Choices::of(&paused(Side::There)).resume);
        assert!(Choices::of(&paused(Side::There)).cancel);
    }

    #[test]
    fn an_own_item_can_be_withdrawn_at_any_time() {
        for state in [ItemState::Offered, ItemState::Moving, ItemState::Paused, ItemState::Done] {
            assert!(Choices::of(&item(true, state)).remove);
        }
        assert!(!Choices::of(&item(false, ItemState::Moving)).remove);
    }

    #[test]
    fn only_what_lies_in_the_browsers_own_storage_is_saved() {
        let done =
            |kept| ItemView { kept: Some(kept), store: Some(StoreId(7)), ..item(false, ItemState::Done) };
        assert_eq!(Choices::of(&done(Kept::InStorage)).save, Some(StoreId(7)));
        assert_eq!(Choices::of(&done(Kept::InPlace)).save, None);
        let view = View { items: vec![done(Kept::InPlace), done(Kept::InStorage)], ..View::default() };
        assert_eq!(savable(&view).collect::<Vec<_>>(), [StoreId(7)]);
    }

    #[test]
    fn accepting_all_leaves_alone_what_was_cancelled() {
        let items = [ItemState::Offered, ItemState::Cancelled, ItemState::Moving, ItemState::Offered];
        let view = View { items: items.map(|state| item(false, state)).into(), ..View::default() };
        assert_eq!(offered(&view).len(), 2);
    }
}
