//! What both ends tell each other in descriptions and candidates beside the connection itself: how long a message may
//! be, and with a relay only, no address.
//!
//! The stack loses a message longer than it takes without a word. So it is told to take more than the peer hears of:
//! one message too long then arrives, and is seen to be too long. Pure but for one number.

use std::sync::atomic::{AtomicUsize, Ordering};

use privydrop_common::wire::{MAX_FRAME, PROOF};

use super::settings::{DEFAULT_MESSAGE, LEAST_MESSAGE, Setup};

const MAX_MESSAGE_SIZE: &str = "a=max-message-size:";
const CANDIDATE: &str = "a=candidate:";
/// Bytes of a message that fill one datagram of the stack's. Data frames are a multiple of it: a datagram that is not full
/// ends the batch that leaves at once, and a short batch leaves piece by piece.
const CHUNK: usize = 1160;
/// Longest data frame to a peer whose window holds hardly more than one of the longest: until the last byte of a message
/// is there, all of it fills the window. Nearly 64 KiB.
const SHORT_FRAME: usize = 56 * CHUNK + PROOF;

/// The terms of one link.
#[derive(Debug)]
pub(super) struct Terms {
    /// Peers learn of no address of this device.
    relay_only: bool,
    /// Longest message that the peer may send.
    longest: usize,
    /// Longest message that the peer takes; zero until it told.
    peer_takes: AtomicUsize,
}

impl Terms {
    pub(super) fn new(setup: Setup) -> Self {
        Self {
            relay_only: setup.relay_only,
            longest: setup.longest_message(),
            peer_takes: AtomicUsize::new(0),
        }
    }

    /// Longest message that the peer may send.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Longest message in both directions.
    pub(super) fn max_frame(&self) -> usize {
        self.peer_takes.load(Ordering::Relaxed).min(self.longest)
    }

    /// The longest data frame that suits the peer: whole datagrams, and the value that only few frames end with. Whoever
    /// takes no more than the least that is ever offered has a small window.
    pub(super) fn data_frame(&self) -> usize {
        let has_small_window = self.peer_takes.load(Ordering::Relaxed) <= LEAST_MESSAGE;
        let most = if has_small_window { self.max_frame().min(SHORT_FRAME) } else { self.max_frame() };
        most - most.saturating_sub(PROOF) % CHUNK
    }

    /// The stack's description as the peer is to have it.
    pub(super) fn for_peer(&self, sdp: &str) -> String {
        let lines = sdp.lines().map(|line| match line.strip_prefix(CANDIDATE) {
            Some(candidate) => format!("{CANDIDATE}{}", self.candidate(candidate)),
            None => line.to_owned(),
        });
        with_max_message_size(lines, self.longest)
    }

    /// The peer's description as the stack is to have it.
    pub(super) fn for_stack(&self, sdp: &str) -> String {
        let told = sdp.lines().find_map(|line| line.strip_prefix(MAX_MESSAGE_SIZE)?.trim().parse().ok());
        let takes = match told {
            // Any length (RFC 8841 §6.1).
            Some(0) => MAX_FRAME,
            Some(takes) => takes,
            None => DEFAULT_MESSAGE,
        };
        self.peer_takes.store(takes, Ordering::Relaxed);
        with_max_message_size(sdp.lines().map(str::to_owned), MAX_FRAME)
    }

    /// An own candidate as the peer is to have it: with a relay only, without the address of this device that it was
    /// found from (RFC 8839 §5.1 allows these in its place).
    pub(super) fn candidate(&self, candidate: &str) -> String {
        if !self.relay_only {
            return candidate.to_owned();
        }
        let mut before = "";
        let words = candidate.split(' ').map(|word| match core::mem::replace(&mut before, word) {
            "raddr" => "0.0.0.0",
            "rport" => "9",
            _ => word,
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

/// There is one media section, so the last line belongs to it.
fn with_max_message_size(lines: impl Iterator<Item = String>, size: usize) -> String {
    let kept = lines.filter(|line| !line.starts_with(MAX_MESSAGE_SIZE));
    kept.chain([format!("{MAX_MESSAGE_SIZE}{size}")]).flat_map(|line| [line, "\r\n".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use privydrop_common::id::{FileIndex, TransferId};
    use privydrop_common::sdp::Sdp;
    use privydrop_common::wire::FrameBuilder;
    use proptest::prelude::*;

    use super::*;

    const SDP: &str =
        "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=max-message-size:100000\r\na=mid:0\r\n";

    fn terms(relay_only: bool) -> Terms {
        Terms::new(Setup { buffer: 0, window: 0, relay_only, quic: false })
    }

    #[test]
    fn the_peer_hears_of_less_than_the_stack_takes() {
        let terms = terms(false);
        assert_eq!(terms.longest(), 196_608);
        let without = SDP.replace("a=max-message-size:100000\r\n", "");
        assert_eq!(terms.for_peer(SDP), format!("{without}a=max-message-size:196608\r\n"));
        assert_eq!(terms.for_stack(SDP), format!("{without}a=max-message-size:262144\r\n"));
    }

    proptest! {
        #[test]
        fn what_passed_the_gate_passes_it_again_with_these_terms(
            lines in prop::collection::vec("a=(max-message-size:|candidate:|x)?[ -~é]{0,20}", 0..6),
            relay_only: bool,
        ) {
            let hex = ["AB"; 32].join(":");
            let sdp = format!("{SDP}a=fingerprint:sha-256 {hex}\r\n{}\r\n", lines.join("\r\n"));
            let Ok(sdp) = Sdp::parse(sdp.trim_end()) else { return Ok(()) };
            let terms = terms(relay_only);
            for fit in [terms.for_peer(sdp.as_str()), terms.for_stack(sdp.as_str())] {
                let told = fit.lines().filter(|line| line.starts_with(MAX_MESSAGE_SIZE)).count();
                prop_assert_eq!((Sdp::parse(&fit).map(|fit| fit.fingerprint()), told), (Ok(sdp.fingerprint()), 1));
            }
            prop_assert!(terms.max_frame() <= terms.longest());
        }
    }

    #[test]
    fn no_frame_is_longer_than_either_end_takes() {
        let terms = terms(false);
        assert_eq!(terms.max_frame(), 0);
        for (told, max_frame) in
            [("100000", 100_000), ("16384", 16_384), ("0", 196_608), ("1073741823", 196_608), ("-1", 65_536)]
        {
            terms.for_stack(&SDP.replace("100000", told));
            assert_eq!(terms.max_frame(), max_frame, "{told}");
        }
    }

    #[test]
    fn data_frames_fill_whole_datagrams_and_are_short_where_the_window_is_small() {
        let large = Terms::new(Setup { buffer: 0, window: 4 * 1024 * 1024, relay_only: false, quic: false });
        for (told, datagrams) in [("261120", 225), ("196609", 169), ("196608", 56), ("16384", 14)] {
            large.for_stack(&SDP.replace("100000", told));
            let mut frame = FrameBuilder::new(large.data_frame());
            let piece = vec![1; frame.room()];
            frame.push(TransferId(1), FileIndex(0), 0, None, &piece);
            assert_eq!(frame.finish().len(), datagrams * CHUNK, "{told}");
        }
    }

    #[test]
    fn with_a_relay_only_a_candidate_tells_nothing_of_where_it_was_found_from() {
        let relayed = "candidate:1 1 udp 16777215 192.0.2.1 5000 typ relay raddr 10.0.0.7 rport 4000 ufrag x";
        let hidden = "candidate:1 1 udp 16777215 192.0.2.1 5000 typ relay raddr 0.0.0.0 rport 9 ufrag x";
        assert_eq!(terms(true).candidate(relayed), hidden);
        assert_eq!(terms(false).candidate(relayed), relayed);
        let described = terms(true).for_peer(&format!("{SDP}a={relayed}\r\na=end-of-candidates\r\n"));
        assert!(
            described.contains(&format!("\r\na={hidden}\r\n")) && !described.contains("10.0.0.7"),
            "{described}"
        );
    }
}
