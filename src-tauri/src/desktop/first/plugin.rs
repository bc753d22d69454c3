//! Over what Tauri's plugin uses on these systems. The plugin ends a second start before anything else begins.

use std::path::Path;

use tauri::{App, AppHandle, Builder, Runtime};

use super::Unheard;
use crate::desktop::{HIDDEN, given, hand};

/// Being the first, as far as that is known before the app begins.
#[derive(Debug)]
pub(crate) struct First;

/// Nothing is known yet.
///
/// # Errors
/// None here.
pub(crate) fn take() -> Result<Option<First>, Unheard> {
    Ok(Some(First))
}

/// Ends a second start, and hears what it was given in the first.
pub(crate) fn plugin<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    builder.plugin(tauri_plugin_single_instance::init(|app, arguments, folder| {
        let hidden = arguments.iter().any(|argument| argument == HIDDEN);
        let given = given(arguments.into_iter().skip(1).map(Into::into), Path::new(&folder));
        if !(hidden && given.is_empty()) {
            hand(app, given);
        }
    }))
}

/// The plugin hears by itself.
pub(crate) fn follow<R: Runtime>(_app: &App<R>, _first: First) {}

/// The plugin lets go by itself.
pub(crate) fn close<R: Runtime>(_app: &AppHandle<R>) {}
