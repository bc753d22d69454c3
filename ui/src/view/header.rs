//! The head of the page: its name, how it is protected, language and colours.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::icon::{Icon, icon, logo};
use super::protected::{PROTECTED, protected};
use super::settings::{SETTINGS, settings};
use crate::backend::IN_APP;
use crate::locale::{Language, Locale};
use crate::state::{Intent, State};
use crate::theme::Theme;

/// The head of the page, with the language spoken and the colours shown.
pub fn header(locale: &Locale, state: &State, on: &Callback<Intent>) -> Html {
    let State { language, theme, .. } = *state;
    let speak = on.reform(|event: Event| {
        let tag =
            event.target_dyn_into::<HtmlSelectElement>().map(|select| select.value()).unwrap_or_default();
        Intent::Speak(Language::of_tag(&tag).unwrap_or(Language::English))
    });
    let next = Theme::ALL.into_iter().cycle().skip_while(|each| *each != theme).nth(1).unwrap_or_default();
    let theme_icon = match theme {
        Theme::System => Icon::System,
        Theme::Light => Icon::Sun,
        Theme::Dark => Icon::Moon,
    };
    let theme_label = format!("{}: {}", locale.say("theme"), locale.say(&format!("theme-{}", theme.mark())));
    html! {
        <header class="head">
            <h1 class="brand">{ logo() }{ "PrivyDrop" }<span class="tagline">{ locale.say("app-tagline") }</span></h1>
            <div class="settings">
                <button class="button plain" type="button" popovertarget={PROTECTED}>
                    { icon(Icon::Shield) }<span class="wide-only">{ locale.say("protected") }</span>
                    <span class="narrow-only offscreen">{ locale.say("protected") }</span>
                </button>
                if IN_APP {
                    <button class="button plain square tip below" type="button" popovertarget={SETTINGS} data-testid="settings"
                        aria-label={locale.say("app-settings")}>{ icon(Icon::Gear) }</button>
                }
                <label class="button plain choice">
                    { icon(Icon::Globe) }
                    <span class="offscreen">{ locale.say("language") }</span>
                    <select data-testid="language" onchange={speak}>
                        { for Language::ALL.into_iter().map(|each| html! {
                            <option value={each.tag()} lang={each.tag()}
                                selected={each == language}>{ each.name() }</option>
                        }) }
                    </select>
                </label>
                <button class="button plain square tip below" type="button" data-testid="theme" aria-label={theme_label}
                    onclick={on.reform(move |_| Intent::Paint(next))}>{ icon(theme_icon) }</button>
            </div>
            { protected(locale) }
            if IN_APP { { settings(locale, state, on) } }
        </header>
    }
}
