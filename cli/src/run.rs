//! One run: starts the device, gives it what to do, shows what happens, and leaves.
//!
//! Waits; the rules of when to end are in the jobs.

use std::future::pending;
use std::path::PathBuf;
use std::time::Duration;

use privydrop_common::api::{Command, NewItem, View};
use privydrop_common::text::Document;
use privydrop_native::transport::WebRtc;
use privydrop_native::{Device, Server};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

use crate::args::{Action, Args, Room, To};
use crate::events::Event;
use crate::exit::Exit;
use crate::input::{self, Invited, NoInput};
use crate::job::{Job, Verdict, is_connected};
use crate::keep::{Kept, Next};
use crate::receive::Receive;
use crate::screen::Screen;
use crate::send::Send;
use crate::signals::Stop;
use crate::words;

/// Used when nobody names a server: the one that a developer starts.
const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// How a run ended, and what to tell about it.
type Ended = (Exit, String);

/// What a run needs before it can begin.
struct Plan {
    task: Task,
    entry: Entry,
    room: Room,
}

enum Task {
    Send(Vec<PathBuf>),
    Text(Document),
    Receive { into: PathBuf, max_bytes: Option<u64> },
}

/// Which room.
enum Entry {
    /// A new one.
    Own,
    /// Somebody's.
    Invited(Invited),
}

/// Runs the program from its arguments to its end.
pub(crate) async fn run(args: Args, screen: &mut Screen) -> Ended {
    let (flag, label) = (args.server, args.label);
    let (relay_only, buffer, without_quic) = (args.relay_only, args.socket_buffer, args.without_quic);
    let Plan { task, entry, room } = match plan(args.action) {
        Ok(plan) => plan,
        Err(error) => return (Exit::Usage, error.to_string()),
    };
    let server = match server(flag, &entry) {
        Ok(server) => server,
        Err(message) => return (Exit::Usage, message),
    };
    let kept = room.keep.clone().map(|file| Kept::read(file, room.name.clone())).transpose();
    let mut kept = match kept {
        Ok(kept) => kept,
        Err(error) => return (Exit::Usage, error.to_string()),
    };
    let Ok(mut stop) = Stop::listen() else { return (Exit::Incomplete, words::NO_RUNTIME.into()) };
    let links = match buffer {
        Some(bytes) => WebRtc::with_buffers(Handle::current(), bytes),
        None => WebRtc::new(Handle::current()),
    };
    let links = if relay_only { links.relay_only() } else { links };
    let links = if without_quic { links.without_quic() } else { links };
    let device = match Device::start_with(server.clone(), links) {
        Ok(device) => device,
        Err(error) => return (Exit::Incomplete, words::not_started(&error)),
    };
    device.command(Command::Introduce(label.unwrap_or_else(words::label)));
    let enter = match (entry, &kept) {
        (Entry::Invited(invited), _) => Command::Join(invited.invitation),
        (Entry::Own, Some(kept)) => kept.enter(),
        (Entry::Own, None) => Command::Open { name: room.name.clone() },
    };
    let begun = unless_asked(&mut stop, begin(&device, task, enter, room.stay, screen)).await;
    let ended = match begun {
        Some(Ok(mut job)) => conduct(&device, &server, job.as_mut(), kept.as_mut(), screen, &mut stop).await,
        Some(Err(ended)) => ended,
        // In no room yet, so there is nobody to take leave of; what is still looked at is not waited for.
        None => return (Exit::Interrupted, words::NOT_BEGUN.into()),
    };
    let ended = match ended {
        (Exit::NotConnected, _) if relay_only => (Exit::NotConnected, words::NO_RELAY.into()),
        ended => ended,
    };
    tokio::select! {
        () = device.leave() => {}
        // Asked twice: at once.
        () = stop.asked() => {}
    }
    ended
}

fn plan(action: Action) -> Result<Plan, NoInput> {
    let into_own = |to: To| match to.to {
        Some(to) => input::invitation(Some(&to)).map(Entry::Invited),
        None => Ok(Entry::Own),
    };
    Ok(match action {
        Action::Send { paths, to, room } => Plan { task: Task::Send(paths), entry: into_own(to)?, room },
        Action::Text { text, to, room } => {
            let entry = into_own(to)?;
            Plan { task: Task::Text(input::text(text.as_deref())?), entry, room }
        }
        Action::Receive { invitation, into, max_bytes, room } => {
            let argument = invitation.as_deref();
            let is_ours = room.name.is_some() || room.keep.is_some();
            let own = is_ours || (room.stay && !input::has_invitation(argument));
            let entry = if own { Entry::Own } else { Entry::Invited(input::invitation(argument)?) };
            Plan { task: Task::Receive { into, max_bytes }, entry, room }
        }
        Action::Unfinished { .. } | Action::Completions { .. } | Action::Manual => {
            return Err(NoInput::NoText);
        }
    })
}

/// The server that was named most plainly.
fn server(flag: Option<Server>, entry: &Entry) -> Result<Server, String> {
    let of_link = match entry {
        Entry::Invited(invited) => invited.server.clone(),
        Entry::Own => None,
    };
    if let Some(server) = flag.or(of_link) {
        return Ok(server);
    }
    let named = std::env::var("PRIVYDROP_SERVER").unwrap_or_else(|_| DEFAULT_SERVER.to_owned());
    named.parse().map_err(|error| words::not_a_server(&named, error))
}

/// What comes of `work`, which is dropped when somebody asks to stop before it is done.
async fn unless_asked<T>(stop: &mut Stop, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = stop.asked() => None,
    }
}

/// Gets everything ready and enters. A folder with very much in it takes its time.
async fn begin(
    device: &Device,
    task: Task,
    enter: Command,
    stay: bool,
    screen: &mut Screen,
) -> Result<Box<dyn Job>, Ended> {
    let is_guest = matches!(enter, Command::Join(_));
    let (offer, job): (_, Box<dyn Job>) = match task {
        Task::Send(paths) => {
            (Some(Command::Share(pick(device, paths, screen).await?)), Box::new(Send::new(stay, is_guest)))
        }
        Task::Text(document) => (Some(Command::SetText(document)), Box::new(Send::new(stay, is_guest))),
        Task::Receive { into, max_bytes } => {
            let made = std::fs::create_dir_all(&into).and_then(|()| device.place(&into));
            let place = made.map_err(|error| (Exit::NotStored, words::no_place(&into, &error)))?;
            (None, Box::new(Receive::new(place, stay, max_bytes)))
        }
    };
    // Both before the first answer of the server: whoever enters sees all that is offered.
    device.command(enter);
    offer.into_iter().for_each(|offer| device.command(offer));
    Ok(job)
}

async fn pick(device: &Device, paths: Vec<PathBuf>, screen: &mut Screen) -> Result<Vec<NewItem>, Ended> {
    let mut items = Vec::new();
    for path in paths {
        let picked = device.pick(path.clone()).await;
        let picked = picked.map_err(|why| (Exit::Incomplete, words::not_picked(&path, why)))?;
        for skipped in picked.skipped {
            let why = words::skipped(&skipped.path, skipped.why);
            screen.tell(&Event::Skipped { path: skipped.path, why });
        }
        items.push(picked.item);
    }
    Ok(items)
}

/// Shows views and does what follows from them, until the job is over or somebody interrupts.
async fn conduct(
    device: &Device,
    server: &Server,
    job: &mut dyn Job,
    mut kept: Option<&mut Kept>,
    screen: &mut Screen,
    stop: &mut Stop,
) -> Ended {
    let how_to_go_on = if kept.is_some() { words::KEPT_AGAIN } else { job.how_to_go_on() };
    let mut views = device.views();
    let mut settled: Option<Settled> = None;
    // When a kept room that ended is opened anew, and how.
    let mut anew: Option<(Instant, [Command; 2])> = None;
    loop {
        tokio::select! {
            () = reached(anew.as_ref().map(|(at, _)| *at)) => {
                anew.take().into_iter().flat_map(|(_, commands)| commands).for_each(|it| device.command(it));
                continue;
            }
            changed = views.changed() => if changed.is_err() {
                return (Exit::Incomplete, words::SESSION_ENDED.into());
            },
            exit = due(settled) => return (exit, job.last_words(exit).into()),
            () = stop.asked() => return (Exit::Interrupted, how_to_go_on.into()),
        }
        let view: View = views.borrow_and_update().clone();
        screen.show(&view, server.page(), |item| item.store.and_then(|store| device.kept_at(store)));
        if let Some(kept) = &mut kept {
            if let Err(error) = kept.follow(&view) {
                return (Exit::NotStored, error.to_string());
            }
            match kept.next(&view) {
                Next::GoOn => {}
                Next::Wait => continue,
                Next::Anew(wait, commands) => {
                    (anew, settled) = (Some((Instant::now() + wait, commands)), None);
                    continue;
                }
            }
        }
        let step = job.step(&view);
        step.remarks.iter().for_each(|remark| screen.tell(remark));
        step.commands.into_iter().for_each(|command| device.command(command));
        settled = match step.verdict {
            Verdict::GoOn => None,
            Verdict::Over(exit) => return (exit, job.last_words(exit).into()),
            Verdict::Settled(Exit::Done, _) if !is_connected(&view) => {
                return (Exit::Done, job.last_words(Exit::Done).into());
            }
            Verdict::Settled(exit, wait) => {
                let before = settled.filter(|before| (before.exit, before.wait) == (exit, wait));
                before.or(Some(Settled { exit, wait, at: Instant::now() + wait }))
            }
        };
    }
}

/// A run that is over unless something changes until then.
#[derive(Clone, Copy)]
struct Settled {
    exit: Exit,
    wait: Duration,
    at: Instant,
}

/// The exit of a settled run, once its time has come.
async fn due(settled: Option<Settled>) -> Exit {
    reached(settled.map(|settled| settled.at)).await;
    settled.map_or(Exit::Incomplete, |settled| settled.exit)
}

/// Waits until then; for ever when there is nothing to wait for.
async fn reached(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    #[tokio::test]
    async fn who_asks_to_stop_before_everything_is_ready_is_heard_at_once() {
        let mut stop = Stop::listen().unwrap();
        assert_eq!(unless_asked(&mut stop, async { 7 }).await, Some(7));
        for signal in [Signal::INT, Signal::TERM] {
            // Comes when the work has begun, and the work never ends.
            let asks = async {
                kill_process(getpid(), signal).unwrap();
                pending::<()>().await;
            };
            assert_eq!(unless_asked(&mut stop, asks).await, None, "{signal:?}");
        }
    }
}
