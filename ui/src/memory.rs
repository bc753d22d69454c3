//! What this browser keeps for the page: the person's choices and a remembered room for good, the visit for one tab.
//!
//! Secrets stay on this device. Storage that is missing, full or unreadable is as good as empty: nothing fails for it.

use gloo::storage::{LocalStorage, SessionStorage, Storage};

use crate::locale::Language;
use crate::state::{Remembered, Visit};
use crate::theme::Theme;

const LANGUAGE: &str = "privydrop.language";
const THEME: &str = "privydrop.theme";
const ROOM: &str = "privydrop.room";
const VISIT: &str = "privydrop.visit";

/// The chosen language, else the first that the browser asks for and the page speaks.
pub fn language() -> Language {
    let chosen = LocalStorage::get::<String>(LANGUAGE).ok().and_then(|tag| Language::of_tag(&tag));
    chosen.unwrap_or_else(|| {
        let wanted: Vec<String> =
            gloo::utils::window().navigator().languages().iter().filter_map(|tag| tag.as_string()).collect();
        Language::choose(wanted.iter().map(String::as_str))
    })
}

/// Keeps the chosen language.
pub fn keep_language(language: Language) {
    let _ = LocalStorage::set(LANGUAGE, language.tag());
}

/// The chosen colours.
pub fn theme() -> Theme {
    LocalStorage::get(THEME).unwrap_or_default()
}

/// Keeps the chosen colours.
pub fn keep_theme(theme: Theme) {
    let _ = LocalStorage::set(THEME, theme);
}

/// The remembered room.
pub fn room() -> Option<Remembered> {
    LocalStorage::get(ROOM).ok()
}

/// Remembers a room in place of the one before, or forgets it.
pub fn keep_room(room: Option<&Remembered>) {
    match room {
        Some(room) => {
            let _ = LocalStorage::set(ROOM, room);
        }
        None => LocalStorage::delete(ROOM),
    }
}

/// This tab's visit.
pub fn visit() -> Visit {
    SessionStorage::get(VISIT).unwrap_or_default()
}

/// Keeps this tab's visit over a reload.
pub fn keep_visit(visit: &Visit) {
    let _ = SessionStorage::set(VISIT, visit);
}

/// Changes this tab's visit; the same again costs nothing.
pub fn change_visit(change: impl FnOnce(&mut Visit)) {
    let before = visit();
    let mut after = before.clone();
    change(&mut after);
    if after != before {
        keep_visit(&after);
    }
}
