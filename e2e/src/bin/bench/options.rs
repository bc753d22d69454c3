//! What the command line asks for.

use privydrop_e2e::bench;

/// Bytes of a quick look.
const QUICK: u64 = 50_000_000;

/// Where the receiving browser puts the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sink {
    /// The browser's private storage, as where pages cannot choose a directory.
    Private,
    /// A directory by the browser's directory access.
    Directory,
}

/// What to measure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// How often each way takes its turn, at least 1.
    pub rounds: usize,
    /// Sizes of the files, in bytes.
    pub sizes: Vec<u64>,
    /// Where the receiver writes.
    pub sink: Sink,
    /// Over a long path as well.
    pub far: bool,
}

impl Options {
    /// Reads the command line's words; says what is wrong with them.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options =
            Self { rounds: 4, sizes: vec![200_000_000, 1_000_000_000], sink: Sink::Private, far: true };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` needs a value"));
            match word.as_str() {
                "--quick" => (options.rounds, options.sizes, options.far) = (1, vec![QUICK], false),
                "--far" => options.sizes = Vec::new(),
                "--openings" => (options.sizes, options.far) = (Vec::new(), false),
                "--rounds" => options.rounds = bench::rounds(&value()?)?,
                "--size" => {
                    let value = value()?;
                    let size =
                        bytes(&value).ok_or_else(|| format!("`{value}` is no size such as 200M or 1G"))?;
                    options.sizes = vec![size];
                }
                "--sink" => {
                    options.sink = match value()?.as_str() {
                        "private" => Sink::Private,
                        "directory" => Sink::Directory,
                        other => return Err(format!("`{other}` is neither private nor directory")),
                    };
                }
                other => {
                    return Err(format!(
                        "no option `{other}`; there are --rounds N, --size 200M|1G, --sink private|directory, --far, --openings, \
                         --quick"
                    ));
                }
            }
        }
        Ok(options)
    }
}

/// The bytes of a size such as `200M` or `1G`, counted in thousands.
fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = [("M", 1_000_000), ("G", 1_000_000_000)]
        .into_iter()
        .find_map(|(letter, unit)| Some((text.strip_suffix(letter)?, unit)))?;
    number.parse::<u64>().ok()?.checked_mul(unit).filter(|size| *size > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn nothing_said_measures_both_sizes_four_times() {
        let sizes = vec![200_000_000, 1_000_000_000];
        let usual = Options { rounds: 4, sizes, sink: Sink::Private, far: true };
        assert_eq!(parse(""), Ok(usual));
    }

    #[test]
    fn size_rounds_and_sink_can_be_chosen() {
        let chosen = Options { rounds: 5, sizes: vec![1_000_000_000], sink: Sink::Directory, far: true };
        assert_eq!(parse("--rounds 5 --size 1G --sink directory"), Ok(chosen));
        assert_eq!(
            parse("--quick"),
            Ok(Options { rounds: 1, sizes: vec![QUICK], sink: Sink::Private, far: false })
        );
        assert_eq!(parse("--far").map(|options| (options.sizes, options.far)), Ok((vec![], true)));
        assert_eq!(parse("--openings").map(|options| (options.sizes, options.far)), Ok((vec![], false)));
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for line in
            ["--rounds 0", "--rounds", "--size 1", "--size 0M", "--size 99999999999999999G", "--sink x", "x"]
        {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
