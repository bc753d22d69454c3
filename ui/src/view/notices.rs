//! Messages: what happened, why, and what one can do. Two live regions that are always there.

use privydrop_common::api::{Level, Notice};
use yew::prelude::*;

use super::icon::{Icon, icon};
use crate::locale::use_locale;
use crate::state::{Intent, newest};

/// What is shown.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// All messages, oldest first.
    pub notices: Vec<Notice>,
    /// What the person wants.
    pub on: Callback<Intent>,
}

/// Messages that need an act stay above the page; the others pass by at its foot.
#[component]
pub fn Notices(props: &Props) -> Html {
    let cards = |level: Level| {
        let of_level = props.notices.iter().filter(move |notice| notice.code.level() == level);
        of_level
            .map(|notice| html! { <Card key={notice.id} notice={notice.clone()} on={props.on.clone()} /> })
    };
    html! {
        <>
            <div class="alerts" role="alert" data-testid="alert" data-code={newest(&props.notices, Level::Alert)}>
                { for cards(Level::Alert) }
            </div>
            <div class="passing" role="status" data-testid="status" data-code={newest(&props.notices, Level::Status)}>
                { for cards(Level::Status) }
            </div>
        </>
    }
}

#[derive(PartialEq, Properties)]
struct CardProps {
    notice: Notice,
    on: Callback<Intent>,
}

#[component]
fn Card(props: &CardProps) -> Html {
    let locale = use_locale();
    let message = locale.message(&props.notice);
    let (class, sign) = match props.notice.code.level() {
        Level::Alert => ("notice urgent", Icon::Warning),
        Level::Status => ("notice", Icon::Info),
    };
    let id = props.notice.id;
    html! {
        <div {class} data-code={props.notice.code.as_str()}>
            { icon(sign) }
            <div class="words">
                <strong>{ message.state }</strong>
                <p>{ message.reason }{ " " }<span class="next">{ message.next }</span></p>
            </div>
            <button class="button plain square" type="button" data-testid="dismiss" aria-label={locale.say("dismiss")}
                onclick={props.on.reform(move |_| Intent::Dismiss(id))}>{ icon(Icon::Cross) }</button>
        </div>
    }
}
