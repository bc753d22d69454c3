//! Files that the person offered: their handles, and reading them piece by piece.
//!
//! Follows no path, and keeps no bytes but those of [`super::stream`].

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use privydrop_common::api::NewFile;
use privydrop_common::host::{ReadPiece, SourceFault, SourceId};
use privydrop_common::pieces::{piece_range, value_of};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::File;

use super::js::{count, error_name};
use super::stream::Streams;

/// The files that can be read now.
#[derive(Default)]
pub struct Files {
    /// In the order of their ids; nothing where a file cannot be read, or is offered no more.
    known: RefCell<Vec<Option<File>>>,
    streams: Rc<Streams>,
}

impl Files {
    /// Takes a file in, and tells what to offer.
    pub fn register(&self, file: File) -> NewFile {
        let (size, modified) = (count(file.size()), Some(count(file.last_modified() / 1000.0)));
        NewFile { source: self.add(Some(file)), size, modified }
    }

    /// What to offer for a file that the browser names but does not open: whoever fetches it is told that it
    /// cannot be read, rather than getting a folder that silently lacks it.
    pub fn register_unreadable(&self) -> NewFile {
        NewFile { source: self.add(None), size: 0, modified: None }
    }

    fn add(&self, file: Option<File>) -> SourceId {
        let mut known = self.known.borrow_mut();
        known.push(file);
        SourceId(known.len() as u64 - 1)
    }

    /// The file is offered no more.
    pub(super) fn release(&self, source: SourceId) {
        if let Some(file) = self.known.borrow_mut().get_mut(at(source)) {
            *file = None;
        }
        self.streams.forget(source);
    }

    /// Reads one piece and tells its outcome. Reads run side by side.
    pub(super) fn read(
        &self,
        source: SourceId,
        size: u64,
        piece: u32,
        tell: impl FnOnce(Result<ReadPiece, SourceFault>) + 'static,
    ) {
        let file = self.known.borrow().get(at(source)).cloned().flatten();
        let streams = Rc::clone(&self.streams);
        spawn_local(async move {
            tell(match file {
                Some(file) => read(&streams, source, &file, size, piece).await,
                None => Err(SourceFault::Unreadable),
            });
        });
    }
}

fn at(source: SourceId) -> usize {
    usize::try_from(source.0).unwrap_or(usize::MAX)
}

async fn read(
    streams: &Streams,
    source: SourceId,
    file: &File,
    size: u64,
    piece: u32,
) -> Result<ReadPiece, SourceFault> {
    if count(file.size()) != size {
        return Err(SourceFault::Changed);
    }
    let (from, len) = piece_range(size, piece);
    let bytes = streams.read(source, file, from, len).await.map_err(|error| fault(&error))?;
    let bytes = Bytes::from(bytes);
    // Of another length than the piece only if the file is not the one that was offered.
    let value = value_of(size, piece, [&bytes[..]]).ok_or(SourceFault::Changed)?;
    Ok(ReadPiece { bytes, value })
}

/// Browsers refuse to read a file that was written to since it was picked, by this name.
fn fault(error: &JsValue) -> SourceFault {
    if error_name(error) == "NotReadableError" { SourceFault::Changed } else { SourceFault::Unreadable }
}
