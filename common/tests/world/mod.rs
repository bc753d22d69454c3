//! A world for sessions to live in: virtual time, a signaling relay that drops, repeats and reorders, links with
//! delay, disks in memory. Everything follows from a seed.
#![allow(dead_code, unused_imports, unreachable_pub, reason = "each test file uses its part of the world")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a world that breaks its own rules fails the test"
)]

mod disk;
mod server;
mod trouble;
mod wires;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use bytes::Bytes;
use privydrop_common::api::{
    Command, ItemKey, ItemState, ItemView, NewContent, NewFile, NewItem, NoticeCode, Phase, View,
};
use privydrop_common::code::Invitation;
use privydrop_common::host::{Errand, PlaceId, Report, SignalEvent};
use privydrop_common::name::unicode_fold;
use privydrop_common::session::{Action, LinkId, Session};
use privydrop_common::time::Moment;
use privydrop_common::transport::{Happened, LanePlan};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

pub use disk::{Disk, bytes_of};
pub use server::Server;
pub use wires::{PathNews, Wires, sdp_with};

/// One device, by position in the world.
pub type DeviceId = usize;

/// How unkind the network is.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// Of a hundred relayed letters, so many are dropped.
    pub drop: u32,
    /// Of a hundred relayed letters, so many come twice.
    pub repeat: u32,
    /// Longest delay of anything, in milliseconds.
    pub delay: u64,
    /// Delay of every frame on a link, in milliseconds: half a mebibyte travels in that time.
    pub link_delay: u64,
}

impl Weather {
    pub const FAIR: Self = Self { drop: 0, repeat: 0, delay: 5, link_delay: 5 };
    pub const STORM: Self = Self { drop: 20, repeat: 20, delay: 400, link_delay: 20 };
    pub const SLOW: Self = Self { link_delay: 1_000, ..Self::FAIR };
}

/// Something that will arrive somewhere.
pub enum Delivery {
    Report(Report),
    /// The device hears this on its socket.
    FromServer(String),
    /// What has become of a link's path, so many changes ago.
    Path(LinkId, u32, PathNews),
    Happened(LinkId, Happened),
    /// The server hears this from the device.
    ToServer(String),
    /// The device closed its socket.
    SocketClosed,
    /// A socket that is being opened tries once more, and then after a longer wait.
    CallAgain(u32, u64),
    /// A link's frame leaves the sender's lane.
    Sent(LinkId, privydrop_common::transport::Lane, usize),
}

struct Due {
    at: Moment,
    order: u64,
    device: DeviceId,
    /// The device's life that it is for: whoever began anew since hears nothing of it.
    life: u32,
    delivery: Delivery,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

pub struct Device {
    pub session: Session,
    pub disk: Disk,
    pub view: View,
    /// How often.
    pub shown: usize,
    pub heard: Vec<NoticeCode>,
    wake_at: Option<Moment>,
    /// It sleeps: nothing happens in it, and what was on its way to it waits.
    asleep: bool,
    pub online: bool,
    /// Its network is away: nothing goes out or in, and nothing tells it so.
    pub away: bool,
    /// Which address it has; paths that were found with another one are dead.
    pub address: u32,
    /// Its socket is dead, and nobody knows.
    deaf_socket: bool,
    deaf_for: u32,
    /// Messages beyond what its socket may send for long, and when that was counted.
    spoken: (u32, Moment),
    /// Sockets that were opened.
    socket: u32,
    life: u32,
}

pub struct World {
    pub now: Moment,
    seed: u64,
    pub rng: ChaCha20Rng,
    pub weather: Weather,
    /// Of the devices made from now on.
    pub plan: LanePlan,
    pub devices: Vec<Device>,
    pub server: Server,
    pub wires: Wires,
    queue: BinaryHeap<Reverse<Due>>,
    /// For devices that sleep.
    held: Vec<Due>,
    order: u64,
    /// Things that happened since time went on.
    steps_at_once: u32,
}

/// More of them at one moment mean that somebody wakes itself without end.
const MAX_AT_ONCE: u32 = 100_000;

impl World {
    pub fn new(seed: u64, weather: Weather) -> Self {
        Self {
            now: Moment::from_millis(1_000),
            seed,
            rng: ChaCha20Rng::seed_from_u64(seed),
            weather,
            plan: LanePlan::ONE,
            devices: Vec::new(),
            server: Server::default(),
            wires: Wires::default(),
            queue: BinaryHeap::new(),
            held: Vec::new(),
            order: 0,
            steps_at_once: 0,
        }
    }

    fn session(&mut self) -> Session {
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        Session::new(seed, unicode_fold).with_lanes(self.plan)
    }

    /// A device's program ends at once, and another one is started over the same disk. Its links break when the others
    /// notice.
    pub fn restart(&mut self, device: DeviceId) {
        Server::gone(self, device, true);
        Wires::die(self, device);
        self.queue.retain(|Reverse(due)| due.device != device);
        self.devices[device].disk.die();
        self.devices[device].session = self.session();
        self.devices[device].wake_at = None;
        self.devices[device].view = View::default();
    }

    pub fn device(&mut self, label: &str) -> DeviceId {
        let session = self.session();
        self.devices.push(Device {
            session,
            disk: Disk::default(),
            view: View::default(),
            shown: 0,
            heard: Vec::new(),
            wake_at: None,
            asleep: false,
            online: true,
            away: false,
            address: 0,
            deaf_socket: false,
            deaf_for: 0,
            spoken: (0, Moment::default()),
            socket: 0,
            life: 0,
        });
        let device = self.devices.len() - 1;
        self.command(device, Command::Introduce(label.to_owned()));
        device
    }

    pub fn command(&mut self, device: DeviceId, command: Command) {
        self.report(device, Report::Command(command));
    }

    pub fn report(&mut self, device: DeviceId, report: Report) {
        self.devices[device].session.handle_report(report, self.now);
        self.drain(device);
    }

    /// Puts a file on the device's disk and offers it.
    pub fn share_file(&mut self, device: DeviceId, name: &str, content: Vec<u8>) {
        let file = self.put(device, content);
        let item = NewItem { name: name.to_owned(), content: NewContent::File(file) };
        self.command(device, Command::Share(vec![item]));
    }

    pub fn put(&mut self, device: DeviceId, content: impl Into<Bytes>) -> NewFile {
        self.devices[device].disk.put(content)
    }

    /// A host with one shared file, and a guest who came by the code; the guest's item is offered.
    pub fn host_and_guest(seed: u64, weather: Weather, content: Vec<u8>) -> (Self, DeviceId, DeviceId) {
        Self::pair(seed, weather, content, [LanePlan::ONE; 2])
    }

    /// The same with so many lanes, those of the host first.
    pub fn pair(
        seed: u64,
        weather: Weather,
        content: Vec<u8>,
        plans: [LanePlan; 2],
    ) -> (Self, DeviceId, DeviceId) {
        let mut world = Self::new(seed, weather);
        let [host, guest] = [("host", plans[0]), ("guest", plans[1])].map(|(label, plan)| {
            world.plan = plan;
            world.device(label)
        });
        world.share_file(host, "file.bin", content);
        world.until("the room exists", |world| world.view(host).room.is_some());
        let code = world.code(host);
        world.command(guest, Command::Join(code.parse().unwrap()));
        world.until("the guest sees the item", |world| !world.view(guest).items.is_empty());
        (world, host, guest)
    }

    pub fn code(&self, host: DeviceId) -> String {
        self.view(host).room.unwrap().code.unwrap().to_string()
    }

    pub fn link(&self, host: DeviceId) -> String {
        self.view(host).room.unwrap().link.unwrap().fragment()
    }

    pub fn join(&mut self, device: DeviceId, invitation: &str) {
        let invitation: Invitation = invitation.parse().unwrap();
        self.command(device, Command::Join(invitation));
    }

    /// The facts now, not those last shown.
    pub fn view(&self, device: DeviceId) -> View {
        self.devices[device].session.view(self.now)
    }

    pub fn items_in(&self, device: DeviceId) -> Vec<ItemView> {
        self.view(device).items.into_iter().filter(|item| item.key.owner.is_some()).collect()
    }

    pub fn item_in(&self, device: DeviceId) -> ItemView {
        self.items_in(device).into_iter().next().expect("an item of another member")
    }

    /// Views that the shell was shown so far.
    pub fn shown(&self, device: DeviceId) -> usize {
        self.devices[device].shown
    }

    pub fn item_out(&self, device: DeviceId) -> ItemView {
        self.view(device).items.into_iter().find(|item| item.key.owner.is_none()).expect("an own item")
    }

    pub fn accept(&mut self, device: DeviceId, item: ItemKey) {
        self.command(device, Command::Accept { item, place: PlaceId(1) });
    }

    pub fn accept_all(&mut self, device: DeviceId) {
        for item in self.items_in(device) {
            self.accept(device, item.key);
        }
    }

    pub fn until_done(&mut self, device: DeviceId) {
        self.until("every item is done", |world| {
            let items = world.items_in(device);
            !items.is_empty() && items.iter().all(|item| item.state == ItemState::Done)
        });
    }

    pub fn has_notice(&self, device: DeviceId, code: NoticeCode) -> bool {
        self.view(device).notices.iter().any(|notice| notice.code == code)
    }

    pub fn phase(&self, device: DeviceId) -> Phase {
        self.view(device).phase
    }

    /// Lets time pass until the condition holds; fails when an hour has passed or nothing is left to happen.
    pub fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let deadline = self.now + Duration::from_secs(3_600);
        while !condition(self) {
            let going = self.step() && self.now < deadline;
            assert!(going, "seed {}: {what}: never; views: {:#?}", self.seed, self.views());
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while self.next_at().is_some_and(|at| at <= end) {
            self.step();
        }
        self.now = end;
    }

    fn views(&self) -> Vec<View> {
        (0..self.devices.len()).map(|device| self.view(device)).collect()
    }

    fn next_at(&self) -> Option<Moment> {
        let wake =
            self.devices.iter().filter(|device| !device.asleep).filter_map(|device| device.wake_at).min();
        let due = self.queue.peek().map(|Reverse(due)| due.at);
        [wake, due].into_iter().flatten().min()
    }

    /// Lets the next thing happen; false when there is none.
    fn step(&mut self) -> bool {
        let Some(at) = self.next_at() else { return false };
        self.steps_at_once = if at > self.now { 0 } else { self.steps_at_once + 1 };
        assert!(self.steps_at_once < MAX_AT_ONCE, "seed {}: it goes on without end at one moment", self.seed);
        self.now = self.now.max(at);
        if self.queue.peek().is_some_and(|Reverse(due)| due.at <= self.now) {
            let Some(Reverse(due)) = self.queue.pop() else { return false };
            if self.devices[due.device].asleep {
                self.held.push(due);
            } else if due.life == self.devices[due.device].life {
                self.deliver(due.device, due.delivery);
            }
            return true;
        }
        for device in 0..self.devices.len() {
            let Device { wake_at, asleep, .. } = self.devices[device];
            if !asleep && wake_at.is_some_and(|at| at <= self.now) {
                self.devices[device].wake_at = None;
                self.report(device, Report::Woke);
            }
        }
        true
    }

    pub fn later(&mut self, device: DeviceId, after: Duration, delivery: Delivery) {
        self.order += 1;
        let life = self.devices[device].life;
        self.queue.push(Reverse(Due { at: self.now + after, order: self.order, device, life, delivery }));
    }

    /// A delay as the weather makes it.
    pub fn delay(&mut self) -> Duration {
        Duration::from_millis(1 + u64::from(self.rng.next_u32()) % self.weather.delay)
    }

    pub fn chance(&mut self, percent: u32) -> bool {
        self.rng.next_u32() % 100 < percent
    }

    fn deliver(&mut self, device: DeviceId, delivery: Delivery) {
        match delivery {
            // It was opened when the network was still there.
            Delivery::Report(Report::Signal(SignalEvent::Opened)) if !self.devices[device].online => {
                self.report(device, Report::Signal(SignalEvent::Closed));
            }
            Delivery::Report(report) => self.report(device, report),
            Delivery::FromServer(text) => {
                let Device { away, deaf_socket, .. } = &mut self.devices[device];
                *deaf_socket |= *away;
                if !*deaf_socket {
                    self.report(device, Report::Signal(SignalEvent::Text(text)));
                }
            }
            Delivery::Path(link, change, news) => Wires::path(self, device, link, change, news),
            Delivery::Happened(link, happened) => {
                self.devices[device].session.handle_happened(link, happened, self.now);
                self.drain(device);
            }
            Delivery::CallAgain(socket, wait) => self.open_socket(device, socket, wait),
            Delivery::SocketClosed => Server::gone(self, device, true),
            Delivery::ToServer(text) => Server::hear(self, device, &text),
            Delivery::Sent(link, lane, length) => Wires::sent(self, device, link, lane, length),
        }
    }

    fn drain(&mut self, device: DeviceId) {
        while let Some(action) = self.devices[device].session.poll_action() {
            match action {
                Action::Connect { link, .. } => self.wires.connect(device, link),
                Action::Negotiate { link, step } => Wires::negotiate(self, device, link, step),
                Action::Send { link, lane, frame } => Wires::send(self, device, link, lane, frame),
                Action::Close { link } => Wires::close(self, device, link),
                Action::Errand(errand) => self.errand(device, errand),
            }
        }
    }

    /// While the network is away nobody answers, and nothing tells so; the system calls again after one second, two, four.
    fn open_socket(&mut self, device: DeviceId, socket: u32, wait: u64) {
        let opening = &mut self.devices[device];
        if opening.socket != socket {
            return;
        }
        if opening.away {
            return self.later(device, Duration::from_secs(wait), Delivery::CallAgain(socket, 2 * wait));
        }
        opening.deaf_socket = false;
        let event = if opening.online { SignalEvent::Opened } else { SignalEvent::Closed };
        let delay = self.delay();
        self.later(device, delay, Delivery::Report(Report::Signal(event)));
    }

    fn errand(&mut self, device: DeviceId, errand: Errand) {
        match errand {
            Errand::OpenSignal => {
                self.devices[device].socket += 1;
                self.open_socket(device, self.devices[device].socket, 1);
            }
            Errand::SendSignal(text) => Server::send(self, device, text),
            // Into a network that is away: the server learns of it from the next socket.
            Errand::CloseSignal if self.devices[device].away || self.devices[device].deaf_socket => {
                self.devices[device].socket += 1;
                self.devices[device].deaf_socket = true;
            }
            // After what was said on it before.
            Errand::CloseSignal => {
                self.devices[device].socket += 1;
                self.later(device, Duration::from_millis(1), Delivery::SocketClosed);
            }
            Errand::WakeAt(at) => self.devices[device].wake_at = Some(at),
            Errand::Show(view) => {
                let heard = view.notices.iter().map(|notice| notice.code);
                self.devices[device].heard.extend(heard);
                self.devices[device].view = *view;
                self.devices[device].shown += 1;
            }
            errand => {
                let mut delay = Duration::ZERO;
                for report in self.devices[device].disk.perform(errand) {
                    delay += self.delay();
                    self.later(device, delay, Delivery::Report(report));
                }
            }
        }
    }
}

/// Every file of every finished store of a device: path to content.
pub fn received(world: &World, device: DeviceId) -> BTreeMap<String, Vec<u8>> {
    world.devices[device].disk.finished()
}
