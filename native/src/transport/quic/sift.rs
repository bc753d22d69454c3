//! Which datagrams of a shared socket are QUIC's: told by their first byte (RFC 9443 §3, RFC 7983).
//!
//! Pure. Knows no addresses: that what a relay sends may begin like QUIC is for its caller to know.

use bytes::BytesMut;

/// True for a datagram that only QUIC begins like that, on a path without a relay.
pub(crate) fn is_quic(datagram: &[u8]) -> bool {
    matches!(datagram, [0x40..=0x7f | 0xc0..=0xff, ..])
}

/// True for a datagram of DTLS.
pub(crate) fn is_dtls(datagram: &[u8]) -> bool {
    matches!(datagram, [20..=63, ..])
}

/// Datagrams that came in one piece: each `stride` bytes long, the last maybe less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) bytes: BytesMut,
    pub(crate) stride: usize,
}

/// Takes the datagrams of QUIC out of a buffer that several came in; tells how many bytes of others are left at its
/// begin, as long each as they were.
pub(crate) fn sift(buffer: &mut [u8], stride: usize) -> (usize, Option<Batch>) {
    let stride = stride.max(1);
    let count = buffer.chunks(stride).filter(|datagram| is_quic(datagram)).count();
    if count == 0 {
        return (buffer.len(), None);
    }
    if count == buffer.len().div_ceil(stride) {
        return (0, Some(Batch { bytes: BytesMut::from(&*buffer), stride }));
    }
    let (mut kept, mut bytes) = (0, BytesMut::with_capacity(count * stride));
    for begin in (0..buffer.len()).step_by(stride) {
        let end = buffer.len().min(begin + stride);
        if is_quic(&buffer[begin..end]) {
            bytes.extend_from_slice(&buffer[begin..end]);
        } else {
            // Only the last one is shorter, so those that stay are still one after the other.
            buffer.copy_within(begin..end, kept);
            kept += end - begin;
        }
    }
    (kept, Some(Batch { bytes, stride }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_batch_of_both_kinds_is_parted() {
        let mut buffer = *b"\x16dtls\x40quic\x17more\xc0lng";
        let (kept, quic) = sift(&mut buffer, 5);
        assert_eq!(&buffer[..kept], b"\x16dtls\x17more");
        assert_eq!(quic.unwrap().bytes[..], b"\x40quic\xc0lng"[..]);
    }

    proptest! {
        #[test]
        fn every_datagram_is_in_one_of_both_and_in_order(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            stride in 0..40_usize,
        ) {
            let expected = |quic: bool| -> Vec<&[u8]> {
                bytes.chunks(stride.max(1)).filter(|datagram| is_quic(datagram) == quic).collect()
            };
            let mut buffer = bytes.clone();
            let (kept, quic) = sift(&mut buffer, stride);
            let others: Vec<&[u8]> = buffer[..kept].chunks(stride.max(1)).collect();
            prop_assert_eq!(others, expected(false));
            let found = quic.map(|batch| batch.bytes).unwrap_or_default();
            let found: Vec<&[u8]> = found.chunks(stride.max(1)).collect();
            prop_assert_eq!(found, expected(true));
        }

        #[test]
        fn nothing_that_the_webrtc_stack_and_its_servers_say_is_quic(first in 0..=0x3f_u8, rtp in 0x80..=0xbf_u8) {
            prop_assert!(!is_quic(&[first]) && !is_quic(&[rtp]));
        }
    }

    #[test]
    fn an_empty_datagram_is_nobodys() {
        assert!(!is_quic(&[]) && !is_dtls(&[]));
        assert_eq!(sift(&mut [], 1), (0, None));
    }
}
