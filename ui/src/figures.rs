//! Numbers as people read them: sizes, times, names cut in the middle.
//!
//! Pure arithmetic; the words around the numbers belong to [`crate::locale`].

/// Characters kept at the end of a name that is too long for its row: the extension and a little before it.
const TAIL: usize = 12;

/// Bytes in the decimal unit that fits, with three digits: `999 B`, `1.25 MB`, `12.5 MB`, `125 MB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    // Hundredths of the unit, so that nothing is lost to floating point.
    let mut hundredths = u128::from(bytes) * 100 / 1000;
    let mut unit = 0;
    while hundredths >= 100_000 && unit + 1 < UNITS.len() {
        hundredths /= 1000;
        unit += 1;
    }
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    match whole {
        0..=9 if rest > 0 => format!("{whole}.{rest:02} {}", UNITS[unit]),
        10..=99 if rest >= 10 => format!("{whole}.{} {}", rest / 10, UNITS[unit]),
        _ => format!("{whole} {}", UNITS[unit]),
    }
}

/// A time left, in the unit that people would say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLeft {
    /// About two seconds or less.
    Moment,
    /// Less than a minute.
    Seconds(u64),
    /// Less than an hour, rounded up.
    Minutes(u64),
    /// Hours and minutes.
    Hours(u64, u64),
}

/// The unit for a time left.
pub fn time_left(seconds: u64) -> TimeLeft {
    match seconds {
        0..=2 => TimeLeft::Moment,
        3..=59 => TimeLeft::Seconds(seconds),
        60..=3599 => TimeLeft::Minutes(seconds.div_ceil(60)),
        _ => TimeLeft::Hours(seconds / 3600, seconds % 3600 / 60),
    }
}

/// A name in two parts, of which only the first may be cut short, so that the extension is always seen.
pub fn head_and_tail(name: &str) -> (&str, &str) {
    let cut = name.char_indices().rev().nth(TAIL - 1).map_or(0, |(at, _)| at);
    if cut == 0 { (name, "") } else { name.split_at(cut) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits_and_a_unit() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1 kB"),
            (1250, "1.25 kB"),
            (12_500, "12.5 kB"),
            (12_040, "12 kB"),
            (999_999, "999 kB"),
            (200_000_000, "200 MB"),
            (10_737_418_240, "10.7 GB"),
            (u64::MAX, "18.4 EB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn times_are_told_in_the_unit_that_people_would_say() {
        assert_eq!(time_left(0), TimeLeft::Moment);
        assert_eq!(time_left(59), TimeLeft::Seconds(59));
        assert_eq!(time_left(61), TimeLeft::Minutes(2));
        assert_eq!(time_left(3600), TimeLeft::Hours(1, 0));
        assert_eq!(time_left(7384), TimeLeft::Hours(2, 3));
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        assert_eq!(head_and_tail("a.txt"), ("a.txt", ""));
        assert_eq!(head_and_tail("holiday in the mountains.tar.gz"), ("holiday in the moun", "tains.tar.gz"));
        assert_eq!(head_and_tail("山".repeat(40).as_str()).1.chars().count(), 12);
    }
}
