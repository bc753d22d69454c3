//! The program `privydrop`: shares and receives files, folders and text from a terminal.
//!
//! Reads arguments, gives commands to a device and shows its views. Knows no protocol rule, opens no received file,
//! and says everything that a person reads with the words of [`words`].

mod args;
mod events;
mod exit;
mod input;
mod job;
mod keep;
mod papers;
mod receive;
mod run;
mod screen;
mod send;
mod signals;
mod unfinished;
mod words;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use privydrop_native::Server;
use tracing_subscriber::EnvFilter;

use crate::args::{Action, Args};
use crate::exit::Exit;
use crate::screen::Screen;

/// Half of the processor time of a fast transfer is copying and allocating.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    log_to_stderr();
    match args.action {
        Action::Completions { shell } => papers::completions(shell).into(),
        Action::Manual => papers::manual().into(),
        Action::Unfinished { dir, clear } => unfinished::run(&dir, clear, &mut Screen::new(args.json)).into(),
        _ => start(args).into(),
    }
}

fn start(args: Args) -> Exit {
    let mut screen = Screen::new(args.json);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(network_threads()).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(_) => return screen.end(Exit::Incomplete, words::NO_RUNTIME),
    };
    let (exit, message) = runtime.block_on(run::run(args, &mut screen));
    // What the system still does for us, like looking a name up, must not keep the program.
    runtime.shutdown_background();
    screen.end(exit, &message)
}

/// Half of the processors: the others are left to the disk's threads, which hash. More threads only hand a link's tasks to
/// and fro: on two processors that cost a seventh of the processor time of a transfer.
fn network_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| processors.get().div_ceil(2))
}

/// Nothing unless `RUST_LOG` asks for it.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    logs.with_ansi(std::io::stderr().is_terminal()).init();
}
