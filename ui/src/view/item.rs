//! One item: what it is, how far it is, and what can be done with it now.

use privydrop_common::api::{Command, ItemKey, ItemKind, ItemState, ItemView, Progress, Side};
use privydrop_common::host::Kept;
use yew::prelude::*;

use super::copy::CopyButton;
use super::document::formatted;
use super::icon::{Icon, icon};
use crate::choices::Choices;
use crate::figures::{head_and_tail, size};
use crate::locale::{Locale, use_locale};
use crate::state::Intent;

/// The item.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Its newest facts.
    pub item: ItemView,
    /// What the member who offers it calls itself.
    pub from: Option<AttrValue>,
    /// Nothing else is offered.
    pub lone: bool,
    /// What the person wants.
    pub on: Callback<Intent>,
}

/// Its row.
#[component]
pub fn Item(props: &Props) -> Html {
    let locale = use_locale();
    let item = &props.item;
    let own = item.key.owner.is_none();
    let percent = if item.state == ItemState::Done { 100 } else { item.progress.percent() };
    // What is there already is read again before anything moves.
    let shown = item.checking.unwrap_or(item.progress);
    let name = name(&locale, item);
    let running = matches!(
        item.state,
        ItemState::Waiting | ItemState::Moving | ItemState::Paused | ItemState::Verifying
    );
    let done = item.state == ItemState::Done && item.kind != ItemKind::Text;
    let sign = match item.kind {
        _ if done => Icon::Check,
        ItemKind::File => Icon::File,
        ItemKind::Folder => Icon::Folder,
        ItemKind::Text => Icon::Text,
    };
    // An own text stands in the editor already.
    let text = item.text.as_ref().filter(|_| !own);
    html! {
        <li class={classes!("item", text.map(|_| "with-text"))} data-testid="item" data-name={item.name.clone()} data-size={item.size.to_string()}
            data-direction={if own { "out" } else { "in" }} data-state={state(item.state)} data-progress={percent.to_string()}
            data-hash={item.hash.clone()} data-kind={kind(item.kind)}>
            <span class={classes!("sign", done.then_some("good"))}>{ icon(sign) }</span>
            <div class="about">
                { title(&name) }
                <p class="facts figures">
                    if item.kind != ItemKind::Text { <span>{ size(item.size) }</span> }
                    if item.kind == ItemKind::Folder { <span>{ locale.fill("item-files", &[("files", item.files.into())]) }</span> }
                    if own {
                        <span>{ locale.say("item-out") }</span>
                        if item.fetching > 0 { <span>{ locale.fill("item-fetching", &[("count", item.fetching.into())]) }</span> }
                        if item.fetched > 0 {
                            <span class="good" data-testid="fetched">{ locale.fill("item-fetched", &[("count", item.fetched.into())]) }</span>
                        }
                    } else if let Some(from) = &props.from {
                        <span>{ locale.fill("item-from", &[("name", from.to_string().into())]) }</span>
                    }
                </p>
                { for standing(&locale, item).map(|words| html! { <p class={classes!("standing", tone(item.state))}>{ words }</p> }) }
            </div>
            <div class="acts">{ acts(&locale, item, props.lone, &props.on) }</div>
            if running {
                <div class="progress">
                    <progress max="100" value={shown.percent().to_string()} aria-label={locale.fill("item-progress", &[("name", name.to_string().into())])} />
                    { figures(&locale, item, shown) }
                </div>
            }
            if let Some(document) = text { { formatted(document) } }
        </li>
    }
}

/// Its name; for an own text, which stands in the editor and not here, its first line.
fn name(locale: &Locale, item: &ItemView) -> AttrValue {
    let own = item.text.as_ref().filter(|_| item.key.owner.is_none());
    let first_line =
        || own?.plain_text().lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
    match item.kind {
        ItemKind::Text => first_line().map_or_else(|| locale.say("item-text"), AttrValue::from),
        ItemKind::File | ItemKind::Folder => item.name.clone().into(),
    }
}

/// The name, of which only the middle is ever cut off.
fn title(name: &AttrValue) -> Html {
    let (head, tail) = head_and_tail(name);
    html! {
        <h3 class="name"><bdi><span class="begin">{ head.to_owned() }</span><span class="end">{ tail.to_owned() }</span></bdi></h3>
    }
}

fn figures(locale: &Locale, item: &ItemView, progress: Progress) -> Html {
    let done = [("done", size(progress.done).into()), ("size", size(progress.total).into())];
    let moving = item.state == ItemState::Moving && progress.speed > 0;
    html! {
        <p class="figures facts">
            <span>{ format!("{} %", progress.percent()) }</span><span>{ locale.fill("of", &done) }</span>
            if moving {
                <span>{ locale.speed(progress.speed) }</span>
                { for progress.seconds_left.map(|seconds| html! { <span>{ locale.time_left(seconds) }</span> }) }
            }
        </p>
    }
}

/// What its state means, where the progress bar does not say it.
fn standing(locale: &Locale, item: &ItemView) -> Option<AttrValue> {
    let own = item.key.owner.is_none();
    let by = |here, there, unknown| match item.stopped_by {
        Some(Side::Here) => here,
        Some(Side::There) => there,
        None => unknown,
    };
    let key = match item.state {
        ItemState::Moving => return None,
        ItemState::Offered if item.kind == ItemKind::Text => return None,
        ItemState::Offered if own && item.fetched + item.fetching == 0 => "item-untaken",
        ItemState::Offered => return None,
        ItemState::Waiting if item.checking.is_some() => "item-checking",
        ItemState::Waiting => "item-waiting",
        ItemState::Paused => by("item-paused-here", "item-paused-there", "item-paused"),
        ItemState::Verifying => "item-verifying",
        ItemState::Done if own || item.kind == ItemKind::Text => return None,
        ItemState::Done if item.kept == Some(Kept::InPlace) => "item-done-in-place",
        ItemState::Done => "item-done",
        ItemState::Failed => "item-failed",
        ItemState::Cancelled => by("item-cancelled-here", "item-cancelled-there", "item-cancelled"),
    };
    Some(locale.say(key))
}

fn tone(state: ItemState) -> Option<&'static str> {
    match state {
        ItemState::Done => Some("good"),
        ItemState::Failed => Some("bad"),
        _ => None,
    }
}

fn acts(locale: &Locale, item: &ItemView, lone: bool, on: &Callback<Intent>) -> Html {
    let choices = Choices::of(item);
    let key = item.key;
    let button = |testid: &'static str, sign: Icon, intent: Intent| {
        let label = locale.say(if testid == "remove" && key.owner.is_none() { "withdraw" } else { testid });
        let onclick = on.reform(move |_| intent.clone());
        html! { <button class="button plain square tip" type="button" data-testid={testid} aria-label={label} {onclick}>{ icon(sign) }</button> }
    };
    let say = |command: fn(ItemKey) -> Command| Intent::Say(command(key));
    html! {
        <>
            if choices.accept {
                // To accept the only item is to accept all: a script that waits for that handle finds it here.
                <span data-testid={lone.then_some("accept-all")} onclick={on.reform(move |_| Intent::Accept(key))}>
                    <button class={classes!("button", (!choices.again).then_some("primary"))} type="button" data-testid="accept">
                        { icon(Icon::Down) }{ locale.say(if choices.again { "accept-again" } else { "accept" }) }</button>
                </span>
            }
            if let Some(store) = choices.save {
                <button class="button" type="button" data-testid="save" onclick={on.reform(move |_| Intent::Save(store))}>
                    { icon(Icon::Down) }{ locale.say("save") }</button>
            }
            if let Some(store) = choices.reveal {
                <button class="button" type="button" data-testid="reveal" onclick={on.reform(move |_| Intent::Save(store))}>
                    { icon(Icon::Folder) }{ locale.say("app-reveal") }</button>
            }
            if let Some(document) = item.text.as_ref().filter(|_| key.owner.is_some()) {
                <CopyButton text={document.plain_text()} label={locale.say("text-copy")} />
            }
            if choices.pause { { button("pause", Icon::Pause, say(Command::Pause)) } }
            if choices.resume { { button("resume", Icon::Play, say(Command::Resume)) } }
            if choices.cancel { { button("cancel", Icon::Cross, say(Command::Cancel)) } }
            if choices.remove { { button("remove", Icon::Trash, Intent::Remove(key)) } }
        </>
    }
}

fn state(state: ItemState) -> &'static str {
    match state {
        ItemState::Offered => "offered",
        ItemState::Waiting => "waiting",
        ItemState::Moving => "moving",
        ItemState::Paused => "paused",
        ItemState::Verifying => "verifying",
        ItemState::Done => "done",
        ItemState::Failed => "failed",
        ItemState::Cancelled => "cancelled",
    }
}

fn kind(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::File => "file",
        ItemKind::Folder => "folder",
        ItemKind::Text => "text",
    }
}
