use unicode_normalization::UnicodeNormalization;

use proptest::prelude::*;

use super::*;

fn component(name: &str) -> Component {
    name.parse().unwrap()
}

fn path(text: &str) -> RelativePath {
    RelativePath::parse(text.split('/')).unwrap()
}

/// Names that must never reach a disk, with the reason.
fn hostile() -> Vec<(String, InvalidName)> {
    use InvalidName as E;
    let fixed = [
        ("", E::Empty),
        (".", E::Dots),
        ("..", E::Dots),
        ("...", E::Edge),
        ("/", E::Separator),
        ("/etc/passwd", E::Separator),
        ("../secret", E::Separator),
        ("a/../b", E::Separator),
        ("a/b", E::Separator),
        ("\\", E::Separator),
        ("..\\secret", E::Separator),
        ("\\\\server\\share", E::Separator),
        ("\\\\?\\C:\\x", E::Separator),
        ("C:\\x", E::Separator),
        ("C:", E::Forbidden),
        ("C:x", E::Forbidden),
        ("a:stream", E::Forbidden),
        ("a::$DATA", E::Forbidden),
        ("a<b", E::Forbidden),
        ("a>b", E::Forbidden),
        ("a\"b", E::Forbidden),
        ("a|b", E::Forbidden),
        ("a?b", E::Forbidden),
        ("a*b", E::Forbidden),
        ("a\0b", E::Control),
        ("a\nb", E::Control),
        ("a\rb", E::Control),
        ("a\tb", E::Control),
        ("\u{1b}[31mred", E::Control),
        ("a\u{7f}", E::Control),
        ("a\u{85}b", E::Control),
        ("a\u{9b}31m", E::Control),
        ("annexe\u{202e}gpj.exe", E::Invisible),
        ("a\u{202a}b", E::Invisible),
        ("a\u{2066}b", E::Invisible),
        ("a\u{200e}b", E::Invisible),
        ("a\u{61c}b", E::Invisible),
        ("a\u{200b}b", E::Invisible),
        ("a\u{200d}b", E::Invisible),
        ("a\u{2060}b", E::Invisible),
        ("a\u{feff}b", E::Invisible),
        ("a\u{ad}b", E::Invisible),
        ("a\u{2028}b", E::Invisible),
        ("\u{3164}", E::Invisible),
        ("a\u{e0041}", E::Invisible),
        ("a ", E::Edge),
        ("a.", E::Edge),
        ("a. .", E::Edge),
        (" ", E::Edge),
        (" a", E::Edge),
        ("a\u{a0}", E::Edge),
        ("\u{3000}a", E::Edge),
        ("NUL", E::Reserved),
        ("nul", E::Reserved),
        ("Con", E::Reserved),
        ("PRN.txt", E::Reserved),
        ("aux.tar.gz", E::Reserved),
        ("NUL .txt", E::Reserved),
        ("COM1", E::Reserved),
        ("com9.log", E::Reserved),
        ("COM0", E::Reserved),
        ("LPT1", E::Reserved),
        ("LPT¹", E::Reserved),
        ("COM²", E::Reserved),
        ("com³.x", E::Reserved),
        ("CONIN$", E::Reserved),
        ("conout$.txt", E::Reserved),
        ("CLOCK$", E::Reserved),
        ("film.mkv.privydrop-part", E::Part),
        (".privydrop-part", E::Part),
        ("film.PrivyDrop-PART", E::Part),
    ];
    let mut names: Vec<_> = fixed.into_iter().map(|(name, reason)| (name.to_owned(), reason)).collect();
    names.push(("x".repeat(256), E::TooLong));
    names.push(("ü".repeat(128), E::TooLong));
    names.push(("x".repeat(1_000_000), E::TooLong));
    names
}

#[test]
fn hostile_names_are_refused_with_their_reason() {
    let hostile = hostile();
    assert!(hostile.len() > 60);
    for (name, reason) in hostile {
        assert_eq!(name.parse::<Component>(), Err(reason), "{name:?}");
        let json = serde_json::to_string(&name).unwrap();
        assert!(serde_json::from_str::<Component>(&json).is_err(), "{name:?}");
    }
}

#[test]
fn hostile_names_become_harmless_when_sanitized() {
    for (name, _) in hostile() {
        let safe = Component::sanitize(&name);
        assert_eq!(safe.as_str().parse(), Ok(safe.clone()), "{name:?}");
    }
    let cases = [
        ("", "_"),
        ("..", "_"),
        ("a/b\\c", "a_b_c"),
        ("a:b?.txt", "a_b_.txt"),
        ("  a. ", "a"),
        ("nul.txt", "_nul.txt"),
        ("exe\u{202e}gpj.exe", "exegpj.exe"),
        ("x.privydrop-part", "x.privydrop-part_"),
        ("\u{1b}[31mred", "_[31mred"),
        ("CON\u{200b}", "_CON"),
    ];
    for (name, expected) in cases {
        assert_eq!(Component::sanitize(name).as_str(), expected, "{name:?}");
    }
}

#[test]
fn shortening_a_name_does_not_make_it_hostile() {
    let cut_at = |end: &str| format!("{}{end}{}", "x".repeat(MAX_NAME - 2 - end.len()), "x".repeat(99));
    let blanks = format!("NUL{}x", " ".repeat(300));
    for name in [cut_at(PART_SUFFIX), cut_at(". "), cut_at("é"), blanks, format!("NUL.{}", "x".repeat(251))]
    {
        let safe = Component::sanitize(&name);
        assert_eq!(safe.as_str().parse(), Ok(safe.clone()), "{name:?}");
    }
    assert_eq!(Component::sanitize(&format!("{}.jpeg", "x".repeat(300))).as_str()[248..], *".jpeg");
}

#[test]
fn ordinary_names_of_all_languages_pass_unchanged() {
    let names = [
        "a",
        ".bashrc",
        ".git",
        "a.tar.gz",
        "Ünïcödé – naïve.txt",
        "写真 2024.jpg",
        "사진.png",
        "ملف.pdf",
        "❤\u{fe0f}.png",
        "-rf",
        "~",
        "%00",
        "COM10",
        "COMa",
        "console.log",
        "nul-1",
        "CON$",
        "a..b",
        "..a",
        "privydrop-part",
        "x.privydrop-part.txt",
        "Icon (2)",
        "$MFT",
    ];
    for name in names {
        assert_eq!(component(name).as_str(), name);
        assert_eq!(Component::sanitize(name).as_str(), name);
    }
    assert!("x".repeat(MAX_NAME).parse::<Component>().is_ok());
}

#[test]
fn a_number_goes_before_the_extension() {
    let cases = [
        ("photo.jpg", "photo (2).jpg"),
        ("photo", "photo (2)"),
        (".bashrc", ".bashrc (2)"),
        ("a.tar.gz", "a.tar (2).gz"),
        ("Mr. Somebody and so on", "Mr. Somebody and so on (2)"),
    ];
    for (name, expected) in cases {
        assert_eq!(component(name).numbered(2).as_str(), expected);
    }
    let long = component(&format!("{}.jpeg", "ü".repeat(125))).numbered(u32::MAX);
    assert!(long.as_str().len() <= MAX_NAME && long.as_str().ends_with("ü (4294967295).jpeg"));
}

#[test]
fn names_that_some_disk_takes_for_the_same_have_the_same_key() {
    let same = [
        ("readme", "README"),
        ("é", "e\u{301}"),
        ("É", "e\u{301}"),
        ("straße", "STRASSE"),
        ("ﬁle", "FILE"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("K", "\u{212a}"),
        ("한", "\u{1112}\u{1161}\u{11ab}"),
    ];
    for (a, b) in same {
        assert_eq!(unicode_fold(component(a).as_str()), unicode_fold(component(b).as_str()), "{a} {b}");
    }
    assert_ne!(unicode_fold("a"), unicode_fold("ä"));
}

#[test]
fn a_path_is_bounded_in_depth_and_length() {
    let names = |name: &str, count: usize| RelativePath::parse(vec![name.to_owned(); count]);
    assert_eq!(names("a", 0), Err(InvalidPath::Empty));
    assert!(names("a", MAX_DEPTH).is_ok());
    assert_eq!(names("a", MAX_DEPTH + 1), Err(InvalidPath::TooDeep));
    assert_eq!(names("a", 100_000), Err(InvalidPath::TooDeep));
    assert_eq!(names(&"a".repeat(255), 16).map(|path| path.to_string().len()), Ok(MAX_PATH - 1));
    assert_eq!(names(&"a".repeat(255), 17), Err(InvalidPath::TooLong));
    assert_eq!(RelativePath::parse(["a", ".."]), Err(InvalidPath::Name(InvalidName::Dots)));
    assert!(names("a", MAX_DEPTH).unwrap().within(&component("b")).is_err());
    assert_eq!(path("b/c").within(&component("a")), Ok(path("a/b/c")));
    assert!(serde_json::from_str::<RelativePath>(r#"["a","..","b"]"#).is_err());
    assert!(serde_json::from_str::<RelativePath>("[]").is_err());
}

#[test]
fn paths_that_cannot_stand_side_by_side_are_refused() {
    use EntryType::{File, Folder};
    type Listing = &'static [(&'static str, EntryType)];
    let cases: [(Listing, Option<Collision>); 11] = [
        (&[("a", File), ("b/a", File), ("b", Folder), ("b/c/d", File), ("b/c", Folder)], None),
        (&[("a", File), ("a", File)], Some(Collision::Duplicate)),
        (&[("a", Folder), ("a", Folder)], Some(Collision::Duplicate)),
        (&[("a/b", File), ("a", Folder), ("a", Folder)], Some(Collision::Duplicate)),
        (&[("a", File), ("A", File)], Some(Collision::Spelling)),
        (&[("a/x", File), ("A/y", File)], Some(Collision::Spelling)),
        (&[("é", File), ("e\u{301}", File)], Some(Collision::Spelling)),
        (&[("a", File), ("a/b", File)], Some(Collision::FileAgainstFolder)),
        (&[("a/b", File), ("a", File)], Some(Collision::FileAgainstFolder)),
        (&[("a", File), ("a", Folder)], Some(Collision::FileAgainstFolder)),
        (&[("a/b", File), ("ab", File), ("c/b", File)], None),
    ];
    for (paths, expected) in cases {
        let mut set = PathSet::new(unicode_fold);
        let refused = paths.iter().find_map(|&(text, entry)| set.insert(&path(text), entry).err());
        assert_eq!(refused, expected, "{paths:?}");
    }
}

#[test]
fn a_set_has_a_bound_that_deep_paths_reach_too() {
    let deep = |number: usize| {
        let names =
            (0..MAX_DEPTH).map(|depth| if depth == 0 { format!("r{number}") } else { "d".to_owned() });
        RelativePath::parse(names).unwrap()
    };
    let mut set = PathSet::new(unicode_fold);
    let fits = MAX_NODES / MAX_DEPTH;
    assert!((0..fits).all(|number| set.insert(&deep(number), EntryType::File).is_ok()));
    assert_eq!(set.insert(&deep(fits), EntryType::File), Err(Collision::TooMany));
}

#[test]
fn a_set_has_a_bound_that_paths_with_one_beginning_reach_too() {
    let mut set = PathSet::new(unicode_fold);
    let below = |number: usize| {
        let mut names = vec!["d".to_owned(); MAX_DEPTH - 1];
        names.push(number.to_string());
        RelativePath::parse(names).unwrap()
    };
    let fits = MAX_NAMES / MAX_DEPTH;
    assert!((0..fits).all(|number| set.insert(&below(number), EntryType::File).is_ok()));
    assert_eq!(set.insert(&below(fits), EntryType::File), Err(Collision::TooMany));
}

proptest! {
    #[test]
    fn any_name_is_accepted_or_refused_and_can_always_be_sanitized(
        name in "([./\\\\:* \t]|\\PC|NUL|COM¹|\u{202e}|\u{200b}|\\.privydrop-part|[a-zé]){0,300}",
        number: u32,
    ) {
        if let Ok(component) = name.parse::<Component>() {
            prop_assert_eq!(&Component::sanitize(&name), &component);
        }
        let safe = Component::sanitize(&name);
        prop_assert_eq!(safe.as_str().parse::<Component>(), Ok(safe.clone()));
        let numbered = safe.numbered(number);
        prop_assert_eq!(numbered.as_str().parse::<Component>(), Ok(numbered.clone()));
    }

    #[test]
    fn a_key_is_the_same_for_every_form_of_a_name(name in "\\PC{1,40}") {
        let key = unicode_fold(&name);
        for form in [name.nfc().collect::<String>(), name.nfd().collect()] {
            prop_assert_eq!(unicode_fold(&form), key.as_str());
        }
        prop_assert_eq!(unicode_fold(&key), key);
    }

    #[test]
    fn a_path_survives_its_encoding(names in prop::collection::vec("[a-zé]{1,20}", 1..10)) {
        let path = RelativePath::parse(&names).unwrap();
        let encoded = postcard::to_allocvec(&path).unwrap();
        prop_assert_eq!(postcard::from_bytes::<RelativePath>(&encoded), Ok(path));
    }
}

#[test]
fn the_key_of_a_plain_name_is_the_one_that_the_tables_give() {
    use caseless::Caseless;
    let all: String = (0..128u8).map(char::from).collect();
    let by_tables: String = all.chars().nfd().default_case_fold().nfc().collect();
    assert_eq!(unicode_fold(&all), by_tables);
}

#[test]
fn names_in_the_folder_of_the_one_before_are_told_apart_like_all_others() {
    let mut set = PathSet::new(unicode_fold);
    let mut add = |text: &str, entry| set.insert(&path(text), entry);
    assert_eq!(add("a/b/One", EntryType::File), Ok(()));
    assert_eq!(add("a/b/two", EntryType::File), Ok(()));
    assert_eq!(add("a/b/one", EntryType::File), Err(Collision::Spelling));
    assert_eq!(add("a/b/TWO", EntryType::File), Err(Collision::Spelling));
    assert_eq!(add("a/b/two", EntryType::File), Err(Collision::Duplicate));
    assert_eq!(add("a/B/three", EntryType::File), Err(Collision::Spelling));
    assert_eq!(add("a/b/two/three", EntryType::File), Err(Collision::FileAgainstFolder));
    assert_eq!(add("a/b", EntryType::Folder), Ok(()));
    assert_eq!(add("a/b", EntryType::Folder), Err(Collision::Duplicate));
}

#[test]
fn a_path_within_a_folder_is_checked_like_any_other() {
    let top = component("top");
    let within = |names: &[&str]| {
        RelativePath::parse_within(&top, names.iter().map(|name| (*name).to_owned()).collect())
    };
    assert_eq!(within(&["a", "b"]), Ok(path("top/a/b")));
    assert_eq!(within(&[]), Err(InvalidPath::Empty));
    assert_eq!(within(&["a", ".."]), Err(InvalidPath::Name(InvalidName::Dots)));
    assert_eq!(within(&["a"; MAX_DEPTH - 1]).map(|path| path.components().len()), Ok(MAX_DEPTH));
    assert_eq!(within(&["a"; MAX_DEPTH]), Err(InvalidPath::TooDeep));
}
