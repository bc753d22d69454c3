//! How what is shared is protected, in four points, behind a button in the head of the page.

use yew::prelude::*;

use super::sheet::sheet;
use crate::backend::IN_APP;
use crate::locale::Locale;

/// The id of the popover, for the button that opens it.
pub const PROTECTED: &str = "protected";

/// The popover.
pub fn protected(locale: &Locale) -> Html {
    let limit = if IN_APP { "protected-limit-app" } else { "protected-limit" };
    let points = ["protected-direct", "protected-proof", "protected-check", limit];
    let points = points.into_iter().map(|point| html! { <li>{ locale.say(point) }</li> });
    sheet(locale, PROTECTED, "protected-title", "", html! { <ul>{ for points }</ul> })
}
