//! What is offered: own items made ready to be offered, and others' items checked before they are shown or stored.
//!
//! Turns plain names from a wire into safe ones, and a folder's listing into a [`Plan`]. Opens nothing, and trusts
//! no count or size that a peer states without checking it against what it sends.

use std::sync::Arc;

use crate::api::{NewContent, NewFile, NewItem};
use crate::host::{Plan, PlannedFile};
use crate::id::ItemId;
use crate::name::{Collision, Component, EntryType, Fold, PathSet, RelativePath};
use crate::order::sorted;
use crate::pieces::{MAX_FILE_SIZE, Root};
use crate::transfer::SharedFile;
use crate::wire::{Entry, EntryKind, ItemSummary, MAX_ENTRIES, MAX_PAGE, MAX_PAGE_BYTES, SummaryKind};

/// Why something picked by this device's person is not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOffered {
    /// More than [`MAX_ENTRIES`] files and folders.
    #[error("an item holds at most {MAX_ENTRIES} files and folders")]
    Number,
    /// A file, or the sum of them, is larger than [`MAX_FILE_SIZE`].
    #[error("an item holds at most {MAX_FILE_SIZE} bytes")]
    Size,
    /// A path is nested too deep or too long for other systems.
    #[error("a path is too deep or too long")]
    Depth,
}

/// Why an item of a peer's is not shown or taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// A name that could harm, or two names that are one on some system.
    #[error("a name is not safe")]
    Unsafe,
    /// The listing is not what the summary said, or out of bounds.
    #[error("the listing contradicts itself")]
    Contradiction,
}

/// An own item: what is told of it, and where its files are read.
#[derive(Debug)]
pub struct OwnItem {
    /// What the others are told.
    pub summary: ItemSummary,
    /// A folder's whole listing.
    pub entries: Vec<Entry>,
    pub(crate) files: Arc<[SharedFile]>,
}

impl OwnItem {
    /// Makes names safe (a sharer's odd file name must not be refused by the others) and checks sizes.
    pub fn new(id: ItemId, item: NewItem, fold: Fold) -> Result<Self, NotOffered> {
        let safe = Component::sanitize(&item.name);
        let name = safe.to_string();
        let (files, folders, modified) = match item.content {
            NewContent::File(file) => (vec![(Vec::new(), file)], None, file.modified),
            NewContent::Folder { files, folders } => (files, Some(folders), None),
        };
        let count = files.len() + folders.as_ref().map_or(0, Vec::len);
        let count =
            u32::try_from(count).ok().filter(|count| *count <= MAX_ENTRIES).ok_or(NotOffered::Number)?;
        let size = files
            .iter()
            .try_fold(0u64, |sum, (_, file)| sum.checked_add(file.size))
            .filter(|sum| *sum <= MAX_FILE_SIZE)
            .ok_or(NotOffered::Size)?;
        let file_count = u32::try_from(files.len()).unwrap_or(count);
        let shared = |(_, file): &(_, NewFile)| SharedFile { source: file.source, size: file.size };
        let shared = files.iter().map(shared).collect();
        let (kind, entries) = match folders {
            None => (SummaryKind::File { modified }, Vec::new()),
            Some(folders) => {
                (SummaryKind::Folder { files: file_count, entries: 0 }, listing(&safe, files, folders, fold)?)
            }
        };
        let kind = match kind {
            // Folders that became one by their safe names are listed once.
            SummaryKind::Folder { files, .. } => {
                SummaryKind::Folder { files, entries: u32::try_from(entries.len()).unwrap_or(count) }
            }
            file => file,
        };
        Ok(Self { summary: ItemSummary { id, name, size, kind }, entries, files: shared })
    }

    /// What identifies its content, from the roots of its files in order.
    pub fn hash(&self, roots: &[Root]) -> String {
        let is_file = |entry: &&Entry| matches!(entry.kind, EntryKind::File { .. });
        let is_folder = matches!(self.summary.kind, SummaryKind::Folder { .. });
        let paths = match is_folder {
            true => self.entries.iter().filter(is_file).map(|entry| entry.path.join("/")).collect(),
            false => vec![String::new()],
        };
        content_hash(is_folder, paths.into_iter().zip(roots.iter().copied()))
    }

    /// The page of the listing that begins at `from`.
    pub fn page(&self, from: u32) -> Vec<Entry> {
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            bytes += entry.path.iter().map(|part| part.len() + 2).sum::<usize>() + 24;
            bytes <= MAX_PAGE_BYTES
        };
        self.entries.iter().skip(from as usize).take(MAX_PAGE).take_while(fits).cloned().collect()
    }
}

/// What identifies an item's content: the BLAKE3 root of a file; of a folder, the BLAKE3 hash of one line
/// `ROOT  PATH` a file, sorted by path, as `b3sum` prints them inside the folder.
pub(crate) fn content_hash(is_folder: bool, files: impl Iterator<Item = (String, Root)>) -> String {
    let lines: Vec<(String, Root)> = files.collect();
    if let (false, [(_, root)]) = (is_folder, &lines[..]) {
        return root.to_string();
    }
    let mut hasher = blake3::Hasher::new();
    for (path, root) in sorted(lines) {
        hasher.update(format!("{root}  {path}\n").as_bytes());
    }
    hasher.finalize().to_string()
}

/// The listing of the folder `name`, folders first, every name safe and none twice. Below that name, as the others put
/// it: what they could not take is not offered.
fn listing(
    name: &Component,
    files: Vec<(Vec<String>, NewFile)>,
    folders: Vec<Vec<String>>,
    fold: Fold,
) -> Result<Vec<Entry>, NotOffered> {
    let mut taken = PathSet::new(fold);
    let mut entries = Vec::with_capacity(files.len() + folders.len());
    for path in folders {
        let path = safe_path(&path)?;
        if taken.insert(&inside(name, &path)?, EntryType::Folder).is_ok() {
            entries.push(Entry { path: names(&path), kind: EntryKind::Folder });
        }
    }
    for (path, file) in files {
        let path = insert_unused(name, &safe_path(&path)?, &mut taken)?;
        let kind = EntryKind::File { size: file.size, modified: file.modified };
        entries.push(Entry { path: names(&path), kind });
    }
    Ok(entries)
}

fn safe_path(path: &[String]) -> Result<RelativePath, NotOffered> {
    let parts = path.iter().map(|part| Component::sanitize(part)).collect();
    RelativePath::new(parts).map_err(|_| NotOffered::Depth)
}

fn inside(name: &Component, path: &RelativePath) -> Result<RelativePath, NotOffered> {
    path.within(name).map_err(|_| NotOffered::Depth)
}

fn names(path: &RelativePath) -> Vec<String> {
    path.components().iter().map(|part| part.as_str().to_owned()).collect()
}

/// Takes the path, or one with its last name numbered where safe names made two files one.
fn insert_unused(
    name: &Component,
    path: &RelativePath,
    taken: &mut PathSet,
) -> Result<RelativePath, NotOffered> {
    let Some((last, parents)) = path.components().split_last() else { return Err(NotOffered::Depth) };
    let mut candidate = path.clone();
    for number in 2..=MAX_ENTRIES {
        match taken.insert(&inside(name, &candidate)?, EntryType::File) {
            Ok(()) => return Ok(candidate),
            Err(Collision::TooMany) => return Err(NotOffered::Number),
            Err(_) => {}
        }
        let parts = parents.iter().cloned().chain([last.numbered(number)]).collect();
        candidate = RelativePath::new(parts).map_err(|_| NotOffered::Depth)?;
    }
    Err(NotOffered::Number)
}

/// A peer's item: its facts checked, its listing growing page by page.
#[derive(Debug)]
pub struct TheirItem {
    /// Its checked name.
    pub name: Component,
    /// What was told of it.
    pub summary: ItemSummary,
    listed: u32,
    plan: Arc<Plan>,
    paths: PathSet,
    fold: Fold,
}

impl TheirItem {
    /// Checks the summary.
    pub fn new(summary: ItemSummary, fold: Fold) -> Result<Self, NotTaken> {
        let name: Component = summary.name.parse().map_err(|_| NotTaken::Unsafe)?;
        // Of nothing there is no listing at whose end the sum is checked.
        let is_nothing = matches!(summary.kind, SummaryKind::Folder { entries: 0, .. });
        if summary.size > MAX_FILE_SIZE || (is_nothing && summary.size > 0) {
            return Err(NotTaken::Contradiction);
        }
        let mut item =
            Self { name, summary, listed: 0, plan: Arc::default(), paths: PathSet::new(fold), fold };
        item.restart();
        Ok(item)
    }

    /// Forgets the listing, to ask for it again.
    pub fn restart(&mut self) {
        let path = RelativePath::from(self.name.clone());
        self.listed = 0;
        self.paths = PathSet::new(self.fold);
        self.plan = Arc::new(match self.summary.kind {
            SummaryKind::File { modified } => Plan {
                files: vec![PlannedFile { path, size: self.summary.size, modified }],
                folders: Vec::new(),
                is_folder: false,
                total: self.summary.size,
            },
            SummaryKind::Folder { .. } => Plan { folders: vec![path], is_folder: true, ..Plan::default() },
        });
    }

    /// First entry of the listing that is still to be asked for; `None` when the plan is complete.
    pub fn next_entry(&self) -> Option<u32> {
        match self.summary.kind {
            SummaryKind::Folder { entries, .. } if self.listed < entries => Some(self.listed),
            _ => None,
        }
    }

    /// Adds a page of the listing; at its end checks that the sums are what the summary said.
    pub fn add_page(&mut self, from: u32, page: Vec<Entry>) -> Result<(), NotTaken> {
        let SummaryKind::Folder { files, entries } = self.summary.kind else {
            return Err(NotTaken::Contradiction);
        };
        let count = u32::try_from(page.len()).map_err(|_| NotTaken::Contradiction)?;
        if from != self.listed || count == 0 || count > entries - self.listed {
            return Err(NotTaken::Contradiction);
        }
        // Nobody else has it before it is whole: this copies nothing.
        let plan = Arc::make_mut(&mut self.plan);
        for Entry { path, kind } in page {
            let path = RelativePath::parse_within(&self.name, path).map_err(|_| NotTaken::Unsafe)?;
            let entry = match kind {
                EntryKind::Folder => EntryType::Folder,
                EntryKind::File { .. } => EntryType::File,
            };
            self.paths.insert(&path, entry).map_err(|_| NotTaken::Unsafe)?;
            match kind {
                EntryKind::Folder => plan.folders.push(path),
                EntryKind::File { size, modified } => {
                    let total = plan.total.checked_add(size).filter(|total| *total <= self.summary.size);
                    plan.total = total.ok_or(NotTaken::Contradiction)?;
                    plan.files.push(PlannedFile { path, size, modified });
                }
            }
        }
        self.listed += count;
        let whole = self.listed == entries;
        if whole && (self.plan.files.len() != files as usize || self.plan.total != self.summary.size) {
            return Err(NotTaken::Contradiction);
        }
        Ok(())
    }

    /// The plan, once [`Self::next_entry`] is `None`.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// What identifies its content, from the roots of its files in order.
    pub fn hash(&self, roots: &[Root]) -> String {
        let below = |file: &PlannedFile| {
            let names: Vec<&str> = file.path.components()[1..].iter().map(Component::as_str).collect();
            names.join("/")
        };
        content_hash(self.plan.is_folder, self.plan.files.iter().map(below).zip(roots.iter().copied()))
    }

    /// Files in it, as told.
    pub fn file_count(&self) -> u32 {
        match self.summary.kind {
            SummaryKind::File { .. } => 1,
            SummaryKind::Folder { files, .. } => files,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::SourceId;
    use crate::name::{MAX_DEPTH, unicode_fold};

    /// A folder `trip` with one file, so many folders deep.
    fn deep(depth: usize) -> NewItem {
        let file = NewFile { source: SourceId(1), size: 5, modified: None };
        let files = vec![(vec!["a".to_owned(); depth], file)];
        NewItem { name: "trip".to_owned(), content: NewContent::Folder { files, folders: Vec::new() } }
    }

    #[test]
    fn a_path_that_the_others_could_not_take_below_the_items_name_is_not_offered() {
        let own = OwnItem::new(ItemId::TEXT, deep(MAX_DEPTH - 1), unicode_fold).unwrap();
        let mut theirs = TheirItem::new(own.summary.clone(), unicode_fold).unwrap();
        assert_eq!(theirs.add_page(0, own.page(0)), Ok(()));
        let too_deep = OwnItem::new(ItemId::TEXT, deep(MAX_DEPTH), unicode_fold);
        assert_eq!(too_deep.map(|own| own.summary), Err(NotOffered::Depth));
    }

    #[test]
    fn an_empty_folder_that_claims_bytes_is_not_taken() {
        let offer = |size| {
            let kind = SummaryKind::Folder { files: 0, entries: 0 };
            let summary = ItemSummary { id: ItemId::TEXT, name: "trip".to_owned(), size, kind };
            TheirItem::new(summary, unicode_fold).map(|item| item.plan().total)
        };
        assert_eq!((offer(0), offer(5)), (Ok(0), Err(NotTaken::Contradiction)));
    }
}
