//! A store that somebody else works on.

use std::io::Write;

use godwit::store::{OpenMode, Sled};
use godwit_tests::cli::{Cli, Started};

use super::{GOOD, IMPORT, with_items};

/// Starts an import that holds the lease for as long as its input goes on.
fn importing(cli: &Cli) -> Started {
    let mut import = cli.start("godwit import --app other --collection others --version 1.0.0");
    let stdin = import.child.stdin.as_mut().expect("it is piped");
    let lines: String = (0..20_000).map(|n| format!("{{\"_id\":{n}}}\n")).collect();
    stdin.write_all(lines.as_bytes()).expect("it reads");
    // The first batch is there: it holds the lease.
    while !cli.run("godwit status").out.contains("\nothers ") {}
    import
}

#[test]
fn lmdb_may_be_read_while_another_process_holds_the_lease() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    let import = importing(&cli);
    insta::assert_snapshot!(cli.session(&[
        "godwit up",
        "godwit up --json",
        "godwit undo 1",
        "godwit baseline append 1.5.0",
        IMPORT,
        "godwit runs",
        "godwit plan",
        "godwit get items a",
    ]), @r#"
$ godwit up
2> error: [host] (process [pid]) is busy with import on this store
2> hint: wait until it is done; if it died on another machine, its lease ends by itself in [time]
[exit 5]
$ godwit up --json
2> error: [host] (process [pid]) is busy with import on this store
2> hint: wait until it is done; if it died on another machine, its lease ends by itself in [time]
{
  "error": "[host] (process [pid]) is busy with import on this store",
  "hint": "wait until it is done; if it died on another machine, its lease ends by itself in [time]"
}
[exit 5]
$ godwit undo 1
2> error: [host] (process [pid]) is busy with import on this store
2> hint: wait until it is done; if it died on another machine, its lease ends by itself in [time]
[exit 5]
$ godwit baseline append 1.5.0
2> error: [host] (process [pid]) is busy with import on this store
2> hint: wait until it is done; if it died on another machine, its lease ends by itself in [time]
[exit 5]
$ godwit import --app append --collection items --version 1.0.0 items.ndjson
2> error: [host] (process [pid]) is busy with import on this store
2> hint: wait until it is done; if it died on another machine, its lease ends by itself in [time]
[exit 5]
$ godwit runs
there was no run yet
$ godwit plan
append 1.0.0 -> 2.0.0 (offline) by append-2-0-0.wasm
  append (offline) rewrites items, writes tallies: 4 items
$ godwit get items a
{"_id":"a","n":1}
"#);
    let import = import.finish();
    assert_eq!(import.code, Some(0), "{import}");
    cli.prepare(&["godwit up"]);
}

#[test]
fn sled_belongs_to_the_process_that_opened_it() {
    let cli = super::of_kind("sled", GOOD, &["append-2-0-0"]);
    let sled = Sled::open(&cli.path("store"), OpenMode::Existing).expect("it opens");
    insta::assert_snapshot!(cli.session(&["godwit status", "godwit up", "godwit status --json"]), @r#"
$ godwit status
2> error: the store at store is already open, here or in another process
2> hint: wait until the other process is done with it
[exit 5]
$ godwit up
2> error: the store at [folder]/store is already open, here or in another process
2> hint: wait until the other process is done with it
[exit 5]
$ godwit status --json
2> error: the store at store is already open, here or in another process
2> hint: wait until the other process is done with it
{
  "error": "the store at store is already open, here or in another process",
  "hint": "wait until the other process is done with it"
}
[exit 5]
"#);
    drop(sled);
    cli.prepare(&["godwit up"]);
}

#[test]
fn a_lease_does_not_outlive_its_holder() {
    let cli = with_items(GOOD, &["append-2-0-0"]);
    let mut import = importing(&cli);
    import.child.kill().expect("it is there");
    import.child.wait().expect("it can be waited for");
    cli.prepare(&["godwit up"]);
}
