//! What arrived, read back byte by byte: from the folder inside Chromium's own storage, or from Firefox's downloads.

use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use privydrop_common::api::ItemState;
use serde_json::{Value, json};

use crate::browser::Kind;
use crate::page::Page;
use crate::tree::{SLICE, Tree};

/// Walks the chosen folder and digests every file in slices.
const READ_SCRIPT: &str = include_str!("read.js");
/// Longest time between the press of `save` and the finished download.
const SAVE: Duration = Duration::from_secs(120);

/// Waits until the item is done; everything that the browser wrote for it, as a tree with the item at its top.
pub async fn received(page: &Page, name: &str) -> Tree {
    page.item(name, ItemState::Done).await;
    match page.browser().kind() {
        Kind::Chromium => in_folder(page, name).await,
        Kind::App => Tree::of(&page.browser().downloads().join(name)),
        Kind::Firefox => {
            page.press(name, "save").await;
            saved(page, name).await
        }
    }
}

/// What has this name in the folder that Chromium received into.
pub async fn in_folder(page: &Page, name: &str) -> Tree {
    let tree = page.browser().run_async(READ_SCRIPT, vec![json!(name), json!(SLICE)]).await;
    serde_json::from_value(tree).expect("a tree")
}

/// The download of an item: a file under its name, or a folder's archive.
pub async fn saved(page: &Page, name: &str) -> Tree {
    let downloads = page.browser().downloads();
    let (file, archive) = (downloads.join(name), downloads.join(format!("{name}.zip")));
    let start = Instant::now();
    loop {
        // While a download runs, Firefox keeps a `.part` beside the empty file of the final name.
        let running = std::fs::read_dir(downloads).expect("the downloads").flatten();
        let running = running
            .into_iter()
            .any(|entry| entry.path().extension().is_some_and(|end| end == "part" || end == "crdownload"));
        if !running && archive.exists() {
            return Tree::of_zip(&archive);
        }
        if !running && file.exists() {
            return Tree::of(&file);
        }
        assert!(start.elapsed() < SAVE, "{name} was not saved");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A folder with its bytes as text, for a script to drop on a page.
pub(crate) fn packed(folder: &Path) -> Value {
    let name = folder.file_name().expect("a folder with a name").to_string_lossy();
    if folder.is_file() {
        return json!({ "name": name, "bytes": STANDARD.encode(std::fs::read(folder).expect("a file")) });
    }
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let children: Vec<Value> = entries.map(|entry| packed(&entry.path())).collect();
    json!({ "name": name, "children": children })
}
