//! Cuts the power of the disk below a migration and compares what is left with an undisturbed run;
//! see `godwit_tests::campaign::power`.
//!
//! `cargo run -p godwit-tests --bin power -- --store lmdb --cuts 30`; exits with 1 if anything that
//! was acknowledged is lost, or a store does not open, and with 3 where disks cannot be emulated: it
//! needs root, ext4 and loop devices.

use std::process::ExitCode;

use clap::Parser;
use godwit_tests::campaign::power::{Ending, Settings, campaign};

/// The exit code where the means are missing.
const MISSING: u8 = 3;

/// Cut the power at random moments; nothing that was acknowledged may be lost.
#[derive(Debug, Parser)]
struct Args {
    /// The kind of store.
    #[arg(long, value_parser = ["lmdb", "sled"])]
    store: String,
    /// How many cuts there are to be.
    #[arg(long, default_value_t = 30)]
    cuts: u64,
    /// What everything random is drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many documents are migrated.
    #[arg(long, default_value_t = 4_000)]
    items: usize,
    /// Bytes of documents in a batch.
    #[arg(long, default_value_t = 65_536)]
    batch_bytes: usize,
}

fn main() -> ExitCode {
    let Args {
        store,
        cuts,
        seed,
        items,
        batch_bytes,
    } = Args::parse();
    let settings = Settings {
        scheme: store,
        cuts,
        seed,
        items,
        batch_bytes,
    };
    let title = settings.scheme.clone();
    match campaign(settings, &mut |line| eprintln!("{line}")) {
        Ok(Ending::Score(score)) => {
            score
                .violations
                .iter()
                .for_each(|violation| println!("{violation}"));
            println!("{}", score.table(&title));
            ExitCode::from(u8::from(!score.is_clean()))
        }
        Ok(Ending::Missing(what)) => {
            println!("power cuts cannot be emulated here: {what} is missing");
            ExitCode::from(MISSING)
        }
        Err(error) => {
            eprintln!("power: {error}");
            ExitCode::from(2)
        }
    }
}
