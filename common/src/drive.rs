//! The only asynchronous code of this crate: performs a session's actions, then awaits one input.
//!
//! The same loop drives a page, the desktop app and the terminal program. It holds no state but the transports.

use core::future::poll_fn;
use core::task::{Context, Poll};

use crate::host::{Host, Report};
use crate::session::{Action, LinkId, Session};
use crate::transport::{Happened, Transport};

/// What arrived.
enum Input {
    Report(Report),
    Happened(LinkId, Happened),
}

/// The transports of a session's links, and whose turn it is to be asked.
struct Links<T> {
    links: Vec<(LinkId, T)>,
    turn: usize,
}

/// Runs a session on a host for as long as the future is polled; it never completes by itself.
///
/// `Send` exactly when the host and its transports are.
pub async fn drive<H: Host>(mut session: Session, mut host: H) {
    let mut links = Links { links: Vec::new(), turn: 0 };
    loop {
        while let Some(action) = session.poll_action() {
            perform(action, &mut host, &mut links);
        }
        let input = poll_fn(|cx| links.poll(&mut host, cx)).await;
        let now = host.now();
        match input {
            Input::Report(report) => session.handle_report(report, now),
            Input::Happened(link, happened) => session.handle_happened(link, happened, now),
        }
    }
}

fn perform<H: Host>(action: Action, host: &mut H, links: &mut Links<H::Transport>) {
    match action {
        Action::Connect { link, peer, ice } => links.links.push((link, host.connect(peer, &ice))),
        Action::Negotiate { link, step } => links.with(link, |transport| transport.negotiate(step)),
        Action::Send { link, lane, frame } => links.with(link, |transport| transport.send(lane, frame)),
        Action::Close { link } => {
            links.with(link, Transport::close);
            links.links.retain(|(id, _)| *id != link);
        }
        Action::Errand(errand) => host.perform(errand),
    }
}

impl<T: Transport> Links<T> {
    fn with(&mut self, link: LinkId, act: impl FnOnce(&mut T)) {
        if let Some((_, transport)) = self.links.iter_mut().find(|(id, _)| *id == link) {
            act(transport);
        }
    }

    /// Asks the host and every transport in turn, beginning after the one that spoke last: nobody starves.
    fn poll<H: Host<Transport = T>>(&mut self, host: &mut H, cx: &mut Context<'_>) -> Poll<Input> {
        let parties = self.links.len() + 1;
        for step in 1..=parties {
            let at = (self.turn + step) % parties;
            let input = match at.checked_sub(1).and_then(|index| self.links.get_mut(index)) {
                None => host.poll(cx).map(Input::Report),
                Some((id, transport)) => transport.poll(cx).map(|happened| Input::Happened(*id, happened)),
            };
            if let Poll::Ready(input) = input {
                self.turn = at;
                if let Input::Happened(id, Happened::Closed(_)) = &input {
                    let id = *id;
                    self.links.retain(|(other, _)| *other != id);
                }
                return Poll::Ready(input);
            }
        }
        Poll::Pending
    }
}
