//! Where everything of a ZIP archive lies, known before its first byte: files are stored, not compressed.
//!
//! A folder is received straight into the archive that is handed over, so no byte is copied for it. Writes nothing
//! by itself, knows no disk, and never reads an archive.

use privydrop_common::pieces::MAX_FILE_SIZE;

/// Sizes, offsets and counts from here on are told in the 64-bit fields.
const MAX_32: u64 = 0xFFFF_FFFF;
const MAX_ENTRIES_16: u64 = 0xFFFF;

const LOCAL_HEADER: u32 = 0x0403_4B50;
const CENTRAL_HEADER: u32 = 0x0201_4B50;
const ZIP64_END: u32 = 0x0606_4B50;
const ZIP64_LOCATOR: u32 = 0x0706_4B50;
const END: u32 = 0x0605_4B50;

/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
/// Version 4.5 of the format: 64-bit fields.
const VERSION: u16 = 45;
/// The attributes are those of Unix.
const MADE_BY: u16 = 3 << 8 | VERSION;

/// One file or folder of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path with `/` between its parts; a folder's ends with one. At most 65,535 bytes.
    pub name: String,
    /// Bytes; 0 for a folder.
    pub size: u64,
    /// Seconds since 1970 of the last change.
    pub modified: Option<u64>,
}

impl Entry {
    fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    fn is_large(&self) -> bool {
        self.size >= MAX_32
    }

    fn header_len(&self) -> u64 {
        30 + self.name.len() as u64 + if self.is_large() { 20 } else { 0 } + self.time_field().len() as u64
    }

    /// The exact time; the format's own has two seconds' steps and no time zone.
    fn time_field(&self) -> Vec<u8> {
        let Some(seconds) = self.modified.and_then(|seconds| i32::try_from(seconds).ok()) else {
            return Vec::new();
        };
        let mut field = Vec::with_capacity(9);
        put16(&mut field, 0x5455);
        put16(&mut field, 5);
        field.push(1);
        field.extend(seconds.to_le_bytes());
        field
    }
}

/// The places of an archive's parts. Index = position in the list that it was made from.
#[derive(Debug)]
pub struct Layout {
    entries: Vec<Entry>,
    /// Where each entry's header begins.
    headers: Vec<u64>,
    /// Where the central directory begins: the end of the last content.
    directory: u64,
}

impl Layout {
    /// Lays the entries end to end, in this order.
    ///
    /// `None` if they are too much for one archive: a name over 65,535 bytes, or more than [`MAX_FILE_SIZE`] bytes.
    pub fn new(entries: Vec<Entry>) -> Option<Self> {
        let mut headers = Vec::with_capacity(entries.len());
        let mut at = 0_u64;
        for entry in &entries {
            if entry.name.len() > usize::from(u16::MAX) || entry.size > MAX_FILE_SIZE {
                return None;
            }
            headers.push(at);
            at += entry.header_len() + entry.size;
            if at > MAX_FILE_SIZE {
                return None;
            }
        }
        Some(Self { entries, headers, directory: at })
    }

    /// Bytes before the central directory: every header and every content.
    pub fn directory_at(&self) -> u64 {
        self.directory
    }

    /// Where the header of entry `index` begins.
    pub fn header_at(&self, index: usize) -> u64 {
        self.headers[index]
    }

    /// Where the content of entry `index` begins: right behind its header.
    pub fn content_at(&self, index: usize) -> u64 {
        self.headers[index] + self.entries[index].header_len()
    }

    /// The header in front of entry `index`, whose content has this CRC-32.
    pub fn header(&self, index: usize, crc: u32) -> Vec<u8> {
        let entry = &self.entries[index];
        let mut extra = Vec::new();
        if entry.is_large() {
            put64_field(&mut extra, &[entry.size, entry.size]);
        }
        extra.extend(entry.time_field());
        let mut header = Vec::with_capacity(30 + entry.name.len() + extra.len());
        put32(&mut header, LOCAL_HEADER);
        put_facts(&mut header, entry, crc, extra.len());
        header.extend(entry.name.as_bytes());
        header.extend(extra);
        header
    }

    /// The central directory and the archive's end, from the CRC-32 of every entry's content.
    pub fn directory(&self, crcs: &[u32]) -> Vec<u8> {
        let mut directory = Vec::new();
        for ((entry, &header), &crc) in self.entries.iter().zip(&self.headers).zip(crcs) {
            put_central(&mut directory, entry, header, crc);
        }
        let len = directory.len() as u64;
        self.put_end(&mut directory, len);
        directory
    }

    fn put_end(&self, out: &mut Vec<u8>, directory_len: u64) {
        let count = self.entries.len() as u64;
        let end = self.directory + directory_len;
        if count >= MAX_ENTRIES_16 || self.directory >= MAX_32 || directory_len >= MAX_32 {
            put32(out, ZIP64_END);
            put64(out, 44);
            put16(out, MADE_BY);
            put16(out, VERSION);
            put64(out, 0); // This disk, and the disk of the directory.
            put64(out, count);
            put64(out, count);
            put64(out, directory_len);
            put64(out, self.directory);
            put32(out, ZIP64_LOCATOR);
            put32(out, 0);
            put64(out, end);
            put32(out, 1);
        }
        put32(out, END);
        put32(out, 0); // This disk, and the disk of the directory.
        put16(out, low16(count));
        put16(out, low16(count));
        put32(out, low32(directory_len));
        put32(out, low32(self.directory));
        put16(out, 0); // No comment.
    }
}

fn put_central(out: &mut Vec<u8>, entry: &Entry, header: u64, crc: u32) {
    let (folder, file) = (0o040_755 << 16 | 0x10, 0o100_644 << 16);
    let mut wide = Vec::new();
    if entry.is_large() {
        wide.extend([entry.size, entry.size]);
    }
    if header >= MAX_32 {
        wide.push(header);
    }
    let mut extra = Vec::new();
    put64_field(&mut extra, &wide);
    extra.extend(entry.time_field());
    put32(out, CENTRAL_HEADER);
    put16(out, MADE_BY);
    put_facts(out, entry, crc, extra.len());
    put16(out, 0); // No comment.
    put32(out, 0); // On this disk; not known to be text.
    put32(out, if entry.is_folder() { folder } else { file });
    put32(out, low32(header));
    out.extend(entry.name.as_bytes());
    out.extend(extra);
}

/// What both kinds of header tell in the same words.
fn put_facts(out: &mut Vec<u8>, entry: &Entry, crc: u32, extra_len: usize) {
    let (date, time) = dos_time(entry.modified);
    put16(out, VERSION);
    put16(out, FLAGS);
    put16(out, 0); // Stored.
    put16(out, time);
    put16(out, date);
    put32(out, crc);
    put32(out, low32(entry.size));
    put32(out, low32(entry.size));
    put16(out, low16(entry.name.len() as u64));
    put16(out, low16(extra_len as u64));
}

/// The extra field with what does not fit into 32 bits; none when everything does.
fn put64_field(out: &mut Vec<u8>, values: &[u64]) {
    if !values.is_empty() {
        put16(out, 1);
        put16(out, low16(values.len() as u64 * 8));
        values.iter().for_each(|&value| put64(out, value));
    }
}

/// Date and time in the format's own bits, in UTC; its first day for what lies outside of 1980 to 2107.
fn dos_time(modified: Option<u64>) -> (u16, u16) {
    const FIRST_DAY: (u16, u16) = (1 << 5 | 1, 0);
    let Some(seconds) = modified else { return FIRST_DAY };
    let (year, month, day) = civil(seconds / 86_400);
    let Some(years) = year.checked_sub(1980).filter(|years| *years < 128) else { return FIRST_DAY };
    let of_day = seconds % 86_400;
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    (low16(years << 9 | month << 5 | day), low16(hour << 11 | minute << 5 | (second / 2)))
}

/// Year, month and day of a day since 1970. Counts in eras of 400 years that begin on 1 March of a year 0, so
/// that leap days come last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

/// The value, or the largest one, which stands for "see the 64-bit field".
fn low32(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn low16(value: u64) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}

fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend(value.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, value: u64) {
    out.extend(value.to_le_bytes());
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "tests write small parts")]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::io::{Cursor, Read, Result, Seek, SeekFrom};

    use proptest::prelude::*;
    use zip::ZipArchive;

    use super::*;

    fn entry(name: &str, size: u64) -> Entry {
        Entry { name: name.into(), size, modified: None }
    }

    /// An archive of these contents, put together as a sink would: each part written at its place.
    fn archive(contents: &[(Entry, Vec<u8>)]) -> Vec<u8> {
        let layout = Layout::new(contents.iter().map(|(entry, _)| entry.clone()).collect()).unwrap();
        let crcs: Vec<_> = contents.iter().map(|(_, bytes)| crc32fast::hash(bytes)).collect();
        let mut out = vec![0; usize::try_from(layout.directory_at()).unwrap()];
        let mut write = |at: u64, bytes: &[u8]| {
            let at = usize::try_from(at).unwrap();
            out[at..at + bytes.len()].copy_from_slice(bytes);
        };
        for (index, (_, bytes)) in contents.iter().enumerate() {
            write(layout.content_at(index), bytes);
            write(layout.header_at(index), &layout.header(index, crcs[index]));
        }
        out.extend(layout.directory(&crcs));
        out
    }

    proptest! {
        #[test]
        fn another_reader_finds_every_file_with_its_name_bytes_and_time(
            files in prop::collection::btree_map("[a-zß-ÿ一-龥 ]{1,20}(/[a-z]{1,9}){0,3}", prop::collection::vec(any::<u8>(), 0..3000), 0..12),
            folders in prop::collection::btree_set("[0-9]{1,8}/", 0..4),
            modified in prop::option::of(0..4_354_819_200_u64),
        ) {
            let all: Vec<_> = folders.iter().map(|name| (name, Vec::new()))
                .chain(files.iter().map(|(name, bytes)| (name, bytes.clone())))
                .map(|(name, bytes)| (Entry { name: name.clone(), size: bytes.len() as u64, modified }, bytes))
                .collect();
            let mut read = ZipArchive::new(Cursor::new(archive(&all))).unwrap();
            prop_assert_eq!(read.len(), all.len());
            for (index, (expected, content)) in all.iter().enumerate() {
                let mut file = read.by_index(index).unwrap();
                prop_assert_eq!(file.name().unwrap(), expected.name.as_str());
                prop_assert_eq!(file.is_dir(), expected.is_folder());
                let time = file.last_modified().unwrap();
                let (date, clock) = dos_time(modified);
                prop_assert_eq!((time.datepart(), time.timepart()), (date, clock));
                let mut bytes = Vec::new();
                // The reader checks the CRC-32 itself.
                file.read_to_end(&mut bytes).unwrap();
                prop_assert_eq!(&bytes, content);
            }
        }

        #[test]
        fn a_day_is_what_a_calendar_says(seconds in 315_532_800..4_354_819_200_u64) {
            let (date, time) = dos_time(Some(seconds));
            let read = zip::DateTime::try_from_msdos(date, time).unwrap();
            let days: u64 = (1970..u64::from(read.year())).map(|year| 365 + u64::from(is_leap(year))).sum::<u64>()
                + (1..u64::from(read.month())).map(|month| month_days(u64::from(read.year()), month)).sum::<u64>()
                + u64::from(read.day()) - 1;
            let clock = u64::from(read.hour()) * 3_600 + u64::from(read.minute()) * 60 + u64::from(read.second());
            prop_assert_eq!(days * 86_400 + clock, seconds / 2 * 2);
        }
    }

    fn is_leap(year: u64) -> bool {
        year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
    }

    fn month_days(year: u64, month: u64) -> u64 {
        match month {
            2 => 28 + u64::from(is_leap(year)),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    /// A file of zeros with some bytes written into it, of any size.
    struct Sparse {
        parts: BTreeMap<u64, Vec<u8>>,
        len: u64,
        at: u64,
    }

    impl Read for Sparse {
        fn read(&mut self, out: &mut [u8]) -> Result<usize> {
            let left = usize::try_from(self.len.saturating_sub(self.at)).unwrap_or(usize::MAX);
            let count = out.len().min(left);
            for (offset, byte) in out[..count].iter_mut().enumerate() {
                let at = self.at + offset as u64;
                let part = self.parts.range(..=at).next_back();
                *byte = part.and_then(|(from, bytes)| bytes.get((at - from) as usize)).copied().unwrap_or(0);
            }
            self.at += count as u64;
            Ok(count)
        }
    }

    impl Seek for Sparse {
        fn seek(&mut self, to: SeekFrom) -> Result<u64> {
            self.at = match to {
                SeekFrom::Start(at) => at,
                SeekFrom::End(by) => self.len.saturating_add_signed(by),
                SeekFrom::Current(by) => self.at.saturating_add_signed(by),
            };
            Ok(self.at)
        }
    }

    #[test]
    fn files_past_four_gibibytes_are_found_and_measured() {
        let entries = vec![
            entry("huge", 5 << 30),
            entry("edge", MAX_32),
            entry("below", MAX_32 - 1),
            entry("small", 5),
        ];
        let sizes: Vec<_> = entries.iter().map(|entry| entry.size).collect();
        let layout = Layout::new(entries).unwrap();
        let crcs = [1, 2, 3, crc32fast::hash(b"hello")];
        let mut parts: BTreeMap<_, _> =
            (0..4).map(|index| (layout.header_at(index), layout.header(index, crcs[index]))).collect();
        parts.insert(layout.content_at(3), b"hello".to_vec());
        let directory = layout.directory(&crcs);
        let len = layout.directory_at() + directory.len() as u64;
        parts.insert(layout.directory_at(), directory);
        let mut read = ZipArchive::new(Sparse { parts, len, at: 0 }).unwrap();
        for (index, size) in sizes.into_iter().enumerate() {
            let file = read.by_index(index).unwrap();
            assert_eq!(
                (file.size(), file.data_start()),
                (size, Some(layout.content_at(index))),
                "entry {index}"
            );
        }
        let mut text = String::new();
        read.by_index(3).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
    }

    #[test]
    fn a_hundred_thousand_empty_files_are_all_found() {
        let contents: Vec<_> = (0..100_000).map(|n| (entry(&format!("d/{n}"), 0), Vec::new())).collect();
        let read = ZipArchive::new(Cursor::new(archive(&contents))).unwrap();
        let names: BTreeSet<_> = read.file_names().map(|name| name.unwrap().into_owned()).collect();
        assert_eq!(names.len(), 100_000);
    }

    #[test]
    fn what_no_archive_can_hold_is_refused() {
        assert!(Layout::new(vec![entry(&"x".repeat(65_536), 0)]).is_none());
        assert!(Layout::new(vec![entry("a", MAX_FILE_SIZE), entry("b", 1)]).is_none());
        assert!(Layout::new(vec![entry("a", u64::MAX)]).is_none());
    }
}
