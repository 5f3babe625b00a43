//! Kills the real command line at random moments and compares what it leaves with an undisturbed
//! run; see `godwit_tests::campaign::kills`.
//!
//! `cargo run -p godwit-tests --bin kills -- --store lmdb --kills 200`; exits with 1 if anything was
//! lost, done twice or stuck.

use std::process::ExitCode;

use clap::Parser;
use godwit_tests::campaign::kills::Settings;
use godwit_tests::campaign::stores::KINDS;
use godwit_tests::campaign::{backups, kills, shadows};

/// Kill godwit at random moments; nothing may be lost, done twice or stuck.
#[derive(Debug, Parser)]
struct Args {
    /// The kind of store.
    #[arg(long, value_parser = KINDS)]
    store: String,
    /// What is killed.
    #[arg(long, value_enum, default_value_t = What::Runs)]
    what: What,
    /// How many kills of each long command there are to be.
    #[arg(long, default_value_t = 200)]
    kills: u64,
    /// What everything random is drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many documents are migrated.
    #[arg(long, default_value_t = 1_200)]
    items: usize,
    /// Bytes of documents in a batch.
    #[arg(long, default_value_t = 24_576)]
    batch_bytes: u32,
    /// Keep the folder with the stores.
    #[arg(long)]
    keep: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum What {
    /// Imports, runs and undos.
    Runs,
    /// Backups and restores: each command so often.
    Backups,
    /// Shadow runs, what is written meanwhile, and the ways back: each command so often.
    Shadows,
}

fn main() -> ExitCode {
    let Args {
        store,
        what,
        kills: number,
        seed,
        items,
        batch_bytes,
        keep,
    } = Args::parse();
    let settings = Settings {
        scheme: store,
        kills: number,
        seed,
        items,
        batch_bytes,
        keep,
    };
    let title = settings.scheme.clone();
    let say = &mut |line: &str| eprintln!("{line}");
    let score = match what {
        What::Runs => kills::campaign(settings, say),
        What::Backups => backups::campaign(settings, say),
        What::Shadows => shadows::campaign(settings, say),
    };
    match score {
        Ok(score) => {
            score
                .violations
                .iter()
                .for_each(|violation| println!("{violation}"));
            println!("{}", score.table(&title));
            ExitCode::from(u8::from(!score.is_clean()))
        }
        Err(error) => {
            eprintln!("kills: {error}");
            ExitCode::from(2)
        }
    }
}
