//! Links that lead into a room: `privydrop://drop.example/#ROOM.SECRET` from outside, and what a person pastes.
//!
//! A link from outside may come from any page in any browser. It leads straight into a room only when it takes the
//! person out of no other and to no other server; otherwise the person is asked, by the system, not by the page.

use core::str::FromStr;

use privydrop_common::api::Command;
use privydrop_common::code::{Invitation, Link};
use privydrop_native::Server;
use tauri::{AppHandle, Manager, Runtime, async_runtime};
use tauri_plugin_deep_link::DeepLinkExt;

use crate::dialogs;
use crate::shell::{NotServed, Shell, told_as_text};

/// What links from outside begin with.
const SCHEME: &str = "privydrop:";

/// Why a link is not followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoLink {
    /// It leads into no room.
    #[error("this is no link into a room")]
    Invalid,
    /// Its server cannot be used.
    #[error(transparent)]
    Server(#[from] NotServed),
}

told_as_text!(NoLink);

/// A link and the server that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct AppLink {
    server: Option<Server>,
    link: Link,
}

impl FromStr for AppLink {
    type Err = NoLink;

    /// Reads `privydrop://HOST/#ROOM.SECRET`, also without the host, and `https://HOST/#ROOM.SECRET`.
    fn from_str(text: &str) -> Result<Self, NoLink> {
        let text = text.trim();
        let outside = text.strip_prefix(SCHEME).map(|rest| rest.strip_prefix("//").unwrap_or(rest));
        let (server, fragment) = outside.unwrap_or(text).split_once('#').ok_or(NoLink::Invalid)?;
        let server = match server.trim_matches('/') {
            "" => None,
            server => Some(server.parse().map_err(|_| NoLink::Invalid)?),
        };
        Ok(Self { server, link: fragment.parse().map_err(|_| NoLink::Invalid)? })
    }
}

impl AppLink {
    /// True when it leads to this server, however that is reached: a link from outside does not say `http` or `https`.
    fn is_at(&self, server: Option<&Server>) -> bool {
        let place = |server: &Server| server.page().split_once("://").map(|(_, place)| place.to_owned());
        match (&self.server, server) {
            (None, server) => server.is_some(),
            (Some(named), Some(server)) => place(named) == place(server),
            (Some(_), None) => false,
        }
    }
}

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
fn open<R: Runtime>(app: &AppHandle<R>, text: &str) {
    let Ok(link) = text.parse::<AppLink>() else {
        return tracing::debug!("a link from outside leads into no room");
    };
    let app = app.clone();
    async_runtime::spawn(async move {
        let shell = app.state::<Shell>();
        let harmless = link.is_at(shell.server().as_ref()) && !shell.is_in_room();
        if harmless || agreed(&app, &shell, &link).await {
            let _ = follow(&shell, link).await;
        }
    });
}

async fn agreed<R: Runtime>(app: &AppHandle<R>, shell: &Shell, link: &AppLink) -> bool {
    let server = link.server.clone().or_else(|| shell.server());
    let Some(server) = server else { return false };
    let words = shell.words();
    let question = words.follow.replace("{room}", link.link.room.as_str());
    let question = question.replace("{server}", &server.to_string());
    dialogs::agreed(app, &question, &words.join, &words.cancel).await
}

async fn follow(shell: &Shell, link: AppLink) -> Result<(), NoLink> {
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

    fn read(text: &str) -> Option<AppLink> {
        text.parse().ok()
    }

    #[test]
    fn links_from_outside_and_pasted_ones_name_room_and_server() {
        for (text, server) in [
            (format!("privydrop://drop.example/#{SECRET}"), Some("https://drop.example/")),
            (format!("privydrop://drop.example:8443/#{SECRET}"), Some("https://drop.example:8443/")),
            (format!("privydrop://127.0.0.1:8080/#{SECRET}"), Some("http://127.0.0.1:8080/")),
            (format!("privydrop:http://nas.lan/drop/#{SECRET}"), Some("http://nas.lan/drop/")),
            (format!("privydrop:///#{SECRET}"), None),
            (format!("privydrop:#{SECRET}"), None),
            (format!(" https://drop.example/#{SECRET} "), Some("https://drop.example/")),
            (format!("#{SECRET}"), None),
        ] {
            let link = read(&text).unwrap();
            assert_eq!(link.server.as_ref().map(Server::page), server, "{text}");
            assert_eq!(link.link.fragment(), SECRET);
        }
    }

    #[test]
    fn what_leads_into_no_room_is_no_link() {
        for text in [
            "",
            "privydrop:",
            "privydrop://drop.example/",
            "privydrop://drop.example/#",
            "privydrop://drop.example/#123456.short",
            "privydrop:file:///etc/passwd#123456.AAAAAAAAAAAAAAAAAAAAAA",
            "privydrop:javascript:alert(1)#123456.AAAAAAAAAAAAAAAAAAAAAA",
            "file:///etc/passwd",
            "--hidden",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_server_in_use_needs_no_question() {
        let server: Server = "http://nas.lan:8080".parse().unwrap();
        let at = |text: &str| read(&format!("{text}#{SECRET}")).unwrap().is_at(Some(&server));
        assert!(at("privydrop://nas.lan:8080/") && at("privydrop:") && at("http://nas.lan:8080/"));
        assert!(
            !at("privydrop://nas.lan/")
                && !at("privydrop://evil.example/")
                && !at("privydrop://nas.lan:8080/x")
        );
        assert!(!read(&format!("privydrop:#{SECRET}")).unwrap().is_at(None));
    }

    #[tokio::test]
    async fn without_a_server_a_link_that_names_none_is_not_followed_anywhere() {
        let shell = Shell::default();
        join(&shell, &format!("#{SECRET}")).await.unwrap();
        assert!(!shell.is_running() && !shell.is_in_room());
    }
}
