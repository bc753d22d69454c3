//! The session while it runs: its start, the views that it shows and what is kept of them, its end.
//!
//! One at a time; what an earlier one still says is not heard.

use std::sync::Arc;
use std::time::Duration;

use privydrop_common::api::{Command, View};
use privydrop_native::{Device, Server};
use tauri::async_runtime::{self, JoinHandle};
use tokio::sync::watch;
use tokio::time::timeout;

use super::{NotServed, Shell};
use crate::visit::NOTED_EVERY;

/// Longest wait for what is kept to be in its files.
const WRITTEN_WITHIN: Duration = Duration::from_secs(3);

/// A session.
pub(super) struct Running {
    pub(super) device: Arc<Device>,
    pub(super) server: Server,
    /// Which session of this run it is.
    session: u64,
    following: JoinHandle<()>,
}

impl Shell {
    /// Uses this server until the program ends.
    pub(crate) async fn serve(&self, server: Server) -> Result<(), NotServed> {
        if self.server().as_ref() == Some(&server) {
            return Ok(());
        }
        let device = Arc::new(Device::start(server.clone())?);
        device.command(Command::Introduce(format!("App on {}", system())));
        let page = server.page().to_owned();
        let before = {
            let mut kept = self.0.kept.lock();
            if kept.running.is_some() {
                // The room at the server before is left for good.
                kept.visits.end();
            }
            let session = self.begin_session(page);
            let following = async_runtime::spawn(follow(self.clone(), session, device.views()));
            kept.running.replace(Running { device, server, session, following })
        };
        if let Some(before) = before {
            async_runtime::spawn(before.leave());
        }
        Ok(())
    }

    /// Leaves the room for good and ends the session.
    #[cfg(desktop)]
    pub(crate) async fn end(&self) {
        let running = {
            let mut kept = self.0.kept.lock();
            kept.visits.end();
            kept.running.take()
        };
        if let Some(running) = running {
            running.leave().await;
        }
        self.written().await;
    }

    /// Ends the session as if the program were killed: started again, it is back in its room and goes on.
    #[cfg(desktop)]
    pub(crate) async fn break_off(&self) {
        let running = self.0.kept.lock().running.take();
        if let Some(running) = running {
            running.following.abort();
        }
        self.written().await;
    }

    /// True while there is a session.
    #[cfg(desktop)]
    pub(crate) fn is_running(&self) -> bool {
        self.0.kept.lock().running.is_some()
    }

    /// Comes back once a visit that is over is forgotten: who is shown to be out of a room is not back in it.
    async fn keep_visit(&self, session: u64, view: &View) {
        if self.note_visit(session, view) {
            self.written().await;
        }
    }

    fn note_visit(&self, session: u64, view: &View) -> bool {
        let mut kept = self.0.kept.lock();
        let running = kept.running.as_ref().filter(|running| running.session == session);
        let server = running.map(|running| running.server.to_string());
        server.is_some_and(|server| kept.visits.follow(&server, view))
    }

    /// From now on the facts are those of a new session, whose number it returns, at the server of this page.
    fn begin_session(&self, page: String) -> u64 {
        let mut session = 0;
        self.0.facts.send_modify(|facts| {
            facts.session += 1;
            session = facts.session;
            facts.news.view = View::default();
            facts.news.shell.server = Some(page);
            facts.news.number += 1;
        });
        session
    }

    /// Shows a view, but not the last one of a session that another has followed.
    fn show_view(&self, session: u64, view: View) {
        self.0.facts.send_if_modified(|facts| {
            let is_current = facts.session == session;
            if is_current {
                facts.news.view = view;
                facts.news.number += 1;
            }
            is_current
        });
    }

    /// Waits until what is kept is in its files; not for long, since a disk may be gone.
    async fn written(&self) {
        let (settings, visit) = {
            let kept = self.0.kept.lock();
            (kept.file.clone(), kept.visits.file())
        };
        let written = async {
            if let Some(settings) = settings {
                settings.done().await;
            }
            if let Some(visit) = visit {
                visit.done().await;
            }
        };
        let _ = timeout(WRITTEN_WITHIN, written).await;
    }
}

impl Running {
    async fn leave(self) {
        self.following.abort();
        match Arc::into_inner(self.device) {
            Some(device) => device.leave().await,
            // Somebody still looks at files for it; the session ends with them.
            None => tracing::debug!("the session ends a little later"),
        }
    }
}

/// Shows every new view until the session ends.
async fn follow(shell: Shell, session: u64, mut views: watch::Receiver<View>) {
    while let Some(view) = next(&mut views).await {
        shell.keep_visit(session, &view).await;
        shell.show_view(session, view);
    }
}

/// The newest view: a new one, or what still holds in a room where nothing happens for longer than a visit is remembered.
async fn next(views: &mut watch::Receiver<View>) -> Option<View> {
    let is_over = timeout(NOTED_EVERY, views.changed()).await.is_ok_and(|changed| changed.is_err());
    (!is_over).then(|| views.borrow_and_update().clone())
}

fn system() -> &'static str {
    match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "Mac",
        "windows" => "Windows",
        "android" => "Android",
        "ios" => "iPhone",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use privydrop_common::api::Phase;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_room_in_which_nothing_happens_is_looked_at_again_before_its_visit_is_forgotten() {
        let (told, mut views) = watch::channel(View { phase: Phase::InRoom, ..View::default() });
        let again = timeout(2 * NOTED_EVERY, next(&mut views)).await.unwrap();
        assert_eq!(again.unwrap().phase, Phase::InRoom);
        drop(told);
        assert_eq!(next(&mut views).await, None);
    }

    #[test]
    fn the_last_view_of_a_session_that_another_has_followed_is_not_shown() {
        let shell = Shell::default();
        let in_room = || View { phase: Phase::InRoom, ..View::default() };
        let first = shell.begin_session("https://a.example/".into());
        shell.show_view(first, in_room());
        assert!(shell.is_in_room());
        let second = shell.begin_session("https://b.example/".into());
        shell.show_view(first, in_room());
        assert!(!shell.is_in_room());
        shell.show_view(second, in_room());
        assert!(shell.is_in_room());
    }
}
