//! Rooms as clients see them: making, knocking, admitting, talking, leaving, coming back.

use std::time::Duration;

use privydrop_common::id::PeerId;
use privydrop_common::signaling::{ClientMessage, MAX_KNOCKERS, MAX_MEMBERS, Member, Refusal, ServerMessage};

use crate::support::{Client, eventually, paced, relay, relayed, server};
use crate::web::get;

fn left(member: PeerId, lost: bool) -> ServerMessage {
    ServerMessage::MemberLeft { member, lost }
}

fn came(id: PeerId) -> ServerMessage {
    ServerMessage::MemberJoined { member: Member { id, sharing: false } }
}

#[tokio::test]
async fn who_knocks_again_and_again_waits_no_longer() {
    let server = paced(&[], |pace| pace.knock = Duration::from_millis(200)).await;
    let host = Client::hello(&server).await.create(None).await;
    let mut guest = Client::hello(&server).await;
    guest.knock(&host.room).await;
    eventually(async || {
        guest.say(ClientMessage::Join { room: host.room.clone(), ticket: None }).await;
        match guest.hear().await {
            ServerMessage::Refused { code: Refusal::OutOfPlace, .. } => false,
            ServerMessage::Refused { code: Refusal::KnockExpired, .. } => true,
            other => panic!("{other:?}"),
        }
    })
    .await;
}

#[tokio::test]
async fn a_guest_knocks_is_admitted_and_talks_with_the_host() {
    let server = server(&[]).await;
    let mut host = Client::hello(&server).await.create(None).await;
    assert!(host.room.as_str().len() == 6 && !host.room.is_custom());

    let mut guest = Client::hello(&server).await;
    let member = guest.knock(&host.room).await;
    assert_eq!(host.client.hear().await, ServerMessage::Knock { member });
    guest.say(relay(host.member, "proof")).await;
    assert_eq!(host.client.hear().await, relayed(member, "proof"));
    host.relay(member, "answer").await;
    assert_eq!(guest.hear().await, relayed(host.member, "answer"));

    host.client.say(ClientMessage::Admit { member }).await;
    let mut guest = guest.hear_joined().await;
    assert_eq!(guest.member, member, "a knocker keeps its id");
    assert_eq!(host.client.hear().await, came(member));

    guest.client.say(ClientMessage::Sharing { on: true }).await;
    assert_eq!(host.client.hear().await, ServerMessage::MemberSharing { member, on: true });
    guest.client.say(ClientMessage::Leave).await;
    assert_eq!(host.client.hear().await, left(member, false));
    host.relay(member, "late").await;
    host.client.hear_refused(Refusal::PeerUnknown).await;
}

#[tokio::test]
async fn guests_talk_with_each_other_once_they_are_members() {
    let server = server(&[]).await;
    let mut host = Client::hello(&server).await.create(None).await;
    let mut first = host.admit_from(&server).await;
    let mut second = host.admit_from(&server).await;
    assert_eq!(first.client.hear().await, came(second.member));
    second.relay(first.member, "hi").await;
    assert_eq!(first.client.hear().await, relayed(second.member, "hi"));
}

#[tokio::test]
async fn an_unknown_room_is_said_to_be_unknown_and_the_socket_stays_usable() {
    let server = server(&[]).await;
    let mut guest = Client::hello(&server).await;
    guest.say(ClientMessage::Join { room: "no-such-room".parse().unwrap(), ticket: None }).await;
    guest.hear_refused(Refusal::RoomUnknown).await;
    guest.create(None).await;
}

#[tokio::test]
async fn a_taken_name_is_refused_and_its_owner_is_undisturbed() {
    let server = server(&[]).await;
    let mut owner = Client::hello(&server).await.create(Some("our-room")).await;
    let mut other = Client::hello(&server).await;
    other.say(ClientMessage::Create { name: Some("our-room".parse().unwrap()), ticket: None }).await;
    other.hear_refused(Refusal::RoomTaken).await;
    owner.client.hear_nothing().await;
}

#[tokio::test]
async fn a_held_name_cannot_be_squatted_and_its_owner_takes_it_again_as_the_same_member() {
    let server = server(&[]).await;
    let mut owner = Client::hello(&server).await.create(Some("our-room")).await;
    owner.client.say(ClientMessage::Leave).await;
    owner.client.hear_refused_after_leaving().await;

    let mut squatter = Client::hello(&server).await;
    squatter.say(ClientMessage::Create { name: Some(owner.room.clone()), ticket: None }).await;
    squatter.hear_refused(Refusal::RoomTaken).await;
    let foreign = squatter.create(Some("other-room")).await.ticket;
    let mut squatter = Client::hello(&server).await;
    squatter.say(ClientMessage::Create { name: Some(owner.room.clone()), ticket: Some(foreign) }).await;
    squatter.hear_refused(Refusal::TicketInvalid).await;

    let again = Client::hello(&server).await.take_again(&owner.room, &owner.ticket).await;
    assert_eq!(again.member, owner.member);
}

#[tokio::test]
async fn there_is_only_ever_one_host_and_the_older_socket_is_told() {
    let server = server(&[]).await;
    let mut first = Client::hello(&server).await.create(Some("our-room")).await;
    let mut guest = first.admit_from(&server).await;
    let mut second = Client::hello(&server).await.take_again(&first.room, &first.ticket).await;
    assert_eq!(second.client.hear().await, came(guest.member), "who is there is told");
    first.client.hear_refused(Refusal::Replaced).await;
    first.client.hear_end().await;
    assert_eq!(guest.client.hear().await, came(second.member));
    guest.relay(second.member, "hi").await;
    assert_eq!(second.client.hear().await, relayed(guest.member, "hi"));
}

#[tokio::test]
async fn a_guest_comes_back_with_its_ticket_as_the_same_member() {
    let server = server(&[]).await;
    let mut host = Client::hello(&server).await.create(None).await;
    let guest = host.admit_from(&server).await;
    drop(guest.client);
    assert_eq!(host.client.hear().await, left(guest.member, true));
    let back = Client::hello(&server).await.rejoin(&guest.room, &guest.ticket).await;
    assert_eq!(back.member, guest.member);
    assert_eq!(host.client.hear().await, came(guest.member));
}

#[tokio::test]
async fn coming_back_with_a_ticket_is_not_limited_however_often() {
    let server = server(&["--joins-per-minute", "1"]).await;
    let mut host = Client::hello(&server).await.create(None).await;
    let guest = host.admit_from(&server).await;
    for _ in 0..5 {
        Client::hello(&server).await.rejoin(&guest.room, &guest.ticket).await;
    }
    let mut stranger = Client::hello(&server).await;
    stranger.say(ClientMessage::Join { room: host.room.clone(), ticket: None }).await;
    assert!(stranger.hear_refused(Refusal::RateLimited).await.is_some());
}

#[tokio::test]
async fn a_ticket_opens_no_other_room_and_a_forged_one_opens_none() {
    let server = server(&[]).await;
    let mine = Client::hello(&server).await.create(None).await;
    let other = Client::hello(&server).await.create(None).await;
    let mut thief = Client::hello(&server).await;
    thief.say(ClientMessage::Join { room: other.room.clone(), ticket: Some(mine.ticket.clone()) }).await;
    thief.hear_refused(Refusal::TicketInvalid).await;
    let forged = privydrop_common::signaling::Ticket::new("AAAA.BBBB".into()).unwrap();
    thief.say(ClientMessage::Join { room: other.room.clone(), ticket: Some(forged) }).await;
    thief.hear_refused(Refusal::TicketInvalid).await;
}

#[tokio::test]
async fn a_knocker_is_refused_while_the_host_is_away_and_when_it_goes() {
    let server = server(&[]).await;
    let mut host = Client::hello(&server).await.create(None).await;
    let mut waiting = Client::hello(&server).await;
    waiting.knock(&host.room).await;
    host.client.say(ClientMessage::Leave).await;
    waiting.hear_refused(Refusal::HostAway).await;
    waiting.say(ClientMessage::Join { room: host.room, ticket: None }).await;
    waiting.hear_refused(Refusal::HostAway).await;
}

#[tokio::test]
async fn who_knocks_while_the_host_changes_its_socket_is_let_in_afterwards() {
    let server = server(&[]).await;
    let host = Client::hello(&server).await.create(None).await;
    let mut early = Client::hello(&server).await;
    let early_member = early.knock(&host.room).await;
    let mut witness = Client::hello(&server).await;
    drop(host.client);
    eventually(async || get(&server, "/metrics", &[]).await.body.contains("privydrop_sockets 2")).await;
    let late_member = witness.knock(&host.room).await;
    let mut host = Client::hello(&server).await.take_again(&host.room, &host.ticket).await;
    for member in [early_member, late_member] {
        assert_eq!(host.client.hear().await, ServerMessage::Knock { member });
    }
    host.client.say(ClientMessage::Admit { member: early_member }).await;
    early.hear_joined().await;
}

#[tokio::test]
async fn a_knock_that_nobody_answers_expires_and_both_sides_hear_of_it() {
    let server = paced(&[], |pace| pace.knock = Duration::from_millis(50)).await;
    let mut host = Client::hello(&server).await.create(None).await;
    let mut guest = Client::hello(&server).await;
    let member = guest.knock(&host.room).await;
    guest.hear_refused(Refusal::KnockExpired).await;
    assert_eq!(host.client.hear().await, ServerMessage::Knock { member });
    assert_eq!(host.client.hear().await, left(member, false));
    host.client.say(ClientMessage::Admit { member }).await;
    host.client.hear_refused(Refusal::PeerUnknown).await;
    guest.knock(&host.room).await;
}

#[tokio::test]
async fn the_seventeenth_member_and_the_ninth_knocker_are_refused() {
    let server = server(&["--trusted-proxy", "127.0.0.0/8"]).await;
    let mut host = Client::hello(&server).await.create(None).await;
    let mut waiting = Vec::new();
    for number in 0..MAX_KNOCKERS {
        let mut knocker = Client::hello_from(&server, &format!("192.0.2.{number}")).await;
        knocker.knock(&host.room).await;
        waiting.push(knocker);
    }
    let mut late = Client::hello_from(&server, "192.0.2.99").await;
    late.say(ClientMessage::Join { room: host.room.clone(), ticket: None }).await;
    late.hear_refused(Refusal::RoomBusy).await;
    waiting.clear();

    // Every knocker was announced and is gone again.
    for _ in 0..2 * MAX_KNOCKERS {
        assert!(matches!(
            host.client.hear().await,
            ServerMessage::Knock { .. } | ServerMessage::MemberLeft { .. }
        ));
    }
    let mut guests = Vec::new();
    for _ in 1..MAX_MEMBERS {
        guests.push(host.admit_from(&server).await);
    }
    late.say(ClientMessage::Join { room: host.room.clone(), ticket: None }).await;
    late.hear_refused(Refusal::RoomFull).await;
}

#[tokio::test]
async fn one_address_has_half_of_a_door_and_others_still_come_in() {
    let server = server(&["--trusted-proxy", "127.0.0.0/8"]).await;
    let host = Client::hello(&server).await.create(None).await;
    let mut waiting = Vec::new();
    for _ in 0..MAX_KNOCKERS / 2 {
        let mut knocker = Client::hello_from(&server, "192.0.2.1").await;
        knocker.knock(&host.room).await;
        waiting.push(knocker);
    }
    let mut greedy = Client::hello_from(&server, "192.0.2.1").await;
    greedy.say(ClientMessage::Join { room: host.room.clone(), ticket: None }).await;
    greedy.hear_refused(Refusal::RoomBusy).await;
    Client::hello_from(&server, "192.0.2.2").await.knock(&host.room).await;
    // A place that is given back may be taken again.
    waiting.pop();
    eventually(async || {
        greedy.say(ClientMessage::Join { room: host.room.clone(), ticket: None }).await;
        matches!(greedy.hear().await, ServerMessage::Knocking { .. })
    })
    .await;
}

#[tokio::test]
async fn a_socket_is_in_one_room_at_a_time_and_may_enter_another_after_leaving() {
    let server = server(&[]).await;
    let mut host = Client::hello(&server).await.create(None).await;
    host.client.say(ClientMessage::Create { name: None, ticket: None }).await;
    host.client.hear_refused(Refusal::OutOfPlace).await;
    host.client.say(ClientMessage::Leave).await;
    host.client.say(ClientMessage::Leave).await;
    host.client.hear_refused(Refusal::NotMember).await;
    host.client.create(None).await;
}
