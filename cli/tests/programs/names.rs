//! Names from a hostile sharer, against the real program and a real disk: whatever it calls its files, nothing comes to
//! be outside of the chosen directory, and nothing that was there is changed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::hostile::{Hostile, Kind, Offered};
use crate::support::{Run, Server, program, tree};

/// The directory to receive into, in the middle of things that must stay as they are.
struct Place {
    root: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { root: TempDir::new().unwrap() };
        let outside = place.path("outside");
        for folder in [&outside, &place.path("home"), &place.inbox()] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(place.path("victim"), b"before").unwrap();
        fs::write(outside.join("victim"), b"before").unwrap();
        fs::write(place.inbox().join("mine.txt"), b"before").unwrap();
        fs::create_dir(place.inbox().join("folder")).unwrap();
        fs::write(place.inbox().join("folder/x"), b"before").unwrap();
        #[cfg(unix)]
        for (link, to) in [("link-to-folder", outside.as_path()), ("link-to-file", &place.path("victim"))] {
            std::os::unix::fs::symlink(to, place.inbox().join(link)).unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(place.path("not-there"), place.inbox().join("dangling")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn inbox(&self) -> PathBuf {
        self.path("in")
    }

    /// Everything but the directory that is received into, as it is now.
    fn surroundings(&self) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let mut all = tree(self.root.path());
        all.retain(|(path, _)| !path.starts_with("in"));
        all
    }

    /// A run that receives whatever comes, whose home and working directory are in sight.
    fn receive(&self, server: &Server) -> (Run, String) {
        let home = self.path("home");
        let into = self.inbox();
        let args = ["--json", "--server", &server.url, "receive", "--stay", "--into", into.to_str().unwrap()];
        let mut command = program(&args);
        command.current_dir(&home).env("HOME", &home).env("TMPDIR", &home);
        let mut run = Run::of(command, "");
        let link = run.next("room")["link"].as_str().unwrap().to_owned();
        (run, link)
    }

    /// What was in the directory before is still there, and still the same.
    fn assert_untouched(&self) {
        let read = |name: &str| fs::read(self.inbox().join(name)).unwrap();
        assert_eq!((read("mine.txt"), read("folder/x")), (b"before".to_vec(), b"before".to_vec()));
        #[cfg(unix)]
        for link in ["link-to-folder", "link-to-file", "dangling"] {
            assert!(self.inbox().join(link).is_symlink(), "{link}");
        }
    }

    /// The names in the directory that were not there before.
    fn new_names(&self) -> BTreeSet<String> {
        let before = ["mine.txt", "folder", "link-to-folder", "link-to-file", "dangling"];
        let entries = fs::read_dir(self.inbox()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !before.contains(&name.as_str())).collect()
    }
}

/// Names that no member may use: the checklist of docs/PROTOCOL.md §3, and what other programs fell for.
fn bad_names(place: &Path) -> Vec<String> {
    let absolute = place.join("outside/escaped");
    let mut bad: Vec<String> = [
        "",
        ".",
        "..",
        "...",
        ". .",
        ".. ",
        "..\u{200B}",
        "../escaped",
        "../../escaped",
        "../victim",
        "../outside/victim",
        "./x",
        "x/",
        "/",
        "a/b",
        "a//b",
        "a/../../escaped",
        "..\\escaped",
        "a\\b",
        "\\",
        "\\\\host\\share\\x",
        "//host/share/x",
        "\\\\?\\C:\\x",
        "\\\\.\\NUL",
        "C:\\x",
        "C:x",
        "C:",
        "file:///etc/passwd",
        "a:stream",
        "mine.txt::$DATA",
        "mine.txt:",
        "<",
        ">",
        "\"",
        "|",
        "?",
        "*",
        "a<b",
        " ",
        " a",
        "a ",
        "\ta",
        "a\u{A0}",
        "\u{3000}a",
        "a.",
        "a. ",
        "a..",
        "mine.txt.",
        "mine.txt ",
        "\u{2060}",
        ".privydrop-part",
        "mine.txt.privydrop-part",
        "x.PRIVYDROP-PART",
        "x.PrivyDrop-Part",
        "\u{1B}[2Jx",
        "\u{1B}]0;title\u{7}",
        "x\r\ny",
        "x\0",
        "\0",
        "x\0.txt",
        "txt.\u{202E}fdp.exe",
        "a\u{200D}b",
    ]
    .map(str::to_owned)
    .into();
    bad.push(absolute.to_str().unwrap().to_owned());
    bad.push(format!("/{}", absolute.display()));
    // C0, DEL, C1.
    bad.extend((0..0x20).chain(0x7F..0xA0).map(|code| format!("a{}b", char::from_u32(code).unwrap())));
    // What has no shape, or turns the direction of what stands around it.
    let invisible =
        [0xAD, 0x34F, 0x61C, 0x115F, 0x17B4, 0x180E, 0x3164, 0xFEFF, 0xFFA0, 0xFFF9, 0xE0001, 0xE0041];
    let ranges = (0x200B..0x2010).chain(0x2028..0x202F).chain(0x2060..0x2070);
    bad.extend(ranges.chain(invisible).map(|code| format!("a{}b", char::from_u32(code).unwrap())));
    bad.extend(["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"].map(str::to_owned));
    bad.extend(
        ["con", "Nul.txt", "aux.tar.gz", "nul .txt", "conin$.x", "lpt1.", "Com7.log"].map(str::to_owned),
    );
    for digit in ('0'..='9').chain(['¹', '²', '³']) {
        bad.extend([format!("COM{digit}"), format!("LPT{digit}.txt")]);
    }
    bad.extend([
        "x".repeat(256),
        "ü".repeat(128),
        "x".repeat(4_096),
        format!("{}.txt", "x".repeat(252)),
        "字".repeat(86),
    ]);
    bad
}

/// Names that look dangerous and are not: they are taken as they are.
const ODD: [&str; 12] = [
    "%2e%2e%2fescaped",
    "-rf",
    "--help",
    "~",
    "$HOME",
    "`id`",
    "$(id)",
    ";id",
    "..a",
    "a..b",
    "COM10",
    "é.txt",
];

fn file(parts: &[&str]) -> (Vec<String>, Kind) {
    (parts.iter().map(|part| (*part).to_owned()).collect(), Kind::File)
}

fn folder(parts: &[&str]) -> (Vec<String>, Kind) {
    (file(parts).0, Kind::Folder)
}

/// Waits until as many items have ended so.
fn wait_for(run: &mut Run, state: &str, count: usize) {
    let mut ended = BTreeSet::new();
    while ended.len() < count {
        let event = run.find(|event| event["event"] == "item" && event["state"] == state);
        ended.insert(event["item"].as_str().unwrap().to_owned());
    }
}

#[test]
fn no_name_of_a_file_leads_out_of_the_directory_or_over_what_is_there() {
    let (server, place) = (Server::start(), Place::new());
    let before = place.surroundings();
    let (mut receiver, link) = place.receive(&server);

    let bad = bad_names(place.root.path());
    assert!(bad.len() > 200, "{}", bad.len());
    let mut offered: Vec<Offered> = bad.into_iter().map(Offered::File).collect();
    offered.extend(ODD.map(|name| Offered::File(name.into())));
    // In use already, each in its own way.
    let used = ["mine.txt", "folder", "link-to-folder", "link-to-file", "dangling"];
    offered.extend(used.map(|name| Offered::File(name.into())));
    let sharer = Hostile::share(&server, &link, offered);

    wait_for(&mut receiver, "done", ODD.len() + used.len());
    assert!(receiver.notices().contains(&"unsafe-name"));
    drop(sharer);
    receiver.interrupt();
    assert_eq!(receiver.end(), 130);
    let given = ["mine (2).txt", "folder (2)", "link-to-folder (2)", "link-to-file (2)", "dangling (2)"];
    let expected: BTreeSet<String> = ODD.iter().chain(&given).map(|name| (*name).to_owned()).collect();
    assert_eq!(place.new_names(), expected);
    place.assert_untouched();
    assert_eq!(place.surroundings(), before);
}

#[test]
fn no_path_in_a_folder_leads_out_of_it_or_over_another() {
    let (server, place) = (Server::start(), Place::new());
    let before = place.surroundings();
    let (mut receiver, link) = place.receive(&server);

    let bad = bad_names(place.root.path());
    let mut folders: Vec<Vec<(Vec<String>, Kind)>> = Vec::new();
    // As a file behind an honest one, and as a folder on the way to a file.
    folders.extend(bad.iter().map(|name| vec![file(&["honest"]), file(&[name])]));
    folders.extend(bad.iter().map(|name| vec![file(&[name, "x"])]));
    folders.extend([
        vec![file(&[])],
        vec![file(&["x"]), file(&["x"])],
        vec![file(&["x"]), file(&["X"])],
        vec![file(&["é"]), file(&["e\u{301}"])],
        vec![file(&["ß"]), file(&["SS"])],
        vec![file(&["x"]), file(&["x", "y"])],
        vec![file(&["x", "y"]), file(&["X"])],
        vec![folder(&["x"]), file(&["x"])],
        vec![folder(&["x"]), folder(&["x"])],
        vec![folder(&[".."])],
        vec![folder(&["x", "..", ".."]), file(&["honest"])],
        vec![file(&["x", "..", "..", "..", "victim"])],
        vec![file(&["d"; 65])],
        vec![file(&vec!["d".repeat(250).as_str(); 17])],
    ]);
    let refused = folders.len();
    assert!(refused > 400 && refused < 499, "{refused}");
    folders.push(vec![folder(&["empty"]), file(&["deep", "x"])]);
    let sharer = Hostile::share(&server, &link, folders.into_iter().map(Offered::Folder).collect());

    wait_for(&mut receiver, "failed", refused);
    let taken = format!("item-{refused:04}");
    receiver.find(|event| event["name"] == taken && event["state"] == "done");
    drop(sharer);
    receiver.interrupt();
    assert_eq!(receiver.end(), 130);
    assert_eq!(place.new_names(), BTreeSet::from([taken.clone()]));
    let inside: Vec<PathBuf> = tree(&place.inbox().join(taken)).into_iter().map(|(path, _)| path).collect();
    assert_eq!(inside, ["deep", "deep/x", "empty"].map(PathBuf::from));
    place.assert_untouched();
    assert_eq!(place.surroundings(), before);
}

#[test]
fn a_name_that_is_no_text_ends_the_link_and_makes_nothing() {
    let (server, place) = (Server::start(), Place::new());
    let before = place.surroundings();
    for bytes in [*b"item-\xFF\xFE\xFDx", *b"\xC0\xAE\xC0\xAE/x\x80\x80\x80", *b"it\xED\xA0\x80\xED\xBF\xBFm"]
    {
        let (mut receiver, link) = place.receive(&server);
        let _sharer = Hostile::share(&server, &link, vec![Offered::Bytes(bytes.to_vec())]);
        receiver.find(|event| event["code"] == "peer-violation");
        receiver.interrupt();
        assert_eq!(receiver.end(), 130);
        assert_eq!(place.new_names(), BTreeSet::new());
    }
    place.assert_untouched();
    assert_eq!(place.surroundings(), before);
}
