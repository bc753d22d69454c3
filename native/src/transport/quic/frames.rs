//! Data frames as bytes of a stream: each behind its length, u32 big endian.
//!
//! Pure. Takes the bytes in whatever parts they come, never holds more than one frame, and makes no room for one that
//! is longer than was allowed.

use bytes::{Buf, Bytes, BytesMut};

/// Bytes before each frame.
const HEAD: usize = size_of::<u32>();

/// A frame that is longer than was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

/// What goes before a frame of so many bytes.
pub(crate) fn head(length: usize) -> Result<[u8; HEAD], TooLong> {
    u32::try_from(length).map(u32::to_be_bytes).map_err(|_| TooLong)
}

/// Bytes that are to become frames.
#[derive(Debug)]
pub(crate) struct Frames {
    longest: usize,
    head: [u8; HEAD],
    /// Bytes of the head that are there.
    known: usize,
    /// What is there of the frame whose head is known.
    body: BytesMut,
    /// Bytes that the frame still lacks.
    missing: usize,
}

impl Frames {
    /// Frames of at most `longest` bytes.
    pub(crate) fn new(longest: usize) -> Self {
        Self { longest, head: [0; HEAD], known: 0, body: BytesMut::new(), missing: 0 }
    }

    /// Takes the next bytes, and hands over each frame that they complete.
    pub(crate) fn take(&mut self, mut bytes: Bytes, mut whole: impl FnMut(Bytes)) -> Result<(), TooLong> {
        loop {
            if self.known < HEAD {
                let part = bytes.len().min(HEAD - self.known);
                self.head[self.known..self.known + part].copy_from_slice(&bytes[..part]);
                self.known += part;
                bytes.advance(part);
                if self.known < HEAD {
                    return Ok(());
                }
                self.missing = usize::try_from(u32::from_be_bytes(self.head)).map_err(|_| TooLong)?;
                if self.missing > self.longest {
                    return Err(TooLong);
                }
                self.body = BytesMut::with_capacity(self.missing);
            }
            let part = bytes.len().min(self.missing);
            self.body.extend_from_slice(&bytes[..part]);
            self.missing -= part;
            bytes.advance(part);
            if self.missing > 0 {
                return Ok(());
            }
            self.known = 0;
            whole(core::mem::take(&mut self.body).freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(frames: &[Vec<u8>]) -> Vec<u8> {
        frames.iter().flat_map(|frame| [&head(frame.len()).unwrap()[..], frame].concat()).collect()
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_in_whatever_parts_it_comes(
            frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8),
            part in 1..50_usize,
        ) {
            let (mut parser, mut read) = (Frames::new(40), Vec::new());
            for bytes in written(&frames).chunks(part) {
                parser.take(Bytes::copy_from_slice(bytes), |frame| read.push(frame.to_vec())).unwrap();
            }
            prop_assert_eq!(read, frames);
        }

        #[test]
        fn any_bytes_are_frames_within_the_bound_or_too_long(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 0..20),
        ) {
            let mut parser = Frames::new(300);
            for bytes in parts {
                let mut longest = 0;
                let taken = parser.take(bytes.into(), |frame| longest = longest.max(frame.len()));
                prop_assert!(longest <= 300);
                if taken.is_err() {
                    break;
                }
            }
        }
    }

    #[test]
    fn a_frame_longer_than_was_allowed_is_refused_by_its_length_alone() {
        let mut parser = Frames::new(300);
        let told = Bytes::copy_from_slice(&head(301).unwrap());
        assert_eq!(parser.take(told, |_| panic!("a frame")), Err(TooLong));
        assert_eq!(parser.body.capacity(), 0);
    }
}
