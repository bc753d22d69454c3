//! Reading ahead in big files: a browser reads eight pieces at once for half of what eight pieces one by one cost.
//!
//! Each read of a browser's sets up a pipe of fresh shared memory; long ones make that rare. Several receivers that
//! are equally far share a block. Knows no piece values and never reads beyond the block that was asked for.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use js_sys::{ArrayBuffer, Promise, Uint8Array};
use privydrop_common::host::SourceId;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File};

use super::js::{count, free, number};

/// Bytes of a block: a power of two, so that no piece lies in two of them.
const BLOCK: u64 = 8 << 20;
/// Blocks kept at most, all files together.
const MAX_BLOCKS: usize = 4;

/// The blocks that are being read or were not used up yet; the newest is the last.
#[derive(Default)]
pub(super) struct Blocks(RefCell<Vec<Rc<Block>>>);

/// An aligned part of a file.
struct Block {
    source: SourceId,
    from: u64,
    /// Bytes that nobody has taken yet.
    left: Cell<u64>,
    reading: Promise<ArrayBuffer>,
    /// Set once it is read, to be freed with the block.
    buffer: OnceCell<ArrayBuffer>,
}

impl Blocks {
    /// Reads `len` bytes at `from`. Fewer come when the file is shorter. Fails as the browser does.
    pub(super) async fn read(
        &self,
        source: SourceId,
        file: &File,
        from: u64,
        len: u64,
    ) -> Result<Vec<u8>, JsValue> {
        if len >= BLOCK || len == count(file.size()) {
            let block = Block::begin(source, file, from, len)?;
            return block.take(from, len).await;
        }
        let block = self.block(source, file, from)?;
        let taken = block.take(from, len).await;
        if block.left.get() == 0 || taken.is_err() {
            self.0.borrow_mut().retain(|other| !Rc::ptr_eq(other, &block));
        }
        taken
    }

    /// Nothing of this file is read again.
    pub(super) fn forget(&self, source: SourceId) {
        self.0.borrow_mut().retain(|block| block.source != source);
    }

    /// The block around `at`, on its way already or from now on.
    fn block(&self, source: SourceId, file: &File, at: u64) -> Result<Rc<Block>, JsValue> {
        let from = at - at % BLOCK;
        let mut blocks = self.0.borrow_mut();
        if let Some(block) = blocks.iter().find(|block| block.source == source && block.from == from) {
            return Ok(Rc::clone(block));
        }
        let block = Rc::new(Block::begin(source, file, from, BLOCK.min(count(file.size()) - from))?);
        if blocks.len() == MAX_BLOCKS {
            blocks.remove(0);
        }
        blocks.push(Rc::clone(&block));
        Ok(block)
    }
}

impl Block {
    fn begin(source: SourceId, file: &File, from: u64, len: u64) -> Result<Self, JsValue> {
        let content: Blob = if len == count(file.size()) {
            // Cutting costs as much as reading when files are small.
            file.clone().into()
        } else {
            file.slice_with_f64_and_f64(number(from), number(from + len))?
        };
        let reading = content.array_buffer().unchecked_into();
        Ok(Self { source, from, left: Cell::new(len), reading, buffer: OnceCell::new() })
    }

    #[expect(clippy::cast_possible_truncation, reason = "a buffer in a page is shorter than 4 GiB")]
    async fn take(&self, from: u64, len: u64) -> Result<Vec<u8>, JsValue> {
        let buffer: ArrayBuffer = JsFuture::from(self.reading.clone()).await?.unchecked_into();
        let buffer = self.buffer.get_or_init(|| buffer);
        let offset = (from - self.from) as u32;
        let there = buffer.byte_length().saturating_sub(offset).min(len as u32);
        self.left.set(self.left.get().saturating_sub(len));
        // The one copy.
        Ok(Uint8Array::new_with_byte_offset_and_length(buffer, offset.min(buffer.byte_length()), there)
            .to_vec())
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.get() {
            free(buffer);
        }
    }
}
