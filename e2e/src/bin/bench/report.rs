//! The closing table: medians, ratios within a round, and what they should be.

use std::fmt;

use privydrop_e2e::usage::median;

use crate::first_load::Part;
use crate::meter::Moved;
use crate::opening::{Opening, Times};

/// Ratio to the raw channel that is wanted in MB per second, and in MB per CPU-second.
const WANTED_SPEED: f64 = 0.95;
const WANTED_THRIFT: f64 = 0.85;
/// The same over a long path.
const WANTED_FAR: f64 = 1.8;
/// Most memory of a tab above idle, in bytes.
const WANTED_MEMORY: f64 = 100e6;
/// Longest time from the opened link to the first byte, in milliseconds.
const WANTED_OPENING: f64 = 500.0;
/// Most bytes of the first load.
const WANTED_FIRST_LOAD: f64 = 300e3;

/// Both ways, one right after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    /// By the raw channel.
    pub raw: Moved,
    /// By PrivyDrop.
    pub app: Moved,
}

/// All lines of the table.
#[derive(Debug, Default)]
pub(crate) struct Table {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    figure: String,
    raw: String,
    app: String,
    ratio: String,
    wanted: String,
    met: bool,
}

impl Table {
    /// Lines of all rounds with one size.
    pub(crate) fn add_transfers(&mut self, size: u64, rounds: &[Round]) {
        let size = megabytes(size);
        self.add_ratio(format!("{size}: MB per second"), rounds, Moved::speed, WANTED_SPEED);
        self.add_ratio(format!("{size}: MB per CPU-second, both ends"), rounds, Moved::thrift, WANTED_THRIFT);
        self.add_memory(format!("{size}: MB above idle, sharing tab"), rounds, |moved| moved.from_memory);
        self.add_memory(format!("{size}: MB above idle, receiving tab"), rounds, |moved| moved.to_memory);
    }

    /// The line of the rounds over a long path.
    pub(crate) fn add_far(&mut self, rounds: &[Round]) {
        self.add_ratio("25 ms each way: MB per second".to_owned(), rounds, Moved::speed, WANTED_FAR);
    }

    /// Lines of all openings of a link.
    pub(crate) fn add_openings(&mut self, openings: &[Opening]) {
        type Pick = fn(&Opening) -> Times;
        let visits: [(&str, Pick); 2] = [("cold", |opening| opening.cold), ("warm", |opening| opening.warm)];
        for (visit, pick) in visits {
            let milliseconds = |what: fn(Times) -> f64| median(openings.iter().map(pick).map(what));
            let text = milliseconds(|times| times.text);
            self.lines.push(Line {
                figure: format!("link opened → first byte on screen, ms, {visit}"),
                wanted: format!("≤ {WANTED_OPENING:.0}"),
                ..Line::plain(text, WANTED_OPENING)
            });
            for (what, value) in [
                ("list of files on screen", milliseconds(|times| times.offered)),
                ("64 KiB file accepted at once, stored", milliseconds(|times| times.finished)),
            ] {
                let figure = format!("link opened → {what}, ms, {visit}");
                self.lines.push(Line { figure, ..Line::plain(value, f64::INFINITY) });
            }
        }
    }

    /// The line of the first load.
    pub(crate) fn add_first_load(&mut self, parts: &[Part]) {
        let total = parts.iter().map(|part| part.bytes).sum::<u64>() as f64;
        let plain = parts.iter().filter(|part| part.encoding != "br");
        let plain: Vec<String> = plain.map(|part| format!("{} ({})", part.name, part.bytes)).collect();
        let mut figure = "web app, first load, brotli, KB".to_owned();
        if !plain.is_empty() {
            figure.push_str(&format!("; sent as they are: {}", plain.join(", ")));
        }
        self.lines.push(Line {
            figure,
            app: format!("{:.1}", total / 1e3),
            wanted: format!("≤ {:.0}", WANTED_FIRST_LOAD / 1e3),
            ..Line::plain(total, WANTED_FIRST_LOAD)
        });
    }

    fn add_ratio(&mut self, figure: String, rounds: &[Round], value: fn(&Moved) -> f64, wanted: f64) {
        let ratio = median(rounds.iter().map(|round| value(&round.app) / value(&round.raw)));
        self.lines.push(Line {
            figure,
            raw: format!("{:.1}", median(rounds.iter().map(|round| value(&round.raw)))),
            app: format!("{:.1}", median(rounds.iter().map(|round| value(&round.app)))),
            ratio: format!("{ratio:.2}"),
            wanted: format!("≥ {wanted:.2}"),
            met: ratio >= wanted,
        });
    }

    fn add_memory(&mut self, figure: String, rounds: &[Round], value: fn(&Moved) -> f64) {
        let raw = median(rounds.iter().map(|round| value(&round.raw)));
        let app = median(rounds.iter().map(|round| value(&round.app)));
        self.lines.push(Line {
            figure,
            raw: format!("{:.0}", raw / 1e6),
            app: format!("{:.0}", app / 1e6),
            ratio: String::new(),
            wanted: format!("≤ {:.0}", WANTED_MEMORY / 1e6),
            met: app <= WANTED_MEMORY,
        });
    }
}

impl Line {
    /// A value that has no raw counterpart, and should not be more than `most`.
    fn plain(value: f64, most: f64) -> Self {
        let [figure, raw, ratio, wanted] = <[String; 4]>::default();
        Self { figure, raw, app: format!("{value:.0}"), ratio, wanted, met: value <= most }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>9}  {:>9}  {:>9}  {:>8}        medians", "raw", "PrivyDrop", "ratio", "wanted")?;
        for Line { figure, raw, app, ratio, wanted, met } in &self.lines {
            let verdict = match (wanted.is_empty(), met) {
                (true, _) => "",
                (false, true) => "met",
                (false, false) => "missed",
            };
            writeln!(f, "{raw:>9}  {app:>9}  {ratio:>9}  {wanted:>8}  {verdict:<6}  {figure}")?;
        }
        Ok(())
    }
}

/// A size in words.
pub(crate) fn megabytes(size: u64) -> String {
    match size {
        1_000_000_000.. => format!("{} GB", size as f64 / 1e9),
        _ => format!("{} MB", size as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(seconds: f64) -> Moved {
        let (from_cpu, to_cpu) = (seconds, seconds);
        Moved { size: 100_000_000, seconds, from_cpu, to_cpu, from_memory: 1e6, to_memory: 101e6 }
    }

    #[test]
    fn the_median_stands_in_the_middle() {
        for (values, middle) in [(vec![3.0, 1.0, 2.0], 2.0), (vec![4.0, 1.0], 2.5), (vec![], 0.0)] {
            assert!((median(values.into_iter()) - middle).abs() < 1e-9);
        }
    }

    #[test]
    fn ratios_compare_within_a_round_and_bounds_are_told() {
        // The machine gets ten times slower on the way: within each round the ratio is 1.25, 1, 1.
        let rounds = [(10.0, 8.0), (50.0, 50.0), (100.0, 100.0)]
            .map(|(raw, app)| Round { raw: moved(raw), app: moved(app) });
        let mut table = Table::default();
        table.add_transfers(100_000_000, &rounds);
        assert_eq!(table.lines[0].ratio, "1.00");
        assert_eq!(table.lines.iter().map(|line| line.met).collect::<Vec<_>>(), [true, true, true, false]);
        assert!(table.to_string().contains("missed  100 MB: MB above idle, receiving tab"), "{table}");
    }
}
