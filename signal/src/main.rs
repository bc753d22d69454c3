//! The program `privydrop-server`: reads settings, starts the server, stops it when asked; or checks the settings, or asks a server
//! that runs whether it lives.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use privydrop_signal::check::{Finding, Verdict, check, health};
use privydrop_signal::config::{Action, Config};
use privydrop_signal::log;
use privydrop_signal::server::{Running, StartError, start};
use tokio::signal::unix::{SignalKind, signal};

/// A static server has musl's own allocator otherwise, and relays half as much with it. The GNU C library's is as fast.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let config = Config::parse();
    log::to_stderr(config.log_format);
    // As many sockets as the system lets this program have at all; shells and services start it with fewer.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    match config.action {
        Some(Action::Check) => return report(&check(&config).await),
        Some(Action::Health) => return report(&health(&config).await),
        None => {}
    }
    match serve(&config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("PrivyDrop did not start: {error}.");
            ExitCode::FAILURE
        }
    }
}

/// One line for each finding, to stdout.
fn report(findings: &[Finding]) -> ExitCode {
    let mut out = std::io::stdout().lock();
    for finding in findings {
        // A closed stdout does not change what was found.
        let _ = writeln!(out, "{finding}");
    }
    let is_wrong = findings.iter().any(|finding| finding.verdict == Verdict::Wrong);
    if is_wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

async fn serve(config: &Config) -> Result<(), StartError> {
    let running = start(config).await?;
    announce(&running);
    match stop_asked().await {
        Stop::Drain => {
            tracing::info!("draining: clients are told to connect elsewhere, one after another");
            tokio::select! {
                () = running.drain(config.drain()) => {}
                // Who asks again does not want to wait.
                _ = stop_asked() => {}
            }
        }
        Stop::AtOnce => {
            tracing::info!("stopping: clients are told to connect elsewhere");
            running.stop().await;
        }
    }
    tracing::info!("stopped");
    Ok(())
}

/// One line for people and scripts; nothing else ever goes to stdout.
fn announce(running: &Running) {
    let mut out = std::io::stdout().lock();
    // A closed stdout is no reason to stop.
    let _ = writeln!(out, "PrivyDrop is ready: {}", running.url).and_then(|()| out.flush());
    tracing::info!(listen = %running.address, metrics = ?running.metrics, "ready");
    if !running.has_web_app() {
        tracing::warn!("the web app was not built into this server; build both with: cargo xtask run");
    }
}

/// How the server was asked to stop.
enum Stop {
    /// By whoever runs it (SIGTERM): another node may take over.
    Drain,
    /// By somebody at the keyboard (SIGINT).
    AtOnce,
}

/// Waits for a signal to stop. Where none can be heard, the server runs until it is killed.
async fn stop_asked() -> Stop {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => Stop::Drain,
        _ = interrupt.recv() => Stop::AtOnce,
    }
}
