//! The command line: every verb, with good and bad input, as transcripts.

mod baseline;
mod busy;
mod completions;
mod config;
mod dry_run;
mod export;
mod findings;
mod generate;
mod get;
mod help;
mod import;
mod inspect;
mod interrupts;
mod json;
mod lines;
mod pipes;
mod plan;
mod prune;
mod quarantine;
mod readme;
mod runs;
mod status;
mod stores;
mod terminal;
mod undo;
mod up;

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

/// What is seen on every kind of store, which has to be the same but for the kind's name.
fn on_each_kind(items: &str, guests: &[&str], lines: &[&str]) -> String {
    let seen = KINDS.map(|kind| {
        let seen = of_kind(kind, items, guests).session(lines);
        without_sizes(&seen.replace(kind, "[kind]"))
    });
    let [lmdb, sled] = seen;
    assert_eq!(timeless(&lmdb), timeless(&sled));
    lmdb
}

/// A transcript without the sizes of stores.
fn without_sizes(seen: &str) -> String {
    let line = |line: &str| match line.split_once(":store, ") {
        Some((store, _)) => format!("{store}:store, [size]"),
        None => line.to_owned(),
    };
    seen.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A transcript without times, for comparisons.
fn timeless(seen: &str) -> String {
    let is_digit = |c: char| c.is_ascii_digit();
    let line = |line: &str| match line.rsplit_once(" in ") {
        Some((rest, time)) if time.starts_with(is_digit) => rest.to_owned(),
        _ => line.to_owned(),
    };
    let year = |line: String| line.split("T").next().unwrap_or_default().to_owned();
    let lines = seen.lines().map(line);
    let is_moment = |line: &str| line.contains("Z  ");
    let lines = lines.map(|line| if is_moment(&line) { year(line) } else { line });
    lines.collect::<Vec<_>>().join("\n")
}
