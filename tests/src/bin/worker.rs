//! The process that campaigns and tests kill, stop and cut off: it does what it is told on a store,
//! through the library, and ends with the exit codes of the command line.
//!
//! It is a program of its own because a library cannot be killed, and because it does what the
//! command line does not: it tells outside of the store what was acknowledged, holds a lease for as
//! long as a test needs, or stops itself behind a batch. See `godwit_tests::campaign::worker`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use godwit::HostError;
use godwit::store::{OpenMode, StoreError};
use godwit_tests::campaign::worker::{self, Acknowledged, DIFFERENT};
use godwit_tests::campaign::{Documents, Outcome, Result, boundary, score::Violation};

/// Do something with a store.
#[derive(Debug, Parser)]
struct Args {
    #[arg(value_parser = ["import", "up", "finish", "save", "compare", "check", "check-import", "race"])]
    what: String,
    /// The store.
    #[arg(long)]
    store: String,
    /// The folder of the migrations.
    #[arg(long, default_value = ".")]
    plugins: PathBuf,
    /// What the holder of a lease is called.
    #[arg(long, default_value = "a worker")]
    name: String,
    /// How long a lease holds without renewal, in milliseconds.
    #[arg(long, default_value_t = 15_000)]
    lease: u64,
    /// Bytes of documents in a batch.
    #[arg(long, default_value_t = 32 << 10)]
    batch_bytes: usize,
    /// Stop behind this batch, until somebody sends SIGCONT.
    #[arg(long)]
    pause_after: Option<u64>,
    /// Where to write what was acknowledged.
    #[arg(long)]
    acks: Option<PathBuf>,
    /// The documents, one a line.
    #[arg(long, default_value = ".")]
    documents: PathBuf,
    /// Where to write the outcome.
    #[arg(long, default_value = ".")]
    outcome: PathBuf,
    /// What to compare the store with.
    #[arg(long, default_value = ".")]
    expected: PathBuf,
    /// What the documents were drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many documents there are.
    #[arg(long, default_value_t = 0)]
    items: usize,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let code = carry_out(&args).unwrap_or_else(|error| {
        eprintln!("{error}");
        let known = error.downcast_ref::<HostError>().map(worker::exit_code);
        let of_store = |error: &StoreError| matches!(error, StoreError::InUse { .. });
        let busy = error
            .downcast_ref::<StoreError>()
            .map(|error| if of_store(error) { 5 } else { 6 });
        known.or(busy).unwrap_or(1)
    });
    code.into()
}

fn carry_out(args: &Args) -> Result<u8> {
    match args.what.as_str() {
        "import" => import(args),
        "up" => Ok(worker::up(&host(args)?, &acknowledged(args)?)?),
        "finish" => {
            worker::finish(&host(args)?, &acknowledged(args)?)?;
            Ok(0)
        }
        "save" => {
            outcome(args)?.save(&args.outcome)?;
            Ok(0)
        }
        "compare" => Ok(say(&outcome(args)?.compare(&Outcome::load(&args.expected)?))),
        "check" => check(args),
        "check-import" => check_import(args),
        _ => worker::race(&worker::open(&args.store, OpenMode::Existing)?, &args.name),
    }
}

fn import(args: &Args) -> Result<u8> {
    let acknowledged = acknowledged(args)?;
    worker::import(&args.store, &args.documents, args.batch_bytes, &|lines| {
        acknowledged.lines(lines);
    })?;
    Ok(0)
}

fn host(args: &Args) -> Result<godwit::blocking::Host> {
    let mut host = worker::host(&args.store, &args.plugins, &args.name)?;
    host.lease_duration = args.lease;
    host.options.batch_bytes = args.batch_bytes;
    Ok(host)
}

fn acknowledged(args: &Args) -> Result<Acknowledged> {
    let nowhere = Path::new("/dev/null");
    Acknowledged::to(args.acks.as_deref().unwrap_or(nowhere), args.pause_after)
}

fn outcome(args: &Args) -> Result<Outcome> {
    Outcome::read(worker::open(&args.store, OpenMode::Existing)?.backend())
}

fn check(args: &Args) -> Result<u8> {
    let store = worker::open(&args.store, OpenMode::Existing)?;
    let documents = Documents {
        seed: args.seed,
        count: args.items,
    };
    let acknowledged = worker::acknowledged(args.acks.as_deref().unwrap_or(Path::new("")))?;
    Ok(say(&boundary::check(&store, &documents, acknowledged)?))
}

/// An import that was cut off before it made a store leaves none, which is no fault.
fn check_import(args: &Args) -> Result<u8> {
    let acks = args.acks.as_deref().unwrap_or(Path::new(""));
    let least = worker::acknowledged_lines(acks)?;
    let documents = Documents {
        seed: args.seed,
        count: args.items,
    };
    match worker::open(&args.store, OpenMode::Existing) {
        Err(HostError::Store(StoreError::Missing { .. })) if least == 0 => Ok(0),
        store => Ok(say(&boundary::check_import(&store?, &documents, least)?)),
    }
}

fn say(violations: &[Violation]) -> u8 {
    violations
        .iter()
        .for_each(|violation| eprintln!("{violation}"));
    if violations.is_empty() { 0 } else { DIFFERENT }
}
