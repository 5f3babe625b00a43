//! How long an application waits for an item, before, in and after a run that brings its collection to a new version. Prints;
//! asserts nothing.
//!
//! `cargo run --release -p godwit-benches --bin reads`

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use godwit::blocking::Host;
use godwit::plan::Goal;
use godwit::run::{Control, Options, Quiet};
use godwit::store::Store;
use godwit::{Reading, Shape, Surroundings};
use godwit_benches::{STORES, item, store};
use godwit_tests::made::{Order, made};
use godwit_tests::store_conformance::Dice;
use godwit_tests::world::{import, name};
use serde_json::json;
use tempfile::TempDir;

/// Measure how long an application waits for an item.
#[derive(Debug, Parser)]
struct Args {
    /// How many items there are, of about 1 KB each.
    #[arg(long, default_value_t = 100_000)]
    items: usize,
    /// How long is read before and after the run, in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

fn main() {
    let Args { items, seconds } = Args::parse();
    let time = Duration::from_secs(seconds);
    println!("one reader, {items} items of about 1 KB; times in microseconds");
    println!("store  when          shape          reads     p50     p99   p99.9       max");
    for kind in STORES {
        let folder = TempDir::with_prefix("godwit-reads-").expect("there is room");
        let host = host(kind, &folder.path().join("store"), items);
        let newest = Reading::default();
        let stored = Reading {
            shape: Shape::Stored,
            ..Reading::default()
        };
        let for_a_while =
            |reading: &Reading| read(&host, items, reading, &|began| began.elapsed() < time);
        row(kind, "before", "as stored", for_a_while(&stored));
        row(kind, "before", "brought up", for_a_while(&newest));
        let is_over = AtomicBool::new(false);
        let found = std::thread::scope(|scope| {
            let reader =
                scope.spawn(|| read(&host, items, &newest, &|_| !is_over.load(Ordering::Relaxed)));
            let reports = host.up(&Goal::default(), &Quiet, &Control::default());
            is_over.store(true, Ordering::Relaxed);
            reports.expect("the run ends well");
            reader.join().expect("it reads")
        });
        row(kind, "in the run", "either", found);
        row(kind, "after", "as stored", for_a_while(&newest));
    }
}

/// A store with items of 1.0.0, and a migration to 2.0.0 that is to go on while it is read.
fn host(kind: &str, folder: &std::path::Path, items: usize) -> Host {
    let step = json!({"name": "apply", "collection": "items", "online": true});
    let catalogue = made(&[Order::new("made", "2.0.0").step(step)]);
    let store = Store::new(store(kind, folder)).expect("it is a store");
    let mut host = Host::new(store, catalogue, Surroundings::of_this_process());
    host.options = Options {
        threads: 2,
        ..Options::default()
    };
    let documents: Vec<_> = (0..items).map(item).collect();
    import(&host, "made", "items", "1.0.0", &documents);
    host
}

/// Reads at random for as long as it is to, and gives how long each read took.
fn read(
    host: &Host,
    items: usize,
    reading: &Reading,
    goes_on: &dyn Fn(Instant) -> bool,
) -> Vec<Duration> {
    let collection = name("items");
    let mut dice = Dice::new(7);
    let (began, mut took) = (Instant::now(), Vec::new());
    while goes_on(began) {
        let (id, _) = item(dice.below(items));
        let start = Instant::now();
        let found = host.read(&collection, &id, reading);
        took.push(start.elapsed());
        assert!(found.expect("it can be read").is_some(), "{id} is there");
    }
    took
}

fn row(kind: &str, when: &str, shape: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |share: f64| {
        let place = (took.len() as f64 * share) as usize;
        let found = took.get(place.min(took.len().saturating_sub(1)));
        found.map_or(0, Duration::as_micros)
    };
    println!(
        "{kind:<6} {when:<13} {shape:<12} {:>7} {:>7} {:>7} {:>7} {:>9}",
        took.len(),
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}
