//! What the page looks like: pure components. Facts go in as properties, wishes come out as [`Intent`]s.
//!
//! No component knows a backend or keeps a fact of the session. What they keep is their own look: a copied mark,
//! an opened fold, the caret in the editor. Text of other members is shown as text nodes only.
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
pub mod share;
