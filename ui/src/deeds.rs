//! Carries out what a person wants: commands to the backend, changes of state, things kept in this browser.
//!
//! Runs inside the handler of the event that caused it, because choosing a place and copying need that gesture.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use gloo::timers::callback::Timeout;
use privydrop_common::api::{Command, ItemKey, Level, Notice, NoticeCode, Phase};
use privydrop_common::code::{Invitation, Link};
use privydrop_common::host::StoreId;
use privydrop_common::id::RoomId;
use wasm_bindgen_futures::spawn_local;
use web_sys::DataTransfer;
use yew::UseReducerDispatcher;

use crate::backend::{Backend, NoPlace};
use crate::choices::{offered, savable};
use crate::memory;
use crate::state::{Action, Intent, Remembered, State, Visit};

/// Milliseconds between the last key and sending the text.
const TYPING_PAUSE: u32 = 300;
/// Milliseconds between the last key and asking about a name.
const NAME_PAUSE: u32 = 350;
/// Milliseconds for which a message that needs no act is shown.
const PASSES_AFTER: u32 = 10_000;

/// Carries out what a person wants.
pub struct Deeds {
    backend: Rc<dyn Backend>,
    state: UseReducerDispatcher<State>,
    memo: RefCell<Memo>,
}

/// What must not be done twice, and what waits for a pause in typing.
#[derive(Default)]
struct Memo {
    saved: HashSet<StoreId>,
    passing: HashSet<u64>,
    text: Option<Timeout>,
    name: Option<Timeout>,
}

impl Deeds {
    /// Carries out by this backend and this state.
    pub fn new(backend: Rc<dyn Backend>, state: UseReducerDispatcher<State>) -> Self {
        Self { backend, state, memo: RefCell::default() }
    }

    /// Passes a command on.
    pub fn command(&self, command: Command) {
        self.backend.command(command);
    }

    /// Offers what was dropped or pasted.
    pub fn share(&self, transfer: DataTransfer) {
        self.backend.share_drop(transfer);
    }

    /// Something is dragged over the window, or no longer.
    pub fn drag(&self, over: bool) {
        self.state.dispatch(Action::Drag(over));
    }

    /// Enters the room of a link that was opened in this tab.
    pub fn open_link(&self, link: Link) {
        memory::keep_visit(&Visit::by_link(link.clone()));
        self.command(Command::Join(Invitation::Link(link)));
    }

    /// Does what is wanted.
    pub fn carry_out(&self, state: &State, intent: Intent) {
        match intent {
            Intent::Say(command) => self.command(command),
            Intent::Join => self.join(&state.join),
            Intent::TypeJoin(text) => {
                memory::change_visit(|visit| visit.typed = text.clone());
                self.state.dispatch(Action::TypeJoin(text));
            }
            Intent::OpenWished => {
                if let Some(name) = state.wished() {
                    memory::keep_visit(&Visit::default());
                    self.command(Command::Open { name: Some(name) });
                }
            }
            Intent::TypeWish(text) => self.look_up(text),
            Intent::Return => {
                if let Some(remembered) = &state.remembered {
                    let keepsake = Some(remembered.keepsake.clone());
                    memory::keep_visit(&Visit { keepsake, ..Visit::default() });
                    self.command(Command::Return(remembered.keepsake.clone()));
                }
            }
            Intent::Remember(keep) => self.remember(state.keepable().filter(|_| keep)),
            Intent::Leave => {
                memory::keep_visit(&Visit::default());
                self.command(Command::Leave);
            }
            Intent::Accept(item) => self.accept(state, vec![item]),
            Intent::AcceptAll => self.accept(state, offered(&state.view)),
            Intent::Save(store) => self.backend.save(store),
            Intent::ShareText(document) => {
                self.memo.borrow_mut().text = None;
                self.command(Command::SetText(document));
                self.state.dispatch(Action::ShareText(true));
            }
            Intent::EditText(document) => {
                if state.text_shared {
                    let backend = self.backend.clone();
                    let later =
                        Timeout::new(TYPING_PAUSE, move || backend.command(Command::SetText(document)));
                    self.memo.borrow_mut().text = Some(later);
                }
            }
            Intent::TextTooLong => self.tell(NoticeCode::TextTooLong, String::new()),
            Intent::Remove(key) => {
                if state.is_own_text(key) {
                    self.memo.borrow_mut().text = None;
                    self.state.dispatch(Action::ClearText);
                }
                self.command(Command::Remove(key));
            }
            Intent::Dismiss(id) => self.dismiss(id),
            Intent::Speak(language) => {
                memory::keep_language(language);
                self.state.dispatch(Action::Speak(language));
            }
            Intent::Paint(theme) => {
                memory::keep_theme(theme);
                self.state.dispatch(Action::Paint(theme));
            }
        }
    }

    /// Keeps up with a new view.
    pub fn follow(&self, state: &State) {
        if let Some(now) = state.keepable() {
            memory::change_visit(|visit| visit.keepsake = Some(now.keepsake.clone()));
            if state.remembered.as_ref().is_some_and(|before| before.room == now.room && *before != now) {
                self.remember(Some(now));
            }
        }
        if state.view.phase == Phase::InRoom {
            memory::change_visit(|visit| visit.typed.clear());
        }
        let expired = |notice: &Notice| notice.code == NoticeCode::KeepsakeExpired;
        if state.view.room.is_none() && state.view.notices.iter().any(expired) {
            self.forget_expired(state);
        }
        for store in savable(&state.view) {
            if self.memo.borrow_mut().saved.insert(store) {
                self.backend.save(store);
            }
        }
        for notice in state.notices().iter().filter(|notice| notice.code.level() == Level::Status) {
            if self.memo.borrow_mut().passing.insert(notice.id) {
                let (backend, state, id) = (self.backend.clone(), self.state.clone(), notice.id);
                Timeout::new(PASSES_AFTER, move || dismiss(&*backend, &state, id)).forget();
            }
        }
    }

    fn join(&self, typed: &str) {
        match typed.parse::<Invitation>() {
            Ok(Invitation::Link(link)) => self.open_link(link),
            Ok(code) => {
                memory::keep_visit(&Visit { typed: typed.to_owned(), ..Visit::default() });
                self.command(Command::Join(code));
            }
            Err(reason) => {
                self.tell(NoticeCode::NotAnInvitation, String::new());
                self.state.dispatch(Action::Mistype(reason));
            }
        }
    }

    fn look_up(&self, text: String) {
        let name = text.parse().ok();
        self.state.dispatch(Action::TypeWish(text));
        let (backend, state) = (self.backend.clone(), self.state.clone());
        let ask = name.map(|name: RoomId| {
            Timeout::new(NAME_PAUSE, move || {
                let answer = backend.room_is_free(name.clone());
                spawn_local(async move { state.dispatch(Action::Answer(name, answer.await)) });
            })
        });
        self.memo.borrow_mut().name = ask;
    }

    fn accept(&self, state: &State, items: Vec<ItemKey>) {
        let subject = items.first().and_then(|key| state.item_name(*key)).unwrap_or_default();
        let place = self.backend.choose_place();
        let (backend, dispatcher) = (self.backend.clone(), self.state.clone());
        spawn_local(async move {
            match place.await {
                Ok(place) => {
                    items.into_iter().for_each(|item| backend.command(Command::Accept { item, place }));
                }
                Err(NoPlace::NotChosen) => {
                    dispatcher.dispatch(Action::Tell { code: NoticeCode::PlaceNotChosen, subject });
                }
                Err(NoPlace::Unavailable) => {
                    dispatcher.dispatch(Action::Tell { code: NoticeCode::PlaceUnwritable, subject });
                }
            }
        });
    }

    fn remember(&self, room: Option<Remembered>) {
        memory::keep_room(room.as_ref());
        self.state.dispatch(Action::Remember(room));
    }

    /// A room that is gone is not tried again, neither by a reload nor by the card of the remembered one. Only the
    /// link by which this tab came may still open it.
    fn forget_expired(&self, state: &State) {
        let visit = memory::visit();
        let Some(tried) = visit.keepsake else { return };
        memory::change_visit(|visit| visit.keepsake = None);
        if state.remembered.as_ref().is_some_and(|remembered| remembered.keepsake == tried) {
            self.remember(None);
        }
        if let Some(link) = visit.link {
            self.command(Command::Join(Invitation::Link(link)));
        }
    }

    fn tell(&self, code: NoticeCode, subject: String) {
        self.state.dispatch(Action::Tell { code, subject });
    }

    fn dismiss(&self, id: u64) {
        dismiss(&*self.backend, &self.state, id);
    }
}

fn dismiss(backend: &dyn Backend, state: &UseReducerDispatcher<State>, id: u64) {
    if State::is_own(id) {
        state.dispatch(Action::Dismiss(id));
    } else {
        backend.command(Command::Dismiss(id));
    }
}
