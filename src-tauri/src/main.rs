//! PrivyDrop's desktop app.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

use privydrop_app_lib::NotRun;

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
fn say(error: &NotRun) {
    match error {
        NotRun::NoWindow(error) => {
            eprintln!("PrivyDrop cannot open its window: {error}. Close other programs, or install it again.")
        }
        NotRun::NoScreen => eprintln!(
            "PrivyDrop cannot open its window: there is no screen here (DISPLAY or WAYLAND_DISPLAY). Start it on a \
             desktop; without one, use the terminal program `privydrop`."
        ),
        NotRun::Unheard(_) => eprintln!(
            "PrivyDrop runs already and does not answer. Wait until it has ended, or end it, and start it again."
        ),
    }
}
