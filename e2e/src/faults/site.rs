//! Where rounds take place: a server with its Redis, a relay, and the path through the weather that leads to the relay.
//!
//! Terminals are told of the relay by the server, as everybody is, at the near end of the path, and use nothing else.

use std::ffi::OsString;

use tokio::runtime::{Builder, Runtime};

use super::plan::Plan;
use super::round::{Report, Round};
use super::weather::Path;
use crate::coturn::Coturn;
use crate::server::{Rooms, Server};

/// Everything that stays from one round to the next.
pub(super) struct Site {
    // Its tasks end before the programs that they talk to.
    pub(super) path: Path,
    pub(super) server: Server,
    _relay: Coturn,
    runtime: Runtime,
}

impl Site {
    pub(super) fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let relay = Coturn::start();
        let path = runtime.block_on(Path::start(relay.address())).expect("a port for the path");
        let mut words = relay.for_server_at(path.address()).to_vec();
        // As many rooms from one address as rounds need.
        let limits = ["--creates-per-minute", "--joins-per-minute", "--misses-per-minute"];
        words.extend(limits.iter().flat_map(|limit| [OsString::from(limit), "100000".into()]));
        let words: Vec<_> = words.iter().map(|word| &**word).collect();
        let server = Server::start_with(Rooms::Redis, &words);
        Self { path, server, _relay: relay, runtime }
    }

    /// Does one round; panics when something is wrong, and then this place is gone.
    pub(super) fn round(mut self, plan: &Plan) -> (Report, Self) {
        let Self { path, server, runtime, .. } = &mut self;
        let report = runtime.block_on(Round::new(plan, path, server).run());
        (report, self)
    }
}
