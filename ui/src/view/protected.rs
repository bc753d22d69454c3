//! How what is shared is protected, in four points, behind a button in the head of the page.

use yew::prelude::*;

use super::icon::{Icon, icon};
use crate::backend::IN_APP;
use crate::locale::Locale;

/// The id of the popover, for the button that opens it.
pub const PROTECTED: &str = "protected";

/// The popover.
pub fn protected(locale: &Locale) -> Html {
    let limit = if IN_APP { "protected-limit-app" } else { "protected-limit" };
    let points = ["protected-direct", "protected-proof", "protected-check", limit];
    html! {
        <div id={PROTECTED} popover="auto" class="card sheet" aria-labelledby="protected-title">
            <div class="sheet-head">
                <h2 id="protected-title">{ locale.say("protected-title") }</h2>
                <button class="button plain square" type="button" popovertarget={PROTECTED} popovertargetaction="hide"
                    aria-label={locale.say("close")}>{ icon(Icon::Cross) }</button>
            </div>
            <ul>{ for points.into_iter().map(|point| html! { <li>{ locale.say(point) }</li> }) }</ul>
        </div>
    }
}
