//! Places to receive into: a directory that the person chooses, the browser's private storage, or memory.
//!
//! Asks the person at most once in a page's life. What is in them is the business of `sink-worker.js`.
//!
//! No browser tells how much space is free in a directory of the person's (`navigator.storage.estimate` speaks of the
//! private storage alone), so nothing is asked beforehand: a full disk shows as a write that fails, and ends the item.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use privydrop_common::host::PlaceId;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{FileSystemDirectoryHandle, StorageEstimate};

use super::js::{HasPermission, HasPicker, HasStorage, count, error_name, object};
use crate::backend::{NoPlace, Storage};

/// The browser's own storage.
const PRIVATE: PlaceId = PlaceId(0);
const MEMORY: PlaceId = PlaceId(1);
const DIRECTORY: PlaceId = PlaceId(2);

/// Where an item can be received into.
pub(super) enum Place {
    Directory(FileSystemDirectoryHandle),
    Private,
    Memory,
}

/// What this page can receive into.
pub struct Places {
    chosen: RefCell<Option<FileSystemDirectoryHandle>>,
    /// Whether the browser gives private storage; taken for granted until it answered.
    has_private: Cell<bool>,
    on_change: Box<dyn Fn(Storage)>,
}

impl Places {
    /// Looks what there is; `on_change` hears when there turns out to be less.
    pub fn new(on_change: impl Fn(Storage) + 'static) -> Rc<Self> {
        let has_private = Cell::new(storage().is_some());
        Rc::new(Self { chosen: RefCell::default(), has_private, on_change: Box::new(on_change) })
    }

    /// The browser gives no private storage after all.
    pub(super) fn forbid_private(&self) {
        self.has_private.set(false);
        (self.on_change)(self.storage());
    }

    /// What will be used.
    pub fn storage(&self) -> Storage {
        match (picker(), self.has_private.get()) {
            (Some(_), _) => Storage::Directory,
            (None, true) => Storage::Private,
            (None, false) => Storage::Memory,
        }
    }

    /// Finds a place. Has to be called inside a click's handler, since it may ask the person.
    pub fn choose(self: &Rc<Self>) -> LocalBoxFuture<'static, Result<PlaceId, NoPlace>> {
        let own = if self.has_private.get() { PRIVATE } else { MEMORY };
        let Some(window) = picker() else { return Box::pin(core::future::ready(Ok(own))) };
        let places = Rc::clone(self);
        let known = self.chosen.borrow().clone();
        if let Some(known) = known {
            return Box::pin(async move {
                if may_write(&known, true).await {
                    return Ok(DIRECTORY);
                }
                // Next time another can be chosen.
                places.chosen.take();
                Err(NoPlace::Unavailable)
            });
        }
        let options = object(&[("mode", "readwrite".into()), ("id", "privydrop".into())]);
        let asked = window.pick_directory(&options);
        Box::pin(async move {
            let answer = match asked {
                Ok(answer) => answer.await,
                Err(error) => Err(error),
            };
            match answer {
                Ok(handle) => {
                    *places.chosen.borrow_mut() = Some(handle.unchecked_into());
                    Ok(DIRECTORY)
                }
                Err(error) if error_name(&error) == "AbortError" => Err(NoPlace::NotChosen),
                // The browser has the dialog but not for this page, as in a frame of another site.
                Err(_) => Ok(own),
            }
        })
    }

    /// Where to go on without a word with what a page before left unfinished; `directory` is where that was, if it was in one.
    /// `None` when the person has to choose one, or to allow this one again: that is asked when they accept something.
    pub(super) async fn again(&self, directory: Option<FileSystemDirectoryHandle>) -> Option<PlaceId> {
        if picker().is_none() {
            return Some(PRIVATE);
        }
        let known = self.chosen.borrow_mut().get_or_insert(directory?).clone();
        may_write(&known, false).await.then_some(DIRECTORY)
    }

    pub(super) fn get(&self, place: PlaceId) -> Option<Place> {
        match place {
            PRIVATE => Some(Place::Private),
            MEMORY => Some(Place::Memory),
            DIRECTORY => self.chosen.borrow().clone().map(Place::Directory),
            _ => None,
        }
    }
}

fn picker() -> Option<HasPicker> {
    let window: HasPicker = web_sys::window()?.unchecked_into();
    window.picker().is_some().then_some(window)
}

fn storage() -> Option<web_sys::StorageManager> {
    web_sys::window()?.navigator().unchecked_into::<HasStorage>().storage()
}

/// Bytes that the browser would still store; `None` when it does not tell.
pub(super) async fn free_space() -> Option<u64> {
    let estimate = estimate().await?;
    Some(count(estimate.get_quota()? - estimate.get_usage().unwrap_or(0.0)))
}

/// Bytes that this site stores in the browser, as far as it tells.
pub(super) async fn used_space() -> u64 {
    estimate().await.and_then(|estimate| estimate.get_usage()).map_or(0, count)
}

async fn estimate() -> Option<StorageEstimate> {
    Some(storage()?.estimate().ok()?.await.ok()?.unchecked_into())
}

/// True when the person still allows writing, asked again if they may be.
async fn may_write(handle: &FileSystemDirectoryHandle, ask: bool) -> bool {
    let handle: &HasPermission = handle.unchecked_ref();
    let options = object(&[("mode", "readwrite".into())]);
    let granted = |state: Result<JsValue, JsValue>| state.is_ok_and(|state| state == "granted");
    // A browser without the question asks by itself.
    let Ok(state) = handle.query_permission(&options) else { return true };
    if granted(state.await) {
        return true;
    }
    if !ask {
        return false;
    }
    match handle.request_permission(&options) {
        Ok(state) => granted(state.await),
        Err(_) => false,
    }
}
