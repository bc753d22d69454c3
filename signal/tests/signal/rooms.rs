//! Rooms as clients see them: making, knocking, admitting, talking, leaving, coming back.

use privydrop_common::signaling::{ClientMessage, Member, Refusal, ServerMessage};

use crate::support::{Client, relay, relayed, server};

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
    let joined = ServerMessage::MemberJoined { member: Member { id: member, sharing: false } };
    assert_eq!(host.client.hear().await, joined);

    guest.client.say(ClientMessage::Sharing { on: true }).await;
    assert_eq!(host.client.hear().await, ServerMessage::MemberSharing { member, on: true });
    guest.client.say(ClientMessage::Leave).await;
    assert_eq!(host.client.hear().await, ServerMessage::MemberLeft { member, lost: false });
    host.relay(member, "late").await;
    host.client.hear_refused(Refusal::PeerUnknown).await;
}
