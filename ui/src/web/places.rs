//! Places to receive into: a directory that the person chooses, the browser's private storage, or memory.
//!
//! Asks the person at most once in a page's life, clears away what earlier pages left behind, and never touches
//! what another tab of the same browser holds.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use js_sys::{Function, IteratorNext, Promise, Reflect};
use privydrop_common::host::PlaceId;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{FileSystemDirectoryHandle, FileSystemRemoveOptions, StorageEstimate};

use super::js::{self, HasLocks, HasPermission, HasPicker, HasStorage, count, error_name, object};
use crate::backend::{NoPlace, Storage};

/// Each page has a folder of its own in the private storage, and a lock of the same name while it lives.
const FOLDER_PREFIX: &str = "privydrop-";
const PRIVATE: PlaceId = PlaceId(0);
const MEMORY: PlaceId = PlaceId(1);
const DIRECTORY: PlaceId = PlaceId(2);

/// Where an item can be received into.
pub(super) enum Place {
    Directory(Rc<Chosen>),
    Private,
    Memory,
}

/// A directory of the person's.
pub(super) struct Chosen {
    pub(super) handle: FileSystemDirectoryHandle,
    /// Names that items of this page are about to take, folded, so that no two find the same one free.
    pub(super) claiming: RefCell<Vec<String>>,
}

/// What this page can receive into.
pub struct Places {
    /// This page's folder in the private storage.
    folder: String,
    chosen: RefCell<Option<Rc<Chosen>>>,
    /// Whether the browser gives private storage; taken for granted until it answered.
    has_private: Cell<bool>,
}

impl Places {
    /// Looks what there is. `page` names this page among the tabs of the browser.
    pub fn new(page: u64) -> Rc<Self> {
        let folder = format!("{FOLDER_PREFIX}{page:016x}");
        let places =
            Rc::new(Self { folder, chosen: RefCell::default(), has_private: Cell::new(storage().is_some()) });
        spawn_local({
            let places = Rc::clone(&places);
            async move {
                match private_root().await {
                    Ok(root) => clear_away(&root, &places.folder).await,
                    Err(_) => places.has_private.set(false),
                }
            }
        });
        places
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
                if may_write(&known.handle).await { Ok(DIRECTORY) } else { Err(NoPlace::Unavailable) }
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
                    let chosen = Chosen { handle: handle.unchecked_into(), claiming: RefCell::default() };
                    *places.chosen.borrow_mut() = Some(Rc::new(chosen));
                    Ok(DIRECTORY)
                }
                Err(error) if error_name(&error) == "AbortError" => Err(NoPlace::NotChosen),
                // The browser has the dialog but not for this page, as in a frame of another site.
                Err(_) => Ok(own),
            }
        })
    }

    pub(super) fn get(&self, place: PlaceId) -> Option<Place> {
        match place {
            PRIVATE => Some(Place::Private),
            MEMORY => Some(Place::Memory),
            DIRECTORY => self.chosen.borrow().clone().map(Place::Directory),
            _ => None,
        }
    }

    /// The name of this page's folder in the private storage.
    pub(super) fn folder(&self) -> &str {
        &self.folder
    }
}

fn picker() -> Option<HasPicker> {
    let window: HasPicker = web_sys::window()?.unchecked_into();
    window.picker().is_some().then_some(window)
}

fn storage() -> Option<web_sys::StorageManager> {
    web_sys::window()?.navigator().unchecked_into::<HasStorage>().storage()
}

/// The root of the browser's private storage.
pub(super) async fn private_root() -> Result<FileSystemDirectoryHandle, JsValue> {
    let storage = storage().ok_or(JsValue::UNDEFINED)?;
    if !Reflect::has(&storage, &"getDirectory".into())? {
        return Err(JsValue::UNDEFINED);
    }
    Ok(storage.get_directory().await?.unchecked_into())
}

/// Bytes that the browser would still store; `None` when it does not tell.
pub(super) async fn free_space() -> Option<u64> {
    let estimate: StorageEstimate = storage()?.estimate().ok()?.await.ok()?.unchecked_into();
    Some(count(estimate.get_quota()? - estimate.get_usage().unwrap_or(0.0)))
}

/// True when the person still allows writing, asked again if need be.
async fn may_write(handle: &FileSystemDirectoryHandle) -> bool {
    let handle: &HasPermission = handle.unchecked_ref();
    let options = object(&[("mode", "readwrite".into())]);
    let granted = |state: Result<JsValue, JsValue>| state.is_ok_and(|state| state == "granted");
    // A browser without the question asks by itself.
    let Ok(state) = handle.query_permission(&options) else { return true };
    if granted(state.await) {
        return true;
    }
    match handle.request_permission(&options) {
        Ok(state) => granted(state.await),
        Err(_) => false,
    }
}

/// Takes this page's lock for as long as it lives, and removes the folders whose pages are gone.
async fn clear_away(root: &FileSystemDirectoryHandle, own: &str) {
    let locks = web_sys::window().and_then(|window| window.navigator().unchecked_into::<HasLocks>().locks());
    // Without locks nobody knows which pages live.
    let Some(locks) = locks else { return };
    let for_ever = Closure::once_into_js(|_: JsValue| Promise::new(&mut |_, _| {}));
    if locks.request(own, for_ever.unchecked_ref::<Function>()).is_err() {
        return;
    }
    for name in names(root).await {
        if name.starts_with(FOLDER_PREFIX) && name != own {
            remove_abandoned(root, &locks, name);
        }
    }
}

/// What is in a directory; what cannot be listed is left out.
async fn names(directory: &FileSystemDirectoryHandle) -> Vec<String> {
    let (keys, mut names) = (directory.keys(), Vec::new());
    while let Ok(step) = keys.next() {
        let Ok(step) = step.await else { break };
        let step: IteratorNext = step.unchecked_into();
        match step.value().as_string() {
            Some(name) if !step.done() => names.push(name),
            _ => break,
        }
    }
    names
}

fn remove_abandoned(root: &FileSystemDirectoryHandle, locks: &js::Locks, name: String) {
    let options = object(&[("ifAvailable", JsValue::TRUE)]);
    let (root, folder) = (root.clone(), name.clone());
    let granted = Closure::once_into_js(move |lock: JsValue| {
        if lock.is_null() {
            return JsValue::UNDEFINED;
        }
        let all = FileSystemRemoveOptions::new();
        all.set_recursive(true);
        // Whatever cannot be removed now waits for the next start.
        let removed = root.remove_entry_with_options(&folder, &all);
        wasm_bindgen_futures::future_to_promise(async move {
            let _ = removed.await;
            Ok(JsValue::UNDEFINED)
        })
        .into()
    });
    if let Ok(done) = locks.request_with(&name, &options, granted.unchecked_ref()) {
        spawn_local(async move { _ = done.await });
    }
}
