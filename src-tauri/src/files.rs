//! Small files that the app keeps for itself: read up to a bound, written whole or not at all.
//!
//! Knows nothing of what is in them.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Longest file that is read, in bytes, and longest that is written.
const MAX_FILE: usize = 1024 * 1024;

/// What the file holds; nothing when it is missing, too long or cannot be understood.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(MAX_FILE as u64).read_to_string(&mut text)).ok()?;
    serde_json::from_str(&text).ok()
}

/// Takes the place of what was there, all or nothing, also when the power fails. Only this user can read it.
///
/// # Errors
/// [`io::ErrorKind::FileTooLarge`] when it could not be read again.
pub(crate) fn write(path: &Path, content: &impl Serialize) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let text = serde_json::to_vec_pretty(content)?;
    if text.len() > MAX_FILE {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&text)?;
    file.as_file().sync_data()?;
    file.persist(path)?;
    Ok(())
}

/// A path in such a file. A system's paths need not be text: those that are none are kept as the system has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub(crate) struct KeptPath(pub(crate) PathBuf);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Text(String),
    Raw(OsString),
}

impl From<Form> for KeptPath {
    fn from(form: Form) -> Self {
        match form {
            Form::Text(text) => Self(text.into()),
            Form::Raw(raw) => Self(raw.into()),
        }
    }
}

impl From<KeptPath> for Form {
    fn from(KeptPath(path): KeptPath) -> Self {
        path.into_os_string().into_string().map_or_else(Self::Raw, Self::Text)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn a_path_that_is_no_text_is_the_same_when_it_is_read_again_and_others_stand_there_as_text() {
        let odd = KeptPath(OsString::from_vec(b"/home/me/\xff.pdf".to_vec()).into());
        let plain = KeptPath("/home/me/ü.pdf".into());
        let text = serde_json::to_string(&[odd.clone(), plain.clone()]).unwrap();
        assert!(text.ends_with(r#","/home/me/ü.pdf"]"#), "{text}");
        assert_eq!(serde_json::from_str::<[KeptPath; 2]>(&text).unwrap(), [odd, plain]);
    }
}
