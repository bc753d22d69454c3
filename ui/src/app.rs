//! The one impure component: it holds the backend and the state, and joins them to the page and the browser.
//!
//! It decides nothing that [`crate::state`] or the session could decide, and draws nothing that a component of
//! [`crate::view`] could draw.

use std::rc::Rc;

use privydrop_common::api::Phase;
use yew::prelude::*;

use crate::backend::IN_APP;
use crate::deeds::Deeds;
use crate::locale::Locale;
use crate::state::State;
use crate::view::enter::enter;
use crate::view::header::header;
use crate::view::items::items;
use crate::view::notices::notices;
use crate::view::points::points;
use crate::view::room::room;
use crate::view::share::share;
use crate::{listeners, memory};

/// The whole page.
#[component]
pub fn App() -> Html {
    let state = use_reducer_eq(|| {
        let visit = memory::visit();
        let phase = visit.phase(listeners::link().as_ref());
        State::new(memory::language().or_english(), memory::theme(), memory::room(), visit.typed, phase)
    });
    // The callbacks stay the same, so that a component whose facts stay the same is left alone.
    let deeds = use_memo((), |()| {
        let deeds = Deeds::start(state.dispatcher());
        let (carry_out, share_files) = (deeds.clone(), deeds.clone());
        let on = Callback::from(move |intent| carry_out.carry_out(intent));
        (deeds, on, Callback::from(move |files| share_files.share_files(files)))
    });
    let (deeds, on, on_files) = &*deeds;
    deeds.drawn(&state);
    use_effect({
        let (deeds, state) = (Rc::clone(deeds), state.clone());
        move || {
            deeds.follow(&state);
            if !state.is_held() {
                listeners::show_page();
            }
        }
    });
    // A browser takes a tenth of a second for its first drawing, and hears neither the server nor the host meanwhile.
    if state.is_held() {
        return Html::default();
    }

    let locale = Locale::of(state.language);
    let idle = state.view.phase == Phase::Idle;
    let panel = (!idle).then(|| room(&locale, &state, &links_begin_with(&state), on));
    // On a phone a host first needs what it gives away, a guest what there is to take.
    let (first, last) = if state.hosts() { (panel, None) } else { (None, panel) };
    html! {
        <ContextProvider<Locale> context={locale}>
            { header(&locale, &state, on) }
            { notices(&locale, &state.notices(), on) }
            <main class="columns" data-phase={phase(state.view.phase)}>
                { for first }
                <div class="center" key="center">
                    { items(&locale, &state.view, state.storage, state.shell.downloads.as_ref(), on) }
                    { share(&locale, &state, on_files, on) }
                </div>
                { for last }
                if idle { { enter(&locale, &state, on) } }
            </main>
            if state.is_blank() { { points(&locale) } }
        </ContextProvider<Locale>>
    }
}

/// The address of the page that others open: this one, or in the app that of the server.
fn links_begin_with(state: &State) -> String {
    match &state.shell.server {
        Some(server) if IN_APP => server.clone(),
        _ => listeners::page_address(),
    }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Idle => "idle",
        Phase::Opening => "opening",
        Phase::Joining => "joining",
        Phase::InRoom => "in-room",
        Phase::Reconnecting => "reconnecting",
    }
}
