//! PrivyDrop's way: one terminal sends, another receives, verifies and stores.

use std::path::Path;
use std::time::Instant;

use privydrop_common::name::PART_SUFFIX;
use privydrop_e2e::fixture::blake3_of;
use privydrop_e2e::server::Server;
use privydrop_e2e::terminal::Terminal;
use serde_json::Value;
use tempfile::TempDir;

use crate::meter::{Meter, Moved};

/// Moves a file or a folder of `size` bytes. Time runs from the moment the receiver knows of it, and takes it, until it
/// says that every byte is checked and stored. `buffer` is what both ask their sockets for, if not the usual.
pub(crate) async fn moved(server: &Server, from: &Path, size: u64, buffer: Option<usize>) -> Moved {
    let variables: Vec<(&str, String)> =
        buffer.map(|bytes| ("PRIVYDROP_SOCKET_BUFFER", bytes.to_string())).into_iter().collect();
    let mut sender = Terminal::start_with(server, &["send".as_ref(), from.as_ref()], "", &variables);
    let code = sender.next("room").await["code"].as_str().expect("a code").to_owned();
    let moved = receive(server, from, size, &code, &variables, Some(&sender), place_beside(from)).await;
    sender.done().await;
    moved
}

/// The same with a receiver that cannot make a journal.
pub(crate) async fn moved_without_journal(server: &Server, from: &Path, size: u64) -> Moved {
    let place = place_beside(from);
    let name = from.file_name().expect("its name").to_string_lossy();
    // Something else has the journal's name. It is removed with the place.
    let journal = format!("{name}{PART_SUFFIX}{PART_SUFFIX}");
    std::fs::create_dir(place.path().join(journal)).expect("a folder");
    let mut sender = Terminal::start(server, &["send".as_ref(), from.as_ref()], "");
    let code = sender.next("room").await["code"].as_str().expect("a code").to_owned();
    let moved = receive(server, from, size, &code, &[], Some(&sender), place).await;
    sender.done().await;
    moved
}

/// Receives what somebody else shares under `code`.
pub(crate) async fn received(server: &Server, from: &Path, size: u64, code: &str) -> Moved {
    receive(server, from, size, code, &[], None, place_beside(from)).await
}

/// Where to receive, on the same disk.
fn place_beside(from: &Path) -> TempDir {
    tempfile::tempdir_in(from.parent().expect("a folder")).expect("a temporary folder")
}

async fn receive(
    server: &Server,
    from: &Path,
    size: u64,
    code: &str,
    variables: &[(&str, String)],
    sender: Option<&Terminal>,
    place: TempDir,
) -> Moved {
    let words = ["receive".as_ref(), "--into".as_ref(), place.path().as_os_str()];
    let begun = Instant::now();
    let mut receiver = Terminal::start_with(server, &words, code, variables);
    receiver.next("item").await;
    let meter = Meter::begin([sender.map(Terminal::id).unwrap_or_default(), receiver.id()]);
    let mut hash = Value::Null;
    let end = async {
        hash = done(&mut receiver).await;
        None
    };
    let mut moved = meter.watch(size, end).await;
    receiver.done().await;
    moved.whole = begun.elapsed().as_secs_f64();
    if from.is_file() {
        assert_eq!(hash, blake3_of(from), "what arrived is not what was sent");
    } else {
        // Goes with the fixture: where thousands of files were just deleted, ext4 takes long to make new ones, since it
        // leaves their places empty for minutes.
        let _ = place.keep();
    }
    moved
}

/// Waits for the end of the one item; its hash.
async fn done(receiver: &mut Terminal) -> Value {
    loop {
        let item = receiver.next("item").await;
        match item["state"].as_str() {
            Some("done") => return item["hash"].clone(),
            Some("failed" | "cancelled") => panic!("a transfer came to no end: {item}"),
            _ => {}
        }
    }
}
