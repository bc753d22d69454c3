//! Events as lines for people.

use std::io::{self, IsTerminal, Write};

use privydrop_common::api::{ItemState, NoticeCode, PeerState, Phase};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use super::bars::Bars;
use super::print;
use crate::events::{Direction, Event, Item};
use crate::words;

/// Writes the lines of one event, above the bars if there are any.
pub(super) fn tell(event: &Event, bars: Option<&Bars>) {
    let say = |line: &str| match bars {
        Some(bars) => bars.say(line),
        None => _ = writeln!(io::stderr().lock(), "{line}"),
    };
    match event {
        Event::Phase { phase: Phase::Joining } => say(words::JOINING),
        Event::Room { hosting: true, code: Some(code), link: Some(link), .. } => {
            let show = || {
                print(&words::code(code));
                print(&words::link(link));
                if let Some(picture) = qr(link).filter(|_| io::stderr().is_terminal()) {
                    let _ = writeln!(io::stderr().lock(), "{picture}");
                }
            };
            match bars {
                Some(bars) => bars.aside(show),
                None => show(),
            }
            say(words::ROOM_OPEN);
        }
        // The name comes with the first words after the connection.
        Event::Peer { state: PeerState::Connected, label, path: Some(path), turned: true, .. }
            if !label.is_empty() =>
        {
            say(&words::connected(label, *path));
        }
        Event::Item(item) if item.turned => {
            if let Some(line) = line_of(item) {
                say(&line);
            }
        }
        Event::Text { text, .. } => match bars {
            Some(bars) => bars.aside(|| print(text)),
            None => print(text),
        },
        // The line of the item says more.
        Event::Notice { code: NoticeCode::ItemReceived, .. } => {}
        Event::Notice { message, .. } => say(message),
        Event::Skipped { why, .. } => say(why),
        Event::LeftOut { name, size } => say(&words::left_out(name, *size)),
        Event::Unfinished { name, size, age_seconds, in_use, removed } => {
            print(&words::unfinished(name, *size, *age_seconds, *in_use, *removed));
        }
        Event::Exit { message, .. } if !message.is_empty() => say(message),
        _ => {}
    }
}

fn line_of(item: &Item) -> Option<String> {
    match (item.direction, item.state) {
        (Direction::In, ItemState::Waiting) if item.checking.is_some() => Some(words::checking(&item.name)),
        (Direction::In, ItemState::Waiting) => Some(words::taking(&item.name, item.files, item.size)),
        (Direction::In, ItemState::Done) => {
            Some(words::received(&item.name, item.path.as_deref(), item.hash.as_deref()))
        }
        (Direction::Out, ItemState::Offered) => Some(words::offering(&item.name, item.files, item.size)),
        _ => None,
    }
}

/// The link as a picture of half blocks; nothing when it is too long for one. White on black, whatever the terminal's own
/// colours are: many cameras do not read the reverse.
fn qr(link: &str) -> Option<String> {
    let code = QrCode::new(link).ok()?;
    let picture = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    let lines: Vec<String> = picture.lines().map(|line| format!("\x1b[97;40m{line}\x1b[0m")).collect();
    Some(lines.join("\n"))
}
