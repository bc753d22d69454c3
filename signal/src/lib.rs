//! PrivyDrop's signaling server: it introduces devices to each other, serves the web app, and forgets.
//!
//! Never sees contents, file names, sizes or keys: pairs talk through opaque bodies that it passes on. The
//! program is [`server::start`] with the settings of [`config::Config`]; tests start as many as they like.

pub mod address;
pub mod check;
pub mod config;
pub mod directory;
pub mod drain;
pub mod house;
pub mod http;
pub mod limits;
pub mod listen;
pub mod log;
pub mod metrics;
pub mod origin;
pub mod outbox;
pub mod refusal;
pub mod rooms;
pub mod server;
pub mod service;
mod shared;
pub mod socket;
pub mod store;
pub mod ticket;
pub mod tls;
pub mod turn;
pub mod upgrade;
pub mod visit;
pub mod web_app;
pub mod wire;
