//! Paths of checked names, and sets of them that every disk can hold side by side.

use core::fmt;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Component, Fold, InvalidName};

/// Most names in one path.
pub const MAX_DEPTH: usize = 64;
/// Longest path, in bytes with one separator between names.
pub const MAX_PATH: usize = 4096;
/// Most files and folders in one [`PathSet`], the folders counted that are only named on the way to others.
pub const MAX_NODES: usize = 200_000;
/// Most names in all paths of one [`PathSet`], those counted again that several begin with: each path holds its own.
pub const MAX_NAMES: usize = 1_000_000;

/// Why a list of names is not a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// One of the names is refused.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// No name at all.
    #[error("a path is empty")]
    Empty,
    /// More than [`MAX_DEPTH`] names.
    #[error("a path is more than {MAX_DEPTH} folders deep")]
    TooDeep,
    /// Longer than [`MAX_PATH`].
    #[error("a path is longer than {MAX_PATH} bytes")]
    TooLong,
}

/// A path below some folder: one name or more, and no way out of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "Vec<Component>", try_from = "Vec<Component>")]
pub struct RelativePath(Vec<Component>);

impl RelativePath {
    /// Checks depth and length.
    pub fn new(components: Vec<Component>) -> Result<Self, InvalidPath> {
        let length: usize = components.iter().map(|component| component.as_str().len() + 1).sum();
        match components.len() {
            0 => Err(InvalidPath::Empty),
            depth if depth > MAX_DEPTH => Err(InvalidPath::TooDeep),
            _ if length > MAX_PATH + 1 => Err(InvalidPath::TooLong),
            _ => Ok(Self(components)),
        }
    }

    /// Checks names as a peer wrote them.
    pub fn parse<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Result<Self, InvalidPath> {
        // One name past the bound is enough to know.
        let names = names.into_iter().take(MAX_DEPTH + 1);
        Self::new(names.map(|name| name.as_ref().parse()).collect::<Result<_, _>>()?)
    }

    /// Checks names as a peer wrote them, of something inside the folder `parent`. Copies none of the names.
    pub fn parse_within(parent: &Component, names: Vec<String>) -> Result<Self, InvalidPath> {
        if names.is_empty() {
            return Err(InvalidPath::Empty);
        }
        let mut components = Vec::with_capacity(1 + names.len().min(MAX_DEPTH));
        components.push(parent.clone());
        for name in names.into_iter().take(MAX_DEPTH) {
            components.push(name.try_into()?);
        }
        Self::new(components)
    }

    /// The names, from the outermost folder inwards; never empty.
    pub fn components(&self) -> &[Component] {
        &self.0
    }

    /// This path inside the folder `parent`.
    pub fn within(&self, parent: &Component) -> Result<Self, InvalidPath> {
        Self::new(core::iter::once(parent).chain(&self.0).cloned().collect())
    }
}

impl From<Component> for RelativePath {
    fn from(component: Component) -> Self {
        Self(vec![component])
    }
}

impl From<RelativePath> for Vec<Component> {
    fn from(path: RelativePath) -> Self {
        path.0
    }
}

impl TryFrom<Vec<Component>> for RelativePath {
    type Error = InvalidPath;

    fn try_from(components: Vec<Component>) -> Result<Self, InvalidPath> {
        Self::new(components)
    }
}

impl fmt::Display for RelativePath {
    /// Names with `/` between, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, component) in self.0.iter().enumerate() {
            write!(f, "{}{component}", if number == 0 { "" } else { "/" })?;
        }
        Ok(())
    }
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryType {
    /// A file.
    File,
    /// A folder.
    Folder,
}

/// Why a path cannot stand beside those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Collision {
    /// The same path twice.
    #[error("a path is there twice")]
    Duplicate,
    /// Two spellings of a name that differ only in case or in how letters are composed.
    #[error("two names differ only in case or composition, and would overwrite each other on some systems")]
    Spelling,
    /// A path is a file in one place and a folder in another.
    #[error("a name is both a file and a folder")]
    FileAgainstFolder,
    /// More than [`MAX_NODES`] or [`MAX_NAMES`].
    #[error("there are too many files and folders")]
    TooMany,
}

/// Paths that can all exist side by side, on systems that ignore case and composition as well.
///
/// Takes time and memory in proportion to the names inserted.
#[derive(Debug)]
pub struct PathSet {
    fold: Fold,
    /// Nodes by the number of their folder and their collision key; 0 is the outermost folder.
    nodes: HashMap<(usize, String), Node>,
    /// Names of all paths.
    names: usize,
    /// The folder of the path added last, and its number: most often the next one is in it, too.
    last: (Vec<Component>, usize),
}

#[derive(Debug)]
struct Node {
    number: usize,
    /// `None` where it is the key.
    spelling: Option<Component>,
    entry: EntryType,
    /// False for a folder that is so far only named on the way to something inside.
    listed: bool,
}

impl PathSet {
    /// An empty set whose collision keys `fold` makes.
    pub fn new(fold: Fold) -> Self {
        Self { fold, nodes: HashMap::new(), names: 0, last: (Vec::new(), 0) }
    }

    /// Adds a path. Folders on the way come with it and may still be listed later, once.
    ///
    /// # Errors
    /// After an error the set may hold some folders of the refused path: give up the whole set.
    pub fn insert(&mut self, path: &RelativePath, entry: EntryType) -> Result<(), Collision> {
        self.names += path.components().len();
        if self.names > MAX_NAMES {
            return Err(Collision::TooMany);
        }
        let Some((name, above)) = path.components().split_last() else { return Ok(()) };
        if self.last.0 != above {
            let mut folder = 0;
            for name in above {
                folder = self.step(folder, name, EntryType::Folder, false)?;
            }
            self.last = (above.to_vec(), folder);
        }
        self.step(self.last.1, name, entry, true).map(drop)
    }

    fn step(
        &mut self,
        folder: usize,
        name: &Component,
        entry: EntryType,
        listed: bool,
    ) -> Result<usize, Collision> {
        let count = self.nodes.len();
        let key = (self.fold)(name.as_str());
        let is_key = key == name.as_str();
        let spelling = || (!is_key).then(|| name.clone());
        let new = || Node { number: count + 1, spelling: spelling(), entry, listed: false };
        let node = self.nodes.entry((folder, key)).or_insert_with(new);
        if node.number > MAX_NODES {
            Err(Collision::TooMany)
        } else if !node.spelling.as_ref().map_or(is_key, |spelling| spelling == name) {
            Err(Collision::Spelling)
        } else if node.entry != entry {
            Err(Collision::FileAgainstFolder)
        } else if node.listed && listed {
            Err(Collision::Duplicate)
        } else {
            node.listed |= listed;
            Ok(node.number)
        }
    }
}
