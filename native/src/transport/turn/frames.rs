//! The messages of TURN on a stream (RFC 8656 §3.1, §12.5; RFC 8489 §6.2.2): where one ends and the next begins.
//!
//! Pure. Lets nothing through but what a TURN client and its server say to each other: a check of ICE or a packet of a
//! peer's, sent to an address that it made up, never reaches the stream.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

/// Longest message, with its header and padding.
pub(super) const MAX_MESSAGE: usize = STUN_HEADER + u16::MAX as usize + 1;
/// Requests that are remembered, so that none is sent twice.
const REMEMBERED: usize = 32;

const STUN_HEADER: usize = 20;
const CHANNEL_HEADER: usize = 4;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
/// The one method of STUN that is not TURN's (RFC 8489 §18.2).
const BINDING: u16 = 0x001;

/// These bytes are no message of TURN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message of TURN")]
pub(super) struct NotTurn;

/// How long a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    message: usize,
    /// With the padding that a stream has behind it (RFC 8656 §12.5).
    padded: usize,
}

impl Extent {
    /// Reads the beginning of a message; `None` while it is too short to tell.
    fn of(bytes: &[u8]) -> Result<Option<Self>, NotTurn> {
        let &[first, _, high, low, ..] = bytes else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        match first {
            // A channel's number (RFC 8656 §12).
            0x40..=0x4F => {
                let message = CHANNEL_HEADER + length;
                Ok(Some(Self { message, padded: message.next_multiple_of(4) }))
            }
            // Two zero bits, and a length in whole words (RFC 8489 §5).
            0x00..=0x3F if length.is_multiple_of(4) => {
                let message = STUN_HEADER + length;
                Ok(Some(Self { message, padded: message }))
            }
            _ => Err(NotTurn),
        }
    }
}

/// True for what a TURN client and its server say to each other.
fn is_turn(message: &[u8]) -> bool {
    match message {
        [0x40..=0x4F, ..] => true,
        [first, second, ..] => method(*first, *second) != BINDING && message.get(4..8) == Some(&COOKIE),
        _ => false,
    }
}

/// The method of a STUN message, whose bits stand between those of its class (RFC 8489 §5, figure 3).
fn method(first: u8, second: u8) -> u16 {
    let kind = u16::from_be_bytes([first, second]);
    (kind & 0x000F) | ((kind & 0x00E0) >> 1) | ((kind & 0x3E00) >> 2)
}

/// From datagrams to a stream.
#[derive(Debug, Default)]
pub(super) struct Framer {
    /// Transactions whose request is on its way.
    sent: VecDeque<[u8; 12]>,
}

impl Framer {
    /// What stands for this datagram in a stream; `None` when it says again what was said, for a stream loses nothing
    /// (RFC 8489 §6.2.2).
    pub(super) fn frame(&mut self, datagram: &[u8]) -> Result<Option<Bytes>, NotTurn> {
        let extent = Extent::of(datagram)?.ok_or(NotTurn)?;
        // In a datagram padding is allowed, not needed.
        if !(extent.message..=extent.padded).contains(&datagram.len()) || !is_turn(datagram) {
            return Err(NotTurn);
        }
        if self.repeats(datagram) {
            return Ok(None);
        }
        let mut framed = BytesMut::with_capacity(extent.padded);
        framed.extend_from_slice(&datagram[..extent.message]);
        framed.resize(extent.padded, 0);
        Ok(Some(framed.freeze()))
    }

    fn repeats(&mut self, datagram: &[u8]) -> bool {
        // Requests have both bits of the class zero.
        let is_request = datagram[0] & 0b1100_0001 == 0 && datagram[1] & 0b0001_0000 == 0;
        let Some(transaction) = datagram.get(8..20).and_then(|bytes| bytes.try_into().ok()) else {
            return false;
        };
        if !is_request {
            return false;
        }
        if self.sent.contains(&transaction) {
            return true;
        }
        if self.sent.len() >= REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back(transaction);
        false
    }
}

/// From a stream to datagrams.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    /// At most one unfinished message, and what was read along with its beginning.
    pub(super) buffer: BytesMut,
}

impl Splitter {
    /// The next whole message, without its padding; `None` when more has to be read. What is no TURN is passed over.
    /// After an error there is no telling where a message begins.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, NotTurn> {
        while let Some(extent) = Extent::of(&self.buffer)? {
            if self.buffer.len() < extent.padded {
                break;
            }
            // Copied, so that a short message keeps no long buffer alive.
            let message = Bytes::copy_from_slice(&self.buffer[..extent.message]);
            self.buffer.advance(extent.padded);
            if is_turn(&message) {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A message of STUN: its kind, and `words` words behind its header.
    fn stun(kind: u16, transaction: u8, words: u16) -> Vec<u8> {
        let mut message = [kind.to_be_bytes(), (words * 4).to_be_bytes()].concat();
        message.extend(COOKIE);
        message.extend([transaction; 12]);
        message.resize(STUN_HEADER + usize::from(words) * 4, 7);
        message
    }

    fn channel_data(number: u16, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).unwrap();
        [&number.to_be_bytes()[..], &length.to_be_bytes(), data].concat()
    }

    const ALLOCATE: u16 = 0x0003;
    const SEND_INDICATION: u16 = 0x0016;

    #[test]
    fn channel_data_is_padded_to_words_in_a_stream_and_nowhere_else() {
        let mut framer = Framer::default();
        let framed = framer.frame(&channel_data(0x4001, b"12345")).unwrap().unwrap();
        assert_eq!(framed[..], [0x40, 1, 0, 5, b'1', b'2', b'3', b'4', b'5', 0, 0, 0]);
        // The same when the client padded it already, as it may.
        let padded = [&channel_data(0x4001, b"12345")[..], &[9, 9, 9]].concat();
        assert_eq!(framer.frame(&padded), Ok(Some(framed.clone())));
        let mut splitter = Splitter { buffer: BytesMut::from(&framed[..]) };
        assert_eq!(splitter.next(), Ok(Some(channel_data(0x4001, b"12345").into())));
        assert!(splitter.buffer.is_empty());
    }

    #[test]
    fn a_request_is_sent_once_and_an_indication_as_often_as_it_is_given() {
        let mut framer = Framer::default();
        assert!(framer.frame(&stun(ALLOCATE, 1, 3)).unwrap().is_some());
        assert_eq!(framer.frame(&stun(ALLOCATE, 1, 3)), Ok(None));
        assert!(framer.frame(&stun(ALLOCATE, 2, 3)).unwrap().is_some());
        for _ in 0..2 {
            assert!(framer.frame(&stun(SEND_INDICATION, 1, 3)).unwrap().is_some());
        }
        for transaction in 0..=255 {
            let _ = framer.frame(&stun(ALLOCATE, transaction, 0));
        }
        assert_eq!(framer.sent.len(), REMEMBERED);
    }

    #[test]
    fn checks_of_ice_and_packets_of_peers_stay_out_of_the_stream() {
        let mut framer = Framer::default();
        let (request, indication, success, error) = (0x0001, 0x0011, 0x0101, 0x0111);
        for kind in [request, indication, success, error] {
            assert_eq!(framer.frame(&stun(kind, 1, 2)), Err(NotTurn), "{kind:#x}");
        }
        let dtls = [22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4];
        let without_cookie = [&stun(ALLOCATE, 1, 0)[..4], &[0; 16]].concat();
        let mut longer = stun(ALLOCATE, 1, 2);
        longer.push(0);
        let cut = &stun(ALLOCATE, 1, 2)[..24];
        let quic = [0xC0; 40];
        for datagram in
            [&dtls[..], &without_cookie, &longer, cut, &quic, &[0x50, 0, 0, 0], &[], &[0x40, 0, 0]]
        {
            assert_eq!(framer.frame(datagram), Err(NotTurn), "{datagram:?}");
        }
    }

    #[test]
    fn what_is_no_turn_in_a_stream_is_passed_over_and_what_has_no_length_ends_it() {
        let bytes = [stun(0x0101, 1, 2), stun(0x0103, 2, 1)].concat();
        let mut splitter = Splitter { buffer: BytesMut::from(&bytes[..]) };
        assert_eq!(splitter.next(), Ok(Some(stun(0x0103, 2, 1).into())));
        assert_eq!(splitter.next(), Ok(None));
        splitter.buffer.extend_from_slice(b"SSH-2.0-OpenSSH_9.2\r\n");
        assert_eq!(splitter.next(), Err(NotTurn));
    }

    fn message() -> impl Strategy<Value = Vec<u8>> {
        let data = prop::collection::vec(any::<u8>(), 0..1_500);
        prop_oneof![
            (0x4000u16..0x5000, data).prop_map(|(number, data)| channel_data(number, &data)),
            // Indications, which may come twice.
            (any::<u8>(), 0u16..300).prop_map(|(transaction, words)| stun(
                SEND_INDICATION,
                transaction,
                words
            )),
        ]
    }

    proptest! {
        #[test]
        fn any_messages_survive_a_stream_that_is_cut_anywhere(
            messages in prop::collection::vec(message(), 0..20), step in 1usize..3_000
        ) {
            let mut framer = Framer::default();
            let stream: Vec<u8> =
                messages.iter().flat_map(|message| framer.frame(message).unwrap().unwrap()).collect();
            prop_assert!(stream.len().is_multiple_of(4));
            let (mut splitter, mut read) = (Splitter::default(), Vec::new());
            for part in stream.chunks(step) {
                splitter.buffer.extend_from_slice(part);
                while let Some(message) = splitter.next().unwrap() {
                    read.push(message.to_vec());
                }
                prop_assert!(splitter.buffer.len() < MAX_MESSAGE);
            }
            prop_assert_eq!(read, messages);
            prop_assert!(splitter.buffer.is_empty());
        }

        #[test]
        fn any_bytes_are_messages_or_a_typed_error(bytes: Vec<u8>) {
            let _ = Framer::default().frame(&bytes);
            let mut splitter = Splitter { buffer: BytesMut::from(&bytes[..]) };
            let mut length = 0;
            while let Ok(Some(message)) = splitter.next() {
                length += message.len();
                prop_assert!(is_turn(&message));
            }
            prop_assert!(length <= bytes.len());
        }
    }
}
