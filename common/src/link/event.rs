//! What a link tells the session: its name, its wishes, its end. Shapes only.

use bytes::Bytes;

use crate::transport::{Lane, Path, Step};
use crate::wire::Control;

/// Names a link within one session; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub(crate) u64);

/// What a link wants done or known.
#[derive(Debug)]
pub(crate) enum LinkEvent {
    /// Make the transport.
    Connect,
    /// Pass to the transport.
    Negotiate(Step),
    /// Pass to the transport.
    Send(Lane, Bytes),
    /// The guest proved that it knows the secret.
    Proved,
    /// Wrong proof from the guest (host's side): to be counted, then [`super::Link::deny`].
    WrongProof,
    /// Both ends are proved and bound: the link is up.
    Up,
    /// Connecting takes long.
    Slow,
    /// A control message.
    Control(Control),
    /// A data frame.
    Data(Bytes),
    /// The data lane has room again.
    Drained,
    /// How bytes travel.
    Path(Path),
    /// So many data lanes are in use.
    Lanes(u8),
    /// Silent for some time, or no more.
    Silent(bool),
    /// Its path is back and carries nothing, after a silence that was shown.
    Stuck,
    /// Its path is being mended: through the server, which had better be there.
    Mending,
    /// It is over.
    Ended(Ending),
}

/// Why a link ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The secret is wrong; tries left, if the host told.
    WrongSecret(Option<u8>),
    /// The host answers no guesses just now.
    Busy,
    /// The other side did not answer in time.
    Silence,
    /// No network path was found, or it was lost.
    NoPath,
    /// The other side closed it.
    ByPeer,
    /// The other side did not prove who it is on the connection itself.
    Unproved,
    /// The other side broke the protocol.
    Violation,
    /// The other side speaks another version.
    Version,
}
