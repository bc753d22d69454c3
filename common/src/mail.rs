//! Ordered, exactly-once delivery of pair messages over the server's relay, which may drop, repeat and reorder.
//!
//! One [`Mail`] serves one connection attempt of one pair, named by a random stream number. Every letter carries
//! a sequence number (in the relay message) and an acknowledgement; what is not acknowledged is sent again. It knows
//! nothing of what a letter means, and it proves nothing: authenticity is the handshake's affair.

use std::collections::VecDeque;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::few::Few;
use crate::signaling::Body;
use crate::time::Moment;

/// Letters that may wait for acknowledgement, or for an earlier one to arrive. An attempt needs a few dozen.
pub const MAX_WAITING: usize = 128;
/// An acknowledgement waits this long for a letter to ride on.
const ACK_DELAY: Duration = Duration::from_millis(300);
/// First wait before sending again; doubled each time up to [`RESEND_MAX`].
const RESEND_FIRST: Duration = Duration::from_millis(700);
const RESEND_MAX: Duration = Duration::from_secs(2);
/// The same for letters that nothing depends on.
const RESEND_IDLE: Duration = Duration::from_secs(30);
/// Letters that are sent again at once. More follow as soon as some of them are acknowledged: what waited for long is not
/// to be more than a server takes.
const AGAIN_AT_ONCE: usize = 4;

/// One relayed letter, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The attempt that it belongs to.
    pub stream: u32,
    /// Every letter with a lower number arrived.
    ack: u32,
    /// What it brings; `None` for a bare acknowledgement.
    content: Option<Vec<u8>>,
}

impl Letter {
    /// Takes a relayed body apart; `None` when it is not a letter.
    pub fn parse(body: &Body) -> Option<Self> {
        let bytes = Base64UrlUnpadded::decode_vec(body.as_str()).ok()?;
        let (stream, rest) = bytes.split_first_chunk::<4>()?;
        let (ack, content) = rest.split_first_chunk::<4>()?;
        let content = (!content.is_empty()).then(|| content.to_vec());
        Some(Self { stream: u32::from_be_bytes(*stream), ack: u32::from_be_bytes(*ack), content })
    }

    /// The content of a letter that opens a stream.
    pub fn opening(&self) -> Option<&[u8]> {
        self.content.as_deref()
    }

    /// The answer to a letter of a stream that is not known here.
    pub(crate) fn unknown(&self) -> Option<Body> {
        Self { stream: self.stream, ack: u32::MAX, content: None }.to_body()
    }

    /// True for such an answer.
    pub(crate) fn is_unknown(&self) -> bool {
        self.ack == u32::MAX
    }

    /// The body that travels; `None` when its content is too long for one.
    pub fn to_body(&self) -> Option<Body> {
        let mut bytes = Vec::with_capacity(8 + self.content.as_ref().map_or(0, Vec::len));
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(self.ack.to_be_bytes());
        bytes.extend(self.content.iter().flatten());
        Body::new(Base64UrlUnpadded::encode_string(&bytes)).ok()
    }
}

/// Both directions of one attempt.
#[derive(Debug)]
pub struct Mail {
    stream: u32,
    sent: u32,
    unacknowledged: VecDeque<(u32, Vec<u8>)>,
    resend_at: Option<Moment>,
    resend_after: Duration,
    received: u32,
    early: Few<u32, Vec<u8>>,
    ack_at: Option<Moment>,
    outbox: VecDeque<(u32, Option<Vec<u8>>)>,
}

impl Mail {
    /// Nothing sent and nothing received yet.
    pub fn new(stream: u32) -> Self {
        Self {
            stream,
            sent: 0,
            unacknowledged: VecDeque::new(),
            resend_at: None,
            resend_after: RESEND_FIRST,
            received: 0,
            early: Few::default(),
            ack_at: None,
            outbox: VecDeque::new(),
        }
    }

    /// Which attempt it is.
    pub fn stream(&self) -> u32 {
        self.stream
    }

    /// Sends a letter. Beyond [`MAX_WAITING`] unacknowledged ones it is dropped: the attempt is lost anyway.
    pub fn send(&mut self, content: Vec<u8>, now: Moment) {
        if self.is_full() {
            return;
        }
        let seq = self.sent;
        self.sent += 1;
        self.outbox.push_back((seq, Some(content.clone())));
        self.unacknowledged.push_back((seq, content));
        self.resend_at.get_or_insert(now + self.resend_after);
    }

    /// False for a letter whose content was read before. A bare acknowledgement is always new.
    pub(crate) fn is_new(&self, seq: u32, letter: &Letter) -> bool {
        letter.content.is_none() || seq >= self.received
    }

    /// Takes a letter of this stream; returns the contents that are next in order.
    pub fn receive(&mut self, seq: u32, letter: Letter, now: Moment) -> Vec<Vec<u8>> {
        self.acknowledge(letter.ack, now);
        let Some(content) = letter.content else { return Vec::new() };
        self.ack_at.get_or_insert(now + ACK_DELAY);
        if seq >= self.received && self.early.len() < MAX_WAITING {
            self.early.insert(seq, content);
        }
        let mut ready = Vec::new();
        while let Some(content) = self.early.remove(&self.received) {
            self.received += 1;
            ready.push(content);
        }
        ready
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Moment> {
        [self.resend_at, self.ack_at].into_iter().flatten().min()
    }

    /// Sends again what was not acknowledged in time, and acknowledgements that found no letter to ride on. `idle` when
    /// nothing depends on the letters that wait.
    pub fn handle_timeout(&mut self, idle: bool, now: Moment) {
        if self.resend_at.is_some_and(|at| at <= now) {
            // What still waits for the server needs no second copy.
            if self.outbox.is_empty() {
                let again = self.unacknowledged.iter().take(AGAIN_AT_ONCE).cloned();
                self.outbox.extend(again.map(|(seq, content)| (seq, Some(content))));
            }
            self.resend_after = (self.resend_after * 2).min(if idle { RESEND_IDLE } else { RESEND_MAX });
            self.resend_at = Some(now + self.resend_after);
        }
        if self.ack_at.take_if(|at| *at <= now).is_some() && self.outbox.is_empty() {
            self.outbox.push_back((self.sent, None));
        }
    }

    /// Sends again now what waits: it may get through now.
    pub(crate) fn resend(&mut self, now: Moment) {
        self.resend_after = RESEND_FIRST;
        self.resend_at = self.resend_at.map(|_| now);
    }

    /// True when a further letter would be dropped.
    pub(crate) fn is_full(&self) -> bool {
        self.unacknowledged.len() >= MAX_WAITING
    }

    /// Letters that were not acknowledged.
    pub(crate) fn waiting(&self) -> usize {
        self.unacknowledged.len()
    }

    /// True when there is something to send.
    pub(crate) fn has_letters(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Next relay to send: sequence number and body.
    pub fn poll_outbox(&mut self) -> Option<(u32, Body)> {
        let (seq, content) = self.outbox.pop_front()?;
        self.ack_at = None;
        let letter = Letter { stream: self.stream, ack: self.received, content };
        Some((seq, letter.to_body()?))
    }

    fn acknowledge(&mut self, ack: u32, now: Moment) {
        let before = self.unacknowledged.len();
        self.unacknowledged.retain(|(seq, _)| *seq >= ack);
        if self.unacknowledged.is_empty() {
            self.resend_at = None;
            self.resend_after = RESEND_FIRST;
        } else if self.unacknowledged.len() < before {
            // It gets through again: the others follow.
            let wait = if self.resend_after > RESEND_FIRST { Duration::ZERO } else { RESEND_FIRST };
            self.resend_after = RESEND_FIRST;
            self.resend_at = Some(now + wait);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(milliseconds: u64) -> Moment {
        Moment::from_millis(milliseconds)
    }

    /// Carries what `from` posts to `to`, dropping and repeating as `fate` says; returns what became readable.
    fn carry(from: &mut Mail, to: &mut Mail, now: Moment, fate: &mut impl FnMut() -> u8) -> Vec<Vec<u8>> {
        let mut letters = Vec::new();
        while let Some(post) = from.poll_outbox() {
            match fate() % 4 {
                0 => {}
                1 => letters.extend([post.clone(), post]),
                2 => letters.insert(0, post),
                _ => letters.push(post),
            }
        }
        letters
            .into_iter()
            .flat_map(|(seq, body)| to.receive(seq, Letter::parse(&body).unwrap(), now))
            .collect()
    }

    proptest! {
        #[test]
        fn every_letter_arrives_once_and_in_order_over_a_relay_that_drops_repeats_and_reorders(
            fates in prop::collection::vec(any::<u8>(), 300..400),
            count in 1u8..40,
        ) {
            let mut fates = fates.into_iter().chain(std::iter::repeat(3));
            let mut fate = || fates.next().unwrap();
            let (mut a, mut b) = (Mail::new(1), Mail::new(1));
            let mut arrived = Vec::new();
            for number in 0..count {
                a.send(vec![number, 1], at(0));
            }
            for round in 0..200 {
                let now = at(round * 1_000);
                a.handle_timeout(false, now);
                b.handle_timeout(false, now);
                arrived.extend(carry(&mut a, &mut b, now, &mut fate));
                carry(&mut b, &mut a, now, &mut fate);
            }
            let expected: Vec<_> = (0..count).map(|number| vec![number, 1]).collect();
            prop_assert_eq!(arrived, expected);
            prop_assert_eq!((a.poll_timeout(), b.poll_timeout()), (None, None));
        }

        #[test]
        fn any_body_is_a_letter_or_nothing(text in "[A-Za-z0-9_-]{0,80}") {
            if let Ok(body) = Body::new(text) {
                let _ = Letter::parse(&body);
            }
        }
    }

    #[test]
    fn letters_far_ahead_are_kept_within_a_bound() {
        let mut mail = Mail::new(1);
        for seq in 1..10_000 {
            let letter = Letter { stream: 1, ack: 0, content: Some(vec![1]) };
            assert!(mail.receive(seq, letter, at(0)).is_empty());
        }
        assert_eq!(mail.early.len(), MAX_WAITING);
    }
}
