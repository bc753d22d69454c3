//! WebRTC outside a browser: a webrtc-rs peer connection with two negotiated data channels, and further ones with one,
//! behind [`Transport`].
//!
//! The session holds a thin handle; tasks own the connections. Decides nothing: the session does. Never trusts a
//! peer with more memory than [`privydrop_common::inbox::MAX_QUEUED`], and never logs an address or a frame.

mod connection;
mod lanes;
mod link;
mod negotiate;
mod outbox;
mod path;
mod quic;
mod settings;
mod shared;
mod socket;
mod terms;
mod turn;
mod udp;

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use privydrop_common::signaling::IceServer;
use privydrop_common::transport::{Closed, Happened, Lane, LanePlan, Step, Transport};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use self::negotiate::MAX_STEPS;
use self::settings::Setup;
use self::shared::Shared;

/// Makes links; one per program.
#[derive(Debug, Clone)]
pub struct WebRtc {
    runtime: Handle,
    setup: Setup,
}

impl WebRtc {
    /// Asks the system once how large a socket's buffers may be. Links run on `runtime`, which needs its network and
    /// time drivers.
    pub fn new(runtime: Handle) -> Self {
        Self::with_buffers(runtime, socket::WANTED_BUFFER)
    }

    /// As [`WebRtc::new`], but asks for socket buffers of `bytes`: to see how links do where a system grants no more.
    pub fn with_buffers(runtime: Handle, bytes: usize) -> Self {
        let buffer = bytes.min(socket::WANTED_BUFFER);
        let setup = Setup { buffer, window: socket::receive_window(buffer), relay_only: false, quic: true };
        Self { runtime, setup }
    }

    /// The same, but for links that go through a relay or nowhere (RFC 8828, mode 4 without its proxy): peers learn no
    /// address of this device, and what they say of theirs is used by the relay alone.
    #[must_use]
    pub fn relay_only(mut self) -> Self {
        self.setup.relay_only = true;
        self
    }

    /// The same, but for links that speak no QUIC, as an older program's: to see that they get on with those that do.
    #[doc(hidden)]
    #[must_use]
    pub fn without_quic(mut self) -> Self {
        self.setup.quic = false;
        self
    }

    /// How many data lanes links have here, and are best off with.
    pub fn lanes(&self) -> LanePlan {
        self.setup.lanes()
    }

    /// A new, idle link that will use these servers.
    pub fn connect(&self, ice: &[IceServer]) -> NativeTransport {
        let shared = Arc::new(Shared::default());
        let (first, further) = (mpsc::channel(MAX_STEPS), mpsc::channel(MAX_STEPS));
        let waiting = [first.1, further.1];
        self.runtime.spawn(link::run(Arc::clone(&shared), self.setup, ice.to_vec(), waiting));
        NativeTransport { shared, steps: Some(Steps { first: first.0, further: further.0 }) }
    }
}

/// One link outside a browser. Dropping it closes the link.
#[derive(Debug)]
pub struct NativeTransport {
    shared: Arc<Shared>,
    /// The link's task ends once this is gone.
    steps: Option<Steps>,
}

/// Ways to the link's task.
#[derive(Debug)]
struct Steps {
    /// About its first connection.
    first: mpsc::Sender<Step>,
    /// About further lanes.
    further: mpsc::Sender<Step>,
}

impl Steps {
    fn send(&self, step: Step) -> Result<(), TrySendError<Step>> {
        match step {
            Step::Lane(..) => self.further.try_send(step),
            Step::IceServers(_) => {
                self.further.try_send(step.clone())?;
                self.first.try_send(step)
            }
            _ => self.first.try_send(step),
        }
    }
}

impl NativeTransport {
    /// Data frames that came and went over QUIC.
    #[doc(hidden)]
    pub fn carried_by_quic(&self) -> [u64; 2] {
        self.shared.carried()
    }
}

impl Transport for NativeTransport {
    fn negotiate(&mut self, step: Step) {
        if let Some(steps) = &self.steps
            && let Err(TrySendError::Full(_)) = steps.send(step)
        {
            self.shared.close(Closed::BadDescription);
        }
    }

    fn send(&mut self, lane: Lane, frame: Bytes) {
        if self.steps.is_some() {
            self.shared.send(lane, frame);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Happened> {
        self.shared.poll(cx)
    }

    fn close(&mut self) {
        self.steps = None;
        self.shared.end();
    }
}
