//! The bar for `cargo xtask bench native`: WebRTC's stack alone at its best settings, from memory to nowhere.
//!
//! One process sends, another receives; each tells its descriptions on its output, a line each, and takes the other's
//! from its input. Nothing is read, hashed or stored, and nothing of PrivyDrop's transport is used.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    reason = "a measuring program: it fails by panicking, and says what it saw"
)]

use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::setting_engine::SctpMaxMessageSize;
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};
use tokio::sync::mpsc;
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
    RTCSessionDescription, SettingEngineBuilder,
};
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, RecvMeta, Runtime,
    TokioRuntime, Transmit,
};

/// As in the terminal program: half of the processor time is copying and allocating.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes that the stack takes ahead of the peer's acknowledgement.
const SEND_BUFFER: usize = 2 * 1024 * 1024;
/// What the receiver says when it is ready.
const GO: &[u8] = b"go";

/// Its words: `send|receive BYTES CONNECTIONS MESSAGE WINDOW BUFFER`.
struct Options {
    sends: bool,
    /// Bytes to move over all connections.
    size: u64,
    connections: usize,
    /// Bytes of a message.
    message: usize,
    /// Bytes that may be under way to this process, a connection.
    window: u32,
    /// Bytes asked for as the buffers of each socket.
    buffer: usize,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let sends = match words.next()?.as_str() {
            "send" => true,
            "receive" => false,
            _ => return None,
        };
        let mut number = || words.next()?.parse::<u64>().ok();
        let size = number()?;
        let mut count = || usize::try_from(number()?).ok();
        let (connections, message) = (count()?, count()?);
        let (window, buffer) = (u32::try_from(count()?).ok()?, count()?);
        Some(Self { sends, size, connections, message, window, buffer })
    }
}

#[tokio::main]
async fn main() {
    let options = Options::parse(std::env::args().skip(1));
    let options = options.expect("send|receive BYTES CONNECTIONS MESSAGE WINDOW BUFFER");
    let mut heard = BufReader::new(tokio::io::stdin()).lines();
    let mut ends = Vec::new();
    for _ in 0..options.connections {
        ends.push(End::connect(&options, &mut heard).await);
    }
    let seconds = if options.sends { send(&ends, &options).await } else { receive(&ends, &options).await };
    println!("{{\"seconds\":{seconds}}}");
    // The other side's last acknowledgements are on their way until whoever started both has heard of the end.
    while let Ok(Some(_)) = heard.next_line().await {}
}

/// Sends until all is handed over and acknowledged.
async fn send(ends: &[End], options: &Options) -> f64 {
    ends[0].message().await;
    let (started, left) = (Instant::now(), AtomicU64::new(options.size));
    let each = ends.iter().map(|end| async {
        let most = options.message as u64;
        while let Ok(before) = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            (left > 0).then(|| left - left.min(most))
        }) {
            let length = usize::try_from(before.min(most)).unwrap_or_default();
            end.channel.send(BytesMut::zeroed(length)).await.expect("an open channel");
        }
    });
    futures_util::future::join_all(each).await;
    started.elapsed().as_secs_f64()
}

/// Asks for the bytes, and counts until they are there.
async fn receive(ends: &[End], options: &Options) -> f64 {
    let (started, left) = (Instant::now(), AtomicU64::new(options.size));
    ends[0].channel.send(GO.into()).await.expect("an open channel");
    let each = ends.iter().map(|end| async {
        loop {
            let length = end.message().await;
            if left.fetch_sub(length, Ordering::Relaxed) == length {
                return;
            }
        }
    });
    // Whichever counts the last byte ends them all.
    futures_util::future::select_all(each.map(Box::pin)).await;
    started.elapsed().as_secs_f64()
}

/// One connection and its channel.
struct End {
    _connection: Box<dyn PeerConnection>,
    channel: Arc<dyn DataChannel>,
}

impl End {
    /// The sender offers and names the channel, the receiver answers and is told of it.
    async fn connect(options: &Options, heard: &mut Lines<BufReader<Stdin>>) -> Self {
        let (gathered, mut complete) = mpsc::channel(1);
        let (announced, mut channels) = mpsc::channel(1);
        let message = u32::try_from(options.message).unwrap_or(u32::MAX);
        let settings = SettingEngineBuilder::new()
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .with_prflx_acceptance_min_wait(Some(Duration::from_millis(50)))
            .with_sctp_max_receive_buffer_size(options.window)
            .with_sctp_max_message_size(SctpMaxMessageSize::Bounded(message));
        let building = PeerConnectionBuilder::new()
            .with_setting_engine(settings.build())
            .with_data_channel_send_buffer_limit(SEND_BUFFER)
            .with_runtime(Arc::new(Buffers(options.buffer)))
            .with_handler(Arc::new(Events { gathered, announced }))
            .with_udp_addrs(vec!["0.0.0.0:0", "127.0.0.1:0"])
            .build();
        let connection: Box<dyn PeerConnection> = Box::new(Box::pin(building).await.expect("a connection"));
        let own = if options.sends {
            let channel = connection.create_data_channel("bytes", None).await.expect("a channel");
            let offer = connection.create_offer(None).await.expect("an offer");
            connection.set_local_description(offer).await.expect("a description");
            Some(channel)
        } else {
            let offer = description(heard).await;
            connection.set_remote_description(offer).await.expect("a usable offer");
            let answer = connection.create_answer(None).await.expect("an answer");
            connection.set_local_description(answer).await.expect("a description");
            None
        };
        complete.recv().await.expect("candidates");
        let local = connection.local_description().await.expect("a description");
        println!("{}", serde_json::to_string(&local).expect("a description"));
        let channel = match own {
            Some(channel) => {
                let answer = description(heard).await;
                connection.set_remote_description(answer).await.expect("a usable answer");
                channel
            }
            None => channels.recv().await.expect("a channel"),
        };
        while !matches!(channel.poll().await.expect("an open channel"), DataChannelEvent::OnOpen) {}
        Self { _connection: connection, channel }
    }

    /// Length of the next message.
    async fn message(&self) -> u64 {
        loop {
            match self.channel.poll().await {
                Some(DataChannelEvent::OnMessage(message)) => return message.data.len() as u64,
                Some(DataChannelEvent::OnClose) | None => panic!("the channel closed"),
                Some(_) => {}
            }
        }
    }
}

async fn description(heard: &mut Lines<BufReader<Stdin>>) -> RTCSessionDescription {
    let line = heard.next_line().await.expect("input").expect("the other side's description");
    serde_json::from_str(&line).expect("a description")
}

struct Events {
    gathered: mpsc::Sender<()>,
    announced: mpsc::Sender<Arc<dyn DataChannel>>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Events {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            let _ = self.gathered.try_send(());
        }
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        let _ = self.announced.try_send(channel);
    }
}

/// Tokio, with socket buffers of a chosen size.
#[derive(Debug)]
struct Buffers(usize);

type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Runtime for Buffers {
    fn spawn(&self, future: Pending<'static, ()>) -> Box<dyn JoinHandle> {
        TokioRuntime.spawn(future)
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let options = socket2::SockRef::from(&socket);
        options.set_recv_buffer_size(self.0)?;
        options.set_send_buffer_size(self.0)?;
        Ok(Arc::new(Batching(TokioRuntime.wrap_udp_socket(socket)?)))
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        TokioRuntime.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(&'a self, to: SocketAddr) -> Pending<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        TokioRuntime.connect_tcp(to)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        TokioRuntime.resolve_host(host)
    }

    fn now(&self) -> Instant {
        TokioRuntime.now()
    }

    fn sleep(&self, duration: Duration) -> Pending<'static, ()> {
        TokioRuntime.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        TokioRuntime.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        TokioRuntime.block_on(future);
    }

    fn yield_now(&self) -> Pending<'static, ()> {
        TokioRuntime.yield_now()
    }

    fn name(&self) -> &'static str {
        TokioRuntime.name()
    }
}

/// A socket that hands no more datagrams to the system at once than it sends: with the 65,535 bytes that the stack
/// would hand over, it refuses the whole batch.
#[derive(Debug)]
struct Batching(Arc<dyn AsyncUdpSocket>);

impl AsyncUdpSocket for Batching {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        self.0.poll_send(cx, transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_recv(cx, buffers, meta)
    }

    fn max_gso_segments(&self) -> usize {
        self.0.max_gso_segments().min(50)
    }

    fn max_gro_segments(&self) -> usize {
        self.0.max_gro_segments()
    }
}
