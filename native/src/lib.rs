//! PrivyDrop outside a browser: the session's transport over webrtc-rs, and its host on tokio.
//!
//! Knows no protocol rule: all of them are in `privydrop-common`. Serves the terminal program and the desktop app alike,
//! and knows neither.

pub mod disk;
pub mod transport;
