//! What is on offer, what moves, and what has arrived.

use privydrop_common::api::{ItemKey, PeerView, Phase, Progress, View};
use yew::prelude::*;

use super::icon::{Icon, icon};
use super::item::Item;
use crate::backend::{IN_APP, Storage};
use crate::choices::offered;
use crate::figures::size;
use crate::locale::Locale;
use crate::state::Intent;

/// The list, with what this browser does with what it receives. Nothing at all while there is neither an item nor
/// somebody to wait for.
pub fn items(
    locale: &Locale,
    view: &View,
    storage: Storage,
    folder: Option<&String>,
    on: &Callback<Intent>,
) -> Html {
    let guest = view.room.as_ref().is_some_and(|room| !room.hosting);
    if view.items.is_empty() {
        return if guest { waiting(locale, view.phase) } else { Html::default() };
    }
    let takeable = offered(view);
    let moving = view.items.iter().filter(|item| item.progress.speed > 0).count();
    let note = takeable.first().and(match storage {
        Storage::Directory if IN_APP => {
            folder.map(|folder| locale.fill("app-items-folder", &[("folder", folder.clone().into())]))
        }
        Storage::Directory => Some(locale.say("storage-directory")),
        Storage::Private => Some(locale.say("storage-private")),
        Storage::Memory => Some(locale.say("storage-memory")),
    });
    html! {
        <section class={classes!("card", "items", (takeable.len() > 1).then_some("several"))} aria-labelledby="items-title">
            <div class="card-head">
                <h2 id="items-title">{ locale.say("items-title") }</h2>
                if moving > 1 { { total(locale, view.total) } }
                if takeable.len() > 1 {
                    <button class="button primary" type="button" data-testid="accept-all" onclick={on.reform(|_| Intent::AcceptAll)}>
                        { icon(Icon::Down) }{ locale.say("accept-all") }</button>
                }
            </div>
            <ul>
                { for view.items.iter().map(|item| html! {
                    <Item key={key(item.key)} item={item.clone()} from={owner(view, item.key)} lone={takeable == [item.key]} on={on.clone()} />
                }) }
            </ul>
            { for note.map(|note| html! { <p class="hint note">{ note }</p> }) }
        </section>
    }
}

fn key(key: ItemKey) -> String {
    match key.owner {
        Some(owner) => format!("{owner} {}", key.item),
        None => key.item.to_string(),
    }
}

/// What the member who offers it calls itself; nothing while only one could it be.
fn owner(view: &View, key: ItemKey) -> Option<AttrValue> {
    if view.peers.len() < 2 {
        return None;
    }
    let named = |peer: &&PeerView| Some(peer.id) == key.owner && !peer.label.is_empty();
    view.peers.iter().find(named).map(|peer| peer.label.clone().into())
}

fn total(locale: &Locale, total: Progress) -> Html {
    let done = [("done", size(total.done).into()), ("size", size(total.total).into())];
    html! {
        <p class="total facts figures" data-testid="total">
            <span>{ locale.say("total") }</span><span>{ locale.fill("of", &done) }</span><span>{ locale.speed(total.speed) }</span>
            { for total.seconds_left.map(|seconds| html! { <span>{ locale.time_left(seconds) }</span> }) }
        </p>
    }
}

fn waiting(locale: &Locale, phase: Phase) -> Html {
    let (title, hint) = match phase {
        Phase::Joining => ("items-waiting", "items-waiting-hint"),
        _ => ("items-empty-guest", "items-empty-guest-hint"),
    };
    html! {
        <section class="card items empty" aria-labelledby="items-title" aria-busy={(phase == Phase::Joining).to_string()}>
            <h2 id="items-title">{ locale.say(title) }</h2>
            <p class="hint">{ locale.say(hint) }</p>
            <div class="skeleton line" aria-hidden="true" /><div class="skeleton line" aria-hidden="true" />
        </section>
    }
}
