//! A path for datagrams that loses, delays, reorders and doubles them, and counts the bytes that arrive.
//!
//! Stands between terminals and their TURN server: whoever asks it for an address gets what the server behind it says.
//! Reads nothing of what it carries.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Longest datagram.
const MAX_DATAGRAM: usize = 65_535;
/// Datagrams that may be late at once, each way of each terminal; more are lost.
const MAX_LATE: usize = 4_096;

/// What happens to datagrams, in thousandths of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    /// Are lost.
    pub lost: u32,
    /// Arrive twice.
    pub twice: u32,
    /// Arrive up to [`Self::late_by`] later than they would, behind others.
    pub late: u32,
    /// Milliseconds.
    pub late_by: u32,
    /// Milliseconds that each takes.
    pub delay: u32,
}

impl Weather {
    /// Nothing happens.
    pub const CLEAR: Self = Self { lost: 0, twice: 0, late: 0, late_by: 0, delay: 0 };
    /// Like a crowded wireless network.
    pub const RAIN: Self = Self { lost: 10, twice: 5, late: 20, late_by: 10, delay: 0 };
    /// Out of order above all.
    pub const WIND: Self = Self { lost: 0, twice: 30, late: 50, late_by: 10, delay: 1 };
    /// Like the worst that people still use: between two terminals, which both stand behind it, one datagram in twenty is
    /// lost and an answer takes a fifth of a second.
    pub const STORM: Self = Self { lost: 25, twice: 10, late: 50, late_by: 40, delay: 50 };
    /// All of them.
    pub const ALL: [Self; 4] = [Self::CLEAR, Self::RAIN, Self::WIND, Self::STORM];
}

/// A running path; gone when dropped.
#[derive(Debug)]
pub struct Path {
    address: SocketAddr,
    state: Arc<State>,
    _task: JoinSet<()>,
}

#[derive(Debug)]
struct State {
    weather: Mutex<(Weather, ChaCha8Rng)>,
    /// Datagrams that will be lost, whatever the weather.
    partition: AtomicU32,
    /// Bytes that reached the terminals.
    arrived: AtomicU64,
    /// Arrived bytes at which to ring.
    goal: AtomicU64,
    reached: Notify,
}

/// What becomes of one datagram: how often it arrives, and when.
struct Fate {
    copies: u32,
    delay: Duration,
}

impl Path {
    /// A path to the server at `to`, with clear weather. Needs a runtime of one thread, and lives there.
    pub async fn start(to: SocketAddr) -> io::Result<Self> {
        let front = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        let address = front.local_addr()?;
        let state = Arc::new(State {
            weather: Mutex::new((Weather::CLEAR, ChaCha8Rng::seed_from_u64(0))),
            partition: AtomicU32::new(0),
            arrived: AtomicU64::new(0),
            goal: AtomicU64::new(u64::MAX),
            reached: Notify::new(),
        });
        let mut task = JoinSet::new();
        task.spawn(serve(front, to, Arc::clone(&state)));
        Ok(Self { address, state, _task: task })
    }

    /// Where terminals find the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the weather from now on and counts anew; what is lost follows from `seed`.
    pub fn change(&self, weather: Weather, seed: u64) {
        *self.state.weather.lock().unwrap_or_else(PoisonError::into_inner) =
            (weather, ChaCha8Rng::seed_from_u64(seed));
        self.state.partition.store(0, Ordering::Relaxed);
        self.state.arrived.store(0, Ordering::Relaxed);
    }

    /// Loses the next datagrams.
    pub fn lose(&self, datagrams: u32) {
        self.state.partition.store(datagrams, Ordering::Relaxed);
    }

    /// Bytes that the terminals received since the last change.
    pub fn arrived(&self) -> u64 {
        self.state.arrived.load(Ordering::Relaxed)
    }

    /// Waits until so many bytes arrived since the last change.
    pub async fn arrival(&self, bytes: u64) {
        self.state.goal.store(bytes, Ordering::Relaxed);
        loop {
            let reached = self.state.reached.notified();
            if self.arrived() >= bytes {
                return;
            }
            reached.await;
        }
    }
}

/// Takes datagrams of terminals and opens a way back for each terminal.
async fn serve(front: Arc<UdpSocket>, to: SocketAddr, state: Arc<State>) {
    let mut ways: HashMap<SocketAddr, (Arc<UdpSocket>, tokio::sync::mpsc::Sender<Vec<u8>>)> = HashMap::new();
    let mut tasks = JoinSet::new();
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        let Ok((length, from)) = front.recv_from(&mut buffer).await else { continue };
        if let Entry::Vacant(way) = ways.entry(from) {
            let Ok(back) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await else { continue };
            if back.connect(to).await.is_err() {
                continue;
            }
            let back = Arc::new(back);
            let (there, waiting) = tokio::sync::mpsc::channel(MAX_LATE);
            let upward = Arc::clone(&back);
            tasks.spawn(late(waiting, Arc::clone(&state), move |datagram| {
                let _ = upward.try_send(datagram);
                0
            }));
            tasks.spawn(downward(Arc::clone(&back), Arc::clone(&front), from, Arc::clone(&state)));
            way.insert((back, there));
        }
        if let Some((_, there)) = ways.get(&from) {
            // A full queue loses what comes next, as queues do.
            let _ = there.try_send(buffer[..length].to_vec());
        }
    }
}

/// What the server says to one terminal.
async fn downward(back: Arc<UdpSocket>, front: Arc<UdpSocket>, to: SocketAddr, state: Arc<State>) {
    let (there, waiting) = tokio::sync::mpsc::channel(MAX_LATE);
    let mut tasks = JoinSet::new();
    tasks.spawn(late(waiting, state, move |datagram| match front.try_send_to(datagram, to) {
        Ok(sent) => sent as u64,
        Err(_) => 0,
    }));
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        // Refused while the server is away: nothing to do about it.
        if let Ok(length) = back.recv(&mut buffer).await {
            let _ = there.try_send(buffer[..length].to_vec());
        }
    }
}

/// Sends each datagram when it is due, as often as it arrives; `send` says how many bytes reached a terminal.
async fn late(
    mut waiting: tokio::sync::mpsc::Receiver<Vec<u8>>,
    state: Arc<State>,
    send: impl Fn(&[u8]) -> u64,
) {
    let mut due: BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>> = BinaryHeap::new();
    let mut number = 0;
    loop {
        let next = due.peek().map(|Reverse((at, ..))| *at);
        tokio::select! {
            biased;
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                if let Some(Reverse((.., datagram))) = due.pop() {
                    state.count(send(&datagram));
                }
            }
            datagram = waiting.recv() => {
                let Some(datagram) = datagram else { return };
                let Fate { copies, delay } = state.fate();
                for _ in 0..copies {
                    if delay.is_zero() {
                        state.count(send(&datagram));
                    } else if due.len() < MAX_LATE {
                        number += 1;
                        due.push(Reverse((Instant::now() + delay, number, datagram.clone())));
                    }
                }
            }
        }
    }
}

impl State {
    fn fate(&self) -> Fate {
        let lost = |left: u32| left.checked_sub(1);
        if self.partition.fetch_update(Ordering::Relaxed, Ordering::Relaxed, lost).is_ok() {
            return Fate { copies: 0, delay: Duration::ZERO };
        }
        let mut guard = self.weather.lock().unwrap_or_else(PoisonError::into_inner);
        let (weather, random) = &mut *guard;
        let mut happens = |thousandths: u32| thousandths > 0 && random.next_u32() % 1000 < thousandths;
        if happens(weather.lost) {
            return Fate { copies: 0, delay: Duration::ZERO };
        }
        let (twice, late) = (happens(weather.twice), happens(weather.late));
        let late = if late { 1 + random.next_u32() % weather.late_by.max(1) } else { 0 };
        Fate { copies: 1 + u32::from(twice), delay: Duration::from_millis(u64::from(weather.delay + late)) }
    }

    fn count(&self, bytes: u64) {
        let before = self.arrived.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes >= self.goal.load(Ordering::Relaxed) {
            self.reached.notify_waiters();
        }
    }
}
