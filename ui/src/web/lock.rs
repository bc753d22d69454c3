//! Locks that all pages of this browser share, so that one of them at a time has a room.
//!
//! A browser frees a page's locks when the page ends, however it ends. Names nothing and decides nothing.

use core::cell::Cell;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use js_sys::{Function, Promise};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortSignal;

use super::js::{HasLocks, object};

/// Milliseconds in which a page that is being loaded again, or closed, lets go of its locks.
const PATIENCE: u32 = 2_000;

/// A lock; dropping it lets go of it.
pub struct Held(Function);

/// Another page has the lock, and keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken;

impl Drop for Held {
    fn drop(&mut self) {
        // Resolves a promise, which cannot fail.
        let _ = self.0.call0(&JsValue::UNDEFINED);
    }
}

/// Takes the lock of this name, which is asked for at once. `None` where the browser has no locks: nobody knows of other
/// pages then.
pub fn take(name: &str) -> impl Future<Output = Result<Option<Held>, Taken>> + use<> {
    let asked = ask(name);
    async {
        let Some((told, asked)) = asked else { return Ok(None) };
        match select(told, JsFuture::from(asked)).await {
            Either::Left((held, _)) => held.map(Some).map_err(|_| Taken),
            Either::Right(_) => Err(Taken),
        }
    }
}

/// Where the lock arrives, and what ends without it.
fn ask(name: &str) -> Option<(oneshot::Receiver<Held>, Promise)> {
    let locks = web_sys::window()?.navigator().unchecked_into::<HasLocks>().locks()?;
    let (tell, told) = oneshot::channel();
    let granted = Closure::once_into_js(move |_: JsValue| {
        let tell = Cell::new(Some(tell));
        Promise::new(&mut |release, _| _ = tell.take().map(|tell| tell.send(Held(release))))
    });
    let options = object(&[("signal", AbortSignal::timeout_with_u32(PATIENCE).into())]);
    let asked = locks.request_with(name, &options, granted.unchecked_ref()).ok()?;
    Some((told, asked))
}
