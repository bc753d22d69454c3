//! Files: read where they are shared, written where they are received. Decides nothing: the session does.
//!
//! All of it runs on a few threads of its own, never on those that serve the network. Nothing here follows a
//! symbolic link, overwrites anything, or reaches outside of the directory that a person chose.

mod directory;
mod files;
mod journal;
mod pick;
mod places;
mod platform;
mod store;
#[cfg(test)]
mod tests;
mod unfinished;
mod workers;

pub(crate) use files::Files;
pub(crate) use pick::pick;
pub use pick::{NotPicked, Picked, Skipped};
pub(crate) use places::Places;
pub(crate) use store::Stores;
pub use unfinished::{Unfinished, unfinished};
pub(crate) use workers::Workers;
