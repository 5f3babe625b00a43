//! Measures the memory of an import and of a run at a number of items and at ten times as many; see
//! `godwit_tests::campaign::memory`.
//!
//! `cargo run -p godwit-tests --bin memory -- --items 1000000`; exits with 1 if the run's peak of
//! anonymous memory grows more than `--most` allows.

use std::process::ExitCode;

use clap::Parser;
use godwit_tests::campaign::Result;
use godwit_tests::campaign::godwit::SCHEMES;
use godwit_tests::campaign::memory::{Peak, Peaks, measure};

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
    println!("store  verb        items  RssAnon MiB  VmHWM MiB   seconds  samples");
    let mut is_bounded = true;
    for scheme in SCHEMES {
        if args.store.as_deref().is_some_and(|store| store != scheme) {
            continue;
        }
        let (few, many) = (args.items / 10, args.items);
        let small = measure(scheme, few)?;
        print(scheme, few, &small);
        let large = measure(scheme, many)?;
        print(scheme, many, &large);
        for (verb, small, large) in [
            ("import", small.import, large.import),
            ("up", small.up, large.up),
        ] {
            let ratio = large.anonymous as f64 / small.anonymous.max(1) as f64;
            println!("{scheme:<6} {verb:<6} ratio {ratio:.2} of anonymous memory");
            is_bounded &= ratio <= args.most;
        }
    }
    Ok(is_bounded)
}

fn print(scheme: &str, items: u64, peaks: &Peaks) {
    for (verb, peak) in [("import", peaks.import), ("up", peaks.up)] {
        let Peak {
            anonymous,
            resident,
            took,
            samples,
        } = peak;
        let mib = |kib: u64| kib as f64 / 1024.0;
        println!(
            "{scheme:<6} {verb:<6} {items:>10}  {:>11.1}  {:>9.1}  {:>8.1}  {samples:>7}",
            mib(anonymous),
            mib(resident),
            took.as_secs_f64()
        );
    }
}
