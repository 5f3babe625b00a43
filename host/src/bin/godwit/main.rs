//! The command line of Godwit: one file per verb, over the library's public API.

mod archive;
mod build;
mod cli;
mod commands;
mod config;
mod context;
mod events;
mod exit;
mod hooks;
mod laboratory;
mod limits;
mod output;
mod outside;
mod progress;
mod project;
mod schemas;
mod surroundings;
mod timings;
mod watch;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Writes what the library traces to standard error, if `GODWIT_LOG` asks for it: `debug`, or any
/// filter of tracing-subscriber, as in `godwit::run=trace`.
///
/// Adds up where time goes, if that is asked for.
fn trace(with_timings: bool) {
    let filter = EnvFilter::try_from_env("GODWIT_LOG").ok();
    if filter.is_none() && !with_timings {
        return;
    }
    let log = filter.map(|filter| {
        let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        log.with_filter(filter)
    });
    let timings = with_timings.then(timings::layer);
    tracing_subscriber::registry()
        .with(log)
        .with(timings)
        .init();
}

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    if matches!(cli.command, cli::Command::Compiler) {
        return commands::compiler::run();
    }
    trace(cli.command.has_timings());
    let result = context::Context::new(&cli.shared).and_then(|context| {
        let result = commands::run(&cli.command, &context);
        result.map_err(|failure| failure.among_runs(&context))
    });
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
