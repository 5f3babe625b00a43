//! Measures the memory of an import, of a run and of a pipe at a number of items and at ten times as many; see
//! `godwit_tests::campaign::memory`.
//!
//! `cargo run -p godwit-tests --bin memory -- --items 1000000`; exits with 1 if the peak of
//! anonymous memory grows more than `--most` allows.

use std::process::ExitCode;

use clap::Parser;
use godwit_tests::campaign::Result;
use godwit_tests::campaign::godwit::SCHEMES;
use godwit_tests::campaign::memory::{Peak, measure, measure_transform};

/// Measure the memory of runs over few items and many.
#[derive(Debug, Parser)]
struct Args {
    /// The kind of store; both where none is named.
    #[arg(long, value_parser = SCHEMES)]
    store: Option<String>,
    /// The larger number of items; the smaller one is a tenth of it.
    #[arg(long, default_value_t = 1_000_000)]
    items: u64,
    /// By how much ten times as many items may raise the peak.
    #[arg(long, default_value_t = 1.5)]
    most: f64,
}

fn main() -> ExitCode {
    match compare(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("memory: {error}");
            ExitCode::from(2)
        }
    }
}

fn compare(args: &Args) -> Result<bool> {
    println!("store  verb           items  RssAnon MiB  VmHWM MiB   seconds  samples");
    let (few, many) = (args.items / 10, args.items);
    let mut is_bounded = true;
    let mut judge = |store: &str, verb: &str, small: Peak, large: Peak| {
        print(store, verb, few, small);
        print(store, verb, many, large);
        let ratio = large.anonymous as f64 / small.anonymous.max(1) as f64;
        println!("{store:<6} {verb:<9} ratio {ratio:.2} of anonymous memory");
        is_bounded &= ratio <= args.most;
    };
    for scheme in SCHEMES {
        if args.store.as_deref().is_some_and(|store| store != scheme) {
            continue;
        }
        let (small, large) = (measure(scheme, few)?, measure(scheme, many)?);
        judge(scheme, "import", small.import, large.import);
        judge(scheme, "up", small.up, large.up);
    }
    let (small, large) = (measure_transform(few)?, measure_transform(many)?);
    judge("-", "transform", small, large);
    Ok(is_bounded)
}

fn print(store: &str, verb: &str, items: u64, peak: Peak) {
    let Peak {
        anonymous,
        resident,
        took,
        samples,
    } = peak;
    let mib = |kib: u64| kib as f64 / 1024.0;
    println!(
        "{store:<6} {verb:<9} {items:>10}  {:>11.1}  {:>9.1}  {:>8.1}  {samples:>7}",
        mib(anonymous),
        mib(resident),
        took.as_secs_f64()
    );
}
