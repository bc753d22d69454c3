//! What the load says about growth, as a picture: what a message costs beside more and more rooms, and in rooms with more and
//! more members.

use std::collections::BTreeMap;
use std::fs;

use crate::bench::middle;
use crate::failure::Failure;
use crate::plot::{Panel, svg};
use crate::root;

/// The picture.
const PICTURE: &str = "target/bench/signal-growth.svg";

/// What stands before and behind the place of a value, and behind the value itself, in the lines about growth.
const RELAYS: [&str; 3] = ["growth: beside ", " rooms, relays", " per core-second"];
const NEWS: [&str; 3] = ["growth: joins in a room of ", " members: ", " µs for each message"];
const JOINS: [&str; 3] = ["growth: joins in a room of ", " members: ", " µs of a core each"];

/// The values of all rounds, by their places in a curve.
type Heard = BTreeMap<u32, Vec<f64>>;

/// Everything that was heard about growth.
#[derive(Default)]
pub(crate) struct Growth {
    relays: Heard,
    news: Heard,
    joins: Heard,
}

impl Growth {
    /// Takes what a line of the load says about growth, if it does.
    pub(crate) fn hear(&mut self, line: &str) {
        for (words, heard) in [(RELAYS, &mut self.relays), (NEWS, &mut self.news), (JOINS, &mut self.joins)] {
            if let Some((place, value)) = read(line, words) {
                heard.entry(place).or_default().push(value);
            }
        }
    }

    /// Draws it, and says where the picture lies from the top of the repository; nothing when nothing was heard.
    pub(crate) fn draw(self) -> Result<Option<&'static str>, Failure> {
        if self.relays.is_empty() && self.joins.is_empty() {
            return Ok(None);
        }
        let file = root().join(PICTURE);
        let made = file.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&file, svg(&self.panels())))
            .map_err(|error| Failure::File { path: file, error })?;
        Ok(Some(PICTURE))
    }

    fn panels(self) -> [Panel; 3] {
        let panel = |title, across, points| Panel { title, across, up: "µs of a core", points };
        let members = "members of the room";
        let relays = points(self.relays).map(|(rooms, rate)| (rooms, 1e6 / rate)).collect();
        [
            panel("A relayed message beside other rooms", "rooms", relays),
            panel("A message of a join", members, points(self.news).collect()),
            panel("A whole join, of which everybody hears", members, points(self.joins).collect()),
        ]
    }
}

/// The medians, from left to right.
fn points(heard: Heard) -> impl Iterator<Item = (f64, f64)> {
    heard.into_iter().filter_map(|(place, values)| Some((f64::from(place), middle(values)?)))
}

/// The place and the value in a line with these words.
fn read(line: &str, [before, between, behind]: [&str; 3]) -> Option<(u32, f64)> {
    let (place, rest) = line.strip_prefix(before)?.split_once(between)?;
    let value = rest.split_once(behind)?.0.split_whitespace().last()?;
    Some((place.parse().ok()?, value.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_load_says_about_growth_becomes_points_of_medians() {
        let mut growth = Growth::default();
        for line in [
            "growth: beside 0 rooms, relays of 2000 characters: 90000 /s, 100000 per core-second (0.90 cores used), p99 1.2 ms",
            "growth: beside 0 rooms, relays of 2000 characters: 90000 /s, 200000 per core-second (0.90 cores used), p99 1.2 ms",
            "growth: beside 1000 rooms, relays of 2000 characters: 90000 /s, 100000 per core-second (0.90 cores used), p99 1.2 ms",
            "growth: joins in a room of 8 members: 120 µs of a core each, 5.0 µs for each message",
            "relays of 2000 characters: 90000 /s, 100000 per core-second (0.90 cores used), p99 1.2 ms",
        ] {
            growth.hear(line);
        }
        let curves = growth.panels().map(|panel| panel.points);
        assert_eq!(curves, [vec![(0.0, 5.0), (1000.0, 10.0)], vec![(8.0, 5.0)], vec![(8.0, 120.0)]]);
    }
}
