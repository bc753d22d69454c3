//! Three nodes on one Redis, terminals that move files behind a balancer, and what becomes of them when nodes and Redis
//! are killed, restarted, emptied. What the nodes do by themselves is tested in the server's own package.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it measured"
)]

mod balancer;
mod site;

mod faults;
mod restarts;
mod store;
