//! Where sharing begins: files, folders, or text.

use web_sys::{File, HtmlInputElement};
use yew::prelude::*;

use super::editor::Editor;
use super::icon::{Icon, icon};
use crate::locale::use_locale;
use crate::state::Intent;

/// What the card needs.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Nothing else goes on yet, so this is what the page is about.
    pub large: bool,
    /// Something is being dragged over the window.
    pub dragging: bool,
    /// The text was shared.
    pub text_shared: bool,
    /// Which text: another number is a fresh field.
    pub text_round: u32,
    /// Files that the person picked.
    pub on_files: Callback<Vec<File>>,
    /// What the person wants.
    pub on: Callback<Intent>,
}

/// The card.
#[component]
pub fn Share(props: &Props) -> Html {
    let locale = use_locale();
    let picked = props.on_files.reform(|event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        let count = input.files().map_or(0, |files| files.length());
        let files = (0..count).filter_map(|at| input.files()?.get(at)).collect();
        // So that picking the same files once more is a change again.
        input.set_value("");
        files
    });
    let (title, hint) =
        if props.large { ("share-drop", "share-drop-hint") } else { ("share-more", "share-more-hint") };
    let title = if props.dragging { "share-let-go" } else { title };
    html! {
        <section class={classes!("card", "share", props.large.then_some("large"), props.dragging.then_some("dragging"))}
            aria-labelledby="share-title">
            <div class="drop">
                <span class="drop-sign">{ icon(Icon::Up) }</span>
                <div class="drop-words">
                    <h2 id="share-title"><span class="by-mouse">{ locale.say(title) }</span>
                        <span class="by-touch">{ locale.say("share-title") }</span></h2>
                    <p class="hint">{ locale.say(hint) }</p>
                </div>
                <div class="buttons">
                    <label class={classes!("button", props.large.then_some("primary"))}>
                        <input class="offscreen" type="file" multiple=true data-testid="file-input" onchange={picked.clone()} />
                        { icon(Icon::File) }{ locale.say("choose-files") }</label>
                    <label class="button">
                        <input class="offscreen" type="file" multiple=true webkitdirectory=true data-testid="folder-input" onchange={picked} />
                        { icon(Icon::Folder) }{ locale.say("choose-folder") }</label>
                </div>
            </div>
            <Editor key={props.text_round} shared={props.text_shared} on={props.on.clone()} />
        </section>
    }
}
