//! Texts that people write or that peers say: documents, addresses in them, codes and links into rooms.

use privydrop_common::code::{Code, Invitation, Link, LinkSecret, RoomKey, Words};
use privydrop_common::id::{ItemId, PeerId, RoomId};
use privydrop_common::text::{Block, Document, Level, MAX_ENCODED, MAX_LINK, Rgb, Run, Size, Style, WebLink};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// An encoded document, and the same bytes as plain text.
pub(crate) fn documents(bytes: &[u8]) {
    if let Ok(document) = Document::decode(bytes) {
        assert!(bytes.len() <= MAX_ENCODED);
        stays_itself(&document);
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(document) = Document::from_plain(text) {
        stays_itself(&document);
        let kept: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
        assert_eq!(document.plain_text(), kept);
    }
}

fn stays_itself(document: &Document) {
    let encoded = document.encode();
    assert!(encoded.len() <= MAX_ENCODED);
    assert_eq!(Document::decode(&encoded).as_ref(), Ok(document));
    let text = document.plain_text();
    assert!(!text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')));
    for block in document.blocks() {
        let lines = match block {
            Block::Paragraph { runs, .. } => vec![runs],
            Block::List { items, .. } => items.iter().collect(),
            Block::Code { .. } => Vec::new(),
        };
        for runs in lines {
            assert!(runs.iter().all(|run| !run.text.is_empty()));
            assert!(runs.windows(2).all(|two| two[0].style != two[1].style));
            runs.iter().filter_map(|run| run.style.link.as_ref()).for_each(leads_to_the_web);
        }
    }
}

/// An address that a text may lead to, and a colour.
pub(crate) fn web_links(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(colour) = text.parse::<Rgb>() {
        assert_eq!(colour.to_string(), text.to_ascii_lowercase());
    }
    if let Ok(link) = text.parse::<WebLink>() {
        assert_eq!(link.as_str(), text);
        leads_to_the_web(&link);
    }
}

fn leads_to_the_web(link: &WebLink) {
    let text = link.as_str();
    assert!(
        text.len() <= MAX_LINK
            && !text.contains(|c: char| c.is_control() || c.is_whitespace() || "\\<>\"".contains(c))
    );
    let (scheme, rest) = text.split_once(':').expect("a scheme");
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => {
            let host = rest.strip_prefix("//").expect("a host").split(['/', '?', '#']).next().unwrap();
            assert!(!host.is_empty() && !host.contains('@'));
        }
        "mailto" => assert!(!rest.is_empty()),
        other => panic!("it leads to {other}"),
    }
}

/// Whatever a person puts into the field for codes and links.
pub(crate) fn invitations(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(invitation) = text.parse::<Invitation>() {
        let written = String::from(invitation.clone());
        assert_eq!(written.parse(), Ok(invitation.clone()), "{written}");
        assert_eq!(Invitation::try_from(written), Ok(invitation.clone()));
        if let Invitation::Link(link) = invitation {
            assert_eq!(link.to_url("https://drop.example/#old").parse(), Ok(link));
        }
    }
    if let Ok(words) = text.parse::<Words>() {
        assert_eq!(words.to_string().parse(), Ok(words));
    }
    if let Ok(room) = text.parse::<RoomId>() {
        assert!(RoomId::LENGTH.contains(&room.as_str().len()));
        assert_eq!(room.as_str().parse(), Ok(room));
    }
    if let Ok(member) = text.parse::<PeerId>() {
        assert_eq!(member.to_string(), text);
    }
    if let Ok(item) = text.parse::<ItemId>() {
        assert_eq!(item.to_string(), text);
    }
    if let Ok(key) = text.parse::<RoomKey>() {
        assert_eq!(key.to_text().as_str(), text);
    }
}

pub(crate) fn document_seeds() -> Vec<Vec<u8>> {
    let run = |text: &str, style| Run { text: text.to_owned(), style };
    let bold = Style { bold: true, italic: true, colour: Some(Rgb(1, 2, 3)), ..Style::default() };
    let link = Some("https://example.org/?q=1#x".parse().unwrap());
    let linked =
        Style { underline: true, strike: true, code: true, size: Some(Size::Huge), link, ..Style::default() };
    let blocks = vec![
        Block::Paragraph { level: Some(Level::One), runs: vec![run("Title", Style::default())] },
        Block::Paragraph {
            level: None,
            runs: vec![run("bold", bold), run(" and ", Style::default()), run("link", linked)],
        },
        Block::List { ordered: true, items: vec![vec![run("one", Style::default())], vec![]] },
        Block::Code { text: "fn main() {\n\t1\n}".to_owned() },
    ];
    vec![
        Document::new(blocks).unwrap().encode(),
        Document::from_plain("a\n\nb\tc").unwrap().encode(),
        b"<b>\r\n\x1b[2J".to_vec(),
    ]
}

pub(crate) fn web_link_seeds() -> Vec<Vec<u8>> {
    [
        "HTTPS://example.org:8080/\u{fc}?x=1#z",
        "mailto:a@example.org",
        "javascript:alert(1)",
        "https://a@b/",
        "#0aFf10",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

pub(crate) fn invitation_seeds() -> Vec<Vec<u8>> {
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let code = Code { room: "acid-test".parse().unwrap(), words: Words::random(&mut rng) };
    let link = Link { room: "123456".parse().unwrap(), secret: LinkSecret::random(&mut rng) };
    let spoken = code.to_string().to_uppercase().replace('-', " \u{2014} ");
    let texts = [
        code.to_string(),
        spoken,
        code.words.to_string(),
        link.fragment(),
        link.to_url("https://drop.example/x"),
        "0123456789abcdef".to_owned(),
        ItemId::random(&mut rng).to_string(),
        RoomKey::random(&mut rng).to_text().to_string(),
    ];
    texts.map(String::into_bytes).to_vec()
}
