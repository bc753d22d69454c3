//! What the app has with the desktop around it: the tray, notifications, the system's start, questions, drops, the
//! clipboard; and a page whose process breaks.

use std::ffi::OsStr;
use std::fs;
use std::time::Instant;

use privydrop_common::api::{ItemState, NoticeCode};
use privydrop_e2e::app::{App, Desk, program};
use privydrop_e2e::browser::Kind::Chromium;
use privydrop_e2e::bus::{Notification, Services};
use privydrop_e2e::fixture::Fixture;
use privydrop_e2e::page::Page;
use privydrop_e2e::process::{is_alive, kill};
use privydrop_e2e::received::received;
use privydrop_e2e::screen::{Clipboard, Content, Key, Screen, files};
use privydrop_e2e::server::{Rooms, Server};
use privydrop_e2e::terminal::Terminal;
use privydrop_e2e::tree::Tree;

use super::{SOON, link_of, path, words};

/// Sizes of the window, in pixels: the page fits in both.
const NARROW: u32 = 900;
const WIDE: u32 = 1120;
const HEIGHT: u32 = 990;

#[tokio::test]
async fn a_closed_window_goes_on_in_the_tray_which_opens_it_again_and_ends_the_program() {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(11);
    let file = fixture.file("note.txt", 5_000);
    let desk = Desk::new(Some(&server));
    let (services, screen) = (Services::start(desk.bus_address()).await, Screen::connect(desk.display()));
    let app = App::start_on(desk, &[file.as_ref()]).await;
    let (tray, id) = (services.tray().await, app.process());
    let code = app.page().code().await;
    let place = tempfile::tempdir().unwrap();
    let words = words(&["receive", "--stay", "--into", path(place.path())]);
    let mut terminal = Terminal::start(&server, &words, &code);
    app.page().connected(1).await;

    let window = screen.window();
    screen.close(window);
    screen.hidden(window);
    tray.says("Nothing moves").await;
    assert_eq!(tray.labels().await, ["Open PrivyDrop", "Nothing moves", "Quit"]);
    tray.choose("Open PrivyDrop").await;
    assert_eq!(screen.window(), window);
    assert_eq!(app.page().code().await, code);

    tray.choose("Quit").await;
    terminal.next("peer-gone").await;
    ended(id).await;
}

#[tokio::test]
async fn a_closed_window_ends_the_program_where_nobody_shows_a_tray_to_come_back_from() {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(17);
    let file = fixture.file("note.txt", 5_000);
    let app = App::start(&server, &[file.as_ref()]).await;
    let id = app.process();
    let place = tempfile::tempdir().unwrap();
    let words = words(&["receive", "--stay", "--into", path(place.path())]);
    let mut terminal = Terminal::start(&server, &words, &app.page().code().await);
    app.page().connected(1).await;
    let screen = Screen::connect(app.desk().display());
    screen.close(screen.window());
    terminal.next("peer-gone").await;
    ended(id).await;
}

/// Waits until a program is no more.
async fn ended(id: i32) {
    let start = Instant::now();
    while is_alive(id) {
        assert!(start.elapsed() < SOON, "the program goes on");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_arrives_is_notified_unless_the_window_is_looked_at() {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(12);
    let (seen, unseen) = (fixture.file("seen.txt", 5_000), fixture.file("this & that.txt", 5_000));
    let desk = Desk::new(Some(&server));
    let (services, screen) = (Services::start(desk.bus_address()).await, Screen::connect(desk.display()));
    let sender_words = words(&["send", "--stay", path(&seen), path(&unseen)]);
    let mut terminal = Terminal::start(&server, &sender_words, "");
    let link = link_of(&mut terminal, &server).await;
    let app = App::start_on(desk, &[link.as_ref()]).await;
    for (file, is_looked_at) in [(&seen, true), (&unseen, false)] {
        screen.focus(is_looked_at.then(|| screen.window()));
        let name = file.file_name().unwrap().to_str().unwrap();
        app.page().press(name, "accept").await;
        Tree::of(file).assert_same(&received(app.page(), name).await);
    }
    // The first one that is told is the second that arrived.
    let title = "Arrived and checked".to_owned();
    let body = "this &amp; that.txt".to_owned();
    assert_eq!(services.notification().await, Notification { title, body });
}

#[tokio::test]
async fn the_settings_let_the_system_start_the_app_and_then_it_waits_in_the_tray() {
    let server = Server::start(Rooms::Memory);
    let desk = Desk::new(Some(&server));
    let services = Services::start(desk.bus_address()).await;
    let screen = Screen::connect(desk.display());
    let autostart = desk.config().join("autostart");
    let app = App::start_on(desk, &[OsStr::new("--hidden")]).await;
    let tray = services.tray().await;
    screen.no_window();
    tray.choose("Open PrivyDrop").await;
    screen.window();

    let page = app.page();
    page.click("settings").await;
    page.click("autostart").await;
    page.wait_for_checked("autostart", true).await;
    let entries: Vec<_> = fs::read_dir(&autostart).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(entries.len(), 1, "{entries:?}");
    let entry = fs::read_to_string(&entries[0]).unwrap();
    let wanted = format!("Exec=\"{}\" --hidden", program().display());
    assert!(entry.lines().any(|line| line == wanted), "{entry}");
    page.click("autostart").await;
    page.wait_for_checked("autostart", false).await;
    assert_eq!(fs::read_dir(&autostart).unwrap().count(), 0);
}

#[tokio::test]
async fn without_a_screen_the_app_says_so_and_ends() {
    let ended = Desk::new(None).start_without_screen(&[]).await;
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("there is no screen here") && !said.contains("panicked"), "{said}");
    assert_eq!(ended.status.code(), Some(1), "{said}");
}

#[tokio::test]
async fn in_a_room_a_link_from_outside_is_followed_only_when_the_person_says_so() {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(13);
    let (own, other) = (fixture.file("own.txt", 5_000), fixture.file("other.txt", 5_000));
    let desk = Desk::new(Some(&server));
    let screen = Screen::connect(desk.display());
    let app = App::start_on(desk, &[own.as_ref()]).await;
    let code = app.page().code().await;
    let mut terminal = Terminal::start(&server, &words(&["send", "--stay", path(&other)]), "");
    let link = link_of(&mut terminal, &server).await;
    for (answer, follows) in [(Key::Escape, false), (Key::Enter, true)] {
        let ended = app.start_again(&[link.as_ref()]).await;
        assert!(ended.status.success(), "{ended:?}");
        let dialog = screen.dialog();
        assert_eq!(app.page().code().await, code, "nothing happens before the answer");
        screen.focus(Some(dialog));
        screen.press(answer);
        screen.no_dialog();
        if follows {
            app.page().item("other.txt", ItemState::Offered).await;
            app.page().connected(1).await;
        } else {
            app.page().item("own.txt", ItemState::Offered).await;
            assert_eq!(app.page().code().await, code);
        }
    }
}

#[tokio::test]
async fn what_is_dropped_on_the_window_is_shared() {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(14);
    let (folder, file) = (fixture.folder_of("a folder", 10), fixture.file("与空格 file.txt", 5_000));
    let desk = Desk::new(Some(&server));
    let screen = Screen::connect(desk.display());
    let app = App::start_on(desk, &[]).await;
    screen.drop_files(screen.window(), &[&folder, &file]);
    everything_arrives(&app, &server, &[&folder, &file]).await;
}

#[tokio::test]
async fn files_that_are_pasted_are_shared_and_of_a_picture_it_is_said_that_it_is_none() {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(15);
    let (folder, file) = (fixture.folder_of("a folder", 10), fixture.file("与空格 file.txt", 5_000));
    let desk = Desk::new(Some(&server));
    let (screen, display) = (Screen::connect(desk.display()), desk.display().to_owned());
    let app = App::start_on(desk, &[]).await;
    screen.focus(Some(screen.window()));
    {
        let picture = app.page().browser().driver().screenshot_as_png().await.unwrap();
        let _clipboard = Clipboard::put(&display, vec![Content { kind: "image/png", bytes: picture }]);
        screen.press(Key::Paste);
        app.page().notice(NoticeCode::FilesNotPasted).await;
    }
    let _clipboard = Clipboard::put(&display, vec![files(&[&folder, &file])]);
    screen.press(Key::Paste);
    everything_arrives(&app, &server, &[&folder, &file]).await;
}

#[tokio::test]
async fn a_page_whose_process_breaks_comes_back_with_the_room_as_it_is() {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(16);
    let file = fixture.file("note.txt", 5_000);
    let app = App::start(&server, &[file.as_ref()]).await;
    let code = app.page().code().await;
    app.page().item("note.txt", ItemState::Offered).await;
    // A driver's session ends with the page that it drives, so what comes after is seen on the screen: in another
    // width than before, which only a page that lives can draw.
    let screen = Screen::connect(app.desk().display());
    let window = screen.window();
    screen.resize(window, NARROW, HEIGHT);
    app.page().settled(NARROW).await;
    let narrow = screen.picture(window);
    screen.resize(window, WIDE, HEIGHT);
    app.page().settled(WIDE).await;
    let pages = || -> Vec<i32> { app.page().browser().processes().into_iter().filter(is_page).collect() };
    let broken = pages();
    assert_eq!(broken.len(), 1);
    kill(broken[0]);
    let start = Instant::now();
    while is_alive(broken[0]) {
        assert!(start.elapsed() < SOON, "the page's process goes on");
        tokio::task::yield_now().await;
    }
    screen.resize(window, NARROW, HEIGHT);
    screen.shows(window, &narrow);
    assert_eq!(pages().len(), 1);
    let guest = Page::open(Chromium, server.address()).await;
    guest.join(&code).await;
    guest.press("note.txt", "accept").await;
    Tree::of(&file).assert_same(&received(&guest, "note.txt").await);
    guest.close(&[]).await;
}

/// A browser comes, takes everything, and has every byte.
pub(super) async fn everything_arrives(app: &App, server: &Server, shared: &[&std::path::PathBuf]) {
    let guest = Page::open(Chromium, server.address()).await;
    guest.join(&app.page().code().await).await;
    for path in shared {
        let name = path.file_name().unwrap().to_str().unwrap();
        guest.press(name, "accept").await;
        Tree::of(path).assert_same(&received(&guest, name).await);
    }
    guest.close(&[]).await;
}

/// The process that runs the page. The kernel keeps fifteen letters of a name.
fn is_page(id: &i32) -> bool {
    fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.trim() == "WebKitWebProces")
}
