//! PrivyDrop's app: the page in a window, and beside it, in the same program, the session on webrtc-rs.
//!
//! Commands and views cross the bridge between them, nothing else: no file bytes, and no path that the page chose.
//! Knows no protocol rule and words nothing. What only desktops have is behind [`desktop`].

mod commands;
#[cfg(desktop)]
mod desktop;
mod dialogs;
mod files;
mod links;
mod log;
mod lookup;
mod notifications;
mod settings;
mod shell;
mod under_way;
mod visit;
mod window;

pub use commands::COMMANDS;
#[cfg(desktop)]
pub use desktop::Unheard;
use shell::Shell;
use tauri::{App, Builder, Runtime, WebviewWindow, Wry};

/// Why the app does not run.
#[derive(Debug, thiserror::Error)]
pub enum NotRun {
    /// There is no window to be had.
    #[error(transparent)]
    NoWindow(#[from] tauri::Error),
    /// There is no screen to have one on.
    #[error("no screen")]
    NoScreen,
    /// It runs already, and does not answer.
    #[cfg(desktop)]
    #[error(transparent)]
    Unheard(#[from] desktop::Unheard),
}

/// Runs the app to its end.
///
/// # Errors
/// When there is no window to be had, or when the app runs already and does not hear of this start.
pub fn run() -> Result<(), NotRun> {
    log::to_stderr();
    #[cfg(desktop)]
    let Some(first) = desktop::first()? else { return Ok(()) };
    // Tauri would end the program without a word.
    #[cfg(target_os = "linux")]
    gtk::init().map_err(|_| NotRun::NoScreen)?;
    let builder = with_doors(Builder::default());
    #[cfg(desktop)]
    let builder = desktop::plugins(builder);
    let builder = builder
        .plugin(tauri_plugin_deep_link::init())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_opener::Builder::new().open_js_links_on_click(false).build());
    let set_up = move |app: &mut App<Wry>| {
        let window = set_up(app)?;
        #[cfg(desktop)]
        desktop::set_up(app, &window, first)?;
        #[cfg(mobile)]
        let _ = window;
        Ok(())
    };
    let app = builder.setup(set_up).build(context())?;
    app.run(|app, event| {
        #[cfg(desktop)]
        desktop::hear(app, event);
        #[cfg(mobile)]
        let _ = (app, event);
    });
    Ok(())
}

/// The configuration, the page and the permissions that were built into this program.
pub fn context<R: Runtime>() -> tauri::Context<R> {
    tauri::generate_context!("../tauri.conf.json")
}

/// The doors of the page, and what they lead to.
pub fn with_doors<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    builder.manage(Shell::default()).invoke_handler(commands::handler())
}

fn set_up(app: &mut App) -> tauri::Result<WebviewWindow> {
    // Only the updater uses it; all else brings its own.
    #[cfg(desktop)]
    let _ = rustls::crypto::ring::default_provider().install_default();
    shell::begin(app)?;
    let window = window::open(app)?;
    notifications::follow(app.handle());
    links::listen(app.handle());
    Ok(window)
}

/// Where a phone's program begins.
#[cfg(mobile)]
#[tauri::mobile_entry_point]
fn run_on_a_phone() {
    if let Err(error) = run() {
        tracing::error!(%error, "no window");
    }
}
