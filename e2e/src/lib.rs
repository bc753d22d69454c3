//! The harness of the end-to-end tests: real browsers, the real server, a real Redis, files with known content.
//!
//! Everything it starts has its own port and its own temporary folder, and ends when its value is dropped.
//! Waits poll what the page shows and give up only when nothing changes any more; nothing here sleeps a fixed time
//! and hopes. It knows the page by the automation handles of the documentation, and by nothing else.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test harness fails by panicking, and says what it saw"
)]

pub mod app;
pub mod bench;
pub mod browser;
pub mod bus;
pub mod coturn;
pub mod faults;
pub mod fixture;
pub mod hostile;
pub mod page;
pub mod process;
pub mod raw;
pub mod received;
pub mod redis;
pub mod screen;
pub mod server;
pub mod shown;
pub mod space;
pub mod terminal;
pub mod tree;
pub mod usage;
