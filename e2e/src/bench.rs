//! What every measuring program does with its command line, and how it ends.

use std::process::ExitCode;

/// Measures as `options` say, unless they cannot be read or somebody interrupts.
#[allow(clippy::print_stderr, reason = "a command line talks to its terminal")]
pub async fn run<O>(options: Result<O, String>, measure: impl AsyncFnOnce(&O)) -> ExitCode {
    let options = match options {
        Ok(options) => options,
        Err(reason) => {
            eprintln!("{reason}");
            return ExitCode::FAILURE;
        }
    };
    // Whatever is dropped ends its processes and deletes its folders.
    tokio::select! {
        () = measure(&options) => ExitCode::SUCCESS,
        _ = tokio::signal::ctrl_c() => ExitCode::FAILURE,
    }
}

/// A number of rounds, at least 1.
pub fn rounds(value: &str) -> Result<usize, String> {
    let rounds = value.parse().ok().filter(|rounds| *rounds > 0);
    rounds.ok_or_else(|| format!("`{value}` is no number of rounds"))
}
