//! `godwit completions`

use clap::CommandFactory;

use crate::cli::Cli;
use crate::exit::Code;

/// Print the completions of a shell: `godwit completions bash > /etc/bash_completion.d/godwit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell.
    shell: clap_complete::Shell,
}

pub fn run(args: &Args) -> Code {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "godwit", &mut script);
    crate::output::raw_line(&script);
    Code::Done
}
