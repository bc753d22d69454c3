//! The one impure component: it holds the backend and the state, and joins them to the page and the browser.
//!
//! It decides nothing that [`crate::state`] or the session could decide, and draws nothing that a component of
//! [`crate::view`] could draw.

use std::rc::Rc;

use privydrop_common::api::{Command, Phase};
use yew::prelude::*;

use crate::deeds::Deeds;
use crate::locale::Locale;
use crate::state::{Action, State, Visit};
use crate::view::enter::Enter;
use crate::view::header::Header;
use crate::view::items::Items;
use crate::view::notices::Notices;
use crate::view::points::Points;
use crate::view::room::Room;
use crate::view::share::Share;
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

    let on = {
        let (deeds, state) = (deeds.clone(), state.clone());
        Callback::from(move |intent| deeds.carry_out(&state, intent))
    };
    let on_files = {
        let backend = backend.clone();
        Callback::from(move |files| backend.share_files(files))
    };
    let locale = use_memo(state.language, |language| Locale::of(*language));
    let view = &state.view;
    let idle = view.phase == Phase::Idle;
    // On a phone a host first needs what it gives away, a guest what is there to take.
    let hosting = view.phase == Phase::Opening || view.room.as_ref().is_some_and(|room| room.hosting);
    let base = use_memo((), |()| AttrValue::from(listeners::page_address()));
    let room = (!idle).then(|| html! {
        <Room key="room" phase={view.phase} room={view.room.clone()} base={(*base).clone()} peers={view.peers.clone()}
            kept={view.room.as_ref().is_some_and(|room| state.keeps(room))} on={on.clone()} />
    });
    html! {
        <ContextProvider<Locale> context={(*locale).clone()}>
            <Header language={state.language} theme={state.theme} on={on.clone()} />
            <Notices notices={state.notices()} on={on.clone()} />
            <main class={classes!("columns", (!idle).then_some("inside"))} data-phase={phase(view.phase)}>
                { for room.clone().filter(|_| hosting) }
                <div class="center" key="center">
                    <Items view={view.clone()} storage={backend.storage()} on={on.clone()} />
                    <Share large={idle && view.items.is_empty()} dragging={state.dragging} text_shared={state.text_shared}
                        text_round={state.text_round} {on_files} on={on.clone()} />
                </div>
                { for room.filter(|_| !hosting) }
                if idle {
                    <Enter join={state.join.clone()} mistyped={state.mistyped.clone()} wish={state.wish.clone()} name={state.name}
                        remembered={state.remembered.clone()} {on} />
                }
            </main>
            if idle && view.items.is_empty() { <Points /> }
        </ContextProvider<Locale>>
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
