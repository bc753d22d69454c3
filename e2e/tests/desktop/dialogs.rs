//! What a person chooses in the system's own windows: files and folders to share, and the folder for what is received.

use std::path::Path;

use privydrop_common::api::ItemState;
use privydrop_e2e::app::App;
use privydrop_e2e::fixture::Fixture;
use privydrop_e2e::screen::{Clipboard, Key, Screen, text};
use privydrop_e2e::server::{Rooms, Server};
use privydrop_e2e::shown::Shown;
use privydrop_e2e::terminal::Terminal;
use privydrop_e2e::tree::Tree;

use super::surroundings::everything_arrives;
use super::{path, words};

/// The person pastes a path into the window that the app asks with, and says that this is it.
fn choose(app: &App, screen: &Screen, chosen: &Path) {
    let dialog = screen.dialog();
    screen.focus(Some(dialog));
    let clipboard = Clipboard::put(app.desk().display(), vec![text(path(chosen))]);
    screen.press(Key::Paste);
    clipboard.taken();
    screen.agree(dialog);
}

#[tokio::test]
async fn what_is_chosen_in_the_systems_windows_is_shared_and_nothing_when_the_person_wants_none() {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(18);
    let (folder, file) = (fixture.folder_of("a folder", 10), fixture.file("与空格 file.txt", 5_000));
    let app = App::start(&server, &[]).await;
    let screen = Screen::connect(app.desk().display());

    app.page().click("pick-files").await;
    screen.focus(Some(screen.dialog()));
    screen.press(Key::Escape);
    screen.no_dialog();
    app.page().click("pick-files").await;
    choose(&app, &screen, &file);
    app.page().item("与空格 file.txt", ItemState::Offered).await;
    app.page().click("pick-folder").await;
    choose(&app, &screen, &folder);
    app.page().item("a folder", ItemState::Offered).await;
    assert_eq!(app.page().look().await.unwrap().items.len(), 2);
    everything_arrives(&app, &server, &[&folder, &file]).await;
}

#[tokio::test]
async fn what_arrives_goes_into_the_folder_that_was_chosen_in_the_systems_window() {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(19);
    let file = fixture.file("note.txt", 5_000);
    let chosen = tempfile::tempdir().unwrap();
    let app = App::start(&server, &[]).await;
    let screen = Screen::connect(app.desk().display());

    app.page().click("settings").await;
    app.page().click("choose-downloads").await;
    choose(&app, &screen, chosen.path());
    let shown = chosen.path().to_str().unwrap().to_owned();
    let is_shown = |page: &Shown| (page.downloads.as_ref() == Some(&shown)).then_some(());
    app.page().wait_for("the chosen folder", is_shown).await;

    let mut terminal = Terminal::start(&server, &words(&["send", path(&file)]), "");
    app.page().join(terminal.next("room").await["link"].as_str().unwrap()).await;
    app.page().press("note.txt", "accept").await;
    app.page().item("note.txt", ItemState::Done).await;
    Tree::of(&file).assert_same(&Tree::of(&chosen.path().join("note.txt")));
    assert_eq!(app.desk().downloads().read_dir().unwrap().count(), 0, "the system's own folder");
}
