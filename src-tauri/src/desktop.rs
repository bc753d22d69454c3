//! What only desktops have, in one place: one instance, files given as arguments, the tray, the window's state,
//! starting with the system, updates; and what only the web view of one system wants done.
//!
//! Nothing outside of this module and of those below it names a plugin that a phone lacks.

mod autostart;
mod first;
mod tray;
mod updates;
#[cfg(target_os = "linux")]
mod webkit;

use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

pub use first::Unheard;
pub(crate) use first::{First, take as first};
use tauri::{
    App, AppHandle, Builder, CloseRequestApi, Manager, RunEvent, Runtime, WebviewWindow, async_runtime,
};
use tauri_plugin_window_state::StateFlags;
use url::Url;

use crate::links;
use crate::shell::Shell;
use crate::window::MAIN;

/// Given when the system starts the program: it waits in the tray.
const HIDDEN: &str = "--hidden";

/// Links into rooms begin with this.
const SCHEME: &str = "privydrop";
const FILE: &str = "file";

/// True once there is an icon for a tray. Whether anybody shows one is asked when it matters.
static HAS_TRAY: AtomicBool = AtomicBool::new(false);

/// The plugins that phones lack. The first one ends a second start before anything else begins.
pub(crate) fn plugins<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    let state = StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED;
    let state = tauri_plugin_window_state::Builder::new().with_state_flags(state).build();
    updates::plugin(autostart::plugin(first::plugin(builder).plugin(state)))
}

/// Starts what belongs to the window and the system around it.
pub(crate) fn set_up<R: Runtime>(app: &App<R>, window: &WebviewWindow<R>, first: First) -> tauri::Result<()> {
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
    // The plugin for links has seen those among the arguments.
    let files = given(std::env::args_os().skip(1), &folder).into_iter().filter(|url| url.scheme() == FILE);
    open(app.handle(), files.collect());
    first::follow(app, first);
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
    let RunEvent::ExitRequested { api, code, .. } = event else { return };
    first::close(app);
    if app.state::<Shell>().is_running() {
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

/// Opens what another start was given, in the window that is there.
fn hand<R: Runtime>(app: &AppHandle<R>, given: Vec<Url>) {
    show(app);
    open(app, given);
}

/// Shares files and follows links.
fn open<R: Runtime>(app: &AppHandle<R>, given: Vec<Url>) {
    let (files, links): (Vec<_>, Vec<_>) = given.into_iter().partition(|url| url.scheme() == FILE);
    let paths: Vec<_> = files.iter().filter_map(|file| file.to_file_path().ok()).collect();
    if !paths.is_empty() {
        let shell = app.state::<Shell>().inner().clone();
        async_runtime::spawn(async move { shell.share(paths).await });
    }
    links.iter().for_each(|link| links::open(app, link.as_str()));
}

/// The files and the links into rooms among arguments, as a file manager or a browser gives them to this program. Other
/// options are none of ours.
fn given(arguments: impl Iterator<Item = OsString>, folder: &Path) -> Vec<Url> {
    let one = |argument: OsString| match argument.to_str().map(|text| (text, text.parse::<Url>())) {
        Some((_, Ok(url))) if [FILE, SCHEME].contains(&url.scheme()) => Some(url),
        Some((text, _)) if text.starts_with('-') || text.contains("://") => None,
        _ => Url::from_file_path(folder.join(argument)).ok(),
    };
    arguments.filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn files_and_links_among_arguments_are_found_and_options_are_not_taken_for_any() {
        let arguments = [
            "a.txt",
            "/tmp/b.txt",
            "file:///tmp/c%20d.txt",
            "--hidden",
            "privydrop://drop.example/#1.2",
            "https://drop.example/e.txt",
            "with: colon",
        ];
        let found = given(arguments.map(OsString::from).into_iter(), Path::new("/home/me"));
        let (links, files): (Vec<_>, Vec<_>) = found.into_iter().partition(|url| url.scheme() == SCHEME);
        let files: Vec<_> = files.iter().map(|file| file.to_file_path().unwrap()).collect();
        let expected = ["/home/me/a.txt", "/tmp/b.txt", "/tmp/c d.txt", "/home/me/with: colon"];
        assert_eq!(files, expected.map(PathBuf::from));
        assert_eq!(links.iter().map(Url::as_str).collect::<Vec<_>>(), ["privydrop://drop.example/#1.2"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_whose_name_is_no_text_is_found_by_its_very_name() {
        use std::os::unix::ffi::OsStringExt;
        let name = OsString::from_vec(b"caf\xe9.txt".to_vec());
        let found = given([name.clone()].into_iter(), Path::new("/tmp"));
        assert_eq!(found[0].to_file_path().unwrap(), Path::new("/tmp").join(name));
    }
}
