//! The backend of a plain browser: the session runs in the page, over the browser's WebRTC, files and storage.
//!
//! Joins the parts and hands calls on. Rules are the session's, browser interfaces those of [`crate::web`].

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use js_sys::Reflect;
use privydrop_common::api::{Command, NewItem, NoticeCode, Phase, View};
use privydrop_common::code::Invitation;
use privydrop_common::drive::drive;
use privydrop_common::host::{PlaceId, StoreId};
use privydrop_common::id::RoomId;
use privydrop_common::session::Session;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DataTransfer, File, Response, Window};

use super::{Backend, NoAnswer, NoPlace, Storage};
use crate::state::Action;
use crate::web::files::Files;
use crate::web::host::{BrowserHost, Commands};
use crate::web::js::fold;
use crate::web::lock::{Held, Taken, take};
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
    room: Rc<Room>,
    on: Rc<dyn Fn(Action)>,
    server: String,
}

/// The room that this page has, and no other page of the browser.
type Room = RefCell<Option<(RoomId, Option<Held>)>>;

/// Starts the session in this page.
pub fn start(on: impl Fn(Action) + 'static) -> Rc<dyn Backend> {
    let (on, room): (Rc<dyn Fn(Action)>, Rc<Room>) = (Rc::new(on), Rc::default());
    let (files, server) = (Rc::new(Files::default()), server());
    let commands = Commands::new(&socket_address(&server));
    let places = Places::new({
        let on = Rc::clone(&on);
        move |storage| on(Action::Store(storage))
    });
    let stores = Stores::new(Rc::clone(&places), commands.clone());
    let show = {
        let (stores, room, on) = (Rc::clone(&stores), Rc::clone(&room), Rc::clone(&on));
        move |view: View| {
            keep_room(&room, &view);
            let wanted = (view.phase != Phase::Idle).then(|| (view.wanted.clone(), !view.items.is_empty()));
            on(Action::Viewed(view));
            if let Some((wanted, is_near)) = wanted {
                stores.expect(wanted, is_near);
            }
        }
    };
    let host = BrowserHost::new(&commands, Rc::clone(&files), Rc::clone(&stores), show);
    // Without randomness there are no secrets, and so no session: the page stays as it is.
    if let Some(seed) = random() {
        spawn_local(drive(Session::new(seed, fold).with_lanes(host.lanes()), host));
    }
    Rc::new(Browser { commands, files, places, stores, room, on, server })
}

/// Takes the lock of the room that the page is in, and lets go of the one before.
fn keep_room(room: &Rc<Room>, view: &View) {
    let Some(now) = view.room.as_ref().filter(|_| view.phase != Phase::Idle) else {
        if view.phase == Phase::Idle {
            room.take();
        }
        return;
    };
    if is_in(room, &now.id) {
        return;
    }
    let (room, id) = (Rc::clone(room), now.id.clone());
    room.replace(Some((id.clone(), None)));
    spawn_local(async move {
        let held = take(&lock_of(&id)).await;
        if let (Ok(held), true) = (held, is_in(&room, &id)) {
            room.replace(Some((id, held)));
        }
    });
}

fn is_in(room: &Room, id: &RoomId) -> bool {
    room.borrow().as_ref().is_some_and(|(here, _)| here == id)
}

/// Every page of this browser finds the lock of a room under this name.
fn lock_of(room: &RoomId) -> String {
    format!("privydrop-room {room}")
}

/// The room that a command leads into, when it is known.
fn leads_into(command: &Command) -> Option<RoomId> {
    match command {
        Command::Join(Invitation::Code(code)) => Some(code.room.clone()),
        Command::Join(Invitation::Link(link)) => Some(link.room.clone()),
        Command::Return(keepsake) => keepsake.room(),
        _ => None,
    }
}

impl Backend for Browser {
    /// One page of a browser takes part in a room: a second one would come in as somebody else, or take the first one's
    /// place.
    fn command(&self, command: Command) {
        let Some(id) = leads_into(&command).filter(|id| !is_in(&self.room, id)) else {
            return self.commands.give(command);
        };
        let (room, commands, on) = (Rc::clone(&self.room), self.commands.clone(), Rc::clone(&self.on));
        if self.room.borrow().is_none() {
            commands.expect();
        }
        let taken = take(&lock_of(&id));
        spawn_local(async move {
            match taken.await {
                Ok(held) => {
                    room.replace(Some((id, held)));
                    commands.give(command);
                }
                Err(Taken) => {
                    commands.forget();
                    on(Action::Tell { code: NoticeCode::AlreadyOpen, subject: id.to_string() });
                }
            }
        });
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

    fn unfinished(&self, clear: bool) -> LocalBoxFuture<'static, u64> {
        let stores = Rc::clone(&self.stores);
        Box::pin(async move { stores.unfinished(clear).await })
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

/// Where the server is, without a slash at the end: named by the page in front of its first script, which asks for the name as well,
/// or where the page came from.
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
    use privydrop_common::api::Keepsake;

    use super::*;

    #[test]
    fn what_leads_into_a_room_names_it() {
        let link = Command::Join("#123456.AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap());
        let code = Command::Join("123456-acid-acorn-acre".parse().unwrap());
        assert_eq!(leads_into(&link), "123456".parse().ok());
        assert_eq!(leads_into(&code), leads_into(&link));
        assert_eq!(leads_into(&Command::Return(Keepsake("unreadable".into()))), None);
        assert_eq!(leads_into(&Command::Leave), None);
    }

    #[test]
    fn the_socket_is_as_private_as_the_page() {
        assert_eq!(socket_address("https://drop.example"), "wss://drop.example/ws");
        assert_eq!(socket_address("http://127.0.0.1:8080"), "ws://127.0.0.1:8080/ws");
    }
}
