//! What an earlier attempt left: gone on with when it is right, never kept when it is not.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use privydrop_common::host::{Found, JobId, Kept, StoreFault, StoreId};
use privydrop_common::id::FileIndex;
use privydrop_common::journal::{HEADER, MIN_TOTAL, RECORD};
use privydrop_common::pieces::piece_count;

use super::stores::{folder, lone};
use super::*;
use crate::disk::directory::Tree;
use crate::disk::unfinished::expire;
use crate::disk::{Unfinished, unfinished};

const FIRST: StoreId = StoreId(1);
const SECOND: StoreId = StoreId(2);
const SIZE: u64 = 6 * MIB + 5;
const PART: &str = "film.privydrop-part";
const JOURNAL: &str = "film.privydrop-part.privydrop-part";

/// Another program's disk over a copy of what is in this one: as if this program had been killed now.
fn after_a_kill(disk: &Disk) -> Disk {
    let other = Disk::new();
    for (path, content) in disk.tree() {
        match content {
            Some(content) => fs::write(other.path(&path), content).unwrap(),
            None => fs::create_dir(other.path(&path)).unwrap(),
        }
    }
    other
}

/// The numbers of the pieces found of a file.
fn pieces(found: &[Found], file: u32) -> Vec<u32> {
    let of = found.iter().filter(|found| found.file.0 == file);
    of.flat_map(|found| found.pieces.iter().map(|(piece, _)| *piece)).collect()
}

impl Disk {
    /// Half of a film, as far as its fourth piece.
    async fn with_half_a_film() -> Self {
        let (disk, content) = (Self::new(), bytes(SIZE));
        assert_eq!(disk.prepare_anew(FIRST, lone("film", &content)).await, []);
        for piece in 0..4 {
            disk.write(FIRST, 0, piece, &content).await.unwrap();
        }
        disk
    }

    /// Receives the film by writing what was not found; tells what was.
    async fn complete_the_film(&self) -> Vec<u32> {
        let content = bytes(SIZE);
        let found = pieces(&self.prepare_anew(SECOND, lone("film", &content)).await, 0);
        for piece in (0..piece_count(SIZE)).filter(|piece| !found.contains(piece)) {
            self.write(SECOND, 0, piece, &content).await.unwrap();
        }
        self.commit(SECOND, 0).await.unwrap();
        self.finish(SECOND).await.unwrap();
        assert!(fs::read(self.path("film")).unwrap() == content);
        found
    }

    async fn prepare_anew(&self, store: StoreId, plan: privydrop_common::host::Plan) -> Vec<Found> {
        self.prepare_found(store, plan).await.unwrap()
    }

    /// Waits until a store is let go of: its queue is empty when a later order is answered.
    async fn suspend(&self, store: StoreId) {
        self.stores.suspend(store);
        assert!(self.commit(store, 0).await.is_err());
    }
}

#[tokio::test]
async fn what_was_let_go_of_is_gone_on_with() {
    let disk = Disk::with_half_a_film().await;
    disk.suspend(FIRST).await;
    assert_eq!(disk.complete_the_film().await, [0, 1, 2, 3]);
    assert_eq!(disk.tree().len(), 1, "nothing unfinished is left");
}

#[tokio::test]
async fn what_is_prepared_waits_for_what_is_still_being_let_go_of() {
    let disk = Disk::with_half_a_film().await;
    let content = bytes(SIZE);
    let (from, to) = (4 * usize::try_from(MIB).unwrap(), 5 * usize::try_from(MIB).unwrap());
    let piece = vec![content[from..to].to_vec().into()];
    disk.stores.write(FIRST, JobId(9), FileIndex(0), 4, piece);
    disk.stores.suspend(FIRST);
    disk.stores.prepare(SECOND, disk.place, lone("film", &content).into());
    let found = loop {
        if let Report::Prepared { outcome, .. } = disk.report().await {
            break outcome.unwrap();
        }
    };
    assert_eq!(pieces(&found, 0), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn it_is_told_how_far_reading_again_is_what_was_left() {
    let disk = Disk::with_half_a_film().await;
    disk.suspend(FIRST).await;
    disk.stores.prepare(SECOND, disk.place, lone("film", &bytes(SIZE)).into());
    for read in 1..=4 {
        let told = Report::Checking { store: SECOND, done: read * MIB, total: 4 * MIB };
        assert_eq!(disk.report().await, told);
    }
    assert!(matches!(disk.report().await, Report::Prepared { outcome: Ok(found), .. } if found.len() == 1));
}

#[tokio::test]
async fn what_a_killed_program_stored_is_gone_on_with() {
    let disk = after_a_kill(&Disk::with_half_a_film().await);
    assert_eq!(disk.complete_the_film().await, [0, 1, 2, 3]);
    assert_eq!(disk.tree().len(), 1);
}

#[tokio::test]
async fn no_name_leads_into_the_journal_of_another_item() {
    for other in ["film.journal", "film (2)", "film.privydrop-part.txt"] {
        let disk = Disk::with_half_a_film().await;
        let (content, others) = (bytes(SIZE), vec![9; usize::try_from(SIZE).unwrap()]);
        assert_eq!(disk.prepare_anew(SECOND, lone(other, &others)).await, []);
        for piece in 0..piece_count(SIZE) {
            disk.write(SECOND, 0, piece, &others).await.unwrap();
        }
        for piece in 4..piece_count(SIZE) {
            disk.write(FIRST, 0, piece, &content).await.unwrap();
        }
        for store in [FIRST, SECOND] {
            disk.commit(store, 0).await.unwrap();
            disk.finish(store).await.unwrap();
        }
        assert_eq!(fs::read(disk.path("film")).unwrap(), content, "{other}");
        assert_eq!(fs::read(disk.path(other)).unwrap(), others, "{other}");
        assert_eq!(disk.tree().len(), 2);
    }
}

#[tokio::test]
async fn what_has_its_name_stays_though_it_is_let_go_of_before_that_is_told() {
    let disk = Disk::with_half_a_film().await;
    let content = bytes(SIZE);
    for piece in 4..piece_count(SIZE) {
        disk.write(FIRST, 0, piece, &content).await.unwrap();
    }
    disk.stores.commit(FIRST, FileIndex(0));
    disk.stores.suspend(FIRST);
    assert!(matches!(disk.report().await, Report::Committed { outcome: Ok(()), .. }));
    // What comes next is carried out after it.
    assert_eq!(disk.prepare_anew(SECOND, lone("other", b"x")).await, []);
    assert_eq!(fs::read(disk.path("film")).unwrap(), content);
}

#[tokio::test]
async fn wherever_a_journal_was_cut_off_the_bytes_are_right_in_the_end() {
    let killed = after_a_kill(&Disk::with_half_a_film().await);
    let whole = HEADER + 4 * RECORD;
    for length in [0, 1, HEADER - 1, HEADER, HEADER + 1, HEADER + RECORD, whole - 1, whole] {
        let disk = after_a_kill(&killed);
        let journal = File::options().write(true).open(disk.path(JOURNAL)).unwrap();
        journal.set_len(length as u64).unwrap();
        let records = u32::try_from(length.saturating_sub(HEADER) / RECORD).unwrap();
        assert_eq!(disk.complete_the_film().await, (0..records).collect::<Vec<_>>(), "{length} bytes");
    }
}

#[tokio::test]
async fn wherever_the_data_was_cut_off_or_spoiled_only_what_is_right_is_kept() {
    let killed = after_a_kill(&Disk::with_half_a_film().await);
    for (length, expected) in
        [(0, vec![]), (MIB, vec![0]), (2 * MIB + 1, vec![0, 1]), (4 * MIB, vec![0, 1, 2, 3])]
    {
        let disk = after_a_kill(&killed);
        File::options().write(true).open(disk.path(PART)).unwrap().set_len(length).unwrap();
        assert_eq!(disk.complete_the_film().await, expected, "{length} bytes");
    }
    let disk = after_a_kill(&killed);
    let mut content = fs::read(disk.path(PART)).unwrap();
    content[usize::try_from(MIB).unwrap() + 7] ^= 1;
    content.resize(usize::try_from(SIZE + 10).unwrap(), 9);
    fs::write(disk.path(PART), content).unwrap();
    assert_eq!(disk.complete_the_film().await, [0, 2, 3], "what is too long is cut off as well");
}

#[tokio::test]
async fn what_another_program_is_receiving_is_left_to_it() {
    let disk = Disk::with_half_a_film().await;
    assert_eq!(disk.complete_the_film().await, [0_u32; 0]);
    disk.suspend(FIRST).await;
    assert_eq!(disk.tree().len(), 3, "the film, and what the other has of it");
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_the_place_of_what_was_left_is_not_followed() {
    let disk = after_a_kill(&Disk::with_half_a_film().await);
    let precious = disk.path("precious");
    fs::rename(disk.path(PART), &precious).unwrap();
    let before = fs::read(&precious).unwrap();
    std::os::unix::fs::symlink(&precious, disk.path(PART)).unwrap();
    assert_eq!(disk.complete_the_film().await, [0_u32; 0]);
    assert!(fs::read(&precious).unwrap() == before);
}

#[tokio::test]
async fn a_folder_is_gone_on_with_file_by_file() {
    let (large, small) = (bytes(3 * MIB), bytes(MIB + 9));
    let files: [(&str, &[u8]); 4] = [
        ("trip/large", &large),
        ("trip/in/small", &small),
        ("trip/in/told", b"told"),
        ("trip/untold", b"later"),
    ];
    let plan = || folder(&["trip", "trip/in"], &files);
    let disk = Disk::new();
    assert_eq!(disk.prepare_anew(FIRST, plan()).await, []);
    disk.write(FIRST, 2, 0, b"told").await.unwrap();
    disk.commit(FIRST, 2).await.unwrap();
    disk.write(FIRST, 1, 1, &small).await.unwrap();
    disk.write(FIRST, 0, 0, &large).await.unwrap();
    let disk = after_a_kill(&disk);
    // Begun, and killed before the journal told of it.
    fs::write(disk.path("trip.privydrop-part/untold"), b"half a file and more").unwrap();
    let found = disk.prepare_anew(SECOND, plan()).await;
    assert_eq!([0, 1, 2, 3].map(|file| pieces(&found, file)), [vec![0], vec![1], vec![0], vec![]]);
    for (file, piece) in [(0, 1), (0, 2), (1, 0), (3, 0)] {
        disk.write(SECOND, file, piece, files[file as usize].1).await.unwrap();
    }
    for file in 0..4 {
        disk.commit(SECOND, file).await.unwrap();
    }
    disk.finish(SECOND).await.unwrap();
    for (name, content) in files {
        assert!(fs::read(disk.path(name)).unwrap() == content, "{name}");
    }
    assert_eq!(disk.tree().len(), 6, "two folders and four files");
}

#[tokio::test]
async fn what_is_there_after_a_write_failed_is_gone_on_with_and_what_is_gone_is_believed_of_nobody() {
    let (large, small) = (bytes(3 * MIB), bytes(MIB + 9));
    let files: [(&str, &[u8]); 3] =
        [("trip/large", &large), ("trip/in/small", &small), ("trip/in/told", b"told")];
    let plan = || folder(&["trip", "trip/in"], &files);
    let disk = Disk::new();
    assert_eq!(disk.prepare_anew(FIRST, plan()).await, []);
    disk.write(FIRST, 0, 2, &large).await.unwrap();
    disk.write(FIRST, 1, 0, &small).await.unwrap();
    fs::remove_dir_all(disk.path("trip.privydrop-part/in")).unwrap();
    assert_eq!(disk.write(FIRST, 2, 0, b"told").await, Err(StoreFault::Unwritable));
    disk.suspend(FIRST).await;

    let found = disk.prepare_anew(SECOND, plan()).await;
    assert_eq!([0, 1, 2].map(|file| pieces(&found, file)), [vec![2], vec![], vec![]]);
    disk.write(SECOND, 2, 0, b"told").await.unwrap();
    fs::remove_dir_all(disk.path("trip.privydrop-part")).unwrap();
    assert_eq!(disk.write(SECOND, 1, 0, &small).await, Err(StoreFault::Unwritable));
    disk.suspend(SECOND).await;
    assert_eq!(disk.prepare_anew(FIRST, plan()).await, []);
}

#[tokio::test]
async fn what_can_never_be_stored_and_what_a_disk_lost_is_not_kept_for_another_attempt() {
    let disk = Disk::with_half_a_film().await;
    assert_eq!(disk.write(FIRST, 0, 4, &bytes(4 * MIB + 10)).await, Err(StoreFault::Unwritable));
    disk.suspend(FIRST).await;
    assert_eq!(disk.tree(), []);

    let (content, place) = (bytes(SIZE), disk.places.get(disk.place).unwrap());
    let (mut tree, _) = Tree::prepare(place, FIRST, lone("film", &content).into(), &mut |_| {}).unwrap();
    tree.write(FileIndex(0), 0, &[content[..usize::try_from(MIB).unwrap()].to_vec().into()]).unwrap();
    assert!(tree.heed(Err(std::io::ErrorKind::StorageFull.into())).is_err());
    tree.suspend();
    assert_eq!(disk.tree(), []);
}

#[tokio::test]
async fn what_nobody_went_on_with_for_a_week_is_removed() {
    let killed = after_a_kill(&Disk::with_half_a_film().await);
    for (days, left) in [(6, 3), (8, 1)] {
        let disk = after_a_kill(&killed);
        let then = SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60);
        File::options().write(true).open(disk.path(JOURNAL)).unwrap().set_modified(then).unwrap();
        assert_eq!(disk.prepare_anew(FIRST, lone("other", b"other")).await, []);
        assert_eq!(disk.tree().len(), left, "{days} days");
    }
}

#[tokio::test]
async fn what_is_unfinished_is_told_and_removed_unless_somebody_is_receiving_it() {
    let told = |disk: &Disk, clear| {
        let all = unfinished(disk.dir.path(), clear).unwrap();
        let facts = |left: Unfinished| (left.name, left.size, left.in_use, left.removed);
        all.into_iter().map(facts).collect::<Vec<_>>()
    };
    let receiving = Disk::with_half_a_film().await;
    fs::write(receiving.path("complete"), b"done").unwrap();
    let film = || ("film".to_owned(), 4 * MIB);
    let is = |(name, size), in_use, removed| vec![(name, size, in_use, removed)];
    assert_eq!(told(&receiving, true), is(film(), true, false));
    let left = after_a_kill(&receiving);
    assert_eq!(told(&left, false), is(film(), false, false));
    assert_eq!(told(&left, true), is(film(), false, true));
    assert_eq!(left.tree().len(), 1, "what is complete stays");
    assert_eq!(told(&left, true), []);
    assert!(unfinished(&left.path("nowhere"), false).is_err());
}

#[tokio::test]
async fn what_is_too_small_for_a_journal_counts_as_being_received_for_a_minute() {
    let disk = Disk::new();
    let photos = folder(&[], &[("photos/a", b"aaa"), ("photos/b", b"bb")]);
    disk.prepare_anew(FIRST, photos).await;
    disk.write(FIRST, 0, 0, b"aaa").await.unwrap();
    let seen = || unfinished(disk.dir.path(), true).unwrap().remove(0);
    let fresh = seen();
    assert_eq!((&*fresh.name, fresh.size, fresh.in_use, fresh.removed), ("photos", 3, true, false));
    let then = SystemTime::now() - Duration::from_secs(61);
    File::open(disk.path("photos.privydrop-part")).unwrap().set_modified(then).unwrap();
    let old = seen();
    assert!(!old.in_use && old.removed && old.age >= Duration::from_secs(61));
    assert_eq!(disk.tree(), []);
}

#[tokio::test]
async fn a_small_item_and_one_of_which_nothing_came_leave_nothing() {
    let disk = Disk::new();
    let small = bytes(MIN_TOTAL - 1);
    disk.prepare_anew(FIRST, lone("small", &small)).await;
    disk.write(FIRST, 0, 0, &small).await.unwrap();
    disk.suspend(FIRST).await;
    disk.prepare_anew(SECOND, lone("film", &bytes(SIZE))).await;
    disk.suspend(SECOND).await;
    assert_eq!(disk.tree(), []);
}

#[tokio::test]
async fn what_was_killed_before_its_first_piece_is_begun_anew_in_the_same_place() {
    let disk = Disk::new();
    disk.prepare_anew(FIRST, lone("film", &bytes(SIZE))).await;
    let disk = after_a_kill(&disk);
    assert_eq!(disk.tree().len(), 2, "the film and its journal");
    assert_eq!(disk.complete_the_film().await, [0_u32; 0]);
    assert_eq!(disk.tree().len(), 1);
    // The same where a piece was told of, and is spoiled.
    let disk = after_a_kill(&Disk::with_half_a_film().await);
    fs::write(disk.path(PART), vec![0; usize::try_from(SIZE).unwrap()]).unwrap();
    assert_eq!(disk.complete_the_film().await, [0_u32; 0]);
    assert_eq!(disk.tree().len(), 1);
}

#[tokio::test]
async fn what_a_killed_program_left_of_a_small_item_is_removed_after_a_week() {
    for (days, left) in [(6, 2), (8, 1)] {
        let disk = Disk::new();
        disk.prepare_anew(FIRST, lone("small", b"small")).await;
        let disk = after_a_kill(&disk);
        let then = SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60);
        let part = File::options().write(true).open(disk.path("small.privydrop-part")).unwrap();
        part.set_modified(then).unwrap();
        disk.prepare_anew(SECOND, lone("other", b"other")).await;
        assert_eq!(disk.tree().len(), left, "{days} days");
    }
}

#[tokio::test]
async fn what_is_being_completed_with_a_time_of_long_ago_is_not_taken_for_left_behind() {
    let (disk, done) = (Disk::new(), Arc::new(AtomicBool::new(false)));
    // As other items do when they begin, again and again.
    let clearing = std::thread::spawn({
        let (path, done) = (disk.path(""), Arc::clone(&done));
        move || {
            let dir = Dir::open_ambient_dir(path, ambient_authority()).unwrap();
            while !done.load(Ordering::Relaxed) {
                expire(&dir, SystemTime::now());
            }
        }
    });
    let content = bytes(100);
    for number in 0..200 {
        let (store, plan) = (StoreId(number), lone(&format!("{number}.jpg"), &content));
        assert_eq!(disk.prepare_found(store, plan).await, Ok(Vec::new()));
        disk.write(store, 0, 0, &content).await.unwrap();
        assert_eq!(disk.commit(store, 0).await, Ok(()), "{number}");
        assert_eq!(disk.finish(store).await, Ok(Kept::InPlace));
    }
    done.store(true, Ordering::Relaxed);
    clearing.join().unwrap();
}
