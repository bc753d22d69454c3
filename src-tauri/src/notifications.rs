//! Tells that something arrived while the window is not looked at.
//!
//! Reads the facts; decides only whether a person has seen them. A name comes from somebody else: it is shown as text.

use privydrop_common::api::{ItemKind, ItemView, Notice, NoticeCode};
use privydrop_common::bridge::News;
use tauri::{AppHandle, Manager, Runtime, async_runtime};
use tauri_plugin_notification::NotificationExt;

use crate::shell::{Facts, Shell};
use crate::window::MAIN;

/// Follows the facts until the program ends.
pub(crate) fn follow<R: Runtime>(app: &AppHandle<R>) {
    let app = app.clone();
    let mut facts = app.state::<Shell>().follow();
    async_runtime::spawn(async move {
        let mut seen = Seen::default();
        while facts.changed().await.is_ok() {
            let new = seen.arrived(&facts.borrow_and_update());
            for name in new.into_iter().filter(|_| !is_looked_at(&app)) {
                let title = app.state::<Shell>().words().arrived;
                let shown = app.notification().builder().title(title).body(plain(&name)).show();
                if let Err(error) = shown {
                    tracing::debug!(%error, "the system shows no notifications");
                }
            }
        }
    });
}

/// What was told already.
#[derive(Default)]
struct Seen {
    session: u64,
    notice: u64,
    texts: usize,
}

impl Seen {
    /// Names of what arrived since the last look; an empty one for a text.
    fn arrived(&mut self, Facts { news: News { view, .. }, session }: &Facts) -> Vec<String> {
        if self.session != *session {
            // Its notices are numbered anew.
            *self = Self { session: *session, ..Self::default() };
        }
        let before = self.notice;
        self.notice = view.notices.iter().map(|notice| notice.id).fold(before, u64::max);
        let received = |notice: &&Notice| notice.id > before && notice.code == NoticeCode::ItemReceived;
        let mut names: Vec<String> =
            view.notices.iter().filter(received).map(|notice| notice.subject.clone()).collect();
        let is_text =
            |item: &&ItemView| item.key.owner.is_some() && item.kind == ItemKind::Text && item.text.is_some();
        let texts = view.items.iter().filter(is_text).count();
        if texts > self.texts {
            names.push(String::new());
        }
        self.texts = texts;
        names
    }
}

fn is_looked_at<R: Runtime>(app: &AppHandle<R>) -> bool {
    let window = app.get_webview_window(MAIN);
    window.is_some_and(|window| window.is_focused().unwrap_or(false))
}

/// Some systems read markup in what a notification says.
fn plain(name: &str) -> String {
    name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use privydrop_common::api::View;

    use super::*;

    fn notice(id: u64, code: NoticeCode, subject: &str) -> Notice {
        Notice { id, code, subject: subject.into(), number: None, second: None }
    }

    #[test]
    fn everything_that_arrives_is_told_once() {
        let mut seen = Seen::default();
        let view = View {
            notices: vec![
                notice(1, NoticeCode::PeerJoined, "a"),
                notice(2, NoticeCode::ItemReceived, "film"),
            ],
            ..View::default()
        };
        let mut facts = Facts::default();
        facts.news.view = view;
        assert_eq!(seen.arrived(&facts), ["film"]);
        assert!(seen.arrived(&facts).is_empty());
        facts.news.view.notices =
            vec![notice(2, NoticeCode::ItemReceived, "film"), notice(3, NoticeCode::ItemReceived, "b")];
        assert_eq!(seen.arrived(&facts), ["b"]);
        assert!(seen.arrived(&Facts::default()).is_empty());
    }

    #[test]
    fn what_arrives_after_a_change_of_server_is_told_though_its_notices_are_numbered_anew() {
        let mut seen = Seen::default();
        for session in 1..=2 {
            let mut facts = Facts { session, ..Facts::default() };
            for (id, name) in [(40 / session, "film"), (41 / session + 1, "note")] {
                facts.news.view.notices = vec![notice(id, NoticeCode::ItemReceived, name)];
                assert_eq!(seen.arrived(&facts), [name]);
            }
        }
    }

    #[test]
    fn a_name_is_no_markup() {
        assert_eq!(plain("<b>&co</b>"), "&lt;b&gt;&amp;co&lt;/b&gt;");
    }
}
