//! What the app remembers: the server, the folder for what is received, and whether it starts with the system.
//!
//! Drawn in the app's window only; a browser has none of it to choose.

use web_sys::{HtmlInputElement, SubmitEvent};
use yew::prelude::*;

use super::sheet::sheet;
use crate::backend::Wish;
use crate::locale::Locale;
use crate::state::{Intent, State};

/// The id of the popover, for the button that opens it.
pub const SETTINGS: &str = "settings";

/// The popover.
pub fn settings(locale: &Locale, state: &State, on: &Callback<Intent>) -> Html {
    let folder =
        state.shell.downloads.clone().map_or_else(|| locale.say("app-downloads-none"), AttrValue::from);
    let content = html! {
        <>
            { server_form(locale, state, "app-server", on) }
            <div class="field">
                <h2>{ locale.say("app-downloads") }</h2>
                <div class="row">
                    <span class="link cut" data-testid="downloads">{ folder }</span>
                    <button class="button" type="button" data-testid="choose-downloads"
                        onclick={on.reform(|_| Intent::Wish(Wish::ChooseDownloads))}>{ locale.say("app-downloads-change") }</button>
                </div>
            </div>
            if let Some(starts) = state.shell.autostart {
                <label class="keep">
                    <input type="checkbox" data-testid="autostart" checked={starts}
                        onchange={on.reform(move |_| Intent::Wish(Wish::Autostart(!starts)))} />
                    <span>{ locale.say("app-autostart") }<span class="hint">{ locale.say("app-autostart-hint") }</span></span>
                </label>
            }
        </>
    };
    sheet(locale, SETTINGS, "app-settings", "choices", content)
}

/// The field for the server's address, under this title.
pub fn server_form(locale: &Locale, state: &State, title: &'static str, on: &Callback<Intent>) -> Html {
    let used = on.reform(|event: SubmitEvent| {
        event.prevent_default();
        let form = event.target_dyn_into::<web_sys::Element>();
        let field = form.and_then(|form| form.query_selector("input").ok().flatten());
        let field = field.and_then(|field| wasm_bindgen::JsCast::dyn_into::<HtmlInputElement>(field).ok());
        Intent::UseServer(field.map(|field| field.value()).unwrap_or_default())
    });
    // Both forms may be there at once; only one of them asks.
    let asks = title == "app-server-ask";
    let (field, button) = if asks { ("server", "use-server") } else { ("other-server", "use-other-server") };
    let hint = if state.no_server { "app-server-bad" } else { "app-server-hint" };
    html! {
        <form class="field" onsubmit={used}>
            <h2><label for={title}>{ locale.say(title) }</label></h2>
            <div class="row">
                <input id={title} data-testid={field} type="text" value={state.shell.server.clone()} placeholder="drop.example"
                    aria-invalid={state.no_server.to_string()} autocomplete="off" autocapitalize="none" autocorrect="off" spellcheck="false" enterkeyhint="go" />
                <button class="button" type="submit" data-testid={button}>{ locale.say("app-server-use") }</button>
            </div>
            <p class={classes!("hint", state.no_server.then_some("bad"))}>{ locale.say(hint) }</p>
        </form>
    }
}
