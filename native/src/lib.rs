//! PrivyDrop outside a browser: the session's transport over webrtc-rs, and its host on tokio.
//!
//! Knows no protocol rule: all of them are in `privydrop-common`. Serves the terminal program and the desktop app alike,
//! and knows neither.

mod clock;
mod deep_link;
mod device;
pub mod disk;
mod host;
mod mailbox;
mod network;
mod server;
mod signal;
mod tls;
pub mod transport;

pub use deep_link::{DeepLink, InvalidLink};
pub use device::{Device, NotStarted};
pub use host::Connect;
pub use server::{InvalidServer, Server};
pub use tls::trust;
