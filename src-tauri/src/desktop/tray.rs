//! The tray: what moves, the window, the end.
//!
//! Says the facts in the page's words; decides nothing.

#[cfg(target_os = "linux")]
use std::time::Duration;

use privydrop_common::bridge::News;
use tauri::menu::{Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::TrayIconBuilder;
use tauri::{App, AppHandle, Manager, Runtime, async_runtime};
#[cfg(target_os = "linux")]
use tokio::time::timeout;

use super::show;
use crate::shell::Shell;

const SHOW: &str = "show";
const QUIT: &str = "quit";

/// Knows who shows trays.
#[cfg(target_os = "linux")]
const WATCHER: &str = "org.kde.StatusNotifierWatcher";
/// Longest time for its answer: a window waits to be closed.
#[cfg(target_os = "linux")]
const PATIENCE: Duration = Duration::from_secs(2);

/// Puts the icon there and keeps its menu true.
pub(super) fn set_up<R: Runtime>(app: &App<R>) -> tauri::Result<()> {
    let words = app.state::<Shell>().words();
    let open = MenuItem::with_id(app, SHOW, &words.show, true, None::<&str>)?;
    let status = MenuItem::with_id(app, "status", &words.idle, false, None::<&str>)?;
    let quit = MenuItem::with_id(app, QUIT, &words.quit, true, None::<&str>)?;
    let line = PredefinedMenuItem::separator(app)?;
    let menu = Menu::with_items(app, &[&open, &status, &line, &quit])?;
    let mut tray = TrayIconBuilder::with_id("tray").menu(&menu).tooltip("PrivyDrop").on_menu_event(
        |app: &AppHandle<R>, event| match event.id().as_ref() {
            SHOW => show(app),
            QUIT => app.exit(0),
            _ => {}
        },
    );
    if let Some(icon) = app.default_window_icon() {
        tray = tray.icon(icon.clone());
    }
    tray.build(app)?;
    let shell = app.state::<Shell>().inner().clone();
    let mut facts = shell.follow();
    async_runtime::spawn(async move {
        let mut shown = [words.show, words.idle, words.quit];
        while facts.changed().await.is_ok() {
            let words = shell.words();
            let moving = moving(&facts.borrow_and_update().news, &words.moving);
            let wanted = [words.show, moving.unwrap_or(words.idle), words.quit];
            for ((item, wanted), shown) in [&open, &status, &quit].into_iter().zip(wanted).zip(&mut shown) {
                if *shown != wanted && item.set_text(&wanted).is_ok() {
                    *shown = wanted;
                }
            }
        }
    });
    Ok(())
}

/// True when somebody shows what is in the tray: a desktop without one takes an icon just as well, and nobody sees it.
#[cfg(target_os = "linux")]
pub(super) async fn is_shown() -> bool {
    let asked = async {
        let bus = zbus::Connection::session().await?;
        let watcher = zbus::Proxy::new(&bus, WATCHER, "/StatusNotifierWatcher", WATCHER).await?;
        watcher.get_property::<bool>("IsStatusNotifierHostRegistered").await
    };
    timeout(PATIENCE, asked).await.is_ok_and(|shown| shown.is_ok_and(|shown| shown))
}

/// These systems always have one.
#[cfg(not(target_os = "linux"))]
pub(super) async fn is_shown() -> bool {
    true
}

/// What moves, and how far it is.
fn moving(news: &News, word: &str) -> Option<String> {
    let total = news.view.total;
    (news.view.busy && total.total > 0).then(|| format!("{word}: {} %", total.percent()))
}
