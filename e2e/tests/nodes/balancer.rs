//! One address for all nodes: passes connections on to nodes that are in use, one after another, as a balancer does that
//! knows nothing of what passes. It may keep a node's last words back, so that a node dies at an exact byte.
//!
//! Runs in a thread of its own, so that it goes on while a test waits for a program.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

/// Longest time without a change that somebody waits for.
const PATIENCE: Duration = Duration::from_secs(60);
/// What one read takes at most.
const READ: usize = 16 * 1024;

/// The running balancer; dropping it ends it and every connection.
#[derive(Debug)]
pub(crate) struct Balancer {
    address: SocketAddr,
    shared: Arc<Shared>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    nodes: Vec<SocketAddr>,
    state: Mutex<State>,
    /// Rung at every change.
    news: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    /// Those that get new connections.
    in_use: BTreeSet<usize>,
    turn: usize,
    /// Of this node no more than so many bytes pass on one connection.
    most: Option<(usize, u64)>,
    /// Whether some connection got that far.
    is_held: bool,
    /// Open connections of each node.
    open: Vec<usize>,
}

impl Balancer {
    /// Stands in front of these nodes, such as `http://127.0.0.1:40123`. All are in use.
    pub(crate) fn start<'a>(nodes: impl Iterator<Item = &'a str>) -> Self {
        let place = |node: &str| node.split_once("://").unwrap().1.parse().unwrap();
        let nodes: Vec<SocketAddr> = nodes.map(place).collect();
        let state =
            State { in_use: (0..nodes.len()).collect(), open: vec![0; nodes.len()], ..State::default() };
        let shared = Arc::new(Shared { nodes, state: Mutex::new(state), news: watch::Sender::default() });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel();
        let theirs = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, theirs) => {}
                    _ = ended => {}
                }
            });
        });
        Self { address, shared, end: Some(end), thread: Some(thread) }
    }

    /// What terminals are told.
    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// New connections go to these nodes from now on.
    pub(crate) fn lead_to(&self, nodes: &[usize]) {
        self.shared.state().in_use = nodes.iter().copied().collect();
    }

    /// Of what this node says on a connection, only so many bytes are passed on.
    pub(crate) fn hold(&self, node: usize, most: u64) {
        let mut state = self.shared.state();
        (state.most, state.is_held) = (Some((node, most)), false);
    }

    /// Waits until a connection got as far as it may. Panics when none does.
    pub(crate) async fn held(&self) {
        self.shared.until(|state| state.is_held).await;
    }

    /// Everything is passed on again.
    pub(crate) fn let_pass(&self) {
        self.shared.state().most = None;
    }

    /// Waits until so many connections to this node are open.
    pub(crate) async fn until_open(&self, node: usize, count: usize) {
        self.shared.until(|state| state.open[node] == count).await;
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        drop(self.end.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.news.send_replace(());
    }

    async fn until(&self, is_so: impl Fn(&State) -> bool) {
        let mut news = self.news.subscribe();
        while !is_so(&self.state()) {
            let changed = tokio::time::timeout(PATIENCE, news.changed()).await;
            changed.unwrap_or_else(|_| panic!("nothing changes: {:?}", self.state())).unwrap();
        }
    }

    /// Those in use, the one whose turn it is first.
    fn candidates(&self) -> Vec<usize> {
        let mut state = self.state();
        let mut candidates: Vec<usize> = state.in_use.iter().copied().collect();
        let turn = state.turn % candidates.len().max(1);
        candidates.rotate_left(turn);
        state.turn += 1;
        candidates
    }

    fn most(&self, node: usize) -> Option<u64> {
        self.state().most.filter(|(held, _)| *held == node).map(|(_, most)| most)
    }
}

async fn accept(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((client, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            for number in shared.candidates() {
                // One that is not there is passed over; when none is, the client finds its connection ended.
                if let Ok(node) = TcpStream::connect(shared.nodes[number]).await {
                    shared.change(|state| state.open[number] += 1);
                    let _ = pass(&shared, number, client, node).await;
                    shared.change(|state| state.open[number] -= 1);
                    return;
                }
            }
        });
    }
}

/// Passes bytes both ways until either end is gone.
async fn pass(shared: &Shared, number: usize, client: TcpStream, node: TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    node.set_nodelay(true)?;
    let ((mut from_client, to_client), (from_node, mut to_node)) = (client.into_split(), node.into_split());
    tokio::select! {
        copied = tokio::io::copy(&mut from_client, &mut to_node) => copied.map(drop),
        said = say(shared, number, from_node, to_client) => said,
    }
}

/// Passes on what a node says, as far as it may be heard.
async fn say(
    shared: &Shared,
    number: usize,
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
) -> io::Result<()> {
    let (mut buffer, mut passed) = (vec![0; READ], 0);
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        let left = shared.most(number).map_or(u64::MAX, |most| most.saturating_sub(passed));
        let goes = length.min(usize::try_from(left).unwrap_or(usize::MAX));
        to.write_all(&buffer[..goes]).await?;
        passed += goes as u64;
        if goes < length {
            shared.change(|state| state.is_held = true);
        }
    }
}
