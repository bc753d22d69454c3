//! What takes a while to show in the facts: files that are looked at before they are shared, a room that a killed app goes
//! back to.
//!
//! Until it shows, this device is not free to follow a link that nobody was asked about. Decides nothing else.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use privydrop_common::api::{Command, NewItem, NoticeCode, Phase, View};
use privydrop_common::wire::MAX_ITEMS;
use tokio::time::timeout;

use crate::files::KeptPath;
use crate::shell::Shell;
use crate::visit::Visit;

/// The session shows what it was told at once, or it never will.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);

/// Counts what is under way; clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct UnderWay(Arc<Mutex<usize>>);

/// One thing that is under way, until it is dropped.
#[must_use]
pub(crate) struct Begun(UnderWay);

impl UnderWay {
    /// Begins something.
    pub(crate) fn begin(&self) -> Begun {
        *self.0.lock() += 1;
        Begun(self.clone())
    }

    /// Begins something if nothing is under way and `is_free` says so, with nothing in between.
    pub(crate) fn begin_alone(&self, is_free: impl FnOnce() -> bool) -> Option<Begun> {
        let mut count = self.0.lock();
        if *count > 0 || !is_free() {
            return None;
        }
        *count += 1;
        Some(Begun(self.clone()))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        *self.0.0.lock() -= 1;
    }
}

impl Shell {
    /// Goes back into the room that this device was in when its program was killed, and on with what was under way.
    pub(crate) async fn go_on(&self, visit: Visit, _begun: Begun) {
        self.command(Command::Return(visit.keepsake));
        if !visit.wanted.is_empty()
            && let Some(place) = self.place_or_tell()
        {
            self.command(Command::GoOn { wanted: visit.wanted, place });
        }
        if let Some(text) = visit.text {
            self.command(Command::SetText(text));
        }
        self.share(visit.shared.into_iter().map(|KeptPath(path)| path).collect()).await;
        self.shows().await;
    }

    /// Shares what is at these paths; tells what cannot be.
    pub(crate) async fn share(&self, paths: Vec<PathBuf>) {
        if paths.is_empty() {
            return;
        }
        let _begun = self.begin();
        self.keep_picked(&paths);
        let Some(device) = self.device() else { return self.tell(NoticeCode::ServerUnreachable, "", None) };
        let mut items: Vec<NewItem> = Vec::new();
        // One more than is allowed, so that the session sees that there is too much.
        for path in paths.into_iter().take(MAX_ITEMS + 1) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match device.pick(path).await {
                Ok(picked) => {
                    if !picked.skipped.is_empty() {
                        self.tell(NoticeCode::LeftOut, &name, Some(picked.skipped.len() as u64));
                    }
                    items.push(picked.item);
                }
                Err(_) => self.tell(NoticeCode::SourceUnreadable, &name, None),
            }
        }
        if items.is_empty() {
            return;
        }
        if self.device().is_none_or(|now| !Arc::ptr_eq(&now, &device)) {
            // At another server now: its session has none of these files.
            return self.tell(NoticeCode::PickAgain, "", None);
        }
        device.command(Command::Share(items));
        drop(device);
        self.shows().await;
    }

    /// Something begins that the facts do not show yet and that leads into a room or puts something on the list.
    pub(crate) fn begin(&self) -> Begun {
        self.under_way().begin()
    }

    /// The same, if this device is in no room, offers nothing, and neither has begun.
    pub(crate) fn begin_if_free(&self) -> Option<Begun> {
        self.under_way().begin_alone(|| is_free(&self.follow().borrow().news.view))
    }

    /// Waits until the facts show that this device is on its way into a room or offers something; not for long.
    pub(crate) async fn shows(&self) {
        let mut facts = self.follow();
        let _ = timeout(SHOWN_WITHIN, facts.wait_for(|facts| !is_free(&facts.news.view))).await;
    }
}

/// True for whoever is in no room and on the way into none, and has nothing on the list that the next room is offered.
fn is_free(view: &View) -> bool {
    view.phase == Phase::Idle && view.items.iter().all(|item| item.key.owner.is_some())
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use privydrop_common::api::{ItemKey, ItemKind, ItemView, Keepsake};
    use privydrop_common::id::ItemId;
    use privydrop_common::text::Document;

    use super::*;

    #[test]
    fn who_made_a_link_would_be_offered_what_is_on_the_list() {
        let mut view = View::default();
        assert!(is_free(&view));
        let item = |owner| {
            let key = ItemKey { owner, item: ItemId::TEXT };
            ItemView::offered(key, ItemKind::Text, String::new(), 1)
        };
        view.items = vec![item("0123456789abcdef".parse().ok())];
        assert!(is_free(&view), "what is another's");
        view.items.push(item(None));
        assert!(!is_free(&view));
    }

    #[tokio::test]
    async fn from_the_pick_of_files_until_they_are_on_the_list_no_link_is_followed_without_a_question() {
        let folder = tempfile::tempdir().unwrap();
        let shell = Shell::default();
        shell.serve("http://127.0.0.1:1".parse().unwrap()).await.unwrap();
        assert!(shell.begin_if_free().is_some());
        let mut sharing = pin!(shell.share(vec![folder.path().to_owned()]));
        while poll_fn(|context| Poll::Ready(sharing.as_mut().poll(context).is_pending())).await {
            assert!(shell.begin_if_free().is_none());
            tokio::task::yield_now().await;
        }
        assert!(shell.begin_if_free().is_none());
    }

    #[tokio::test]
    async fn from_the_start_until_a_killed_app_is_back_in_its_room_no_link_is_followed_without_a_question() {
        let shell = Shell::default();
        shell.serve("http://127.0.0.1:1".parse().unwrap()).await.unwrap();
        let text = Document::from_plain("shared before").unwrap();
        let visit = Visit {
            server: String::new(),
            keepsake: Keepsake("of a room".into()),
            wanted: Vec::new(),
            shared: Vec::new(),
            text: Some(text),
        };
        let mut going_on = pin!(shell.go_on(visit, shell.begin()));
        assert!(shell.begin_if_free().is_none());
        while poll_fn(|context| Poll::Ready(going_on.as_mut().poll(context).is_pending())).await {
            assert!(shell.begin_if_free().is_none());
            tokio::task::yield_now().await;
        }
        assert!(shell.begin_if_free().is_none());
    }

    #[tokio::test]
    async fn what_was_picked_for_another_server_is_to_be_picked_again() {
        let folder = tempfile::tempdir().unwrap();
        let shell = Shell::default();
        shell.serve("http://127.0.0.1:1".parse().unwrap()).await.unwrap();
        // So many that the first look at them does not see them all.
        let paths = vec![folder.path().to_owned(); MAX_ITEMS];
        let mut sharing = pin!(shell.share(paths));
        assert!(poll_fn(|context| Poll::Ready(sharing.as_mut().poll(context).is_pending())).await);
        shell.serve("http://127.0.0.1:2".parse().unwrap()).await.unwrap();
        sharing.await;
        assert_eq!(shell.follow().borrow().news.shell.told[0].code, NoticeCode::PickAgain);
    }
}
