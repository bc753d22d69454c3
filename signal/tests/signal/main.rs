//! The server as clients meet it: real sockets, real Redis, real process. No fixed sleeps, no timing asserted.

#![cfg(test)]

mod redis;
mod support;

mod hardening;
mod healing;
mod limits;
mod nodes;
mod process;
mod rolling;
mod rooms;
mod store;
mod tls;
mod web;
