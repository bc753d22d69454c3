//! What the page knows and how it changes: pure, stepped by plain tests.
//!
//! Holds facts of the session's view next to what the person is typing. No browser object lives here, nothing here
//! talks to a backend, and nothing reads a clock.

use std::rc::Rc;

use privydrop_common::api::{
    Command, ItemKey, ItemKind, ItemView, Keepsake, Level, Notice, NoticeCode, Phase, View,
};
use privydrop_common::bridge::ShellFacts;
use privydrop_common::code::InvalidInvitation;
use privydrop_common::host::StoreId;
use privydrop_common::id::RoomId;
use privydrop_common::text::Document;
use yew::Reducible;

use crate::backend::{NoAnswer, Storage, Wish};
use crate::locale::Language;
use crate::theme::Theme;
use crate::visit::Remembered;

/// Messages of the page itself are numbered from here, far above those of the session.
const FIRST_OWN_NOTICE: u64 = 1 << 63;

/// What a person wants; the app turns it into changes of state, commands, and calls of the browser.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    /// Something that the session understands as it is: pause, resume, cancel.
    Say(Command),
    /// Join by what stands in the field.
    Join,
    /// The join field changed.
    TypeJoin(String),
    /// Open a room of the wished name.
    OpenWished,
    /// The field for a wished name changed.
    TypeWish(String),
    /// Go back into the remembered room.
    Return,
    /// Remember the room on this device, or forget it.
    Remember(bool),
    /// Leave the room.
    Leave,
    /// Take one item.
    Accept(ItemKey),
    /// Take everything that is offered.
    AcceptAll,
    /// Hand over what was received.
    Save(StoreId),
    /// Remove what was left unfinished.
    ClearUnfinished,
    /// Share the text, and from then on each change of it.
    ShareText(Document),
    /// The text changed.
    EditText(Document),
    /// What was typed is longer than can be shared as text.
    TextTooLong,
    /// Offer an own item no more, or take the item of another off the list.
    Remove(ItemKey),
    /// A message was read.
    Dismiss(u64),
    /// Speak this language.
    Speak(Language),
    /// Show these colours.
    Paint(Theme),
    /// Something that only the program around the page can do.
    Wish(Wish),
    /// Use the server of this address.
    UseServer(String),
}

/// What is known about the wished name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameState {
    /// Nothing is wished.
    #[default]
    Empty,
    /// Not a room's name.
    Invalid,
    /// The server is being asked.
    Checking,
    /// Nobody has it.
    Free,
    /// Somebody has it.
    Taken,
    /// The server could not be asked.
    Unknown(NoAnswer),
}

/// Everything the page knows.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The session's newest facts.
    pub view: Rc<View>,
    /// The page was opened to come into a room, and the session has not begun with it yet.
    arriving: bool,
    /// It was, and has not taken long so far.
    held: bool,
    /// Messages of the page itself, oldest first, each with the session's newest one at that time.
    told: Vec<(u64, Notice)>,
    next_notice: u64,
    /// What stands in the join field.
    pub join: String,
    /// Why it is no invitation, once it was tried.
    pub mistyped: Option<InvalidInvitation>,
    /// What stands in the field for a wished name.
    pub wish: String,
    /// What is known about it.
    pub name: NameState,
    /// Something is being dragged over the window.
    pub dragging: bool,
    /// The text was shared, so its changes are too.
    pub text_shared: bool,
    /// Which text stands in the editor: another number is a fresh, empty one.
    pub text_round: u32,
    /// Where what is received goes.
    pub storage: Storage,
    /// Bytes of what was left unfinished in this browser.
    pub unfinished: u64,
    /// The room that this device remembers.
    pub remembered: Option<Remembered>,
    /// The language spoken.
    pub language: Language,
    /// The colours shown.
    pub theme: Theme,
    /// What the program around the page says of itself; nothing in a browser.
    pub shell: ShellFacts,
    /// What was given as a server's address is none.
    pub no_server: bool,
}

/// Everything that changes the state.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The session has new facts.
    Viewed(View),
    /// What is received goes there from now on.
    Store(Storage),
    /// A person is to see what the page does, and be able to stop it.
    Late,
    /// The page itself has a message.
    Tell {
        /// What happened.
        code: NoticeCode,
        /// The name it is about.
        subject: String,
    },
    /// A message of the page itself was read.
    Dismiss(u64),
    /// The join field changed.
    TypeJoin(String),
    /// What stands in the join field is no invitation.
    Mistype(InvalidInvitation),
    /// The field for a wished name changed.
    TypeWish(String),
    /// The server answered about a name.
    Answer(RoomId, Result<bool, NoAnswer>),
    /// Something is dragged over the window, or no longer.
    Drag(bool),
    /// The text is shared, or no longer.
    ShareText(bool),
    /// The editor is emptied.
    ClearText,
    /// So many bytes were left unfinished.
    Unfinished(u64),
    /// A room is remembered now, or none.
    Remember(Option<Remembered>),
    /// Another language was chosen.
    Speak(Language),
    /// Other colours were chosen.
    Paint(Theme),
    /// The program around the page has new facts.
    #[cfg_attr(not(feature = "desktop"), allow(dead_code, reason = "a browser is no such program"))]
    Surrounded(ShellFacts),
    /// A server's address was taken, or refused.
    RefuseServer(bool),
}

impl State {
    /// A page that has just been opened, and is on its way into a room if `phase` says so: what is drawn first takes
    /// the longest, and is not to be gone at once.
    pub fn new(
        language: Language,
        theme: Theme,
        remembered: Option<Remembered>,
        typed: String,
        phase: Phase,
    ) -> Self {
        Self {
            view: Rc::new(View { phase, ..View::default() }),
            arriving: phase != Phase::Idle,
            held: phase != Phase::Idle,
            told: Vec::new(),
            next_notice: FIRST_OWN_NOTICE,
            join: typed,
            mistyped: None,
            wish: String::new(),
            name: NameState::Empty,
            dragging: false,
            text_shared: false,
            text_round: 0,
            storage: Storage::Private,
            unfinished: 0,
            remembered,
            language,
            theme,
            shell: ShellFacts::default(),
            no_server: false,
        }
    }

    /// The wished name, when it is one.
    pub fn wished(&self) -> Option<RoomId> {
        self.wish.parse().ok()
    }

    /// True while nothing goes on: in no room, and nothing on the list.
    pub fn is_blank(&self) -> bool {
        self.view.phase == Phase::Idle && self.view.items.is_empty()
    }

    /// True while a page that was opened to come into a room is on its way and has nothing to say: it is drawn once it is
    /// there, or takes long.
    pub fn is_held(&self) -> bool {
        let silent = self.view.notices.is_empty() && self.told.is_empty();
        self.held && silent && matches!(self.view.phase, Phase::Opening | Phase::Joining)
    }

    /// True when the room is this device's own, or is about to be.
    pub fn hosts(&self) -> bool {
        self.view.phase == Phase::Opening || self.view.room.as_ref().is_some_and(|room| room.hosting)
    }

    /// What an item is called, when it is on the list.
    pub fn item_name(&self, key: ItemKey) -> Option<String> {
        self.view.items.iter().find(|item| item.key == key).map(|item| item.name.clone())
    }

    /// True for a text of this device, which stands in the editor too.
    pub fn is_own_text(&self, key: ItemKey) -> bool {
        let is_it = |item: &ItemView| item.key == key && item.kind == ItemKind::Text;
        key.owner.is_none() && self.view.items.iter().any(is_it)
    }

    /// All messages, oldest first: the session's, and between them the page's own.
    pub fn notices(&self) -> Vec<Notice> {
        let mut all = self.view.notices.clone();
        for (before, notice) in &self.told {
            let later = |other: &Notice| !Self::is_own(other.id) && other.id > *before;
            let place = all.iter().position(later).unwrap_or(all.len());
            all.insert(place, notice.clone());
        }
        all
    }

    /// What this device would keep to come back into its room.
    pub fn keepable(&self) -> Option<Remembered> {
        let room = self.view.room.as_ref()?;
        Some(Remembered { room: room.id.clone(), keepsake: room.keepsake.clone()? })
    }

    /// True when this leads into the remembered room: its name alone proves nothing, for anybody can make a room of it.
    pub fn keeps(&self, keepsake: &Keepsake) -> bool {
        self.remembered.as_ref().is_some_and(|remembered| keepsake.continues(&remembered.keepsake))
    }

    /// True for a message of the page itself.
    pub fn is_own(notice: u64) -> bool {
        notice >= FIRST_OWN_NOTICE
    }

    /// The next state.
    #[must_use]
    pub fn after(mut self, action: Action) -> Self {
        match action {
            Action::Viewed(view) => self.see(view),
            Action::Store(storage) => self.storage = storage,
            Action::Late => self.held = false,
            Action::Tell { code, subject } => self.tell(code, subject, None),
            Action::Dismiss(id) => self.told.retain(|(_, notice)| notice.id != id),
            Action::TypeJoin(text) => {
                self.join = text;
                self.mistyped = None;
                self.take_back(NoticeCode::NotAnInvitation);
            }
            Action::Mistype(reason) => self.mistyped = Some(reason),
            Action::TypeWish(text) => {
                self.wish = text;
                self.name = match self.wished() {
                    _ if self.wish.trim().is_empty() => NameState::Empty,
                    None => NameState::Invalid,
                    Some(_) => NameState::Checking,
                };
            }
            Action::Answer(name, answer) if self.wished().as_ref() == Some(&name) => {
                self.name = match answer {
                    Ok(true) => NameState::Free,
                    Ok(false) => NameState::Taken,
                    Err(reason) => NameState::Unknown(reason),
                };
            }
            // An answer about a name that is no longer wished.
            Action::Answer(..) => {}
            Action::Drag(over) => self.dragging = over,
            Action::ShareText(shared) => self.text_shared = shared,
            Action::ClearText => {
                self.text_shared = false;
                self.text_round += 1;
            }
            Action::Unfinished(bytes) => self.unfinished = bytes,
            Action::Remember(remembered) => self.remembered = remembered,
            Action::Speak(language) => self.language = language,
            Action::Paint(theme) => self.theme = theme,
            Action::Surrounded(facts) => self.be_in(facts),
            Action::RefuseServer(refused) => self.no_server = refused,
        }
        self
    }

    fn tell(&mut self, code: NoticeCode, subject: String, number: Option<u64>) {
        if core::mem::take(&mut self.arriving) {
            // It says why this page does not come in.
            Rc::make_mut(&mut self.view).phase = Phase::Idle;
        }
        self.take_back(code);
        let before = self.view.notices.last().map_or(0, |notice| notice.id);
        let notice = Notice { id: self.next_notice, code, subject, number, second: None };
        self.told.push((before, notice));
        self.next_notice += 1;
    }

    /// Takes the facts of the program around the page, and tells what it says for the first time.
    fn be_in(&mut self, facts: ShellFacts) {
        let heard = self.shell.told.last().map_or(0, |told| told.number);
        for told in facts.told.iter().filter(|told| told.number > heard) {
            self.tell(told.code, told.subject.clone(), told.count);
        }
        self.dragging = facts.dragging;
        self.shell = facts;
    }

    /// A message of the page itself that is no longer true.
    fn take_back(&mut self, code: NoticeCode) {
        self.told.retain(|(_, notice)| notice.code != code);
    }

    fn see(&mut self, mut view: View) {
        self.arriving &= view.phase == Phase::Idle && view.notices.is_empty();
        if self.arriving {
            view.phase = self.view.phase;
        }
        if view.phase == Phase::InRoom && self.view.phase != Phase::InRoom {
            self.join.clear();
            self.wish.clear();
            self.name = NameState::Empty;
            self.take_back(NoticeCode::NotAnInvitation);
        }
        if shares(&view) {
            self.take_back(NoticeCode::PickAgain);
        }
        if view.phase == Phase::Idle && self.view.phase != Phase::Idle {
            self.text_shared = false;
        }
        self.view = Rc::new(view);
    }
}

impl Reducible for State {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        Rc::new(Rc::unwrap_or_clone(self).after(action))
    }
}

/// True when this device offers something.
pub fn shares(view: &View) -> bool {
    view.items.iter().any(|item| item.key.owner.is_none())
}

/// The machine name of the newest message of a level; empty when there is none.
pub fn newest(notices: &[Notice], level: Level) -> &'static str {
    notices.iter().rev().find(|notice| notice.code.level() == level).map_or("", |notice| notice.code.as_str())
}

#[cfg(test)]
mod tests;
