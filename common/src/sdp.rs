//! The gate for session descriptions and candidates: nothing from a peer reaches a WebRTC stack unchecked.
//!
//! Checks only what the pair's security rests on — size, shape, one data section, one certificate fingerprint —
//! and leaves the meaning of all other lines to the stack. Rewrites nothing.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest session description, in bytes.
pub const MAX_SDP: usize = 16 * 1024;
/// Longest candidate line, in bytes.
pub const MAX_CANDIDATE: usize = 1024;
/// Longest media id that a candidate names, in bytes.
pub const MAX_MID: usize = 64;
/// Most candidates that are taken from one peer for one connection.
pub const MAX_CANDIDATES: usize = 64;

/// Why a session description or candidate is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Longer than [`MAX_SDP`], [`MAX_CANDIDATE`] or [`MAX_MID`].
    #[error("the connection description is too long")]
    TooLong,
    /// A control character, or a line that is not `letter=value`.
    #[error("the connection description has a line that is none")]
    Line,
    /// Not exactly one media section, or not one of data channels.
    #[error("the connection description is not one of a data connection alone")]
    Media,
    /// No fingerprint.
    #[error("the connection description names no certificate")]
    NoFingerprint,
    /// A fingerprint that is not SHA-256, or cannot be read.
    #[error("the connection description names a certificate in a form that is not accepted")]
    Fingerprint,
    /// Two different fingerprints.
    #[error("the connection description names two certificates")]
    TwoFingerprints,
}

/// SHA-256 of a DTLS certificate.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02X}", if number == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = SdpError;

    /// Reads 32 pairs of hex digits parted by colons.
    fn from_str(text: &str) -> Result<Self, SdpError> {
        let (mut bytes, mut pairs) = ([0; 32], text.split(':'));
        for byte in &mut bytes {
            let pair =
                pairs.next().filter(|pair| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit()));
            *byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).ok_or(SdpError::Fingerprint)?;
        }
        if pairs.next().is_none() { Ok(Self(bytes)) } else { Err(SdpError::Fingerprint) }
    }
}

/// A session description of one data connection with exactly one certificate.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Sdp {
    text: String,
    fingerprint: Fingerprint,
}

impl Sdp {
    /// Checks a description, our own stack's as well as a peer's.
    pub fn parse(text: &str) -> Result<Self, SdpError> {
        if text.len() > MAX_SDP {
            return Err(SdpError::TooLong);
        }
        let (mut media, mut fingerprint) = (0, None);
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            let line = line.strip_suffix('\r').unwrap_or(line);
            let (kind, value) = split_line(line)?;
            match kind {
                b'm' if value.starts_with("application ") => media += 1,
                b'm' => return Err(SdpError::Media),
                b'a' => match fingerprint_of(value)? {
                    Some(found) if fingerprint.is_some_and(|known| known != found) => {
                        return Err(SdpError::TwoFingerprints);
                    }
                    found => fingerprint = fingerprint.or(found),
                },
                _ => {}
            }
        }
        if media != 1 {
            return Err(SdpError::Media);
        }
        let fingerprint = fingerprint.ok_or(SdpError::NoFingerprint)?;
        Ok(Self { text: text.to_owned(), fingerprint })
    }

    /// The only certificate that this side of the connection may show.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The description as it came.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn split_line(line: &str) -> Result<(u8, &str), SdpError> {
    match line.as_bytes() {
        [kind @ b'a'..=b'z', b'=', ..] if !line.contains(char::is_control) => Ok((*kind, &line[2..])),
        _ => Err(SdpError::Line),
    }
}

/// The fingerprint in an attribute, if it is one. Lenient about case and blanks in the name, and strict with names that
/// only hold the word, so that no stack sees a fingerprint that this gate overlooks.
fn fingerprint_of(attribute: &str) -> Result<Option<Fingerprint>, SdpError> {
    let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
    if !name.to_ascii_lowercase().contains("fingerprint") {
        return Ok(None);
    }
    if !name.trim().eq_ignore_ascii_case("fingerprint") {
        return Err(SdpError::Fingerprint);
    }
    let (hash, value) = value.split_once(' ').ok_or(SdpError::Fingerprint)?;
    if !hash.eq_ignore_ascii_case("sha-256") {
        return Err(SdpError::Fingerprint);
    }
    value.parse().map(Some)
}

impl fmt::Debug for Sdp {
    /// Addresses stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sdp({} bytes)", self.text.len())
    }
}

impl From<Sdp> for String {
    fn from(sdp: Sdp) -> Self {
        sdp.text
    }
}

impl TryFrom<String> for Sdp {
    type Error = SdpError;
    fn try_from(text: String) -> Result<Self, SdpError> {
        Self::parse(&text)
    }
}

/// One ICE candidate, in the terms of `RTCIceCandidateInit`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "CandidateParts", try_from = "CandidateParts")]
pub struct Candidate {
    candidate: String,
    mid: Option<String>,
    line_index: Option<u16>,
}

type CandidateParts = (String, Option<String>, Option<u16>);

impl Candidate {
    /// Checks bounds: one line of at most [`MAX_CANDIDATE`] bytes, empty at the end of candidates.
    pub fn new(candidate: String, mid: Option<String>, line_index: Option<u16>) -> Result<Self, SdpError> {
        let id = mid.as_deref().unwrap_or_default();
        if candidate.len() > MAX_CANDIDATE || id.len() > MAX_MID {
            return Err(SdpError::TooLong);
        }
        if candidate.contains(char::is_control) || id.contains(char::is_control) {
            return Err(SdpError::Line);
        }
        Ok(Self { candidate, mid, line_index })
    }

    /// The candidate line; empty at the end of candidates.
    pub fn as_str(&self) -> &str {
        &self.candidate
    }

    /// The media section's id.
    pub fn mid(&self) -> Option<&str> {
        self.mid.as_deref()
    }

    /// The media section's number.
    pub fn line_index(&self) -> Option<u16> {
        self.line_index
    }
}

impl fmt::Debug for Candidate {
    /// Addresses stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Candidate({} bytes)", self.candidate.len())
    }
}

impl From<Candidate> for CandidateParts {
    fn from(candidate: Candidate) -> Self {
        (candidate.candidate, candidate.mid, candidate.line_index)
    }
}

impl TryFrom<CandidateParts> for Candidate {
    type Error = SdpError;
    fn try_from((candidate, mid, line_index): CandidateParts) -> Result<Self, SdpError> {
        Self::new(candidate, mid, line_index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEX: &str =
        "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

    fn offer(extra: &str) -> String {
        format!(
            "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 {HEX}\r\n\
             m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n{extra}"
        )
    }

    proptest! {
        #[test]
        fn any_text_is_a_description_or_a_typed_error(text in "([vma]=|fingerprint:|sha-256 |[0-9A-F:]|\r|\n|\\PC)*") {
            let _ = Sdp::parse(&text);
        }

        #[test]
        fn any_change_of_one_fingerprint_of_two_is_refused(byte in 0usize..32) {
            let other = HEX.parse::<Fingerprint>().map(|mut other| { other.0[byte] ^= 1; other }).unwrap();
            let text = offer(&format!("a=fingerprint:sha-256 {other}\r\n"));
            prop_assert_eq!(Sdp::parse(&text), Err(SdpError::TwoFingerprints));
        }
    }

    #[test]
    fn a_description_with_one_certificate_passes_unchanged() {
        for text in
            [offer(""), offer(&format!("a=fingerprint:SHA-256 {HEX}\r\n")), offer("a=x").replace('\r', "")]
        {
            let sdp = Sdp::parse(&text).unwrap();
            assert_eq!((sdp.as_str(), sdp.fingerprint().to_string().as_str()), (text.as_str(), HEX));
            let encoded = postcard::to_allocvec(&sdp).unwrap();
            assert_eq!(postcard::from_bytes::<Sdp>(&encoded), Ok(sdp));
        }
    }

    #[test]
    fn a_hostile_description_is_refused_with_its_reason() {
        let cases = [
            (offer("a=fingerprint:sha-1 00:11\r\n"), SdpError::Fingerprint),
            (offer("a=fingerprint:sha-512 00:11\r\n"), SdpError::Fingerprint),
            (offer("a=Fingerprint:sha-1 00:11\r\n"), SdpError::Fingerprint),
            (offer("a= fingerprint :sha-1 00:11\r\n"), SdpError::Fingerprint),
            (offer("a=fingerprint\r\n"), SdpError::Fingerprint),
            (offer(&format!("a=/Fingerprint:sha-256 {HEX}\r\n")), SdpError::Fingerprint),
            (offer(&format!("a=fingerprint:sha-256 {HEX}:00\r\n")), SdpError::Fingerprint),
            (offer(&format!("a=fingerprint:sha-256  {HEX}\r\n")), SdpError::Fingerprint),
            (offer(&format!("a=fingerprint:sha-256 +{}\r\n", &HEX[1..])), SdpError::Fingerprint),
            (offer("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"), SdpError::Media),
            (offer("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"), SdpError::Media),
            (offer("a=x\0\r\n"), SdpError::Line),
            (offer("a=x\u{85}\r\n"), SdpError::Line),
            (offer("a=x\ra=y\r\n"), SdpError::Line),
            (offer(" a=x\r\n"), SdpError::Line),
            (offer("\r\n\r\n"), SdpError::Line),
            (offer(&"a=x\r\n".repeat(4000)), SdpError::TooLong),
            (offer("").replace("application", "video"), SdpError::Media),
            (offer("").replace("a=fingerprint", "a=finger"), SdpError::NoFingerprint),
            ("v=0\r\n".to_owned(), SdpError::Media),
            (String::new(), SdpError::Line),
        ];
        for (text, reason) in cases {
            assert_eq!(Sdp::parse(&text), Err(reason), "{text}");
        }
    }

    #[test]
    fn a_candidate_is_one_short_line() {
        let new = |text: &str| Candidate::new(text.to_owned(), Some("0".to_owned()), Some(0));
        assert!(new("candidate:1 1 udp 1 192.0.2.1 1 typ host").is_ok() && new("").is_ok());
        assert_eq!(new("candidate:1\r\na=x"), Err(SdpError::Line));
        assert_eq!(new(&"x".repeat(MAX_CANDIDATE + 1)), Err(SdpError::TooLong));
        assert_eq!(Candidate::new(String::new(), Some("m".repeat(65)), None), Err(SdpError::TooLong));
        let forged = postcard::to_allocvec(&("a\nb", None::<String>, None::<u16>)).unwrap();
        assert!(postcard::from_bytes::<Candidate>(&forged).is_err());
    }
}
