//! Carries out what a person wants: commands to the backend, changes of state, things kept in this browser.
//!
//! Runs inside the handler of the event that caused it, because choosing a place and copying need that gesture.

use std::cell::RefCell;
use std::rc::Rc;

use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use privydrop_common::api::{Command, ItemKey, Keepsake, Level, Notice, NoticeCode, Phase};
use privydrop_common::code::{Invitation, Link};
use privydrop_common::host::StoreId;
use privydrop_common::id::RoomId;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DataTransfer, File};
use yew::{UseReducerDispatcher, UseReducerHandle};

use crate::awake::Awake;
use crate::backend::{self, Backend, IN_APP, NoPlace, Wish};
use crate::choices::{offered, savable};
use crate::locale::{Language, Locale};
use crate::state::{Action, Intent, State, shares};
use crate::theme::Theme;
use crate::visit::{Remembered, Visit};
use crate::{device, listeners, memory, words};

/// Milliseconds between the last key and sending the text.
const TYPING_PAUSE: u32 = 300;
/// Milliseconds between the last key and asking about a name.
const NAME_PAUSE: u32 = 350;
/// Milliseconds for which a message that needs no act is shown.
const PASSES_AFTER: u32 = 10_000;
/// Milliseconds after which a person is to see what the page does, and be able to stop it.
const LONGEST_HELD: u32 = 400;

/// Carries out what a person wants.
pub struct Deeds {
    backend: Rc<dyn Backend>,
    state: UseReducerDispatcher<State>,
    memo: RefCell<Memo>,
}

/// What must not be done twice, what waits for a pause in typing, and what lasts as long as the page.
#[derive(Default)]
struct Memo {
    latest: Option<UseReducerHandle<State>>,
    marked: Option<(Language, Theme)>,
    keepsake: Option<Keepsake>,
    saved: Vec<StoreId>,
    passing: Vec<u64>,
    text: Option<Timeout>,
    name: Option<Timeout>,
    awake: Option<Awake>,
    listening: Vec<EventListener>,
    shares: bool,
    /// In no room, and looked for what was left unfinished.
    idle: bool,
    /// What this tab shared before it was loaded again is not said to be forgotten yet.
    pick_again: bool,
}

impl Deeds {
    /// Starts the session, introduces this device, and goes where the address or the tab's memory leads.
    pub fn start(state: UseReducerDispatcher<State>) -> Rc<Self> {
        let on_view = state.clone();
        let backend = backend::start(move |action| on_view.dispatch(action));
        state.dispatch(Action::Store(backend.storage()));
        let deeds = Rc::new(Self { backend, state, memo: RefCell::default() });
        if !IN_APP {
            deeds.begin_visit();
        }
        let listening = listeners::listen(&deeds);
        deeds.memo.borrow_mut().listening = listening;
        deeds
    }

    /// In a browser the session begins with the page. In the app it was there before, and has a name.
    fn begin_visit(&self) {
        let late = self.state.clone();
        Timeout::new(LONGEST_HELD, move || late.dispatch(Action::Late)).forget();
        self.command(Command::Introduce(device::label(&listeners::user_agent())));
        let link = listeners::link();
        let visit = memory::visit();
        self.memo.borrow_mut().pick_again = visit.shares && link.is_none();
        if let Some(first) = visit.first_command(link.as_ref()) {
            self.command(first);
        }
        if let Some(link) = link {
            memory::keep_visit(&Visit::by_link(link));
        }
    }

    /// What the person wants is carried out against the state of the newest drawing.
    pub fn drawn(&self, state: &UseReducerHandle<State>) {
        self.memo.borrow_mut().latest = Some(state.clone());
    }

    /// Offers files that were picked.
    pub fn share_files(&self, files: Vec<File>) {
        self.backend.share_files(files);
    }

    /// Passes a command on.
    pub fn command(&self, command: Command) {
        self.backend.command(command);
    }

    /// Offers what was dropped or pasted.
    pub fn share(&self, transfer: DataTransfer) {
        self.backend.share_drop(transfer);
    }

    /// Files were pasted into the app's page, which has none: they are the program's to share, or nobody's.
    pub fn pasted_in_app(&self) {
        let latest = self.memo.borrow().latest.clone();
        if latest.is_some_and(|state| !state.shell.takes_pasted) {
            self.tell(NoticeCode::FilesNotPasted, String::new());
        }
    }

    /// Something is dragged over the window, or no longer.
    pub fn drag(&self, over: bool) {
        self.state.dispatch(Action::Drag(over));
    }

    /// Enters the room of a link that was opened in this tab.
    pub fn open_link(&self, link: Link) {
        self.start_over(Visit::by_link(link.clone()));
        self.command(Command::Join(Invitation::Link(link)));
    }

    /// Does what is wanted.
    pub fn carry_out(&self, intent: Intent) {
        let latest = self.memo.borrow().latest.clone();
        let Some(state) = latest.as_deref() else { return };
        match intent {
            Intent::Say(command) => self.command(command),
            Intent::Join => self.join(&state.join),
            Intent::TypeJoin(text) => {
                memory::change_visit(|visit| visit.typed = text.clone());
                self.state.dispatch(Action::TypeJoin(text));
            }
            Intent::OpenWished => {
                if let Some(name) = state.wished() {
                    self.start_over(Visit::default());
                    self.command(Command::Open { name: Some(name) });
                }
            }
            Intent::TypeWish(text) => self.look_up(text),
            Intent::Return => {
                if let Some(remembered) = &state.remembered {
                    let keepsake = Some(remembered.keepsake.clone());
                    self.start_over(Visit { keepsake, ..Visit::default() });
                    self.command(Command::Return(remembered.keepsake.clone()));
                }
            }
            Intent::Remember(keep) => self.remember(state.keepable().filter(|_| keep)),
            Intent::Leave => {
                self.start_over(Visit::default());
                self.command(Command::Leave);
            }
            Intent::Accept(item) => self.accept(state, vec![item]),
            Intent::AcceptAll => self.accept(state, offered(&state.view)),
            Intent::Save(store) => self.backend.save(store),
            Intent::ClearUnfinished => {
                self.command(Command::Forget);
                self.look_for_unfinished(true);
            }
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
                self.speak(language);
            }
            Intent::Paint(theme) => {
                memory::keep_theme(theme);
                self.state.dispatch(Action::Paint(theme));
            }
            Intent::Wish(wish) => self.backend.wish(wish),
            Intent::UseServer(address) => self.use_server(address),
        }
    }

    fn speak(&self, language: Language) {
        let state = self.state.clone();
        spawn_local(async move {
            words::load(language).await;
            state.dispatch(if language.or_english() == language {
                Action::Speak(language)
            } else {
                Action::Tell { code: NoticeCode::ServerUnreachable, subject: String::new() }
            });
        });
    }

    fn look_for_unfinished(&self, clear: bool) {
        let (left, state) = (self.backend.unfinished(clear), self.state.clone());
        spawn_local(async move { state.dispatch(Action::Unfinished(left.await)) });
    }

    fn use_server(&self, address: String) {
        let (used, state) = (self.backend.use_server(address), self.state.clone());
        spawn_local(async move { state.dispatch(Action::RefuseServer(!used.await)) });
    }

    /// Keeps up with what is drawn: keeps what a reload needs, saves what arrived, keeps the screen on, lets
    /// messages pass by.
    pub fn follow(&self, state: &State) {
        if let Some(now) = state.keepable() {
            self.keep_up(state, now);
        }
        let expired = |notice: &Notice| notice.code == NoticeCode::KeepsakeExpired;
        if state.view.room.is_none() && state.view.notices.iter().any(expired) {
            self.forget_expired(state);
        }
        let mut memo = self.memo.borrow_mut();
        if memo.shares != shares(&state.view) {
            memo.shares = !memo.shares;
            memory::change_visit(|visit| visit.shares = memo.shares);
        }
        let idle = state.view.phase == Phase::Idle;
        if idle && !memo.idle {
            self.look_for_unfinished(false);
        }
        memo.idle = idle;
        if state.view.phase == Phase::InRoom && core::mem::take(&mut memo.pick_again) {
            self.tell(NoticeCode::PickAgain, String::new());
        }
        if memo.marked != Some((state.language, state.theme)) {
            memo.marked = Some((state.language, state.theme));
            if IN_APP {
                self.backend.wish(Wish::Speak(Box::new(Locale::of(state.language).app_words())));
            }
            listeners::mark_document("lang", state.language.tag());
            listeners::mark_document("data-theme", state.theme.mark());
        }
        // A window of the app may close: what moves goes on without it.
        if !IN_APP && memo.awake.is_some() != state.view.busy {
            memo.awake = state.view.busy.then(Awake::begin);
        }
        for store in savable(&state.view) {
            if !memo.saved.contains(&store) {
                memo.saved.push(store);
                self.backend.save(store);
            }
        }
        let passing = |notice: &&Notice| notice.code.level() == Level::Status;
        let notices = state.notices();
        memo.passing.retain(|id| notices.iter().any(|notice| notice.id == *id));
        for id in notices.iter().filter(passing).map(|notice| notice.id) {
            if !memo.passing.contains(&id) {
                memo.passing.push(id);
                let (backend, state) = (self.backend.clone(), self.state.clone());
                Timeout::new(PASSES_AFTER, move || dismiss(&*backend, &state, id)).forget();
            }
        }
    }

    /// Keeps what leads back into the room: for a reload, and for good when the person wants it.
    fn keep_up(&self, state: &State, now: Remembered) {
        if self.memo.borrow().keepsake.as_ref() == Some(&now.keepsake) {
            return;
        }
        self.memo.borrow_mut().keepsake = Some(now.keepsake.clone());
        memory::change_visit(|visit| {
            visit.keepsake = Some(now.keepsake.clone());
            visit.typed.clear();
        });
        if state.keeps(&now.keepsake) {
            self.remember(Some(now));
        }
    }

    /// Another visit begins in this tab.
    fn start_over(&self, visit: Visit) {
        let mut memo = self.memo.borrow_mut();
        (memo.keepsake, memo.shares) = (None, false);
        memory::keep_visit(&visit);
    }

    fn join(&self, typed: &str) {
        match typed.parse::<Invitation>() {
            // A whole address names its server too.
            Ok(Invitation::Link(_)) if IN_APP && typed.contains("://") => {
                self.backend.wish(Wish::Join(typed.to_owned()));
            }
            Ok(Invitation::Link(link)) => self.open_link(link),
            Ok(code) => {
                self.start_over(Visit { typed: typed.to_owned(), ..Visit::default() });
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
