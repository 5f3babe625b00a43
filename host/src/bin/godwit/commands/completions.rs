//! `godwit completions`

use clap::CommandFactory;

use crate::cli::Cli;
use crate::exit::Code;

/// Print the completions of a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  godwit completions bash > ~/.local/share/bash-completion/completions/godwit
  godwit completions fish > ~/.config/fish/completions/godwit.fish")]
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
