//! From what a person picked or dropped to items to offer: files stay files, folders keep their trees.
//!
//! Reads no bytes and judges no name. Goes one past each bound of the protocol and then stops, so that the session
//! sees that there is too much, and says so.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use js_sys::{Array, Promise};
use privydrop_common::api::{NewContent, NewFile, NewItem};
use privydrop_common::name::MAX_DEPTH;
use privydrop_common::wire::{MAX_ENTRIES, MAX_ITEMS};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    DataTransfer, File, FileSystemDirectoryEntry, FileSystemDirectoryReader, FileSystemEntry,
    FileSystemFileEntry,
};

use super::files::Files;

/// What a drop held, taken out while the browser still showed it.
pub struct Dropped {
    files: Vec<File>,
    folders: Vec<FileSystemDirectoryEntry>,
}

impl Dropped {
    /// Takes everything out. Only inside the event's handler: the browser empties the transfer afterwards.
    pub fn new(transfer: &DataTransfer) -> Self {
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        let items = transfer.items();
        for item in (0..items.length()).filter_map(|index| items.get(index)) {
            if item.kind() != "file" {
                continue;
            }
            match item.webkit_get_as_entry().ok().flatten() {
                Some(entry) if entry.is_directory() => folders.push(entry.unchecked_into()),
                _ => files.extend(item.get_as_file().ok().flatten()),
            }
        }
        Self { files, folders }
    }

    /// The items to offer, once every folder has been walked through.
    pub async fn items(self, files: &Files) -> Vec<NewItem> {
        let mut items = picked(self.files, files);
        for folder in self.folders.into_iter().take(MAX_ITEMS + 1) {
            items.push(walk(folder, files).await);
        }
        items
    }
}

/// The items to offer for picked files; those of a folder picker become folders again.
pub fn picked(picked: Vec<File>, files: &Files) -> Vec<NewItem> {
    group(picked.into_iter().map(|file| {
        let path =
            js_sys::Reflect::get(&file, &"webkitRelativePath".into()).ok().and_then(|path| path.as_string());
        let path = path.filter(|path| !path.is_empty()).unwrap_or_else(|| file.name());
        (path, files.register(file))
    }))
}

#[derive(Default)]
struct Tree {
    files: Vec<(Vec<String>, NewFile)>,
    folders: BTreeSet<Vec<String>>,
}

impl Tree {
    fn is_full(&self) -> bool {
        self.files.len() + self.folders.len() > MAX_ENTRIES as usize
    }

    fn into_item(self, name: String) -> NewItem {
        // A set of paths has parents before their children.
        let folders = self.folders.into_iter().collect();
        NewItem { name, content: NewContent::Folder { files: self.files, folders } }
    }
}

/// Loose files in their order, then folders in theirs. Paths have `/` between their parts.
fn group(files: impl Iterator<Item = (String, NewFile)>) -> Vec<NewItem> {
    let (mut items, mut trees) = (Vec::new(), Vec::<(String, Tree)>::new());
    for (path, file) in files {
        let mut parts = path.split('/').map(str::to_owned);
        let top = parts.next().unwrap_or_default();
        let below: Vec<_> = parts.collect();
        if below.is_empty() {
            if items.len() <= MAX_ITEMS {
                items.push(NewItem { name: top, content: NewContent::File(file) });
            }
            continue;
        }
        // Files of a folder come one after the other.
        let known = trees.iter().rposition(|(name, _)| *name == top);
        let at = known.unwrap_or(trees.len());
        if known.is_none() && trees.len() <= MAX_ITEMS {
            trees.push((top, Tree::default()));
        }
        if let Some((_, tree)) = trees.get_mut(at).filter(|(_, tree)| !tree.is_full()) {
            tree.folders.extend((1..below.len()).map(|depth| below[..depth].to_vec()));
            tree.files.push((below, file));
        }
    }
    items.extend(trees.into_iter().map(|(name, tree)| tree.into_item(name)));
    items
}

async fn walk(root: FileSystemDirectoryEntry, files: &Files) -> NewItem {
    let name = root.name();
    let mut tree = Tree::default();
    let mut waiting = vec![(Vec::new(), root)];
    while let Some((path, folder)) = waiting.pop() {
        let reader = folder.create_reader();
        // Browsers hand a folder out by the hundred; only an empty answer is the end.
        while let Some(entries) = next_entries(&reader).await.filter(|entries| !entries.is_empty()) {
            if tree.is_full() {
                return tree.into_item(name);
            }
            take_in(entries, &path, &mut tree, &mut waiting, files).await;
        }
    }
    tree.into_item(name)
}

/// One answer of a reader; nothing when the folder may not be read.
async fn next_entries(reader: &FileSystemDirectoryReader) -> Option<Vec<FileSystemEntry>> {
    let mut refused = false;
    let answer = Promise::new(&mut |resolve, reject| {
        refused = reader.read_entries_with_callback_and_callback(&resolve, &reject).is_err();
    });
    if refused {
        return None;
    }
    let entries: Array = answer.await.ok()?.unchecked_into();
    Some(entries.iter().map(JsValue::unchecked_into).collect())
}

async fn take_in(
    entries: Vec<FileSystemEntry>,
    path: &[String],
    tree: &mut Tree,
    waiting: &mut Vec<(Vec<String>, FileSystemDirectoryEntry)>,
    files: &Files,
) {
    let (folders, plain): (Vec<_>, Vec<_>) = entries.into_iter().partition(FileSystemEntry::is_directory);
    let below = |entry: &FileSystemEntry| path.iter().cloned().chain([entry.name()]).collect::<Vec<_>>();
    let opened = join_all(
        plain.into_iter().map(|entry| async { (below(&entry), open(entry.unchecked_into()).await) }),
    );
    for (path, file) in opened.await {
        let file = file.map_or_else(|| files.register_unreadable(), |file| files.register(file));
        tree.files.push((path, file));
    }
    for folder in folders {
        let path = below(&folder);
        tree.folders.insert(path.clone());
        if path.len() <= MAX_DEPTH {
            waiting.push((path, folder.unchecked_into()));
        }
    }
}

async fn open(entry: FileSystemFileEntry) -> Option<File> {
    let file = Promise::new(&mut |resolve, reject| entry.file_with_callback_and_callback(&resolve, &reject));
    file.await.ok()?.dyn_into().ok()
}

#[cfg(test)]
mod tests {
    use privydrop_common::host::SourceId;

    use super::*;

    fn file(id: u64) -> NewFile {
        NewFile { source: SourceId(id), size: id, modified: None }
    }

    fn path(text: &str) -> Vec<String> {
        text.split('/').map(str::to_owned).collect()
    }

    #[test]
    fn a_picked_folder_keeps_its_tree_and_loose_files_stay_loose() {
        let picked = ["b.txt", "trip/day 1/a.jpg", "trip/b.jpg", "trip/day 1/noon/c.jpg", "a.txt"];
        let items = group(picked.into_iter().zip(1..).map(|(path, id)| (path.to_owned(), file(id))));
        let names: Vec<_> = items.iter().map(|item| item.name.as_str()).collect();
        assert_eq!(names, ["b.txt", "a.txt", "trip"]);
        assert_eq!(items[1].content, NewContent::File(file(5)));
        let files = vec![
            (path("day 1/a.jpg"), file(2)),
            (path("b.jpg"), file(3)),
            (path("day 1/noon/c.jpg"), file(4)),
        ];
        let folders = vec![path("day 1"), path("day 1/noon")];
        assert_eq!(items[2].content, NewContent::Folder { files, folders });
    }

    #[test]
    fn far_too_much_stops_one_past_the_bound() {
        let many =
            |prefix: &'static str, count: u64| (0..count).map(move |n| (format!("{prefix}{n}"), file(n)));
        assert_eq!(group(many("", 2000)).len(), MAX_ITEMS + 1);
        let items = group(many("d/", u64::from(MAX_ENTRIES) + 100));
        let NewContent::Folder { files, .. } = &items[0].content else { panic!("a folder") };
        assert_eq!(files.len(), MAX_ENTRIES as usize + 1);
    }
}
