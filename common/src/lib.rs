//! Every rule of PrivyDrop's three conversations, as pure state machines.
//!
//! What goes in is an input and a [`time::Moment`]; what comes out is drained as actions. Nothing here opens a
//! socket or a file, reads a clock, draws a random number of its own, or knows a platform. The single async file
//! is [`drive`]; everything else can be stepped by hand in a test.

pub mod api;
pub mod bridge;
pub mod catalog;
pub mod code;
pub mod drive;
pub mod few;
pub mod guesses;
pub mod handshake;
pub mod host;
pub mod id;
pub mod inbox;
pub mod journal;
mod link;
pub mod mail;
pub mod mailbox;
pub mod name;
mod order;
pub mod path;
pub mod pieces;
mod rate;
pub mod sdp;
pub mod session;
pub mod signaling;
pub mod text;
pub mod time;
mod transfer;
pub mod transport;
pub mod wire;
