//! What a session is told by the device that it runs on: what was kept of a room, and commands over the app's bridge.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use privydrop_common::api::ItemKey;
use privydrop_common::api::{Command, Keepsake, NewContent, NewFile, NewItem, Phase};
use privydrop_common::code::{Invitation, LinkSecret, RoomKey};
use privydrop_common::host::{PlaceId, Report, SourceId};
use privydrop_common::id::ItemId;
use privydrop_common::name::unicode_fold;
use privydrop_common::session::Session;
use privydrop_common::text::Document;
use privydrop_common::time::Moment;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::conversation::{member, room, ticket};

const NOW: Moment = Moment::from_millis(1);
/// Actions that one command causes, at most: a few, and one for each item that was shared.
const MAX_ACTIONS: usize = 1_000;

fn session() -> Session {
    Session::new([7; 32], unicode_fold)
}

fn give(session: &mut Session, command: Command) {
    session.handle_report(Report::Command(command), NOW);
    let actions = std::iter::from_fn(|| session.poll_action()).take(MAX_ACTIONS + 1).count();
    assert!(actions <= MAX_ACTIONS);
}

/// What a device kept to come back into a room: it leads there, or the person is told that it does not.
pub(crate) fn keepsakes(bytes: &[u8]) {
    let as_text = String::from_utf8_lossy(bytes).into_owned();
    for text in [URL_SAFE_NO_PAD.encode(bytes), as_text] {
        let mut session = session();
        give(&mut session, Command::Return(Keepsake(text)));
        let view = session.view(NOW);
        let told = view.notices.len();
        match view.phase {
            Phase::Idle => assert_eq!(told, 1),
            _ => assert_eq!(told, 0),
        }
        give(&mut session, Command::Leave);
        assert_eq!(session.view(NOW).phase, Phase::Idle);
    }
}

/// A command of a page in the app's window, as the bridge brings it.
pub(crate) fn commands(bytes: &[u8]) {
    let Ok(command) = serde_json::from_slice::<Command>(bytes) else { return };
    let text = serde_json::to_vec(&command).unwrap();
    assert_eq!(serde_json::from_slice::<Command>(&text).unwrap(), command);
    give(&mut session(), command);
}

/// As a session keeps it: room, ticket, key, and for a host the link's secret.
pub(crate) fn keepsake_seeds() -> Vec<Vec<u8>> {
    let mut rng = ChaCha20Rng::from_seed([4; 32]);
    let key = RoomKey::random(&mut rng);
    let kept =
        |link: Option<LinkSecret>| postcard::to_allocvec(&(room(), ticket(), key.clone(), link)).unwrap();
    vec![kept(None), kept(Some(LinkSecret::random(&mut rng)))]
}

pub(crate) fn command_seeds() -> Vec<Vec<u8>> {
    let item = ItemKey { owner: Some(member(1)), item: ItemId::TEXT };
    let file = NewFile { source: SourceId(1), size: 5, modified: Some(1) };
    let folder =
        NewContent::Folder { files: vec![(vec!["a".to_owned()], file)], folders: vec![vec!["b".to_owned()]] };
    let link: Invitation = "#123456.AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
    let commands = [
        Command::Open { name: Some(room()) },
        Command::Join(link),
        Command::Return(Keepsake("kept".to_owned())),
        Command::Leave,
        Command::Share(vec![
            NewItem { name: "a".to_owned(), content: NewContent::File(file) },
            NewItem { name: "b".to_owned(), content: folder },
        ]),
        Command::SetText(Document::from_plain("a\nb").unwrap()),
        Command::Accept { item, place: PlaceId(1) },
        Command::GoOn {
            wanted: vec!["000102030405060708090a0b0c0d0e0f".parse().unwrap()],
            place: PlaceId(1),
        },
        Command::Forget,
        Command::Pause(item),
        Command::Resume(item),
        Command::Cancel(item),
        Command::Remove(item),
        Command::Dismiss(1),
        Command::Nudge,
        Command::Moved,
        Command::Introduce("Firefox on Linux".to_owned()),
    ];
    commands.iter().map(|command| serde_json::to_vec(command).unwrap()).collect()
}
