//! The command line of Godwit: one file per verb, over the library's public API.

mod archive;
mod cli;
mod commands;
mod config;
mod context;
mod exit;
mod output;
mod progress;
mod surroundings;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let result = context::Context::new(&cli.shared).and_then(|context| {
        let result = commands::run(&cli.command, &context);
        result.inspect_err(|failure| failure.report_json(&context))
    });
    match result {
        Ok(code) => code.into(),
        Err(failure) => {
            failure.report();
            failure.code().into()
        }
    }
}
