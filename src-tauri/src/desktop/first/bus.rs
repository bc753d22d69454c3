//! Over the session's message bus, as `org.freedesktop.Application` (Desktop Entry Specification, D-Bus activation).
//!
//! Before anything of the window system has begun: a program that ends while its windows begin may break on its way out,
//! and whoever opens a file with an app that runs already should not wait for a second one to get ready.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use tauri::{App, AppHandle, Builder, Manager, Runtime, async_runtime};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use url::Url;
use zbus::blocking::{Connection, connection};
use zbus::fdo;
use zbus::zvariant::Value;

use super::Unheard;
use crate::desktop::{given, hand, starts_hidden};

/// The app's name on the bus: its identifier.
const NAME: &str = "app.privydrop.desktop";
/// Where it is served: the name as a path, as the specification wants it.
const PATH: &str = "/app/privydrop/desktop";
const INTERFACE: &str = "org.freedesktop.Application";
/// Longest time for an answer, which comes before anything is opened.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most attempts: an app that is leaving its room answers no more, and its name is free when it has left.
const MOST: u32 = 50;
const PAUSE: Duration = Duration::from_millis(200);
/// Most calls that wait for the app to get ready; further callers wait for their answer.
const MOST_CALLS: usize = 16;

/// What another start was given: files and links, or nothing but the wish to see the app.
type Call = Vec<Url>;
/// What callers say about themselves; of no use here.
type PlatformData<'a> = HashMap<&'a str, Value<'a>>;

/// Being the first.
#[derive(Debug)]
pub(crate) struct First {
    calls: mpsc::Receiver<Call>,
    /// Holds the name. None without a bus, where nobody finds anybody.
    name: Option<Connection>,
}

/// Whoever calls is heard until [`close`].
struct Listening {
    ear: AbortHandle,
    _name: Option<Connection>,
}

struct Application(mpsc::Sender<Call>);

#[zbus::interface(name = "org.freedesktop.Application")]
impl Application {
    async fn activate(&self, _platform_data: PlatformData<'_>) -> fdo::Result<()> {
        self.hand_over(Call::new()).await
    }

    async fn open(&self, uris: Vec<String>, _platform_data: PlatformData<'_>) -> fdo::Result<()> {
        self.hand_over(uris.iter().filter_map(|uri| uri.parse().ok()).collect()).await
    }
}

impl Application {
    async fn hand_over(&self, call: Call) -> fdo::Result<()> {
        self.0.send(call).await.map_err(|_| fdo::Error::Failed("the app is about to end".to_owned()))
    }
}

/// Becomes the first, or hands over to the one that is: then there is none to be had, and nothing left to do.
///
/// # Errors
/// When another one has the name and does not answer.
pub(crate) fn take() -> Result<Option<First>, Unheard> {
    for _ in 0..MOST {
        let (sender, calls) = mpsc::channel(MOST_CALLS);
        match own(sender) {
            Ok(name) => return Ok(Some(First { calls, name: Some(name) })),
            Err(zbus::Error::NameTaken) => match call() {
                Ok(()) => return Ok(None),
                Err(error) => tracing::debug!(%error, "the one that runs does not answer"),
            },
            Err(error) => {
                tracing::warn!(%error, "no message bus: others that run are not found");
                return Ok(Some(First { calls, name: None }));
            }
        }
        thread::sleep(PAUSE);
    }
    Err(Unheard)
}

/// Nothing of Tauri's is needed.
pub(crate) fn plugin<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    builder
}

/// Opens what is handed over from now on, and what was until now.
pub(crate) fn follow<R: Runtime>(app: &App<R>, first: First) {
    let First { mut calls, name } = first;
    let handle = app.handle().clone();
    let ear = async_runtime::spawn(async move {
        while let Some(call) = calls.recv().await {
            hand(&handle, call);
        }
    });
    app.manage(Listening { ear: ear.inner().abort_handle(), _name: name });
}

/// Hears nobody any more: who calls now becomes the first as soon as this program has ended.
pub(crate) fn close<R: Runtime>(app: &AppHandle<R>) {
    if let Some(listening) = app.try_state::<Listening>() {
        listening.ear.abort();
    }
}

fn own(calls: mpsc::Sender<Call>) -> zbus::Result<Connection> {
    let builder =
        connection::Builder::session()?.replace_existing_names(false).allow_name_replacements(false);
    builder.serve_at(PATH, Application(calls))?.name(NAME)?.build()
}

fn call() -> zbus::Result<()> {
    let folder = std::env::current_dir().unwrap_or_default();
    let urls = given(std::env::args_os().skip(1), &folder);
    if urls.is_empty() && starts_hidden() {
        return Ok(());
    }
    let bus = connection::Builder::session()?.method_timeout(PATIENCE).build()?;
    let to = (Some(NAME), PATH, Some(INTERFACE));
    let about = PlatformData::new();
    if urls.is_empty() {
        bus.call_method(to.0, to.1, to.2, "Activate", &(about,))?;
    } else {
        let urls: Vec<_> = urls.iter().map(Url::as_str).collect();
        bus.call_method(to.0, to.1, to.2, "Open", &(urls, about))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_on_the_bus_is_the_apps_identifier() {
        assert_eq!(crate::context::<tauri::test::MockRuntime>().config().identifier, NAME);
        assert_eq!(PATH, format!("/{}", NAME.replace('.', "/")));
    }
}
