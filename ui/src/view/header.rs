//! The head of the page: its name, how it is protected, language and colours.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::icon::{Icon, icon, logo};
use super::protected::{PROTECTED, Protected};
use crate::locale::{Language, use_locale};
use crate::state::Intent;
use crate::theme::Theme;

/// What the head shows.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The language spoken.
    pub language: Language,
    /// The colours shown.
    pub theme: Theme,
    /// What the person wants.
    pub on: Callback<Intent>,
}

/// The head of the page.
#[component]
pub fn Header(props: &Props) -> Html {
    let locale = use_locale();
    let speak = props.on.reform(|event: Event| {
        let tag =
            event.target_dyn_into::<HtmlSelectElement>().map(|select| select.value()).unwrap_or_default();
        Intent::Speak(Language::choose([tag.as_str()]))
    });
    let next =
        Theme::ALL.into_iter().cycle().skip_while(|theme| *theme != props.theme).nth(1).unwrap_or_default();
    let theme_icon = match props.theme {
        Theme::System => Icon::System,
        Theme::Light => Icon::Sun,
        Theme::Dark => Icon::Moon,
    };
    let theme_label =
        format!("{}: {}", locale.say("theme"), locale.say(&format!("theme-{}", props.theme.mark())));
    html! {
        <header class="head">
            <h1 class="brand">{ logo() }{ "PrivyDrop" }<span class="tagline">{ locale.say("app-tagline") }</span></h1>
            <div class="settings">
                <button class="button plain" type="button" popovertarget={PROTECTED}>
                    { icon(Icon::Shield) }<span class="wide-only">{ locale.say("protected") }</span>
                    <span class="narrow-only offscreen">{ locale.say("protected") }</span>
                </button>
                <label class="button plain choice">
                    { icon(Icon::Globe) }
                    <span class="offscreen">{ locale.say("language") }</span>
                    <select data-testid="language" onchange={speak}>
                        { for Language::ALL.into_iter().map(|language| html! {
                            <option value={language.tag()} lang={language.tag()}
                                selected={language == props.language}>{ language.name() }</option>
                        }) }
                    </select>
                </label>
                <button class="button plain square tip below" type="button" data-testid="theme" aria-label={theme_label}
                    onclick={props.on.reform(move |_| Intent::Paint(next))}>{ icon(theme_icon) }</button>
            </div>
            <Protected />
        </header>
    }
}
