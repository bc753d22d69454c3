//! What happens to a device of a world: its network, its address, its socket, its program.

use std::cmp::Reverse;

use privydrop_common::api::{Command, View};
use privydrop_common::host::{Report, SignalEvent};
use privydrop_common::name::unicode_fold;
use privydrop_common::session::Session;
use rand_core::Rng;

use super::{Device, DeviceId, Server, Wires, World};

impl World {
    /// The device's network goes away or comes back.
    pub fn set_away(&mut self, device: DeviceId, away: bool) {
        self.devices[device].away = away;
        Wires::look(self);
    }

    /// The device has another address from now on, and knows it if somebody tells.
    pub fn move_device(&mut self, device: DeviceId) {
        self.devices[device].address += 1;
        self.devices[device].deaf_socket = true;
        Wires::look(self);
    }

    /// A router forgets the device's socket: the server takes it for lost, and the device hears nothing of it.
    pub fn lose_socket(&mut self, device: DeviceId) {
        Server::gone(self, device, true);
        self.devices[device].deaf_socket = true;
    }

    /// The device goes to sleep: it does nothing and is reached by nobody. The server takes it for lost.
    pub fn sleep(&mut self, device: DeviceId) {
        self.set_away(device, true);
        self.lose_socket(device);
        self.devices[device].asleep = true;
    }

    /// It wakes: nothing tells its program how long it slept, nor that its socket is dead.
    pub fn wake(&mut self, device: DeviceId) {
        self.devices[device].asleep = false;
        let held = core::mem::take(&mut self.held);
        self.queue.extend(held.into_iter().map(Reverse));
        self.set_away(device, false);
    }

    /// The device's program is killed, and begun again: its disk is as it was, and nobody is told.
    pub fn crash(&mut self, device: DeviceId) {
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        let plan = self.plan;
        Wires::vanish(self, device);
        Server::gone(self, device, true);
        let crashed = &mut self.devices[device];
        crashed.session = Session::new(seed, unicode_fold).with_lanes(plan);
        crashed.view = View::default();
        crashed.wake_at = None;
        crashed.life += 1;
        crashed.deaf_socket = false;
        crashed.disk.crash();
        self.command(device, Command::Introduce(format!("device {device}")));
    }

    /// Seconds have passed: after a minute without a ping a device knows that its socket is dead. A page hears no pings;
    /// every other device is one.
    pub fn miss_pings(&mut self, device: DeviceId, seconds: u32) {
        if device % 2 == 1 {
            return;
        }
        let Device { deaf_for, deaf_socket, .. } = &mut self.devices[device];
        *deaf_for = if *deaf_socket { *deaf_for + seconds } else { 0 };
        if *deaf_for >= 60 {
            *deaf_for = 0;
            self.report(device, Report::Signal(SignalEvent::Closed));
        }
    }
}
