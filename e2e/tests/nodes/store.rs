//! A Redis that forgets everything, or is restarted, while people are in rooms. How long rooms are away is printed.

use std::time::{Duration, Instant};

use crate::site::{Sharer, Site, assert_undisturbed};

/// Nothing on one machine takes this long: a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the room is in Redis again, and says how long that took since `start`.
async fn comes_back(site: &Site, sharer: &Sharer, what: &str, start: Instant) {
    while site.redis.ask(&format!("EXISTS privydrop:room:{}", sharer.room)) != ":1" {
        assert!(start.elapsed() < PATIENCE, "{what}: the room never came back");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    eprintln!("{what}: the room was back after {:.2} s", start.elapsed().as_secs_f64());
}

#[tokio::test]
async fn rooms_come_back_to_a_redis_that_forgot_them_while_files_move() {
    let mut site = Site::start();
    let sharer = site.share("film.bin", 300_000_000).await;
    let mut receiver = site.receive(&sharer);
    receiver.moves().await;

    let start = Instant::now();
    assert_eq!(site.redis.ask("FLUSHALL"), "+OK");
    // Somebody who comes before the room is back waits for it.
    let mut early = site.receive(&sharer);
    comes_back(&site, &sharer, "FLUSHALL", start).await;
    receiver.moves_on().await;
    early.moves().await;

    site.redis.restart();
    comes_back(&site, &sharer, "Redis restarted, empty", Instant::now()).await;
    let newcomer = site.receive(&sharer);
    let (said, earlys, newcomers) = tokio::join!(receiver.gets_it(), early.gets_it(), newcomer.gets_it());
    [said, earlys, newcomers].iter().for_each(|said| assert_undisturbed(said));
}

#[tokio::test]
async fn when_redis_and_all_nodes_are_killed_at_once_tickets_alone_bring_the_room_back() {
    let mut site = Site::start();
    let sharer = site.share("note.bin", 10_000).await;
    site.nodes.iter_mut().for_each(privydrop_e2e::server::Server::stop);
    site.redis.restart();
    assert_eq!(site.redis.ask("DBSIZE"), ":0");
    site.nodes.iter_mut().for_each(privydrop_e2e::server::Server::restart);
    comes_back(&site, &sharer, "Redis and three nodes killed", Instant::now()).await;
    site.receive(&sharer).gets_it().await;
}
