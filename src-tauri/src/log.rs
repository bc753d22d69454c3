//! What goes wrong inside, on stderr, for whoever looks into it: nothing unless `RUST_LOG` asks for it, as in the terminal
//! program.
//!
//! Only this project's own words, which name no room, code, key, link, address or file (CONTRIBUTING.md). What the
//! libraries below say holds such things, so it is left out whatever `RUST_LOG` asks for.

use std::io;

use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::{MakeWriter, layer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, registry};

/// The crates of this project begin with this.
const OWN: &str = "privydrop_";

/// From now on what is asked for goes to stderr.
pub(crate) fn to_stderr() {
    // Whoever runs this as a library and has a log already keeps that.
    let _ = sink(std::env::var(EnvFilter::DEFAULT_ENV).ok().as_deref(), io::stderr).try_init();
}

/// Writes what `asked` asks for; nothing when that cannot be understood.
fn sink<W>(asked: Option<&str>, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let asked = asked.and_then(|asked| EnvFilter::try_new(asked).ok());
    let own = filter_fn(|metadata: &Metadata<'_>| metadata.target().starts_with(OWN));
    let written = layer().with_writer(writer).with_filter(own);
    registry().with(written).with(asked.unwrap_or_else(|| EnvFilter::new("off")))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written of a warning and a detail of ours, and of a library's words, with this in `RUST_LOG`.
    fn said(asked: Option<&str>) -> [bool; 3] {
        let written = Written::default();
        let make = {
            let written = written.clone();
            move || written.clone()
        };
        tracing::subscriber::with_default(sink(asked, make), || {
            tracing::warn!("a warning");
            tracing::debug!(target: "privydrop_native::signal", "a detail");
            tracing::error!(target: "rtc::ice", "192.0.2.1 is the address of somebody");
        });
        let text = String::from_utf8(written.0.lock().clone()).unwrap();
        ["a warning", "a detail", "192.0.2.1"].map(|words| text.contains(words))
    }

    #[test]
    fn what_is_asked_for_is_written_and_never_the_words_of_a_library() {
        for (asked, expected) in [
            (None, [false, false, false]),
            (Some("off"), [false, false, false]),
            (Some("===="), [false, false, false]),
            (Some("warn"), [true, false, false]),
            (Some("privydrop_native=debug"), [false, true, false]),
            (Some("trace"), [true, true, false]),
            (Some("trace,rtc=trace"), [true, true, false]),
        ] {
            assert_eq!(said(asked), expected, "{asked:?}");
        }
    }
}
