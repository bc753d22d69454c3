//! An item received into a directory that the person chose: every file under its own name, in its own folder.
//!
//! Overwrites nothing: an item whose name is in use gets a number. A browser shows what is written only when a file
//! is closed, so a half-made file is an empty one. Knows nothing of our own storage.
//!
//! No browser tells how much space is free in a directory of the person's (`navigator.storage.estimate` speaks of the
//! private storage alone), so nothing is asked beforehand: a full disk shows as a write that fails, and ends the item.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use bytes::Bytes;
use futures_channel::oneshot;
use js_sys::Uint8Array;
use privydrop_common::host::Plan;
use privydrop_common::id::FileIndex;
use privydrop_common::name::{Component, RelativePath};
use privydrop_common::pieces::piece_range;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions, FileSystemGetFileOptions,
    FileSystemRemoveOptions, FileSystemWritableFileStream, WriteCommandType, WriteParams,
};

use super::js::{Stream, error_name, fold, free, number};
use super::places::Chosen;
use super::sink::{Answer, SinkFault};

/// Files that are worked on at a time: each step of a small file is a round trip to the browser's own process.
const SIDE_BY_SIDE: usize = 16;
/// Most numbers that are tried for a name in use.
const MAX_NUMBER: u32 = 10_000;

impl From<JsValue> for SinkFault {
    fn from(error: JsValue) -> Self {
        if error_name(&error) == "QuotaExceededError" { Self::PlaceFull } else { Self::Broken }
    }
}

/// An item being received.
pub(super) struct Tree(Rc<Inner>);

struct Inner {
    root: FileSystemDirectoryHandle,
    /// The name that the item has here, in `root`.
    top: String,
    plan: Plan,
    /// Every folder by its path below `root`, the item's own among them when it is a folder.
    folders: BTreeMap<RelativePath, FileSystemDirectoryHandle>,
    parts: RefCell<BTreeMap<FileIndex, Part>>,
    /// Files with something to do that nobody does yet.
    waiting: RefCell<VecDeque<FileIndex>>,
    running: Cell<usize>,
    idle: RefCell<Option<oneshot::Sender<()>>>,
    discarded: Cell<bool>,
}

/// A file that is not complete.
#[derive(Default)]
struct Part {
    todo: VecDeque<Todo>,
    stream: Option<FileSystemWritableFileStream>,
    /// Waits in [`Inner::waiting`], or is worked on.
    busy: bool,
}

enum Todo {
    Write { at: u64, chunks: Vec<Bytes>, answer: Answer },
    Close(Answer),
}

impl Tree {
    /// Claims a name and makes the folders.
    pub(super) async fn prepare(chosen: &Chosen, plan: Plan) -> Result<Self, SinkFault> {
        let first = plan.folders.first().or_else(|| plan.files.first().map(|file| &file.path));
        let wished = first.and_then(|path| path.components().first()).ok_or(SinkFault::Broken)?;
        let top = claim(chosen, wished, plan.is_folder).await?;
        let mut folders = BTreeMap::new();
        for path in &plan.folders {
            let (parent, name) = place(&chosen.handle, &top, &folders, path)?;
            let folder = make_folder(parent, name).await?;
            folders.insert(path.clone(), folder);
        }
        Ok(Self(Rc::new(Inner {
            root: chosen.handle.clone(),
            top,
            plan,
            folders,
            parts: RefCell::default(),
            waiting: RefCell::default(),
            running: Cell::new(0),
            idle: RefCell::default(),
            discarded: Cell::new(false),
        })))
    }

    /// Writes a whole piece.
    pub(super) fn write(&self, file: FileIndex, piece: u32, chunks: Vec<Bytes>, answer: Answer) {
        let size = self.0.plan.files[file.0 as usize].size;
        let (at, _) = piece_range(size, piece);
        self.0.clone().add(file, Todo::Write { at, chunks, answer });
    }

    /// Completes a file.
    pub(super) fn commit(&self, file: FileIndex, answer: Answer) {
        self.0.clone().add(file, Todo::Close(answer));
    }

    /// Waits until everything asked for is done.
    pub(super) async fn finish(&self) -> Result<(), SinkFault> {
        if self.0.running.get() > 0 {
            let (tell, told) = oneshot::channel();
            *self.0.idle.borrow_mut() = Some(tell);
            told.await.map_err(|_| SinkFault::Broken)?;
        }
        Ok(())
    }

    /// Removes everything, completed files too.
    pub(super) async fn remove(&self) {
        self.0.discarded.set(true);
        let _ = self.finish().await;
        let parts = core::mem::take(&mut *self.0.parts.borrow_mut());
        for stream in parts.into_values().filter_map(|part| part.stream) {
            let _ = end(&stream, Stream::abort).await;
        }
        let all = FileSystemRemoveOptions::new();
        all.set_recursive(true);
        // The person may have moved it meanwhile.
        let _ = self.0.root.remove_entry_with_options(&self.0.top, &all).await;
    }
}

impl Inner {
    fn add(self: Rc<Self>, file: FileIndex, todo: Todo) {
        let mut parts = self.parts.borrow_mut();
        let part = parts.entry(file).or_default();
        part.todo.push_back(todo);
        if core::mem::replace(&mut part.busy, true) {
            return;
        }
        drop(parts);
        self.waiting.borrow_mut().push_back(file);
        if self.running.get() < SIDE_BY_SIDE {
            self.running.set(self.running.get() + 1);
            spawn_local(self.run());
        }
    }

    /// Works on one file after another until none waits.
    async fn run(self: Rc<Self>) {
        while let Some(file) = self.next_file() {
            while let Some(todo) = self.next(file) {
                self.perform(file, todo).await;
            }
        }
        self.running.set(self.running.get() - 1);
        if self.running.get() == 0
            && let Some(idle) = self.idle.take()
        {
            let _ = idle.send(());
        }
    }

    fn next_file(&self) -> Option<FileIndex> {
        self.waiting.borrow_mut().pop_front()
    }

    fn next(&self, file: FileIndex) -> Option<Todo> {
        let mut parts = self.parts.borrow_mut();
        let part = parts.get_mut(&file)?;
        let todo = part.todo.pop_front();
        if todo.is_none() {
            part.busy = false;
        }
        todo
    }

    async fn perform(&self, file: FileIndex, todo: Todo) {
        match todo {
            Todo::Write { at, chunks, answer } => answer(self.write(file, at, &chunks).await),
            Todo::Close(answer) => answer(self.close(file).await),
        }
    }

    async fn write(&self, file: FileIndex, at: u64, chunks: &[Bytes]) -> Result<(), SinkFault> {
        let stream = self.stream(file).await?;
        let len: usize = chunks.iter().map(Bytes::len).sum();
        let bytes = Uint8Array::new_with_length(u32::try_from(len).map_err(|_| SinkFault::Broken)?);
        let mut offset = 0;
        for chunk in chunks {
            let end = offset + u32::try_from(chunk.len()).map_err(|_| SinkFault::Broken)?;
            bytes.subarray(offset, end).copy_from(chunk);
            offset = end;
        }
        let write = WriteParams::new(WriteCommandType::Write);
        write.set_position(Some(number(at)));
        write.set_data(&bytes);
        stream.write_with_write_params(&write)?.await?;
        free(&bytes.buffer());
        Ok(())
    }

    async fn close(&self, file: FileIndex) -> Result<(), SinkFault> {
        let stream = self.stream(file).await?;
        if let Some(part) = self.parts.borrow_mut().get_mut(&file) {
            part.stream = None;
        }
        end(&stream, Stream::close).await
    }

    async fn stream(&self, file: FileIndex) -> Result<FileSystemWritableFileStream, SinkFault> {
        if self.discarded.get() {
            return Err(SinkFault::Broken);
        }
        let open = self.parts.borrow().get(&file).and_then(|part| part.stream.clone());
        if let Some(stream) = open {
            return Ok(stream);
        }
        let path = &self.plan.files[file.0 as usize].path;
        let (parent, name) = place(&self.root, &self.top, &self.folders, path)?;
        let handle = file_handle(parent, name, true).await?;
        let stream: FileSystemWritableFileStream = handle.create_writable().await?.unchecked_into();
        if let Some(part) = self.parts.borrow_mut().get_mut(&file) {
            part.stream = Some(stream.clone());
        }
        Ok(stream)
    }
}

async fn end(
    stream: &FileSystemWritableFileStream,
    how: impl FnOnce(&Stream) -> Result<js_sys::Promise, JsValue>,
) -> Result<(), SinkFault> {
    how(stream.unchecked_ref())?.await?;
    Ok(())
}

/// The folder that `path` is in, and its name there. The first component is the item's, which is `top` here.
fn place<'a>(
    root: &'a FileSystemDirectoryHandle,
    top: &'a str,
    folders: &'a BTreeMap<RelativePath, FileSystemDirectoryHandle>,
    path: &'a RelativePath,
) -> Result<(&'a FileSystemDirectoryHandle, &'a str), SinkFault> {
    let Some((name, above)) = path.components().split_last() else { return Err(SinkFault::Broken) };
    if above.is_empty() {
        return Ok((root, top));
    }
    let above = RelativePath::new(above.to_vec()).map_err(|_| SinkFault::Broken)?;
    let parent = folders.get(&above).ok_or(SinkFault::Broken)?;
    Ok((parent, name.as_str()))
}

async fn file_handle(
    folder: &FileSystemDirectoryHandle,
    name: &str,
    create: bool,
) -> Result<FileSystemFileHandle, JsValue> {
    let options = FileSystemGetFileOptions::new();
    options.set_create(create);
    Ok(folder.get_file_handle_with_options(name, &options).await?.unchecked_into())
}

async fn make_folder(
    parent: &FileSystemDirectoryHandle,
    name: &str,
) -> Result<FileSystemDirectoryHandle, JsValue> {
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(true);
    Ok(parent.get_directory_handle_with_options(name, &options).await?.unchecked_into())
}

/// Makes an empty file or folder under the wished name, or under a number of it that nothing has.
async fn claim(chosen: &Chosen, wished: &Component, is_folder: bool) -> Result<String, SinkFault> {
    for attempt in 1..=MAX_NUMBER {
        let name = if attempt == 1 { wished.clone() } else { wished.numbered(attempt) };
        let key = fold(name.as_str());
        if chosen.claiming.borrow().contains(&key) {
            continue;
        }
        chosen.claiming.borrow_mut().push(key.clone());
        let made = make_new(&chosen.handle, name.as_str(), is_folder).await;
        chosen.claiming.borrow_mut().retain(|other| *other != key);
        if made? {
            return Ok(name.as_str().to_owned());
        }
    }
    Err(SinkFault::Broken)
}

/// False when something has this name already.
async fn make_new(
    directory: &FileSystemDirectoryHandle,
    name: &str,
    is_folder: bool,
) -> Result<bool, JsValue> {
    match file_handle(directory, name, false).await {
        Err(error) if error_name(&error) == "NotFoundError" => {}
        Err(error) if error_name(&error) != "TypeMismatchError" => return Err(error),
        // A file has it, or a folder.
        _ => return Ok(false),
    }
    if is_folder {
        make_folder(directory, name).await?;
    } else {
        file_handle(directory, name, true).await?;
    }
    Ok(true)
}
