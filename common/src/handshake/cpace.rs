//! CPace over ristretto255 with SHA-512 (draft-irtf-cfrg-cpace), in its initiator-responder mode.
//!
//! The only file that knows which crate does it. Turns a shared secret of few bits into a key of many; says nothing
//! about whether the other side has the same.

use pakery_cpace::{CpaceInitiator, CpaceMode, CpaceOutput, CpaceResponder, InitiatorState};
use pakery_crypto::CpaceRistretto255;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// What one side sends: an encoded group element.
pub(super) type Share = [u8; 32];
/// The key that both sides have if, and only if, their inputs were the same.
pub(super) type Key = Zeroizing<Vec<u8>>;

/// The other side's share is not a group element, or one that would give its key away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InvalidShare;

/// What both sides put in, besides the shares: PRS, CI, sid and ADa of the draft.
pub(super) struct Inputs {
    pub(super) password: Zeroizing<Vec<u8>>,
    pub(super) channel: Vec<u8>,
    pub(super) session: [u8; 16],
    pub(super) initiator: Vec<u8>,
}

/// A balanced password-authenticated key exchange in two messages.
pub(super) trait Exchange: Sized {
    /// Begins; the share goes to the responder.
    fn start(inputs: &Inputs, rng: &mut impl CryptoRng) -> Result<(Self, Share), InvalidShare>;

    /// Ends with the responder's share and its associated data.
    fn finish(self, share: &Share, responder: &[u8]) -> Result<Key, InvalidShare>;

    /// The responder's whole part.
    fn respond(
        inputs: &Inputs,
        share: &Share,
        responder: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<(Share, Key), InvalidShare>;
}

/// The exchange in use.
pub(super) struct Cpace(InitiatorState<CpaceRistretto255>);

const MODE: CpaceMode = CpaceMode::InitiatorResponder;

impl Exchange for Cpace {
    fn start(inputs: &Inputs, rng: &mut impl CryptoRng) -> Result<(Self, Share), InvalidShare> {
        let Inputs { password, channel, session, initiator } = inputs;
        let (share, state) =
            CpaceInitiator::start(password, channel, session, initiator, rng).map_err(|_| InvalidShare)?;
        Ok((Self(state), fixed(&share)?))
    }

    fn finish(self, share: &Share, responder: &[u8]) -> Result<Key, InvalidShare> {
        self.0.finish(share, responder, MODE).map(key).map_err(|_| InvalidShare)
    }

    fn respond(
        inputs: &Inputs,
        share: &Share,
        responder: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<(Share, Key), InvalidShare> {
        let Inputs { password, channel, session, initiator } = inputs;
        let (own, output) = CpaceResponder::<CpaceRistretto255>::respond(
            share, password, channel, session, initiator, responder, MODE, rng,
        )
        .map_err(|_| InvalidShare)?;
        Ok((fixed(&own)?, key(output)))
    }
}

fn fixed(share: &[u8]) -> Result<Share, InvalidShare> {
    share.try_into().map_err(|_| InvalidShare)
}

fn key(output: CpaceOutput) -> Key {
    Zeroizing::new(output.isk.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    //! Vectors of draft-irtf-cfrg-cpace-21, appendix B.3.

    use core::convert::Infallible;

    use rand_core::{TryCryptoRng, TryRng};

    use super::*;

    const YA_SECRET: &str = "da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08";
    const YA: &str = "d6bac480f2c386c394efc7c47adb9925dcd2630b64f240c50f8d0eec482b9157";
    const YB_SECRET: &str = "d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d";
    const YB: &str = "3ea7e0b19560d7c0b0f5734f63b955286dfa8232b5ebe63324e2d9e7433f7258";
    const ISK: &str = "b69effbf61b51d56401c0f65601abe428de8206feaaf0e32198896dcae7b35cd\
                       2b38950a39dfd5d4a79164614c2984f7daa460b588c1e80c3fa2068af7900447";
    /// B.3.11: not an encoding, and the neutral element.
    const INVALID: [&str; 2] = [
        "2b3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c",
        "0000000000000000000000000000000000000000000000000000000000000000",
    ];

    /// Yields one scalar, as 64 little-endian bytes of which the upper half is zero.
    struct Scalar(Vec<u8>);

    impl TryRng for Scalar {
        type Error = Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            unreachable!("scalars are drawn as bytes")
        }
        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            unreachable!("scalars are drawn as bytes")
        }
        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            bytes.fill(0);
            bytes[..32].copy_from_slice(&self.0);
            Ok(())
        }
    }

    impl TryCryptoRng for Scalar {}

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    }

    fn share(text: &str) -> Share {
        hex(text).try_into().unwrap()
    }

    fn inputs() -> Inputs {
        Inputs {
            password: Zeroizing::new(b"Password".to_vec()),
            channel: b"\x0bA_initiator\x0bB_responder".to_vec(),
            session: hex("7e4b4791d6a8ef019b936c79fb7f2c57").try_into().unwrap(),
            initiator: b"ADa".to_vec(),
        }
    }

    #[test]
    fn both_sides_reproduce_the_vectors_of_the_draft() {
        let (state, ya) = Cpace::start(&inputs(), &mut Scalar(hex(YA_SECRET))).unwrap();
        let (yb, isk) = Cpace::respond(&inputs(), &ya, b"ADb", &mut Scalar(hex(YB_SECRET))).unwrap();
        assert_eq!((ya, yb), (share(YA), share(YB)));
        assert_eq!(*isk, hex(ISK));
        assert_eq!(*state.finish(&yb, b"ADb").unwrap(), hex(ISK));
    }

    #[test]
    fn the_drafts_invalid_points_abort_on_both_sides() {
        for point in INVALID {
            let (state, _) = Cpace::start(&inputs(), &mut Scalar(hex(YA_SECRET))).unwrap();
            assert_eq!(state.finish(&share(point), b"ADb").err(), Some(InvalidShare));
            let answer = Cpace::respond(&inputs(), &share(point), b"ADb", &mut Scalar(hex(YB_SECRET)));
            assert_eq!(answer.err(), Some(InvalidShare));
        }
    }
}
