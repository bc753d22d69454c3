//! Where sharing begins: files, folders, or text.

use web_sys::{File, HtmlInputElement};
use yew::prelude::*;

use super::editor::Editor;
use super::icon::{Icon, icon};
use crate::backend::{IN_APP, Wish};
use crate::locale::Locale;
use crate::state::{Intent, State};

/// The card. Large while nothing else goes on, so that this is what the page is about.
pub fn share(locale: &Locale, state: &State, on_files: &Callback<Vec<File>>, on: &Callback<Intent>) -> Html {
    let large = state.is_blank();
    let picked = on_files.reform(|event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        let count = input.files().map_or(0, |files| files.length());
        let files = (0..count).filter_map(|at| input.files()?.get(at)).collect();
        // So that picking the same files once more is a change again.
        input.set_value("");
        files
    });
    let (title, hint) =
        if large { ("share-drop", "share-drop-hint") } else { ("share-more", "share-more-hint") };
    let title = if state.dragging { "share-let-go" } else { title };
    html! {
        <section class={classes!("card", "share", large.then_some("large"), state.dragging.then_some("dragging"))}
            aria-labelledby="share-title">
            <div class="drop">
                <span class="drop-sign">{ icon(Icon::Up) }</span>
                <div class="drop-words">
                    <h2 id="share-title"><span class="by-mouse">{ locale.say(title) }</span>
                        <span class="by-touch">{ locale.say("share-title") }</span></h2>
                    <p class="hint">{ locale.say(hint) }</p>
                </div>
                <div class="buttons">
                    if IN_APP {
                        <button class={classes!("button", large.then_some("primary"))} type="button" data-testid="pick-files"
                            onclick={on.reform(|_| Intent::Wish(Wish::PickFiles))}>{ icon(Icon::File) }{ locale.say("choose-files") }</button>
                        <button class="button" type="button" data-testid="pick-folder"
                            onclick={on.reform(|_| Intent::Wish(Wish::PickFolder))}>{ icon(Icon::Folder) }{ locale.say("choose-folder") }</button>
                    } else {
                        <label class={classes!("button", large.then_some("primary"))}>
                            <input class="offscreen" type="file" multiple=true data-testid="file-input" onchange={picked.clone()} />
                            { icon(Icon::File) }{ locale.say("choose-files") }</label>
                        <label class="button">
                            <input class="offscreen" type="file" multiple=true webkitdirectory=true data-testid="folder-input" onchange={picked} />
                            { icon(Icon::Folder) }{ locale.say("choose-folder") }</label>
                    }
                </div>
            </div>
            <Editor key={state.text_round} shared={state.text_shared} on={on.clone()} />
        </section>
    }
}
