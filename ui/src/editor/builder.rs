//! Turns a walk over a tree of elements into a document: lines, lists, preformatted text, looks.
//!
//! Pure: it is told what the walk meets and knows no document object model. Control characters are left out here,
//! so that only a text that is too long can still be refused.

use privydrop_common::text::{Block, Document, InvalidText, Level, Rgb, Run, Size, Style};

/// What opens a new line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Open {
    /// A paragraph, or a heading of this height.
    Paragraph(Option<Level>),
    /// A list, numbered or not.
    List(bool),
    /// An item of a list.
    Item,
    /// Preformatted text.
    Code,
}

/// Collects what a walk meets.
#[derive(Debug, Default)]
pub(super) struct Builder {
    blocks: Vec<Block>,
    line: Vec<Run>,
    /// What is open now, outermost first.
    open: Vec<Open>,
}

impl Builder {
    /// A stretch of text.
    pub(super) fn text(&mut self, text: &str, style: &Style) {
        let kept = |c: &char| !c.is_control() || matches!(c, '\t' | '\n');
        let text: String = text.chars().map(|c| if c == '\u{a0}' { ' ' } else { c }).filter(kept).collect();
        if !text.is_empty() {
            self.line.push(Run { text, style: style.clone() });
        }
    }

    /// Text between elements, as a browser would show it: blanks run together, and none opens a line.
    pub(super) fn flowing_text(&mut self, text: &str, style: &Style) {
        if self.open.contains(&Open::Code) {
            return self.text(text, style);
        }
        let ends_blank = self.line.last().is_none_or(|run| run.text.ends_with([' ', '\t', '\n']));
        let mut flowing = String::with_capacity(text.len());
        for c in text.chars() {
            let blank = matches!(c, ' ' | '\t' | '\n' | '\r');
            let after_blank = flowing.chars().next_back().map_or(ends_blank, |last| last == ' ');
            match (blank, after_blank) {
                (true, true) => {}
                (true, false) => flowing.push(' '),
                (false, _) => flowing.push(c),
            }
        }
        self.text(&flowing, style);
    }

    /// The line ends here, even if nothing is on it.
    pub(super) fn end_line(&mut self) {
        let runs = std::mem::take(&mut self.line);
        if self.open.contains(&Open::Code) {
            let text: String = runs.iter().map(|run| run.text.as_str()).collect();
            match self.blocks.last_mut() {
                Some(Block::Code { text: before }) if !before.is_empty() => {
                    before.push('\n');
                    before.push_str(&text);
                }
                Some(Block::Code { text: before }) => *before = text,
                _ => self.blocks.push(Block::Code { text }),
            }
        } else if self.list().is_some() {
            if let Some(Block::List { items, .. }) = self.blocks.last_mut() {
                items.push(runs);
            }
        } else {
            let level = self.open.iter().rev().find_map(|open| match open {
                Open::Paragraph(level) => *level,
                _ => None,
            });
            self.blocks.push(Block::Paragraph { level, runs });
        }
    }

    /// A new cell of a table's row.
    pub(super) fn cell(&mut self) {
        if !self.line.is_empty() {
            self.text("\t", &Style::default());
        }
    }

    /// Something that stands on lines of its own begins. A list within a list goes on with the outer one.
    pub(super) fn begin(&mut self, open: Open) {
        self.flush();
        match open {
            Open::List(ordered) if self.list().is_none() => {
                self.blocks.push(Block::List { ordered, items: vec![] })
            }
            Open::Code if self.list().is_none() => self.blocks.push(Block::Code { text: String::new() }),
            _ => {}
        }
        self.open.push(open);
    }

    /// What was begun last ends.
    pub(super) fn end(&mut self) {
        self.flush();
        self.open.pop();
    }

    /// The document.
    pub(super) fn finish(mut self) -> Result<Document, InvalidText> {
        self.flush();
        self.blocks.retain(|block| match block {
            Block::List { items, .. } => !items.is_empty(),
            Block::Code { text } => !text.is_empty(),
            Block::Paragraph { .. } => true,
        });
        let is_blank = |block: &Block| matches!(block, Block::Paragraph { runs, .. } if runs.iter().all(|run| run.text.trim().is_empty()));
        while self.blocks.last().is_some_and(is_blank) {
            self.blocks.pop();
        }
        Document::new(self.blocks)
    }

    fn flush(&mut self) {
        if self.line.iter().any(|run| !run.text.is_empty()) {
            self.end_line();
        }
    }

    fn list(&self) -> Option<&Open> {
        self.open.iter().find(|open| matches!(open, Open::List(_)))
    }
}

/// The looks that an element of this name gives, on top of those around it.
pub(super) fn styled(tag: &str, around: &Style) -> Style {
    let mut style = around.clone();
    match tag {
        "b" | "strong" => style.bold = true,
        "i" | "em" | "cite" | "dfn" | "var" => style.italic = true,
        "u" | "ins" => style.underline = true,
        "s" | "strike" | "del" => style.strike = true,
        "code" | "kbd" | "samp" | "tt" => style.code = true,
        "small" => style.size = Some(Size::Small),
        "big" => style.size = Some(Size::Large),
        _ => {}
    }
    style
}

/// The looks that inline declarations like `font-weight: 700; color: #c00` give, on top of those around.
pub(super) fn declared(declarations: &str, around: Style) -> Style {
    let mut style = around;
    for (property, value) in declarations.split(';').filter_map(|declaration| declaration.split_once(':')) {
        let value = value.trim().to_ascii_lowercase();
        match property.trim() {
            "font-weight" => {
                style.bold = value.starts_with("bold") || value.parse().is_ok_and(|weight: u32| weight >= 600)
            }
            "font-style" => style.italic = value.starts_with("italic") || value.starts_with("oblique"),
            "text-decoration" | "text-decoration-line" => {
                style.underline |= value.contains("underline");
                style.strike |= value.contains("line-through");
            }
            "color" => style.colour = colour(&value),
            _ => {}
        }
    }
    style
}

/// A colour that has a hue; greys are left to the reader's own theme.
pub(super) fn colour(value: &str) -> Option<Rgb> {
    let parsed = value.parse().ok().or_else(|| {
        let mut parts =
            value.strip_prefix("rgb(")?.strip_suffix(')')?.split([',', ' ']).filter(|part| !part.is_empty());
        let mut next = || parts.next()?.parse::<u8>().ok();
        Some(Rgb(next()?, next()?, next()?))
    });
    parsed.filter(has_hue)
}

/// True for colours that are not a shade of grey.
pub fn has_hue(colour: &Rgb) -> bool {
    const GREY: u8 = 40;
    let Rgb(red, green, blue) = *colour;
    red.max(green).max(blue) - red.min(green).min(blue) >= GREY
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style {
        bold: false,
        italic: false,
        underline: false,
        strike: false,
        code: false,
        colour: None,
        size: None,
        link: None,
    };

    fn built(steps: impl FnOnce(&mut Builder)) -> Document {
        let mut builder = Builder::default();
        steps(&mut builder);
        builder.finish().unwrap()
    }

    fn paragraph(builder: &mut Builder, text: &str) {
        builder.begin(Open::Paragraph(None));
        builder.flowing_text(text, &PLAIN);
        builder.end();
    }

    #[test]
    fn a_typed_text_keeps_its_lines_and_its_blank_lines() {
        // What browsers make of typing: bare text first, then a division a line, a lone break in an empty one.
        let document = built(|builder| {
            builder.text("one", &PLAIN);
            builder.begin(Open::Paragraph(None));
            builder.end_line();
            builder.end();
            paragraph(builder, "three");
        });
        assert_eq!(document.plain_text(), "one\n\nthree");
    }

    #[test]
    fn blank_lines_at_the_end_are_dropped_so_that_a_cleared_text_is_empty() {
        assert!(built(Builder::end_line).is_empty());
        let document = built(|builder| {
            paragraph(builder, "one");
            builder.end_line();
        });
        assert_eq!(document.plain_text(), "one");
    }

    #[test]
    fn blanks_of_markup_run_together_but_not_in_preformatted_text() {
        let document = built(|builder| {
            paragraph(builder, "\n  a \n b ");
            builder.begin(Open::Code);
            builder.flowing_text("fn main() {\n    x\n}", &PLAIN);
            builder.end();
        });
        assert_eq!(document.plain_text(), "a b \nfn main() {\n    x\n}");
    }

    #[test]
    fn lists_become_items_and_inner_lists_go_on_with_the_outer() {
        let document = built(|builder| {
            builder.begin(Open::List(true));
            for text in ["a", "b"] {
                builder.begin(Open::Item);
                builder.flowing_text(text, &PLAIN);
                if text == "a" {
                    builder.begin(Open::List(false));
                    builder.begin(Open::Item);
                    builder.flowing_text("inner", &PLAIN);
                    builder.end();
                    builder.end();
                }
                builder.end();
            }
            builder.end();
            builder.text("after", &PLAIN);
        });
        let [Block::List { ordered: true, items }, Block::Paragraph { .. }] = document.blocks() else {
            unreachable!("{document:?}")
        };
        assert_eq!(items.iter().map(|runs| runs[0].text.as_str()).collect::<Vec<_>>(), ["a", "inner", "b"]);
    }

    #[test]
    fn control_characters_do_not_get_in() {
        assert_eq!(
            built(|builder| builder.text("a\u{0}\u{1b}[31mb\u{a0}c", &PLAIN)).plain_text(),
            "a[31mb c"
        );
    }

    #[test]
    fn declarations_of_office_programs_are_understood() {
        let style = declared(
            "font-weight:700; font-style:italic;text-decoration:underline;color:rgb(200, 0, 0)",
            PLAIN,
        );
        assert!(style.bold && style.italic && style.underline);
        assert_eq!(style.colour, Some(Rgb(200, 0, 0)));
        let bold = styled("b", &PLAIN);
        assert!(!declared("font-weight: normal", bold).bold);
    }

    #[test]
    fn greys_are_left_to_the_readers_theme() {
        assert_eq!(colour("#000000"), None);
        assert_eq!(colour("rgb(34,34,34)"), None);
        assert_eq!(colour("#1155cc"), Some(Rgb(0x11, 0x55, 0xcc)));
        assert_eq!(colour("expression(alert(1))"), None);
    }
}
