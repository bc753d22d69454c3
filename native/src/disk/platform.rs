//! What the standard library has no portable and safe call for: the one file that knows operating systems.
//!
//! Makes single calls. Knows no items, no pieces and no names of theirs.

use std::fs::File;
use std::io;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::io::IoSlice;
use std::path::Path;

use bytes::Bytes;
use cap_std::fs::{Dir, OpenOptions};

/// Most chunks that one call writes: as many as every Linux takes (IOV_MAX).
#[cfg(any(target_os = "linux", target_os = "android"))]
const MAX_SLICES: usize = 1024;

/// Opens a file to be read. Fails at a symbolic link, and never waits for the other end of a pipe.
#[cfg(unix)]
pub(super) fn open_source(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(open(path, flags, Mode::empty())?.into())
}

/// Opens a file to be read.
#[cfg(not(unix))]
pub(super) fn open_source(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Up to `length` bytes at `offset`; fewer only at the file's end.
#[cfg(unix)]
pub(super) fn read_at(file: &File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    use rustix::buffer::spare_capacity;
    use rustix::io::{pread, retry_on_intr};
    // Read into fresh memory: filling it with zeros first would cost a tenth of the reading.
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let at = offset + bytes.len() as u64;
        if retry_on_intr(|| pread(file, spare_capacity(&mut bytes), at))? == 0 {
            break;
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// Up to `length` bytes at `offset`; fewer only at the file's end.
#[cfg(windows)]
pub(super) fn read_at(file: &File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    use std::os::windows::fs::FileExt;
    let (mut bytes, mut filled) = (vec![0; length], 0);
    while filled < length {
        match file.seek_read(&mut bytes[filled..], offset + filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Writes all of the chunks at `offset`, one behind the other.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn write_at(file: &File, mut offset: u64, chunks: &[Bytes]) -> io::Result<()> {
    use rustix::io::{pwritev, retry_on_intr};
    let mut slices: Vec<IoSlice<'_>> = chunks.iter().map(|chunk| IoSlice::new(chunk)).collect();
    let mut left = &mut slices[..];
    // What is empty at the front would look like a full disk.
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        let count = left.len().min(MAX_SLICES);
        match retry_on_intr(|| pwritev(file, &left[..count], offset))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => {
                offset += written as u64;
                IoSlice::advance_slices(&mut left, written);
            }
        }
    }
    Ok(())
}

/// Writes all of the chunks at `offset`, one behind the other.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub(super) fn write_at(file: &File, mut offset: u64, chunks: &[Bytes]) -> io::Result<()> {
    for chunk in chunks {
        std::os::unix::fs::FileExt::write_all_at(file, chunk, offset)?;
        offset += chunk.len() as u64;
    }
    Ok(())
}

/// Writes all of the chunks at `offset`, one behind the other.
#[cfg(windows)]
pub(super) fn write_at(file: &File, mut offset: u64, chunks: &[Bytes]) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    for chunk in chunks {
        let mut bytes = &chunk[..];
        while !bytes.is_empty() {
            match file.seek_write(bytes, offset)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => (bytes, offset) = (&bytes[count..], offset + count as u64),
            }
        }
    }
    Ok(())
}

/// Bytes that this program may still write below `dir`; `None` where the system does not tell.
#[cfg(unix)]
pub(super) fn free_space(dir: &Dir) -> Option<u64> {
    let space = rustix::fs::fstatvfs(dir).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}

/// Bytes that this program may still write below `dir`; `None` where the system does not tell.
#[cfg(not(unix))]
pub(super) fn free_space(_dir: &Dir) -> Option<u64> {
    None
}

/// True where [`TreeSync`] makes a whole tree durable at once, so that its files need not be synced one by one:
/// for thousands of small files that is the difference between seconds and minutes.
pub(super) const SYNCS_TREES: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Makes everything on the disk of a folder durable. Each tells of what could not be written since it was opened, also when
/// another one has told of it before (man 2 syncfs).
pub(super) struct TreeSync {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    folder: std::os::fd::OwnedFd,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl TreeSync {
    pub(super) fn open(root: &Dir) -> io::Result<Self> {
        use rustix::fs::{Mode, OFlags, openat};
        // The handle itself only leads to other files.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { folder: openat(root, ".", flags, Mode::empty())? })
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.folder)?)
    }
}

/// Nothing to do: each file was synced.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl TreeSync {
    pub(super) fn open(_root: &Dir) -> io::Result<Self> {
        Ok(Self {})
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes the names in `dir` durable: what is in a synced file is, what it is called is not by that (man 2 fsync).
#[cfg(unix)]
pub(super) fn sync_names(dir: &Dir) -> io::Result<()> {
    use rustix::fs::{Mode, OFlags, fsync, openat};
    // The handle itself only leads to other files.
    let readable = openat(dir, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    Ok(fsync(readable)?)
}

/// Nothing that could be done: the system forces no folders to the disk.
#[cfg(not(unix))]
pub(super) fn sync_names(_dir: &Dir) -> io::Result<()> {
    Ok(())
}

/// Renames within `dir`, never over anything: a name in use is [`io::ErrorKind::AlreadyExists`].
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(super) fn rename_new(dir: &Dir, from: &str, to: &str, is_folder: bool) -> io::Result<()> {
    use rustix::fs::{RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(dir, from, dir, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => rename_claimed(dir, from, to, is_folder),
        renamed => Ok(renamed?),
    }
}

/// Renames within `dir`, never over anything: a name in use is [`io::ErrorKind::AlreadyExists`].
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(super) fn rename_new(dir: &Dir, from: &str, to: &str, is_folder: bool) -> io::Result<()> {
    rename_claimed(dir, from, to, is_folder)
}

/// For file systems that cannot rename without replacing: makes something empty of this name, which succeeds for one
/// program only, and replaces that.
pub(super) fn rename_claimed(dir: &Dir, from: &str, to: &str, is_folder: bool) -> io::Result<()> {
    if is_folder {
        dir.create_dir(to)?;
    } else {
        dir.open_with(to, OpenOptions::new().write(true).create_new(true))?;
    }
    if is_folder && cfg!(windows) {
        // There a folder cannot take another's place.
        dir.remove_dir(to)?;
    }
    let renamed = dir.rename(from, dir, to);
    if renamed.is_err() {
        let _ = if is_folder { dir.remove_dir(to) } else { dir.remove_file(to) };
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_written_one_behind_the_other_however_many_and_however_short() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let chunks: Vec<Bytes> = (0..3000_u16)
            .map(|number| Bytes::from(vec![number.to_be_bytes()[1]; usize::from(number % 5)]))
            .collect();
        write_at(&File::create(&path).unwrap(), 7, &chunks).unwrap();
        let written = std::fs::read(&path).unwrap();
        assert_eq!(written[..7], [0; 7]);
        assert_eq!(written[7..], chunks.concat());
    }

    #[test]
    fn nothing_is_written_of_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let file = File::create(directory.path().join("file")).unwrap();
        write_at(&file, 0, &[]).unwrap();
        write_at(&file, 0, &[Bytes::new()]).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 0);
    }
}
