//! Updates: looked for once at the start, installed when the person says so, and only when they are signed. The new version is
//! in the room where the old one was.
//!
//! Off unless the program was built with `PRIVYDROP_UPDATE_KEY` and `PRIVYDROP_UPDATE_URL`: without a key of ours there
//! is nothing to trust. An older version is never installed.

use tauri::{AppHandle, Builder, Manager, Runtime, Url, async_runtime};
use tauri_plugin_updater::{Error, UpdaterExt};

use crate::dialogs;
use crate::shell::Shell;

/// The public half of the key that signs updates.
const KEY: Option<&str> = option_env!("PRIVYDROP_UPDATE_KEY");
/// Where it is said which version is the newest.
const ADDRESS: Option<&str> = option_env!("PRIVYDROP_UPDATE_URL");

/// The plugin, when there is a key.
pub(super) fn plugin<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    match KEY {
        Some(key) => builder.plugin(tauri_plugin_updater::Builder::new().pubkey(key).build()),
        None => builder,
    }
}

/// Looks for a newer version, when there is a key to check it with.
pub(super) fn look<R: Runtime>(app: &AppHandle<R>) {
    if let (Some(_), Some(Ok(address))) = (KEY, ADDRESS.map(str::parse::<Url>)) {
        let app = app.clone();
        async_runtime::spawn(async move {
            if let Err(error) = install(&app, address).await {
                tracing::warn!(%error, "no update");
            }
        });
    }
}

async fn install<R: Runtime>(app: &AppHandle<R>, address: Url) -> Result<(), Error> {
    let newer = app.updater_builder().endpoints(vec![address])?.build()?.check().await?;
    let Some(newer) = newer else { return Ok(()) };
    let words = app.state::<Shell>().words();
    let question = words.update.replace("{version}", &newer.version);
    if dialogs::agreed(app, &question, &words.install, &words.cancel).await {
        newer.download_and_install(|_, _| (), || ()).await?;
        app.state::<Shell>().break_off().await;
        app.restart();
    }
    Ok(())
}
