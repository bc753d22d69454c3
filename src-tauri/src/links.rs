//! Links that lead into a room: `privydrop://drop.example/#ROOM.SECRET` from outside, and what a person pastes.
//!
//! A link from outside may come from any page in any browser. It leads straight into a room only when it takes the
//! person out of no other and to no other server, and nothing is shared or about to be; otherwise the person is asked,
//! by the system, not by the page.

use privydrop_common::api::Command;
use privydrop_common::code::Invitation;
use privydrop_native::{DeepLink, InvalidLink};
use tauri::{AppHandle, Manager, Runtime, async_runtime};
use tauri_plugin_deep_link::DeepLinkExt;

use crate::dialogs;
use crate::shell::{NotServed, Shell, told_as_text};

/// Why a link is not followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoLink {
    /// It leads into no room.
    #[error(transparent)]
    Invalid(#[from] InvalidLink),
    /// Its server cannot be used.
    #[error(transparent)]
    Server(#[from] NotServed),
}

told_as_text!(NoLink);

/// Follows what a person pasted.
pub(crate) async fn join(shell: &Shell, text: &str) -> Result<(), NoLink> {
    follow(shell, text.parse()?).await
}

/// Follows links from outside from now on, and the one that this program was started with.
pub(crate) fn listen<R: Runtime>(app: &AppHandle<R>) {
    let deep_link = app.deep_link();
    for url in deep_link.get_current().ok().flatten().into_iter().flatten() {
        open(app, url.as_str());
    }
    let app = app.clone();
    deep_link.on_open_url(move |event| event.urls().iter().for_each(|url| open(&app, url.as_str())));
}

/// Follows a link from outside.
pub(crate) fn open<R: Runtime>(app: &AppHandle<R>, text: &str) {
    let Ok(link) = text.parse::<DeepLink>() else {
        return tracing::debug!("a link from outside leads into no room");
    };
    let app = app.clone();
    async_runtime::spawn(async move {
        let shell = app.state::<Shell>();
        // Whoever made the link would be offered what is on the list, also by somebody in no room.
        let alone = if link.is_at(shell.server().as_ref()) { shell.begin_if_free() } else { None };
        if alone.is_none() && !agreed(&app, &shell, &link).await {
            return;
        }
        let _begun = alone.unwrap_or_else(|| shell.begin());
        if follow(&shell, link).await.is_ok() {
            // Before that the next link would find nobody in a room.
            shell.shows().await;
        }
    });
}

async fn agreed<R: Runtime>(app: &AppHandle<R>, shell: &Shell, link: &DeepLink) -> bool {
    let server = link.server.clone().or_else(|| shell.server());
    let Some(server) = server else { return false };
    let words = shell.words();
    let question = words.follow.replace("{room}", link.link.room.as_str());
    let question = question.replace("{server}", &server.to_string());
    dialogs::agreed(app, &question, &words.join, &words.cancel).await
}

async fn follow(shell: &Shell, link: DeepLink) -> Result<(), NoLink> {
    if let Some(server) = &link.server
        && !link.is_at(shell.server().as_ref())
    {
        match shell.server() {
            // Only for now: a link does not change what a person chose.
            Some(_) => shell.serve(server.clone()).await?,
            None => shell.keep_server(server.clone()).await?,
        }
    }
    shell.command(Command::Join(Invitation::Link(link.link)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "123456.AAAAAAAAAAAAAAAAAAAAAA";

    #[tokio::test]
    async fn without_a_server_a_link_that_names_none_is_not_followed_anywhere() {
        let shell = Shell::default();
        join(&shell, &format!("#{SECRET}")).await.unwrap();
        assert!(!shell.is_running() && !shell.is_in_room());
    }
}
