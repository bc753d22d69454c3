//! What a device offers.

use std::fs::File;
use std::time::{Duration, UNIX_EPOCH};

use privydrop_common::api::{NewContent, NewFile};
use privydrop_common::host::{JobId, ReadPiece, SourceFault};
use privydrop_common::pieces::{piece_count, root};

use super::*;
use crate::disk::{NotPicked, pick};

impl Disk {
    fn offer(&self, name: &str, content: &[u8]) -> NewFile {
        fs::write(self.path(name), content).unwrap();
        match pick(&self.files, &self.path(name)).unwrap().item.content {
            NewContent::File(file) => file,
            NewContent::Folder { .. } => panic!("a file"),
        }
    }

    async fn read(&self, file: NewFile, piece: u32) -> Result<ReadPiece, SourceFault> {
        let job = JobId(u64::from(piece));
        self.files.read(job, file.source, file.size, piece);
        match self.report().await {
            Report::Read { job: told, outcome } if told == job => outcome,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn pieces_of_a_file_are_its_bytes_and_hash_to_its_root() {
    let disk = Disk::new();
    for size in [0, 1, MIB, 3 * MIB + 1025] {
        let content = bytes(size);
        let file = disk.offer("data.bin", &content);
        assert_eq!(file.size, size);
        let (mut read, mut values) = (Vec::new(), Vec::new());
        for piece in 0..piece_count(size) {
            let piece = disk.read(file, piece).await.unwrap();
            read.extend_from_slice(&piece.bytes);
            values.push(piece.value);
        }
        assert!(read == content, "{size} bytes");
        let expected = privydrop_common::pieces::Root(*blake3::hash(&content).as_bytes());
        assert_eq!(root(size, &values), Some(expected));
    }
}

#[tokio::test]
async fn of_hundreds_of_small_files_that_are_read_together_each_is_told_of_once() {
    let disk = Disk::new();
    let files: Vec<NewFile> =
        (0..500).map(|number| disk.offer(&format!("{number}"), &bytes(number * 40))).collect();
    // Twice, for those who read must come back when more is asked for.
    for _ in 0..2 {
        for (job, file) in (0..).zip(&files) {
            disk.files.read(JobId(job), file.source, file.size, 0);
        }
        let mut told = vec![false; files.len()];
        for _ in &files {
            let Report::Read { job: JobId(job), outcome } = disk.report().await else { panic!("a read") };
            assert!(outcome.unwrap().bytes == bytes(job * 40), "file {job}");
            let job = usize::try_from(job).unwrap();
            assert!(!core::mem::replace(&mut told[job], true), "file {job} comes twice");
        }
    }
}

#[tokio::test]
async fn a_file_that_changed_since_it_was_offered_is_not_read() {
    let disk = Disk::new();
    let (path, file) = (disk.path("a.txt"), disk.offer("a.txt", b"as offered"));
    disk.read(file, 0).await.unwrap();

    fs::write(&path, b"short").unwrap();
    assert_eq!(disk.read(file, 0).await, Err(SourceFault::Changed), "truncated");
    fs::write(&path, b"as offered, and then more").unwrap();
    assert_eq!(disk.read(file, 0).await, Err(SourceFault::Changed), "grown");
    fs::write(&path, b"AS OFFERED").unwrap();
    File::open(&path).unwrap().set_modified(UNIX_EPOCH + Duration::from_secs(1_000)).unwrap();
    assert_eq!(disk.read(file, 0).await, Err(SourceFault::Changed), "same length, other time");
}

#[tokio::test]
async fn a_file_that_is_gone_or_not_offered_any_more_is_not_read() {
    let disk = Disk::new();
    let (deleted, released) = (disk.offer("a.txt", b"a"), disk.offer("b.txt", b"b"));
    fs::remove_file(disk.path("a.txt")).unwrap();
    assert_eq!(disk.read(deleted, 0).await, Err(SourceFault::Unreadable));
    disk.files.release(released.source);
    assert_eq!(disk.read(released, 0).await, Err(SourceFault::Unreadable));
}

#[cfg(unix)]
#[tokio::test]
async fn what_took_a_files_place_is_not_read() {
    let disk = Disk::new();
    let (path, file) = (disk.path("a.txt"), disk.offer("a.txt", b"public"));
    fs::remove_file(&path).unwrap();
    fs::write(disk.path("secret"), b"secret").unwrap();
    std::os::unix::fs::symlink(disk.path("secret"), &path).unwrap();
    assert_eq!(disk.read(file, 0).await, Err(SourceFault::Unreadable), "a link");
    fs::remove_file(&path).unwrap();
    make_pipe(&path);
    assert_eq!(
        disk.read(file, 0).await,
        Err(SourceFault::Unreadable),
        "a pipe, which must not be waited for"
    );
}

#[cfg(unix)]
#[test]
fn a_folder_is_offered_with_its_empty_folders_and_without_links_and_pipes() {
    let disk = Disk::new();
    fs::create_dir_all(disk.path("trip/day 1/noon")).unwrap();
    fs::create_dir(disk.path("trip/empty")).unwrap();
    for (name, content) in [("trip/b.txt", "b"), ("trip/day 1/noon/c.txt", ""), ("outside.txt", "secret")] {
        fs::write(disk.path(name), content).unwrap();
    }
    std::os::unix::fs::symlink(disk.path("outside.txt"), disk.path("trip/link")).unwrap();
    std::os::unix::fs::symlink(disk.dir.path(), disk.path("trip/loop")).unwrap();
    make_pipe(&disk.path("trip/pipe"));

    let picked = pick(&disk.files, &disk.path("trip/")).unwrap();
    assert_eq!(picked.item.name, "trip");
    let NewContent::Folder { files, folders } = picked.item.content else { panic!("a folder") };
    let files: Vec<_> = files.iter().map(|(path, file)| (path.join("/"), file.size)).collect();
    assert_eq!(files, [("b.txt".to_owned(), 1), ("day 1/noon/c.txt".to_owned(), 0)]);
    let folders: Vec<_> = folders.iter().map(|path| path.join("/")).collect();
    assert_eq!(folders, ["day 1", "day 1/noon", "empty"]);
    let skipped: Vec<_> = picked
        .skipped
        .iter()
        .map(|skipped| (skipped.path.file_name().unwrap().to_str().unwrap(), skipped.why))
        .collect();
    assert_eq!(skipped, [("link", NotPicked::Link), ("loop", NotPicked::Link), ("pipe", NotPicked::Special)]);
}

#[cfg(unix)]
#[test]
fn a_link_that_a_person_names_is_followed_and_keeps_its_name() {
    let disk = Disk::new();
    fs::write(disk.path("report-final-2.txt"), b"text").unwrap();
    std::os::unix::fs::symlink(disk.path("report-final-2.txt"), disk.path("report.txt")).unwrap();
    let picked = pick(&disk.files, &disk.path("report.txt")).unwrap();
    assert_eq!(picked.item.name, "report.txt");
    assert!(matches!(picked.item.content, NewContent::File(NewFile { size: 4, .. })));
}

#[test]
fn what_is_not_there_is_not_offered() {
    let disk = Disk::new();
    assert_eq!(pick(&disk.files, &disk.path("nothing")).unwrap_err(), NotPicked::Unreadable);
}

#[cfg(unix)]
fn make_pipe(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}
