//! Who else is in the room, how the bytes travel to them, and why that way.

use privydrop_common::api::{PeerState, PeerView};
use privydrop_common::transport::Route;
use yew::prelude::*;

use super::icon::{Icon, icon};
use crate::locale::Locale;

/// The other members. Only a host can tell others how to come in.
pub fn members(locale: &Locale, peers: &[PeerView], hosting: bool) -> Html {
    html! {
        <section class="members" aria-labelledby="members-title">
            <h3 id="members-title">{ locale.say("members") }</h3>
            if peers.is_empty() {
                <p class="alone"><span class="pulse" aria-hidden="true" />{ locale.say("members-none") }</p>
                if hosting { <p class="hint">{ locale.say("members-none-hint") }</p> }
            } else {
                <ul>{ for peers.iter().map(|peer| member(locale, peer)) }</ul>
            }
        </section>
    }
}

fn member(locale: &Locale, peer: &PeerView) -> Html {
    let label = if peer.label.is_empty() { locale.say("member-unnamed") } else { peer.label.clone().into() };
    // A path is told in words only while bytes can take it.
    let path = peer.path.filter(|_| peer.state == PeerState::Connected);
    let route = path.map(|path| route_name(path.route));
    let rtt = path.and_then(|path| path.rtt_ms);
    let state = state(peer.state);
    html! {
        <li key={peer.id.to_string()} class="member" data-testid="peer" data-state={state} data-path={peer.path.map(|path| route_name(path.route))}
            data-verified={peer.verified.to_string()}>
            { icon(Icon::Device) }
            <div>
                <p class="name"><bdi class="cut">{ label }</bdi>
                    if peer.host { <span class="tag">{ locale.say("member-host") }</span> }</p>
                <p class="facts">
                    <span>
                        <span class={classes!("dot", state)} aria-hidden="true" />
                        { locale.say(&route.map_or_else(|| format!("member-{state}"), |route| format!("path-{route}"))) }
                    </span>
                    if route.is_some() {
                        { for rtt.map(|ms| html! { <span>{ locale.fill("path-rtt", &[("ms", ms.into())]) }</span> }) }
                        if peer.lanes > 1 {
                            <span data-testid="lanes">{ locale.fill("path-lanes", &[("count", peer.lanes.into())]) }</span>
                        }
                    }
                    if peer.verified { <span class="good">{ icon(Icon::Shield) }{ locale.say("member-verified") }</span> }
                </p>
                if let Some(route) = route {
                    <p class="hint">{ locale.say(&format!("path-{route}-why")) }</p>
                }
            </div>
        </li>
    }
}

fn state(state: PeerState) -> &'static str {
    match state {
        PeerState::Connecting => "connecting",
        PeerState::Connected => "connected",
        PeerState::Lost => "lost",
        PeerState::Refused => "refused",
    }
}

fn route_name(route: Route) -> &'static str {
    match route {
        Route::Lan => "lan",
        Route::Direct => "direct",
        Route::Relay => "relay",
    }
}
