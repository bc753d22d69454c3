//! PrivyDrop's desktop app.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

/// Half of the processor time of a fast transfer is copying and allocating.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match privydrop_app_lib::run() {
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
    eprintln!("PrivyDrop cannot open its window: {error}. Close other programs, or install it again.");
}
