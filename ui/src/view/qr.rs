//! The room's link as a QR code, to scan, copy as a picture or save.

use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::copy::{Outcome, use_outcome};
use super::icon::{Icon, icon};
use crate::locale::use_locale;
use crate::qr::Qr;
use crate::{clipboard, picture};

/// What the code leads to.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The whole link.
    pub link: AttrValue,
    /// The name of the saved picture, without its extension.
    pub name: AttrValue,
}

/// The code and its two buttons.
#[component]
pub fn QrCode(props: &Props) -> Html {
    let locale = use_locale();
    let (copied, tell_copied) = use_outcome();
    let (saved, tell_saved) = use_outcome();
    let drawn = use_memo(props.link.clone(), |link| Qr::of(link).map(|qr| (AttrValue::from(qr.path()), qr)));
    let Some((path, qr)) = drawn.as_ref() else { return Html::default() };
    let copy = {
        let qr = qr.clone();
        move |_| {
            let (qr, tell) = (qr.clone(), tell_copied.clone());
            spawn_local(async move {
                let worked = match picture::png(&qr).await {
                    Some(png) => clipboard::copy_picture(png).await,
                    None => false,
                };
                tell.emit(worked);
            });
        }
    };
    let save = {
        let (qr, name) = (qr.clone(), format!("{}.png", props.name));
        move |_| {
            let (qr, name, tell) = (qr.clone(), name.clone(), tell_saved.clone());
            spawn_local(async move {
                let worked = picture::png(&qr).await.is_some_and(|png| picture::save(&png, &name).is_some());
                tell.emit(worked);
            });
        }
    };
    let label = |outcome: Outcome, idle: &str, done: &str, sign: Icon| match outcome {
        Outcome::None => html! { <>{ icon(sign) }{ locale.say(idle) }</> },
        Outcome::Done => html! { <>{ icon(Icon::Check) }{ locale.say(done) }</> },
        Outcome::Refused => html! { <>{ icon(Icon::Warning) }{ locale.say("copy-failed") }</> },
    };
    html! {
        <div class="qr">
            <svg data-testid="qr" viewBox={format!("0 0 {0} {0}", qr.side)} role="img" aria-label={locale.say("room-qr-alt")}
                shape-rendering="crispEdges"><path d={path} /></svg>
            <div class="buttons">
                <button class="button small" type="button" onclick={copy} aria-live="polite">
                    { label(copied, "room-qr-copy", "copied", Icon::Copy) }</button>
                <button class="button small" type="button" onclick={save} aria-live="polite">
                    { label(saved, "room-qr-save", "saved", Icon::Down) }</button>
            </div>
        </div>
    }
}
