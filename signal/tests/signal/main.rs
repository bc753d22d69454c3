//! The server as clients meet it: real sockets, real Redis, real process. No fixed sleeps, no timing asserted.

mod redis;
mod support;

mod rooms;
mod store;
