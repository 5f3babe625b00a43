//! Measures what Godwit aims at, as ratios in one run, and puts them into the tables of README.md and benches/README.md.
//!
//! `cargo run --release -p godwit-benches --bin targets -- --write`. Whatever is compared is measured in turn, round by
//! round, and the fastest round of each counts: the others tell of what else the machine did.

mod memory;
mod peers;
mod runs;
mod table;

use std::path::Path;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use table::Row;

/// Measure what Godwit aims at.
#[derive(Debug, Parser)]
struct Args {
    /// Migrate so many real documents of about 1 KB.
    #[arg(long, default_value_t = 200_000)]
    items: usize,
    /// Measure each so often.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Measure this only.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Hold others to so many documents; those that go one by one to a hundredth of them.
    #[arg(long, default_value_t = 1_000_000)]
    peer_items: usize,
    /// Compare the peak of memory at so many items with that at a hundredth.
    #[arg(long, default_value_t = 10_000_000)]
    memory_items: u64,
    /// Put the rows into the tables.
    #[arg(long)]
    write: bool,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Whole runs beside their parts and beside native code.
    Runs,
    /// The guest's text beside a native tree.
    Editing,
    /// Five pending versions beside one.
    Chain,
    /// A cached plugin.
    Load,
    /// `godwit status`.
    Status,
    /// The peak of memory.
    Memory,
    /// What others take for the same.
    Peers,
}

fn main() {
    let args = Args::parse();
    let day = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let mut lines = Vec::new();
    for part in Part::value_variants() {
        if !args.only.is_empty() && !args.only.contains(part) {
            continue;
        }
        for row in measure(*part, &args) {
            let line = row.line(&day);
            println!("{line}");
            lines.push(line);
        }
    }
    if args.write {
        let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
        for page in [benches.join("README.md"), benches.join("../README.md")] {
            table::write(&page, &lines);
        }
    }
}

fn measure(part: Part, args: &Args) -> Vec<Row> {
    let items = || runs::items(args.items);
    match part {
        Part::Runs => runs::whole(&items(), args.rounds),
        Part::Editing => vec![runs::editing(args.rounds)],
        Part::Chain => vec![runs::chain(&items(), args.rounds)],
        Part::Load => vec![runs::loading()],
        Part::Status => vec![runs::status()],
        Part::Memory => vec![memory::peak(args.memory_items)],
        Part::Peers => peers::compare(args.peer_items),
    }
}

/// The shortest of several times.
#[derive(Default)]
struct Best(Option<Duration>);

impl Best {
    fn add(&mut self, took: Duration) {
        self.0 = Some(self.0.map_or(took, |known| known.min(took)));
    }

    fn seconds(&self) -> f64 {
        self.0.map_or(f64::NAN, |took| took.as_secs_f64())
    }
}
