//! The doors between the page and the program: everything that the page can have done.
//!
//! Thin: each hands on to the part that does it. None takes a path or an address of a file; what the page names are
//! handles that the program gave out. The capability file lists exactly these, for the app's own page alone.

use privydrop_common::api::Command;
use privydrop_common::bridge::{NoAnswer, NoPlace, Words};
use privydrop_common::host::{PlaceId, StoreId};
use privydrop_common::id::RoomId;
use privydrop_native::disk;
use tauri::ipc::{Invoke, Response};
use tauri::{AppHandle, Runtime, State};

use crate::dialogs::{self, Pick};
use crate::links::{self, NoLink};
use crate::lookup;
use crate::shell::{NoNews, NotServed, Refused, Shell};

macro_rules! doors {
    ($($name:ident),* $(,)?) => {
        /// The names of all doors, for the tests of who may pass.
        pub const COMMANDS: &[&str] = &[$(stringify!($name)),*];

        /// What answers the page.
        pub(crate) fn handler<R: Runtime>() -> impl Fn(Invoke<R>) -> bool + Send + Sync + 'static {
            tauri::generate_handler![$($name),*]
        }
    };
}

doors! {
    autostart, choose_downloads, choose_place, command, join, news, pick_files, pick_folder, reveal, room_is_free,
    server, speak, unfinished,
}

/// Passes a command to the session.
#[tauri::command]
async fn command(shell: State<'_, Shell>, command: Command) -> Result<(), Refused> {
    shell.command_of_page(command)
}

/// Waits until there is something newer than what the page has, and tells it.
#[tauri::command]
async fn news(shell: State<'_, Shell>, after: u64) -> Result<Response, NoNews> {
    shell.news(after).await.map(Response::new)
}

/// Asks the person for files, and shares them.
#[tauri::command]
async fn pick_files<R: Runtime>(app: AppHandle<R>, shell: State<'_, Shell>) -> Result<(), Refused> {
    let paths = dialogs::pick(&app, Pick::Files).await;
    shell.share(paths).await;
    Ok(())
}

/// Asks the person for a folder, and shares it.
#[tauri::command]
async fn pick_folder<R: Runtime>(app: AppHandle<R>, shell: State<'_, Shell>) -> Result<(), Refused> {
    let paths = dialogs::pick(&app, Pick::Folder).await;
    shell.share(paths).await;
    Ok(())
}

/// The folder for what is received; asks for one where there is none.
#[tauri::command]
async fn choose_place<R: Runtime>(app: AppHandle<R>, shell: State<'_, Shell>) -> Result<PlaceId, NoPlace> {
    match shell.place() {
        Some(place) => Ok(place),
        None => {
            dialogs::choose_downloads(&app, &shell).await?;
            shell.place().ok_or(NoPlace::Unavailable)
        }
    }
}

/// Asks the person for another folder to receive into, from now on.
#[tauri::command]
async fn choose_downloads<R: Runtime>(app: AppHandle<R>, shell: State<'_, Shell>) -> Result<(), NoPlace> {
    dialogs::choose_downloads(&app, &shell).await
}

/// Shows a received item in the system's file manager.
#[tauri::command]
async fn reveal<R: Runtime>(
    app: AppHandle<R>,
    shell: State<'_, Shell>,
    store: StoreId,
) -> Result<(), NoPlace> {
    let path = shell.kept_at(store).ok_or(NoPlace::Unavailable)?;
    dialogs::reveal(&app, &path)
}

/// Bytes of what is unfinished in the folder for what is received, without what some program is receiving; with `clear`
/// it is removed first.
#[tauri::command]
async fn unfinished(shell: State<'_, Shell>, clear: bool) -> Result<u64, NoPlace> {
    let folder = shell.downloads().ok_or(NoPlace::Unavailable)?;
    let looked = tauri::async_runtime::spawn_blocking(move || disk::unfinished(&folder, clear)).await;
    let all = looked.ok().and_then(Result::ok).ok_or(NoPlace::Unavailable)?;
    Ok(all.iter().filter(|left| !left.in_use && !left.removed).map(|left| left.size).sum())
}

/// Asks the server whether a room's name is free.
#[tauri::command]
async fn room_is_free(shell: State<'_, Shell>, name: RoomId) -> Result<bool, NoAnswer> {
    let server = shell.server().ok_or(NoAnswer::Unreachable)?;
    lookup::room_is_free(&server, &name).await
}

/// Uses another server from now on. Leaves the room one is in.
#[tauri::command]
async fn server(shell: State<'_, Shell>, address: String) -> Result<(), NotServed> {
    shell.keep_server(address.parse()?).await
}

/// Follows a link that the person put into the page, also to another server.
#[tauri::command]
async fn join(shell: State<'_, Shell>, link: String) -> Result<(), NoLink> {
    links::join(&shell, &link).await
}

/// Starts with the system from now on, or no longer.
#[tauri::command]
async fn autostart<R: Runtime>(app: AppHandle<R>, shell: State<'_, Shell>, on: bool) -> Result<(), Refused> {
    #[cfg(desktop)]
    crate::desktop::set_autostart(&app, &shell, on);
    #[cfg(mobile)]
    let _ = (app, shell, on);
    Ok(())
}

/// Takes the words for what is shown outside of the page.
#[tauri::command]
async fn speak(shell: State<'_, Shell>, words: Words) -> Result<(), Refused> {
    shell.speak(words.bounded());
    Ok(())
}
