//! Beginning anew when another instance ended just when it was called.
//!
//! Whoever starts the app right after it was killed may find its name taken by a program that is no more: the call to it fails,
//! and with it the start. Never begins anew for any other reason.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;
use std::time::Duration;

use tauri::Error;

/// The plugin that calls the other instance.
const CALLER: &str = "single-instance";
/// Says to the next beginning how many there were.
const BEGUN: &str = "PRIVYDROP_APP_BEGUN";
/// A dead program's name is free long before that many pauses are over.
const MOST: u32 = 25;
const PAUSE: Duration = Duration::from_millis(200);

/// Replaces this program by itself. Comes back when that cannot help.
pub(crate) fn begin(error: &Error) {
    let begun = env::var(BEGUN).ok().and_then(|begun| begun.parse().ok()).unwrap_or(0);
    let Ok(program) = env::current_exe() else { return };
    if calls_in_vain(error) && begun < MOST {
        thread::sleep(PAUSE);
        let next = (begun + 1).to_string();
        let cause = Command::new(program).args(env::args_os().skip(1)).env(BEGUN, next).exec();
        tracing::warn!(%cause, "the app cannot begin anew");
    }
}

fn calls_in_vain(error: &Error) -> bool {
    matches!(error, Error::PluginInitialization(plugin, _) if plugin == CALLER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_call_in_vain_is_a_reason() {
        let fails = |plugin: &str| Error::PluginInitialization(plugin.to_owned(), "no reply".to_owned());
        assert!(calls_in_vain(&fails(CALLER)));
        assert!(!calls_in_vain(&fails("updater")) && !calls_in_vain(&Error::WebviewNotFound));
    }
}
