//! While bytes move: the screen stays on, and leaving the page asks first.
//!
//! Both are favours of the browser; where it has none, nothing is said and nothing else changes.

use std::cell::RefCell;
use std::rc::Rc;

use gloo::events::{EventListener, EventListenerOptions};
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{BeforeUnloadEvent, VisibilityState};

/// Holds the screen and the page for as long as it lives.
pub struct Awake {
    lock: Rc<RefCell<Lock>>,
    _listeners: [EventListener; 2],
}

/// The browser's wake lock over time: it is lost whenever the page is hidden.
#[derive(Default)]
struct Lock {
    sentinel: Option<JsValue>,
    ended: bool,
}

impl Awake {
    /// Begins.
    pub fn begin() -> Self {
        let lock = Rc::new(RefCell::new(Lock::default()));
        acquire(lock.clone());
        let document = gloo::utils::document();
        let again = {
            let (lock, document) = (lock.clone(), document.clone());
            EventListener::new(&document.clone(), "visibilitychange", move |_| {
                if document.visibility_state() == VisibilityState::Visible {
                    acquire(lock.clone());
                }
            })
        };
        let window = gloo::utils::window();
        let options = EventListenerOptions::enable_prevent_default();
        let leaving = EventListener::new_with_options(&window, "beforeunload", options, |event| {
            event.prevent_default();
            if let Some(event) = event.dyn_ref::<BeforeUnloadEvent>() {
                event.set_return_value("leave?");
            }
        });
        Self { lock, _listeners: [again, leaving] }
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        let mut lock = self.lock.borrow_mut();
        lock.ended = true;
        if let Some(sentinel) = lock.sentinel.take() {
            release(&sentinel);
        }
    }
}

fn acquire(lock: Rc<RefCell<Lock>>) {
    let Some(asked) = request() else { return };
    spawn_local(async move {
        let Ok(sentinel) = JsFuture::from(asked).await else { return };
        let mut lock = lock.borrow_mut();
        if lock.ended {
            release(&sentinel);
        } else {
            lock.sentinel = Some(sentinel);
        }
    });
}

/// `navigator.wakeLock.request("screen")`, where the browser has it.
fn request() -> Option<Promise> {
    let navigator = gloo::utils::window().navigator();
    let locks = Reflect::get(&navigator, &"wakeLock".into()).ok().filter(JsValue::is_object)?;
    let request: Function = Reflect::get(&locks, &"request".into()).ok()?.dyn_into().ok()?;
    request.call1(&locks, &"screen".into()).ok()?.dyn_into().ok()
}

fn release(sentinel: &JsValue) {
    let release =
        Reflect::get(sentinel, &"release".into()).ok().and_then(|found| found.dyn_into::<Function>().ok());
    if let Some(done) = release.and_then(|release| release.call0(sentinel).ok()?.dyn_into::<Promise>().ok()) {
        // A lock that the browser took back already cannot be released; that is all that can go wrong.
        spawn_local(async move { drop(JsFuture::from(done).await) });
    }
}
