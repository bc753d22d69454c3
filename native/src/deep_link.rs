//! A link into a room that names its server: `privydrop://drop.example/#ROOM.SECRET` from outside, or the address of the
//! page as people copy it.
//!
//! Reads only; follows nothing. Who may be led where is the app's affair.

use core::str::FromStr;

use privydrop_common::code::Link;

use super::server::Server;

/// What links from outside begin with.
const SCHEME: &str = "privydrop:";

/// A text that leads into no room, or names a server that cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no link into a room")]
pub struct InvalidLink;

/// A link and the server that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeepLink {
    /// None leaves it to who follows the link.
    pub server: Option<Server>,
    /// The room, and what opens it.
    pub link: Link,
}

impl FromStr for DeepLink {
    type Err = InvalidLink;

    /// Reads `privydrop://HOST/#ROOM.SECRET`, also without the host, and `https://HOST/#ROOM.SECRET`.
    fn from_str(text: &str) -> Result<Self, InvalidLink> {
        let text = text.trim();
        let outside = text.strip_prefix(SCHEME).map(|rest| rest.strip_prefix("//").unwrap_or(rest));
        let (server, fragment) = outside.unwrap_or(text).split_once('#').ok_or(InvalidLink)?;
        let server = match server.trim_matches('/') {
            "" => None,
            server => Some(server.parse().map_err(|_| InvalidLink)?),
        };
        Ok(Self { server, link: fragment.parse().map_err(|_| InvalidLink)? })
    }
}

impl DeepLink {
    /// True when it leads to this server, however that is reached: a link from outside does not say `http` or `https`.
    pub fn is_at(&self, server: Option<&Server>) -> bool {
        let place = |server: &Server| server.page().split_once("://").map(|(_, place)| place.to_owned());
        match (&self.server, server) {
            (None, server) => server.is_some(),
            (Some(named), Some(server)) => place(named) == place(server),
            (Some(_), None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "123456.AAAAAAAAAAAAAAAAAAAAAA";

    fn read(text: &str) -> Option<DeepLink> {
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

    proptest! {
        #[test]
        fn any_text_is_a_link_to_a_web_server_or_none(
            text in "(privydrop:|//|https?:|drop\\.example|@|/|#|123456\\.AAAAAAAAAAAAAAAAAAAAAA|\\PC){0,8}",
        ) {
            if let Some(link) = read(&text) {
                let page = link.server.as_ref().map_or("https://", Server::page);
                prop_assert!(page.starts_with("http://") || page.starts_with("https://"));
                // Nothing stands before the host, and no secret in what the server is asked for.
                let host = page.split('/').nth(2).unwrap_or_default();
                prop_assert!(!host.contains('@') && !page.contains('#'), "{page}");
            }
        }
    }
}
