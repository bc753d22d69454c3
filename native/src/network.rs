//! Notices when this machine comes to another network, or back to one, so that links need not wait for their silence.
//!
//! Asks which of its own addresses the system would send from, whenever the system says that addresses or routes
//! changed. Sends nothing, and never tells or logs an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use self::system::System;

/// Somewhere outside, which nothing is sent to: addresses for documents (RFC 5737, RFC 3849).
const OUTSIDE: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9),
    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 9),
];

/// The addresses that this machine sends from, one of each family, if it reaches anything of that family.
type Sources = [Option<IpAddr>; 2];

/// Calls `moved` each time that this machine begins, from now on, to send from elsewhere. Never ends. Only inside a tokio
/// runtime.
pub(crate) fn watch(moved: impl Fn()) -> impl Future<Output = ()> {
    let mut system = System::listen();
    let mut way = Way { last: sources() };
    async move {
        loop {
            system.changed().await;
            if way.leads_elsewhere(sources()) {
                moved();
            }
        }
    }
}

/// Which way out this machine took last.
struct Way {
    last: Sources,
}

impl Way {
    /// True when there is a way out now that was not there before. What is only gone leads nowhere yet.
    fn leads_elsewhere(&mut self, now: Sources) -> bool {
        let before = core::mem::replace(&mut self.last, now);
        now.iter().zip(before).any(|(now, before)| now.is_some() && *now != before)
    }
}

/// For a datagram socket to be connected means to look up the route, and nothing else.
fn sources() -> Sources {
    OUTSIDE.map(|outside| {
        let any = if outside.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
        socket.connect(outside).ok()?;
        socket.local_addr().ok().map(|address| address.ip())
    })
}

#[cfg(target_os = "linux")]
mod system {
    //! Linux says it on a netlink socket (man 7 rtnetlink). What it says is not read: that it says something is enough.

    use std::io;
    use std::time::Duration;

    use futures_util::FutureExt;
    use netlink_sys::protocols::NETLINK_ROUTE;
    use netlink_sys::{AsyncSocket, AsyncSocketExt, SocketAddr, TokioSocket};
    use rustix::io::Errno;
    use tokio::time::sleep;

    /// Addresses and routes change several at a time: so long after the first of them they are looked at.
    const REST: Duration = Duration::from_millis(300);
    /// `RTMGRP_IPV4_IFADDR`, `RTMGRP_IPV4_ROUTE`, `RTMGRP_IPV6_IFADDR`, `RTMGRP_IPV6_ROUTE`.
    const ADDRESSES_AND_ROUTES: u32 = 0x10 | 0x40 | 0x100 | 0x400;
    /// Bytes of a message that are taken; the rest of it is lost.
    const HEAD: usize = 16;

    pub(super) struct System(Option<TokioSocket>);

    impl System {
        pub(super) fn listen() -> Self {
            Self(open().ok())
        }

        /// Waits until something changed since the last time; for ever where the system does not tell.
        pub(super) async fn changed(&mut self) {
            let Some(socket) = &mut self.0 else { return std::future::pending().await };
            match heard(socket).await {
                Ok(()) => {}
                // It has lost count of what changed.
                Err(error) if Errno::from_io_error(&error) == Some(Errno::NOBUFS) => {}
                Err(_) => self.0 = None,
            }
            sleep(REST).await;
            while let Some(Some(Ok(()))) = self.0.as_mut().map(|socket| heard(socket).now_or_never()) {}
        }
    }

    fn open() -> io::Result<TokioSocket> {
        let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
        socket.socket_mut().bind(&SocketAddr::new(0, ADDRESSES_AND_ROUTES))?;
        Ok(socket)
    }

    async fn heard(socket: &mut TokioSocket) -> io::Result<()> {
        let mut head = [0; HEAD];
        socket.recv(&mut &mut head[..]).await
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    //! Other systems are asked now and then.

    use std::time::Duration;

    use tokio::time::sleep;

    /// Half of the silence after which a link notices by itself.
    const EVERY: Duration = Duration::from_millis(2_500);

    pub(super) struct System;

    impl System {
        pub(super) fn listen() -> Self {
            Self
        }

        /// Waits until something may have changed.
        pub(super) async fn changed(&mut self) {
            sleep(EVERY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_is_told_and_what_only_goes_is_not() {
        let [home, cafe, six]: [Option<IpAddr>; 3] =
            ["192.168.1.2", "10.1.1.7", "2001:db8::2"].map(|address| address.parse().ok());
        let mut way = Way { last: [home, None] };
        assert!(!way.leads_elsewhere([home, None]));
        assert!(!way.leads_elsewhere([None, None]), "away");
        assert!(way.leads_elsewhere([home, None]), "back");
        assert!(way.leads_elsewhere([cafe, None]), "elsewhere");
        assert!(way.leads_elsewhere([cafe, six]), "one way more");
        assert!(!way.leads_elsewhere([cafe, None]));
    }

    /// In a network namespace of its own, where a test may have addresses as it likes.
    #[cfg(target_os = "linux")]
    mod real {
        use std::process::Command;
        use std::sync::Arc;

        use tokio::sync::Notify;

        use super::super::*;

        const NAME: &str = "network::tests::real::another_address_is_noticed";
        const INSIDE: &str = "PRIVYDROP_TEST_NAMESPACE";

        fn ip(words: &str) {
            let done = Command::new("ip").args(words.split(' ')).status().unwrap();
            assert!(done.success(), "ip {words}");
        }

        #[tokio::test]
        async fn another_address_is_noticed() {
            if std::env::var_os(INSIDE).is_none() {
                return test_inside();
            }
            // The one device that every system has.
            ip("link set lo up");
            ip("addr add 10.9.0.1/24 dev lo");
            ip("route add default dev lo");
            let moved = Arc::new(Notify::new());
            let told = Arc::clone(&moved);
            let watching = tokio::spawn(watch(move || told.notify_one()));
            assert!(sources()[0].is_some());
            ip("addr add 10.9.1.1/24 dev lo");
            ip("addr del 10.9.0.1/24 dev lo");
            ip("route replace default dev lo");
            moved.notified().await;
            watching.abort();
        }

        #[expect(clippy::print_stdout, reason = "whoever reads the tests' output is told")]
        fn test_inside() {
            let mut trial = Command::new("unshare");
            trial.args(["-rn", "ip", "link", "set", "lo", "up"]);
            if !trial.status().is_ok_and(|status| status.success()) {
                // A test that tried nothing must not count as passed by accident (CONTRIBUTING.md).
                let allowed = std::env::var_os("PRIVYDROP_ALLOW_SKIPS").is_some();
                let why = "this system gives a test no network of its own";
                assert!(allowed, "{why}; PRIVYDROP_ALLOW_SKIPS=1 lets the tests that need one be skipped");
                println!("skipped: {why}");
                return;
            }
            let mut inside = Command::new("unshare");
            inside.arg("-rn").arg(std::env::current_exe().unwrap()).args([NAME, "--exact", "--nocapture"]);
            let ended = inside.env(INSIDE, "1").output().unwrap();
            let said = String::from_utf8_lossy(&ended.stdout);
            assert!(ended.status.success() && said.contains("1 passed"), "{said}");
        }
    }
}
