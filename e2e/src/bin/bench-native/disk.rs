//! What the disk alone takes for the same bytes. A received file has its name only once it is on the disk, so no transfer
//! is faster than that: where this is slower than the raw channel, it is the bar.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;

/// Bytes that are written at once.
const BLOCK: usize = 1 << 20;

/// Seconds to copy a file into its own folder and have the disk keep it; the copy is gone afterwards.
pub(crate) fn seconds(file: &Path) -> f64 {
    let mut from = File::open(file).expect("the file to be sent");
    let mut into = tempfile::tempfile_in(file.parent().expect("a folder")).expect("a temporary file");
    let (started, mut block) = (Instant::now(), vec![0; BLOCK]);
    loop {
        let count = from.read(&mut block).expect("its bytes");
        if count == 0 {
            break;
        }
        into.write_all(&block[..count]).expect("room on the disk");
    }
    into.sync_data().expect("a disk that keeps what is written");
    started.elapsed().as_secs_f64()
}

/// Seconds to copy a folder's folders of small files into another beside it and have the disk keep it all; the copy is gone
/// afterwards.
pub(crate) fn seconds_of_tree(folder: &Path) -> f64 {
    let into = tempfile::tempdir_in(folder.parent().expect("a folder")).expect("a temporary folder");
    let started = Instant::now();
    for inner in fs::read_dir(folder).expect("a folder of folders").flatten() {
        let to = into.path().join(inner.file_name());
        fs::create_dir(&to).expect("a folder");
        for file in fs::read_dir(inner.path()).expect("a folder of files").flatten() {
            let content = fs::read(file.path()).expect("a file");
            fs::write(to.join(file.file_name()), content).expect("room on the disk");
        }
    }
    let whole = File::open(into.path()).expect("the copy");
    rustix::fs::syncfs(whole).expect("a disk that keeps what is written");
    started.elapsed().as_secs_f64()
}
