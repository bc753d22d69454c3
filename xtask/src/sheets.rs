//! Joins the style sheets of a page into one: one load in place of several, and what they share is packed once.
//!
//! The sources stay apart, and trunk has no switch for it. Keeps the page's order, which decides what wins.

/// Hex digits at the end of a name, before its extension, by which trunk tells one content from another.
const HASH: usize = 16;
const EXTENSION: &str = ".css";

/// A page with one sheet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Joined {
    /// The page.
    pub(crate) page: String,
    /// The sheet's file; another one for other contents.
    pub(crate) sheet: String,
    /// The files that it takes the place of, in their order.
    pub(crate) parts: Vec<String>,
}

/// The page with one sheet in place of those that it names; `None` when it names one that trunk did not make.
pub(crate) fn joined(page: &str) -> Option<Joined> {
    let (mut kept, mut rest) = (String::with_capacity(page.len()), page);
    let (mut parts, mut contents, mut place) = (Vec::new(), 0_u64, 0);
    while let Some((before, tag, after)) = next_link(rest) {
        kept.push_str(before);
        rest = after;
        if !tag.contains("stylesheet") {
            kept.push_str(tag);
            continue;
        }
        let part = address(tag)?.trim_start_matches('/');
        let name = part.strip_suffix(EXTENSION)?;
        let hash = name.get(name.len().checked_sub(HASH)?..)?;
        // The same files in another order are another sheet.
        contents = contents.rotate_left(1) ^ u64::from_str_radix(hash, 16).ok()?;
        if parts.is_empty() {
            place = kept.len();
        }
        parts.push(part.to_owned());
    }
    kept.push_str(rest);
    let sheet = format!("style-{contents:016x}{EXTENSION}");
    kept.insert_str(place, &format!("<link href=/{sheet} rel=stylesheet>"));
    (!parts.is_empty()).then_some(Joined { page: kept, sheet, parts })
}

/// What stands before the next link, its tag, and what stands behind it.
pub(crate) fn next_link(page: &str) -> Option<(&str, &str, &str)> {
    let start = page.find("<link ")?;
    let end = start + page.get(start..)?.find('>')? + 1;
    Some((page.get(..start)?, page.get(start..end)?, page.get(end..)?))
}

/// Where a link leads, quoted or not.
fn address(tag: &str) -> Option<&str> {
    let (_, value) = tag.split_once("href=")?;
    match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => value.split([' ', '>']).next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<link href=icon.svg rel=icon>\
        <link href=/base-00000000000000f0.css integrity=sha384-x rel=stylesheet>\
        <link rel=\"stylesheet\" href=\"/page-000000000000000f.css\"/><body>";

    #[test]
    fn sheets_become_one_in_the_place_of_the_first_and_other_links_stay() {
        let joined = joined(PAGE).unwrap();
        let page = "<link href=icon.svg rel=icon>\
            <link href=/style-00000000000001ef.css rel=stylesheet><body>";
        assert_eq!(joined.page, page);
        assert_eq!(joined.sheet, "style-00000000000001ef.css");
        assert_eq!(joined.parts, ["base-00000000000000f0.css", "page-000000000000000f.css"]);
    }

    #[test]
    fn other_contents_or_another_order_have_another_name() {
        let other = PAGE.replace("00f0", "00f1");
        let swapped = PAGE.replace("00f0", "_").replace("000f", "00f0").replace('_', "000f");
        let names = [PAGE, &other, &swapped].map(|page| joined(page).unwrap().sheet);
        assert!(names[0] != names[1] && names[0] != names[2] && names[1] != names[2], "{names:?}");
    }

    #[test]
    fn a_page_without_sheets_of_trunks_is_left_alone() {
        for page in ["", "<body>", "<link href=/base.css rel=stylesheet>", "<link rel=stylesheet>", "<link "]
        {
            assert_eq!(joined(page), None, "{page}");
        }
    }
}
