//! Which names are the same: browsers and native devices each have their own tables of letters, and must agree, or
//! one refuses what the other offers.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use privydrop_common::api::ItemState;
use privydrop_common::name::unicode_fold;
use privydrop_e2e::browser::Kind::{self, Chromium, Firefox};
use privydrop_e2e::fixture::Fixture;
use privydrop_e2e::page::Page;
use privydrop_e2e::server::{Rooms, Server};
use privydrop_e2e::terminal::Terminal;

/// Pairs that are easily taken for the same, or for different ones.
const AWKWARD: [(&str, &str); 34] = [
    ("file", "FILE"),
    ("é", "e\u{301}"),
    ("É", "e\u{301}"),
    ("가", "\u{1100}\u{1161}"),
    ("が", "か\u{3099}"),
    ("ガ", "ｶﾞ"),
    ("ß", "ss"),
    ("ß", "SS"),
    ("ẞ", "ß"),
    ("ẞ", "sS"),
    ("i", "I"),
    ("i", "ı"),
    ("I", "ı"),
    ("i", "İ"),
    ("i\u{307}", "İ"),
    ("ıi", "ii"),
    ("s", "ſ"),
    ("k", "\u{212a}"),
    ("å", "\u{212b}"),
    ("Ω", "\u{2126}"),
    ("ς", "Σ"),
    ("aς", "AΣ"),
    ("aσ", "aς"),
    ("aσb", "AΣB"),
    ("ﬁ", "fi"),
    ("ﬃ", "ffi"),
    ("ŉ", "ʼn"),
    ("ǰ", "J\u{30c}"),
    ("ΐ", "Ϊ\u{301}"),
    ("ᾳ", "ΑΙ"),
    ("ᾼ", "\u{391}\u{345}"),
    ("①", "1"),
    ("ａ", "a"),
    ("a\u{323}\u{302}", "a\u{302}\u{323}"),
];

/// Letters with cases, of scripts that every browser of these years knows.
const LETTERS: [core::ops::RangeInclusive<char>; 15] = [
    '\u{a1}'..='\u{587}',
    '\u{10a0}'..='\u{10ff}',
    '\u{13a0}'..='\u{13fd}',
    '\u{1c80}'..='\u{1cbf}',
    '\u{1d79}'..='\u{1fff}',
    '\u{2100}'..='\u{2188}',
    '\u{24b6}'..='\u{24e9}',
    '\u{2c00}'..='\u{2d2d}',
    '\u{a640}'..='\u{a69b}',
    '\u{a722}'..='\u{a7bf}',
    '\u{ab30}'..='\u{abbf}',
    '\u{fb00}'..='\u{fb17}',
    '\u{ff21}'..='\u{ff5a}',
    '\u{10400}'..='\u{1044f}',
    '\u{1e900}'..='\u{1e943}',
];

#[tokio::test]
async fn chromium_and_a_terminal_agree_which_names_are_the_same() {
    agree(Chromium).await;
}

#[tokio::test]
async fn firefox_and_a_terminal_agree_which_names_are_the_same() {
    agree(Firefox).await;
}

/// Each shares the same folder, where no two names are the same bytes: it numbers those that it takes for the same. The
/// other refuses the whole if it takes any two of what is left for the same.
async fn agree(kind: Kind) {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(1);
    let folder = fixture.file("beside", 0).with_file_name("pairs");
    fs::create_dir(&folder).unwrap();
    let pairs = pairs();
    assert!(pairs.len() > 2_000, "{} pairs", pairs.len());
    for name in pairs.iter().flatten() {
        fs::write(folder.join(name), []).unwrap();
    }

    let page = Page::open(kind, server.address()).await;
    page.drop_folder(&folder).await;
    let place = tempfile::tempdir().unwrap();
    let words = ["receive".as_ref(), "--into".as_ref(), place.path().as_os_str()];
    Terminal::start(&server, &words, &page.code().await).done().await;
    let named = names(&place.path().join("pairs"));
    for [first, second] in &pairs {
        let numbered = [first, second].map(|name| named.contains(&format!("{name} (2)")));
        let same = unicode_fold(first) == unicode_fold(second);
        assert_eq!(numbered.contains(&true), same, "{first:?} {second:?}");
    }
    page.press("pairs", "remove").await;
    page.leave().await;

    let mut terminal = Terminal::start(&server, &["send".as_ref(), folder.as_ref()], "");
    page.join(terminal.next("room").await["link"].as_str().unwrap()).await;
    page.press("pairs", "accept").await;
    page.item("pairs", ItemState::Done).await;
    terminal.done().await;
    page.close(&[]).await;
}

/// Pairs of names, each with a number of its own before it, so that only the two of a pair can be the same.
fn pairs() -> Vec<[String; 2]> {
    let cases = LETTERS.into_iter().flatten().flat_map(|letter| {
        let letter = letter.to_string();
        let others = BTreeSet::from([letter.to_lowercase(), letter.to_uppercase(), unicode_fold(&letter)]);
        others
            .into_iter()
            .filter(|other| *other != letter)
            .map(|other| (letter.clone(), other))
            .collect::<Vec<_>>()
    });
    let awkward = AWKWARD.map(|(first, second)| (first.to_owned(), second.to_owned()));
    let numbered = |(number, (first, second))| [first, second].map(|name| format!("{number}-{name}"));
    awkward.into_iter().chain(cases).enumerate().map(numbered).collect()
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
