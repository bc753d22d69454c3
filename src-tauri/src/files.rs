//! Small files that the app keeps for itself: read up to a bound, written whole or not at all, one at a time and by threads
//! that may wait for a disk.
//!
//! Knows nothing of what is in them.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tauri::async_runtime;
use tokio::sync::watch;

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

/// What a file holds.
pub(crate) trait Content: Clone + Send + Sync + 'static {
    /// Writes it.
    fn write(&self, path: &Path) -> io::Result<()>;
}

/// Writes one file. Of what comes while a disk is slow only the newest is written. Clones write the same file.
#[derive(Debug)]
pub(crate) struct Writer<T>(Arc<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    path: PathBuf,
    work: watch::Sender<Work<T>>,
}

#[derive(Debug)]
struct Work<T> {
    /// What is to be there and nobody has begun to write: a content, or no file.
    newest: Option<Option<T>>,
    is_running: bool,
}

impl<T: Content> Writer<T> {
    /// A writer of this file.
    pub(crate) fn new(path: PathBuf) -> Self {
        let work = watch::Sender::new(Work { newest: None, is_running: false });
        Self(Arc::new(Inner { path, work }))
    }

    /// Has this written, or the file removed; comes back at once.
    pub(crate) fn put(&self, content: Option<T>) {
        let mut begins = false;
        self.0.work.send_modify(|work| {
            work.newest = Some(content);
            begins = !std::mem::replace(&mut work.is_running, true);
        });
        if begins {
            let inner = Arc::clone(&self.0);
            async_runtime::spawn_blocking(move || inner.run());
        }
    }

    /// Waits until all of that is done.
    pub(crate) async fn done(&self) {
        // It cannot end before: its sender is here.
        let _ = self.0.work.subscribe().wait_for(|work| !work.is_running).await;
    }
}

impl<T> Clone for Writer<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Content> Inner<T> {
    fn run(&self) {
        while let Some(content) = self.next() {
            let done = match content {
                Some(content) => content.write(&self.path),
                None => fs::remove_file(&self.path).or_else(|error| match error.kind() {
                    io::ErrorKind::NotFound => Ok(()),
                    _ => Err(error),
                }),
            };
            if let Err(error) = done {
                tracing::warn!(%error, "a file of the app's own cannot be written");
            }
        }
    }

    fn next(&self) -> Option<Option<T>> {
        let mut next = None;
        self.work.send_modify(|work| {
            next = work.newest.take();
            work.is_running = next.is_some();
        });
        next
    }
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use parking_lot::Mutex;

    use super::*;

    /// Written once somebody lets it.
    #[derive(Debug, Clone)]
    struct Slow(u32, Arc<Mutex<Receiver<()>>>);

    impl Content for Slow {
        fn write(&self, path: &Path) -> io::Result<()> {
            self.1.lock().recv().unwrap();
            let mut file = File::options().append(true).create(true).open(path)?;
            writeln!(file, "{}", self.0)
        }
    }

    #[tokio::test]
    async fn while_a_disk_is_slow_nobody_waits_for_it_and_only_the_newest_is_written_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers");
        let (let_it, gate) = channel();
        let (writer, gate) = (Writer::new(path.clone()), Arc::new(Mutex::new(gate)));
        let put = |number| writer.put(Some(Slow(number, Arc::clone(&gate))));
        put(1);
        let begun = |work: &Work<Slow>| work.newest.is_none();
        writer.0.work.subscribe().wait_for(begun).await.unwrap();
        (2..=1000).for_each(put);
        (0..2).for_each(|_| let_it.send(()).unwrap());
        writer.done().await;
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n1000\n");
        for _ in 0..2 {
            writer.put(None);
            writer.done().await;
            assert!(!path.exists());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_no_text_is_the_same_when_it_is_read_again_and_others_stand_there_as_text() {
        use std::os::unix::ffi::OsStringExt;

        let odd = KeptPath(OsString::from_vec(b"/home/me/\xff.pdf".to_vec()).into());
        let plain = KeptPath("/home/me/ü.pdf".into());
        let text = serde_json::to_string(&[odd.clone(), plain.clone()]).unwrap();
        assert!(text.ends_with(r#","/home/me/ü.pdf"]"#), "{text}");
        assert_eq!(serde_json::from_str::<[KeptPath; 2]>(&text).unwrap(), [odd, plain]);
    }
}
