//! The papers that are made from the arguments: completions for shells and the manual page.

use std::io::Write;

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use crate::args::Args;
use crate::exit::Exit;

/// Writes completions for a shell to stdout.
pub(crate) fn completions(shell: Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "privydrop", &mut script);
    print(&script)
}

/// Writes the manual page, with those of the subcommands behind it, to stdout.
pub(crate) fn manual() -> Exit {
    let mut command = Args::command();
    command.build();
    let mut pages = Vec::new();
    let visible = command.get_subcommands().filter(|command| !command.is_hide_set());
    let all: Vec<Command> = [command.clone()].into_iter().chain(visible.cloned()).collect();
    for command in all {
        if clap_mangen::Man::new(command).render(&mut pages).is_err() {
            return Exit::Incomplete;
        }
    }
    print(&pages)
}

fn print(bytes: &[u8]) -> Exit {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Incomplete,
    }
}
