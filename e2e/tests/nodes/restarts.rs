//! All nodes are replaced, one after another, while people join and something moves; and a server of its own, which forgets
//! everybody, is started again.

use std::sync::atomic::{AtomicBool, Ordering};

use privydrop_e2e::fixture::Fixture;
use privydrop_e2e::server::{Rooms, Server};
use tokio::sync::watch;

use crate::site::{Receiver, Sharer, Site, assert_undisturbed, comes_back};

/// Rooms that people join meanwhile, and how many do so at the same time.
const ROOMS: usize = 2;
const JOINERS: usize = 2;

#[tokio::test]
async fn a_rolling_restart_under_joins_loses_no_room_and_no_join_and_disturbs_no_transfer() {
    let mut site = Site::start();
    let mover = site.share("film.bin", 150_000_000).await;
    let mut moving = site.receive(&mover);
    let mut sharers = Vec::new();
    for number in 0..ROOMS {
        sharers.push(site.share(&format!("note-{number}.bin"), 10_000).await);
    }
    moving.moves().await;

    let nodes = std::mem::take(&mut site.nodes);
    let (is_over, joins) = (AtomicBool::new(false), watch::Sender::new(0_u32));
    let restart = async {
        let mut new = Vec::new();
        for node in nodes {
            // Somebody got in since the last one: there is something to lose.
            joins.subscribe().changed().await.unwrap();
            new.push(tokio::task::spawn_blocking(move || replaced(node)).await.unwrap());
        }
        is_over.store(true, Ordering::SeqCst);
        new
    };
    let join = async |first: usize| {
        for sharer in sharers.iter().cycle().skip(first) {
            site.receive(sharer).gets_it().await;
            joins.send_modify(|count| *count += 1);
            if is_over.load(Ordering::SeqCst) {
                return;
            }
        }
    };
    let joiners = futures_util::future::join_all((0..JOINERS).map(&join));
    let (_new, _, said) = tokio::join!(restart, joiners, moving.gets_it());
    assert_undisturbed(&said);
    for sharer in sharers.iter().chain([&mover]) {
        site.receive(sharer).gets_it().await;
    }
    eprintln!("{} joins while three nodes were replaced, none failed", *joins.borrow());
}

/// Asked to stop, it leaves in order; another one takes its place.
fn replaced(mut node: Server) -> Server {
    node.retire();
    node.restart();
    node
}

#[tokio::test]
async fn a_server_that_forgets_its_rooms_when_it_is_started_again_ends_no_transfer() {
    let (mut fixture, inboxes) = (Fixture::new(12), tempfile::tempdir().unwrap());
    // It has neither a store nor a key file: nobody's ticket is good any more.
    let mut server = Server::start(Rooms::Memory);
    let mut sharer = Sharer::start(server.address(), fixture.file("film.bin", 300_000_000)).await;
    let mut receiver = Receiver::start(server.address(), &sharer, inboxes.path().join("one"));
    receiver.moves().await;
    server.restart();
    comes_back(&mut sharer.terminal).await;
    receiver.moves_on().await;
    let newcomer = Receiver::start(server.address(), &sharer, inboxes.path().join("two"));
    let (said, newcomers) = tokio::join!(receiver.gets_it(), newcomer.gets_it());
    [said, newcomers].iter().for_each(|said| assert_undisturbed(said));
}
