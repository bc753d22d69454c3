//! A real server and real runs of the program, each on its own port and in its own directory.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Only so that a broken test ends: everything here takes a second or two.
const PATIENCE: Duration = Duration::from_secs(120);

/// The server of one test.
pub(crate) struct Server {
    process: Child,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::of(Command::new(built_server()).stderr(Stdio::null()))
    }

    /// A server whose log, with everything in it, goes to this file.
    pub(crate) fn talkative(log: File) -> Self {
        Self::of(Command::new(built_server()).env("RUST_LOG", "trace").stderr(log))
    }

    fn of(command: &mut Command) -> Self {
        let command = command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut process = command.spawn().expect("the server starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().rsplit(' ').next().unwrap().to_owned();
        Self { process, url }
    }

    /// A run of the program that uses this server and tells events.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        Run::start(&[&["--json", "--server", &self.url], args].concat(), "")
    }

    /// Makes a room for these arguments, and tells its code and link too.
    pub(crate) fn host(&self, args: &[&str]) -> (Run, String, String) {
        let mut run = self.run(args);
        let room = run.next("room");
        let text = |key: &str| room[key].as_str().unwrap().to_owned();
        (run, text("code"), text("link"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The one named by `PRIVYDROP_SERVER_PROGRAM`, as `cargo xtask test` names it; else built here, into the folder of this test.
fn built_server() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(named) = std::env::var_os("PRIVYDROP_SERVER_PROGRAM") {
            return named.into();
        }
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "privydrop-signal", "--bin", "privydrop-server"])
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the server builds");
        Path::new(env!("CARGO_BIN_EXE_privydrop")).with_file_name("privydrop-server")
    })
}

/// One run of the program with `--json`.
pub(crate) struct Run {
    process: Child,
    events: Receiver<Value>,
    pub(crate) seen: Vec<Value>,
}

impl Run {
    pub(crate) fn start(args: &[&str], stdin: &str) -> Self {
        Self::of(program(args), stdin)
    }

    /// A run of a command that is, or becomes, the program.
    pub(crate) fn of(command: Command, stdin: &str) -> Self {
        let mut process = start(command, stdin);
        let events = listen(process.stdout.take().unwrap());
        Self { process, events, seen: Vec::new() }
    }

    /// The next event of this kind.
    pub(crate) fn next(&mut self, kind: &str) -> Value {
        self.find(|event| event["event"] == kind)
    }

    /// The next event that fits.
    pub(crate) fn find(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            match self.event() {
                Some(event) if fits(&event) => return event,
                Some(_) => {}
                None => panic!("ended before: {:#?}", self.seen),
            }
        }
    }

    /// The exit code, once it ended.
    pub(crate) fn end(&mut self) -> i32 {
        while self.event().is_some() {}
        let code = self.process.wait().unwrap().code().expect("an exit code");
        let last = self.seen.last().expect("an event");
        assert_eq!((&last["event"], &last["code"]), (&"exit".into(), &code.into()), "{:#?}", self.seen);
        code
    }

    /// Ctrl-C.
    #[cfg(unix)]
    pub(crate) fn interrupt(&self) {
        self.signal(rustix::process::Signal::INT);
    }

    /// Holds the whole process, while something is done behind its back.
    #[cfg(unix)]
    pub(crate) fn held(&self, act: impl FnOnce()) {
        self.signal(rustix::process::Signal::STOP);
        act();
        self.signal(rustix::process::Signal::CONT);
    }

    #[cfg(unix)]
    fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.process), signal).unwrap();
    }

    /// The messages that were told, by their machine names.
    pub(crate) fn notices(&self) -> Vec<&str> {
        let notices = self.seen.iter().filter(|event| event["event"] == "notice");
        notices.map(|event| event["code"].as_str().unwrap()).collect()
    }

    fn event(&mut self) -> Option<Value> {
        match self.events.recv_timeout(PATIENCE) {
            Ok(event) => {
                self.seen.push(event.clone());
                Some(event)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("nothing happens: {:#?}", self.seen),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs the program to its end without `--json`: exit code, stdout and stderr.
pub(crate) fn output(args: &[&str], stdin: &str) -> (i32, String, String) {
    let mut process = start(program(args), stdin);
    let (mut out, mut err) = (String::new(), String::new());
    process.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    process.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    (process.wait().unwrap().code().unwrap(), out, err)
}

/// The program with these arguments.
pub(crate) fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_privydrop"));
    command.args(args).stderr(if args.contains(&"--json") { Stdio::null() } else { Stdio::piped() });
    command
}

fn start(mut command: Command, stdin: &str) -> Child {
    command.env_remove("PRIVYDROP_SERVER").env_remove("PRIVYDROP_CODE");
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // A program that does not read it is right to end first.
    let _ = process.stdin.take().unwrap().write_all(stdin.as_bytes());
    process
}

/// Every line must be an object with an event's name.
fn listen(stdout: ChildStdout) -> Receiver<Value> {
    let (tell, events) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let event: Value = serde_json::from_str(&line.unwrap()).expect("a line of JSON");
            assert!(event["event"].is_string());
            if tell.send(event).is_err() {
                return;
            }
        }
    });
    events
}

/// Everything below a folder: path and content, folders without.
pub(crate) fn tree(root: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let entries = walkdir::WalkDir::new(root).min_depth(1).sort_by_file_name().into_iter();
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let path = entry.path().strip_prefix(root).unwrap().to_owned();
            (path, entry.file_type().is_file().then(|| std::fs::read(entry.path()).unwrap()))
        })
        .collect()
}
