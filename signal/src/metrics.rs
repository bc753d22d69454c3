//! What the server counts, for Prometheus. Counts and durations only: nothing here leads to a person or a room.

use std::fmt::Write as _;
use std::time::Duration;

use privydrop_common::signaling::Refusal;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Seconds, from 0.1 ms to 3 s.
type Latency = Histogram;

/// All counters.
pub struct Metrics {
    registry: Registry,
    /// Sockets opened since the start.
    pub connections: Counter,
    /// Rooms made.
    pub creates: Counter,
    /// Knocks that reached a host.
    pub knocks: Counter,
    /// Members that entered: admitted, or back with a ticket.
    pub joins: Counter,
    /// Relayed messages.
    pub relays: Counter,
    /// Characters of relayed bodies.
    pub relayed_bytes: Counter,
    /// Sockets dropped because their reader was too slow, or did not read.
    pub slow_readers: Counter,
    /// Sockets dropped because nothing was heard of them.
    pub silent: Counter,
    /// Messages for sockets of other nodes.
    pub forwarded: Counter,
    /// TURN credentials handed out.
    pub credentials: Counter,
    /// Requests to the store that failed.
    pub store_errors: Counter,
    /// Attempts that this node counted alone, because the store was away.
    pub limits_alone: Counter,
    /// Times that messages from other nodes may have been lost.
    pub mailbox_gaps: Counter,
    turned_away: Family<[(&'static str, &'static str); 1], Counter>,
    store_latency: Latency,
    request_latency: Family<[(&'static str, &'static str); 1], Latency>,
    refusals: Family<[(&'static str, String); 1], Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("privydrop"),
            connections: Counter::default(),
            creates: Counter::default(),
            knocks: Counter::default(),
            joins: Counter::default(),
            relays: Counter::default(),
            relayed_bytes: Counter::default(),
            slow_readers: Counter::default(),
            silent: Counter::default(),
            forwarded: Counter::default(),
            credentials: Counter::default(),
            store_errors: Counter::default(),
            limits_alone: Counter::default(),
            mailbox_gaps: Counter::default(),
            turned_away: Family::default(),
            store_latency: latency(),
            request_latency: Family::new_with_constructor(latency),
            refusals: Family::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("connections", "Sockets opened", metrics.connections.clone());
        registry.register("creates", "Rooms made", metrics.creates.clone());
        registry.register("knocks", "Knocks that reached a host", metrics.knocks.clone());
        registry.register("joins", "Members that entered a room", metrics.joins.clone());
        registry.register("relays", "Relayed messages", metrics.relays.clone());
        registry.register("relayed_bytes", "Characters of relayed bodies", metrics.relayed_bytes.clone());
        registry.register("slow_readers", "Sockets dropped as too slow", metrics.slow_readers.clone());
        registry.register("silent", "Sockets dropped as silent", metrics.silent.clone());
        registry.register("forwarded", "Messages for sockets of other nodes", metrics.forwarded.clone());
        registry.register("credentials", "TURN credentials handed out", metrics.credentials.clone());
        registry.register("store_errors", "Failed requests to the room store", metrics.store_errors.clone());
        registry.register(
            "limits_alone",
            "Attempts counted by this node alone, the store being away",
            metrics.limits_alone.clone(),
        );
        registry.register(
            "mailbox_gaps",
            "Times that messages from other nodes may have been lost",
            metrics.mailbox_gaps.clone(),
        );
        registry.register("turned_away", "Sockets refused before they opened", metrics.turned_away.clone());
        registry.register_with_unit(
            "store_latency",
            "Time the room store takes",
            Unit::Seconds,
            metrics.store_latency.clone(),
        );
        registry.register_with_unit(
            "request_latency",
            "Time from a request to its answer",
            Unit::Seconds,
            metrics.request_latency.clone(),
        );
        registry.register("refusals", "Refused requests by reason", metrics.refusals.clone());
        metrics
    }
}

/// Levels that are read when somebody asks, not counted along the way.
#[derive(Debug, Clone, Copy)]
pub struct Levels {
    /// Open sockets of this node.
    pub sockets: usize,
    /// Sockets of this node that are in a room.
    pub members: usize,
    /// Bytes that wait for slow readers.
    pub waiting: usize,
    /// Cells in the store, if it answers.
    pub cells: Option<u64>,
    /// Whether the server is about to stop.
    pub draining: bool,
}

fn latency() -> Latency {
    Latency::new(exponential_buckets(0.0001, 2.0, 16))
}

impl Metrics {
    /// Counts a refusal under its name on the wire.
    pub fn refused(&self, code: Refusal) {
        let name = serde_json::to_string(&code).unwrap_or_default();
        self.refusals.get_or_create(&[("code", name.trim_matches('"').to_owned())]).inc();
    }

    /// Counts a socket that was refused before it opened.
    pub fn turned_away(&self, reason: &'static str) {
        self.turned_away.get_or_create(&[("reason", reason)]).inc();
    }

    /// Notes how long a request took.
    pub fn request_took(&self, request: &'static str, time: Duration) {
        self.request_latency.get_or_create(&[("request", request)]).observe(time.as_secs_f64());
    }

    /// Notes how long the store took.
    pub fn store_took(&self, time: Duration) {
        self.store_latency.observe(time.as_secs_f64());
    }

    /// Everything in Prometheus' (OpenMetrics) text.
    pub fn text(&self, levels: Levels) -> String {
        let mut text = String::new();
        let cells = levels.cells.map(|cells| ("store_cells", "Keys in the store", cells));
        let gauges = [
            ("sockets", "Open sockets of this node", levels.sockets as u64),
            ("members", "Sockets of this node that are in a room", levels.members as u64),
            ("outbox_bytes", "Bytes that wait for slow readers", levels.waiting as u64),
            ("store_up", "Whether the room store answers", levels.cells.is_some().into()),
            ("draining", "Whether this node is about to stop", levels.draining.into()),
        ];
        for (name, help, value) in gauges.into_iter().chain(cells) {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "# HELP privydrop_{name} {help}.\n# TYPE privydrop_{name} gauge\nprivydrop_{name} {value}"
            );
        }
        let _ = encode(&mut text, &self.registry);
        text
    }
}
