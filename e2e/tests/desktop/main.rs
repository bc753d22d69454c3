//! The desktop app in a real window, against the real server, with browsers and terminals in the same room.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dialogs;
mod killed;
mod surroundings;
mod together;

use std::ffi::OsStr;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use privydrop_common::api::ItemState;
use privydrop_e2e::app::{App, Desk};
use privydrop_e2e::browser::Kind::Chromium;
use privydrop_e2e::fixture::Fixture;
use privydrop_e2e::page::Page;
use privydrop_e2e::process::{is_alive, kill};
use privydrop_e2e::received::received;
use privydrop_e2e::screen::Screen;
use privydrop_e2e::server::{Rooms, Server};
use privydrop_e2e::terminal::Terminal;
use privydrop_e2e::tree::Tree;
use serde_json::json;

/// Bytes of a file that takes a moment.
const LARGE: u64 = 50_000_000;
/// Longest time for what follows at once.
const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn what_is_opened_with_the_app_arrives_in_a_terminal() {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(1);
    let (folder, file) = (fixture.folder("many"), fixture.file("large.bin", LARGE));
    let app = App::start(&server, &[folder.as_ref(), file.as_ref()]).await;
    app.page().share_text("a *bold* word, 粗体").await;
    let place = tempfile::tempdir().unwrap();
    let words = ["receive".as_ref(), "--into".as_ref(), place.path().as_os_str()];
    let mut terminal = Terminal::start(&server, &words, &app.page().code().await);
    assert_eq!(terminal.next("text").await["text"], "a bold word, 粗体");
    picture(&app, "sending").await;
    terminal.done().await;
    for shared in [&folder, &file] {
        Tree::of(shared).assert_same(&Tree::of(&place.path().join(shared.file_name().unwrap())));
    }
}

#[tokio::test]
async fn what_a_browser_shares_arrives_in_the_systems_folder() {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(2);
    let (folder, file) = (fixture.folder("many"), fixture.file("large.bin", LARGE));
    let browser = Page::open(Chromium, server.address()).await;
    browser.drop_folder(&folder).await;
    browser.share_files(&[&file]).await;
    let app = App::start(&server, &[]).await;
    picture(&app, "start").await;
    app.page().join(&browser.code().await).await;
    app.page().connected(1).await;
    app.page().item("large.bin", ItemState::Offered).await;
    picture(&app, "offered").await;
    for shared in [&folder, &file] {
        let name = shared.file_name().unwrap().to_str().unwrap();
        app.page().press(name, "accept").await;
        Tree::of(shared).assert_same(&received(app.page(), name).await);
    }
    picture(&app, "received").await;
    browser.close(&[]).await;
}

#[tokio::test]
async fn a_link_from_outside_joins_and_its_guest_shares_back() {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(3);
    let file = fixture.file("note.txt", 5_000);
    let mut terminal = Terminal::start(&server, &words(&["send", "--stay", path(&file)]), "");
    let link = link_of(&mut terminal, &server).await;
    let app = App::start(&server, &[link.as_ref()]).await;
    app.page().connected(1).await;
    app.page().press("note.txt", "accept").await;
    Tree::of(&file).assert_same(&received(app.page(), "note.txt").await);
}

#[tokio::test]
async fn a_second_start_hands_its_link_and_its_files_to_the_first() {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(4);
    let (first, second) = (fixture.file("first.txt", 5_000), fixture.file("second.txt", 6_000));
    let app = App::start(&server, &[]).await;
    let mut terminal = Terminal::start(&server, &words(&["send", "--stay", path(&first)]), "");
    let link = link_of(&mut terminal, &server).await;
    let ended = app.start_again(&[link.as_ref()]).await;
    assert!(ended.status.success(), "{ended:?}");
    app.page().connected(1).await;
    app.page().item("first.txt", ItemState::Offered).await;
    let ended = app.start_again(&[second.as_ref()]).await;
    assert!(ended.status.success(), "{ended:?}");
    app.page().item("second.txt", ItemState::Offered).await;
}

#[tokio::test]
async fn what_is_unfinished_in_the_systems_folder_is_said_and_removed_on_a_word() {
    let server = Server::start(Rooms::Memory);
    let desk = Desk::new(Some(&server));
    let (left, other) = (desk.downloads().join("film.mp4.privydrop-part"), desk.downloads().join("film.mp4"));
    for file in [&left, &other] {
        std::fs::write(file, vec![0; 5_000_000]).unwrap();
    }
    // What was written to just now might still be received.
    let earlier = SystemTime::now() - Duration::from_secs(3_600);
    std::fs::File::open(&left).unwrap().set_modified(earlier).unwrap();
    let app = App::start_on(desk, &[]).await;
    let said = app.page().wait_for("what is unfinished", |shown| shown.unfinished.clone()).await;
    assert!(said.contains("5 MB"), "{said}");
    picture(&app, "unfinished").await;
    app.page().click("clear-unfinished").await;
    app.page().wait_for("nothing unfinished", |shown| shown.unfinished.is_none().then_some(())).await;
    assert!(!left.exists() && other.exists());
}

#[tokio::test]
async fn without_a_server_the_app_asks_for_one_and_its_links_lead_there() {
    let server = Server::start(Rooms::Memory);
    let app = App::start_on(Desk::new(None), &[]).await;
    let page = app.page();
    picture(&app, "no-server").await;
    page.type_into("server", "no server at all").await;
    page.click("use-server").await;
    page.wait_for_attribute("server", "aria-invalid", "true").await;
    page.type_into("server", server.address()).await;
    page.click("use-server").await;
    page.wish_room("our-own-room", true).await;
    page.click("open-room").await;
    let link = page.link().await;
    assert!(link.starts_with(&format!("{}/#our-own-room.", server.address())), "{link}");
    page.click("settings").await;
    picture(&app, "settings").await;
}

#[tokio::test]
async fn a_page_that_is_loaded_again_shows_the_room_that_went_on() {
    let server = Server::start(Rooms::Memory);
    let mut fixture = Fixture::new(5);
    let file = fixture.file("note.txt", 5_000);
    let app = App::start(&server, &[file.as_ref()]).await;
    let code = app.page().code().await;
    app.page().reload().await;
    assert_eq!(app.page().code().await, code);
    app.page().item("note.txt", ItemState::Offered).await;
    app.page().leave().await;
    app.page().idle().await;
}

#[tokio::test]
async fn a_killed_app_leaves_no_process() {
    let server = Server::start(Rooms::Memory);
    let app = App::start(&server, &[]).await;
    let id = app.process();
    let family = app.page().browser().processes();
    let helpers: Vec<i32> = family.into_iter().filter(|other| is_web_process(*other)).collect();
    assert!(!helpers.is_empty(), "the web view has processes of its own");
    kill(id);
    let start = Instant::now();
    while helpers.iter().chain([&id]).any(|id| is_alive(*id)) {
        assert!(start.elapsed() < SOON, "{helpers:?} outlive the app");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_foreign_page_does_not_open_and_reaches_no_command() {
    let server = Server::start(Rooms::Memory);
    let app = App::start(&server, &[]).await;
    let browser = app.page().browser();
    let own = browser.run("return location.origin", vec![]).await.unwrap();
    // In a frame, as another window, by a script of the page: none of it shows another page.
    let tried = browser
        .run_async(
            "const [address] = arguments;
             const refused = new Promise(done =>
                 document.addEventListener('securitypolicyviolation', event => done(event.effectiveDirective)));
             const frame = document.createElement('iframe');
             frame.src = address;
             document.body.append(frame);
             const opened = window.open('file:///etc/passwd');
             return { frame: await refused, opened: opened !== null };",
            vec![json!(server.address())],
        )
        .await;
    assert_eq!(tried, json!({ "frame": "frame-src", "opened": false }));
    browser.run("location.href = arguments[0]", vec![json!(server.address())]).await.unwrap();
    app.page().share_text("still here").await;
    app.page().code().await;
    assert_eq!(browser.run("return location.origin", vec![]).await.unwrap(), own);
    // Led there by force, it has no bridge that answers.
    if browser.driver().goto(server.address()).await.is_ok() {
        let answer = browser
            .run_async(
                "if (location.origin === arguments[0] || !window.__TAURI_INTERNALS__) return 'no way';
                 try { return await window.__TAURI_INTERNALS__.invoke('news', { after: 0 }) }
                 catch (error) { return 'refused: ' + error }",
                vec![own],
            )
            .await;
        let said = answer.as_str().unwrap_or_default();
        assert!(said == "no way" || said.starts_with("refused"), "{answer}");
    }
}

/// Pictures of the screens, for people, where `PRIVYDROP_PICTURES` says: light and dark, wide and as narrow as a phone.
async fn picture(app: &App, name: &str) {
    let Some(folder) = std::env::var_os("PRIVYDROP_PICTURES") else { return };
    let (page, screen) = (app.page(), Screen::connect(app.desk().display()));
    let window = screen.window();
    for (layout, width, height) in [("narrow", 390, 844), ("wide", 1120, 820)] {
        screen.resize(window, width, height);
        for _ in 0..3 {
            let theme =
                page.browser().run("return document.documentElement.dataset.theme", vec![]).await.unwrap();
            let file = format!("desktop-{name}-{layout}-{}.png", theme.as_str().unwrap_or_default());
            // A picture taken while colours change shows neither.
            page.settled(width).await;
            page.screenshot(&Path::new(&folder).join(file)).await;
            // By script, since an open popover may cover it.
            let press = r#"document.querySelector('[data-testid="theme"]').click()"#;
            page.browser().run(press, vec![]).await.unwrap();
        }
    }
}

/// The link into a terminal's room, as it leads to the app.
async fn link_of(terminal: &mut Terminal, server: &Server) -> String {
    let room = terminal.next("room").await;
    let fragment = room["link"].as_str().unwrap().split_once('#').unwrap().1.to_owned();
    let place = server.address().split_once("://").unwrap().1;
    format!("privydrop://{place}/#{fragment}")
}

fn words<'a>(words: &[&'a str]) -> Vec<&'a OsStr> {
    words.iter().map(|word| OsStr::new(*word)).collect()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn is_web_process(id: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.starts_with("WebKit"))
        && !std::fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.contains("Driver"))
}
