//! What a person sees who sits at a terminal: the code, the link as a picture, and a bar for what moves.

use std::fs::{self, File};
use std::io::Read;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::support::Server;
use super::text;

/// Bytes that take long enough to move for a bar to be seen.
const SIZE: u64 = 60_000_000;

/// The program at a terminal of its own, 100 columns wide.
struct Terminal {
    process: Child,
    shown: String,
}

impl Terminal {
    fn start(server: &Server, args: &str) -> Self {
        let program = env!("CARGO_BIN_EXE_privydrop");
        let line = format!("stty cols 100 rows 60; exec '{program}' --server '{}' {args}", server.url);
        let mut command = Command::new("script");
        command.args(["-qefc", &line, "/dev/null"]).env("TERM", "xterm-256color");
        command.env_remove("PRIVYDROP_SERVER").env_remove("PRIVYDROP_CODE");
        // Whoever gives no input at all is taken to have hung up.
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a terminal");
        Self { process, shown: String::new() }
    }

    /// Reads on until this is shown, or to the end.
    fn until(&mut self, wanted: Option<&str>) {
        let out = self.process.stdout.as_mut().unwrap();
        let (mut bytes, mut some) = (self.shown.clone().into_bytes(), [0; 4096]);
        loop {
            self.shown = String::from_utf8_lossy(&bytes).into_owned();
            if wanted.is_some_and(|wanted| self.shown.contains(wanted)) {
                return;
            }
            match out.read(&mut some) {
                Ok(0) | Err(_) => break,
                Ok(count) => bytes.extend(&some[..count]),
            }
        }
        assert!(wanted.is_none(), "ended before {wanted:?}: {}", self.shown);
    }

    fn end(&mut self) -> i32 {
        self.until(None);
        self.process.wait().unwrap().code().unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_terminal_shows_a_code_a_link_as_a_picture_and_a_bar_for_what_moves() {
    let (server, dir) = (Server::start(), TempDir::new().unwrap());
    let (file, into) = (dir.path().join("large.bin"), dir.path().join("in"));
    fs::create_dir(&into).unwrap();
    File::create(&file).unwrap().set_len(SIZE).unwrap();

    let mut sender = Terminal::start(&server, &format!("send '{}'", text(&file)));
    sender.until(Some("Ctrl-C ends it."));
    let code = sender.shown.lines().find_map(|line| line.strip_prefix("Code: ")).unwrap().trim().to_owned();
    let lines = sender
        .shown
        .lines()
        .filter_map(|line| line.trim().strip_prefix("\x1b[97;40m")?.strip_suffix("\x1b[0m"));
    let picture: Vec<&str> = lines.collect();
    let width = picture[0].chars().count();
    assert!(
        picture.iter().all(|line| line.chars().count() == width && line.chars().all(|c| " ▀▄█".contains(c)))
    );
    // Two rows of modules in a line, four white ones around all, and then the corner: seven black, and a white one.
    assert_eq!(picture.len(), width.div_ceil(2));
    assert!(picture[0].chars().all(|c| c == '█'), "{picture:#?}");
    assert!(picture[2].starts_with("████ ▄▄▄▄▄ █") && picture[2].ends_with("█ ▄▄▄▄▄ ████"), "{picture:#?}");

    let mut receiver = Terminal::start(&server, &format!("receive {code} --into '{}'", text(&into)));
    assert_eq!((receiver.end(), sender.end()), (0, 0), "{}", receiver.shown);
    for terminal in [&sender, &receiver] {
        let mut lines = terminal.shown.split(['\r', '\n']);
        let bar = lines.any(|line| line.contains("large.bin ") && line.contains(" of 60.00 MB "));
        assert!(bar, "{}", terminal.shown);
    }
    assert_eq!(fs::metadata(into.join("large.bin")).unwrap().len(), SIZE);
}
