//! The command line: every verb, with good and bad input, as transcripts.

mod backup;
mod baseline;
mod bench;
mod busy;
mod check;
mod completions;
mod config;
mod direct;
mod down;
mod dry_run;
mod events;
mod export;
mod findings;
mod generate;
mod get;
mod guide;
mod help;
mod import;
mod inspect;
mod interrupts;
mod json;
mod lines;
mod pack;
mod pipes;
mod plan;
mod project;
mod prune;
mod quarantine;
mod readme;
mod refused;
mod rehearse;
mod repair;
mod runs;
mod safety;
mod sandbox;
mod serve;
mod shadow;
mod status;
mod stores;
mod tables;
mod terminal;
mod transform;
mod undo;
mod up;
mod worker;

use godwit_tests::cli::Cli;

/// The kinds of stores that commands are given on.
const KINDS: [&str; 2] = ["lmdb", "sled"];

/// Items that the `append` guests migrate.
const GOOD: &str = r#"{"_id":"a","n":1}
{"_id":"b","keep":true}
{"_id":"c","remove":true}
{"_id":"d","tally":true}
"#;

/// Items of which two fail.
const MIXED: &str = r#"{"_id":"a","n":1}
{"_id":"b","bad":true}
{"_id":"c","panic":true}
{"_id":"d","n":4}
"#;

const IMPORT: &str = "godwit import --app append --collection items --version 1.0.0 items.ndjson";

/// A folder with an LMDB store of items that have version 1.0.0, and with `append` guests.
fn with_items(items: &str, guests: &[&str]) -> Cli {
    of_kind("lmdb", items, guests)
}

/// The same on a kind of store.
fn of_kind(kind: &str, items: &str, guests: &[&str]) -> Cli {
    let cli = Cli::on(kind, guests);
    cli.write("items.ndjson", items).prepare(&[IMPORT]);
    cli
}

/// A text, packed.
fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}
