//! An app that is killed in the middle and started again: it is back in its room, and what was under way goes on without a
//! click.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use privydrop_common::api::ItemState;
use privydrop_e2e::app::App;
use privydrop_e2e::server::{Rooms, Server};
use privydrop_e2e::terminal::Terminal;

use crate::{link_of, path, words};

const MIB: u64 = 1 << 20;
/// Long enough on its way that a program can be killed meanwhile.
const LENGTH: u64 = 512 * MIB;
/// So much of it has arrived by then, in percent.
const KILLED_AT: u8 = 3;

/// A film no two pieces of which are the same.
fn film(folder: &tempfile::TempDir) -> PathBuf {
    let place = folder.path().join("film");
    let film = File::create(&place).unwrap();
    film.set_len(LENGTH).unwrap();
    for piece in 0..LENGTH / MIB {
        film.write_all_at(&piece.to_le_bytes(), piece * MIB).unwrap();
    }
    place
}

/// What the app keeps of its stay in a room.
fn visit(app: &App) -> PathBuf {
    app.desk().config().join("app.privydrop.desktop/visit.json")
}

#[tokio::test]
async fn a_killed_app_is_back_in_its_room_and_receives_the_rest() {
    let (server, folder) = (Server::start(Rooms::Memory), tempfile::tempdir().unwrap());
    let film = film(&folder);
    let mut terminal = Terminal::start(&server, &words(&["send", path(&film)]), "");
    let link = link_of(&mut terminal, &server).await;
    let app = App::start(&server, &[link.as_ref()]).await;
    app.page().press("film", "accept").await;
    app.page().moved_past("film", KILLED_AT).await;
    // Or all of it is there before the app is killed.
    terminal.hold();
    let app = app.kill_and_start().await;
    terminal.go_on();
    assert!(app.page().resumed().await < 100, "something of it was there, and not all");
    app.page().item("film", ItemState::Done).await;
    assert!(fs::read(app.desk().downloads().join("film")).unwrap() == fs::read(&film).unwrap());
    terminal.done().await;
}

#[tokio::test]
async fn a_killed_app_is_back_in_its_room_and_shares_the_rest() {
    let (server, folder) = (Server::start(Rooms::Memory), tempfile::tempdir().unwrap());
    let film = film(&folder);
    let app = App::start(&server, &[film.as_ref()]).await;
    app.page().share_text("about the film now").await;
    let place = tempfile::tempdir().unwrap();
    let receive = words(&["receive", "--into", path(place.path())]);
    let mut terminal = Terminal::start(&server, &receive, &app.page().link().await);
    while terminal.next("item").await["progress"].as_u64().is_none_or(|done| done <= KILLED_AT.into()) {}
    terminal.hold();
    let link = app.page().link().await;
    assert!(visit(&app).exists());
    let app = app.kill_and_start().await;
    terminal.go_on();
    assert_eq!(app.page().link().await, link);
    app.page()
        .wait_for("its text", |shown| {
            let mut own = shown.items.iter().filter(|item| item.direction == "out");
            own.any(|item| item.name.is_empty() && item.size == "18").then_some(())
        })
        .await;
    let said = terminal.done().await;
    assert!(said.iter().any(|event| event["code"] == "item-resumed"), "it went on from what was there");
    assert!(fs::read(place.path().join("film")).unwrap() == fs::read(&film).unwrap());
}

#[tokio::test]
async fn an_app_that_was_left_in_no_room_is_in_none_after_it_was_killed() {
    let (server, folder) = (Server::start(Rooms::Memory), tempfile::tempdir().unwrap());
    let note = folder.path().join("note.txt");
    fs::write(&note, "a note").unwrap();
    let app = App::start(&server, &[note.as_ref()]).await;
    app.page().code().await;
    app.page().leave().await;
    // Until then it is not out of the room: whoever is killed before is back in it.
    app.page().wait_for("no room", |shown| shown.code.is_none().then_some(())).await;
    let app = app.kill_and_start().await;
    app.page().idle().await;
    assert!(!visit(&app).exists());
}
