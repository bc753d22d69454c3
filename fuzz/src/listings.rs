//! What is offered: a peer's item as it becomes a plan, and own picks as a peer's gate takes them.

use std::collections::HashSet;

use privydrop_common::api::{NewContent, NewFile, NewItem};
use privydrop_common::catalog::{OwnItem, TheirItem};
use privydrop_common::host::{Plan, SourceId};
use privydrop_common::id::ItemId;
use privydrop_common::name::{MAX_DEPTH, MAX_NODES, MAX_PATH, RelativePath, unicode_fold};
use privydrop_common::pieces::MAX_FILE_SIZE;
use privydrop_common::wire::{Control, Entry, ItemSummary, MAX_ENTRIES, MAX_PAGE, SummaryKind};

use crate::streams::control_messages;

/// Control messages one behind the other, each behind its length: an offer and the pages of its listing.
pub(crate) fn listings(bytes: &[u8]) {
    let mut rest = bytes;
    let mut item: Option<TheirItem> = None;
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = (u32::from_be_bytes(*length) as usize).min(after.len());
        let (frame, after) = after.split_at(length);
        rest = after;
        match (Control::decode(frame), &mut item) {
            (Ok(Control::Offer(summary)), _) => item = TheirItem::new(summary, unicode_fold).ok(),
            (Ok(Control::Entries { from, entries, .. }), Some(theirs)) => {
                let taken = theirs.add_page(from, entries).is_ok();
                // As the session does: all of it is given up.
                item = item.filter(|_| taken);
            }
            _ => {}
        }
    }
    item.iter().for_each(plan_is_safe);
}

fn plan_is_safe(item: &TheirItem) {
    let (plan, summary) = (item.plan(), &item.summary);
    assert!(summary.size <= MAX_FILE_SIZE && plan.files.len() + plan.folders.len() <= MAX_NODES + 1);
    let sum: u64 = plan.files.iter().map(|file| file.size).sum();
    assert!(sum == plan.total && sum <= summary.size);
    if item.next_entry().is_none() {
        assert_eq!((plan.total, plan.files.len()), (summary.size, item.file_count() as usize));
    }
    // Nothing lies outside of the item's own name, and no two things in the same place, however a disk spells it.
    let mut places = HashSet::new();
    for path in plan.files.iter().map(|file| &file.path).chain(&plan.folders) {
        assert_eq!(path.components().first(), Some(&item.name));
        assert!(path.components().len() <= MAX_DEPTH && path.to_string().len() <= MAX_PATH);
        let folded: Vec<_> = path.components().iter().map(|name| unicode_fold(name.as_str())).collect();
        assert!(places.insert(folded), "{path} twice");
    }
    assert!(plan.files.iter().all(|file| is_no_folder(plan, &file.path)));
}

fn is_no_folder(plan: &Plan, file: &RelativePath) -> bool {
    let others = plan.files.iter().map(|file| &file.path).chain(&plan.folders);
    let inside = |other: &RelativePath| {
        other.components().len() > file.components().len()
            && other.components().starts_with(file.components())
    };
    // A listing has thousands of entries; this looks at small ones only.
    plan.files.len() > 50 || !others.into_iter().any(inside)
}

/// A line a pick, names parted by slashes, `/` at the end for a folder: whatever a disk has is taken by the other side.
pub(crate) fn offers(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    let (name, picks) = text.split_once('\n').unwrap_or((text, ""));
    for pick in picks.split('\n').take(2 * MAX_PAGE).filter(|pick| !pick.is_empty()) {
        let path: Vec<String> = pick.trim_end_matches('/').split('/').map(str::to_owned).collect();
        if pick.ends_with('/') {
            folders.push(path);
        } else {
            let size = pick.len() as u64;
            files.push((path, NewFile { source: SourceId(size), size, modified: Some(size) }));
        }
    }
    let item = NewItem { name: name.to_owned(), content: NewContent::Folder { files, folders } };
    let Ok(own) = OwnItem::new(ItemId::TEXT, item, unicode_fold) else { return };
    let offer = Control::Offer(own.summary.clone());
    assert_eq!(Control::decode(&offer.encode()), Ok(offer));
    let mut theirs = TheirItem::new(own.summary.clone(), unicode_fold).expect("what is offered is taken");
    while let Some(from) = theirs.next_entry() {
        let page = Control::Entries { item: own.summary.id, from, entries: own.page(from) };
        let Ok(Control::Entries { entries, .. }) = Control::decode(&page.encode()) else {
            panic!("a page is a message")
        };
        assert!(!entries.is_empty());
        let taken = theirs.add_page(from, entries);
        assert!(taken.is_ok(), "what is offered is taken: {taken:?}");
    }
    plan_is_safe(&theirs);
    assert!(own.entries.len() <= MAX_ENTRIES as usize);
}

pub(crate) fn listing_seeds() -> Vec<Vec<u8>> {
    let is_listing = |message: &Control| matches!(message, Control::Offer(_) | Control::Entries { .. });
    let mut messages: Vec<_> = control_messages().into_iter().filter(is_listing).collect();
    // Its sums are right.
    let framed = |messages: &[Control]| {
        let frames = messages.iter().map(Control::encode);
        frames
            .flat_map(|frame| [&u32::try_from(frame.len()).unwrap().to_be_bytes()[..], &frame].concat())
            .collect()
    };
    let all = framed(&messages);
    messages.retain(|message| matches!(message, Control::Offer(_)));
    let nested = |depth: usize| {
        let path = |length| (0..length).map(|number: usize| number.to_string()).collect();
        let entries: Vec<_> = (1..depth)
            .map(|length| Entry { path: path(length), kind: privydrop_common::wire::EntryKind::Folder })
            .collect();
        let count = u32::try_from(entries.len()).unwrap();
        let kind = SummaryKind::Folder { files: 0, entries: count };
        let summary = ItemSummary { id: ItemId::TEXT, name: "deep".to_owned(), size: 0, kind };
        framed(&[Control::Offer(summary), Control::Entries { item: ItemId::TEXT, from: 0, entries }])
    };
    vec![all, framed(&messages), nested(8)]
}

pub(crate) fn offer_seeds() -> Vec<Vec<u8>> {
    let deep = vec!["a"; 64].join("/");
    [
        "trip\nday 1/\nday 1/a.txt\nempty/\nb".to_owned(),
        "NUL\nA\na\nä\na\u{308}\n../x\nx:y\nx_y\n".to_owned(),
        format!("deep\n{deep}\n{deep}/\n"),
    ]
    .map(String::into_bytes)
    .to_vec()
}
