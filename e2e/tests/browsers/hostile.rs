//! Real browsers behind a signaling server that lies, and before peers that do: none is ever accepted, each is told.

use privydrop_common::api::NoticeCode;
use privydrop_common::code::{Code, RoomKey, Words};
use privydrop_common::handshake::{Caps, Initiator, PairMessage, Responder, Secret};
use privydrop_common::id::{PeerId, RoomId};
use privydrop_common::sdp::Fingerprint;
use privydrop_common::signaling::{ClientMessage, ServerMessage};
use privydrop_common::wire::MAX_FRAME;
use privydrop_e2e::browser::Kind::{self, Chromium, Firefox};
use privydrop_e2e::hostile::{Fate, HostileServer, Letter, Trick, body, changed, read};
use privydrop_e2e::page::Page;
use privydrop_e2e::raw::RawMember;
use privydrop_e2e::server::{Rooms, Server};
use privydrop_e2e::shown::Shown;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::json;

use crate::close;

/// A description with this fingerprint, good enough to pass every check of form.
fn description(fingerprint: u8) -> String {
    format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
         m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n\
         a=ice-pwd:0123456789abcdef01234567\r\na=fingerprint:sha-256 {}\r\na=setup:active\r\na=mid:0\r\n\
         a=sctp-port:5000\r\na=max-message-size:262144\r\n",
        Fingerprint([fingerprint; 32])
    )
}

/// A host at the real server that shares a text, and a guest that reaches it only through the trick.
async fn behind(trick: impl FnOnce(RoomId) -> Trick) -> (Page, Page, HostileServer, Server) {
    let server = Server::start(Rooms::Memory);
    let host = Page::open(Chromium, server.address()).await;
    host.share_text("hello").await;
    let code = host.code().await;
    let room = code.parse::<Code>().unwrap().room;
    let liar = HostileServer::before(&server, trick(room)).await;
    let guest = Page::open(Chromium, liar.address()).await;
    guest.join(&code).await;
    (host, guest, liar, server)
}

/// The room still serves honest people, and nobody else is in it.
async fn still_honest(host: &Page, server: &Server) {
    let honest = Page::open(Chromium, server.address()).await;
    honest.join(&host.code().await).await;
    honest.received_text("hello").await;
    honest.close(&[]).await;
}

async fn assert_unlinked(page: &Page) {
    let shown: Shown = page.look().await.unwrap();
    assert!(
        shown.peers.iter().all(|peer| peer.state != "connected" || peer.verified != "true"),
        "{shown:#?}"
    );
}

#[tokio::test]
async fn a_server_that_puts_its_own_fingerprint_in_the_hosts_place_is_found_out() {
    let swap = |room: RoomId| -> Trick {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let guess = Secret::Words(Words::random(&mut rng));
        Box::new(move |letter: Letter| {
            let (stream, message) = read(&letter.body);
            let Some(PairMessage::Hello(hello)) = message else { return Vec::new() };
            // It does not know who calls: the guest's id is only in the messages that the real server sends.
            let anybody = PeerId::random(&mut rng);
            let responder =
                Responder::answer(&room, letter.to, anybody, &guess, Caps::OURS, &hello, &mut rng).unwrap();
            let (_, reply) = responder.reply(description(9).as_bytes());
            vec![Fate::Back(letter.to, 0, body(stream, 1, &PairMessage::Reply(reply)))]
        })
    };
    let (host, guest, _liar, server) = behind(swap).await;
    guest.notice(NoticeCode::WrongWords).await;
    assert_unlinked(&guest).await;
    assert_unlinked(&host).await;
    still_honest(&host, &server).await;
    close([host, guest], &[]).await;
}

#[tokio::test]
async fn a_changed_bit_in_the_guests_letters_is_found_out() {
    let change = |_| -> Trick {
        Box::new(|letter: Letter| {
            let changed = match read(&letter.body).1 {
                Some(PairMessage::Confirm(_)) => changed(&letter.body),
                _ => letter.body,
            };
            vec![Fate::Pass(Letter { body: changed, ..letter })]
        })
    };
    let (host, guest, _liar, server) = behind(change).await;
    host.notice(NoticeCode::SomebodyGuessed).await;
    guest
        .wait_for("a word about the failure", |shown| {
            let told = shown.notices.iter().any(|code| {
                matches!(&**code, "no-answer" | "connect-failed" | "peer-refused" | "wrong-words")
            });
            told.then_some(())
        })
        .await;
    assert_unlinked(&guest).await;
    still_honest(&host, &server).await;
    close([host, guest], &[]).await;
}

#[tokio::test]
async fn a_server_that_sends_letters_back_to_their_sender_is_found_out() {
    let reflect = |_| -> Trick {
        Box::new(|letter: Letter| {
            vec![Fate::Back(letter.to, letter.seq, letter.body.clone()), Fate::Pass(letter)]
        })
    };
    let (host, guest, _liar, server) = behind(reflect).await;
    guest.notice(NoticeCode::PeerRefused).await;
    assert_unlinked(&guest).await;
    still_honest(&host, &server).await;
    close([host, guest], &[]).await;
}

#[tokio::test]
async fn letters_repeated_and_letters_from_nobody_change_nothing_and_are_told() {
    let server = Server::start(Rooms::Memory);
    // Both pages are at the liar, so it hears the letters of both. Each letter of the guest's brings it all that the host
    // ever wrote to it once more, and letters of somebody who is not in the room.
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let mut heard: Vec<Letter> = Vec::new();
    let liar = HostileServer::before(
        &server,
        Box::new(move |letter: Letter| {
            let mut fates = Vec::new();
            for old in heard.iter().filter(|old| old.to != letter.to) {
                fates.extend((0..30).map(|_| Fate::Back(letter.to, old.seq, old.body.clone())));
                let (nobody, key) = (PeerId::random(&mut rng), Secret::Room(RoomKey::random(&mut rng)));
                let room = "123456".parse().unwrap();
                let (_, hello) = Initiator::start(&room, nobody, old.to, &key, Caps::OURS, &mut rng);
                fates.push(Fate::Back(nobody, 0, body(7, 0, &PairMessage::Hello(hello))));
            }
            heard.push(letter.clone());
            fates.push(Fate::Pass(letter));
            fates
        }),
    )
    .await;
    let host = Page::open(Chromium, liar.address()).await;
    host.share_text("hello").await;
    let guest = Page::open(Chromium, liar.address()).await;
    guest.join(&host.code().await).await;
    guest.notice(NoticeCode::StrayLetters).await;
    host.connected(1).await;
    guest.connected(1).await;
    guest.received_text("hello").await;
    close([host, guest], &[]).await;
}

#[tokio::test]
async fn five_guesses_from_anywhere_change_the_words_and_the_link_stays() {
    let server = Server::start(Rooms::Memory);
    let host = Page::open(Chromium, server.address()).await;
    host.share_text("hello").await;
    let (code, link) = (host.code().await, host.link().await);
    let room = code.parse::<Code>().unwrap().room;
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let mut guessers = Vec::new();
    for _ in 0..5 {
        let mut guesser = RawMember::connect(&server).await;
        let (me, at) = knock(&mut guesser, &room).await;
        let words = Secret::Words(Words::random(&mut rng));
        let (_, hello) = Initiator::start(&room, me, at, &words, Caps::OURS, &mut rng);
        let hello = body(1, 0, &PairMessage::Hello(hello));
        guesser.say(&ClientMessage::Relay { to: at, seq: 0, body: hello }).await;
        hear_reply(&mut guesser).await;
        // Leaving after the answer is a guess like any other.
        guesser.say(&ClientMessage::Leave).await;
        guessers.push(guesser);
    }
    host.notice(NoticeCode::WordsChanged).await;
    assert_ne!(host.code().await, code);
    assert_eq!(host.link().await, link);
    let late = Page::open(Chromium, server.address()).await;
    late.join(&code).await;
    late.notice(NoticeCode::WrongWords).await;
    late.join(&link).await;
    late.connected(1).await;
    close([host, late], &[]).await;
}

#[tokio::test]
async fn a_guest_that_adds_a_second_fingerprint_gets_no_link() {
    let server = Server::start(Rooms::Memory);
    let host = Page::open(Chromium, server.address()).await;
    host.share_text("hello").await;
    let Code { room, words } = host.code().await.parse().unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let mut guest = RawMember::connect(&server).await;
    let (me, at) = knock(&mut guest, &room).await;
    let (initiator, hello) = Initiator::start(&room, me, at, &Secret::Words(words), Caps::OURS, &mut rng);
    let say = |seq, received, message: &PairMessage| ClientMessage::Relay {
        to: at,
        seq,
        body: body(1, received, message),
    };
    guest.say(&say(0, 0, &PairMessage::Hello(hello))).await;
    let (confirming, _offer) = initiator.accept(&hear_reply(&mut guest).await).unwrap();
    let second = format!("a=fingerprint:sha-256 {}\r\na=setup", Fingerprint([7; 32]));
    let (_, confirm) = confirming.confirm(description(6).replace("a=setup", &second).as_bytes());
    guest.say(&say(1, 1, &PairMessage::Confirm(confirm))).await;
    host.notice(NoticeCode::PeerViolation).await;
    assert_unlinked(&host).await;
    still_honest(&host, &server).await;
    host.close(&[]).await;
}

/// A page that proves itself, and then does what none of ours does.
const MISCHIEF: &str = "const [most] = arguments;
    const Real = window.RTCPeerConnection;
    window.mischief = {};
    window.RTCPeerConnection = class extends Real {
      createDataChannel(label, options) {
        const channel = super.createDataChannel(label, options);
        mischief.channel = () => super.createDataChannel('one more');
        mischief.text = () => channel.send('text');
        mischief.long = () => channel.send(new Uint8Array(most + 1));
        return channel;
      }
    };";

#[tokio::test]
async fn a_member_that_opens_a_channel_of_its_own_is_parted_from_and_others_are_served() {
    is_parted_from(Chromium, "channel").await;
}

#[tokio::test]
async fn a_member_that_sends_what_is_no_frame_is_parted_from_and_others_are_served() {
    is_parted_from(Chromium, "text").await;
}

#[tokio::test]
async fn a_member_that_sends_a_longer_frame_than_any_may_be_is_parted_from_and_others_are_served() {
    // Chromium neither sends nor takes one.
    is_parted_from(Firefox, "long").await;
}

async fn is_parted_from(kind: Kind, how: &str) {
    let server = Server::start(Rooms::Memory);
    let host = Page::open(kind, server.address()).await;
    host.share_text("hello").await;
    let member = Page::open(kind, server.address()).await;
    member.browser().run(MISCHIEF, vec![json!(MAX_FRAME)]).await.unwrap();
    member.join(&host.code().await).await;
    host.connected(1).await;
    member.connected(1).await;
    member.browser().run("mischief[arguments[0]]()", vec![json!(how)]).await.unwrap();
    host.notice(NoticeCode::PeerViolation).await;
    still_honest(&host, &server).await;
    close([host, member], &[]).await;
}

async fn knock(guest: &mut RawMember, room: &RoomId) -> (PeerId, PeerId) {
    guest.say(&ClientMessage::Join { room: room.clone(), ticket: None }).await;
    guest
        .hear(|message| match message {
            ServerMessage::Knocking { member, host, .. } => Some((member, host)),
            _ => None,
        })
        .await
}

async fn hear_reply(guest: &mut RawMember) -> privydrop_common::handshake::Reply {
    guest
        .hear(|message| match message {
            ServerMessage::Relay { body, .. } => match read(&body).1 {
                Some(PairMessage::Reply(reply)) => Some(reply),
                _ => None,
            },
            _ => None,
        })
        .await
}
