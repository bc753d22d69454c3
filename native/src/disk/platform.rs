//! What the standard library has no portable and safe call for: the one file that knows operating systems.
//!
//! Makes single calls. Knows no items, no pieces and no names of theirs.

use std::fs::File;
use std::io;
use std::path::Path;

use cap_std::fs::{Dir, OpenOptions};

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

/// Writes all of it at `offset`.
#[cfg(unix)]
pub(super) fn write_at(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

/// Writes all of it at `offset`.
#[cfg(windows)]
pub(super) fn write_at(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    let mut written = 0;
    while written < bytes.len() {
        match file.seek_write(&bytes[written..], offset + written as u64)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => written += count,
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

/// True where [`sync_tree`] makes a whole tree durable at once, so that its files need not be synced one by one:
/// for thousands of small files that is the difference between seconds and minutes.
pub(super) const SYNCS_TREES: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Makes everything on the disk of `root` durable.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn sync_tree(root: &Dir) -> io::Result<()> {
    use rustix::fs::{Mode, OFlags, openat, syncfs};
    // The handle itself only leads to other files.
    let readable = openat(root, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    Ok(syncfs(readable)?)
}

/// Nothing to do: each file was synced.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn sync_tree(_root: &Dir) -> io::Result<()> {
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
