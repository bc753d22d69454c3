//! The server as clients meet it: real sockets, real Redis, real process. No fixed sleeps, no timing asserted.

#![cfg(test)]

mod coturn;
mod faulty;
mod redis;
mod support;

mod check;
mod hardening;
mod healing;
mod limits;
mod metrics;
mod nginx;
mod nodes;
mod process;
mod rolling;
mod rooms;
mod slow;
mod store;
mod tls;
mod turn;
mod web;
