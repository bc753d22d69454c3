//! The bar: the bare WebRTC stack between two processes that do nothing else (`native/examples/raw.rs`).

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::meter::{Meter, Moved};

/// The settings of both ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tuning {
    connections: usize,
    /// Bytes of a message.
    message: usize,
    /// Bytes under way, a connection.
    window: usize,
    /// Bytes asked for as the buffers of each socket.
    buffer: usize,
}

impl Tuning {
    /// The fastest where the system grants 4 MiB.
    pub(crate) const LARGE: Self =
        Self { connections: 1, message: 56 * 1160, window: 4 << 20, buffer: 4 << 20 };
    /// The fastest with buffers that an ordinary user gets.
    pub(crate) const ORDINARY: Self =
        Self { connections: 4, message: 56 * 1160, window: 256 << 10, buffer: crate::ORDINARY_BUFFER };
    /// Towards a browser and from one.
    pub(crate) const BROWSER: Self = Self { message: 256 << 10, ..Self::LARGE };
}

/// One end; it ends when it is dropped.
pub(crate) struct End {
    child: Child,
    tell: ChildStdin,
    told: Lines<BufReader<ChildStdout>>,
}

impl End {
    /// Starts an end that sends or receives `size` bytes.
    pub(crate) fn start(role: &str, size: u64, tuning: Tuning) -> Self {
        let program = std::env::var_os("PRIVYDROP_RAW").map(PathBuf::from);
        let mut command = Command::new(program.expect("PRIVYDROP_RAW names the example `raw`"));
        let Tuning { connections, message, window, buffer } = tuning;
        command.arg(role).arg(size.to_string());
        command.args([connections, message, window, buffer].map(|number| number.to_string()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the example is built along");
        let tell = child.stdin.take().expect("its input");
        let told = BufReader::new(child.stdout.take().expect("its output")).lines();
        Self { child, tell, told }
    }

    /// Its number among all processes.
    pub(crate) fn id(&self) -> i32 {
        self.child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or_default()
    }

    /// The next thing it tells.
    pub(crate) async fn hear(&mut self) -> Value {
        let line = self.told.next_line().await.expect("a line").expect("more to hear");
        serde_json::from_str(&line).expect("JSON")
    }

    /// Tells it something.
    pub(crate) async fn tell(&mut self, what: &Value) {
        self.tell.write_all(format!("{what}\n").as_bytes()).await.expect("it listens");
    }
}

/// Moves `size` bytes. Time runs from the receiver's wish to the last byte that it has counted.
pub(crate) async fn moved(size: u64, tuning: Tuning) -> Moved {
    let mut ends = [End::start("send", size, tuning), End::start("receive", size, tuning)];
    for _ in 0..tuning.connections {
        let offer = ends[0].hear().await;
        ends[1].tell(&offer).await;
        let answer = ends[1].hear().await;
        ends[0].tell(&answer).await;
    }
    let meter = Meter::begin([ends[0].id(), ends[1].id()]);
    meter.watch(size, async { ends[1].hear().await["seconds"].as_f64() }).await
}
