//! Files to send: random by content, the same in every run by seed.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use tempfile::TempDir;

/// Size of the big file of the transfer tests, in bytes.
pub const BIG: u64 = 200_000_000;
/// Number of small files in the folder of the transfer tests.
pub const MANY: usize = 1_000;

/// A temporary folder of things to send.
#[derive(Debug)]
pub struct Fixture {
    folder: TempDir,
    random: ChaCha8Rng,
}

impl Fixture {
    /// An empty one; the same `seed` makes the same content.
    pub fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder, random: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// A file of `size` random bytes.
    pub fn file(&mut self, name: &str, size: u64) -> PathBuf {
        let path = self.folder.path().join(name);
        self.write(&path, size);
        path
    }

    /// A folder of [`MANY`] small files, three deep, with names in several scripts, one empty file and one empty folder.
    pub fn folder(&mut self, name: &str) -> PathBuf {
        self.folder_of(name, MANY)
    }

    /// The same with this many small files.
    pub fn folder_of(&mut self, name: &str, count: usize) -> PathBuf {
        const NAMES: [&str; 8] =
            ["note", "résumé", "笔记", "ノート", "письмо", "한국어", "with blank", "smile 🙂"];
        const EXTENSIONS: [&str; 4] = ["txt", "bin", "jpeg", "tar.gz"];
        let top = self.folder.path().join(name);
        for number in 0..count {
            let below = top.join(format!("部分 {}", number % 10)).join(format!("s{}", number % 7));
            std::fs::create_dir_all(&below).expect("a folder");
            let file =
                format!("{} {number}.{}", NAMES[number % NAMES.len()], EXTENSIONS[number % EXTENSIONS.len()]);
            let size = u64::from(self.random.next_u32() % 8_000) + 1;
            self.write(&below.join(file), size);
        }
        self.write(&top.join("empty.txt"), 0);
        std::fs::create_dir_all(top.join("nothing here")).expect("a folder");
        top
    }

    fn write(&mut self, path: &Path, size: u64) {
        let mut file = BufWriter::new(File::create(path).expect("a new file"));
        let mut left = size;
        let mut bytes = vec![0; 64 * 1024];
        while left > 0 {
            let count = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.random.fill_bytes(&mut bytes[..count]);
            file.write_all(&bytes[..count]).expect("room on the disk");
            left -= count as u64;
        }
        file.flush().expect("room on the disk");
    }
}

/// The BLAKE3 value of a file in hex: what `b3sum` prints, and what a page shows as `data-hash`.
pub fn blake3_of(path: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut file = File::open(path).expect("a file to hash");
    std::io::copy(&mut file, &mut hasher).expect("its bytes");
    hasher.finalize().to_hex().to_string()
}
