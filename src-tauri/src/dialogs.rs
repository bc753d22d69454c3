//! What the system asks the person, in windows that no page can draw over or answer: files, folders, yes or no.
//!
//! One question at a time; what comes meanwhile is answered with no.

use std::path::{Path, PathBuf};

use privydrop_common::bridge::NoPlace;
use tauri::{AppHandle, Manager, Runtime};
use tauri_plugin_dialog::{DialogExt, FileDialogBuilder, FilePath, MessageDialogButtons};
use tauri_plugin_opener::OpenerExt;
use tokio::sync::{Mutex, oneshot};

use crate::shell::Shell;
#[cfg(desktop)]
use crate::window::MAIN;

/// Where something was picked last. Locked while the person is asked.
static ASKING: Mutex<Option<PathBuf>> = Mutex::const_new(None);

/// What to pick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pick {
    /// Any number of files.
    Files,
    /// One folder.
    Folder,
}

/// Asks for files or a folder to share, first where the last ones were; none when the person wants none.
pub(crate) async fn pick<R: Runtime>(app: &AppHandle<R>, what: Pick) -> Vec<PathBuf> {
    let Ok(mut last) = ASKING.try_lock() else { return Vec::new() };
    let (tell, told) = oneshot::channel();
    // Left to itself, GTK begins with what was used recently, where no folder can be chosen.
    let dialog = beginning_in(over_window(app), last.clone().or_else(|| app.path().home_dir().ok()));
    match what {
        Pick::Files => dialog.pick_files(move |paths| _ = tell.send(paths.unwrap_or_default())),
        Pick::Folder => ask_for_folder(dialog, move |path| _ = tell.send(path.into_iter().collect())),
    }
    let picked = paths(told.await.unwrap_or_default());
    if let Some(folder) = picked.first().and_then(|path| path.parent()) {
        *last = Some(folder.to_owned());
    }
    picked
}

/// Asks for a folder to receive into, and remembers it.
pub(crate) async fn choose_downloads<R: Runtime>(app: &AppHandle<R>, shell: &Shell) -> Result<(), NoPlace> {
    let Ok(_alone) = ASKING.try_lock() else { return Err(NoPlace::NotChosen) };
    let (tell, told) = oneshot::channel();
    let dialog = beginning_in(over_window(app), shell.downloads());
    ask_for_folder(dialog, move |path| _ = tell.send(path));
    let folder = paths(told.await.unwrap_or_default()).pop().ok_or(NoPlace::NotChosen)?;
    shell.keep_downloads(folder);
    Ok(())
}

/// Asks a question; true when the answer is yes.
pub(crate) async fn agreed<R: Runtime>(app: &AppHandle<R>, question: &str, yes: &str, no: &str) -> bool {
    let Ok(_alone) = ASKING.try_lock() else { return false };
    let (tell, told) = oneshot::channel();
    let buttons = MessageDialogButtons::OkCancelCustom(yes.to_owned(), no.to_owned());
    let dialog = app.dialog().message(question).title("PrivyDrop").buttons(buttons);
    #[cfg(desktop)]
    let dialog = match app.get_webview_window(MAIN) {
        Some(window) => dialog.parent(&window),
        None => dialog,
    };
    dialog.show(move |yes| _ = tell.send(yes));
    told.await.unwrap_or(false)
}

/// Shows a received item in the system's file manager.
pub(crate) fn reveal<R: Runtime>(app: &AppHandle<R>, path: &Path) -> Result<(), NoPlace> {
    app.opener().reveal_item_in_dir(path).map_err(|error| {
        tracing::debug!(%error, "no file manager shows a received item");
        NoPlace::Unavailable
    })
}

fn over_window<R: Runtime>(app: &AppHandle<R>) -> FileDialogBuilder<R> {
    let dialog = app.dialog().file();
    #[cfg(desktop)]
    let dialog = match app.get_webview_window(MAIN) {
        Some(window) => dialog.set_parent(&window),
        None => dialog,
    };
    dialog
}

fn beginning_in<R: Runtime>(dialog: FileDialogBuilder<R>, folder: Option<PathBuf>) -> FileDialogBuilder<R> {
    match folder {
        Some(folder) => dialog.set_directory(folder),
        None => dialog,
    }
}

#[cfg(desktop)]
fn ask_for_folder<R: Runtime>(
    dialog: FileDialogBuilder<R>,
    answer: impl FnOnce(Option<FilePath>) + Send + 'static,
) {
    dialog.pick_folder(answer);
}

/// Phones let nobody choose a folder by this plugin; what is received goes into the usual one.
#[cfg(mobile)]
fn ask_for_folder<R: Runtime>(
    _: FileDialogBuilder<R>,
    answer: impl FnOnce(Option<FilePath>) + Send + 'static,
) {
    answer(None);
}

/// What is at a path. A phone's content without a path cannot be read yet (docs/MOBILE.md).
fn paths(picked: impl IntoIterator<Item = FilePath>) -> Vec<PathBuf> {
    picked.into_iter().filter_map(|path| path.into_path().ok()).collect()
}
