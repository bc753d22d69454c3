//! What this browser keeps for the page: the person's choices and a remembered room for good, the visit for one tab.
//!
//! Secrets stay on this device. Storage that is missing, full or unreadable is as good as empty: nothing fails for it.

use privydrop_common::api::Keepsake;
use web_sys::Storage;

use crate::locale::Language;
use crate::theme::Theme;
use crate::visit::{Remembered, Visit};

const LANGUAGE: &str = "privydrop.language";
const THEME: &str = "privydrop.theme";
const ROOM: &str = "privydrop.room";
const LINK: &str = "privydrop.link";
const KEEPSAKE: &str = "privydrop.keepsake";
const TYPED: &str = "privydrop.typed";
const SHARES: &str = "privydrop.shares";

/// The chosen language, else the first that the browser asks for and the page speaks.
pub fn language() -> Language {
    let chosen = get(for_good(), LANGUAGE).and_then(|tag| Language::of_tag(&tag));
    chosen.unwrap_or_else(|| {
        let wanted: Vec<String> =
            gloo::utils::window().navigator().languages().iter().filter_map(|tag| tag.as_string()).collect();
        Language::choose(wanted.iter().map(String::as_str))
    })
}

/// Keeps the chosen language.
pub fn keep_language(language: Language) {
    set(for_good(), LANGUAGE, Some(language.tag()));
}

/// The chosen colours.
pub fn theme() -> Theme {
    let mark = get(for_good(), THEME);
    Theme::ALL.into_iter().find(|theme| mark.as_deref() == Some(theme.mark())).unwrap_or_default()
}

/// Keeps the chosen colours.
pub fn keep_theme(theme: Theme) {
    set(for_good(), THEME, Some(theme.mark()));
}

/// The remembered room.
pub fn room() -> Option<Remembered> {
    let kept = get(for_good(), ROOM)?;
    let (room, keepsake) = kept.split_once(' ')?;
    Some(Remembered { room: room.parse().ok()?, keepsake: Keepsake(keepsake.to_owned()) })
}

/// Remembers a room in place of the one before, or forgets it.
pub fn keep_room(room: Option<&Remembered>) {
    let kept = room.map(|kept| format!("{} {}", kept.room, kept.keepsake.0));
    set(for_good(), ROOM, kept.as_deref());
}

/// This tab's visit.
pub fn visit() -> Visit {
    Visit {
        link: get(for_this_tab(), LINK).and_then(|link| link.parse().ok()),
        keepsake: get(for_this_tab(), KEEPSAKE).map(Keepsake),
        typed: get(for_this_tab(), TYPED).unwrap_or_default(),
        shares: get(for_this_tab(), SHARES).is_some(),
    }
}

/// Keeps this tab's visit over a reload.
pub fn keep_visit(visit: &Visit) {
    set(for_this_tab(), LINK, visit.link.as_ref().map(|link| link.fragment()).as_deref());
    set(for_this_tab(), KEEPSAKE, visit.keepsake.as_ref().map(|keepsake| keepsake.0.as_str()));
    set(for_this_tab(), SHARES, visit.shares.then_some("1"));
    set(for_this_tab(), TYPED, Some(visit.typed.as_str()).filter(|typed| !typed.is_empty()));
}

/// Changes this tab's visit.
pub fn change_visit(change: impl FnOnce(&mut Visit)) {
    let mut visit = visit();
    change(&mut visit);
    keep_visit(&visit);
}

fn for_good() -> Option<Storage> {
    gloo::utils::window().local_storage().ok()?
}

fn for_this_tab() -> Option<Storage> {
    gloo::utils::window().session_storage().ok()?
}

fn get(storage: Option<Storage>, key: &str) -> Option<String> {
    storage?.get_item(key).ok()?
}

fn set(storage: Option<Storage>, key: &str, value: Option<&str>) {
    let Some(storage) = storage else { return };
    // Storage that is full or forbidden keeps nothing, and nothing depends on it.
    let _ = match value {
        Some(value) => storage.set_item(key, value),
        None => storage.remove_item(key),
    };
}
