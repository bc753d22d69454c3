//! An item received into a directory: every file under its own name, in its own folder.
//!
//! What is unfinished has a name that says so: a lone file, or the folder that everything is in. The item gets its
//! own name when its last file is complete and on the disk, and a number with it when the name is in use. Nothing is
//! overwritten, no link is followed, and nothing is opened but through the handle of the directory. What an earlier
//! attempt left of the same item is gone on with.

mod resume;

use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions};
use privydrop_common::host::{Found, Plan, Report, StoreFault, StoreId};
use privydrop_common::id::FileIndex;
use privydrop_common::journal::Journal;
use privydrop_common::name::{Component, MAX_NAME, PART_SUFFIX, RelativePath};
use privydrop_common::pieces::{Value, piece_count, piece_range, value_of};

use super::journal::{JournalFile, NAME_ROOM};
use super::places::Place;
use super::platform::{SYNCS_TREES, TreeSync, free_space, rename_new, sync_names, write_at};
use super::unfinished;

/// Most numbers that are tried for a name in use.
const MAX_NUMBER: u32 = 10_000;
/// Files of one item that are held open; the others are opened again when they go on.
const MAX_OPEN: usize = 32;
/// Bytes written after which they are synced ahead: else the disk would get everything at once, at the end.
const SYNC_EVERY: u64 = 64 << 20;
/// What a small file costs the disk beside its bytes, in bytes.
const NEW_FILE: u64 = 24 << 10;
/// Room for the number in the name of something unfinished.
const NUMBER_ROOM: usize = 8;

/// An item being received.
pub(super) struct Tree {
    place: Arc<Place>,
    plan: Arc<Plan>,
    /// What a journal of it begins with; small items have none. Of thousands of files it takes milliseconds to find.
    identity: Option<Journal>,
    /// The name that the item should have.
    name: Component,
    /// The name that it has in the place, now.
    top: String,
    /// For a folder, what is in it.
    folders: Option<Folders>,
    /// In the order of their opening.
    open: VecDeque<(FileIndex, File)>,
    /// Files that were made.
    begun: HashSet<FileIndex>,
    /// Files of one piece that is written, closed already; only their completion is still to be told.
    dated: HashSet<FileIndex>,
    /// Files that are not complete.
    left: usize,
    /// It has its own name.
    settled: bool,
    /// Bytes written since something was last to be synced ahead.
    unsynced: u64,
    /// What is to be synced ahead.
    to_sync: Option<Ahead>,
    /// Tells a later attempt what is here.
    journal: Option<JournalFile>,
    /// An earlier attempt left it: files may be there that it never told of.
    resumed: bool,
    /// Something could not be stored.
    failed: bool,
}

/// What should be on the disk before the last bytes are written.
pub(super) enum Ahead {
    /// A file, and after it the journal that tells of it.
    File(File, Option<File>),
    /// All small files that are written, with all else on their disk.
    Tree(TreeSync),
}

impl Ahead {
    /// Whether it worked is asked again when everything is complete.
    pub(super) fn sync(&self) -> io::Result<()> {
        match self {
            Self::File(file, journal) => {
                file.sync_data()?;
                journal.as_ref().map_or(Ok(()), File::sync_data)
            }
            Self::Tree(tree) => tree.sync(),
        }
    }
}

impl Tree {
    /// Goes on with what an earlier attempt left of the same item, and tells which pieces of it are here; or takes a name
    /// for what is unfinished, and makes the folders. Asks for space before anything is made. `tell` hears
    /// how far it is with reading again what was left.
    pub(super) fn prepare(
        place: Arc<Place>,
        store: StoreId,
        plan: Arc<Plan>,
        tell: &mut dyn FnMut(Report),
    ) -> Result<(Self, Vec<Found>), StoreFault> {
        unfinished::expire(&place.dir, SystemTime::now());
        let mut paths = plan.folders.iter().chain(plan.files.iter().map(|file| &file.path));
        let name = paths.next().map(|path| path.components()[0].clone()).ok_or(StoreFault::Unwritable)?;
        if paths.any(|path| path.components()[0] != name) {
            return Err(StoreFault::Unwritable);
        }
        let left = plan.files.len();
        let mut tree = Self {
            place,
            identity: Journal::of(&plan),
            plan,
            name,
            top: String::new(),
            folders: None,
            open: VecDeque::new(),
            begun: HashSet::new(),
            dated: HashSet::new(),
            left,
            settled: false,
            unsynced: 0,
            to_sync: None,
            journal: None,
            resumed: false,
            failed: false,
        };
        let found = tree.go_on(store, tell).unwrap_or_default();
        let stored: u64 = found.iter().map(|found| tree.stored(found)).sum();
        let needed = tree.plan.total - stored;
        if let Some(free) = free_space(&tree.place.dir).filter(|free| *free < needed) {
            return Err(StoreFault::NoSpace { needed, free });
        }
        if !tree.resumed {
            tree.begin().map_err(|error| {
                tree.remove();
                tree.fault(&error)
            })?;
        }
        Ok((tree, found))
    }

    /// Writes a whole piece, and tells the value of what was written.
    pub(super) fn write(&mut self, file: FileIndex, piece: u32, chunks: &[Bytes]) -> io::Result<Value> {
        let size = self.plan.files.get(file.0 as usize).ok_or(ErrorKind::InvalidInput)?.size;
        let value =
            value_of(size, piece, chunks.iter().map(|chunk| &chunk[..])).ok_or(ErrorKind::InvalidInput)?;
        let (at, length) = piece_range(size, piece);
        if self.syncs_as_one() && piece_count(size) == 1 {
            // Thousands of small files are written before the first of them is completed: their handles are not kept.
            let handle = self.open_first(file)?;
            write_at(&handle, at, chunks)?;
            self.set_time(file, &handle);
            self.dated.insert(file);
            self.note(file, piece, value, length);
            self.wrote(length + NEW_FILE, |tree| {
                let root = tree.folders.as_ref().map(|folders| TreeSync::open(&folders.root));
                root.unwrap_or_else(|| Err(ErrorKind::NotFound.into())).map(Ahead::Tree)
            });
            return Ok(value);
        }
        write_at(self.file(file)?, at, chunks)?;
        self.note(file, piece, value, length);
        self.wrote(length, |tree| {
            let journal = tree.journal.as_ref().and_then(JournalFile::to_sync);
            Ok(Ahead::File(tree.open(file, &old_file())?, journal))
        });
        Ok(value)
    }

    /// So much was written. `ahead` opens what is to be synced when that is due. It is opened anew: an error that it is told of is
    /// told to the other handle as well, when everything is complete.
    fn wrote(&mut self, cost: u64, ahead: impl FnOnce(&mut Self) -> io::Result<Ahead>) {
        self.unsynced += cost;
        if self.unsynced >= SYNC_EVERY && self.to_sync.is_none() {
            self.unsynced = 0;
            self.to_sync = ahead(self).ok();
        }
    }

    /// Of what so much was written that it should be on the disk before the rest is: whoever is given it syncs it while more
    /// is written.
    pub(super) fn sync_due(&mut self) -> Option<Ahead> {
        self.to_sync.take()
    }

    /// Completes a file; with the last one the item gets its name.
    pub(super) fn commit(&mut self, file: FileIndex) -> io::Result<()> {
        if file.0 as usize >= self.plan.files.len() {
            return Err(ErrorKind::InvalidInput.into());
        }
        if !self.dated.remove(&file) {
            self.complete(file)?;
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 { self.settle() } else { Ok(()) }
    }

    /// Has a file synced unless that is done for all at once; one in a folder has its time, and is closed.
    fn complete(&mut self, file: FileIndex) -> io::Result<()> {
        self.file(file)?;
        if let Some((_, handle)) = self.open.iter().find(|(other, _)| *other == file) {
            if self.plan.is_folder {
                self.set_time(file, handle);
            }
            let synced = if self.syncs_as_one() { Ok(()) } else { handle.sync_data() };
            self.heed(synced)?;
        }
        if self.plan.is_folder {
            self.open.retain(|(other, _)| *other != file);
        }
        Ok(())
    }

    fn set_time(&self, file: FileIndex, handle: &File) {
        let modified = self.plan.files[file.0 as usize].modified;
        let modified = modified.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
        if let Some(modified) = modified {
            // A time that this disk cannot keep is no reason to refuse the bytes.
            let _ = handle.set_modified(modified);
        }
    }

    /// Everything is made durable at once, at the end.
    fn syncs_as_one(&self) -> bool {
        self.folders.is_some() && SYNCS_TREES
    }

    /// Nothing more will be written; tells where the item is.
    pub(super) fn finish(&mut self) -> io::Result<PathBuf> {
        if !self.settled {
            // A folder without files.
            self.settle()?;
        }
        Ok(self.place.path.join(&self.top))
    }

    /// Removes everything, completed files too.
    pub(super) fn remove(&mut self) {
        if self.top.is_empty() {
            return;
        }
        self.open.clear();
        self.folders = None;
        let removed = match self.plan.is_folder {
            true => self.place.dir.remove_dir_all(&self.top),
            false => self.place.dir.remove_file(&self.top),
        };
        if let Err(error) = removed {
            tracing::debug!(%error, "an unfinished item cannot be removed");
        }
        self.forget();
    }

    /// What a person is told about an error. What can never be stored here is not kept for another attempt.
    pub(super) fn fault(&mut self, error: &io::Error) -> StoreFault {
        tracing::debug!(%error, "an item cannot be stored");
        self.failed = true;
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreFault::Full { needed: self.plan.total },
            ErrorKind::FileTooLarge | ErrorKind::InvalidFilename | ErrorKind::InvalidInput => {
                self.forget();
                StoreFault::Unwritable
            }
            _ => StoreFault::Unwritable,
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        if !self.plan.is_folder {
            let create = |top: &str| self.place.dir.open_with(top, &new_file());
            let (top, file) = claim(|number| part_name(&self.name, number), create)?;
            self.top = top;
            self.begun.insert(FileIndex(0));
            self.open.push_back((FileIndex(0), file.into_std()));
            self.journal = self.new_journal();
            return Ok(());
        }
        let create = |top: &str| self.place.dir.create_dir(top);
        (self.top, _) = claim(|number| part_name(&self.name, number), create)?;
        let mut folders = Folders::new(self.place.dir.open_dir_nofollow(&self.top)?)?;
        let made = self.inner_folders().try_for_each(|path| {
            let (folder, name) = folders.of(path)?;
            folder.create_dir(name)
        });
        self.folders = Some(folders);
        self.journal = self.new_journal();
        made
    }

    /// The folders inside the item's own, outer ones first: those listed, and those that are only on the way to a file.
    fn inner_folders(&self) -> impl Iterator<Item = &[Component]> {
        let listed = self.plan.folders.iter().map(RelativePath::components);
        let named = self.plan.files.iter().filter_map(|file| Some(file.path.components().split_last()?.1));
        // Thousands of files may be in one folder after each other.
        let mut last: &[Component] = &[];
        let named = named.filter(move |folder| core::mem::replace(&mut last, folder) != *folder);
        let mut seen = HashSet::new();
        let paths = listed.chain(named).flat_map(|path| (2..=path.len()).map(|depth| &path[..depth]));
        paths.filter(move |path| seen.insert(*path))
    }

    /// The open file, made or opened again if need be.
    fn file(&mut self, file: FileIndex) -> io::Result<&File> {
        let at = match self.open.iter().position(|(other, _)| *other == file) {
            Some(at) => at,
            None => {
                let handle = self.open_first(file)?;
                if self.open.len() >= MAX_OPEN {
                    self.open.pop_front();
                }
                self.open.push_back((file, handle));
                self.open.len() - 1
            }
        };
        Ok(&self.open[at].1)
    }

    /// Makes the file, or opens it again.
    fn open_first(&mut self, file: FileIndex) -> io::Result<File> {
        let options = match (self.begun.insert(file), self.resumed) {
            (true, false) => new_file(),
            (true, true) => emptied_file(),
            (false, _) => old_file(),
        };
        self.open(file, &options)
    }

    fn open(&mut self, file: FileIndex, options: &OpenOptions) -> io::Result<File> {
        let handle = match &mut self.folders {
            Some(folders) => {
                let (folder, name) = folders.of(self.plan.files[file.0 as usize].path.components())?;
                folder.open_with(name, options)?
            }
            None => self.place.dir.open_with(&self.top, options)?,
        };
        Ok(handle.into_std())
    }

    /// Makes everything durable, then gives the item its own name.
    fn settle(&mut self) -> io::Result<()> {
        let synced = self.folders.as_ref().map_or(Ok(()), |folders| folders.whole.sync());
        self.heed(synced)?;
        let rename = |name: &str| rename_new(&self.place.dir, &self.top, name, self.folders.is_some());
        (self.top, ()) = claim(|number| numbered(&self.name, number), rename)?;
        self.settled = true;
        // The sharer may delete its own when it hears that ours is here. Some disks cannot do it, and need not.
        if let Err(error) = sync_names(&self.place.dir) {
            tracing::debug!(%error, "a name cannot be synced");
        }
        // A lone file has its time only now: what is unfinished and looks a week old is removed.
        if let Some((file, handle)) = self.open.pop_front() {
            self.set_time(file, &handle);
        }
        self.forget();
        Ok(())
    }
}

/// The folders of an item. Only the one used last is held open, since an item may have thousands.
struct Folders {
    root: Dir,
    /// Hears of everything that could not be written since the first file was made.
    whole: TreeSync,
    last: Option<(Vec<Component>, Dir)>,
}

impl Folders {
    fn new(root: Dir) -> io::Result<Self> {
        Ok(Self { whole: TreeSync::open(&root)?, root, last: None })
    }

    /// The folder that `path` is in, and its name there. The first component is the item's own, which is `root`.
    fn of<'a>(&'a mut self, path: &'a [Component]) -> io::Result<(&'a Dir, &'a str)> {
        let [_, above @ .., name] = path else { return Err(ErrorKind::InvalidInput.into()) };
        if above.is_empty() {
            return Ok((&self.root, name.as_str()));
        }
        if self.last.as_ref().is_none_or(|(last, _)| last != above) {
            let mut folder = self.root.open_dir_nofollow(above[0].as_str())?;
            for inner in &above[1..] {
                folder = folder.open_dir_nofollow(inner.as_str())?;
            }
            self.last = Some((above.to_vec(), folder));
        }
        let (_, folder) = self.last.as_ref().ok_or(ErrorKind::NotFound)?;
        Ok((folder, name.as_str()))
    }
}

fn new_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    options
}

/// One that may be there, of which nothing is known.
fn emptied_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).follow(FollowSymlinks::No);
    options
}

fn old_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).follow(FollowSymlinks::No);
    options
}

/// Does something with the first name of a series that is not in use.
fn claim<T>(name: impl Fn(u32) -> String, act: impl Fn(&str) -> io::Result<T>) -> io::Result<(String, T)> {
    for number in 1..=MAX_NUMBER {
        let name = name(number);
        match act(&name) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            outcome => return Ok((name, outcome?)),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

fn numbered(name: &Component, number: u32) -> String {
    if number == 1 { name.to_string() } else { name.numbered(number).to_string() }
}

/// The name of something unfinished: the item's, cut to leave room, and an ending that no item may have.
fn part_name(name: &Component, number: u32) -> String {
    let name = name.as_str();
    let mut end = name.floor_char_boundary(MAX_NAME - PART_SUFFIX.len() - NUMBER_ROOM - NAME_ROOM);
    if name[..end].ends_with(PART_SUFFIX) {
        // Cut so, it would have the name of a journal.
        end -= 1;
    }
    let stem = &name[..end];
    if number == 1 { format!("{stem}{PART_SUFFIX}") } else { format!("{stem} ({number}){PART_SUFFIX}") }
}
