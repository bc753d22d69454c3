//! Being asked to stop: Ctrl-C, and where there is such a thing, SIGTERM.

use std::io;

/// Hears it from its making on; nothing is missed between two waits.
#[cfg(unix)]
pub(crate) struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stop {
    /// Begins to listen. From now on the program is not ended by the system.
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits until somebody asks.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Hears it from its making on; nothing is missed between two waits.
#[cfg(windows)]
pub(crate) struct Stop(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Stop {
    /// Begins to listen. From now on the program is not ended by the system.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self(tokio::signal::windows::ctrl_c()?))
    }

    /// Waits until somebody asks.
    pub(crate) async fn asked(&mut self) {
        let _ = self.0.recv().await;
    }
}
