//! The real terminal program, `privydrop --json`, for one test.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::server::{self, Server};

/// Longest time without a word from it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running program; dropping it ends it.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    events: Lines<BufReader<ChildStdout>>,
    /// What it said so far, but for progress.
    seen: Vec<Value>,
}

impl Terminal {
    /// Starts it with `words`. `secret` is a code or a link to join with, if it is to; it travels as people are told to
    /// let it travel, outside of the arguments.
    pub fn start(server: &Server, words: &[&OsStr], secret: &str) -> Self {
        Self::start_with(server, words, secret, &[])
    }

    /// The same with further variables of its environment.
    pub fn start_with(server: &Server, words: &[&OsStr], secret: &str, variables: &[(&str, String)]) -> Self {
        Self::start_at(server.address(), words, secret, variables)
    }

    /// The same for whatever server is reached at `address`.
    pub fn start_at(address: &str, words: &[&OsStr], secret: &str, variables: &[(&str, String)]) -> Self {
        let mut command = Command::new(server::program().with_file_name("privydrop"));
        command.arg("--json").arg("--server").arg(address).args(words);
        command.env("PRIVYDROP_CODE", secret).env_remove("PRIVYDROP_SERVER").env_remove("SSL_CERT_DIR");
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the terminal program is built along with the tests");
        let events = BufReader::new(child.stdout.take().expect("its output")).lines();
        Self { child, events, seen: Vec::new() }
    }

    /// Its number among all processes; 0 once it has ended.
    pub fn id(&self) -> i32 {
        self.child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or_default()
    }

    /// What it said so far, as far as it was read, but for progress.
    pub fn said(&self) -> &[Value] {
        &self.seen
    }

    /// The next event of this kind.
    pub async fn next(&mut self, kind: &str) -> Value {
        let event = self.find(kind).await;
        event.unwrap_or_else(|| panic!("it ended without {kind}: {:#?}", self.seen))
    }

    /// The next event of this kind; nothing when it ends without one.
    pub async fn find(&mut self, kind: &str) -> Option<Value> {
        loop {
            let event = self.event().await?;
            if event["event"] == kind {
                return Some(event);
            }
        }
    }

    /// Ends it at once, with no chance to tidy up.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("a child that can be killed");
    }

    /// Lets it do nothing more until [`Self::go_on`].
    pub fn hold(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// Asks it to end, as Ctrl-C does.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    fn signal(&self, signal: Signal) {
        if let Some(id) = Pid::from_raw(self.id()) {
            // It may have ended by itself in the meantime.
            let _ = kill_process(id, signal);
        }
    }

    /// Waits for its end; all that it said, but for progress. Panics when it did not do all that it was told to.
    pub async fn done(self) -> Vec<Value> {
        let (code, seen) = self.end().await;
        assert_eq!(code, 0, "{seen:#?}");
        seen
    }

    /// Waits for its end; its exit code and all that it said, but for progress.
    pub async fn end(mut self) -> (i32, Vec<Value>) {
        while self.event().await.is_some() {}
        let status = self.child.wait().await.expect("its end");
        (status.code().expect("an exit code"), self.seen)
    }

    /// The next event of any kind; nothing once it has ended. May be dropped and called again at any time.
    pub async fn event(&mut self) -> Option<Value> {
        let line = tokio::time::timeout(PATIENCE, self.events.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("nothing happens: {:#?}", self.seen));
        let event: Value = serde_json::from_str(&line.expect("a line of text")?).expect("an event");
        if event["event"] != "item" || event["state"] != "moving" {
            self.seen.push(event.clone());
        }
        Some(event)
    }
}
