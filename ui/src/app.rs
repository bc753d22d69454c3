//! The one impure component: it holds the backend and the state, and joins them to the page and the browser.
//!
//! It decides nothing that [`crate::state`] or the session could decide, and draws nothing that a component of
//! [`crate::view`] could draw.

use std::rc::Rc;

use privydrop_common::api::{Command, Phase};
use yew::prelude::*;

use crate::deeds::Deeds;
use crate::locale::Locale;
use crate::state::{Action, Intent, State, Visit};
use crate::view::enter::enter;
use crate::view::header::header;
use crate::view::items::items;
use crate::view::notices::notices;
use crate::view::points::points;
use crate::view::room::room;
use crate::view::share::share;
use crate::{awake::Awake, backend, device, listeners, memory, theme};

/// The whole page.
#[component]
pub fn App() -> Html {
    let state = use_reducer_eq(|| {
        State::new(memory::language(), memory::theme(), memory::room(), memory::visit().typed)
    });
    let backend = {
        let dispatcher = state.dispatcher();
        use_memo((), move |()| backend::start(move |view| dispatcher.dispatch(Action::Viewed(view))))
    };
    let deeds = {
        let dispatcher = state.dispatcher();
        let backend = backend.clone();
        use_memo((), move |()| Deeds::new((*backend).clone(), dispatcher))
    };
    use_start(&deeds);
    use_view(&state, &deeds);
    use_choices(&state);

    let on = use_intents(&state, &deeds);
    let on_files = {
        let backend = backend.clone();
        Callback::from(move |files| backend.share_files(files))
    };
    let locale = Locale::of(state.language);
    let base = use_memo((), |()| listeners::page_address());
    let idle = state.view.phase == Phase::Idle;
    let panel = (!idle).then(|| room(&locale, &state, &base, &on));
    // On a phone a host first needs what it gives away, a guest what there is to take.
    let (first, last) = if state.hosts() { (panel, None) } else { (None, panel) };
    html! {
        <ContextProvider<Locale> context={locale}>
            { header(&locale, state.language, state.theme, &on) }
            { notices(&locale, &state.notices(), &on) }
            <main class="columns" data-phase={phase(state.view.phase)}>
                { for first }
                <div class="center" key="center">
                    { items(&locale, &state.view, backend.storage(), &on) }
                    { share(&locale, &state, &on_files, &on) }
                </div>
                { for last }
                if idle { { enter(&locale, &state, &on) } }
            </main>
            if state.is_blank() { { points(&locale) } }
        </ContextProvider<Locale>>
    }
}

/// What the person wants is carried out against the newest state. It stays the same callback, so that a component
/// whose facts stay the same is left alone.
#[hook]
fn use_intents(state: &UseReducerHandle<State>, deeds: &Rc<Deeds>) -> Callback<Intent> {
    let latest = use_mut_ref(|| state.clone());
    *latest.borrow_mut() = state.clone();
    let deeds = deeds.clone();
    use_callback((), move |intent, ()| {
        let state = latest.borrow().clone();
        deeds.carry_out(&state, intent);
    })
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

/// Once: introduces this device, goes where the address or the tab's memory leads, and listens to the window.
#[hook]
fn use_start(deeds: &Rc<Deeds>) {
    let deeds = deeds.clone();
    use_effect_with((), move |()| {
        deeds.command(Command::Introduce(device::label(&listeners::user_agent())));
        let link = listeners::take_link();
        let visit = memory::visit();
        if let Some(first) = visit.first_command(link.as_ref()) {
            deeds.command(first);
        }
        if let Some(link) = link {
            memory::keep_visit(&Visit::by_link(link));
        }
        let listening = listeners::listen(&deeds);
        move || drop(listening)
    });
}

/// Follows each new view: keeps what a reload needs, saves what arrived, keeps the screen on, lets messages pass by.
#[hook]
fn use_view(state: &UseReducerHandle<State>, deeds: &Rc<Deeds>) {
    {
        let (deeds, state) = (deeds.clone(), state.clone());
        use_effect_with((state.view.clone(), state.told.clone()), move |_| deeds.follow(&state));
    }
    use_effect_with(state.view.busy, |busy| {
        let awake = busy.then(Awake::begin);
        move || drop(awake)
    });
}

/// Puts the chosen language and colours onto the document.
#[hook]
fn use_choices(state: &UseReducerHandle<State>) {
    use_effect_with(state.language, |language| listeners::mark_document("lang", language.tag()));
    use_effect_with(state.theme, |theme: &theme::Theme| listeners::mark_document("data-theme", theme.mark()));
}
