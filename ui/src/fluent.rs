//! Reads phrases out of Fluent files (<https://projectfluent.org>), in the part of the syntax that ours use:
//! messages, attributes, variables, and choices by a number or a word.
//!
//! The whole of Fluent weighs a tenth of what a page may; the tests hold every phrase of every file against it.

/// What is filled into a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A name, or words made elsewhere. Isolated, so that its direction does not turn the sentence around.
    Text(String),
    /// A count.
    Number(u64),
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

macro_rules! from_numbers {
    ($($number:ty),*) => {$(
        impl From<$number> for Part {
            fn from(number: $number) -> Self {
                Self::Number(number.into())
            }
        }
    )*};
}
from_numbers!(u8, u32, u64);

/// Parts by the names of their variables.
pub type Parts<'a> = &'a [(&'static str, Part)];

/// Opens and closes text whose direction is its own.
pub const ISOLATE: [char; 2] = ['\u{2068}', '\u{2069}'];

/// Every message of a file with its key. Cut up once: a page says some fifty phrases each time it is drawn. Looking through
/// a few hundred keys takes microseconds, and code that sorts would be two kilobytes more to load.
#[derive(Debug)]
pub struct Phrases<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Phrases<'a> {
    /// Reads a file.
    pub fn new(source: &'a str) -> Self {
        Self(entries(source).collect())
    }

    /// The pattern of a message, or of an attribute of it.
    pub fn find(&self, message: &str, attribute: Option<&str>) -> Option<&'a str> {
        let own = self.0.iter().find_map(|(key, rest)| (*key == message).then_some(*rest))?;
        match attribute {
            None => value(own),
            Some(name) => {
                attributes(own).find_map(|(key, pattern)| (key == name).then_some(pattern)).and_then(value)
            }
        }
    }
}

/// A pattern with its parts filled in. `ones` are the numbers of the kind `one`; all others are `other`.
pub fn fill(pattern: &str, parts: Parts<'_>, ones: &[u64]) -> String {
    let mut out = String::with_capacity(pattern.len());
    write(pattern, parts, ones, &mut out);
    out
}

/// Every message: its key, and all from its value up to the next message.
fn entries(source: &str) -> impl Iterator<Item = (&str, &str)> {
    let begins = |line: &str| line.starts_with(|c: char| c.is_ascii_alphabetic());
    let mut rest = source;
    std::iter::from_fn(move || {
        let start = lines(rest).find(|(_, line)| begins(line)).map(|(at, _)| at)?;
        let from = &rest[start..];
        let end = lines(from).skip(1).find(|(_, line)| begins(line) || line.starts_with('#'));
        let (entry, after) = from.split_at(end.map_or(from.len(), |(at, _)| at));
        rest = after;
        entry.split_once(" =")
    })
}

/// Every attribute of a message: its key, and all from its value to the message's end.
fn attributes(entry: &str) -> impl Iterator<Item = (&str, &str)> {
    let attribute = |(at, line): (usize, &str)| line.trim_start().starts_with('.').then(|| &entry[at..]);
    lines(entry)
        .filter_map(attribute)
        .filter_map(|from| from.trim_start().strip_prefix('.')?.split_once(" ="))
}

/// The value at the start of an entry or attribute, without the attributes after it.
fn value(text: &str) -> Option<&str> {
    let end = lines(text).skip(1).find(|(_, line)| line.trim_start().starts_with('.'));
    let value = text[..end.map_or(text.len(), |(at, _)| at)].trim();
    (!value.is_empty()).then_some(value)
}

/// Lines with the places where they begin.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    })
}

fn write(pattern: &str, parts: Parts<'_>, ones: &[u64], out: &mut String) {
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let end = closing(after);
        let placeable = after[..end].trim();
        rest = after.get(end + 1..).unwrap_or_default();
        let (name, variants) = match placeable.split_once("->") {
            Some((selector, variants)) => (selector.trim(), Some(variants)),
            None => (placeable, None),
        };
        let part = parts.iter().find(|(key, _)| name.strip_prefix('$') == Some(key)).map(|(_, part)| part);
        match (variants, part) {
            (Some(variants), part) => write(choose(variants, part, ones), parts, ones, out),
            (None, Some(Part::Number(number))) => out.push_str(&number.to_string()),
            (None, Some(Part::Text(text))) => {
                out.push(ISOLATE[0]);
                out.push_str(text);
                out.push(ISOLATE[1]);
            }
            // A part that was not given: seen as what it is, and found by the tests.
            (None, None) => {
                out.push('{');
                out.push_str(name);
                out.push('}');
            }
        }
    }
    out.push_str(rest);
}

/// Where the placeable ends that this text is the inside of.
fn closing(text: &str) -> usize {
    let mut open = 1;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return at;
        }
    }
    text.len()
}

/// The variant for this part: the very number or word, else the number's kind, else the one with a star.
fn choose<'a>(variants: &'a str, part: Option<&Part>, ones: &[u64]) -> &'a str {
    let (exact, kind) = match part {
        Some(Part::Number(number)) => {
            (number.to_string(), if ones.contains(number) { "one" } else { "other" })
        }
        Some(Part::Text(text)) => (text.clone(), ""),
        None => (String::new(), ""),
    };
    let parsed = || {
        variants.lines().filter_map(|line| {
            let line = line.trim();
            let (key, text) = line.trim_start_matches('*').strip_prefix('[')?.split_once(']')?;
            Some((key, text.trim(), line.starts_with('*')))
        })
    };
    let by_key = |wanted: &str| parsed().find_map(|(key, text, _)| (key == wanted).then_some(text));
    by_key(&exact)
        .or_else(|| by_key(kind))
        .or_else(|| parsed().find_map(|(_, text, star)| star.then_some(text)))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
# A file
plain = Words
named = Hello { $name }!
counted = { $n ->
        [one] one thing
       *[other] { $n } things
    } here
told = It happened
    .reason = Because of { $name }.
    .next = { $n ->
        [unknown] Try again.
        [0] Never mind.
       *[other] Try { $n } times.
    }

# Another part
last = End
";

    fn said(message: &str, attribute: Option<&str>, parts: Parts<'_>) -> String {
        fill(Phrases::new(SOURCE).find(message, attribute).unwrap(), parts, &[1]).replace(ISOLATE, "")
    }

    #[test]
    fn messages_and_attributes_are_found() {
        assert_eq!(said("plain", None, &[]), "Words");
        assert_eq!(said("told", None, &[]), "It happened");
        assert_eq!(said("told", Some("reason"), &[("name", "me".to_owned().into())]), "Because of me.");
        assert_eq!(said("last", None, &[]), "End");
        assert_eq!(Phrases::new(SOURCE).find("missing", None), None);
        assert_eq!(Phrases::new(SOURCE).find("told", Some("missing")), None);
    }

    #[test]
    fn a_choice_goes_by_the_very_value_then_by_its_kind_then_by_the_star() {
        let number = |n: u64| [("n", Part::Number(n))];
        assert_eq!(said("counted", None, &number(1)), "one thing here");
        assert_eq!(said("counted", None, &number(2)), "2 things here");
        assert_eq!(said("told", Some("next"), &number(0)), "Never mind.");
        assert_eq!(said("told", Some("next"), &number(7)), "Try 7 times.");
        assert_eq!(said("told", Some("next"), &[("n", "unknown".to_owned().into())]), "Try again.");
    }

    #[test]
    fn a_name_cannot_add_a_placeable_and_is_isolated() {
        let name = [("name", Part::Text("{ $n }".to_owned()))];
        let sentence = fill(Phrases::new(SOURCE).find("named", None).unwrap(), &name, &[]);
        assert_eq!(sentence, "Hello \u{2068}{ $n }\u{2069}!");
    }
}
