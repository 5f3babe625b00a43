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
    /// Measure each so often, and judge the medians: a peak is a matter of moments.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=99))]
    rounds: u16,
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
    let mut judge = |store: &str, verb: &str, small: &[Peak], large: &[Peak]| {
        small.iter().for_each(|peak| print(store, verb, few, *peak));
        large
            .iter()
            .for_each(|peak| print(store, verb, many, *peak));
        let ratio = median(large) as f64 / median(small).max(1) as f64;
        println!("{store:<6} {verb:<9} ratio {ratio:.2} of anonymous memory");
        is_bounded &= ratio <= args.most;
    };
    let rounds = 0..args.rounds;
    for scheme in SCHEMES {
        if args.store.as_deref().is_some_and(|store| store != scheme) {
            continue;
        }
        let peaks = |items| {
            let rounds = rounds.clone().map(|_| measure(scheme, items));
            let peaks = rounds.map(|peaks| peaks.map(|peaks| (peaks.import, peaks.up)));
            peaks.collect::<Result<(Vec<Peak>, Vec<Peak>)>>()
        };
        let (small, large) = (peaks(few)?, peaks(many)?);
        judge(scheme, "import", &small.0, &large.0);
        judge(scheme, "up", &small.1, &large.1);
    }
    let peaks = |items| {
        let rounds = rounds.clone().map(|_| measure_transform(items));
        rounds.collect::<Result<Vec<Peak>>>()
    };
    judge("-", "transform", &peaks(few)?, &peaks(many)?);
    Ok(is_bounded)
}

/// The peak of anonymous memory in the middle.
fn median(peaks: &[Peak]) -> u64 {
    let mut peaks: Vec<_> = peaks.iter().map(|peak| peak.anonymous).collect();
    peaks.sort_unstable();
    peaks[peaks.len() / 2]
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
