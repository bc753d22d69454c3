//! What the app remembers between two starts: the server and the folder for what is received.
//!
//! Holds no secret. A file that is missing or unreadable is as good as an empty one, and is not overwritten before a
//! person changes something.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files::{self, Content, KeptPath};

/// What a person chose.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// The server's address, as [`privydrop_native::Server`] reads it.
    pub(crate) server: Option<String>,
    /// The folder for what is received.
    pub(crate) downloads: Option<KeptPath>,
}

impl Settings {
    /// Reads them.
    pub(crate) fn read(path: &Path) -> Self {
        files::read(path).unwrap_or_default()
    }
}

impl Content for Settings {
    fn write(&self, path: &Path) -> io::Result<()> {
        files::write(path, self)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_was_chosen_is_there_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("not there yet/settings.json");
        assert_eq!(Settings::read(&path), Settings::default());
        let downloads = Some(KeptPath("/tmp/in".into()));
        let chosen = Settings { server: Some("https://drop.example".into()), downloads };
        chosen.write(&path).unwrap();
        assert_eq!(Settings::read(&path), chosen);
        Settings::default().write(&path).unwrap();
        assert_eq!(Settings::read(&path), Settings::default());
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_as_good_as_empty_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        for text in ["", "no settings", r#"{"server": 7}"#, "[]"] {
            fs::write(&path, text).unwrap();
            assert_eq!(Settings::read(&path), Settings::default(), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        fs::write(&path, r#"{"server": "a.example", "of another version": 1}"#).unwrap();
        assert_eq!(Settings::read(&path).server.as_deref(), Some("a.example"));
    }
}
