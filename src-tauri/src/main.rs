//! PrivyDrop's desktop app: one window with the embedded web app.
//!
//! Exposes no command to the page, so nothing that runs in it can reach the system through this program.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let context = tauri::generate_context!("../tauri.conf.json");
    match tauri::Builder::default().run(context) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error);
            ExitCode::FAILURE
        }
    }
}

/// There is no window to say it in.
#[allow(clippy::print_stderr, reason = "the last resort of a program whose window did not open")]
fn say(error: &tauri::Error) {
    eprintln!("PrivyDrop cannot open its window: {error}");
}
