//! What must hold for any bytes that reach one of our parsers: one check a parser, with inputs to begin with.
//!
//! `fuzz_targets/` has a program for each, which libFuzzer drives; `tests/` holds the same checks against the committed
//! seeds and against changed ones, at every `cargo xtask test`. A check that fails panics. Nothing here is part of any
//! program that people get.
#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, reason = "a check fails by panicking")]

mod addresses;
mod conversation;
mod letters;
mod listings;
mod memory;
mod names;
mod nodes;
mod quic;
mod server;
mod session;
mod sockets;
mod stored;
mod streams;
mod texts;

use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// One parser under test.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Names its program and the folder of its seeds.
    pub name: &'static str,
    /// Panics when something that must hold does not. Never waits and never looks at a clock.
    check: fn(&[u8]),
    /// Inputs to begin with, made by our own encoders: always the same ones.
    seeds: fn() -> Vec<Vec<u8>>,
    /// Bytes of heap that one input may take beside what its own length accounts for.
    heap: usize,
}

/// Bytes of heap for each byte of an input: a list of empty lists takes 24 for one.
const HEAP_PER_BYTE: usize = 256;
/// Longest input that is looked at: twice the longest frame, so that bounds are seen to hold.
pub const MAX_INPUT: usize = 512 * 1024;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

const fn target(name: &'static str, check: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>, heap: usize) -> Target {
    Target { name, check, seeds, heap }
}

/// Every parser of ours that reads what others wrote.
pub const TARGETS: &[Target] = &[
    target("client_messages", conversation::client_messages, conversation::client_seeds, 64 * KIB),
    target("server_messages", conversation::server_messages, conversation::server_seeds, 64 * KIB),
    target("letters", letters::letters, letters::letter_seeds, MIB),
    target("pair_messages", letters::pair_messages, letters::pair_seeds, 64 * KIB),
    target("descriptions", letters::descriptions, letters::description_seeds, 64 * KIB),
    target("candidates", letters::candidates, letters::candidate_seeds, 64 * KIB),
    target("control", streams::control, streams::control_seeds, 24 * MIB),
    target("data_frames", streams::data_frames, streams::data_seeds, 64 * KIB),
    target("have_sets", streams::have_sets, streams::have_seeds, 24 * MIB),
    target("listings", listings::listings, listings::listing_seeds, 24 * MIB),
    target("offers", listings::offers, listings::offer_seeds, 4 * MIB),
    target("names", names::names, names::name_seeds, 64 * KIB),
    target("paths", names::paths, names::path_seeds, MIB),
    target("documents", texts::documents, texts::document_seeds, 4 * MIB),
    target("web_links", texts::web_links, texts::web_link_seeds, 64 * KIB),
    target("invitations", texts::invitations, texts::invitation_seeds, 64 * KIB),
    target("journals", stored::journals, stored::journal_seeds, MIB),
    target("keepsakes", session::keepsakes, session::keepsake_seeds, 256 * KIB),
    target("commands", session::commands, session::command_seeds, 4 * MIB),
    target("arguments", addresses::arguments, addresses::argument_seeds, 4 * MIB),
    target("servers", addresses::servers, addresses::server_seeds, 64 * KIB),
    target("deep_links", addresses::deep_links, addresses::deep_link_seeds, 64 * KIB),
    target("turn_streams", addresses::turn_streams, addresses::turn_seeds, 256 * KIB),
    target("turn_datagrams", addresses::turn_datagrams, addresses::datagram_seeds, 256 * KIB),
    target("quic_streams", quic::quic_streams, quic::stream_seeds, 256 * KIB + 64 * KIB),
    target("quic_datagrams", quic::quic_datagrams, quic::datagram_seeds, 64 * KIB),
    target("web_sockets", sockets::web_sockets, sockets::web_socket_seeds, 256 * KIB),
    target("settings", server::settings, server::setting_seeds, 4 * MIB),
    target("origins", server::origins, server::origin_seeds, 64 * KIB),
    target("proxies", server::proxies, server::proxy_seeds, 64 * KIB),
    target("tickets", server::tickets, server::ticket_seeds, 64 * KIB),
    target("records", server::records, server::record_seeds, MIB),
    target("envelopes", nodes::envelopes, nodes::envelope_seeds, 64 * KIB),
    target("stun_messages", nodes::stun_messages, nodes::stun_seeds, 64 * KIB),
    target("relay_urls", nodes::relay_urls, nodes::relay_url_seeds, 64 * KIB),
];

impl Target {
    /// Lets the check look at `bytes`, and sees to it that this took no more memory than it may.
    pub fn hold(&self, bytes: &[u8]) {
        if bytes.len() > MAX_INPUT {
            return;
        }
        let taken = memory::taken(&HEAP, || (self.check)(bytes));
        let allowed = self.heap + HEAP_PER_BYTE * bytes.len();
        assert!(taken <= allowed, "{}: {taken} bytes of heap for {} of input", self.name, bytes.len());
    }

    /// Inputs to begin with.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        (self.seeds)()
    }
}

/// Looks at `bytes` with the check of this name.
pub fn hold(name: &str, bytes: &[u8]) {
    TARGETS.iter().find(|target| target.name == name).expect("a target of this name").hold(bytes);
}
