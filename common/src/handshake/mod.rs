//! "Bind/1": two members prove to each other that they hold the same secret, through a server that may be hostile.
//!
//! Three messages give both sides fresh keys; under them travel the connection's descriptions, and a tag binds its
//! certificates. Each state is a type that holds only its own data, and each step consumes the last: nothing can be
//! skipped, repeated or taken out of order. Never falls back, never retries, counts no guesses (see
//! [`crate::guesses`]), and never sends: bytes go in and out. See docs/PROTOCOL.md §2.

mod cpace;
mod message;
mod sealed;
#[cfg(test)]
mod tests;

use rand_core::CryptoRng;
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use self::cpace::{Cpace, Exchange, Inputs, InvalidShare};
use self::sealed::{Keys, Role, Transcript};
use crate::code::{LinkSecret, RoomKey, Words, redacted};
use crate::id::{PeerId, RoomId};

pub use self::message::{
    Caps, Confirm, Hello, InvalidPairMessage, Kind, MAX_MESSAGE, MENDS, PairMessage, Reply,
};
pub use self::sealed::{BoxError, Sealed, SealedBox};

/// What both sides must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// The words of a code.
    Words(Words),
    /// The secret of a link.
    Link(LinkSecret),
    /// The room key.
    Room(RoomKey),
}

impl Secret {
    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Words(_) => Kind::Words,
            Self::Link(_) => Kind::Link,
            Self::Room(_) => Kind::Room,
        }
    }

    /// Kind and secret: PRS of the exchange.
    fn password(&self) -> Zeroizing<Vec<u8>> {
        let mut password = Zeroizing::new(vec![self.kind().letter()]);
        match self {
            Self::Words(words) => password.extend(Zeroizing::new(words.to_string()).bytes()),
            Self::Link(secret) => password.extend(secret.as_bytes()),
            Self::Room(key) => password.extend(key.as_bytes()),
        }
        password
    }
}

/// Why a handshake ended. There is no way to go on: a new one may be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// The hello asks for another kind of secret than the one offered to it.
    #[error("the other device uses another kind of secret")]
    WrongKind,
    /// A share that is no usable group element. Honest devices never send one.
    #[error("the other device sent an unusable key")]
    InvalidShare,
    /// The other side does not hold the same secret, or somebody in between changed a message.
    #[error("the other device does not have the same secret")]
    WrongSecret,
    /// The tag was right, but the box beside it does not open.
    #[error(transparent)]
    Box(#[from] BoxError),
}

impl From<InvalidShare> for HandshakeError {
    fn from(_: InvalidShare) -> Self {
        Self::InvalidShare
    }
}

/// Each part behind its length as eight bytes, so that no two lists of parts look the same.
fn length_value(parts: &[&[u8]]) -> Vec<u8> {
    parts.iter().flat_map(|part| [&(part.len() as u64).to_be_bytes()[..], part].concat()).collect()
}

/// Who takes which part, and what it can do: ADa or ADb of the exchange.
fn associated(member: PeerId, role: Role, caps: Caps) -> Vec<u8> {
    length_value(&[&member.to_bytes(), &[role.letter()], &caps.to_bytes()])
}

fn inputs(room: &RoomId, secret: &Secret, session: [u8; 16], initiator: Vec<u8>) -> Inputs {
    let kind = [secret.kind().letter()];
    let channel = length_value(&[b"privydrop/1", room.as_str().as_bytes(), &kind]);
    Inputs { password: secret.password(), channel, session, initiator }
}

fn transcript(hello: &Hello, initiator: &[u8], share: &[u8; 32], responder: &[u8]) -> Transcript {
    let kind = [hello.kind.letter()];
    let said = length_value(&[&kind, &hello.session, &hello.share, initiator, share, responder]);
    Sha512::digest(said).into()
}

/// Guest, after its hello.
pub struct Initiator {
    exchange: Cpace,
    hello: Hello,
    associated: Vec<u8>,
    peer: PeerId,
}

impl Initiator {
    /// Begins with `peer`. The hello may be sent again unchanged; answers to it are told apart by their keys.
    pub fn start(
        room: &RoomId,
        me: PeerId,
        peer: PeerId,
        secret: &Secret,
        caps: Caps,
        rng: &mut impl CryptoRng,
    ) -> (Self, Hello) {
        let associated = associated(me, Role::Guest, caps);
        let mut session = [0; 16];
        loop {
            rng.fill_bytes(&mut session);
            // Fails if the secret maps to the neutral element, about once in 2²⁵² sessions.
            if let Ok((exchange, share)) =
                Cpace::start(&inputs(room, secret, session, associated.clone()), rng)
            {
                let hello = Hello { kind: secret.kind(), session, share, caps };
                return (Self { exchange, hello: hello.clone(), associated, peer }, hello);
            }
        }
    }

    /// Takes the host's reply and gives the offer inside.
    ///
    /// # Errors
    /// [`HandshakeError::WrongSecret`] is what a wrong code or link, and a server in between, look like.
    pub fn accept(self, reply: &Reply) -> Result<(Confirming, Vec<u8>), HandshakeError> {
        let responder = associated(self.peer, Role::Host, reply.caps);
        let exchanged = self.exchange.finish(&reply.share, &responder)?;
        let transcript = transcript(&self.hello, &self.associated, &reply.share, &responder);
        let keys = Keys::derive(&exchanged, transcript).ok_or(HandshakeError::InvalidShare)?;
        if !keys.proves(Role::Host, &reply.tag) {
            return Err(HandshakeError::WrongSecret);
        }
        let mut sealed = Sealed::new(keys, Role::Guest, self.hello.caps, reply.caps);
        let offer = sealed.open(&reply.offer)?;
        Ok((Confirming { sealed }, offer))
    }
}

/// Guest, after the host has proved itself.
pub struct Confirming {
    sealed: Sealed,
}

impl Confirming {
    /// Proves this side in turn and sends the answer along.
    pub fn confirm(mut self, answer: &[u8]) -> (Sealed, Confirm) {
        let tag = self.sealed.keys().tag(Role::Guest);
        let answer = self.sealed.seal(answer);
        (self.sealed, Confirm { tag, answer })
    }
}

/// Host, with a hello in hand.
pub struct Responder {
    sealed: Sealed,
    share: [u8; 32],
}

impl Responder {
    /// Takes a hello from `peer`. With words, count it as a guess before replying.
    ///
    /// # Errors
    /// [`HandshakeError::WrongKind`] and [`HandshakeError::InvalidShare`]; neither has told the peer anything.
    pub fn answer(
        room: &RoomId,
        me: PeerId,
        peer: PeerId,
        secret: &Secret,
        caps: Caps,
        hello: &Hello,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, HandshakeError> {
        if hello.kind != secret.kind() {
            return Err(HandshakeError::WrongKind);
        }
        let initiator = associated(peer, Role::Guest, hello.caps);
        let responder = associated(me, Role::Host, caps);
        let inputs = inputs(room, secret, hello.session, initiator);
        let (share, exchanged) = Cpace::respond(&inputs, &hello.share, &responder, rng)?;
        let transcript = transcript(hello, &inputs.initiator, &share, &responder);
        let keys = Keys::derive(&exchanged, transcript).ok_or(HandshakeError::InvalidShare)?;
        Ok(Self { sealed: Sealed::new(keys, Role::Host, caps, hello.caps), share })
    }

    /// Proves this side and sends the offer along, readable only for a holder of the secret.
    pub fn reply(mut self, offer: &[u8]) -> (AwaitingConfirm, Reply) {
        let (tag, caps) = (self.sealed.keys().tag(Role::Host), self.sealed.caps());
        let offer = self.sealed.seal(offer);
        (AwaitingConfirm { sealed: self.sealed }, Reply { share: self.share, caps, tag, offer })
    }
}

/// Host, after its reply: the guest has yet to prove itself.
pub struct AwaitingConfirm {
    sealed: Sealed,
}

impl AwaitingConfirm {
    /// Takes the guest's proof and gives the answer inside.
    pub fn finish(mut self, confirm: &Confirm) -> Result<(Sealed, Vec<u8>), HandshakeError> {
        if !self.sealed.keys().proves(Role::Guest, &confirm.tag) {
            return Err(HandshakeError::WrongSecret);
        }
        let answer = self.sealed.open(&confirm.answer)?;
        Ok((self.sealed, answer))
    }
}

redacted!(Initiator, Confirming, Responder, AwaitingConfirm);
