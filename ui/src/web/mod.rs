//! The browser as a platform: WebRTC, files, storage, the signal socket and the clock, through web-sys.
//!
//! Everything here carries out what the session decided; nothing here decides, words a message, or draws. The
//! files have the names of their native counterparts where there is one.

mod clock;
pub mod files;
pub mod host;
pub mod js;
pub mod lock;
mod mailbox;
mod pack;
pub mod pick;
pub mod places;
mod shape;
mod signal;
mod sink;
pub mod store;
mod stream;
mod transport;
mod unwanted;
