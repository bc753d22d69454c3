//! Names and paths as others write them.

use privydrop_common::name::{
    Component, EntryType, InvalidPath, MAX_DEPTH, MAX_NAME, MAX_PATH, PART_SUFFIX, PathSet, RelativePath,
    unicode_fold,
};

/// One name: refused or safe, and safe once it is made so.
pub(crate) fn names(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let safe = Component::sanitize(&text);
    is_safe(&safe);
    assert_eq!(Component::sanitize(safe.as_str()), safe);
    for number in [2, 100_000, u32::MAX] {
        is_safe(&safe.numbered(number));
    }
    if let Ok(name) = text.parse::<Component>() {
        assert!(name.as_str() == text && name == safe);
    }
}

fn is_safe(name: &Component) {
    let text = name.as_str();
    assert_eq!(text.parse().as_ref(), Ok(name));
    assert!((1..=MAX_NAME).contains(&text.len()) && !matches!(text, "." | ".."));
    let harmful = |c: char| {
        c.is_control()
            || "/\\<>:\"|?*".contains(c)
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || c == '\u{200b}'
    };
    assert!(!text.contains(harmful) && text.trim() == text && !text.ends_with('.'));
    assert!(!text.to_ascii_lowercase().ends_with(PART_SUFFIX));
    let stem = text.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    assert!(!["CON", "PRN", "AUX", "NUL", "COM1", "LPT9"].contains(&stem.as_str()));
}

/// A path a line, names parted by slashes, put side by side.
pub(crate) fn paths(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut taken = PathSet::new(unicode_fold);
    let mut files: Vec<RelativePath> = Vec::new();
    for line in text.split('\n').take(64) {
        let path = match RelativePath::parse(line.split('/')) {
            Ok(path) => path,
            Err(InvalidPath::Name(_) | InvalidPath::Empty) => continue,
            Err(InvalidPath::TooDeep) => {
                assert!(line.split('/').count() > MAX_DEPTH);
                continue;
            }
            Err(InvalidPath::TooLong) => {
                assert!(line.len() > MAX_PATH);
                continue;
            }
        };
        assert!(path.to_string() == line && path.components().len() <= MAX_DEPTH && line.len() <= MAX_PATH);
        path.components().iter().for_each(is_safe);
        let json = serde_json::to_string(&path).unwrap();
        assert_eq!(serde_json::from_str::<RelativePath>(&json).unwrap(), path);
        if taken.insert(&path, EntryType::File).is_err() {
            // Some of its folders may be there now.
            return;
        }
        let key = |path: &RelativePath| unicode_fold(&path.to_string());
        for other in &files {
            let (one, other) = (key(&path), key(other));
            assert!(
                one != other
                    && !one.starts_with(&format!("{other}/"))
                    && !other.starts_with(&format!("{one}/"))
            );
        }
        files.push(path);
    }
}

pub(crate) fn name_seeds() -> Vec<Vec<u8>> {
    let long = "x".repeat(250);
    let names = [
        "film.mkv",
        "..",
        "a/b\\c",
        "NUL .txt",
        "com¹.log",
        " a. ",
        "annexe\u{202e}gpj.exe",
        "film.privydrop-part",
        &format!("{long}.tar.gz"),
        "语.txt",
    ];
    names.map(|name| name.as_bytes().to_vec()).to_vec()
}

pub(crate) fn path_seeds() -> Vec<Vec<u8>> {
    ["a/b/c\na/b/d\ne", "A/b\na/B", "a\na/b", "é\ne\u{301}\nß\nSS"]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
}
