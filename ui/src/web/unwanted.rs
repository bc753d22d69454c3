//! What goes on no more, kept at once until the private storage's worker has heard of it.
//!
//! A worker that stores is busy for up to a second, and the page may end in it. Never says what is wanted, and is no
//! record that outlives a kill of the browser: both are the worker's business.

use privydrop_common::api::MAX_WANTED;
use privydrop_common::id::Mark;
use web_sys::Storage;

const UNWANTED: &str = "privydrop.unwanted";

/// Goes this on no more?
pub(super) fn is_unwanted(mark: Mark) -> bool {
    storage().is_some_and(|storage| all(&storage).contains(&entry(mark)))
}

/// This goes on no more, or nothing needs to be kept of it.
pub(super) fn keep_unwanted(mark: Mark, on: bool) {
    let Some(storage) = storage() else { return };
    let (kept, entry) = (all(&storage), entry(mark));
    let mut marks = kept.replace(&entry, "");
    if on && marks.len() < MAX_WANTED * entry.len() {
        marks.push_str(&entry);
    }
    if marks != kept {
        // Storage that is full or forbidden keeps nothing; then the worker has to be in time.
        let _ = storage.set_item(UNWANTED, &marks);
    }
}

fn storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok()?
}

fn all(storage: &Storage) -> String {
    storage.get_item(UNWANTED).ok().flatten().unwrap_or_default()
}

/// Marks are of one length, so no mark is found across two entries.
fn entry(mark: Mark) -> String {
    format!("{mark} ")
}
