//! What the command line asks for.

use privydrop_e2e::bench;

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// One big file beside the bare stack.
    Large,
    /// The same beside other programs.
    Others,
    /// Many small files.
    Small,
    /// Memory while a very big file moves.
    Memory,
    /// Between a terminal and a browser.
    Browser,
    /// What going on costs; never but when asked for.
    Resume,
}

/// What to measure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// How often each way takes its turn, at least 1.
    pub rounds: usize,
    /// Bytes of the big file.
    pub size: u64,
    /// Bytes of the sparse file.
    pub sparse: u64,
    /// The only part to measure, if not all are.
    pub only: Option<Part>,
}

impl Options {
    /// Reads the command line's words; says what is wrong with them.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { rounds: 3, size: 1 << 30, sparse: 10_000_000_000, only: None };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` needs a value"));
            match word.as_str() {
                "--quick" => (options.rounds, options.size, options.sparse) = (1, 1 << 28, 1 << 30),
                "--rounds" => options.rounds = bench::rounds(&value()?)?,
                "--only" => {
                    options.only = Some(match value()?.as_str() {
                        "large" => Part::Large,
                        "others" => Part::Others,
                        "small" => Part::Small,
                        "memory" => Part::Memory,
                        "browser" => Part::Browser,
                        "resume" => Part::Resume,
                        other => {
                            return Err(format!(
                                "`{other}` is none of large, others, small, memory, browser, resume"
                            ));
                        }
                    });
                }
                other => {
                    return Err(format!("no option `{other}`; there are --rounds N, --only PART, --quick"));
                }
            }
        }
        Ok(options)
    }

    /// Whether `part` is to be measured.
    pub(crate) fn has(&self, part: Part) -> bool {
        self.only.map_or(part != Part::Resume, |only| only == part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_rounds_and_a_quick_look_can_be_chosen_and_nothing_else() {
        let said = |line: &str| Options::parse(line.split_whitespace().map(str::to_owned));
        let all = said("").unwrap();
        assert!((all.rounds, all.size) == (3, 1 << 30) && all.has(Part::Small) && all.has(Part::Memory));
        let one = said("--quick --only small").unwrap();
        assert!(one.rounds == 1 && one.has(Part::Small) && !one.has(Part::Large));
        assert!(!all.has(Part::Resume) && said("--only resume").unwrap().has(Part::Resume));
        for wrong in ["--rounds 0", "--rounds", "--only figures", "--size 1G"] {
            assert!(said(wrong).is_err(), "{wrong}");
        }
    }
}
