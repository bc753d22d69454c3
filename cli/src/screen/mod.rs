//! What a run shows: lines and bars for people, or JSON for scripts.
//!
//! Everything that a program might read goes to stdout: codes, links, texts, JSON. All else goes to stderr. A closed
//! stdout or stderr is no reason to stop.

mod bars;
mod lines;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use privydrop_common::api::{ItemView, View};

use self::bars::Bars;
use crate::events::{Event, News};
use crate::exit::Exit;
use crate::words;

/// Where a run shows itself.
pub(crate) struct Screen {
    news: News,
    style: Style,
}

enum Style {
    Json,
    /// Bars only on a terminal.
    Lines(Option<Bars>),
}

impl Screen {
    pub(crate) fn new(json: bool) -> Self {
        let bars = || io::stderr().is_terminal().then(Bars::new);
        Self { news: News::default(), style: if json { Style::Json } else { Style::Lines(bars()) } }
    }

    /// Shows what is new in a view. `page` is where links lead, `path_of` where a complete item is.
    pub(crate) fn show(&mut self, view: &View, page: &str, path_of: impl Fn(&ItemView) -> Option<PathBuf>) {
        for event in self.news.of(view, page, path_of) {
            self.tell(&event);
        }
        if let Style::Lines(Some(bars)) = &mut self.style {
            bars.show(view);
        }
    }

    /// Tells one thing.
    pub(crate) fn tell(&mut self, event: &Event) {
        match &mut self.style {
            Style::Json => match serde_json::to_string(event) {
                Ok(line) => print(&line),
                // No event that we know of: whoever relies on them must at least learn that one is missing.
                Err(error) => _ = writeln!(io::stderr().lock(), "{}", words::untold(&error)),
            },
            Style::Lines(bars) => lines::tell(event, bars.as_ref()),
        }
    }

    /// Tells the end.
    pub(crate) fn end(&mut self, exit: Exit, message: &str) -> Exit {
        if let Style::Lines(Some(bars)) = &mut self.style {
            bars.clear();
        }
        self.tell(&Event::Exit { code: exit.code(), reason: exit, message: message.to_owned() });
        exit
    }
}

/// One line on stdout.
fn print(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
