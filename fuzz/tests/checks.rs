//! Every check holds for its seeds, for the seeds changed at random, and for any bytes; and nothing is missing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use privydrop_fuzz::{TARGETS, Target};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

/// Longest committed seed, in bytes.
const MAX_SEED: usize = 4 * 1024;
/// Inputs for each target at every run of the tests.
const CASES: u32 = 200;

/// The heap is counted for the whole process: what one test makes ready would be counted as what another one measures.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn names(folder: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn every_target_has_its_program_and_its_seeds_and_there_are_no_others() {
    let _alone = alone();
    let targets: BTreeSet<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(targets.len(), TARGETS.len());
    assert_eq!(names(&folder("seeds")), targets);
    assert_eq!(names(&folder("fuzz_targets")), targets.iter().map(|name| format!("{name}.rs")).collect());
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    assert!(targets.iter().all(|name| manifest.contains(&format!("name = \"{name}\""))));
}

#[test]
fn seeds_are_small_and_what_our_encoders_make_today() {
    let _alone = alone();
    for target in TARGETS {
        let seeds = target.seeds();
        assert!(!seeds.is_empty() && seeds.iter().all(|seed| seed.len() <= MAX_SEED), "{}", target.name);
        let at = folder("seeds").join(target.name);
        let written: Vec<_> = names(&at).into_iter().map(|name| fs::read(at.join(name)).unwrap()).collect();
        assert!(written == seeds, "{}: run `cargo xtask fuzz --write-seeds`", target.name);
    }
}

#[test]
fn every_check_holds_for_its_seeds() {
    let _alone = alone();
    TARGETS.iter().for_each(|target| target.seeds().iter().for_each(|seed| target.hold(seed)));
}

#[test]
fn every_check_holds_for_any_bytes_and_for_any_change_of_a_seed() {
    let _alone = alone();
    for target in TARGETS {
        let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
        let ran = TestRunner::new(config).run(&inputs(target), |bytes| {
            target.hold(&bytes);
            Ok(())
        });
        assert!(ran.is_ok(), "{}: {}", target.name, ran.unwrap_err());
    }
}

#[test]
fn a_message_full_of_the_largest_maps_of_pieces_takes_no_more_memory_than_one_may() {
    let _alone = alone();
    // A fetch, its number, its item, and as many files of 65,536 missing pieces as a frame has room for.
    let mut frame = [&[1, 7, 0][..], &[0; 16], &[0x80, 0x80, 0x03]].concat();
    frame.extend([0, 1, 0x80, 0x80, 0x04].repeat(49_152));
    assert!(frame.len() < 256 * 1024);
    TARGETS.iter().find(|target| target.name == "control").unwrap().hold(&frame);
}

/// What may happen to a seed.
#[derive(Debug, Clone)]
enum Change {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Append(Index),
}

fn inputs(target: &Target) -> impl Strategy<Value = Vec<u8>> + use<> {
    let seeds = target.seeds();
    let change = prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (any::<Index>(), prop::collection::vec(any::<u8>(), 1..9))
            .prop_map(|(at, new)| Change::Insert(at, new)),
        (any::<Index>(), 1..20usize).prop_map(|(at, length)| Change::Remove(at, length)),
        (any::<Index>(), 1..40usize).prop_map(|(at, times)| Change::Repeat(at, times)),
        any::<Index>().prop_map(Change::Append),
    ];
    let changed = (any::<Index>(), prop::collection::vec(change, 0..6)).prop_map(move |(which, changes)| {
        let seed = which.get(&seeds).clone();
        changes.into_iter().fold(seed, |bytes, change| changed(bytes, change, &seeds))
    });
    prop_oneof![1 => prop::collection::vec(any::<u8>(), 0..300), 4 => changed]
}

fn changed(mut bytes: Vec<u8>, change: Change, seeds: &[Vec<u8>]) -> Vec<u8> {
    let place = |at: Index, length: usize| at.index(length + 1);
    match change {
        Change::Set(at, byte) => {
            let at = place(at, bytes.len());
            bytes.get_mut(at).into_iter().for_each(|old| *old = byte);
        }
        Change::Insert(at, new) => {
            let at = place(at, bytes.len());
            bytes.splice(at..at, new);
        }
        Change::Remove(at, length) => {
            let at = place(at, bytes.len());
            bytes.drain(at..(at + length).min(bytes.len()));
        }
        Change::Repeat(at, times) => {
            let tail = bytes[place(at, bytes.len())..].to_vec();
            bytes.extend(tail.iter().cycle().take(tail.len() * times).copied());
        }
        Change::Append(which) => bytes.extend(which.get(seeds).iter().copied()),
    }
    bytes
}
