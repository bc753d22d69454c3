//! What is unfinished in a directory: told, and removed if the person says so.
//!
//! Needs no server and no device. What is removed, and what is left alone, is the disk's rule.

use std::path::Path;

use privydrop_native::disk::unfinished;

use crate::events::Event;
use crate::exit::Exit;
use crate::screen::Screen;
use crate::words;

/// Tells what is unfinished in `dir`; with `clear` what nobody is receiving is removed.
pub(crate) fn run(dir: &Path, clear: bool, screen: &mut Screen) -> Exit {
    let all = match unfinished(dir, clear) {
        Ok(all) => all,
        Err(error) => return screen.end(Exit::NotStored, &words::not_looked_at(dir, &error)),
    };
    for left in &all {
        screen.tell(&Event::Unfinished {
            name: left.name.clone(),
            size: left.size,
            age_seconds: left.age.as_secs(),
            in_use: left.in_use,
            removed: left.removed,
        });
    }
    let message = match (clear, all.iter().any(|left| left.in_use)) {
        _ if all.is_empty() => words::NOTHING_UNFINISHED,
        (false, _) => words::UNFINISHED_GOES_ON,
        (true, true) => words::IN_USE_LEFT_ALONE,
        (true, false) => words::UNFINISHED_REMOVED,
    };
    screen.end(Exit::Done, message)
}
