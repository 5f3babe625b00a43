//! Kills, stops and wakes workers that carry runs out together on one PostgreSQL; see `godwit_tests::campaign::group`.
//!
//! `cargo run -p godwit-tests --bin group -- --kills 2000 --zombies 300`; exits with 1 if anything was lost, done twice or
//! stuck.

use std::process::ExitCode;

use clap::Parser;
use godwit_tests::campaign::group::{Settings, campaign};

/// Disturb workers of one store; nothing may be lost, done twice or stuck.
#[derive(Debug, Parser)]
struct Args {
    /// How many workers there are at a time.
    #[arg(long, default_value_t = 8)]
    workers: usize,
    /// How many kills there are to be.
    #[arg(long, default_value_t = 2_000)]
    kills: u64,
    /// How many workers are to be stopped beyond their lease.
    #[arg(long, default_value_t = 300)]
    zombies: u64,
    /// How many items there are in each run.
    #[arg(long, default_value_t = 1_200)]
    items: usize,
    /// How long leases last, in milliseconds.
    #[arg(long, default_value_t = 1_000)]
    lease: u64,
    /// What everything random is drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let Args {
        workers,
        kills,
        zombies,
        items,
        lease,
        seed,
    } = Args::parse();
    let settings = Settings {
        workers,
        kills,
        zombies,
        items,
        lease,
        seed,
    };
    match campaign(settings, &mut |line| eprintln!("{line}")) {
        Ok(score) => {
            score
                .violations
                .iter()
                .for_each(|violation| println!("{violation}"));
            println!("{}", score.table("postgres"));
            ExitCode::from(u8::from(!score.is_clean()))
        }
        Err(error) => {
            eprintln!("group: {error}");
            ExitCode::from(2)
        }
    }
}
