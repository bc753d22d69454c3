//! The page's state over what a person and the session do.

use privydrop_common::api::{Keepsake, RoomView};
use privydrop_common::bridge::Told;
use privydrop_common::code::Code;
use privydrop_common::id::ItemId;

use super::*;

fn state() -> State {
    opened(Phase::Idle)
}

fn opened(phase: Phase) -> State {
    State::new(Language::English, Theme::System, None, String::new(), phase)
}

fn in_phase(phase: Phase) -> Action {
    Action::Viewed(View { phase, ..View::default() })
}

fn typed(text: &str) -> Action {
    Action::TypeJoin(text.to_owned())
}

#[test]
fn a_failed_join_leaves_the_code_in_its_field() {
    let joining = state().after(typed("123456-acid-acorn-acre")).after(in_phase(Phase::Joining));
    let back = joining.after(in_phase(Phase::Idle));
    assert_eq!(back.join, "123456-acid-acorn-acre");
}

#[test]
fn a_page_that_is_opened_to_join_never_shows_anything_else_until_it_is_told_why_it_cannot() {
    let early = opened(Phase::Joining).after(in_phase(Phase::Idle));
    assert_eq!(early.view.phase, Phase::Joining);
    let elsewhere = Action::Tell { code: NoticeCode::AlreadyOpen, subject: "123456".into() };
    assert_eq!(early.clone().after(elsewhere).view.phase, Phase::Idle);
    let code = NoticeCode::KeepsakeExpired;
    let expired = Notice { id: 1, code, subject: String::new(), number: None, second: None };
    let told = Action::Viewed(View { notices: vec![expired], ..View::default() });
    assert_eq!(early.clone().after(told).view.phase, Phase::Idle);
    let left = early.after(in_phase(Phase::Joining)).after(in_phase(Phase::Idle));
    assert_eq!(left.view.phase, Phase::Idle);
}

#[test]
fn a_page_on_its_way_into_a_room_is_drawn_once_it_is_there_has_something_to_say_or_takes_long() {
    let joining = opened(Phase::Joining).after(in_phase(Phase::Joining));
    assert!(joining.is_held() && !state().is_held());
    assert!(!joining.clone().after(Action::Late).is_held());
    assert!(!joining.clone().after(in_phase(Phase::InRoom)).is_held());
    let elsewhere = Action::Tell { code: NoticeCode::AlreadyOpen, subject: "123456".into() };
    assert!(!joining.after(elsewhere).is_held());
    assert!(!state().after(in_phase(Phase::Joining)).is_held(), "a person is looking at it");
}

#[test]
fn entering_a_room_empties_both_fields() {
    let state = state().after(typed("x")).after(Action::TypeWish("my-room".into()));
    let inside = state.after(in_phase(Phase::InRoom));
    assert_eq!((inside.join.as_str(), inside.wish.as_str(), inside.name), ("", "", NameState::Empty));
}

#[test]
fn an_answer_about_a_name_no_longer_wished_is_ignored() {
    let state = state().after(Action::TypeWish("my-room".into()));
    assert_eq!(state.name, NameState::Checking);
    let later = state.after(Action::TypeWish("my-rooms".into()));
    let answered = later.after(Action::Answer("my-room".parse().unwrap(), Ok(true)));
    assert_eq!(answered.name, NameState::Checking);
    assert_eq!(answered.after(Action::Answer("my-rooms".parse().unwrap(), Ok(false))).name, NameState::Taken);
}

#[test]
fn a_name_that_cannot_be_one_is_told_without_asking() {
    assert_eq!(state().after(Action::TypeWish("no spaces".into())).name, NameState::Invalid);
    assert_eq!(state().after(Action::TypeWish("  ".into())).name, NameState::Empty);
}

#[test]
fn the_same_message_is_told_once_and_goes_when_it_is_read_or_solved() {
    let tell = || Action::Tell { code: NoticeCode::NotAnInvitation, subject: String::new() };
    let state = state().after(tell()).after(tell());
    let [notice] = &state.notices()[..] else { unreachable!("told once") };
    assert!(State::is_own(notice.id));
    assert!(state.clone().after(Action::Dismiss(notice.id)).notices().is_empty());
    assert!(state.after(typed("1")).notices().is_empty());
}

#[test]
fn what_has_to_be_picked_again_is_said_until_something_is() {
    let again = Action::Tell { code: NoticeCode::PickAgain, subject: String::new() };
    let state = state().after(again).after(in_phase(Phase::InRoom));
    assert_eq!(state.notices().len(), 1);
    let key = ItemKey { owner: None, item: ItemId::TEXT };
    let items = vec![ItemView::offered(key, ItemKind::File, "a".into(), 1)];
    assert!(state.after(Action::Viewed(View { items, ..View::default() })).notices().is_empty());
}

#[test]
fn messages_of_the_page_stand_where_they_were_told() {
    let notice =
        |id| Notice { id, code: NoticeCode::PeerLeft, subject: String::new(), number: None, second: None };
    let with = |ids: &[u64]| View { notices: ids.iter().copied().map(notice).collect(), ..View::default() };
    let tell = |code| Action::Tell { code, subject: String::new() };
    let state = state()
        .after(Action::Viewed(with(&[1, 2])))
        .after(tell(NoticeCode::PlaceNotChosen))
        .after(tell(NoticeCode::NotAnInvitation))
        .after(Action::Viewed(with(&[2, 3])));
    let codes: Vec<_> = state.notices().iter().map(|notice| notice.code.as_str()).collect();
    assert_eq!(codes, ["peer-left", "place-not-chosen", "not-an-invitation", "peer-left"]);
}

#[test]
fn what_the_program_around_the_page_says_is_told_once() {
    let told =
        |number| Told { number, code: NoticeCode::LeftOut, subject: "trip".into(), count: Some(number) };
    let facts = |told: &[Told], dragging| {
        Action::Surrounded(ShellFacts { told: told.to_vec(), dragging, ..ShellFacts::default() })
    };
    let state = state().after(facts(&[told(4)], true));
    assert!(state.dragging);
    let [notice] = &state.notices()[..] else { unreachable!("told once") };
    assert_eq!((notice.code, notice.number), (NoticeCode::LeftOut, Some(4)));
    let id = notice.id;
    let state = state.after(Action::Dismiss(id)).after(facts(&[told(4)], false));
    assert!(state.notices().is_empty() && !state.dragging);
    assert_eq!(state.after(facts(&[told(4), told(5)], false)).notices().len(), 1);
}

#[test]
fn leaving_a_room_ends_the_sharing_of_text() {
    let state = state().after(in_phase(Phase::InRoom)).after(Action::ShareText(true));
    assert!(state.clone().after(in_phase(Phase::Reconnecting)).text_shared);
    assert!(!state.after(in_phase(Phase::Idle)).text_shared);
}

#[test]
fn a_room_can_be_remembered_once_this_device_is_a_member() {
    let code: Code = "123456-acid-acorn-acre".parse().unwrap();
    let mut room =
        RoomView { id: code.room, hosting: false, code: None, link: None, keepsake: None, tries_left: 5 };
    let with = |room: &RoomView| Action::Viewed(View { room: Some(room.clone()), ..View::default() });
    assert_eq!(state().after(with(&room)).keepable(), None);
    room.keepsake = Some(Keepsake("kept".into()));
    let member = state().after(with(&room));
    let kept = member.after(Action::Remember(state().after(with(&room)).keepable()));
    assert!(kept.keeps(&Keepsake("kept".into())));
    // Somebody else's room of the same name.
    assert!(!kept.keeps(&Keepsake("another".into())));
}

#[test]
fn the_newest_message_of_each_level_is_known() {
    let notice = |id, code| Notice { id, code, subject: String::new(), number: None, second: None };
    let notices = [notice(1, NoticeCode::WrongWords), notice(2, NoticeCode::PeerLeft)];
    assert_eq!(newest(&notices, Level::Alert), "wrong-words");
    assert_eq!(newest(&notices, Level::Status), "peer-left");
    assert_eq!(newest(&[], Level::Status), "");
}
