//! What programs outside a browser take from each other over QUIC: frames in a stream, and which datagrams are QUIC's.
//!
//! These files of `native` are pure and are compiled in as they stand, so that what is fuzzed has no QUIC in it.

#[path = "../../native/src/transport/quic/frames.rs"]
mod frames;
#[path = "../../native/src/transport/quic/sift.rs"]
#[allow(dead_code, reason = "only what reads is called here")]
mod sift;

use bytes::Bytes;
use privydrop_common::wire::MAX_FRAME;

use self::frames::{Frames, TooLong, head};
use self::sift::{is_quic, sift};

/// A stream of frames, cut into parts: the first byte says how long they are.
pub(crate) fn quic_streams(bytes: &[u8]) {
    let Some((&step, stream)) = bytes.split_first() else { return };
    let (frames, ended) = split(stream, stream.len().max(1));
    assert_eq!(split(stream, usize::from(step) + 1), (frames.clone(), ended), "however it is cut");
    let mut written = Vec::new();
    for frame in &frames {
        assert!(frame.len() <= MAX_FRAME);
        written.extend(head(frame.len()).expect("no frame is as long"));
        written.extend(frame);
    }
    assert!(stream.starts_with(&written), "what is read and written again is the same");
}

/// The frames in a stream, and whether it ends in one that is too long.
fn split(stream: &[u8], step: usize) -> (Vec<Bytes>, Result<(), TooLong>) {
    let (mut parser, mut whole) = (Frames::new(MAX_FRAME), Vec::new());
    for part in stream.chunks(step) {
        let taken = parser.take(Bytes::copy_from_slice(part), |frame| whole.push(frame));
        if taken.is_err() {
            return (whole, taken);
        }
    }
    (whole, Ok(()))
}

/// Datagrams that came in one piece: the first byte says how long each is.
pub(crate) fn quic_datagrams(bytes: &[u8]) {
    let Some((&stride, datagrams)) = bytes.split_first() else { return };
    let stride = usize::from(stride).max(1);
    let mut buffer = datagrams.to_vec();
    let (kept, batch) = sift(&mut buffer, stride);
    let taken = batch.map(|batch| batch.bytes).unwrap_or_default();
    assert_eq!(kept + taken.len(), datagrams.len());
    assert!(buffer[..kept].chunks(stride).all(|datagram| !is_quic(datagram)));
    assert!(taken.chunks(stride).all(is_quic));
}

pub(crate) fn stream_seeds() -> Vec<Vec<u8>> {
    let frames = [&b""[..], b"one", &[7; 300]];
    let written = frames.map(|frame| [&head(frame.len()).expect("a short one")[..], frame].concat()).concat();
    let too_long = head(MAX_FRAME + 1).expect("a length").to_vec();
    vec![[&[2], &written[..]].concat(), [&[255], &written[..], &too_long].concat()]
}

pub(crate) fn datagram_seeds() -> Vec<Vec<u8>> {
    vec![b"\x05\x16dtls\x40quic\x17more\xc0lng".to_vec(), b"\x05\xc3all of\x41quic".to_vec()]
}
