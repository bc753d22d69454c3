//! The page's end of `sink-worker.js`: files in the browser's private storage, and in directories of the person's, written
//! in a worker.
//!
//! Gathers small writes into one message and takes each buffer back, so that neither messages nor garbage grow with
//! the number of files. Knows no items and no names of theirs.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;
use futures_channel::oneshot;
use gloo::events::EventListener;
use gloo::timers::callback::Interval;
use js_sys::{Array, ArrayBuffer, Date, Float64Array, Uint8Array};
use privydrop_common::host::StoreId;
use privydrop_common::id::{FileIndex, Mark};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, FileSystemDirectoryHandle, MessageEvent, Worker};

use super::js::{count, number};
use crate::words::version;

/// Bytes of one message to the worker: one piece of nearly every file.
const BATCH: u32 = 1024 * 1024;
/// Buffers kept for the next messages.
const MAX_SPARE: usize = 8;
/// Milliseconds from one look at whether the worker still answers to the next.
const LOOK: u32 = 30_000;
/// Looks without an answer after which it is given up: Chromium may keep it in a write for ever when a disk is full.
const MAX_LOOKS: u32 = 4;
/// Stands where a request is about no item.
const NO_STORE: StoreId = StoreId(0);

/// Why the storage did not do what it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SinkFault {
    /// The private storage is full; the browser tells how much is free.
    Full,
    /// The disk of a chosen directory is full; no browser tells how much is free there.
    PlaceFull,
    /// Anything else: gone, forbidden, held by somebody.
    Broken,
}

/// Hears once whether something is written.
pub(super) type Answer = Box<dyn FnOnce(Result<(), SinkFault>)>;

/// Hears once what came of a request.
type Reply = Box<dyn FnOnce(Result<JsValue, SinkFault>)>;

/// The worker, shared by all items.
pub(super) struct Sink {
    worker: Worker,
    waiting: Rc<Waiting>,
    _listeners: [EventListener; 2],
    _looks: Interval,
}

#[derive(Default)]
struct Waiting {
    next: Cell<u32>,
    /// In the order of the calls, which the worker mostly keeps.
    replies: RefCell<Vec<(u32, Reply)>>,
    spare: RefCell<Vec<ArrayBuffer>>,
    broken: Cell<bool>,
    /// Looks since the worker answered, or had nothing to answer.
    silent: Cell<u32>,
}

impl Sink {
    /// Starts the worker. `None` where there are none.
    pub(super) fn start() -> Option<Rc<Self>> {
        let worker = Worker::new(&script()).ok()?;
        let waiting = Rc::new(Waiting::default());
        let listeners = [
            EventListener::new(&worker, "message", {
                let waiting = Rc::clone(&waiting);
                move |event| waiting.answered(&event.unchecked_ref::<MessageEvent>().data().unchecked_into())
            }),
            EventListener::new(&worker, "error", {
                let waiting = Rc::clone(&waiting);
                move |_| waiting.break_off()
            }),
        ];
        let looks = Interval::new(LOOK, {
            let waiting = Rc::clone(&waiting);
            move || waiting.look()
        });
        Some(Rc::new(Self { worker, waiting, _listeners: listeners, _looks: looks }))
    }

    /// Clears away what is too old, and tells what is to go on by itself, and the directory that something unfinished was
    /// for. Fails where nothing can be stored.
    pub(super) async fn begin(
        &self,
        has_directories: bool,
    ) -> Result<(Vec<Mark>, Option<FileSystemDirectoryHandle>), SinkFault> {
        let start = [Date::now().into(), has_directories.into()];
        let begun: Array = self.call("start", NO_STORE, None, &start).await?.unchecked_into();
        let (marks, directory): (Array, _) = (begun.get(0).unchecked_into(), begun.get(1));
        let marks = marks.iter().filter_map(|mark| mark.as_string()?.parse().ok()).collect();
        Ok((marks, directory.is_object().then(|| directory.unchecked_into())))
    }

    /// Remembers that something is to go on by itself, or forgets it; tells `heard` when that is done.
    pub(super) fn want(&self, mark: Mark, on: bool, heard: impl FnOnce() + 'static) {
        // What cannot be remembered has to be accepted again.
        let reply = Box::new(|_| heard());
        self.post("want", NO_STORE, None, &[mark.to_string().into(), on.into()], reply);
    }

    /// Bytes of what was left unfinished and nobody receives; with `clear` it is removed, as far as it can be.
    pub(super) async fn left(&self, clear: bool) -> u64 {
        let left = self.call("left", NO_STORE, None, &[clear.into()]).await;
        left.ok().and_then(|bytes| bytes.as_f64()).map_or(0, count)
    }

    /// Makes a file of `size` bytes, or opens the one that was left of the item of this identity. With the first `most`
    /// bytes of its journal, if it has one: it has none without an identity, or when another page has the item. A copy of
    /// what goes into a directory need not have space.
    pub(super) async fn open(
        self: &Rc<Self>,
        store: StoreId,
        identity: Option<&str>,
        size: u64,
        most: u64,
        is_copy: bool,
    ) -> Result<(SinkFile, Option<Vec<u8>>), SinkFault> {
        let file = SinkFile { sink: Rc::clone(self), store, batch: None, told: false };
        let wishes = [identity.into(), number(size).into(), number(most).into(), is_copy.into()];
        let journal = self.call("open", store, None, &wishes).await?;
        Ok((file, journal.is_object().then(|| Uint8Array::new(&journal).to_vec())))
    }

    async fn call(
        &self,
        action: &str,
        store: StoreId,
        buffer: Option<&ArrayBuffer>,
        rest: &[JsValue],
    ) -> Result<JsValue, SinkFault> {
        let (reply, replied) = oneshot::channel();
        self.post(action, store, buffer, rest, Box::new(move |outcome| _ = reply.send(outcome)));
        replied.await.unwrap_or(Err(SinkFault::Broken))
    }

    fn post(
        &self,
        action: &str,
        store: StoreId,
        buffer: Option<&ArrayBuffer>,
        rest: &[JsValue],
        reply: Reply,
    ) {
        if self.waiting.broken.get() {
            return reply(Err(SinkFault::Broken));
        }
        let call = self.waiting.next.get();
        self.waiting.next.set(call.wrapping_add(1));
        let message = Array::of3(&action.into(), &call.into(), &number(store.0).into());
        if let Some(buffer) = buffer {
            message.push(buffer);
        }
        rest.iter().for_each(|argument| _ = message.push(argument));
        let transfer: Array = buffer.into_iter().collect();
        self.waiting.replies.borrow_mut().push((call, reply));
        if self.worker.post_message_with_transfer(&message, &transfer).is_err() {
            self.waiting.reply(call, Err(SinkFault::Broken));
        }
    }

    fn buffer(&self) -> ArrayBuffer {
        self.waiting.spare.borrow_mut().pop().unwrap_or_else(|| ArrayBuffer::new(BATCH))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

impl Waiting {
    fn look(&self) {
        let silent = if self.replies.borrow().is_empty() { 0 } else { self.silent.get() + 1 };
        self.silent.set(silent);
        if silent >= MAX_LOOKS {
            self.break_off();
        }
    }

    fn answered(&self, message: &Array) {
        self.silent.set(0);
        let [call, error, result] = [0, 1, 2].map(|index| message.get(index));
        let outcome = match error.as_string().as_deref() {
            None => Ok(result),
            Some("QuotaExceededError") => Err(SinkFault::Full),
            Some("PlaceFullError") => Err(SinkFault::PlaceFull),
            Some(_) => Err(SinkFault::Broken),
        };
        if let Some(call) = call.as_f64().and_then(|call| u32::try_from(count(call)).ok()) {
            self.reply(call, outcome);
        }
    }

    /// Takes a buffer back.
    fn keep(&self, buffer: JsValue) {
        let mut spare = self.spare.borrow_mut();
        if let Ok(buffer) = buffer.dyn_into::<ArrayBuffer>()
            && spare.len() < MAX_SPARE
        {
            spare.push(buffer);
        }
    }

    fn reply(&self, call: u32, outcome: Result<JsValue, SinkFault>) {
        let at = self.replies.borrow().iter().position(|(other, _)| *other == call);
        if let Some((_, reply)) = at.map(|at| self.replies.borrow_mut().remove(at)) {
            reply(outcome);
        }
    }

    /// The script cannot be loaded, failed outside of a request, or answers no more.
    fn break_off(&self) {
        self.broken.set(true);
        let replies = core::mem::take(&mut *self.replies.borrow_mut());
        replies.into_iter().for_each(|(_, reply)| reply(Err(SinkFault::Broken)));
    }
}

/// One file being written.
pub(super) struct SinkFile {
    sink: Rc<Sink>,
    store: StoreId,
    batch: Option<Batch>,
    /// Its journal tells of something.
    told: bool,
}

/// Writes that go to the worker in one message.
struct Batch {
    buffer: ArrayBuffer,
    used: u32,
    /// Position in the file, offset in the buffer and length of each.
    parts: Vec<f64>,
    /// What the journal is to tell of them.
    records: Vec<u8>,
    answers: Vec<Answer>,
}

impl SinkFile {
    /// The journal goes on after its first `length` bytes, with `bytes`.
    pub(super) fn record(&mut self, length: u64, bytes: &[u8]) {
        self.told = bytes.is_empty();
        // A journal that cannot be written costs going on later, not the item.
        self.sink.post(
            "record",
            self.store,
            None,
            &[number(length).into(), Uint8Array::from(bytes).into()],
            Box::new(|_| {}),
        );
    }

    /// Reads `length` bytes at `at`.
    pub(super) async fn read(&self, at: u64, length: u64) -> Result<Vec<u8>, SinkFault> {
        let mut bytes = Vec::new();
        while let left @ 1.. = length - bytes.len() as u64 {
            #[expect(clippy::cast_possible_truncation, reason = "no longer than a batch")]
            let (at, length) = (number(at + bytes.len() as u64), left.min(BATCH.into()) as u32);
            let buffer = self.sink.buffer();
            let read = self.sink.call("read", self.store, Some(&buffer), &[at.into(), length.into()]).await?;
            bytes.append(&mut Uint8Array::new_with_byte_offset_and_length(&read, 0, length).to_vec());
            self.sink.waiting.keep(read);
        }
        Ok(bytes)
    }

    /// Writes `chunks` at `at`, tells the journal by `record`, and `answer` once they are written. They may wait for
    /// [`Self::flush`].
    pub(super) fn write(&mut self, mut at: u64, chunks: &[Bytes], record: &[u8], answer: Answer) {
        self.told |= !record.is_empty();
        for chunk in chunks {
            let mut rest = &chunk[..];
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(self.room()));
                self.batch().put(at, now);
                at += now.len() as u64;
                rest = later;
            }
        }
        // What goes into one file is answered in order, and a failure lasts: the last bytes answer for all.
        let batch = self.batch();
        batch.records.extend_from_slice(record);
        batch.answers.push(answer);
    }

    /// Sends what waits.
    pub(super) fn flush(&mut self) {
        let Some(Batch { buffer, parts, records, answers, .. }) = self.batch.take() else { return };
        let waiting = Rc::clone(&self.sink.waiting);
        let reply = move |outcome: Result<JsValue, SinkFault>| {
            let outcome = outcome.map(|buffer| waiting.keep(buffer));
            answers.into_iter().for_each(|answer| answer(outcome));
        };
        let (parts, records) = (Float64Array::from(&parts[..]), Uint8Array::from(&records[..]));
        self.sink.post("write", self.store, Some(&buffer), &[parts.into(), records.into()], Box::new(reply));
    }

    /// Takes a name in a directory, or, without one, that which the item had for a page before. False when it cannot have
    /// it.
    pub(super) async fn claim(
        &self,
        directory: &FileSystemDirectoryHandle,
        name: Option<&str>,
        is_folder: bool,
    ) -> Result<bool, SinkFault> {
        // Where it is absent, the script looks for null.
        let name = name.map_or(JsValue::NULL, JsValue::from);
        let wishes = [directory.into(), name, is_folder.into()];
        Ok(self.sink.call("claim", self.store, None, &wishes).await?.is_truthy())
    }

    /// Makes the folders of an item that has a name. Paths are below it; `starts` has where each file starts in this one,
    /// and where the last one ends; `kept` position and length of what is here already.
    pub(super) async fn lay(
        &self,
        is_folder: bool,
        folders: Vec<String>,
        files: Vec<String>,
        starts: &[u64],
        kept: &[(u64, u64)],
    ) -> Result<(), SinkFault> {
        let starts: Vec<f64> = starts.iter().copied().map(number).collect();
        let kept: Vec<f64> = kept.iter().flat_map(|(at, length)| [number(*at), number(*length)]).collect();
        let [starts, kept] = [starts, kept].map(|numbers| Float64Array::from(&numbers[..]).into());
        let layout = [is_folder.into(), folders.into(), files.into(), starts, kept];
        self.sink.call("lay", self.store, None, &layout).await.map(|_| ())
    }

    /// Completes a file of an item that has a name.
    pub(super) fn close(&self, file: FileIndex, answer: Answer) {
        let reply = |outcome: Result<JsValue, SinkFault>| answer(outcome.map(|_| ()));
        self.sink.post("close", self.store, None, &[file.0.into()], Box::new(reply));
    }

    /// Writes what waits, closes the file and hands it over, unless it is in place.
    pub(super) async fn finish(&mut self) -> Result<Option<Blob>, SinkFault> {
        self.flush();
        Ok(self.sink.call("finish", self.store, None, &[]).await?.dyn_into().ok())
    }

    /// Lets go of the file for a later attempt; false when there is nothing that one could use.
    pub(super) async fn suspend(&mut self) -> bool {
        self.flush();
        self.told && self.sink.call("suspend", self.store, None, &[]).await.is_ok_and(|kept| kept.is_truthy())
    }

    /// Removes the file.
    pub(super) async fn remove(&mut self) {
        self.flush();
        // What cannot be removed now is removed with its folder at the next start.
        let _ = self.sink.call("remove", self.store, None, &[]).await;
    }

    /// Bytes that still fit into the batch; a full one is sent.
    fn room(&mut self) -> usize {
        if self.batch().used == BATCH {
            self.flush();
        }
        (BATCH - self.batch().used) as usize
    }

    fn batch(&mut self) -> &mut Batch {
        self.batch.get_or_insert_with(|| Batch {
            buffer: self.sink.buffer(),
            used: 0,
            parts: Vec::new(),
            records: Vec::new(),
            answers: Vec::new(),
        })
    }
}

impl Batch {
    #[expect(clippy::cast_possible_truncation, reason = "no longer than the room in a batch")]
    fn put(&mut self, at: u64, bytes: &[u8]) {
        let len = bytes.len() as u32;
        Uint8Array::new_with_byte_offset_and_length(&self.buffer, self.used, len).copy_from(bytes);
        self.extend(at, len);
        self.used += len;
    }

    /// Adds a part; one that goes on where the last one ends becomes one with it.
    fn extend(&mut self, at: u64, len: u32) {
        if let [.., last_at, last_offset, last_len] = &mut self.parts[..] {
            let goes_on =
                *last_at + *last_len == number(at) && *last_offset + *last_len == f64::from(self.used);
            if goes_on {
                *last_len += f64::from(len);
                return;
            }
        }
        self.parts.extend([number(at), f64::from(self.used), f64::from(len)]);
    }
}

/// Where the worker's script is.
fn script() -> String {
    const VERSION: u64 = version(&[include_bytes!("sink-worker.js"), include_bytes!("sink-tree.js")]);
    format!("sink-worker.js?{VERSION:016x}")
}
