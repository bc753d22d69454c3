//! Messages: what happened, why, and what one can do. Two live regions that are always there.

use privydrop_common::api::{Level, Notice};
use yew::prelude::*;

use super::icon::{Icon, icon};
use crate::locale::Locale;
use crate::state::{Intent, newest};

/// Messages that need an act stay above the page; the others pass by at its foot. All messages, oldest first.
pub fn notices(locale: &Locale, notices: &[Notice], on: &Callback<Intent>) -> Html {
    let cards = |level: Level| {
        let of_level = notices.iter().filter(move |notice| notice.code.level() == level);
        of_level.map(|notice| card(locale, notice, on))
    };
    html! {
        <>
            <div class="alerts" role="alert" data-testid="alert" data-code={newest(notices, Level::Alert)}>
                { for cards(Level::Alert) }
            </div>
            <div class="passing" role="status" data-testid="status" data-code={newest(notices, Level::Status)}>
                { for cards(Level::Status) }
            </div>
        </>
    }
}

fn card(locale: &Locale, notice: &Notice, on: &Callback<Intent>) -> Html {
    let message = locale.message(notice);
    let (class, sign) = match notice.code.level() {
        Level::Alert => ("notice urgent", Icon::Warning),
        Level::Status => ("notice", Icon::Info),
    };
    let id = notice.id;
    html! {
        <div key={id} {class} data-code={notice.code.as_str()}>
            { icon(sign) }
            <div class="words">
                <strong>{ message.state }</strong>
                <p>{ message.reason }{ " " }<span class="next">{ message.next }</span></p>
            </div>
            <button class="button plain square" type="button" data-testid="dismiss" aria-label={locale.say("dismiss")}
                onclick={on.reform(move |_| Intent::Dismiss(id))}>{ icon(Icon::Cross) }</button>
        </div>
    }
}
