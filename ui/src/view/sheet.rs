//! A card that a button of the head opens: a title, a way to close it, and whatever stands below.

use yew::prelude::*;

use super::icon::{Icon, icon};
use crate::locale::Locale;

/// A closed sheet. `id` is for the button that opens it, `title` the key of its title, `class` what it is besides.
pub fn sheet(
    locale: &Locale,
    id: &'static str,
    title: &'static str,
    class: &'static str,
    content: Html,
) -> Html {
    let titled = format!("{id}-title");
    html! {
        <div {id} popover="auto" class={classes!("card", "sheet", class)} aria-labelledby={titled.clone()}>
            <div class="sheet-head">
                <h2 id={titled}>{ locale.say(title) }</h2>
                <button class="button plain square" type="button" popovertarget={id} popovertargetaction="hide"
                    aria-label={locale.say("close")}>{ icon(Icon::Cross) }</button>
            </div>
            { content }
        </div>
    }
}
