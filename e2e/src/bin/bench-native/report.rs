//! The closing table: medians, ratios within a round, and what they should be.

use std::fmt;

use privydrop_e2e::usage::median;

use crate::meter::Moved;

/// Ratio to the bare stack that is wanted, and with a browser at one end.
const WANTED_RAW: f64 = 0.85;
const WANTED_BROWSER: f64 = 0.95;
/// Ratio of many small files to one of the same bytes.
const WANTED_SMALL: f64 = 0.5;
/// Most seconds until bytes flow again after the network was away.
const WANTED_DROP: f64 = 2.0;
/// The same after a page was loaded again.
const WANTED_RELOAD: f64 = 1.5;
/// Most bytes that are fetched again after a kill though the disk has them: a piece, and what the journal does not tell of yet.
const WANTED_RESENT: u64 = 2 << 20;
/// Largest part of a transfer that journal and hashing may take, each.
const WANTED_COST: f64 = 0.05;
/// Most memory of a process above idle, in bytes.
const WANTED_MEMORY: f64 = 64e6;

/// All lines of the table.
#[derive(Debug, Default)]
pub(crate) struct Table {
    lines: Vec<Line>,
}

#[derive(Debug, Default)]
struct Line {
    figure: String,
    bar: String,
    app: String,
    ratio: String,
    wanted: String,
    /// Nothing where nothing is wanted.
    met: Option<bool>,
}

impl Table {
    /// One big file: each round the bare stack and PrivyDrop.
    pub(crate) fn add_large(&mut self, how: &str, size: u64, rounds: &[(Moved, Moved)]) {
        let what = format!("{}, {how}", megabytes(size));
        self.add_ratio(
            format!("{what}: MB per second; beside the raw channel"),
            rounds,
            Moved::speed,
            WANTED_RAW,
        );
        self.add_ratio(format!("{what}: MB per CPU-second, both ends"), rounds, Moved::thrift, 0.0);
        let app = rounds.iter().map(|(_, app)| *app);
        self.add_highest(format!("{what}: MB above idle, the larger end"), app);
    }

    /// The same beside the disk alone, which took so many seconds for as many bytes in each round.
    pub(crate) fn add_disk(&mut self, how: &str, size: u64, rounds: &[(Moved, Moved)], disks: &[f64]) {
        let speed = |seconds: f64| size as f64 / 1e6 / seconds;
        let both = || rounds.iter().map(|(_, app)| app.speed()).zip(disks.iter().map(|disk| speed(*disk)));
        self.lines.push(Line {
            figure: format!("{}, {how}: MB per second; beside the disk alone", megabytes(size)),
            bar: format!("{:.1}", median(both().map(|(_, disk)| disk))),
            app: format!("{:.1}", median(both().map(|(app, _)| app))),
            ratio: format!("{:.2}", median(both().map(|(app, disk)| app / disk))),
            ..Line::default()
        });
    }

    /// With a browser at one end.
    pub(crate) fn add_browser(&mut self, way: &str, size: u64, rounds: &[(Moved, Moved)]) {
        let what = format!("{}, {way}", megabytes(size));
        self.add_ratio(
            format!("{what}: MB per second; beside the raw channel"),
            rounds,
            Moved::speed,
            WANTED_BROWSER,
        );
    }

    /// Many small files: each round one of as many bytes, and the many.
    pub(crate) fn add_small(&mut self, files: usize, each: u64, rounds: &[(Moved, Moved)]) {
        let figure = format!("{files} × {each} bytes: MB per second; beside one file of as many");
        self.add_ratio(figure, rounds, Moved::speed, WANTED_SMALL);
    }

    /// Memory while a very big file moved.
    pub(crate) fn add_memory(&mut self, size: u64, moved: &Moved) {
        self.add_highest(format!("{}: MB above idle, the larger end", megabytes(size)), [*moved].into_iter());
    }

    /// Whole processes: seconds of PrivyDrop and of another program, each round.
    pub(crate) fn add_other(&mut self, name: &str, size: u64, rounds: &[(f64, f64)]) {
        let speed = |seconds: f64| size as f64 / 1e6 / seconds;
        let ratio = median(rounds.iter().map(|(own, theirs)| theirs / own));
        self.lines.push(Line {
            figure: format!("{}, whole processes: MB per second; beside {name}", megabytes(size)),
            bar: format!("{:.1}", median(rounds.iter().map(|(_, theirs)| speed(*theirs)))),
            app: format!("{:.1}", median(rounds.iter().map(|(own, _)| speed(*own)))),
            ratio: format!("{ratio:.2}"),
            wanted: "> 1".into(),
            met: Some(ratio > 1.0),
        });
    }

    /// A program that could not be measured.
    pub(crate) fn add_left_out(&mut self, name: &str) {
        let figure = format!("beside {name}: not installed, left out");
        self.lines.push(Line { figure, ..Line::default() });
    }

    /// Seconds until bytes flow again, each round, after the network was away for so many.
    pub(crate) fn add_drop(&mut self, away: u64, rounds: &[f64]) {
        let app = median(rounds.iter().copied());
        self.lines.push(Line {
            figure: format!("network away for {away} s: seconds until bytes flow again"),
            app: format!("{app:.2}"),
            wanted: format!("≤ {WANTED_DROP:.1}"),
            met: Some(app <= WANTED_DROP),
            ..Line::default()
        });
    }

    /// How long it takes until bytes flow after a page was loaded again.
    pub(crate) fn add_reload(&mut self, rounds: &[f64]) {
        let app = median(rounds.iter().copied());
        self.lines.push(Line {
            figure: "page loaded again: seconds until bytes flow again".to_owned(),
            app: format!("{app:.2}"),
            wanted: format!("≤ {WANTED_RELOAD:.1}"),
            met: Some(app <= WANTED_RELOAD),
            ..Line::default()
        });
    }

    /// Bytes that each killed receiver had stored and that were fetched again; and those that had reached its machine at all,
    /// which are more by headers and by what it had not read.
    pub(crate) fn add_resent(&mut self, stored: &[u64], reached: &[u64]) {
        let kills = stored.len();
        let mebibytes = |kills: &[u64]| median(kills.iter().map(|bytes| *bytes as f64)) / 1_048_576.0;
        let (stored, reached, wanted) =
            (mebibytes(stored), mebibytes(reached), WANTED_RESENT as f64 / 1_048_576.0);
        let mut add = |what: &str, of: f64, wanted: Option<f64>| {
            self.lines.push(Line {
                figure: format!("receiver killed, {kills} times: MiB that {what}"),
                app: format!("{of:.1}"),
                wanted: wanted.map_or_else(String::new, |most| format!("≤ {most:.1}")),
                met: wanted.map(|most| of <= most),
                ..Line::default()
            });
        };
        add("it had stored and are fetched again", stored, Some(wanted));
        add("had reached its machine and travel again", reached, None);
    }

    /// Each round without a journal and with it.
    pub(crate) fn add_journal(&mut self, size: u64, rounds: &[(Moved, Moved)]) {
        let what = megabytes(size);
        let figure = format!("{what}: MB per second; beside a receiver without a journal");
        self.add_ratio(figure, rounds, Moved::speed, 1.0 - WANTED_COST);
        self.add_ratio(
            format!("{what}: MB per CPU-second, both ends; beside the same"),
            rounds,
            Moved::thrift,
            1.0 - WANTED_COST,
        );
    }

    /// Hashing at both ends, which takes so many CPU-seconds a byte at each, beside the CPU-seconds of both in each round.
    pub(crate) fn add_hashing(&mut self, size: u64, each: f64, rounds: impl Iterator<Item = f64>) {
        let (hashing, all) = (2.0 * each * size as f64, median(rounds));
        self.lines.push(Line {
            figure: format!("{}: CPU-seconds of both ends; of these for hashing", megabytes(size)),
            bar: format!("{all:.1}"),
            app: format!("{hashing:.2}"),
            ratio: format!("{:.2}", hashing / all),
            ..Line::default()
        });
    }

    fn add_ratio(
        &mut self,
        figure: String,
        rounds: &[(Moved, Moved)],
        value: fn(&Moved) -> f64,
        wanted: f64,
    ) {
        let ratio = median(rounds.iter().map(|(bar, app)| value(app) / value(bar)));
        let is_wanted = wanted > 0.0;
        self.lines.push(Line {
            figure,
            bar: format!("{:.1}", median(rounds.iter().map(|(bar, _)| value(bar)))),
            app: format!("{:.1}", median(rounds.iter().map(|(_, app)| value(app)))),
            ratio: format!("{ratio:.2}"),
            wanted: if is_wanted { format!("≥ {wanted:.2}") } else { String::new() },
            met: is_wanted.then_some(ratio >= wanted),
        });
    }

    fn add_highest(&mut self, figure: String, rounds: impl Iterator<Item = Moved>) {
        let app = median(rounds.map(|moved| moved.memory[0].max(moved.memory[1])));
        self.lines.push(Line {
            figure,
            app: format!("{:.0}", app / 1e6),
            wanted: format!("≤ {:.0}", WANTED_MEMORY / 1e6),
            met: Some(app <= WANTED_MEMORY),
            ..Line::default()
        });
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>9}  {:>9}  {:>9}  {:>8}        medians", "bar", "PrivyDrop", "ratio", "wanted")?;
        for Line { figure, bar, app, ratio, wanted, met } in &self.lines {
            let verdict = match met {
                None => "",
                Some(true) => "met",
                Some(false) => "missed",
            };
            writeln!(f, "{bar:>9}  {app:>9}  {ratio:>9}  {wanted:>8}  {verdict:<6}  {figure}")?;
        }
        Ok(())
    }
}

/// A size in words.
pub(crate) fn megabytes(size: u64) -> String {
    const GIB: u64 = 1 << 30;
    match size {
        GIB => "1 GiB".into(),
        1_000_000_000.. => format!("{:.0} GB", size as f64 / 1e9),
        _ => format!("{:.0} MB", size as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(seconds: f64, memory: f64) -> Moved {
        Moved { size: 100_000_000, seconds, whole: 0.0, cpu: [seconds; 2], memory: [1e6, memory] }
    }

    #[test]
    fn ratios_compare_within_a_round_and_bounds_are_told() {
        // The machine gets ten times slower on the way: within each round the ratio is 0.8, 1, 1.
        let rounds =
            [(8.0, 10.0), (50.0, 50.0), (100.0, 100.0)].map(|(bar, app)| (moved(bar, 0.0), moved(app, 65e6)));
        let mut table = Table::default();
        table.add_large("as it is", 100_000_000, &rounds);
        table.add_other("croc", 100_000_000, &[(2.0, 1.0), (3.0, 2.0)]);
        table.add_disk("as it is", 100_000_000, &rounds, &[5.0, 25.0, 50.0]);
        assert_eq!(table.lines[0].ratio, "1.00");
        let met: Vec<Option<bool>> = table.lines.iter().map(|line| line.met).collect();
        assert_eq!(met, [Some(true), None, Some(false), Some(false), None]);
        assert_eq!(table.lines[4].ratio, "0.50");
        assert!(table.to_string().contains("missed  100 MB, as it is: MB above idle"), "{table}");
    }
}
