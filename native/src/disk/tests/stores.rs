//! What a device receives.

use std::time::UNIX_EPOCH;

use bytes::Bytes;
use privydrop_common::host::{Found, JobId, Kept, Plan, PlannedFile, StoreFault, StoreId};
use privydrop_common::id::FileIndex;
use privydrop_common::name::RelativePath;
use privydrop_common::pieces::{Value, piece_count, piece_range, value_of};

use super::*;
use crate::disk::platform::{rename_claimed, rename_new};

const STORE: StoreId = StoreId(1);
const MODIFIED: u64 = 1_700_000_000;

fn path(text: &str) -> RelativePath {
    RelativePath::parse(text.split('/')).unwrap()
}

fn file(name: &str, content: &[u8]) -> PlannedFile {
    PlannedFile { path: path(name), size: content.len() as u64, modified: Some(MODIFIED) }
}

pub(super) fn lone(name: &str, content: &[u8]) -> Plan {
    let total = content.len() as u64;
    Plan { files: vec![file(name, content)], folders: Vec::new(), is_folder: false, total }
}

pub(super) fn folder(folders: &[&str], files: &[(&str, &[u8])]) -> Plan {
    let total = files.iter().map(|(_, content)| content.len() as u64).sum();
    let files = files.iter().map(|(name, content)| file(name, content)).collect();
    Plan { files, folders: folders.iter().map(|name| path(name)).collect(), is_folder: true, total }
}

impl Disk {
    async fn prepare(&self, store: StoreId, plan: Plan) -> Result<(), StoreFault> {
        self.prepare_found(store, plan).await.map(|found| assert_eq!(found, []))
    }

    pub(super) async fn prepare_found(&self, store: StoreId, plan: Plan) -> Result<Vec<Found>, StoreFault> {
        self.stores.prepare(store, self.place, plan.into());
        loop {
            match self.report().await {
                Report::Checking { done, total, .. } => assert!(done > 0 && done <= total),
                Report::Prepared { outcome, .. } => return outcome,
                other => panic!("{other:?}"),
            }
        }
    }

    pub(super) async fn write(
        &self,
        store: StoreId,
        file: u32,
        piece: u32,
        content: &[u8],
    ) -> Result<Value, StoreFault> {
        let (offset, length) = piece_range(content.len() as u64, piece);
        let (from, length) = (usize::try_from(offset).unwrap(), usize::try_from(length).unwrap());
        let chunks = content[from..from + length].chunks(300_000).map(Bytes::copy_from_slice).collect();
        self.stores.write(store, JobId(7), FileIndex(file), piece, chunks);
        match self.report().await {
            Report::Written { job: JobId(7), outcome } => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// Every piece of a file, the last one first.
    async fn write_all(&self, store: StoreId, file: u32, content: &[u8]) -> Result<(), StoreFault> {
        for piece in (0..piece_count(content.len() as u64)).rev() {
            let (offset, length) = piece_range(content.len() as u64, piece);
            let (from, length) = (usize::try_from(offset).unwrap(), usize::try_from(length).unwrap());
            let expected = value_of(content.len() as u64, piece, [&content[from..from + length]]);
            assert_eq!(Some(self.write(store, file, piece, content).await?), expected);
        }
        Ok(())
    }

    pub(super) async fn commit(&self, store: StoreId, file: u32) -> Result<(), StoreFault> {
        self.stores.commit(store, FileIndex(file));
        match self.report().await {
            Report::Committed { outcome, .. } => outcome,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn finish(&self, store: StoreId) -> Result<Kept, StoreFault> {
        self.stores.finish(store);
        match self.report().await {
            Report::Finished { outcome, .. } => outcome,
            other => panic!("{other:?}"),
        }
    }

    async fn receive(&self, store: StoreId, plan: Plan, contents: &[&[u8]]) -> PathBuf {
        self.prepare(store, plan).await.unwrap();
        for (number, content) in (0..).zip(contents) {
            self.write_all(store, number, content).await.unwrap();
            self.commit(store, number).await.unwrap();
        }
        assert_eq!(self.finish(store).await, Ok(Kept::InPlace));
        self.stores.kept_at(store).unwrap()
    }

    /// Waits until a store is gone: its queue is empty when a later order is answered.
    async fn discard(&self, store: StoreId) {
        self.stores.discard(store);
        self.stores.commit(store, FileIndex(0));
        assert!(matches!(self.report().await, Report::Committed { outcome: Err(_), .. }));
    }
}

#[tokio::test]
async fn a_file_arrives_whole_with_its_time_and_has_its_name_only_then() {
    let disk = Disk::new();
    for size in [0, 5, 2 * MIB, 3 * MIB + 17] {
        let (content, name) = (bytes(size), format!("film {size}.mkv"));
        disk.prepare(STORE, lone(&name, &content)).await.unwrap();
        disk.write_all(STORE, 0, &content).await.unwrap();
        assert!(!disk.path(&name).exists(), "not before it is complete");
        disk.commit(STORE, 0).await.unwrap();
        assert_eq!(disk.finish(STORE).await, Ok(Kept::InPlace));
        assert_eq!(disk.stores.kept_at(STORE), Some(disk.path(&name).canonicalize().unwrap()));
        assert!(fs::read(disk.path(&name)).unwrap() == content);
        let modified = fs::metadata(disk.path(&name)).unwrap().modified().unwrap();
        assert_eq!(modified, UNIX_EPOCH + Duration::from_secs(MODIFIED));
    }
    assert_eq!(disk.tree().len(), 4, "nothing unfinished is left");
}

#[tokio::test]
async fn a_folder_arrives_with_its_empty_file_and_its_empty_folder() {
    let disk = Disk::new();
    let (large, folders) = (bytes(2 * MIB + 1), ["trip", "trip/day 1", "trip/day 1/noon", "trip/empty"]);
    let files: [(&str, &[u8]); 3] =
        [("trip/b.txt", b"b"), ("trip/day 1/noon/none", b""), ("trip/day 1/noon/large", &large)];
    let at = disk.receive(STORE, folder(&folders, &files), &files.map(|(_, content)| content)).await;
    assert_eq!(at, disk.path("trip").canonicalize().unwrap());
    let mut expected: Vec<_> = folders.map(|name| (name.to_owned(), None)).into();
    expected.extend(files.map(|(name, content)| (name.to_owned(), Some(content.to_vec()))));
    expected.sort();
    assert!(disk.tree() == expected);
}

#[tokio::test]
async fn a_folder_without_files_arrives() {
    let disk = Disk::new();
    disk.receive(STORE, folder(&["a", "a/b"], &[]), &[]).await;
    assert_eq!(disk.tree(), [("a".to_owned(), None), ("a/b".to_owned(), None)]);
}

#[tokio::test]
async fn more_half_made_files_than_may_be_open_are_completed_all_the_same() {
    let disk = Disk::new();
    let content = bytes(MIB + 9);
    let names: Vec<String> = (0..40).map(|number| format!("many/{number:02}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &content[..])).collect();
    disk.prepare(STORE, folder(&["many"], &files)).await.unwrap();
    for piece in [1, 0] {
        for file in 0..40 {
            disk.write(STORE, file, piece, &content).await.unwrap();
        }
    }
    for file in 0..40 {
        disk.commit(STORE, file).await.unwrap();
    }
    disk.finish(STORE).await.unwrap();
    let tree = disk.tree();
    assert!(tree.len() == 41 && tree[1..].iter().all(|(_, found)| found.as_ref() == Some(&content)));
}

#[tokio::test]
async fn thousands_of_small_files_arrive_whole_though_they_are_synced_while_more_come() {
    let disk = Disk::new();
    let count = 3000_u32;
    let content: Vec<[u8; 4]> = (0..count).map(u32::to_be_bytes).collect();
    let names: Vec<String> = (0..count).map(|number| format!("many/{}/{number:04}", number % 7)).collect();
    let files: Vec<(&str, &[u8])> =
        names.iter().zip(&content).map(|(name, content)| (name.as_str(), &content[..])).collect();
    disk.prepare(STORE, folder(&["many"], &files)).await.unwrap();
    for (file, content) in (0..count).zip(&content) {
        disk.write(STORE, file, 0, content).await.unwrap();
    }
    for file in 0..count {
        disk.commit(STORE, file).await.unwrap();
    }
    disk.finish(STORE).await.unwrap();
    for (name, content) in names.iter().zip(&content) {
        assert_eq!(fs::read(disk.path(name)).unwrap(), content);
    }
    assert_eq!(disk.tree().len(), 1 + 7 + content.len());
}

#[tokio::test]
async fn of_small_files_that_are_written_together_each_is_told_of_in_its_turn() {
    let disk = Disk::new();
    let contents: Vec<Vec<u8>> = (0..200).map(|number| bytes(number * 30)).collect();
    let names: Vec<String> = (0..200).map(|number| format!("all/{}/{number}", number % 7)).collect();
    let files: Vec<(&str, &[u8])> =
        names.iter().map(String::as_str).zip(contents.iter().map(Vec::as_slice)).collect();
    disk.prepare(STORE, folder(&["all"], &files)).await.unwrap();
    for (job, content) in (0..).zip(&contents) {
        let file = FileIndex(u32::try_from(job).unwrap());
        disk.stores.write(STORE, JobId(job), file, 0, vec![Bytes::copy_from_slice(content)]);
        disk.stores.commit(STORE, file);
    }
    disk.stores.finish(STORE);
    for (job, content) in (0..).zip(&contents) {
        let value = value_of(content.len() as u64, 0, [&content[..]]).unwrap();
        assert_eq!(disk.report().await, Report::Written { job: JobId(job), outcome: Ok(value) });
        let file = FileIndex(u32::try_from(job).unwrap());
        assert_eq!(disk.report().await, Report::Committed { store: STORE, file, outcome: Ok(()) });
    }
    assert_eq!(disk.report().await, Report::Finished { store: STORE, outcome: Ok(Kept::InPlace) });
    assert!((0..200).all(|at| fs::read(disk.path(&names[at])).unwrap() == contents[at]));
}

#[tokio::test]
async fn a_small_file_that_is_written_twice_has_its_last_bytes_and_its_time() {
    let disk = Disk::new();
    let (spoiled, right, large) = (bytes(4096), vec![7; 4096], bytes(1 << 21));
    disk.prepare(STORE, folder(&["d"], &[("d/small", &right), ("d/large", &large)])).await.unwrap();
    // Its check failed: it comes once more, as it should be.
    for content in [&spoiled, &right] {
        disk.write_all(STORE, 0, content).await.unwrap();
    }
    disk.write_all(STORE, 1, &large).await.unwrap();
    for file in 0..2 {
        disk.commit(STORE, file).await.unwrap();
    }
    disk.finish(STORE).await.unwrap();
    for (name, content) in [("d/small", right), ("d/large", large)] {
        assert_eq!(fs::read(disk.path(name)).unwrap(), content);
        let modified = fs::metadata(disk.path(name)).unwrap().modified().unwrap();
        assert_eq!(modified, UNIX_EPOCH + Duration::from_secs(MODIFIED));
    }
}

#[tokio::test]
async fn nothing_is_ever_overwritten() {
    let disk = Disk::new();
    fs::write(disk.path("a.txt"), "mine").unwrap();
    fs::create_dir(disk.path("trip")).unwrap();
    let file = disk.receive(STORE, lone("a.txt", b"new"), &[b"new"]).await;
    let tree: [(&str, &[u8]); 1] = [("trip/x", b"x")];
    let tree = disk.receive(StoreId(2), folder(&["trip"], &tree), &[b"x"]).await;
    assert_eq!((file.file_name(), tree.file_name()), (Some("a (2).txt".as_ref()), Some("trip (2)".as_ref())));
    assert_eq!(fs::read(disk.path("a.txt")).unwrap(), b"mine");
    assert_eq!(fs::read(disk.path("a (2).txt")).unwrap(), b"new");
    assert_eq!(fs::read_dir(disk.path("trip")).unwrap().count(), 0);
}

#[tokio::test]
async fn two_items_of_the_same_name_arrive_side_by_side() {
    let disk = Disk::new();
    let (first, second) = (StoreId(1), StoreId(2));
    disk.prepare(first, lone("a.txt", b"first")).await.unwrap();
    disk.prepare(second, lone("a.txt", b"second")).await.unwrap();
    disk.write_all(second, 0, b"second").await.unwrap();
    disk.write_all(first, 0, b"first").await.unwrap();
    for store in [second, first] {
        disk.commit(store, 0).await.unwrap();
        disk.finish(store).await.unwrap();
    }
    let expected = [("a (2).txt", "first"), ("a.txt", "second")];
    assert_eq!(disk.tree(), expected.map(|(name, text)| (name.to_owned(), Some(text.into()))));
}

#[tokio::test]
async fn discarding_removes_everything_that_was_made_and_nothing_else() {
    let disk = Disk::new();
    fs::write(disk.path("mine"), "mine").unwrap();
    let files: [(&str, &[u8]); 2] = [("trip/a", b"a"), ("trip/b", b"b")];
    disk.prepare(STORE, folder(&["trip", "trip/empty"], &files)).await.unwrap();
    disk.write_all(STORE, 0, b"a").await.unwrap();
    disk.commit(STORE, 0).await.unwrap();
    disk.discard(STORE).await;
    disk.prepare(StoreId(2), lone("mine", b"new")).await.unwrap();
    disk.write_all(StoreId(2), 0, b"new").await.unwrap();
    disk.commit(StoreId(2), 0).await.unwrap();
    disk.discard(StoreId(2)).await;
    assert_eq!(disk.tree(), [("mine".to_owned(), Some(b"mine".into()))]);
}

#[tokio::test]
async fn a_name_that_leaves_no_room_for_the_ending_of_unfinished_files_is_stored_all_the_same() {
    let disk = Disk::new();
    let name = format!("{}.txt", "ü".repeat(125));
    disk.prepare(STORE, lone(&name, b"x")).await.unwrap();
    let at = disk.receive(StoreId(2), lone(&name, b"x"), &[b"x"]).await;
    assert_eq!(at.file_name().unwrap(), name.as_str());
}

#[cfg(unix)]
#[tokio::test]
async fn links_planted_in_the_place_lead_nowhere() {
    use std::os::unix::fs::symlink;
    let (disk, outside) = (Disk::new(), TempDir::new().unwrap());
    for name in ["trip", "trip.privydrop-part", "a.txt", "a.txt.privydrop-part"] {
        symlink(outside.path().join(name), disk.path(name)).unwrap();
    }
    let files: [(&str, &[u8]); 1] = [("trip/x", b"x")];
    let tree = disk.receive(STORE, folder(&["trip"], &files), &[b"x"]).await;
    let file = disk.receive(StoreId(2), lone("a.txt", b"y"), &[b"y"]).await;
    assert_eq!((tree.file_name(), file.file_name()), (Some("trip (2)".as_ref()), Some("a (2).txt".as_ref())));
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_swapped_for_a_link_while_its_files_arrive_is_not_written_through() {
    let (disk, outside) = (Disk::new(), TempDir::new().unwrap());
    let large = bytes(MIB + 1);
    let files: [(&str, &[u8]); 3] = [("t/sub/a", b"a"), ("t/b", b"b"), ("t/sub/large", &large)];
    disk.prepare(STORE, folder(&["t", "t/sub"], &files)).await.unwrap();
    disk.write_all(STORE, 1, b"b").await.unwrap();
    let sub = disk.path("t.privydrop-part/sub");
    for target in [outside.path(), &disk.path("t.privydrop-part"), Path::new("..")] {
        fs::remove_dir(&sub).or_else(|_| fs::remove_file(&sub)).unwrap();
        std::os::unix::fs::symlink(target, &sub).unwrap();
        assert_eq!(disk.write_all(STORE, 0, b"a").await, Err(StoreFault::Unwritable));
        assert_eq!(disk.write_all(STORE, 2, &large).await, Err(StoreFault::Unwritable));
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    disk.discard(STORE).await;
    assert!(disk.tree().is_empty() && outside.path().exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_swapped_for_a_link_is_not_written_through() {
    let disk = Disk::new();
    fs::write(disk.path("mine"), "mine").unwrap();
    let content = bytes(MIB + 1);
    let names: Vec<String> = (0..40).map(|number| format!("t/{number}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &content[..])).collect();
    disk.prepare(STORE, folder(&["t"], &files)).await.unwrap();
    for file in 0..40 {
        disk.write(STORE, file, 0, &content).await.unwrap();
    }
    // The first file is closed by now, since there are so many.
    let first = disk.path("t.privydrop-part/0");
    fs::remove_file(&first).unwrap();
    std::os::unix::fs::symlink(disk.path("mine"), &first).unwrap();
    assert_eq!(disk.write(STORE, 0, 1, &content).await, Err(StoreFault::Unwritable));
    assert_eq!(fs::read(disk.path("mine")).unwrap(), b"mine");
}

#[tokio::test]
async fn a_plan_larger_than_the_disk_is_refused_with_the_numbers() {
    let disk = Disk::new();
    let needed = 1 << 59;
    let mut plan = lone("huge", b"");
    (plan.files[0].size, plan.total) = (needed, needed);
    let outcome = disk.prepare(STORE, plan).await;
    assert!(
        matches!(outcome, Err(StoreFault::NoSpace { needed: told, free }) if told == needed && free < needed)
    );
    assert!(disk.tree().is_empty());
}

#[tokio::test]
async fn a_place_that_vanished_or_was_never_there_is_unwritable() {
    let disk = Disk::new();
    disk.stores.prepare(STORE, PlaceId(99), lone("a", b"").into());
    assert!(matches!(disk.report().await, Report::Prepared { outcome: Err(StoreFault::Unwritable), .. }));
    fs::remove_dir(disk.dir.path()).unwrap();
    assert_eq!(disk.prepare(STORE, lone("a", b"")).await, Err(StoreFault::Unwritable));
    assert!(disk.places.register(disk.dir.path()).is_err());
    fs::create_dir(disk.dir.path()).unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_place_where_nobody_may_write_is_unwritable() {
    let mut disk = Disk::new();
    // A directory that is closed to everybody, the tests' own user whoever that is.
    disk.place = disk.places.register(Path::new("/proc/self")).unwrap();
    for plan in [lone("a", b""), folder(&["a"], &[])] {
        assert_eq!(disk.prepare(STORE, plan).await, Err(StoreFault::Unwritable));
    }
}

#[tokio::test]
async fn folders_that_are_only_on_the_way_to_something_are_made_too() {
    let disk = Disk::new();
    let plan = folder(&["a", "a/b/c"], &[("a/b/x", b"x"), ("a/d/e/y", b"y"), ("a/z", b"z")]);
    disk.prepare(STORE, plan).await.unwrap();
    for (file, content) in [b"x", b"y", b"z"].into_iter().enumerate() {
        disk.write_all(STORE, u32::try_from(file).unwrap(), content).await.unwrap();
        disk.commit(STORE, u32::try_from(file).unwrap()).await.unwrap();
    }
    disk.finish(STORE).await.unwrap();
    assert!(disk.path("a/b/c").is_dir());
    for (name, content) in [("a/b/x", b"x"), ("a/d/e/y", b"y"), ("a/z", b"z")] {
        assert_eq!(fs::read(disk.path(name)).unwrap(), content);
    }
}

#[tokio::test]
async fn a_plan_that_contradicts_itself_is_refused() {
    let disk = Disk::new();
    for plan in [Plan::default(), folder(&["a"], &[("b/x", b"x")])] {
        assert_eq!(disk.prepare(STORE, plan).await, Err(StoreFault::Unwritable));
    }
    assert!(disk.tree().is_empty());
    disk.prepare(STORE, lone("a", b"12345")).await.unwrap();
    assert_eq!(disk.write(STORE, 0, 0, b"1234").await, Err(StoreFault::Unwritable), "too short");
    assert_eq!(disk.write(STORE, 1, 0, b"12345").await, Err(StoreFault::Unwritable), "no such file");
    assert_eq!(disk.write(StoreId(9), 0, 0, b"12345").await, Err(StoreFault::Unwritable), "no such item");
}

#[test]
fn a_rename_replaces_nothing_by_either_way() {
    let disk = Disk::new();
    let dir = cap_std::fs::Dir::open_ambient_dir(disk.dir.path(), cap_std::ambient_authority()).unwrap();
    for rename in [rename_new, rename_claimed] {
        fs::write(disk.path("file"), "file").unwrap();
        fs::create_dir(disk.path("folder")).unwrap();
        for (name, is_folder) in [("file", false), ("folder", true)] {
            fs::write(disk.path("taken"), "taken").unwrap();
            let refused = rename(&dir, name, "taken", is_folder).unwrap_err();
            assert_eq!(refused.kind(), std::io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(disk.path("taken")).unwrap(), b"taken");
            rename(&dir, name, "moved", is_folder).unwrap();
            assert!(!disk.path(name).exists() && disk.path("moved").is_dir() == is_folder);
            if is_folder { fs::remove_dir(disk.path("moved")) } else { fs::remove_file(disk.path("moved")) }
                .unwrap();
        }
    }
}
