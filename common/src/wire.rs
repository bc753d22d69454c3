//! What two members say to each other on an authenticated link: control messages and data frames.
//!
//! Defines shapes, bounds, and the one encoder and parser of each. Decides nothing: names are still plain strings
//! here and become safe in [`crate::catalog`]. See docs/PROTOCOL.md §3.

mod have;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::code::RoomKey;
use crate::id::{FileIndex, ItemId, TransferId};
use crate::pieces::{PieceMap, Value};
use crate::sdp::{Candidate, Sdp};
use crate::transport::MAX_LANES;

pub use have::{Have, HeldRun};

/// Version byte that opens every control message.
pub const VERSION: u8 = 1;
/// Longest message on any lane, in bytes; a peer may negotiate less.
pub const MAX_FRAME: usize = 256 * 1024;
/// Shortest maximum that a link is used with, in bytes (RFC 8841 §6.1 default; every browser offers it).
pub const MIN_FRAME: usize = 16 * 1024;
/// Longest label that a member may call itself, in bytes.
pub const MAX_LABEL: usize = 64;
/// Most entries in one page of an item's listing.
pub const MAX_PAGE: usize = 2_000;
/// Most bytes of names in one page of an item's listing.
pub const MAX_PAGE_BYTES: usize = 96 * 1024;
/// Most files and folders in one item.
pub const MAX_ENTRIES: u32 = 100_000;
/// Most items that one member may offer.
pub const MAX_ITEMS: usize = 500;
/// Longest encoded text document, in bytes.
pub const MAX_TEXT: usize = crate::text::MAX_ENCODED;
/// Most files whose held pieces one fetch can name, and most runs of files that are whole.
pub const MAX_HELD: usize = 2_000;

/// Everything on the control lane after the binding tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Control {
    /// What the sender calls itself.
    Introduce {
        /// At most [`MAX_LABEL`] bytes.
        label: String,
    },
    /// Host to an admitted guest: the room key, for reconnects and for guests among each other.
    RoomKey(RoomKey),
    /// An item is offered, or its facts changed.
    Offer(ItemSummary),
    /// An item is offered no more.
    Withdraw(ItemId),
    /// The sender's text as it is now, encoded by [`crate::text`]; empty when there is none.
    Text(Bytes),
    /// Asks for entries `from..` of a folder's listing.
    List {
        /// Which item.
        item: ItemId,
        /// First entry wanted.
        from: u32,
    },
    /// A page of a folder's listing.
    Entries {
        /// Which item.
        item: ItemId,
        /// Position of the first of `entries`.
        from: u32,
        /// At most [`MAX_PAGE`]; at least one unless the listing is empty.
        entries: Vec<Entry>,
    },
    /// Asks for the bytes of an item.
    Fetch {
        /// Names this fetch from now on; chosen by the receiver, never used before on this link.
        transfer: TransferId,
        /// Which item.
        item: ItemId,
        /// What the receiver holds already.
        have: Have,
        /// Payload bytes that the sharer may send before more is granted.
        window: u64,
    },
    /// Receiver: how far it is, and how far the sharer may go.
    Credit {
        /// Which fetch.
        transfer: TransferId,
        /// Payload bytes that may have been sent since the fetch began; never shrinks.
        granted: u64,
        /// Bytes of the item that are verified and stored.
        stored: u64,
    },
    /// Hold the bytes back. Either side.
    Pause(TransferId),
    /// Let them flow again. The side that paused.
    Resume(TransferId),
    /// Stop for good. Either side.
    Cancel(TransferId),
    /// Sharer: the fetch cannot be served (any more).
    Refuse {
        /// Which fetch.
        transfer: TransferId,
        /// Why.
        why: RefuseFetch,
    },
    /// Sharer: the listing cannot be served.
    RefuseList {
        /// Which item.
        item: ItemId,
        /// Why.
        why: RefuseFetch,
    },
    /// Receiver: send this piece again, it failed its check.
    Again {
        /// Which fetch.
        transfer: TransferId,
        /// Which file of the item.
        file: FileIndex,
        /// Which piece of the file.
        piece: u32,
    },
    /// Receiver: everything is verified and stored.
    Received(TransferId),
    /// The sender leaves and will close the link.
    Bye,
    /// The side that called asks the side that answered to open data lanes: so many in all, at most as many as both
    /// said in the handshake that they serve. Never said to a side that serves one.
    Lanes(u8),
    /// About a further data lane.
    Lane {
        /// Which: 1 to [`MAX_LANES`] − 1. Each is offered once in a link.
        number: u8,
        /// What.
        word: LaneWord,
    },
    /// The path was silent and is back: did anything get through? Answered at once by [`Control::Seen`]. Both are said
    /// only to a peer whose handshake says that it knows them.
    Sign,
    /// The answer.
    Seen,
}

/// What the two ends of a link say about a further data lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LaneWord {
    /// The offer, by the side that answered the call.
    Offer(Sdp),
    /// The answer, by the side that called.
    Answer(Sdp),
    /// A candidate of the sender's, after its description.
    Candidate(Candidate),
    /// The lane is open at the sender's end. Who said it takes frames on the lane; who heard it as well sends them.
    Open,
}

/// Facts of an offered item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemSummary {
    /// Names it in all that follows.
    pub id: ItemId,
    /// File or folder name, not yet checked.
    pub name: String,
    /// Bytes in all.
    pub size: u64,
    /// What it is.
    pub kind: SummaryKind,
}

/// Facts that differ between files and folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SummaryKind {
    /// One file.
    File {
        /// Seconds since 1970 of its last change.
        modified: Option<u64>,
    },
    /// A tree.
    Folder {
        /// Files in it.
        files: u32,
        /// Entries of its listing: files and folders.
        entries: u32,
    },
}

/// One line of a folder's listing. Files are numbered among the files only, in order of the listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Components below the item's own name, not yet checked.
    pub path: Vec<String>,
    /// What it is.
    pub kind: EntryKind,
}

/// What a listing's line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A file.
    File {
        /// Bytes.
        size: u64,
        /// Seconds since 1970 of its last change.
        modified: Option<u64>,
    },
}

/// Pieces of one file that a receiver holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Which file of the item.
    pub file: FileIndex,
    /// Which pieces. The sharer proves each without sending it again.
    pub pieces: PieceMap,
}

/// Why a sharer does not serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefuseFetch {
    /// It is not (or no longer) offered.
    Gone,
    /// A file changed since it was offered.
    Changed,
    /// A file cannot be read.
    Unreadable,
    /// Too many fetches at once on this link.
    Busy,
}

/// Why bytes from a peer are not a message. The link is closed: a peer that passed the handshake does not err.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFrame {
    /// Its version byte is not [`VERSION`].
    #[error("the peer speaks another version")]
    Version,
    /// Not a control message, or one out of its bounds.
    #[error("not a message of this protocol")]
    Malformed,
}

impl Control {
    /// The bytes of one frame on the control lane.
    pub fn encode(&self) -> Bytes {
        // Serializing these types into a growing buffer cannot fail.
        postcard::to_extend(self, vec![VERSION]).unwrap_or_default().into()
    }

    /// Parses one frame and checks every bound of this module.
    pub fn decode(frame: &[u8]) -> Result<Self, InvalidFrame> {
        if frame.len() > MAX_FRAME {
            return Err(InvalidFrame::Malformed);
        }
        let (&version, body) = frame.split_first().ok_or(InvalidFrame::Malformed)?;
        if version != VERSION {
            return Err(InvalidFrame::Version);
        }
        match postcard::take_from_bytes::<Self>(body) {
            Ok((message, [])) if message.within_bounds() => Ok(message),
            _ => Err(InvalidFrame::Malformed),
        }
    }

    fn within_bounds(&self) -> bool {
        match self {
            Self::Introduce { label } => label.len() <= MAX_LABEL,
            Self::Text(document) => document.len() <= MAX_TEXT,
            Self::Entries { entries, .. } => entries.len() <= MAX_PAGE,
            Self::Offer(ItemSummary { kind: SummaryKind::Folder { files, entries }, .. }) => {
                *entries <= MAX_ENTRIES && files <= entries
            }
            Self::Lanes(lanes) => (2..=MAX_LANES).contains(lanes),
            Self::Lane { number, .. } => (1..MAX_LANES).contains(number),
            _ => true,
        }
    }
}

/// Bytes of a segment's header.
pub const SEGMENT_HEADER: usize = 20;
/// Bytes of the piece value that follows the header of a piece's last segment.
pub const PROOF: usize = 32;
const HAS_PROOF: u32 = 1 << 31;

/// A stretch of one file inside a data frame.
///
/// A frame is one or more segments, so small files share frames. Layout, big endian: transfer u32, file u32,
/// offset u64, length u32 whose top bit says that 32 bytes of piece value follow; then the payload. The value comes
/// with the segment that ends a piece; a segment of length 0 with a value proves a piece that the receiver holds,
/// or an empty file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Which fetch.
    pub transfer: TransferId,
    /// Which file of the item.
    pub file: FileIndex,
    /// Where in the file the payload begins; for a bare value, where the piece begins.
    pub offset: u64,
    /// The value of the piece that this segment ends.
    pub proof: Option<Value>,
    /// The bytes.
    pub payload: Bytes,
}

/// Builds data frames of at most a given length.
#[derive(Debug)]
pub struct FrameBuilder {
    buffer: BytesMut,
    max: usize,
}

impl FrameBuilder {
    /// A builder of one frame of at most `max` bytes.
    pub fn new(max: usize) -> Self {
        Self { buffer: BytesMut::with_capacity(max), max }
    }

    /// Payload bytes that a further segment could carry (leaving room for a value); 0 when the frame is full.
    pub fn room(&self) -> usize {
        self.max.saturating_sub(self.buffer.len() + SEGMENT_HEADER + PROOF)
    }

    /// Whether a bare value still fits.
    pub fn fits_proof(&self) -> bool {
        self.buffer.len() + SEGMENT_HEADER + PROOF <= self.max
    }

    /// True when nothing was added.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Adds a segment; its payload must fit [`Self::room`].
    pub fn push(
        &mut self,
        transfer: TransferId,
        file: FileIndex,
        offset: u64,
        proof: Option<Value>,
        payload: &[u8],
    ) {
        let length = u32::try_from(payload.len()).unwrap_or(0);
        self.buffer.put_u32(transfer.0);
        self.buffer.put_u32(file.0);
        self.buffer.put_u64(offset);
        self.buffer.put_u32(length | if proof.is_some() { HAS_PROOF } else { 0 });
        if let Some(Value(value)) = proof {
            self.buffer.put_slice(&value);
        }
        self.buffer.put_slice(payload);
    }

    /// The frame.
    pub fn finish(self) -> Bytes {
        self.buffer.freeze()
    }
}

/// Splits a data frame into its segments without copying; stops at the first thing that is not one.
pub fn segments(mut frame: Bytes) -> impl Iterator<Item = Result<Segment, InvalidFrame>> {
    let mut broken = frame.is_empty();
    core::iter::from_fn(move || {
        if broken {
            broken = false;
            frame.clear();
            return Some(Err(InvalidFrame::Malformed));
        }
        if frame.is_empty() {
            return None;
        }
        let segment = take_segment(&mut frame);
        if segment.is_none() {
            frame.clear();
        }
        Some(segment.ok_or(InvalidFrame::Malformed))
    })
}

fn take_segment(frame: &mut Bytes) -> Option<Segment> {
    let transfer = TransferId(frame.try_get_u32().ok()?);
    let file = FileIndex(frame.try_get_u32().ok()?);
    let offset = frame.try_get_u64().ok()?;
    let length = frame.try_get_u32().ok()?;
    let mut proof = None;
    if length & HAS_PROOF != 0 {
        let mut value = [0; PROOF];
        frame.try_copy_to_slice(&mut value).ok()?;
        proof = Some(Value(value));
    }
    let length = (length & !HAS_PROOF) as usize;
    // A segment that carries neither bytes nor a value would cost work and bring nothing.
    if length > frame.len() || (length == 0 && proof.is_none()) {
        return None;
    }
    offset.checked_add(length as u64)?;
    Some(Segment { transfer, file, offset, proof, payload: frame.split_to(length) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_control_message_or_a_typed_error(bytes: Vec<u8>) {
            let _ = Control::decode(&bytes);
            let mut versioned = vec![VERSION];
            versioned.extend(bytes);
            if let Ok(message) = Control::decode(&versioned) {
                prop_assert_eq!(Control::decode(&message.encode()), Ok(message));
            }
        }

        #[test]
        fn any_bytes_split_into_segments_or_a_typed_error(bytes: Vec<u8>) {
            let length = bytes.len();
            let mut payload = 0;
            for segment in segments(bytes.into()).take(length + 2).flatten() {
                payload += segment.payload.len();
            }
            prop_assert!(payload <= length);
        }

        #[test]
        fn segments_survive_their_frame(
            parts in prop::collection::vec((any::<u32>(), 0..1u64 << 60, any::<Option<[u8; 32]>>(), prop::collection::vec(any::<u8>(), 1..200)), 1..20)
        ) {
            let mut builder = FrameBuilder::new(MAX_FRAME);
            for (file, offset, proof, payload) in &parts {
                prop_assert!(payload.len() <= builder.room());
                builder.push(TransferId(7), FileIndex(*file), *offset, proof.map(Value), payload);
            }
            let read: Vec<_> = segments(builder.finish()).collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(read.len(), parts.len());
            for (segment, (file, offset, proof, payload)) in read.iter().zip(&parts) {
                prop_assert_eq!((segment.file.0, segment.offset), (*file, *offset));
                prop_assert_eq!((segment.proof, &segment.payload[..]), (proof.map(Value), &payload[..]));
            }
        }
    }

    #[test]
    fn a_full_frame_is_exactly_as_long_as_allowed() {
        let mut builder = FrameBuilder::new(MIN_FRAME);
        let payload = vec![1; builder.room()];
        builder.push(TransferId(0), FileIndex(0), 0, Some(Value([0; 32])), &payload);
        assert_eq!((builder.room(), builder.fits_proof()), (0, false));
        assert_eq!(builder.finish().len(), MIN_FRAME);
    }

    #[test]
    fn empty_frames_and_empty_segments_are_refused() {
        assert_eq!(segments(Bytes::new()).collect::<Vec<_>>(), [Err(InvalidFrame::Malformed)]);
        assert_eq!(
            segments(vec![0; SEGMENT_HEADER].into()).collect::<Vec<_>>(),
            [Err(InvalidFrame::Malformed)]
        );
    }

    #[test]
    fn an_offset_that_overflows_is_refused() {
        let mut builder = FrameBuilder::new(MIN_FRAME);
        builder.push(TransferId(0), FileIndex(0), u64::MAX, None, &[1]);
        assert_eq!(segments(builder.finish()).collect::<Vec<_>>(), [Err(InvalidFrame::Malformed)]);
    }

    #[test]
    fn bounds_hold_after_decoding() {
        let long = Control::Introduce { label: "x".repeat(MAX_LABEL + 1) };
        assert_eq!(Control::decode(&long.encode()), Err(InvalidFrame::Malformed));
        assert_eq!(Control::decode(&[9, 0]), Err(InvalidFrame::Version));
    }
}
