//! What leads back into a room: for one tab over a reload, and for good when the person wants it.
//!
//! Pure: it decides what comes first and keeps nothing itself; [`crate::memory`] does.

use privydrop_common::api::{Command, Keepsake, Phase};
use privydrop_common::code::{Invitation, Link};
use privydrop_common::id::RoomId;

use crate::backend::IN_APP;

/// A room that this device can go back into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Its name.
    pub room: RoomId,
    /// What opens it.
    pub keepsake: Keepsake,
}

/// What a reload must not lose, kept for this one tab.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visit {
    /// The link by which this tab came.
    pub link: Option<Link>,
    /// The room that this tab is in.
    pub keepsake: Option<Keepsake>,
    /// What stands in the join field.
    pub typed: String,
    /// This tab offers something, which a reload forgets.
    pub shares: bool,
}

impl Visit {
    /// A visit that begins by a link.
    pub fn by_link(link: Link) -> Self {
        Self { link: Some(link), ..Self::default() }
    }

    /// How this page starts: a link in the address, else the room that this tab was in, else a link it had.
    /// A typed code waits in its field and is never tried again by itself.
    pub fn first_command(&self, address: Option<&Link>) -> Option<Command> {
        let join = |link: &Link| Command::Join(Invitation::Link(link.clone()));
        match (address, &self.keepsake, &self.link) {
            (Some(link), ..) => Some(join(link)),
            (None, Some(keepsake), _) => Some(Command::Return(keepsake.clone())),
            (None, None, link) => link.as_ref().map(join),
        }
    }

    /// What the page is about to do by itself. In the app nothing: its session was there before.
    pub fn phase(&self, address: Option<&Link>) -> Phase {
        let first = self.first_command(address).filter(|_| !IN_APP);
        match first {
            None => Phase::Idle,
            Some(Command::Return(keepsake)) => keepsake.phase().unwrap_or_default(),
            Some(_) => Phase::Joining,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        "#123456.AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap()
    }

    #[test]
    fn a_link_in_the_address_beats_everything_that_was_kept() {
        let visit = Visit {
            link: None,
            keepsake: Some(Keepsake("kept".into())),
            typed: "123456-a".into(),
            ..Visit::default()
        };
        let first = visit.first_command(Some(&link()));
        assert_eq!(first, Some(Command::Join(Invitation::Link(link()))));
    }

    #[test]
    fn a_reload_goes_back_into_the_room_and_else_opens_the_link_again() {
        let mut visit =
            Visit { link: Some(link()), keepsake: Some(Keepsake("kept".into())), ..Visit::default() };
        assert_eq!(visit.first_command(None), Some(Command::Return(Keepsake("kept".into()))));
        visit.keepsake = None;
        assert_eq!(visit.first_command(None), Some(Command::Join(Invitation::Link(link()))));
    }

    #[test]
    fn a_typed_code_is_never_tried_again_by_itself() {
        let visit = Visit { typed: "123456-acid-acorn-acre".into(), ..Visit::default() };
        assert_eq!(visit.first_command(None), None);
    }
}
