//! What the server says for its log, on stderr: its own words as `RUST_LOG` asks for them, and what libraries warn of.
//!
//! The server's own words name no room, member, ticket or address of a person (CONTRIBUTING.md). What libraries say in
//! detail holds what people sent, so it is left out whatever `RUST_LOG` asks for.

use std::io::{self, IsTerminal};

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::{MakeWriter, layer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, registry};

use crate::config::LogFormat;

/// The crates of this project begin with this.
const OWN: &str = "privydrop_";
/// What is said when nothing else is asked for.
const DEFAULT: &str = "info,actix_server=warn";

/// From now on what is asked for goes to stderr.
pub fn to_stderr(format: LogFormat) {
    let asked = std::env::var(EnvFilter::DEFAULT_ENV).ok();
    let (filter, reason) = asked_for(asked.as_deref());
    // Whoever runs this as a library and has a log already keeps that.
    let _ = sink(filter, format, io::stderr().is_terminal(), io::stderr).try_init();
    if let Some(reason) = reason {
        tracing::warn!("RUST_LOG is not understood ({reason}): what is logged is {DEFAULT}");
    }
}

/// The filter, and what is wrong with what was asked for.
fn asked_for(asked: Option<&str>) -> (EnvFilter, Option<String>) {
    let default = || EnvFilter::new(DEFAULT);
    match asked.filter(|asked| !asked.trim().is_empty()).map(EnvFilter::try_new) {
        None => (default(), None),
        Some(Ok(filter)) => (filter, None),
        Some(Err(reason)) => (default(), Some(reason.to_string())),
    }
}

fn sink<W>(filter: EnvFilter, format: LogFormat, ansi: bool, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let may = filter_fn(|metadata: &Metadata<'_>| {
        metadata.target().starts_with(OWN) || *metadata.level() <= Level::WARN
    });
    let written = match format {
        LogFormat::Text => layer().with_writer(writer).with_ansi(ansi).with_target(false).boxed(),
        LogFormat::Json => layer().with_writer(writer).json().boxed(),
    };
    registry().with(written.with_filter(may)).with(filter)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written of a warning and a detail of ours, and of a library's, with this in `RUST_LOG`.
    fn said(asked: Option<&str>, format: LogFormat) -> [bool; 4] {
        let written = Written::default();
        let writer = written.clone();
        tracing::subscriber::with_default(
            sink(asked_for(asked).0, format, false, move || writer.clone()),
            || {
                tracing::warn!("our warning");
                tracing::debug!("our detail");
                tracing::warn!(target: "actix_http::h1", "their warning");
                tracing::debug!(target: "actix_http::h1", "their detail");
            },
        );
        let said = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        ["our warning", "our detail", "their warning", "their detail"].map(|words| said.contains(words))
    }

    #[test]
    fn libraries_say_nothing_in_detail_whatever_is_asked_for() {
        for format in [LogFormat::Text, LogFormat::Json] {
            assert_eq!(said(None, format), [true, false, true, false]);
            assert_eq!(said(Some(""), format), [true, false, true, false]);
            assert_eq!(said(Some("trace"), format), [true, true, true, false]);
            assert_eq!(said(Some("off,actix_http=trace"), format), [false, false, true, false]);
            assert_eq!(said(Some("off"), format), [false; 4]);
        }
    }

    #[test]
    fn what_is_asked_for_and_not_understood_is_said_and_what_is_usual_is_logged() {
        let (filter, reason) = asked_for(Some("privydrop=loud"));
        assert!(reason.is_some() && filter.to_string() == EnvFilter::new(DEFAULT).to_string());
        assert!(asked_for(Some("debug")).1.is_none() && asked_for(Some(" ")).1.is_none());
    }
}
