//! Takes the inline styles out of foreign markup before it is parsed, because the page's policy complains of each.
//!
//! They are renamed, not read: what was `style` is `data-style` afterwards, and a style sheet an unknown element.
//! This is no protection and needs to be none: the parsed markup is inert and is only walked.

/// The attribute that inline declarations are found in afterwards.
pub(super) const RENAMED_ATTRIBUTE: &str = "data-style";
/// The element that style sheets are found in afterwards.
pub(super) const RENAMED_ELEMENT: &str = "x-style";

const STYLE: &str = "style";

/// The same markup without anything that a browser takes for a style.
pub(super) fn unstyled(markup: &str) -> String {
    let mut out = String::with_capacity(markup.len());
    let mut rest = markup;
    while let Some(start) = rest.find('<') {
        let (before, from_tag) = rest.split_at(start);
        let tag = &from_tag[..tag_length(from_tag)];
        out.push_str(before);
        rename(tag, &mut out);
        rest = &from_tag[tag.len()..];
    }
    out.push_str(rest);
    out
}

/// Bytes of the tag that opens this text, up to its `>` outside of quotes; one for a lone `<`.
fn tag_length(text: &str) -> usize {
    let name = text[1..].strip_prefix('/').unwrap_or(&text[1..]);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return 1;
    }
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            None if c == '>' => return at + 1,
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ => {}
        }
    }
    text.len()
}

/// Writes a tag with its name and its attribute renamed.
fn rename(tag: &str, out: &mut String) {
    let mut quote = None;
    let mut before = None;
    let mut at = 0;
    while let Some(c) = tag[at..].chars().next() {
        let replacement = match (quote, before) {
            (None, Some('<' | '/')) => Some(RENAMED_ELEMENT),
            (None, Some('"' | '\'')) => Some(RENAMED_ATTRIBUTE),
            (None, Some(c)) if c.is_ascii_whitespace() => Some(RENAMED_ATTRIBUTE),
            _ => None,
        };
        if let Some(replacement) = replacement.filter(|_| is_the_word(&tag[at..])) {
            out.push_str(replacement);
            at += STYLE.len();
            before = None;
            continue;
        }
        quote = match quote {
            None if c == '"' || c == '\'' => Some(c),
            Some(open) if c == open => None,
            same => same,
        };
        out.push(c);
        before = Some(c);
        at += c.len_utf8();
    }
}

/// True when this text opens with the whole word, in any case.
fn is_the_word(text: &str) -> bool {
    let Some((word, after)) = text.split_at_checked(STYLE.len()) else { return false };
    let ends = after.chars().next().is_none_or(|c| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/'));
    word.eq_ignore_ascii_case(STYLE) && ends
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::unstyled;

    #[test]
    fn styles_are_renamed_wherever_a_browser_would_find_them() {
        let cases = [
            ("<p style=\"a\">", "<p data-style=\"a\">"),
            ("<p\nSTYLE = 'a'>", "<p\ndata-style = 'a'>"),
            ("<p id=\"x\"style=a>", "<p id=\"x\"data-style=a>"),
            ("<style>p{}</style>", "<x-style>p{}</x-style>"),
            ("<Style type=a>", "<x-style type=a>"),
        ];
        for (markup, expected) in cases {
            assert_eq!(unstyled(markup), expected);
        }
    }

    #[test]
    fn text_and_other_attributes_stay_as_they_are() {
        for markup in [
            "a style=b < style=c",
            "<p title=\" style=x\">",
            "<p data-style=a stylesheet=b>",
            "1 <2> style",
            "<",
        ] {
            assert_eq!(unstyled(markup), markup);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "(<|/|>|\"|'|style|=| |\\PC){0,40}") {
            let renamed = unstyled(&text);
            prop_assert!(renamed.len() >= text.len());
            prop_assert_eq!(unstyled(&renamed), renamed);
        }
    }
}
