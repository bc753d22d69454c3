//! A path as between two continents: both browsers know no way but a relay, and each datagram takes its time to and from it.
//!
//! The raw channel takes the same way, by the credentials that the server gave the app.

use privydrop_e2e::browser::Browser;
use privydrop_e2e::coturn::Coturn;
use privydrop_e2e::faults::weather::{Path, Weather};
use privydrop_e2e::page::Page;
use privydrop_e2e::server::{Rooms, Server};
use serde_json::Value;

/// Milliseconds from each browser to the relay and back again: some 25 from one browser to the other.
const DELAY: u32 = 12;
/// What a page knows of the relay once it used it.
const CONFIGURATION: &str = "return window.relayOnly";

/// The path, the relay at its end, and a server that tells of it.
pub(crate) struct Far {
    path: Path,
    pub(crate) server: Server,
    _relay: Coturn,
}

impl Far {
    /// Starts it all.
    pub(crate) async fn start() -> Self {
        let relay = Coturn::start();
        let path = Path::start(relay.address()).await.expect("a port for the path");
        path.change(Weather { delay: DELAY, ..Weather::CLEAR }, 0);
        let words = relay.for_server_at(path.address());
        let server = Server::start_with(Rooms::Memory, &words.each_ref().map(|word| &**word));
        Self { path, server, _relay: relay }
    }

    /// Lets the page's connections take this way and no other, until it is loaded again.
    pub(crate) async fn only(&self, page: &Page) {
        page.relay_only(&format!("turn:{}?transport=udp", self.path.address())).await;
    }

    /// How a connection takes this way, from a page that has.
    pub(crate) async fn configuration(of: &Browser) -> Value {
        of.run(CONFIGURATION, vec![]).await.expect("a page to run a script")
    }
}
