//! Messages that wait to be read: few, newest last, no two of the same kind about the same thing.

use super::{Changed, Session};
use crate::api::{Notice, NoticeCode};

/// Messages kept; the oldest goes when one more comes.
const MAX_NOTICES: usize = 8;

impl Session {
    pub(super) fn notify(&mut self, code: NoticeCode, subject: impl Into<String>) {
        self.notify_with(code, subject, None, None);
    }

    pub(super) fn notify_number(&mut self, code: NoticeCode, number: u64) {
        self.notify_with(code, "", Some(number), None);
    }

    pub(super) fn notify_with(
        &mut self,
        code: NoticeCode,
        subject: impl Into<String>,
        number: Option<u64>,
        second: Option<u64>,
    ) {
        let subject = subject.into();
        self.notices.retain(|notice| notice.code != code || notice.subject != subject);
        let id = self.next_number();
        self.notices.push_back(Notice { id, code, subject, number, second });
        if self.notices.len() > MAX_NOTICES {
            self.notices.pop_front();
        }
        self.touch(Changed::Facts);
    }

    /// Takes messages back that are no longer true.
    pub(super) fn retract(&mut self, codes: &[NoticeCode]) {
        let before = self.notices.len();
        self.notices.retain(|notice| !codes.contains(&notice.code));
        if self.notices.len() != before {
            self.touch(Changed::Facts);
        }
    }
}
