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
use shell::Shell;
use tauri::{App, Builder, Runtime};

/// Runs the app to its end.
///
/// # Errors
/// When there is no window to be had.
pub fn run() -> tauri::Result<()> {
    log::to_stderr();
    let builder = with_doors(Builder::default());
    #[cfg(desktop)]
    let builder = desktop::plugins(builder);
    let builder = builder
        .plugin(tauri_plugin_deep_link::init())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_opener::Builder::new().open_js_links_on_click(false).build());
    let app = builder.setup(|app| Ok(set_up(app)?)).build(context());
    #[cfg(desktop)]
    let app = app.inspect_err(desktop::fails_to_begin);
    let app = app?;
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

fn set_up(app: &mut App) -> tauri::Result<()> {
    // Only the updater uses it; all else brings its own.
    #[cfg(desktop)]
    let _ = rustls::crypto::ring::default_provider().install_default();
    shell::begin(app)?;
    let window = window::open(app)?;
    notifications::follow(app.handle());
    links::listen(app.handle());
    #[cfg(desktop)]
    desktop::set_up(app, &window)?;
    #[cfg(mobile)]
    let _ = window;
    Ok(())
}

/// Where a phone's program begins.
#[cfg(mobile)]
#[tauri::mobile_entry_point]
fn run_on_a_phone() {
    if let Err(error) = run() {
        tracing::error!(%error, "no window");
    }
}
