//! Buttons that copy, and say for a moment that they did.

use gloo::timers::callback::Timeout;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::icon::{Icon, icon};
use crate::clipboard;
use crate::locale::use_locale;

/// Milliseconds for which a button says what it did.
const SAID_FOR: u32 = 2_000;

/// What a button that acts outside the page says of its last click.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// Nothing, or long ago.
    #[default]
    None,
    /// It worked.
    Done,
    /// The browser did not allow it.
    Refused,
}

/// The outcome of the last click, gone after a moment, and the way to tell it.
#[hook]
pub fn use_outcome() -> (Outcome, Callback<bool>) {
    let outcome = use_state_eq(Outcome::default);
    let timer = use_mut_ref(|| None::<Timeout>);
    let tell = {
        let outcome = outcome.clone();
        Callback::from(move |worked: bool| {
            outcome.set(if worked { Outcome::Done } else { Outcome::Refused });
            let outcome = outcome.clone();
            *timer.borrow_mut() = Some(Timeout::new(SAID_FOR, move || outcome.set(Outcome::None)));
        })
    };
    (*outcome, tell)
}

/// Copies this text, and tells whether it worked.
pub fn copy_text(text: String, tell: Callback<bool>) {
    spawn_local(async move { tell.emit(clipboard::copy_text(text).await) });
}

/// What is copied, and how the button looks.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The text that is copied.
    pub text: AttrValue,
    /// What the button says.
    pub label: AttrValue,
    /// How it looks.
    #[prop_or("button")]
    pub class: &'static str,
}

/// A button that copies a text.
#[component]
pub fn CopyButton(props: &Props) -> Html {
    let locale = use_locale();
    let (outcome, tell) = use_outcome();
    let text = props.text.to_string();
    let (sign, label) = match outcome {
        Outcome::None => (Icon::Copy, props.label.clone()),
        Outcome::Done => (Icon::Check, locale.say("copied")),
        Outcome::Refused => (Icon::Warning, locale.say("copy-failed")),
    };
    html! {
        <button class={props.class} type="button" aria-live="polite"
            onclick={move |_| copy_text(text.clone(), tell.clone())}>{ icon(sign) }{ label }</button>
    }
}
