//! What the page looks like: facts go in, wishes come out as [`Intent`]s.
//!
//! What only draws is a function. What is left alone while its facts stay the same, or keeps a look of its own (a
//! mark that something was copied, the caret in the editor), is a component. Nothing here knows a backend or keeps a
//! fact of the session. Text of other members is shown as text nodes only.
//!
//! [`Intent`]: crate::state::Intent

pub mod copy;
pub mod document;
pub mod editor;
pub mod enter;
pub mod header;
pub mod icon;
pub mod item;
pub mod items;
pub mod members;
pub mod notices;
pub mod points;
pub mod protected;
pub mod qr;
pub mod room;
pub mod settings;
pub mod share;
mod sheet;
