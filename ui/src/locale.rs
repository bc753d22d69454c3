//! Words for people: one Fluent file per language; which language to speak; sizes and times in words.
//!
//! English is part of the page. The others are files beside it that [`crate::words`] loads, so that nobody loads a
//! language that they do not read. Never decides what to say, only how. A string that a person reads stands in
//! `locales/`, nowhere else.

use std::sync::OnceLock;

use privydrop_common::api::{Notice, NoticeCode};
use privydrop_common::bridge;
use yew::prelude::*;

use crate::figures::{self, TimeLeft};
use crate::fluent::{self, ISOLATE, Part, Parts, Phrases};
use crate::words::version;

/// What there is to say about each language, once. The first of them is in every page.
macro_rules! languages {
    ($($(#[$about:meta])* $language:ident = $tag:literal, $name:literal;)*) => {
        /// A language that the page speaks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Language { $($(#[$about])* $language),* }

        impl Language {
            /// Every language, in the order of the menu.
            pub const ALL: [Self; [$($tag),*].len()] = [$(Self::$language),*];
        }

        /// Tag and name of each.
        static KNOWN: [(&str, &str); Language::ALL.len()] = [$(($tag, $name)),*];

        /// The words that are in the page. Those that only the app needs are in no other page, and its page has all
        /// languages.
        #[cfg(any(feature = "desktop", test))]
        static EMBEDDED: [&str; Language::ALL.len()] = [$(concat!(
            include_str!(concat!("../locales/", $tag, ".ftl")),
            include_str!(concat!("../locales/app/", $tag, ".ftl"))
        )),*];

        /// Of the files beside the page. One for all: eight bytes of chance a language would be loaded by everybody.
        const VERSION: u64 = version(&[$(include_bytes!(concat!("../locales/", $tag, ".ftl"))),*]);
    };
}

languages! {
    /// English, also for everybody whose language is missing.
    English = "en", "English";
    /// Chinese, simplified characters.
    Chinese = "zh", "中文";
    /// Japanese.
    Japanese = "ja", "日本語";
    /// Spanish, of no one country.
    Spanish = "es", "Español";
    /// German.
    German = "de", "Deutsch";
    /// French.
    French = "fr", "Français";
    /// Korean.
    Korean = "ko", "한국어";
}

/// The words that are in the page.
#[cfg(not(any(feature = "desktop", test)))]
static EMBEDDED: [&str; 1] = [include_str!("../locales/en.ftl")];

impl Language {
    /// Its tag, as in `<html lang>` and in the name of its file.
    pub fn tag(self) -> &'static str {
        KNOWN[self as usize].0
    }

    /// Its name in itself.
    pub fn name(self) -> &'static str {
        KNOWN[self as usize].1
    }

    /// The language of a tag like `zh-Hans-CN`, when the page speaks it.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let (primary, rest) = tag.split_at_checked(2)?;
        let whole = !rest.starts_with(|letter: char| letter.is_ascii_alphabetic());
        Self::ALL.into_iter().find(|language| whole && primary.eq_ignore_ascii_case(language.tag()))
    }

    /// The first of these tags that the page speaks, best first; English when there is none.
    pub fn choose<'a>(tags: impl IntoIterator<Item = &'a str>) -> Self {
        tags.into_iter().find_map(Self::of_tag).unwrap_or(Self::English)
    }

    /// The numbers of the kind `one`, as files name it in their choices. All others are `other`.
    fn ones(self) -> &'static [u64] {
        match self {
            Self::English | Self::Spanish | Self::German => &[1],
            Self::French => &[0, 1],
            Self::Chinese | Self::Japanese | Self::Korean => &[],
        }
    }

    /// The address of the file that has its words; `None` when they are here.
    pub fn file(self) -> Option<String> {
        let here = self.embedded().is_some() || READ[self as usize].get().is_some();
        (!here).then(|| format!("locales/{}.ftl?{VERSION:016x}", self.tag()))
    }

    /// Takes the words of its file. They stay for as long as the page lives.
    pub fn learn(self, source: String) {
        READ[self as usize].get_or_init(|| Phrases::new(source.leak()));
    }

    /// This language when its words are here, else English.
    pub fn or_english(self) -> Self {
        if self.file().is_none() { self } else { Self::English }
    }

    /// Nothing is said in a language before its file has come.
    fn phrases(self) -> &'static Phrases<'static> {
        READ[self as usize].get_or_init(|| Phrases::new(self.embedded().unwrap_or_default()))
    }

    fn embedded(self) -> Option<&'static str> {
        EMBEDDED.get(self as usize).copied()
    }
}

/// The words that were read so far.
static READ: [OnceLock<Phrases<'static>>; Language::ALL.len()] =
    [const { OnceLock::new() }; Language::ALL.len()];

/// A message in words: what happened, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What happened.
    pub state: String,
    /// Why.
    pub reason: String,
    /// What the person can do now.
    pub next: String,
}

/// All words of one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locale(Language);

impl Locale {
    /// The words of this language.
    pub fn of(language: Language) -> Self {
        Self(language)
    }

    /// A phrase without parts to fill in.
    pub fn say(&self, key: &str) -> AttrValue {
        self.format(key, None, &[]).into()
    }

    /// A phrase with its parts, like `locale.fill("path-rtt", &[("ms", 12.into())])`.
    pub fn fill(&self, key: &str, parts: Parts<'_>) -> AttrValue {
        self.format(key, None, parts).into()
    }

    /// A message in words.
    pub fn message(&self, notice: &Notice) -> Message {
        let key = format!("notice-{}", notice.code.as_str());
        let named = !notice.subject.is_empty();
        let subject = match notice.subject.as_str() {
            "" if is_about_a_member(notice.code) => self.say("somebody").to_string(),
            "" => self.say("something").to_string(),
            subject => subject.to_owned(),
        };
        let bytes = |amount: Option<u64>| figures::size(amount.unwrap_or(0)).into();
        let parts = [
            ("subject", subject.into()),
            ("number", notice.number.map_or_else(|| "unknown".to_owned().into(), Part::from)),
            ("needed", bytes(notice.number)),
            ("free", bytes(notice.second)),
        ];
        let part = |attribute| {
            let sentence = self.format(&key, attribute, &parts);
            if named { sentence } else { capitalised(sentence) }
        };
        Message { state: part(None), reason: part(Some("reason")), next: part(Some("next")) }
    }

    /// Words for what the program around the page shows by itself. What it fills in stands in braces.
    pub fn app_words(&self) -> bridge::Words {
        let say = |key| self.say(key).to_string();
        let blank = |name: &str| Part::Text(format!("{{{name}}}"));
        let follow = [("room", blank("room")), ("server", blank("server"))];
        bridge::Words {
            show: say("app-show"),
            quit: say("app-quit"),
            idle: say("app-idle"),
            moving: say("app-moving"),
            arrived: say("app-arrived"),
            follow: self.format("app-follow", None, &follow),
            update: self.format("app-update", None, &[("version", blank("version"))]),
            install: say("app-install"),
            join: say("join"),
            cancel: say("cancel"),
        }
    }

    /// Time left, in words.
    pub fn time_left(&self, seconds: u64) -> AttrValue {
        match figures::time_left(seconds) {
            TimeLeft::Moment => self.say("left-moment"),
            TimeLeft::Seconds(seconds) => self.fill("left-seconds", &[("seconds", seconds.into())]),
            TimeLeft::Minutes(minutes) => self.fill("left-minutes", &[("minutes", minutes.into())]),
            TimeLeft::Hours(hours, minutes) => {
                self.fill("left-hours", &[("hours", hours.into()), ("minutes", minutes.into())])
            }
        }
    }

    /// Speed in words.
    pub fn speed(&self, bytes_a_second: u64) -> AttrValue {
        self.fill("speed", &[("amount", figures::size(bytes_a_second).into())])
    }

    /// The text of a message or of its attribute. A missing one shows its key, so that it is seen.
    fn format(&self, key: &str, attribute: Option<&str>, parts: Parts<'_>) -> String {
        let Self(language) = self;
        match language.phrases().find(key, attribute) {
            Some(pattern) => fluent::fill(pattern, parts, language.ones()),
            None => key.to_owned(),
        }
    }
}

/// The words of the language that is chosen now.
#[hook]
pub fn use_locale() -> Locale {
    use_context::<Locale>().unwrap_or_else(|| Locale::of(Language::English))
}

/// True for messages whose subject is a member, not an item or a room.
fn is_about_a_member(code: NoticeCode) -> bool {
    use NoticeCode::{
        ConnectFailed, ConnectSlow, PeerJoined, PeerLeft, PeerLost, PeerVersion, PeerViolation, UnsafeName,
    };
    matches!(
        code,
        ConnectFailed
            | ConnectSlow
            | PeerJoined
            | PeerLeft
            | PeerLost
            | PeerVersion
            | PeerViolation
            | UnsafeName
    )
}

/// The same sentence with a capital letter where it opens with words in place of a name.
fn capitalised(mut sentence: String) -> String {
    let [open, _] = ISOLATE;
    let first = open.len_utf8();
    if sentence.starts_with(open)
        && let Some(letter) = sentence.get_mut(first..=first)
    {
        letter.make_ascii_uppercase();
    }
    sentence
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fluent_bundle::{FluentArgs, FluentBundle, FluentResource, FluentValue};

    use super::*;

    fn source(language: Language) -> &'static str {
        language.embedded().expect("all languages are in this build")
    }

    /// A language as Fluent itself reads it.
    fn bundle(language: Language) -> FluentBundle<FluentResource> {
        let resource =
            FluentResource::try_new(source(language).to_owned()).expect("every file is well formed");
        let mut bundle = FluentBundle::new(vec![language.tag().parse().unwrap()]);
        bundle.set_use_isolating(false);
        bundle.add_resource(resource).unwrap();
        bundle
    }

    /// `key` and `key.attribute` of everything in a language's file, read line by line.
    fn keys(language: Language) -> BTreeSet<String> {
        let mut message = String::new();
        let mut keys = BTreeSet::new();
        for line in source(language).lines() {
            let Some((name, _)) = line.split_once(" =") else { continue };
            if let Some(attribute) = name.strip_prefix("    .") {
                keys.insert(format!("{message}.{attribute}"));
            } else if !name.starts_with(' ') {
                message = name.to_owned();
                assert!(keys.insert(message.clone()), "{message} stands twice in {}", language.tag());
            }
        }
        keys
    }

    #[test]
    fn every_language_says_the_same_things() {
        let english = keys(Language::English);
        assert!(english.len() > 100);
        for language in Language::ALL {
            assert_eq!(keys(language), english, "{}", language.tag());
        }
    }

    #[test]
    fn every_language_fills_in_the_same_parts() {
        let parts = |language: Language, key: &str| {
            let (message, attribute) = key.split_once('.').map_or((key, None), |(m, a)| (m, Some(a)));
            let pattern = language.phrases().find(message, attribute).expect("it is in the file");
            let names = pattern.split('$').skip(1);
            names.filter_map(|rest| rest.split([' ', '}']).next()).collect::<BTreeSet<_>>()
        };
        for language in Language::ALL {
            for key in keys(Language::English) {
                let (theirs, english) = (parts(language, &key), parts(Language::English, &key));
                assert_eq!(theirs, english, "{} {key}", language.tag());
            }
        }
    }

    #[test]
    fn every_message_says_what_happened_and_why_and_what_to_do() {
        for language in Language::ALL {
            let locale = Locale::of(language);
            let numbers = [None, Some(0), Some(1), Some(5)];
            for (code, number) in
                NoticeCode::ALL.iter().flat_map(|code| numbers.map(|number| (*code, number)))
            {
                let subject = "report.pdf".to_owned();
                let notice = Notice { id: 1, code, subject, number, second: Some(2) };
                let message = locale.message(&notice);
                for part in [message.state, message.reason, message.next] {
                    assert!(!part.is_empty() && !part.contains("notice-"), "{code:?}: {part}");
                    assert!(!part.contains('{'), "{code:?}: {part}");
                }
            }
        }
    }

    #[test]
    fn every_phrase_is_what_fluent_makes_of_it() {
        let every =
            ["room", "name", "seconds", "tries", "ms", "files", "count", "amount", "done", "size", "minutes"];
        let more = ["hours", "word", "subject", "number", "needed", "free", "folder", "server", "version"];
        let names = || every.into_iter().chain(more);
        for (language, number) in
            Language::ALL.into_iter().flat_map(|language| [0, 1, 2, 5].map(|n| (language, n)))
        {
            let bundle = bundle(language);
            let args: FluentArgs<'_> = names().map(|name| (name, FluentValue::from(number))).collect();
            let parts: Vec<_> = names().map(|name| (name, Part::Number(number))).collect();
            for key in keys(language) {
                let (message, attribute) = key.split_once('.').map_or((&*key, None), |(m, a)| (m, Some(a)));
                let found = bundle.get_message(message).expect("it is in the file");
                let pattern = match attribute {
                    None => found.value(),
                    Some(name) => found.get_attribute(name).map(|attribute| attribute.value()),
                };
                let mut errors = Vec::new();
                let fluent = bundle.format_pattern(pattern.expect("it has words"), Some(&args), &mut errors);
                assert!(errors.is_empty(), "{} {key}: {errors:?}", language.tag());
                assert_eq!(Locale::of(language).format(message, attribute, &parts), fluent, "{key}");
            }
        }
    }

    #[test]
    fn the_first_language_that_the_page_speaks_is_chosen() {
        assert_eq!(Language::choose(["nl-BE", "zh-Hant-TW", "en"]), Language::Chinese);
        assert_eq!(Language::choose(["fr-CA", "en"]), Language::French);
        assert_eq!(Language::choose(["fil", "d", "DE_ch"]), Language::German);
        assert_eq!(Language::choose(["EN_us", "ko"]), Language::English);
        assert_eq!(Language::choose([]), Language::English);
    }

    #[test]
    fn a_message_without_a_name_still_is_a_sentence() {
        let notice =
            Notice { id: 1, code: NoticeCode::PeerLeft, subject: String::new(), number: None, second: None };
        let message = Locale::of(Language::English).message(&notice);
        assert_eq!(message.state.replace(['\u{2068}', '\u{2069}'], ""), "Another device left");
    }

    #[test]
    fn a_name_keeps_its_letters_at_the_start_of_a_sentence() {
        let subject = "report.pdf".to_owned();
        let notice = Notice { id: 1, code: NoticeCode::ItemSent, subject, number: None, second: None };
        assert!(Locale::of(Language::English).message(&notice).state.contains("report.pdf"));
    }
}
