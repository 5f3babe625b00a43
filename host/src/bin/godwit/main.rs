//! The command line of Godwit: one file per verb, over the library's public API.

mod archive;
mod build;
mod cli;
mod commands;
mod config;
mod context;
mod exit;
mod laboratory;
mod limits;
mod output;
mod progress;
mod project;
mod surroundings;

use std::process::ExitCode;

use clap::Parser;

/// Writes what the library traces to standard error, if `GODWIT_LOG` asks for it: `debug`, or any
/// filter of tracing-subscriber, as in `godwit::run=trace`.
fn trace() {
    if let Ok(filter) = tracing_subscriber::EnvFilter::try_from_env("GODWIT_LOG") {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .init();
    }
}

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    if matches!(cli.command, cli::Command::Compiler) {
        return commands::compiler::run();
    }
    trace();
    let result = context::Context::new(&cli.shared)
        .and_then(|context| commands::run(&cli.command, &context));
    match result {
        Ok(code) => code.into(),
        Err(failure) => {
            if cli.shared.json {
                failure.report_json();
            }
            failure.report();
            failure.code().into()
        }
    }
}
