//! The ways into a room: a code or a link, the remembered room, a room with a wished name.

use privydrop_common::code::InvalidInvitation;
use web_sys::{HtmlInputElement, InputEvent, SubmitEvent};
use yew::prelude::*;

use super::icon::{Icon, icon};
use super::settings::server_form;
use crate::backend::{IN_APP, NoAnswer};
use crate::figures::size;
use crate::locale::Locale;
use crate::state::{Intent, NameState, State};
use crate::visit::Remembered;

/// The ways into a room, with what the person typed so far and what is known about it.
pub fn enter(locale: &Locale, state: &State, on: &Callback<Intent>) -> Html {
    let typed = |wrap: fn(String) -> Intent| {
        on.reform(move |event: InputEvent| wrap(event.target_unchecked_into::<HtmlInputElement>().value()))
    };
    let submitted = |intent: Intent| {
        on.reform(move |event: SubmitEvent| {
            event.prevent_default();
            intent.clone()
        })
    };
    let mistake = state.mistyped.as_ref().and_then(|reason| mistake(locale, reason));
    let (name_state, name_hint) = name_hint(locale, state.name);
    let cannot_open = matches!(state.name, NameState::Empty | NameState::Invalid | NameState::Taken);
    html! {
        <aside class="side">
            if IN_APP && state.shell.server.is_none() {
                <section class="card">{ server_form(locale, state, "app-server-ask", on) }</section>
            }
            if state.unfinished > 0 {
                <section class="card return" data-testid="unfinished">
                    <p class="hint">{ locale.fill(if IN_APP { "app-unfinished" } else { "unfinished" }, &[("size", size(state.unfinished).into())]) }</p>
                    <button class="button" type="button" data-testid="clear-unfinished" onclick={on.reform(|_| Intent::ClearUnfinished)}>
                        { icon(Icon::Trash) }{ locale.say("unfinished-clear") }</button>
                </section>
            }
            { for state.remembered.as_ref().map(|remembered| return_card(locale, remembered, on)) }
            <section class="card">
                <form class="field" onsubmit={submitted(Intent::Join)}>
                    <h2><label for="join-code">{ locale.say("join-title") }</label></h2>
                    <div class="row">
                        <input id="join-code" data-testid="join-code" type="text" value={state.join.clone()} oninput={typed(Intent::TypeJoin)}
                            placeholder={locale.say("join-placeholder")} aria-describedby="join-hint" aria-label={locale.say("join-label")}
                            aria-invalid={mistake.is_some().to_string()} autocomplete="off" autocapitalize="none" autocorrect="off" spellcheck="false" enterkeyhint="go" />
                        <button class="button" type="submit" data-testid="join">{ locale.say("join") }</button>
                    </div>
                    <p id="join-hint" class={if mistake.is_some() { "hint bad" } else { "hint" }}>
                        { mistake.unwrap_or_else(|| locale.say("join-hint")) }</p>
                </form>
            </section>
            <section class="card quiet">
                <form class="field" onsubmit={submitted(Intent::OpenWished)}>
                    <h2><label for="room-name">{ locale.say("wish-title") }</label></h2>
                    <div class="row">
                        <input id="room-name" data-testid="room-name" type="text" value={state.wish.clone()} oninput={typed(Intent::TypeWish)}
                            placeholder={locale.say("wish-placeholder")} aria-describedby="wish-hint" aria-label={locale.say("wish-label")}
                            maxlength="63" autocomplete="off" autocapitalize="none" autocorrect="off" spellcheck="false" enterkeyhint="go" />
                        <button class="button" type="submit" data-testid="open-room" disabled={cannot_open}>{ locale.say("wish-open") }</button>
                    </div>
                    <p id="wish-hint" class="hint" data-testid="room-name-state" data-state={name_state} aria-live="polite">{ name_hint }</p>
                </form>
            </section>
        </aside>
    }
}

fn return_card(locale: &Locale, remembered: &Remembered, on: &Callback<Intent>) -> Html {
    html! {
        <section class="card return">
            <button class="button" type="button" data-testid="return" onclick={on.reform(|_| Intent::Return)}>
                { icon(Icon::Play) }<span class="cut">{ locale.fill("go-back", &[("room", remembered.room.to_string().into())]) }</span></button>
            <button class="button plain" type="button" data-testid="forget" onclick={on.reform(|_| Intent::Remember(false))}>
                { locale.say("forget") }</button>
            <p class="hint">{ locale.say("go-back-hint") }</p>
        </section>
    }
}

fn mistake(locale: &Locale, reason: &InvalidInvitation) -> Option<AttrValue> {
    Some(match reason {
        InvalidInvitation::Empty => return None,
        InvalidInvitation::MissingWords => locale.say("join-missing-words"),
        InvalidInvitation::TooManyWords => locale.say("join-too-many-words"),
        InvalidInvitation::UnknownWord(word) => {
            locale.fill("join-unknown-word", &[("word", word.clone().into())])
        }
        InvalidInvitation::Room => locale.say("join-bad-room"),
        InvalidInvitation::MissingSecret | InvalidInvitation::Secret => locale.say("join-bad-link"),
    })
}

/// What is known of a wished name, for scripts and the style sheet, and for people.
fn name_hint(locale: &Locale, name: NameState) -> (&'static str, AttrValue) {
    match name {
        NameState::Empty => ("empty", locale.say("wish-hint")),
        NameState::Invalid => ("invalid", locale.say("wish-invalid")),
        NameState::Checking => ("checking", locale.say("wish-checking")),
        NameState::Free => ("free", locale.say("wish-free")),
        NameState::Taken => ("taken", locale.say("wish-taken")),
        NameState::Unknown(NoAnswer::Unreachable) => ("unknown", locale.say("wish-unknown")),
        NameState::Unknown(NoAnswer::TooOften(seconds)) => {
            ("unknown", locale.fill("wish-wait", &[("seconds", seconds.into())]))
        }
    }
}
