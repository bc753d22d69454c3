//! Places to receive into: directories that the person chose, each held open by its handle.
//!
//! Makes no directory and removes none. A handle leads nowhere but to its directory, also when that is moved.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use parking_lot::Mutex;
use privydrop_common::host::PlaceId;

/// A directory of the person's.
pub(super) struct Place {
    pub(super) dir: Dir,
    /// Where it was when it was chosen; only to be shown.
    pub(super) path: PathBuf,
}

/// The directories that can be received into.
#[derive(Default)]
pub(crate) struct Places(Mutex<Vec<Arc<Place>>>);

impl Places {
    /// Opens a directory and takes it in.
    pub(crate) fn register(&self, path: &Path) -> io::Result<PlaceId> {
        let path = path.canonicalize()?;
        let dir = Dir::open_ambient_dir(&path, ambient_authority())?;
        let mut places = self.0.lock();
        let known = places.iter().position(|place| place.path == path);
        let at = known.unwrap_or(places.len());
        let place = Arc::new(Place { dir, path });
        match known {
            // The same name may lead to another directory by now.
            Some(at) => places[at] = place,
            None => places.push(place),
        }
        Ok(PlaceId(at as u64))
    }

    pub(super) fn get(&self, place: PlaceId) -> Option<Arc<Place>> {
        self.0.lock().get(usize::try_from(place.0).ok()?).cloned()
    }
}
