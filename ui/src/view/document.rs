//! A formatted text as nodes. A peer's text stays text: the only address it can lead to is an http, https or mailto one.

use privydrop_common::text::{Block, Document, Run, Size};
use yew::prelude::*;
use yew::virtual_dom::VTag;

use crate::editor::{has_hue, heading, tags};

/// The text.
pub fn formatted(document: &Document) -> Html {
    html! { <div class="document" dir="auto" data-testid="text">{ for document.blocks().iter().map(block) }</div> }
}

fn block(block: &Block) -> Html {
    match block {
        Block::Paragraph { level, runs } => element(heading(*level).unwrap_or("p"), runs.iter().map(run)),
        Block::List { ordered, items } => {
            let items = items.iter().map(|runs| element("li", runs.iter().map(run)));
            element(if *ordered { "ol" } else { "ul" }, items)
        }
        Block::Code { text } => html! { <pre>{ text.clone() }</pre> },
    }
}

fn run(run: &Run) -> Html {
    let style = &run.style;
    let mut node = html! { { run.text.clone() } };
    for tag in tags(style) {
        node = element(tag, [node]);
    }
    match style.size {
        Some(Size::Small) => node = html! { <small>{ node }</small> },
        Some(Size::Large) => node = html! { <span class="large">{ node }</span> },
        Some(Size::Huge) => node = html! { <span class="huge">{ node }</span> },
        None => {}
    }
    // An attribute, because the page's policy allows no inline styles. The inner element makes it legible.
    if let Some(colour) = style.colour.as_ref().filter(|colour| has_hue(colour)) {
        node = html! { <@{"font"} color={colour.to_string()}><span>{ node }</span></@> };
    }
    if let Some(link) = &style.link {
        let address = AttrValue::from(link.as_str().to_owned());
        node = html! { <a href={address} target="_blank" rel="noopener noreferrer nofollow">{ node }</a> };
    }
    node
}

fn element(tag: &'static str, children: impl IntoIterator<Item = Html>) -> Html {
    let mut element = VTag::new(tag);
    element.add_children(children);
    element.into()
}
