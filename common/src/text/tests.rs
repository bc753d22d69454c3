use super::*;
use proptest::prelude::*;

fn run(text: &str, style: Style) -> Run {
    Run { text: text.to_owned(), style }
}

fn any_runs() -> impl Strategy<Value = Vec<Run>> {
    let style = (any::<[bool; 5]>(), any::<Option<[u8; 3]>>(), 0..4usize, any::<bool>()).prop_map(
        |([bold, italic, underline, strike, code], colour, size, link)| Style {
            bold,
            italic,
            underline,
            strike,
            code,
            colour: colour.map(|[r, g, b]| Rgb(r, g, b)),
            size: [None, Some(Size::Small), Some(Size::Large), Some(Size::Huge)][size],
            link: link.then(|| "https://example.org/?q=1#x".parse().unwrap()),
        },
    );
    prop::collection::vec(("[\\PC\t\n]{0,9}", style).prop_map(|(text, style)| Run { text, style }), 0..6)
}

fn any_block() -> impl Strategy<Value = Block> {
    let level = prop::sample::select(vec![None, Some(Level::One), Some(Level::Two), Some(Level::Three)]);
    prop_oneof![
        (level, any_runs()).prop_map(|(level, runs)| Block::Paragraph { level, runs }),
        (any::<bool>(), prop::collection::vec(any_runs(), 0..4))
            .prop_map(|(ordered, items)| Block::List { ordered, items }),
        "[\\PC\t\n]{0,40}".prop_map(|text| Block::Code { text }),
    ]
}

proptest! {
    #[test]
    fn a_document_survives_both_of_its_encodings(blocks in prop::collection::vec(any_block(), 0..8)) {
        let plain: String = blocks.iter().flat_map(Block::texts).collect();
        let document = Document::new(blocks).unwrap();
        prop_assert_eq!(document.blocks.iter().flat_map(Block::texts).collect::<String>(), plain);
        prop_assert_eq!(Document::decode(&document.encode()), Ok(document.clone()));
        let json = serde_json::to_string(&document).unwrap();
        prop_assert_eq!(serde_json::from_str::<Document>(&json).unwrap(), document);
    }

    #[test]
    fn plain_text_comes_back_as_it_was(text in "[\\PC\t\n]{0,300}") {
        let document = Document::from_plain(&text).unwrap();
        prop_assert_eq!(document.plain_text(), text.as_str());
        prop_assert_eq!(document.is_empty(), text.bytes().all(|byte| byte == b'\n'));
    }

    #[test]
    fn any_bytes_are_a_document_or_a_typed_error(mut bytes: Vec<u8>) {
        let _ = Document::decode(&bytes);
        bytes.insert(0, VERSION);
        if let Ok(document) = Document::decode(&bytes) {
            prop_assert_eq!(Document::decode(&document.encode()), Ok(document));
        }
    }

    #[test]
    fn any_string_is_a_link_or_refused(text in "(https?:|mailto:|javascript:|//|\\PC|[\t\r\n]){0,8}") {
        if let Ok(link) = text.parse::<WebLink>() {
            let lower = link.as_str().to_ascii_lowercase();
            prop_assert!(["http://", "https://", "mailto:"].iter().any(|start| lower.starts_with(start)));
        }
    }
}

#[test]
fn only_http_https_and_mailto_lead_somewhere() {
    let good = ["http://a", "HTTPS://example.org/ü?x=1&y=2#z", "mailto:a@example.org", "https://[::1]:8080/"];
    let bad = [
        "",
        "example.org",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\nscript:alert(1)",
        " javascript:alert(1)",
        "\u{1}javascript:alert(1)",
        "data:text/html,<b>",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://a/b",
        "ftp://a",
        "//a",
        "http:a",
        "http:///a",
        "https://",
        "https://?x",
        "https:\\\\a",
        "https://bank.example@evil.example/",
        "https://a/\"onclick=",
        "https://a/\u{202e}gro.elpmaxe",
        "https://a b",
        "mailto:",
        "mailto:a\r\nbcc:b",
    ];
    for text in good {
        assert_eq!(text.parse::<WebLink>().map(String::from), Ok(text.to_owned()));
    }
    for text in bad {
        assert_eq!(text.parse::<WebLink>(), Err(InvalidText::Link), "{text:?}");
    }
    assert_eq!(format!("https://{}", "a".repeat(MAX_LINK)).parse::<WebLink>(), Err(InvalidText::Link));
}

#[test]
fn runs_of_the_same_looks_become_one() {
    let bold = || Style { bold: true, ..Style::default() };
    let runs = vec![run("", bold()), run("a", bold()), run("b", bold()), run("c", Style::default())];
    let document = Document::new(vec![Block::Paragraph { level: None, runs }]).unwrap();
    let joined = vec![run("ab", bold()), run("c", Style::default())];
    assert_eq!(document.blocks(), [Block::Paragraph { level: None, runs: joined }]);
}

#[test]
fn too_much_text_or_too_many_parts_are_refused() {
    let long = "x".repeat(MAX_ENCODED);
    assert_eq!(Document::from_plain(&long), Err(InvalidText::TooLong));
    assert_eq!(Document::decode(long.as_bytes()), Err(InvalidText::Version));
    assert_eq!(Document::decode(&[&[VERSION], long.as_bytes()].concat()), Err(InvalidText::TooLong));
    assert!(Document::from_plain(&"\n".repeat(MAX_PARTS - 1)).is_ok());
    assert_eq!(Document::from_plain(&"\n".repeat(MAX_PARTS)), Err(InvalidText::TooLong));
    let items = vec![vec![]; MAX_PARTS];
    assert_eq!(Document::new(vec![Block::List { ordered: true, items }]), Err(InvalidText::TooLong));
}

#[test]
fn control_characters_are_refused_from_peers_and_left_out_of_plain_text() {
    let code = Block::Code { text: "\u{1b}[2J".to_owned() };
    let forged = postcard::to_extend(&vec![code.clone()], vec![VERSION]).unwrap();
    assert_eq!(Document::decode(&forged), Err(InvalidText::Control));
    assert!(serde_json::from_str::<Document>(&serde_json::to_string(&vec![code]).unwrap()).is_err());
    assert_eq!(Document::from_plain("a\r\nb\0\u{1b}c").unwrap().plain_text(), "a\nbc");
}

#[test]
fn a_forged_link_is_refused_also_inside_a_document() {
    let style = Style { link: Some(WebLink("javascript:alert(1)".to_owned())), ..Style::default() };
    let block = Block::Paragraph { level: None, runs: vec![run("click", style)] };
    let forged = postcard::to_extend(&vec![block], vec![VERSION]).unwrap();
    assert_eq!(Document::decode(&forged), Err(InvalidText::Malformed));
}

#[test]
fn markup_is_text_like_any_other() {
    let text = "<script>alert(1)</script> =1+1 <img src=x onerror=y>";
    assert_eq!(Document::from_plain(text).unwrap().plain_text(), text);
}

#[test]
fn a_colour_is_read_as_it_is_written() {
    assert_eq!("#0aFf10".parse::<Rgb>().map(|colour| colour.to_string()), Ok("#0aff10".to_owned()));
    for text in ["", "#", "#12345", "#1234567", "123456", "#+12345", "#ääbbcc", "red"] {
        assert_eq!(text.parse::<Rgb>(), Err(InvalidText::Colour), "{text}");
    }
}
