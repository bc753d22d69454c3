//! The app's one window: shows the page that was built into the program, and nothing else.
//!
//! Whatever would lead elsewhere stays closed. Addresses that a person clicks open in the system's browser, when they
//! are http, https or mailto. What is dropped is taken here, so that the page never learns where files are.

use tauri::webview::NewWindowResponse;
use tauri::{
    App, AppHandle, DragDropEvent, Manager, Runtime, Url, WebviewWindow, WebviewWindowBuilder, WindowEvent,
    async_runtime,
};
use tauri_plugin_opener::OpenerExt;

use crate::shell::Shell;

/// The window's label, which the capability file names.
pub(crate) const MAIN: &str = "main";

/// Opens the window of the configuration.
pub(crate) fn open<R: Runtime>(app: &App<R>) -> tauri::Result<WebviewWindow<R>> {
    let config = app.config().app.windows.first().ok_or(tauri::Error::WindowNotFound)?;
    let outside = app.handle().clone();
    let builder = WebviewWindowBuilder::from_config(app, config)?.on_navigation(is_ours).on_new_window(
        move |url, _| {
            open_outside(&outside, &url);
            NewWindowResponse::Deny
        },
    );
    #[cfg(desktop)]
    let builder = builder.visible(!crate::desktop::starts_hidden());
    let window = builder.build()?;
    let app = app.handle().clone();
    window.on_window_event(move |event| hear(&app, event));
    Ok(window)
}

/// True for the page that was built in; its address depends on the system.
fn is_ours(url: &Url) -> bool {
    let place = (url.scheme(), url.host_str());
    matches!(place, ("tauri", Some("localhost")) | ("http" | "https", Some("tauri.localhost")))
}

/// What a person may be led to by a text of somebody else.
fn is_harmless(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https" | "mailto")
}

fn open_outside<R: Runtime>(app: &AppHandle<R>, url: &Url) {
    if is_harmless(url)
        && let Err(error) = app.opener().open_url(url.as_str(), None::<&str>)
    {
        tracing::debug!(%error, "no browser opens a link");
    }
}

fn hear<R: Runtime>(app: &AppHandle<R>, event: &WindowEvent) {
    let shell = app.state::<Shell>();
    match event {
        WindowEvent::DragDrop(DragDropEvent::Enter { paths, .. }) => shell.drag(!paths.is_empty()),
        WindowEvent::DragDrop(DragDropEvent::Leave) => shell.drag(false),
        WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }) => {
            shell.drag(false);
            let (shell, paths) = (shell.inner().clone(), paths.clone());
            async_runtime::spawn(async move { shell.share(paths).await });
        }
        #[cfg(desktop)]
        WindowEvent::CloseRequested { api, .. } => crate::desktop::closing(app, api),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_shows_the_built_in_page_only() {
        for (address, ours) in [
            ("tauri://localhost/", true),
            ("http://tauri.localhost/index.html", true),
            ("https://drop.example/", false),
            ("http://localhost/", false),
            ("https://tauri.localhost.evil.example/", false),
            ("tauri://evil.example/", false),
            ("file:///etc/passwd", false),
            ("data:text/html,hello", false),
            ("about:blank", false),
        ] {
            assert_eq!(is_ours(&address.parse().unwrap()), ours, "{address}");
        }
    }

    #[test]
    fn texts_lead_to_pages_and_mail_only() {
        for (address, harmless) in [
            ("https://drop.example/", true),
            ("mailto:me@drop.example", true),
            ("file:///etc/passwd", false),
            ("javascript:alert(1)", false),
            ("privydrop://drop.example/", false),
            ("smb://server/share", false),
        ] {
            assert_eq!(is_harmless(&address.parse().unwrap()), harmless, "{address}");
        }
    }
}
