//! The backend of the app's window: the session runs in the program around the page, and only commands, handles and
//! facts cross the bridge.
//!
//! No bytes of files, and no path: the program asks the person, and takes what is dropped.

use std::rc::Rc;

use futures_util::future::{FutureExt, LocalBoxFuture};
use gloo::timers::callback::Timeout;
use js_sys::{JSON, Promise, Uint8Array};
use privydrop_common::api::{Command, View};
use privydrop_common::bridge::{News, ShellFacts};
use privydrop_common::host::{PlaceId, StoreId};
use privydrop_common::id::RoomId;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::{Backend, NoAnswer, NoPlace, Storage, Wish};
use crate::state::Action;

/// Milliseconds before the program is asked again when it did not answer.
const AGAIN: u32 = 500;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["window", "__TAURI_INTERNALS__"])]
    fn invoke(door: &str, words: &JsValue) -> Result<Promise, JsValue>;
}

struct Desktop;

/// Asks the program for its facts from now on.
pub fn start(on: impl Fn(Action) + 'static) -> Rc<dyn Backend> {
    spawn_local(listen(on));
    Rc::new(Desktop)
}

/// One question at a time, each answered when there is something newer: what comes too fast is left out.
async fn listen(on: impl Fn(Action)) {
    let (mut after, mut view, mut shell) = (0, View::default(), ShellFacts::default());
    loop {
        let answer = call("news", json!({ "after": after })).await;
        let news = answer.ok().and_then(|bytes| {
            let bytes = Uint8Array::new(&bytes).to_vec();
            serde_json::from_slice::<News>(&bytes).ok()
        });
        let Some(news) = news else {
            pause(AGAIN).await;
            continue;
        };
        after = news.number;
        if news.shell != shell {
            shell = news.shell.clone();
            on(Action::Surrounded(news.shell));
        }
        if news.view != view {
            view = news.view.clone();
            on(Action::Viewed(news.view));
        }
    }
}

impl Backend for Desktop {
    fn command(&self, command: Command) {
        tell("command", json!({ "command": command }));
    }

    // The page has no field for files, and what is dropped never comes here.
    fn share_files(&self, _: Vec<web_sys::File>) {}

    fn share_drop(&self, _: web_sys::DataTransfer) {}

    fn choose_place(&self) -> LocalBoxFuture<'static, Result<PlaceId, NoPlace>> {
        async {
            ask("choose_place", json!({}))
                .await
                .unwrap_or_else(|why| Err(why.unwrap_or(NoPlace::Unavailable)))
        }
        .boxed_local()
    }

    fn storage(&self) -> Storage {
        Storage::Directory
    }

    fn save(&self, store: StoreId) {
        tell("reveal", json!({ "store": store }));
    }

    fn unfinished(&self, clear: bool) -> LocalBoxFuture<'static, u64> {
        async move {
            let left = call("unfinished", json!({ "clear": clear })).await;
            left.ok().and_then(|bytes| read(&bytes)).unwrap_or(0)
        }
        .boxed_local()
    }

    fn room_is_free(&self, name: RoomId) -> LocalBoxFuture<'static, Result<bool, NoAnswer>> {
        async move {
            let answer = ask("room_is_free", json!({ "name": name })).await;
            answer.unwrap_or_else(|why| Err(why.unwrap_or(NoAnswer::Unreachable)))
        }
        .boxed_local()
    }

    fn wish(&self, wish: Wish) {
        match wish {
            Wish::PickFiles => tell("pick_files", json!({})),
            Wish::PickFolder => tell("pick_folder", json!({})),
            Wish::ChooseDownloads => tell("choose_downloads", json!({})),
            Wish::Autostart(on) => tell("autostart", json!({ "on": on })),
            Wish::Join(link) => tell("join", json!({ "link": link })),
            Wish::Speak(words) => tell("speak", json!({ "words": words })),
        }
    }

    fn use_server(&self, address: String) -> LocalBoxFuture<'static, bool> {
        async move { call("server", json!({ "address": address })).await.is_ok() }.boxed_local()
    }
}

/// Calls a door of the program.
async fn call(door: &str, words: Value) -> Result<JsValue, JsValue> {
    let words = JSON::parse(&words.to_string())?;
    JsFuture::from(invoke(door, &words)?).await
}

/// The same, when nobody waits for an answer: what follows shows in the facts.
fn tell(door: &'static str, words: Value) {
    spawn_local(async move { drop(call(door, words).await) });
}

/// The same for an answer of this kind: the answer, or the refusal, which is nothing when the door itself failed.
async fn ask<T: DeserializeOwned, E: DeserializeOwned>(
    door: &'static str,
    words: Value,
) -> Result<Result<T, E>, Option<E>> {
    match call(door, words).await {
        Ok(answer) => read(&answer).map(Ok).ok_or(None),
        Err(refusal) => Err(read(&refusal)),
    }
}

fn read<T: DeserializeOwned>(value: &JsValue) -> Option<T> {
    let text = JSON::stringify(value).ok()?.as_string()?;
    serde_json::from_str(&text).ok()
}

async fn pause(milliseconds: u32) {
    let (tell, told) = futures_channel::oneshot::channel::<()>();
    Timeout::new(milliseconds, move || _ = tell.send(())).forget();
    let _ = told.await;
}
