//! The room one is in, or on the way into: its code, link and QR code, who is there, remembering and leaving.

use privydrop_common::api::{Phase, RoomView, View};
use privydrop_common::code::Code;
use yew::prelude::*;

use super::copy::{CopyButton, Outcome, copy_text, use_outcome};
use super::icon::{Icon, icon};
use super::members::members;
use super::qr::QrCode;
use crate::locale::{Locale, use_locale};
use crate::state::{Intent, State};

/// Wrong tries that the words of a room stand.
const ALL_TRIES: u8 = 5;

/// The room's panel. `base` is the address of the page, which links begin with.
pub fn room(locale: &Locale, state: &State, base: &str, on: &Callback<Intent>) -> Html {
    let View { phase, peers, .. } = &*state.view;
    let room = state.view.room.as_ref();
    let hosting = state.hosts();
    let inside = matches!(*phase, Phase::InRoom | Phase::Reconnecting);
    let title = match room {
        _ if *phase == Phase::Opening => locale.say("room-opening"),
        _ if *phase == Phase::Joining => locale.say("joining"),
        Some(room) if !room.hosting => {
            locale.fill("room-title-guest", &[("room", room.id.to_string().into())])
        }
        _ => locale.say("room-title"),
    };
    let link = room
        .filter(|_| inside)
        .and_then(|room| room.link.as_ref())
        .map(|link| AttrValue::from(link.to_url(base)));
    html! {
        <aside key="room" class="side">
            <section class="card room" aria-busy={(!inside).to_string()} aria-labelledby="room-title">
                <div class="card-head">
                    <h2 id="room-title">{ title }</h2>
                    if !inside { <span class="spinner" aria-hidden="true" /> }
                    <button class="button plain" type="button" data-testid="leave" onclick={on.reform(|_| Intent::Leave)}>
                        { icon(if inside { Icon::Leave } else { Icon::Cross }) }{ locale.say(if inside { "room-leave" } else { "cancel" }) }</button>
                </div>
                if *phase == Phase::Reconnecting { <p class="hint">{ locale.say("room-reconnecting") }</p> }
                if let Some(code) = room.and_then(|room| room.code.clone()) {
                    <CodeBlock {code} tries={room.map_or(ALL_TRIES, |room| room.tries_left)} />
                } else if hosting {
                    <div class="skeleton words" aria-hidden="true" />
                }
                if let (Some(link), Some(room)) = (link, room) {
                    { invitation(locale, link, room, peers.is_empty()) }
                } else if hosting {
                    <div class="skeleton picture" aria-hidden="true" />
                }
                if inside {
                    { members(locale, peers, hosting) }
                    if let Some(keepsake) = room.and_then(|room| room.keepsake.as_ref()) {
                        { keep(locale, state.keeps(keepsake), on) }
                    }
                }
            </section>
        </aside>
    }
}

#[derive(PartialEq, Properties)]
struct CodeProps {
    code: Code,
    tries: u8,
}

/// The code as one button: a click copies it.
#[component]
fn CodeBlock(props: &CodeProps) -> Html {
    let locale = use_locale();
    let (outcome, tell) = use_outcome();
    let code = props.code.to_string();
    let copy = {
        let code = code.clone();
        move |_| copy_text(code.clone(), tell.clone())
    };
    let hint = match outcome {
        Outcome::None => locale.say("room-code-say"),
        Outcome::Done => locale.say("copied"),
        Outcome::Refused => locale.say("copy-failed"),
    };
    html! {
        <div class="code-block">
            <p class={if outcome == Outcome::Done { "hint good" } else { "hint" }} aria-live="polite">{ hint }</p>
            <button class="code" type="button" onclick={copy} aria-label={format!("{}: {code}", locale.say("room-code-copy"))}>
                <span data-testid="room-code">{ breakable(&code) }</span></button>
            if props.tries < ALL_TRIES {
                <p class="hint bad">{ locale.fill("room-tries", &[("tries", props.tries.into())]) }</p>
            }
        </div>
    }
}

/// The same text with a place to break the line after each dash.
fn breakable(code: &str) -> Html {
    code.split_inclusive('-').map(|part| html! { <>{ part.to_owned() }<wbr /></> }).collect()
}

fn invitation(locale: &Locale, link: AttrValue, room: &RoomView, alone: bool) -> Html {
    let shown = link.split_once("://").map_or(&*link, |(_, rest)| rest).to_owned();
    html! {
        <>
            <div class="link-row">
                <span class="link cut" data-testid="room-link" data-link={link.clone()}>{ shown }</span>
                <CopyButton text={link.clone()} label={locale.say("room-link-copy")} class={if room.hosting { "button primary" } else { "button" }} />
            </div>
            <details class="fold" open={room.hosting && alone}>
                <summary>{ locale.say("room-qr") }</summary>
                <QrCode {link} name={format!("privydrop-{}", room.id)} />
            </details>
        </>
    }
}

fn keep(locale: &Locale, kept: bool, on: &Callback<Intent>) -> Html {
    html! {
        <label class="keep">
            <input type="checkbox" data-testid="remember" checked={kept} onchange={on.reform(move |_| Intent::Remember(!kept))} />
            <span>{ locale.say("room-keep") }<span class="hint">{ locale.say("room-keep-hint") }</span></span>
        </label>
    }
}
