//! One app for one person: who starts it again hands over what that start was given, and ends.
//!
//! Never looks at what is handed over, and opens nothing.

#[cfg(target_os = "linux")]
mod bus;
#[cfg(not(target_os = "linux"))]
mod plugin;

#[cfg(target_os = "linux")]
pub(crate) use bus::{First, take};
#[cfg(target_os = "linux")]
pub(super) use bus::{close, follow, plugin};
#[cfg(not(target_os = "linux"))]
pub(crate) use plugin::{First, take};
#[cfg(not(target_os = "linux"))]
pub(super) use plugin::{close, follow, plugin};

/// The app runs already, and does not answer.
#[derive(Debug, thiserror::Error)]
#[error("it runs already, and does not answer")]
pub struct Unheard;
