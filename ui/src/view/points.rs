//! What a stranger wants to know first, in three lines, while nothing else goes on.

use yew::prelude::*;

use super::icon::{Icon, icon};
use crate::locale::Locale;

/// The three lines.
pub fn points(locale: &Locale) -> Html {
    let points = [
        (Icon::Device, "point-direct", "point-direct-more"),
        (Icon::Shield, "point-sealed", "point-sealed-more"),
        (Icon::Check, "point-checked", "point-checked-more"),
    ];
    html! {
        <ul class="points">
            { for points.into_iter().map(|(sign, title, more)| html! {
                <li>{ icon(sign) }<strong>{ locale.say(title) }</strong><span>{ locale.say(more) }</span></li>
            }) }
        </ul>
    }
}
