//! Reading big files from one end to the other: a browser streams a file at two thirds of what reading parts of it costs.
//!
//! Each read of a part sets up a pipe of fresh shared memory and fills a fresh buffer; a stream has one of each for the
//! whole file. Whoever reads on where the last piece ended gets the next one from the same stream. Where a browser has
//! no such streams, or a stream breaks, parts are read instead. Knows no piece values and retries nothing.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_channel::oneshot;
use js_sys::{ArrayBuffer, Reflect, Uint8Array};
use privydrop_common::host::SourceId;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, File, ReadableStreamByobReader};

use super::js::{count, free, number};

/// Streams kept at most, all files together: each holds a pipe and a buffer of about a piece.
const MAX_STREAMS: usize = 16;

/// The streams that somebody may read on; the one used last is the last.
#[derive(Default)]
pub(super) struct Streams(RefCell<Vec<Rc<Stream>>>);

/// A file on its way through the browser.
struct Stream {
    source: SourceId,
    /// Where the next piece begins.
    next: Cell<u64>,
    reader: ReadableStreamByobReader,
    /// Comes when the read ordered last is done.
    last: RefCell<Option<oneshot::Receiver<()>>>,
    /// Filled by one read after the other.
    buffer: RefCell<Option<ArrayBuffer>>,
}

/// A place in the queue of a stream.
struct Turn {
    stream: Rc<Stream>,
    /// Comes when the read before is done.
    before: Option<oneshot::Receiver<()>>,
    done: oneshot::Sender<()>,
}

impl Streams {
    /// Reads `len` bytes at `from`. Fewer come when the file is shorter. Fails as the browser does. Reads are asked for
    /// in the order in which this is called, not in that of the awaiting.
    pub(super) fn read(
        &self,
        source: SourceId,
        file: &File,
        from: u64,
        len: u64,
    ) -> impl Future<Output = Result<Vec<u8>, JsValue>> + use<> {
        let whole = len == count(file.size());
        let ordered = (!whole).then(|| self.order(source, file, from, len)).flatten();
        let file = file.clone();
        async move {
            if let Some(Turn { stream, before, done }) = ordered {
                let read = stream.take(before, len).await;
                // A stream that broke says so to the next in turn by dropping its sender.
                if let Ok(bytes) = read {
                    let _ = done.send(());
                    return Ok(bytes);
                }
            }
            part(&file, from, len).await
        }
    }

    /// Nothing of this file is read again.
    pub(super) fn forget(&self, source: SourceId) {
        self.0.borrow_mut().retain(|stream| stream.source != source);
    }

    /// Puts a read in the queue of the stream that has come to `from`, or of a new one.
    fn order(&self, source: SourceId, file: &File, from: u64, len: u64) -> Option<Turn> {
        let mut streams = self.0.borrow_mut();
        let known = streams.iter().position(|stream| stream.source == source && stream.next.get() == from);
        let stream = match known {
            Some(at) => streams.remove(at),
            None => Rc::new(Stream::open(source, file, from).ok()?),
        };
        let (done, turn) = oneshot::channel();
        let before = stream.last.replace(Some(turn));
        stream.next.set(from + len);
        if from + len < count(file.size()) {
            if streams.len() == MAX_STREAMS {
                streams.remove(0);
            }
            streams.push(Rc::clone(&stream));
        }
        Some(Turn { stream, before, done })
    }
}

impl Stream {
    /// Fails where the browser cannot fill buffers of ours.
    fn open(source: SourceId, file: &File, from: u64) -> Result<Self, JsValue> {
        let content: Blob = if from == 0 { file.clone().into() } else { file.slice_with_f64(number(from))? };
        let reader = ReadableStreamByobReader::new(&content.stream())?;
        Ok(Self {
            source,
            next: Cell::new(from),
            reader,
            last: RefCell::default(),
            buffer: RefCell::default(),
        })
    }

    /// The next `len` bytes, once those `before` are read.
    async fn take(&self, before: Option<oneshot::Receiver<()>>, len: u64) -> Result<Vec<u8>, JsValue> {
        if let Some(before) = before {
            before.await.map_err(|_| JsValue::UNDEFINED)?;
        }
        let len = u32::try_from(len).map_err(|_| JsValue::UNDEFINED)?;
        let spare = self.buffer.take().filter(|spare| spare.byte_length() >= len);
        let mut buffer = spare.unwrap_or_else(|| ArrayBuffer::new(len));
        let mut filled = 0;
        while filled < len {
            let room = Uint8Array::new_with_byte_offset_and_length(&buffer, filled, len - filled);
            let read = JsFuture::from(self.reader.read_with_array_buffer_view(&room)).await?;
            let Ok(came) = Reflect::get(&read, &"value".into())?.dyn_into::<Uint8Array>() else { break };
            // The buffer that was lent comes back as another object.
            buffer = came.buffer();
            filled += came.length();
            if came.length() == 0 {
                break;
            }
        }
        // The one copy.
        let bytes = Uint8Array::new_with_byte_offset_and_length(&buffer, 0, filled).to_vec();
        *self.buffer.borrow_mut() = Some(buffer);
        Ok(bytes)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let cancelled = JsFuture::from(self.reader.cancel());
        // One that broke has nothing to cancel; unheard, the browser would complain of that.
        spawn_local(async { _ = cancelled.await });
        if let Some(buffer) = self.buffer.get_mut() {
            free(buffer);
        }
    }
}

/// Reads a part of a file by itself.
async fn part(file: &File, from: u64, len: u64) -> Result<Vec<u8>, JsValue> {
    let content: Blob = if len == count(file.size()) {
        // Cutting costs as much as reading when files are small.
        file.clone().into()
    } else {
        file.slice_with_f64_and_f64(number(from), number(from + len))?
    };
    let buffer: ArrayBuffer = JsFuture::from(content.array_buffer()).await?.unchecked_into();
    let bytes = Uint8Array::new(&buffer).to_vec();
    free(&buffer);
    Ok(bytes)
}
