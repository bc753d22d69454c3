//! Programs that tests start: waits until they are ready, keeps their last words, ends them with all they started.
//!
//! Ends only what descends from its own child, by process id.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a program may take until it is ready: a cold machine with both cores busy is slow.
const START: Duration = Duration::from_secs(60);
/// How long a program that was asked to end may take: a server moves everybody elsewhere within 30 seconds.
const FAREWELL: Duration = Duration::from_secs(60);
/// How long killed programs may take to be gone.
const END: Duration = Duration::from_secs(10);
/// Lines of output that are kept to explain a failure.
const KEPT_LINES: usize = 60;

/// A running program; dropping it ends it and its descendants.
#[derive(Debug)]
pub struct Program {
    child: Child,
    name: String,
    last_lines: Arc<Mutex<VecDeque<String>>>,
}

impl Program {
    /// Starts `command` and reads its output until `ready` finds in a line what it waits for.
    ///
    /// Panics when the program ends before, or does not become ready within a minute.
    pub fn start<T: Send + 'static>(
        command: &mut Command,
        ready: impl Fn(&str) -> Option<T> + Clone + Send + 'static,
    ) -> (Self, T) {
        Self::try_start(command, ready).unwrap_or_else(|why| panic!("{why}"))
    }

    /// The same; tells why the program is not there rather than panicking.
    pub fn try_start<T: Send + 'static>(
        command: &mut Command,
        ready: impl Fn(&str) -> Option<T> + Clone + Send + 'static,
    ) -> Result<(Self, T), String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let last_lines = Arc::new(Mutex::new(VecDeque::new()));
        let (found, wait) = sync_channel(1);
        if let Some(out) = child.stdout.take() {
            listen(out, Arc::clone(&last_lines), ready.clone(), found.clone());
        }
        if let Some(err) = child.stderr.take() {
            listen(err, Arc::clone(&last_lines), ready, found);
        }
        let program = Self { child, name, last_lines };
        match wait.recv_timeout(START) {
            Ok(value) => Ok((program, value)),
            Err(RecvTimeoutError::Timeout) => {
                Err(format!("{} is not ready; {}", program.name, program.output()))
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(format!("{} ended at once; {}", program.name, program.output()))
            }
        }
    }

    /// Starts `command`, which says nothing when it is ready, and asks `ready` until it is.
    ///
    /// Panics when the program ends before, or does not become ready within a minute.
    pub fn start_silent(command: &mut Command, ready: impl Fn() -> bool) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let last_lines = Arc::new(Mutex::new(VecDeque::new()));
        let (found, _) = sync_channel::<()>(1);
        if let Some(out) = child.stdout.take() {
            listen(out, Arc::clone(&last_lines), |_| None, found.clone());
        }
        if let Some(err) = child.stderr.take() {
            listen(err, Arc::clone(&last_lines), |_| None, found);
        }
        let mut program = Self { child, name, last_lines };
        let start = Instant::now();
        while !ready() {
            let ended = !matches!(program.child.try_wait(), Ok(None));
            assert!(!ended && start.elapsed() < START, "{} is not ready; {}", program.name, program.output());
            thread::sleep(Duration::from_millis(20));
        }
        program
    }

    /// The last lines that the program printed.
    pub fn output(&self) -> String {
        let lines = self.last_lines.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        format!("its last words:\n{}", lines.join("\n"))
    }

    /// All living processes that this program has started, and those that they have; not its own.
    pub fn family(&self) -> Vec<i32> {
        i32::try_from(self.child.id()).map(descendants).unwrap_or_default()
    }

    /// Asks the program to end (SIGTERM) and waits until it has. Panics when it does not within a minute, or not well.
    pub fn terminate(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let asked = pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
        assert!(asked, "{} cannot be asked to end", self.name);
        let start = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(None) if start.elapsed() < FAREWELL => thread::sleep(Duration::from_millis(5)),
                Ok(Some(status)) if status.success() => return,
                other => panic!("{} did not end well: {other:?}; {}", self.name, self.output()),
            }
        }
    }

    /// Ends the program and everything it started, and waits until it is gone. Harmless when done twice.
    pub fn end(&mut self) {
        let Ok(id) = i32::try_from(self.child.id()) else { return };
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let family = descendants(id);
        for pid in family.iter().chain([&id]).copied().filter_map(Pid::from_raw) {
            // It may have ended by itself in the meantime.
            let _ = kill_process(pid, Signal::KILL);
        }
        let _ = self.child.wait();
        // They write into folders that are deleted next.
        let start = Instant::now();
        while family.iter().any(|id| is_alive(*id)) && start.elapsed() < END {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
        if thread::panicking() {
            eprintln!("{}: {}", self.name, self.output());
        }
    }
}

/// The first of `names` that is on the search path.
pub fn find(names: &[&str]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let candidates =
        names.iter().flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)));
    let found = candidates.into_iter().find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!("none of {names:?} is installed; `cargo xtask test` installs what tests need")
    })
}

/// Ends a process at once, with no chance to tidy up. Only for one that a test started.
pub fn kill(id: i32) {
    if let Some(pid) = Pid::from_raw(id) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Reads `stream` to its end, so that the program never waits for a full pipe.
fn listen<T: Send + 'static>(
    stream: impl Read + Send + 'static,
    last_lines: Arc<Mutex<VecDeque<String>>>,
    ready: impl Fn(&str) -> Option<T> + Send + 'static,
    found: SyncSender<T>,
) {
    thread::spawn(move || {
        let mut found = Some(found);
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if let Some(value) = found.as_ref().and_then(|_| ready(&line)) {
                let _ = found.take().map(|found| found.try_send(value));
            }
            let mut lines = last_lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() == KEPT_LINES {
                lines.pop_front();
            }
            lines.push_back(line);
        }
    });
}

/// All living processes that descend from `ancestor`.
fn descendants(ancestor: i32) -> Vec<i32> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(parent) = parent(id) {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut found = Vec::new();
    let mut waiting = vec![ancestor];
    while let Some(id) = waiting.pop() {
        let own = children.remove(&id).unwrap_or_default();
        waiting.extend(&own);
        found.extend(own);
    }
    found
}

/// The parent of a process.
fn parent(id: i32) -> Option<i32> {
    stat(id)?.split_whitespace().nth(1)?.parse().ok()
}

/// Whether a process still runs; a zombie does not, it only waits for its parent to look.
pub fn is_alive(id: i32) -> bool {
    stat(id).is_some_and(|stat| !matches!(stat.trim_start().chars().next(), Some('Z' | 'X')))
}

/// What the kernel says of a process behind its name, which stands in parentheses: its state, its parent, more.
fn stat(id: i32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    Some(stat.rsplit_once(')')?.1.to_owned())
}
