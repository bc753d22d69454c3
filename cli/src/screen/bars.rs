//! Progress bars on a terminal: one for each item that moves, with speed and time left.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use privydrop_common::api::{ItemKey, ItemState, ItemView, View};

use crate::words;

/// How a bar looks.
const LOOK: &str = "{prefix} {bar:30} {decimal_bytes} of {decimal_total_bytes} {msg}";

/// The bars of a run.
pub(crate) struct Bars {
    all: MultiProgress,
    by_item: BTreeMap<ItemKey, ProgressBar>,
}

impl Bars {
    pub(crate) fn new() -> Self {
        Self { all: MultiProgress::new(), by_item: BTreeMap::new() }
    }

    /// A line above the bars.
    pub(crate) fn say(&self, line: &str) {
        let _ = self.all.println(line);
    }

    /// Does something while the bars are out of the way.
    pub(crate) fn aside(&self, act: impl FnOnce()) {
        self.all.suspend(act);
    }

    /// Moves the bars.
    pub(crate) fn show(&mut self, view: &View) {
        let moves = |item: &&ItemView| {
            matches!(item.state, ItemState::Moving | ItemState::Verifying | ItemState::Paused)
                || item.checking.is_some()
        };
        for item in view.items.iter().filter(moves) {
            let bar = self.by_item.entry(item.key).or_insert_with(|| self.all.add(bar(item)));
            let progress = item.checking.unwrap_or(item.progress);
            bar.set_length(progress.total);
            bar.set_position(progress.done);
            if item.checking.is_some() {
                bar.set_message(words::CHECKING);
                continue;
            }
            let left = item.progress.seconds_left.map(Duration::from_secs);
            bar.set_message(words::pace(item.state, item.progress.speed, left));
        }
        let still = |key: &ItemKey| view.items.iter().filter(moves).any(|item| item.key == *key);
        self.by_item.retain(|key, bar| {
            let stays = still(key);
            if !stays {
                bar.finish_and_clear();
                self.all.remove(bar);
            }
            stays
        });
    }

    /// Takes all bars away.
    pub(crate) fn clear(&mut self) {
        self.show(&View::default());
    }
}

fn bar(item: &ItemView) -> ProgressBar {
    let bar = ProgressBar::new(item.size);
    if let Ok(style) = ProgressStyle::with_template(LOOK) {
        bar.set_style(style);
    }
    bar.with_prefix(words::short(&item.name))
}
