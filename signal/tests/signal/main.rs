//! The server as clients meet it: real sockets, real Redis, real process. No fixed sleeps, no timing asserted.

mod support;

mod rooms;
