//! The page's end of `sink-worker.js`: files in the browser's private storage, written in a worker.
//!
//! Gathers small writes into one message and takes each buffer back, so that neither messages nor garbage grow with
//! the number of files. Knows no items and no names of theirs.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;
use futures_channel::oneshot;
use gloo::events::EventListener;
use js_sys::{Array, ArrayBuffer, Float64Array, Uint8Array};
use privydrop_common::host::StoreId;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, Worker};

use super::js::number;
use crate::words::version;

/// Bytes of one message to the worker: one piece of nearly every file.
const BATCH: u32 = 1024 * 1024;
/// Buffers kept for the next messages.
const MAX_SPARE: usize = 8;

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

/// The worker, shared by all items.
pub(super) struct Sink {
    worker: Worker,
    waiting: Rc<Waiting>,
    _listeners: [EventListener; 2],
}

#[derive(Default)]
struct Waiting {
    next: Cell<u32>,
    /// In the order of the calls, which the worker mostly keeps.
    answers: RefCell<Vec<(u32, Answer)>>,
    spare: RefCell<Vec<ArrayBuffer>>,
    broken: Cell<bool>,
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
        Some(Rc::new(Self { worker, waiting, _listeners: listeners }))
    }

    /// Makes a file of `size` bytes in `folder`.
    pub(super) async fn open(
        self: &Rc<Self>,
        store: StoreId,
        folder: &str,
        size: u64,
    ) -> Result<SinkFile, SinkFault> {
        let file = SinkFile { sink: Rc::clone(self), store, batch: None };
        self.call("open", store, &[folder.into(), number(size).into()]).await?;
        Ok(file)
    }

    async fn call(&self, action: &str, store: StoreId, rest: &[JsValue]) -> Result<(), SinkFault> {
        let (answer, answered) = oneshot::channel();
        self.post(action, store, rest, None, Box::new(move |outcome| _ = answer.send(outcome)));
        answered.await.unwrap_or(Err(SinkFault::Broken))
    }

    fn post(
        &self,
        action: &str,
        store: StoreId,
        rest: &[JsValue],
        buffer: Option<&ArrayBuffer>,
        answer: Answer,
    ) {
        if self.waiting.broken.get() {
            return answer(Err(SinkFault::Broken));
        }
        let call = self.waiting.next.get();
        self.waiting.next.set(call.wrapping_add(1));
        let message = Array::of3(&action.into(), &call.into(), &number(store.0).into());
        if let Some(buffer) = buffer {
            message.push(buffer);
        }
        rest.iter().for_each(|argument| _ = message.push(argument));
        let transfer: Array = buffer.into_iter().collect();
        self.waiting.answers.borrow_mut().push((call, answer));
        if self.worker.post_message_with_transfer(&message, &transfer).is_err() {
            self.waiting.answer(call, Err(SinkFault::Broken));
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
    fn answered(&self, message: &Array) {
        let [call, error, buffer] = [0, 1, 2].map(|index| message.get(index));
        if let Ok(buffer) = buffer.dyn_into::<ArrayBuffer>() {
            let mut spare = self.spare.borrow_mut();
            if spare.len() < MAX_SPARE && buffer.byte_length() == BATCH {
                spare.push(buffer);
            }
        }
        let outcome = match error.as_string().as_deref() {
            None => Ok(()),
            Some("QuotaExceededError") => Err(SinkFault::Full),
            Some(_) => Err(SinkFault::Broken),
        };
        if let Some(call) = call.as_f64().and_then(|call| u32::try_from(super::js::count(call)).ok()) {
            self.answer(call, outcome);
        }
    }

    fn answer(&self, call: u32, outcome: Result<(), SinkFault>) {
        let at = self.answers.borrow().iter().position(|(other, _)| *other == call);
        if let Some((_, answer)) = at.map(|at| self.answers.borrow_mut().remove(at)) {
            answer(outcome);
        }
    }

    /// The script cannot be loaded, or failed outside of a request.
    fn break_off(&self) {
        self.broken.set(true);
        let answers = core::mem::take(&mut *self.answers.borrow_mut());
        answers.into_iter().for_each(|(_, answer)| answer(Err(SinkFault::Broken)));
    }
}

/// One file being written.
pub(super) struct SinkFile {
    sink: Rc<Sink>,
    store: StoreId,
    batch: Option<Batch>,
}

/// Writes that go to the worker in one message.
struct Batch {
    buffer: ArrayBuffer,
    used: u32,
    /// Position in the file, offset in the buffer and length of each.
    parts: Vec<f64>,
    answers: Vec<Answer>,
}

impl SinkFile {
    /// Writes `chunks` at `at`, and tells `answer` once they are written. They may wait for [`Self::flush`].
    pub(super) fn write(&mut self, mut at: u64, chunks: &[Bytes], answer: Answer) {
        for chunk in chunks {
            let mut rest = &chunk[..];
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(self.room()));
                self.batch().put(at, now);
                at += now.len() as u64;
                rest = later;
            }
        }
        // Messages are answered in order, so the last bytes answer for all.
        self.batch().answers.push(answer);
    }

    /// Sends what waits.
    pub(super) fn flush(&mut self) {
        let Some(Batch { buffer, parts, answers, .. }) = self.batch.take() else { return };
        let answer =
            move |outcome: Result<(), SinkFault>| answers.into_iter().for_each(|answer| answer(outcome));
        let parts = Float64Array::from(&parts[..]);
        self.sink.post("write", self.store, &[parts.into()], Some(&buffer), Box::new(answer));
    }

    /// Writes what waits and closes the file.
    pub(super) async fn finish(&mut self) -> Result<(), SinkFault> {
        self.flush();
        self.sink.call("finish", self.store, &[]).await
    }

    /// Removes the file from `folder`.
    pub(super) async fn remove(&mut self, folder: &str) {
        self.flush();
        // What cannot be removed now is removed with its folder at the next start.
        let _ = self.sink.call("remove", self.store, &[folder.into()]).await;
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
    format!("sink-worker.js?{:016x}", const { version(include_bytes!("sink-worker.js")) })
}
