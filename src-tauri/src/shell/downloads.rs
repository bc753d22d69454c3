//! The folder for what is received: the one that the person chose, else the system's usual one.
//!
//! A chosen folder that is not there any more is never replaced by another without a word: nothing is received until the
//! person chooses again, or it is back.

use std::path::PathBuf;

use privydrop_common::api::NoticeCode;
use privydrop_common::host::PlaceId;

use super::Shell;
use crate::files::KeptPath;

impl Shell {
    /// The folder for what is received, if it is there.
    pub(crate) fn place(&self) -> Option<PlaceId> {
        self.device()?.place(&self.downloads()?).ok()
    }

    /// The same; when it is not there, the person is told so.
    pub(crate) fn place_or_tell(&self) -> Option<PlaceId> {
        let place = self.place();
        if place.is_none() {
            let folder = self.downloads().unwrap_or_default();
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            self.tell(NoticeCode::PlaceUnwritable, &name, None);
        }
        place
    }

    /// Receives into this folder from now on.
    pub(crate) fn keep_downloads(&self, folder: PathBuf) {
        self.change(|settings| settings.downloads = Some(KeptPath(folder)));
        self.show_downloads();
    }

    /// The folder for what is received, there or not.
    pub(crate) fn downloads(&self) -> Option<PathBuf> {
        let kept = self.0.kept.lock();
        let chosen = kept.settings.downloads.clone().map(|KeptPath(folder)| folder);
        chosen.or_else(|| kept.usual_downloads.clone())
    }

    /// Shows which folder that is.
    pub(super) fn show_downloads(&self) {
        let folder = self.downloads().map(|folder| folder.display().to_string());
        self.show(|news| news.shell.downloads = folder);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use privydrop_common::api::Keepsake;
    use privydrop_common::text::Document;
    use tempfile::TempDir;

    use super::*;
    use crate::files::Writer;
    use crate::settings::Settings;
    use crate::visit::Visit;

    /// The app with a session, a usual folder and settings in a file, and the three folders.
    async fn app() -> (Shell, TempDir, [PathBuf; 3]) {
        let root = tempfile::tempdir().unwrap();
        let folders = ["usual", "chosen", "other"].map(|name| root.path().join(name));
        folders.iter().for_each(|folder| fs::create_dir(folder).unwrap());
        let shell = Shell::default();
        {
            let mut kept = shell.0.kept.lock();
            kept.usual_downloads = Some(folders[0].clone());
            kept.file = Some(Writer::new(root.path().join("settings.json")));
        }
        shell.serve("http://127.0.0.1:1".parse().unwrap()).await.unwrap();
        (shell, root, folders)
    }

    /// Where the session stores what is accepted into this folder.
    fn of(shell: &Shell, folder: &Path) -> Option<PlaceId> {
        let place = shell.device().unwrap().place(folder).ok();
        assert!(place.is_some());
        place
    }

    fn told(shell: &Shell) -> Vec<(NoticeCode, String)> {
        let told = shell.follow().borrow().news.shell.told.clone();
        told.into_iter().map(|told| (told.code, told.subject)).collect()
    }

    #[tokio::test]
    async fn what_is_received_goes_into_the_chosen_folder_also_after_the_next_start() {
        let (shell, root, [usual, chosen, _]) = app().await;
        assert_eq!(shell.place(), of(&shell, &usual));
        shell.keep_downloads(chosen.clone());
        assert_ne!(shell.place(), of(&shell, &usual));
        assert_eq!(shell.place(), of(&shell, &chosen));
        let shown = shell.follow().borrow().news.shell.downloads.clone();
        assert_eq!(shown.as_deref(), chosen.to_str());

        let file = shell.0.kept.lock().file.clone().unwrap();
        file.done().await;
        let (next, _root, _) = app().await;
        next.0.kept.lock().settings = Settings::read(&root.path().join("settings.json"));
        assert_eq!(next.place(), of(&next, &chosen));
    }

    #[tokio::test]
    async fn nothing_goes_anywhere_else_when_the_chosen_folder_has_vanished_until_another_is_chosen() {
        let (shell, _root, [_, chosen, other]) = app().await;
        shell.keep_downloads(chosen.clone());
        fs::remove_dir(&chosen).unwrap();
        assert_eq!(shell.place(), None);
        assert_eq!(shell.downloads(), Some(chosen.clone()), "it is shown, and where the next choice begins");
        fs::write(&chosen, "no folder").unwrap();
        assert_eq!(shell.place(), None);
        fs::remove_file(&chosen).unwrap();
        fs::create_dir(&chosen).unwrap();
        assert_eq!(shell.place(), of(&shell, &chosen), "it is back");
        fs::remove_dir(&chosen).unwrap();
        shell.keep_downloads(other.clone());
        assert_eq!(shell.place(), of(&shell, &other));
        assert_eq!(told(&shell), []);
    }

    #[tokio::test]
    async fn what_a_killed_app_was_receiving_into_a_folder_that_vanished_is_said_not_to_go_on() {
        let (shell, _root, [_, chosen, _]) = app().await;
        shell.keep_downloads(chosen.clone());
        let mark = serde_json::from_value(serde_json::json!(vec![7; 16])).unwrap();
        let visit = |wanted| Visit {
            server: String::new(),
            keepsake: Keepsake("of a room".into()),
            wanted,
            shared: Vec::new(),
            // So that there is something to wait for.
            text: Document::from_plain("shared before").ok(),
        };
        shell.go_on(visit(vec![mark]), shell.begin()).await;
        assert_eq!(told(&shell), []);
        fs::remove_dir(&chosen).unwrap();
        shell.go_on(visit(Vec::new()), shell.begin()).await;
        assert_eq!(told(&shell), [], "nothing was under way");
        shell.go_on(visit(vec![mark]), shell.begin()).await;
        assert_eq!(told(&shell), [(NoticeCode::PlaceUnwritable, "chosen".to_owned())]);
    }
}
