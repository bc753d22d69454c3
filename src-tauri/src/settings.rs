//! What the app remembers between two starts: the server and the folder for what is received.
//!
//! Holds no secret. A file that is missing or unreadable is as good as an empty one, and is not overwritten before a
//! person changes something.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Longest file that is read, in bytes.
const MAX_FILE: u64 = 64 * 1024;

/// What a person chose.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// The server's address, as [`privydrop_native::Server`] reads it.
    pub(crate) server: Option<String>,
    /// The folder for what is received.
    pub(crate) downloads: Option<PathBuf>,
}

impl Settings {
    /// Reads them.
    pub(crate) fn read(path: &Path) -> Self {
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(MAX_FILE).read_to_string(&mut text));
        match read {
            Ok(_) => serde_json::from_str(&text).unwrap_or_default(),
            Err(_) => Self::default(),
        }
    }

    /// Writes them: all or nothing, also when the power fails.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.as_file().sync_data()?;
        file.persist(path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_is_there_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("not there yet/settings.json");
        assert_eq!(Settings::read(&path), Settings::default());
        let chosen =
            Settings { server: Some("https://drop.example".into()), downloads: Some("/tmp/in".into()) };
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
