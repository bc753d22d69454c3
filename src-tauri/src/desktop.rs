//! What only desktops have, in one place: one instance, files given as arguments, the tray, the window's state,
//! starting with the system, updates; and what only the web view of one system wants done.
//!
//! Nothing outside of this module and of those below it names a plugin that a phone lacks.

#[cfg(target_os = "linux")]
mod again;
mod autostart;
mod tray;
mod updates;
#[cfg(target_os = "linux")]
mod webkit;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tauri::{
    App, AppHandle, Builder, CloseRequestApi, Manager, RunEvent, Runtime, WebviewWindow, async_runtime,
};
use tauri_plugin_window_state::StateFlags;
use url::Url;

use crate::shell::Shell;
use crate::window::MAIN;

/// Given when the system starts the program: it waits in the tray.
const HIDDEN: &str = "--hidden";

/// Links into rooms begin with this.
const SCHEME: &str = "privydrop";

/// True once there is an icon for a tray. Whether anybody shows one is asked when it matters.
static HAS_TRAY: AtomicBool = AtomicBool::new(false);

/// The plugins that phones lack. The first one ends a second start before anything else begins.
pub(crate) fn plugins<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    let state = StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED;
    let builder = builder
        .plugin(tauri_plugin_single_instance::init(|app, arguments, folder| {
            if !arguments.iter().any(|argument| argument == HIDDEN) {
                show(app);
            }
            share(app, arguments, Path::new(&folder));
        }))
        .plugin(tauri_plugin_window_state::Builder::new().with_state_flags(state).build());
    updates::plugin(autostart::plugin(builder))
}

/// The app does not begin. Comes back unless that may be mended by beginning anew.
pub(crate) fn fails_to_begin(error: &tauri::Error) {
    #[cfg(target_os = "linux")]
    again::begin(error);
    #[cfg(not(target_os = "linux"))]
    let _ = error;
}

/// Starts what belongs to the window and the system around it.
pub(crate) fn set_up<R: Runtime>(app: &App<R>, window: &WebviewWindow<R>) -> tauri::Result<()> {
    #[cfg(target_os = "linux")]
    webkit::tend(window)?;
    #[cfg(not(target_os = "linux"))]
    let _ = window;
    match tray::set_up(app) {
        Ok(()) => HAS_TRAY.store(true, Ordering::Relaxed),
        // A desktop without a tray still has windows.
        Err(error) => tracing::warn!(%error, "no tray"),
    }
    app.state::<Shell>().show_autostart(autostart::is_on(app.handle()));
    let folder = std::env::current_dir().unwrap_or_default();
    let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    share(app.handle(), arguments.collect(), &folder);
    updates::look(app.handle());
    Ok(())
}

/// True when the system started the program, and not a person.
pub(crate) fn starts_hidden() -> bool {
    std::env::args_os().any(|argument| argument == HIDDEN)
}

/// Starts with the system from now on, or no longer.
pub(crate) fn set_autostart<R: Runtime>(app: &AppHandle<R>, shell: &Shell, on: bool) {
    if let Err(error) = autostart::set(app, on) {
        tracing::warn!(%error, "the system keeps whether this program starts with it");
    }
    shell.show_autostart(autostart::is_on(app));
}

/// In a room a closed window goes on in the tray, so that nothing breaks off; otherwise, and where nobody shows a tray to
/// come back from, the program ends.
pub(crate) fn closing<R: Runtime>(app: &AppHandle<R>, api: &CloseRequestApi) {
    if !app.state::<Shell>().is_in_room() || !HAS_TRAY.load(Ordering::Relaxed) {
        return;
    }
    let Some(window) = app.get_webview_window(MAIN) else { return };
    api.prevent_close();
    async_runtime::spawn(async move {
        let hidden = tray::is_shown().await && window.hide().is_ok();
        if !hidden && let Err(error) = window.destroy() {
            tracing::warn!(%error, "the window stays");
        }
    });
}

/// Leaves the room before the program ends.
pub(crate) fn hear<R: Runtime>(app: &AppHandle<R>, event: RunEvent) {
    if let RunEvent::ExitRequested { api, code, .. } = event
        && app.state::<Shell>().is_running()
    {
        api.prevent_exit();
        let app = app.clone();
        async_runtime::spawn(async move {
            app.state::<Shell>().end().await;
            app.exit(code.unwrap_or_default());
        });
    }
}

/// Shows the window again, above the others.
fn show<R: Runtime>(app: &AppHandle<R>) {
    if let Some(window) = app.get_webview_window(MAIN) {
        let shown = window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus());
        if let Err(error) = shown {
            tracing::debug!(%error, "the window does not show");
        }
    }
}

/// Shares the files among arguments: what a file manager opens with this program.
fn share<R: Runtime>(app: &AppHandle<R>, arguments: Vec<String>, folder: &Path) {
    let paths = files(arguments.into_iter().skip(1), folder);
    if !paths.is_empty() {
        let shell = app.state::<Shell>().inner().clone();
        async_runtime::spawn(async move { shell.share(paths).await });
    }
}

/// The files among arguments. Links into rooms go another way, and other options are none of ours.
fn files(arguments: impl Iterator<Item = String>, folder: &Path) -> Vec<PathBuf> {
    let file = |argument: String| match argument.parse::<Url>() {
        Ok(url) if url.scheme() == "file" => url.to_file_path().ok(),
        Ok(url) if url.scheme() == SCHEME || argument.contains("://") => None,
        _ if argument.starts_with('-') => None,
        _ => Some(folder.join(argument)),
    };
    arguments.filter_map(file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_among_arguments_are_found_and_links_and_options_are_not_taken_for_any() {
        let arguments = [
            "a.txt",
            "/tmp/b.txt",
            "file:///tmp/c%20d.txt",
            "--hidden",
            "privydrop://drop.example/#1.2",
            "https://drop.example/e.txt",
            "with: colon",
        ];
        let found = files(arguments.map(str::to_owned).into_iter(), Path::new("/home/me"));
        let expected = ["/home/me/a.txt", "/tmp/b.txt", "/tmp/c d.txt", "/home/me/with: colon"];
        assert_eq!(found, expected.map(PathBuf::from));
    }
}
