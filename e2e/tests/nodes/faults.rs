//! Nodes that are killed while somebody joins or something moves.

use crate::site::{Site, assert_undisturbed, comes_back};

/// A file that takes long enough to be seen on its way, and one that does not.
const LONG: u64 = 400_000_000;
const SHORT: u64 = 10_000;
/// Bytes that a joiner hears of its node before it dies: none; parts of the upgrade's answer, of the welcome and of what says
/// that it knocks; that and no letter of the host's; parts of the handshake; part of the news that it was let in.
const HEARD: [u64; 8] = [0, 100, 200, 300, 375, 1_000, 1_400, 1_700];

#[tokio::test]
async fn members_on_three_nodes_share_a_file() {
    let mut site = Site::start();
    site.balancer.lead_to(&[0]);
    let sharer = site.share("film.bin", 20_000_000).await;
    site.balancer.lead_to(&[1]);
    let near = site.receive(&sharer);
    site.balancer.until_open(1, 1).await;
    site.balancer.lead_to(&[2]);
    let far = site.receive(&sharer);
    site.balancer.until_open(2, 1).await;
    site.balancer.until_open(0, 1).await;
    let (near, far) = tokio::join!(near.gets_it(), far.gets_it());
    [near, far].iter().for_each(|said| assert_undisturbed(said));
}

#[tokio::test]
async fn a_transfer_outlives_the_nodes_of_both_ends_and_both_come_back_through_the_third() {
    let mut site = Site::start();
    site.balancer.lead_to(&[0]);
    let mut sharer = site.share("film.bin", LONG).await;
    site.balancer.lead_to(&[1]);
    let mut receiver = site.receive(&sharer);
    receiver.moves().await;

    site.balancer.lead_to(&[2]);
    site.nodes[0].stop();
    site.nodes[1].stop();
    receiver.moves_on().await;
    comes_back(&mut sharer.terminal).await;
    comes_back(&mut receiver.terminal).await;
    // Its way in leads over the sharer's new place.
    site.balancer.until_open(2, 2).await;
    let newcomer = site.receive(&sharer);
    let (said, newcomers) = tokio::join!(receiver.gets_it(), newcomer.gets_it());
    [said, newcomers].iter().for_each(|said| assert_undisturbed(said));
}

#[tokio::test]
async fn whoever_is_joining_when_its_node_is_killed_gets_in_through_another_whatever_it_heard_so_far() {
    let mut site = Site::start();
    site.balancer.lead_to(&[0]);
    let sharer = site.share("note.bin", SHORT).await;
    for heard in HEARD {
        site.balancer.lead_to(&[1]);
        site.balancer.hold(1, heard);
        let mut receiver = site.receive(&sharer);
        tokio::select! {
            () = site.balancer.held() => {}
            exit = receiver.terminal.next("exit") => panic!("{exit}: {:#?}", receiver.terminal.said()),
        }
        site.balancer.lead_to(&[2]);
        site.nodes[1].stop();
        receiver.gets_it().await;
        site.balancer.let_pass();
        site.nodes[1].restart();
    }
}
