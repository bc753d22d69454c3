//! The backend of a plain browser: the session runs in the page, over the browser's WebRTC, files and storage.
//!
//! Joins the parts and hands calls on. Rules are the session's, browser interfaces those of [`crate::web`].

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use js_sys::Reflect;
use privydrop_common::api::{Command, NewItem, View};
use privydrop_common::drive::drive;
use privydrop_common::host::{PlaceId, StoreId};
use privydrop_common::id::RoomId;
use privydrop_common::session::Session;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DataTransfer, File, Response, Window};

use super::{Backend, NoAnswer, NoPlace, Storage};
use crate::choices::offered;
use crate::web::files::Files;
use crate::web::host::{BrowserHost, Commands};
use crate::web::js::fold;
use crate::web::pick::{Dropped, picked};
use crate::web::places::Places;
use crate::web::store::Stores;

/// Seconds to wait when the server says "too often" but not how long.
const UNTOLD_WAIT: u32 = 10;

struct Browser {
    commands: Commands,
    files: Rc<Files>,
    places: Rc<Places>,
    stores: Rc<Stores>,
    server: String,
}

/// Starts the session in this page.
pub fn start(on_view: impl Fn(View) + 'static) -> Rc<dyn Backend> {
    let (files, commands, server) = (Rc::new(Files::default()), Commands::default(), server());
    let places = Places::new(u64::from_le_bytes(random().unwrap_or_default()));
    let stores = Stores::new(Rc::clone(&places));
    let show = {
        let stores = Rc::clone(&stores);
        move |view: View| {
            if !offered(&view).is_empty() {
                stores.expect();
            }
            on_view(view);
        }
    };
    let host =
        BrowserHost::new(&commands, socket_address(&server), Rc::clone(&files), Rc::clone(&stores), show);
    // Without randomness there are no secrets, and so no session: the page stays as it is.
    if let Some(seed) = random() {
        spawn_local(drive(Session::new(seed, fold).with_lanes(host.lanes()), host));
    }
    Rc::new(Browser { commands, files, places, stores, server })
}

impl Backend for Browser {
    fn command(&self, command: Command) {
        self.commands.give(command);
    }

    fn share_files(&self, files: Vec<File>) {
        share(&self.commands, picked(files, &self.files));
    }

    fn share_drop(&self, transfer: DataTransfer) {
        let dropped = Dropped::new(&transfer);
        let (commands, files) = (self.commands.clone(), Rc::clone(&self.files));
        spawn_local(async move { share(&commands, dropped.items(&files).await) });
    }

    fn choose_place(&self) -> LocalBoxFuture<'static, Result<PlaceId, NoPlace>> {
        self.places.choose()
    }

    fn storage(&self) -> Storage {
        self.places.storage()
    }

    fn save(&self, store: StoreId) {
        self.stores.save(store);
    }

    fn room_is_free(&self, name: RoomId) -> LocalBoxFuture<'static, Result<bool, NoAnswer>> {
        let address = format!("{}/api/rooms/{name}", self.server);
        Box::pin(async move { ask(&address).await })
    }
}

fn share(commands: &Commands, items: Vec<NewItem>) {
    if !items.is_empty() {
        commands.give(Command::Share(items));
    }
}

/// Random bytes from the browser's generator.
fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let crypto = web_sys::window()?.crypto().ok()?;
    crypto.get_random_values_with_u8_array(&mut bytes).ok()?;
    Some(bytes)
}

/// Where the server is, without a slash at the end: named by the page, or where the page came from.
fn server() -> String {
    let document = web_sys::window().and_then(|window| window.document());
    let named =
        document.and_then(|document| document.query_selector("meta[name=privydrop-server]").ok().flatten());
    let named = named.and_then(|meta| meta.get_attribute("content")).filter(|server| !server.is_empty());
    let origin = || web_sys::window().and_then(|window: Window| window.location().origin().ok());
    named.or_else(origin).unwrap_or_default().trim_end_matches('/').to_owned()
}

/// `http` and `https` become `ws` and `wss`.
fn socket_address(server: &str) -> String {
    format!("{}/ws", server.replacen("http", "ws", 1))
}

async fn ask(address: &str) -> Result<bool, NoAnswer> {
    let window = web_sys::window().ok_or(NoAnswer::Unreachable)?;
    let unreachable = |_: JsValue| NoAnswer::Unreachable;
    let response: Response = window.fetch_with_str(address).await.map_err(unreachable)?.unchecked_into();
    if response.status() == 429 {
        let wait = response.headers().get("retry-after").ok().flatten();
        return Err(NoAnswer::TooOften(wait.and_then(|wait| wait.parse().ok()).unwrap_or(UNTOLD_WAIT)));
    }
    let answer = response.json().map_err(unreachable)?.await.map_err(unreachable)?;
    let free = Reflect::get(&answer, &"free".into()).map_err(unreachable)?;
    free.as_bool().ok_or(NoAnswer::Unreachable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_as_private_as_the_page() {
        assert_eq!(socket_address("https://drop.example"), "wss://drop.example/ws");
        assert_eq!(socket_address("http://127.0.0.1:8080"), "ws://127.0.0.1:8080/ws");
    }
}
